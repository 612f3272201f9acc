//! Comparisons and tests.

use super::{After, Emitter, FALSE};
use crate::backend::linear::{Class, DoubleComparison, IntegerComparison, IntegerOperation, Value};
use crate::passes::representation::Representation;
use crate::passes::states::State;
use solvm_compiler::bytecode::{Opcode, Operand};
use solvm_vm::unit::{HelperFunctions, MachineLayout};

impl Emitter<'_, '_> {
    pub(super) fn comparison(&mut self, index: usize, before: &State) -> After {
        use Opcode::*;
        match self.region.nodes[index].opcode {
            EqualVV | NotEqualVV => self.equal(index, before),
            EqualVK | NotEqualVK => self.equal_constant(index, before),
            EqualVP | NotEqualVP => self.equal_primitive(index, before),
            _ => self.less(index, before),
        }
    }

    /// `<`, `<=` and their negations.
    fn less(&mut self, index: usize, before: &State) -> After {
        use Opcode::*;
        let node = &self.region.nodes[index];
        let a = self.region.slot(node, node.word.a());
        let is_register =
            node.opcode.operands().get(1).is_some_and(|&(_, meaning)| meaning == Operand::Register);
        let d = is_register.then(|| self.region.slot(node, node.word.d() as u8));
        let constant = self.region.frames[node.frame].code.constant(node.word.d().into());
        let constant = constant.and_then(|constant| constant.as_number()).unwrap_or(f64::NAN);
        let is_reversed = matches!(node.opcode, LessKV | NotLessKV | LessEqualKV | NotLessEqualKV);
        let is_negated = matches!(
            node.opcode,
            NotLessVV | NotLessVK | NotLessKV | NotLessEqualVV | NotLessEqualVK | NotLessEqualKV
        );
        let or_equal = matches!(
            node.opcode,
            LessEqualVV
                | LessEqualVK
                | LessEqualKV
                | NotLessEqualVV
                | NotLessEqualVK
                | NotLessEqualKV
        );
        let held = d.map_or(Representation::of_number(constant), |slot| before.held[slot]);
        if let (Representation::Integer(..), Representation::Integer(whole, _)) =
            (before.held[a], held)
        {
            let left = self.integer(a);
            let right = match d {
                Some(slot) => self.integer(slot),
                None => Value::integer(whole),
            };
            let (left, right) = if is_reversed { (right, left) } else { (left, right) };
            let comparison = match (or_equal, is_negated) {
                (false, false) => IntegerComparison::Less,
                (true, false) => IntegerComparison::LessOrEqual,
                (false, true) => IntegerComparison::GreaterOrEqual,
                (true, true) => IntegerComparison::Greater,
            };
            let holds = self.builder.compare(comparison, left, right);
            return self.branch(index, holds);
        }
        let left = self.double(a, before.held[a]);
        let right = match d {
            Some(slot) => self.double(slot, before.held[slot]),
            None => Value::double(constant),
        };
        let slots = [(Some(a), left), (d, right)];
        let unknown = slots.map(|(slot, value)| {
            slot.filter(|&slot| !before.held[slot].is_number()).map(|slot| (slot, value))
        });
        if unknown.iter().any(Option::is_some) {
            let exit = self.exit_before(index);
            let is_nan = self.builder.compare_doubles(DoubleComparison::Unordered, left, right);
            self.escape_if(is_nan, exit);
        }
        for (slot, value) in unknown.into_iter().flatten() {
            self.write_double(slot, value);
        }
        // What was written is read again.
        let mut now = |slot: usize| {
            let held = if before.held[slot].is_number() {
                before.held[slot]
            } else {
                Representation::Double
            };
            self.double(slot, held)
        };
        let left = now(a);
        let right = d.map_or(Value::double(constant), now);
        let (left, right) = if is_reversed { (right, left) } else { (left, right) };
        let comparison = match (or_equal, is_negated) {
            (false, false) => DoubleComparison::Less,
            (true, false) => DoubleComparison::LessOrEqual,
            (false, true) => DoubleComparison::NotLess,
            (true, true) => DoubleComparison::NotLessOrEqual,
        };
        let holds = self.builder.compare_doubles(comparison, left, right);
        self.branch(index, holds)
    }

    fn equal_primitive(&mut self, index: usize, before: &State) -> After {
        let node = &self.region.nodes[index];
        let a = self.region.slot(node, node.word.a());
        let word = self.word(a, before.held[a]);
        // Nil, false and true are the largest words.
        let primitive = Value::integer(-1 - i64::from(node.word.d()));
        let comparison = match node.opcode {
            Opcode::EqualVP => IntegerComparison::Equal,
            _ => IntegerComparison::NotEqual,
        };
        let holds = self.builder.compare(comparison, word, primitive);
        self.branch(index, holds)
    }

