//! Arithmetic. Doubles are computed before their operands are checked: the result is NaN if one of
//! them is not a number.

use super::{Emitter, FALSE, TRUE};
use crate::backend::linear::{
    DoubleComparison, DoubleOperation, IntegerComparison, IntegerOperation, UnaryOperation, Value,
};
use crate::passes::representation::Representation;
use crate::passes::states::State;
use crate::region::Node;
use solvm_compiler::bytecode::{Opcode, Operand};
use solvm_vm::unit::HelperFunctions;

/// An operand of an arithmetic instruction.
#[derive(Clone, Copy)]
enum Side {
    Slot(usize),
    Constant(f64),
}

impl Emitter<'_, '_> {
    /// The two operands.
    fn sides(&self, node: &Node) -> [Side; 2] {
        let code = self.region.frames[node.frame].code;
        let operands = node.opcode.operands();
        [(1, node.word.b()), (2, node.word.c())].map(|(place, operand)| {
            match operands.get(place).map(|&(_, meaning)| meaning) {
                Some(Operand::Register) => Side::Slot(self.region.slot(node, operand)),
                _ => {
                    let constant = code.constant(operand.into());
                    Side::Constant(constant.and_then(|value| value.as_number()).unwrap_or(f64::NAN))
                }
            }
        })
    }

    fn side_as_double(&mut self, side: Side, before: &State) -> Value {
        match side {
            Side::Slot(slot) => self.double(slot, before.held[slot]),
            Side::Constant(number) => Value::double(number),
        }
    }

    pub(super) fn arithmetic(&mut self, index: usize, before: &State) {
        use Opcode::*;
        let node = &self.region.nodes[index];
        let Some(after) = self.after(index) else { return };
        let target = self.region.slot(node, node.word.a());
        let sides = self.sides(node);
        if let Representation::Integer(..) = after.held[target] {
            return self.integer_arithmetic(node, target, sides);
        }
        let [left, right] = sides.map(|side| self.side_as_double(side, before));
        let divisor = match sides[1] {
            Side::Constant(number) => reciprocal(number),
            Side::Slot(_) => None,
        };
        let quotient = |emitter: &mut Self| match divisor {
            Some(reciprocal) => {
                emitter.builder.double(DoubleOperation::Multiply, left, Value::double(reciprocal))
            }
            None => emitter.builder.double(DoubleOperation::Divide, left, right),
        };
        let result = match node.opcode {
            AddVV | AddVK | AddKV => self.builder.double(DoubleOperation::Add, left, right),
            SubtractVV | SubtractVK | SubtractKV => {
                self.builder.double(DoubleOperation::Subtract, left, right)
            }
            MultiplyVV | MultiplyVK | MultiplyKV => {
                self.builder.double(DoubleOperation::Multiply, left, right)
            }
            PowerVK if right.as_double() == Some(2.0_f64.to_bits()) => {
                self.builder.double(DoubleOperation::Multiply, left, left)
            }
            PowerVV | PowerVK => return self.power(index, target, sides, [left, right], before),
            DivideVV | DivideVK | DivideKV => quotient(self),
            _ => {
                let quotient = quotient(self);
                let floor = self.builder.unary(UnaryOperation::Floor, quotient);
                let product = self.builder.double(DoubleOperation::Multiply, floor, right);
                self.builder.double(DoubleOperation::Subtract, left, product)
            }
        };
        let is_number = |side: &Side| match *side {
            Side::Slot(slot) => before.held[slot].is_number(),
            Side::Constant(_) => true,
        };
        if !sides.iter().all(is_number) {
            let exit = self.exit_before(index);
            self.check_number(result, exit);
        }
        self.write_operands(sides, [left, right], target, before);
        self.write_double(target, result);
    }

    /// Keeps operands that have been checked as numbers.
    fn write_operands(
        &mut self,
        sides: [Side; 2],
        operands: [Value; 2],
        target: usize,
        before: &State,
    ) {
        for (side, operand) in sides.into_iter().zip(operands) {
            if let Side::Slot(slot) = side
                && !before.held[slot].is_number()
                && slot != target
            {
                self.write_double(slot, operand);
            }
        }
    }

