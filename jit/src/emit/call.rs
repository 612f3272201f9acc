//! Calls of known functions, and their returns.
//!
//! A called function's frame is where the interpreter would have it: its function and arguments are
//! in place. Its link is written only when the unit leaves.

use super::{After, Emitter, NIL};
use crate::backend::linear::{Class, IntegerComparison, UnaryOperation, Value, Width};
use crate::passes::representation::Representation;
use crate::passes::states::State;
use solvm_vm::unit::{MachineLayout, NumberFunction};
use std::ops::Range;

impl Emitter<'_, '_> {
    /// Enters the frame of a called function, if it is still one of those.
    pub(super) fn call(&mut self, index: usize, frames: Range<usize>, before: &State) -> After {
        self.charge(index);
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let a = self.region.slot(node, node.word.a());
        let found = self.word(a, before.held[a]);
        let is_one_of_several = frames.len() > 1;
        let Some(after) = self.after(index) else { return After::Branched };
        // Some are checked by their code, others by their identity.
        let is_any = |frame: usize| self.region.frames[frame].is_of_any;
        let function_and_code = frames.clone().any(is_any).then(|| {
            let function = self.untag(found, MachineLayout::LUA_FUNCTION, exit);
            let offset = MachineLayout::FUNCTION_PROTOTYPE;
            (function, self.builder.load(Width::Word, function, offset))
        });
        let mut ways = frames.zip(&node.next).peekable();
        while let Some((frame, &target)) = ways.next() {
            let this = &self.region.frames[frame];
            let any = function_and_code.filter(|_| this.is_of_any);
            let (found, expected) = match any {
                Some((_, code)) => (code, this.code.address()),
                None => {
                    self.roots.push(this.function.root());
                    (found, this.function.word())
                }
            };
            let expected = Value::integer(expected as i64);
            let is_last = ways.peek().is_none();
            let other = if is_last {
                self.check_same(found, expected, exit);
                None
            } else {
                let (same, other) = (self.builder.block(), self.builder.block());
                let is_same = self.builder.compare(IntegerComparison::Equal, found, expected);
                self.builder.branch(is_same, same, other);
                self.builder.start(same, self.rank, false);
                Some(other)
            };
            if let Some((function, _)) = any {
                self.enter_any(frame, function, exit);
            }
            self.pass_arguments(index, before);
            if !is_one_of_several {
                return After::Continues;
            }
            self.go_on(&after, target);
            if let Some(other) = other {
                self.builder.start(other, self.rank, false);
            }
        }
        After::Branched
    }

    /// Makes the missing arguments of a call nil; moves all of those of a tail call.
    fn pass_arguments(&mut self, index: usize, before: &State) {
        if self.region.nodes[index].opcode.is_tail_call() {
            return self.pass_values(index, before);
        }
        for &slot in &self.effects[index].defines {
            self.write_word(slot, Value::integer(NIL));
        }
    }

    /// A call of a native from a number to a number.
    pub(super) fn number_function(
        &mut self,
        index: usize,
        function: NumberFunction,
        word: u64,
        before: &State,
    ) {
        self.charge(index);
        let node = &self.region.nodes[index];
        let exit = self.exit_before(index);
        let a = self.region.slot(node, node.word.a());
        let found = self.word(a, before.held[a]);
        self.check_same(found, Value::integer(word as i64), exit);
        let held = before.held[a + 2];
        if let (NumberFunction::Floor, Representation::Integer(..)) = (function, held) {
            let integer = self.integer(a + 2);
            return self.write_integer(a, integer);
        }
        let number = self.double(a + 2, held);
        if !held.is_number() {
            self.check_number(number, exit);
        }
        let result = match function {
            NumberFunction::Floor => self.builder.unary(UnaryOperation::Floor, number),
            NumberFunction::SquareRoot => self.builder.unary(UnaryOperation::SquareRoot, number),
            NumberFunction::Absolute => self.builder.unary(UnaryOperation::Absolute, number),
            NumberFunction::Other(address) => {
                let bits = self.builder.unary(UnaryOperation::ToBits, number);
                let bits = self.builder.call(address, &[bits]);
                self.builder.unary(UnaryOperation::FromBits, bits)
            }
        };
        if !held.is_number() {
            let number = self.double(a + 2, held);
            self.write_double(a + 2, number);
        }
        self.write_double(a, result);
    }

    /// Copies the values that a node uses to the slots that it defines, and makes the others nil:
    /// the results of a function, or the arguments and the function of a tail call.
    pub(super) fn pass_values(&mut self, index: usize, before: &State) {
        let effects = &self.effects[index];
        let is_tail_call = self.region.nodes[index].opcode.is_tail_call();
        let mut values = Vec::new();
        for &(slot, _) in &effects.uses {
            // The targets may be sources of later ones.
            let word = self.word(slot, before.held[slot]);
            let copy = self.builder.variable(Class::Integer);
            self.builder.write(copy, word);
            values.push(copy);
        }
        // The function comes last.
        let function = if is_tail_call { values.pop() } else { None };
        let mut targets = effects.defines.clone();
        if let Some(function) = function
            && let Some(target) = targets.pop()
        {
            let word = self.builder.read(function);
            self.write_word(target, word);
        }
        for (place, slot) in targets.into_iter().enumerate() {
            let value = match values.get(place) {
                Some(&copy) => self.builder.read(copy),
                None => Value::integer(NIL),
            };
            self.write_word(slot, value);
        }
    }
}