    /// With a number or a short string.
    fn equal_constant(&mut self, index: usize, before: &State) -> After {
        let node = &self.region.nodes[index];
        let a = self.region.slot(node, node.word.a());
        let is_equal = node.opcode == Opcode::EqualVK;
        let constant = self.region.frames[node.frame].code.constant(node.word.d().into());
        let Some(constant) = constant else { return After::Branched };
        let holds = match constant.as_number() {
            Some(number) => {
                let comparison =
                    if is_equal { DoubleComparison::Equal } else { DoubleComparison::NotEqual };
                let left = self.double(a, before.held[a]);
                self.builder.compare_doubles(comparison, left, Value::double(number))
            }
            None => {
                let comparison =
                    if is_equal { IntegerComparison::Equal } else { IntegerComparison::NotEqual };
                let word = self.word(a, before.held[a]);
                // The constant lives as long as its function, which the unit belongs to or keeps.
                self.roots.push(constant.root());
                self.builder.compare(comparison, word, Value::integer(constant.word() as i64))
            }
        };
        self.branch(index, holds)
    }

    fn equal(&mut self, index: usize, before: &State) -> After {
        let node = &self.region.nodes[index];
        let slots =
            [self.region.slot(node, node.word.a()), self.region.slot(node, node.word.d() as u8)];
        let [left, right] = slots.map(|slot| self.double(slot, before.held[slot]));
        let is_equal = node.opcode == Opcode::EqualVV;
        if slots.iter().any(|&slot| before.held[slot].is_number()) {
            let comparison =
                if is_equal { DoubleComparison::Equal } else { DoubleComparison::NotEqual };
            let holds = self.builder.compare_doubles(comparison, left, right);
            return self.branch(index, holds);
        }
        let numbers = self.builder.compare_doubles(DoubleComparison::Equal, left, right);
        let numbers = self.flag(numbers);
        let exit = self.exit_before(index);
        let [x, y] = slots.map(|slot| self.word(slot, before.held[slot]));
        let difference = self.builder.integer(IntegerOperation::Xor, x, y);
        // A NaN differs from itself.
        let first_tagged = Value::integer(MachineLayout::FIRST_TAGGED as i64);
        let is_tagged = self.builder.compare(IntegerComparison::AboveOrEqual, x, first_tagged);
        let is_tagged = self.flag(is_tagged);
        let is_same = self.builder.compare(IntegerComparison::Equal, difference, Value::integer(0));
        let same = self.builder.select(is_same, is_tagged, Value::integer(0));
        let equal = self.builder.integer(IntegerOperation::Or, numbers, same);
        // Different objects of one type may be equal by a metamethod or by their bytes.
        let tags =
            self.builder.integer(IntegerOperation::ShiftRight, difference, Value::integer(48));
        let is_one_type = self.builder.compare(IntegerComparison::Equal, tags, Value::integer(0));
        let object = self.is_object(x);
        let is_doubtful = self.builder.select(is_one_type, object, Value::integer(0));
        let is_doubtful = self.builder.select(equal, Value::integer(0), is_doubtful);
        let result = self.builder.variable(Class::Integer);
        self.builder.write(result, equal);
        let (look, next) = (self.builder.block(), self.builder.block());
        self.builder.branch(is_doubtful, look, next);
        self.builder.start(look, self.rank, true);
        let equal = self.help(HelperFunctions::equal(), &[Value::CONTEXT, x, y]);
        let has_metamethod =
            self.builder.compare(IntegerComparison::Equal, equal, Value::integer(2));
        self.escape_if(has_metamethod, exit);
        self.builder.write(result, equal);
        self.builder.jump(next);
        self.builder.start(next, self.rank, false);
        let equal = self.builder.read(result);
        let holds = if is_equal { equal } else { self.builder.not(equal) };
        self.branch(index, holds)
    }

    /// 1 if a word is an object's, else 0.
    pub(super) fn is_object(&mut self, word: Value) -> Value {
        let first = Value::integer(MachineLayout::FIRST_TAGGED as i64);
        let distance = self.builder.integer(IntegerOperation::Subtract, word, first);
        let range = MachineLayout::FIRST_PRIMITIVE - MachineLayout::FIRST_TAGGED;
        let holds =
            self.builder.compare(IntegerComparison::Below, distance, Value::integer(range as i64));
        self.flag(holds)
    }

    pub(super) fn jump_if(&mut self, index: usize, before: &State) -> After {
        let node = &self.region.nodes[index];
        let a = self.region.slot(node, node.word.a());
        let word = self.word(a, before.held[a]);
        let comparison = match node.opcode {
            Opcode::JumpIfTrue => IntegerComparison::Below,
            _ => IntegerComparison::AboveOrEqual,
        };
        let holds = self.builder.compare(comparison, word, Value::integer(FALSE));
        self.branch(index, holds)
    }
}