    fn power(
        &mut self,
        index: usize,
        target: usize,
        sides: [Side; 2],
        operands: [Value; 2],
        before: &State,
    ) {
        for (side, operand) in sides.into_iter().zip(operands) {
            if let Side::Slot(slot) = side
                && !before.held[slot].is_number()
            {
                let exit = self.exit_before(index);
                self.check_number(operand, exit);
            }
        }
        let bits = operands.map(|operand| self.builder.unary(UnaryOperation::ToBits, operand));
        let bits = self.help(HelperFunctions::power(), &bits);
        self.write_operands(sides, operands, target, before);
        let result = self.builder.unary(UnaryOperation::FromBits, bits);
        self.write_double(target, result);
    }

    fn integer_arithmetic(&mut self, node: &Node, target: usize, sides: [Side; 2]) {
        use Opcode::*;
        let [left, right] = sides.map(|side| match side {
            Side::Slot(slot) => self.integer(slot),
            Side::Constant(number) => Value::integer(number as i64),
        });
        let operation = match node.opcode {
            AddVV | AddVK | AddKV => IntegerOperation::Add,
            SubtractVV | SubtractVK | SubtractKV => IntegerOperation::Subtract,
            MultiplyVV | MultiplyVK | MultiplyKV => IntegerOperation::Multiply,
            // Both are positive.
            _ => IntegerOperation::Remainder,
        };
        let result = self.builder.integer(operation, left, right);
        self.write_integer(target, result);
    }

    pub(super) fn negate(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let (target, source) =
            (self.region.slot(node, node.word.a()), self.region.slot(node, node.word.d() as u8));
        let number = self.double(source, before.held[source]);
        if !before.held[source].is_number() {
            let exit = self.exit_before(index);
            self.check_number(number, exit);
        }
        let result = self.builder.unary(UnaryOperation::Negate, number);
        if !before.held[source].is_number() && source != target {
            self.write_double(source, number);
        }
        self.write_double(target, result);
    }

    pub(super) fn not(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let (target, source) =
            (self.region.slot(node, node.word.a()), self.region.slot(node, node.word.d() as u8));
        let result = match before.held[source] {
            Representation::Word => {
                let word = self.word(source, Representation::Word);
                let is_falsy = self.builder.compare(
                    IntegerComparison::AboveOrEqual,
                    word,
                    Value::integer(FALSE),
                );
                self.builder.select(is_falsy, Value::integer(TRUE), Value::integer(FALSE))
            }
            _ => Value::integer(FALSE),
        };
        self.write_word(target, result);
    }

    pub(super) fn is_less(&mut self, index: usize, before: &State) {
        let node = &self.region.nodes[index];
        let target = self.region.slot(node, node.word.a());
        let slots = [node.word.b(), node.word.c()].map(|register| self.region.slot(node, register));
        let [left, right] = slots.map(|slot| self.double(slot, before.held[slot]));
        if !slots.iter().all(|&slot| before.held[slot].is_number()) {
            let exit = self.exit_before(index);
            let is_nan = self.builder.compare_doubles(DoubleComparison::Unordered, left, right);
            self.escape_if(is_nan, exit);
        }
        let comparison = match node.opcode {
            Opcode::IsLess => DoubleComparison::Less,
            _ => DoubleComparison::LessOrEqual,
        };
        let holds = self.builder.compare_doubles(comparison, left, right);
        let result = self.builder.select(holds, Value::integer(TRUE), Value::integer(FALSE));
        self.write_operands(slots.map(Side::Slot), [left, right], target, before);
        self.write_word(target, result);
    }
}

/// The reciprocal of a number, if multiplying by it is exactly dividing.
fn reciprocal(number: f64) -> Option<f64> {
    const MANTISSA: u64 = (1 << 52) - 1;
    let is_power_of_two = number.to_bits() & MANTISSA == 0;
    (is_power_of_two && (1e-100..1e100).contains(&number)).then(|| 1.0 / number)
}
