//! Constants, and numeric loops.

use super::{After, Emitter, NIL};
use crate::backend::linear::{
    DoubleComparison, DoubleOperation, IntegerComparison, IntegerOperation, UnaryOperation, Value,
};
use crate::passes::representation::{LOOP_LIMIT, Representation};
use crate::passes::states::{State, integer_loop};
use solvm_compiler::bytecode::Opcode;

impl Emitter<'_, '_> {
    pub(super) fn constant(&mut self, index: usize) {
        let node = &self.region.nodes[index];
        let a = self.region.slot(node, node.word.a());
        match node.opcode {
            Opcode::LoadPrimitive => {
                self.write_word(a, Value::integer(-1 - i64::from(node.word.d())));
            }
            Opcode::LoadNil => {
                for &slot in &self.effects[index].defines {
                    self.write_word(slot, Value::integer(NIL));
                }
            }
            _ => {
                let code = self.region.frames[node.frame].code;
                let (Some(constant), Some(after)) =
                    (code.constant(node.word.d().into()), self.after(index))
                else {
                    return;
                };
                match (after.held[a], constant.as_number()) {
                    (Representation::Integer(whole, _), _) => {
                        self.write_integer(a, Value::integer(whole));
                    }
                    (_, Some(number)) => self.write_double(a, Value::double(number)),
                    (_, None) => {
                        self.roots.push(constant.root());
                        self.write_word(a, Value::integer(constant.word() as i64));
                    }
                }
            }
        }
    }

    /// The start or the back-edge of a numeric loop.
    pub(super) fn numeric_loop(&mut self, index: usize, before: &State) -> After {
        let node = &self.region.nodes[index];
        let is_first = matches!(node.opcode, Opcode::ForPrepare | Opcode::ForPrepareStep);
        if !is_first {
            self.charge(index);
        }
        let a = self.region.slot(node, node.word.a());
        if integer_loop(self.region, node, before).is_some() {
            return self.loop_of_integers(index, a, is_first, before);
        }
        let exit = self.exit_before(index);
        let [mut variable, limit, step] = [0, 1, 2].map(|part| {
            let held = before.held[a + part];
            let number = self.double(a + part, held);
            if !held.is_number() {
                self.check_number(number, exit);
            }
            number
        });
        if !is_first {
            variable = self.builder.double(DoubleOperation::Add, variable, step);
        }
        let either_sign = matches!(node.opcode, Opcode::ForPrepareStep | Opcode::ForLoopStep);
        let runs = self.runs(either_sign, variable, limit, step);
        // Before what it reads is written.
        let runs = self.flag(runs);
        for (part, number) in [(1, limit), (2, step)] {
            if !before.held[a + part].is_number() {
                self.write_double(a + part, number);
            }
        }
        if !is_first || !before.held[a].is_number() {
            self.write_double(a, variable);
        }
        let variable = match (is_first, before.held[a]) {
            (true, held @ Representation::Integer(..)) => self.double(a, held),
            _ => self.double(a, Representation::Double),
        };
        self.write_double(a + 3, variable);
        let jumps = if is_first { self.builder.not(runs) } else { runs };
        self.branch(index, jumps)
    }

    /// Whether a loop goes on.
    fn runs(&mut self, either_sign: bool, variable: Value, limit: Value, step: Value) -> Value {
        let up = self.builder.compare_doubles(DoubleComparison::LessOrEqual, variable, limit);
        if !either_sign {
            return up;
        }
        let up = self.flag(up);
        let down = self.builder.compare_doubles(DoubleComparison::LessOrEqual, limit, variable);
        let down = self.flag(down);
        let is_positive =
            self.builder.compare_doubles(DoubleComparison::Less, Value::double(0.0), step);
        self.builder.select(is_positive, up, down)
    }

    fn loop_of_integers(
        &mut self,
        index: usize,
        a: usize,
        is_first: bool,
        before: &State,
    ) -> After {
        let Representation::Integer(least, most) = before.held[a + 2] else {
            return After::Branched;
        };
        let is_up = least > 0;
        let limit = match before.held[a + 1] {
            Representation::Integer(low, high) if low >= -LOOP_LIMIT && high <= LOOP_LIMIT => None,
            held => {
                let exit = self.exit_before(index);
                let limit = self.double(a + 1, held);
                let rounding = if is_up { UnaryOperation::Floor } else { UnaryOperation::Ceil };
                let whole = self.builder.unary(rounding, limit);
                // A limit between -1 and 0 is -0 when rounded up.
                let whole = self.builder.double(DoubleOperation::Add, whole, Value::double(0.0));
                let limit = self.whole(whole, exit);
                self.check_bounds(limit, -LOOP_LIMIT, LOOP_LIMIT, exit);
                Some(limit)
            }
        };
        if let Some(limit) = limit {
            self.write_integer(a + 1, limit);
        }
        if !is_first {
            let variable = self.integer(a);
            let step = if least == most { Value::integer(least) } else { self.integer(a + 2) };
            let next = self.builder.integer(IntegerOperation::Add, variable, step);
            self.write_integer(a, next);
        }
        let variable = self.integer(a);
        self.write_integer(a + 3, variable);
        let comparison = match (is_first, is_up) {
            (false, true) => IntegerComparison::LessOrEqual,
            (false, false) => IntegerComparison::GreaterOrEqual,
            (true, true) => IntegerComparison::Greater,
            (true, false) => IntegerComparison::Less,
        };
        let (variable, limit) = (self.integer(a), self.integer(a + 1));
        let jumps = self.builder.compare(comparison, variable, limit);
        self.branch(index, jumps)
    }
}
