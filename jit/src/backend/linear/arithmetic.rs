//! The builder's arithmetic and conditions: what is folded, and what becomes an instruction.

use super::builder::Builder;
use super::instruction::{
    Class, Condition, DoubleComparison, DoubleOperation, Instruction, IntegerComparison,
    IntegerOperation, Operand, UnaryOperation,
};
use super::value::{Kind, Value};

impl Builder {
    /// The result of an operation on two integers.
    pub fn integer(&mut self, operation: IntegerOperation, left: Value, right: Value) -> Value {
        use IntegerOperation::*;
        if let (Some(left), Some(right)) = (left.as_integer(), right.as_integer()) {
            return Value::integer(operation.evaluate(left, right));
        }
        let is_scaled = matches!(right.kind, Kind::Scaled(_));
        if operation.commutes() && left.as_integer().is_some() && !is_scaled {
            return self.integer(operation, right, left);
        }
        match (operation, left.kind, right.kind) {
            (Add, Kind::Scaled(_), Kind::Operand(_)) => {
                return self.integer(operation, right, left);
            }
            (Add, Kind::Operand(base), Kind::Scaled(index)) => {
                let base = self.current_operand(base, left.time);
                return self.value(Kind::Element(base, self.current_register(index, right.time)));
            }
            (ShiftLeft, Kind::Operand(Operand::Register(index)), _)
                if right.as_integer() == Some(3) =>
            {
                return self.value(Kind::Scaled(self.current_register(index, left.time)));
            }
            _ => {}
        }
        match (operation, right.as_integer()) {
            (Add | Subtract | Or | Xor | ShiftLeft | ShiftRight | ShiftRightSigned, Some(0))
            | (Multiply, Some(1))
            | (And, Some(-1)) => return left,
            (Multiply | And, Some(0)) => return Value::integer(0),
            (Multiply, Some(factor)) if factor.count_ones() == 1 => {
                let count = Value::integer(i64::from(factor.trailing_zeros()));
                return self.integer(ShiftLeft, left, count);
            }
            (Remainder, Some(divisor)) if divisor.count_ones() == 1 => {
                return self.integer(And, left, Value::integer(divisor.wrapping_sub(1)));
            }
            (RemainderSigned, Some(1 | -1)) => return Value::integer(0),
            (Remainder | RemainderSigned, divisor) => {
                debug_assert_ne!(divisor, Some(0), "a division by zero");
            }
            _ => {}
        }
        let (left, right) = (self.operand(left), self.operand(right));
        let result = self.push_integer(operation, left, right);
        self.value(Kind::Operand(result))
    }

    pub(super) fn push_integer(
        &mut self,
        operation: IntegerOperation,
        left: Operand,
        right: Operand,
    ) -> Operand {
        debug_assert!([left, right].iter().all(|&x| self.class(x) == Class::Integer));
        let target = self.temporary(Class::Integer);
        self.push(Instruction::Integer { operation, target, left, right });
        Operand::Register(target)
    }

    /// The result of an operation on two doubles.
    pub fn double(&mut self, operation: DoubleOperation, left: Value, right: Value) -> Value {
        if let (Some(left), Some(right)) = (left.as_double(), right.as_double()) {
            return Value::constant(Operand::Double(operation.evaluate(left, right)));
        }
        let (left, right) = (self.operand(left), self.operand(right));
        debug_assert!([left, right].iter().all(|&x| self.class(x) == Class::Double));
        let target = self.temporary(Class::Double);
        self.push(Instruction::Double { operation, target, left, right });
        self.register_value(target)
    }

    /// The result of an operation on one value.
    pub fn unary(&mut self, operation: UnaryOperation, value: Value) -> Value {
        let operand = self.operand(value);
        debug_assert_eq!(self.class(operand), operation.operand_class());
        let constant = match operand {
            Operand::Integer(value) => Some(value as u64),
            Operand::Double(bits) => Some(bits),
            Operand::Register(_) => None,
        };
        if let Some(constant) = constant {
            let result = operation.evaluate(constant);
            return Value::constant(match operation.result_class() {
                Class::Integer => Operand::Integer(result as i64),
                Class::Double => Operand::Double(result),
            });
        }
        let target = self.temporary(operation.result_class());
        self.push(Instruction::Unary { operation, target, operand });
        self.register_value(target)
    }

    /// 1 if the comparison of two integers holds, else 0.
    pub fn compare(&mut self, comparison: IntegerComparison, left: Value, right: Value) -> Value {
        use IntegerComparison::*;
        if let (Some(left), Some(right)) = (left.as_integer(), right.as_integer()) {
            return Value::integer(i64::from(comparison.holds(left, right)));
        }
        if left.as_integer().is_some() {
            return self.compare(comparison.exchanged(), right, left);
        }
        if let (Equal | NotEqual, Kind::Condition(_), Some(0)) =
            (comparison, left.kind, right.as_integer())
        {
            return if comparison == Equal { self.not(left) } else { left };
        }
        let (left, right) = (self.operand(left), self.operand(right));
        debug_assert!([left, right].iter().all(|&x| self.class(x) == Class::Integer));
        self.value(Kind::Condition(Condition::Integer(comparison, left, right)))
    }

    /// 1 if the comparison of two doubles holds, else 0.
    pub fn compare_doubles(
        &mut self,
        comparison: DoubleComparison,
        left: Value,
        right: Value,
    ) -> Value {
        if let (Some(left), Some(right)) = (left.as_double(), right.as_double()) {
            return Value::integer(i64::from(comparison.holds(left, right)));
        }
        let (left, right) = (self.operand(left), self.operand(right));
        debug_assert!([left, right].iter().all(|&x| self.class(x) == Class::Double));
        self.value(Kind::Condition(Condition::Double(comparison, left, right)))
    }

    /// 1 if the value is 0, else 0.
    pub fn not(&mut self, value: Value) -> Value {
        match value.kind {
            Kind::Condition(condition) => {
                Value { kind: Kind::Condition(condition.inverse()), time: value.time }
            }
            _ => self.compare(IntegerComparison::Equal, value, Value::integer(0)),
        }
    }

    /// One of two values of the same class.
    pub fn select(&mut self, condition: Value, yes: Value, no: Value) -> Value {
        if let Some(constant) = condition.as_integer() {
            return if constant == 0 { no } else { yes };
        }
        let (yes, no) = (self.operand(yes), self.operand(no));
        debug_assert_eq!(self.class(yes), self.class(no));
        let condition = self.condition(condition);
        let target = self.temporary(self.class(yes));
        self.push(Instruction::Select { target, condition, yes, no });
        self.register_value(target)
    }
}
