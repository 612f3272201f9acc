//! Selection of arithmetic.

use super::super::allocate::Place;
use super::super::linear::{DoubleOperation, IntegerOperation, Operand, Register, UnaryOperation};
use super::assembler::{Arithmetic, Logic, Rounding, Shift};
use super::operand::{Flag, General, Memory, RAX, RDX, Source, XMM14, XMM15};
use super::select::Selection;

impl Selection<'_> {
    pub(super) fn integer(
        &mut self,
        operation: IntegerOperation,
        target: Register,
        left: Operand,
        right: Operand,
    ) {
        match operation {
            IntegerOperation::Add => self.arithmetic(Arithmetic::Add, target, left, right),
            IntegerOperation::Subtract => {
                self.arithmetic(Arithmetic::Subtract, target, left, right);
            }
            IntegerOperation::And => self.arithmetic(Arithmetic::And, target, left, right),
            IntegerOperation::Or => self.arithmetic(Arithmetic::Or, target, left, right),
            IntegerOperation::Xor => self.arithmetic(Arithmetic::Xor, target, left, right),
            IntegerOperation::Multiply => self.multiply(target, left, right),
            IntegerOperation::ShiftLeft => self.shift(Shift::Left, target, left, right),
            IntegerOperation::ShiftRight => self.shift(Shift::Right, target, left, right),
            IntegerOperation::ShiftRightSigned => {
                self.shift(Shift::RightSigned, target, left, right);
            }
            IntegerOperation::Remainder => self.remainder(false, target, left, right),
            IntegerOperation::RemainderSigned => self.remainder(true, target, left, right),
        }
    }

    /// Whether the operand is in this machine register.
    fn is_in(&self, operand: Operand, register: General) -> bool {
        matches!(operand, Operand::Register(operand)
            if self.place(operand) == Place::Register(register.0))
    }

    fn arithmetic(
        &mut self,
        mut operation: Arithmetic,
        target: Register,
        mut left: Operand,
        mut right: Operand,
    ) {
        let made = self.target(target);
        let mut is_in_place = self.is_in(left, made);
        if self.is_in(right, made) && !is_in_place {
            // The left operand must not overwrite the right one: a - b is -b + a.
            if operation == Arithmetic::Subtract {
                self.encoder.negate(made);
                operation = Arithmetic::Add;
            }
            (left, right) = (right, left);
            is_in_place = true;
        }
        if !is_in_place {
            if let Some(sum) = self.sum(operation, left, right) {
                self.encoder.load_address(made, sum);
                return self.settle(target, made);
            }
            self.move_general(made, left);
        }
        match right {
            Operand::Integer(constant) if i32::try_from(constant).is_ok() => {
                let made = Source::Register(made);
                self.encoder.arithmetic_constant(operation, made, constant as i32);
            }
            _ => {
                let right = self.constant_source(right);
                self.encoder.arithmetic(operation, made, right);
            }
        }
        self.settle(target, made);
    }

    /// A sum as an address, if its operands are in registers or small.
    fn sum(&self, operation: Arithmetic, left: Operand, right: Operand) -> Option<Memory> {
        let register = |operand: Operand| match self.place(operand.register()?) {
            Place::Register(number) => Some(General(number)),
            _ => None,
        };
        let base = register(left)?;
        match (operation, right) {
            (Arithmetic::Add, Operand::Integer(constant)) => {
                Some(Memory::Base(base, i32::try_from(constant).ok()?))
            }
            (Arithmetic::Subtract, Operand::Integer(constant)) => {
                Some(Memory::Base(base, i32::try_from(constant.checked_neg()?).ok()?))
            }
            (Arithmetic::Add, _) => {
                Some(Memory::Indexed { base, index: register(right)?, shift: 0, offset: 0 })
            }
            _ => None,
        }
    }

    fn multiply(&mut self, target: Register, mut left: Operand, mut right: Operand) {
        let made = self.target(target);
        if let Operand::Integer(constant) = right
            && let Ok(constant) = i32::try_from(constant)
        {
            let left = self.source(left, RAX);
            self.encoder.multiply_constant(made, left, constant);
            return self.settle(target, made);
        }
        if self.is_in(right, made) {
            (left, right) = (right, left);
        }
        self.move_general(made, left);
        let right = self.constant_source(right);
        self.encoder.multiply(made, right);
        self.settle(target, made);
    }

    fn shift(&mut self, shift: Shift, target: Register, left: Operand, right: Operand) {
        let made = self.target(target);
        if let Operand::Integer(count) = right {
            self.move_general(made, left);
            self.encoder.shift_constant(shift, made, count as u8 & 63);
        } else {
            let left = self.source(left, RAX);
            let count = self.general(right, RDX);
            self.encoder.shift(shift, made, left, count);
        }
        self.settle(target, made);
    }

    fn remainder(&mut self, is_signed: bool, target: Register, left: Operand, right: Operand) {
        self.move_general(RAX, left);
        let divisor = self.constant_source(right);
        if is_signed {
            // The quotient by -1 may not fit, which traps; the remainder is 0.
            self.encoder.clear(RDX);
            self.encoder.arithmetic_constant(Arithmetic::Compare, divisor, -1);
            let past = self.encoder.label();
            self.encoder.jump_if(Flag::EQUAL, past);
            self.encoder.extend_sign();
            self.encoder.divide(true, divisor);
            self.encoder.bind(past);
        } else {
            self.encoder.clear(RDX);
            self.encoder.divide(false, divisor);
        }
        self.settle(target, RDX);
    }

    pub(super) fn double(
        &mut self,
        operation: DoubleOperation,
        target: Register,
        left: Operand,
        right: Operand,
    ) {
        // The order decides which of two NaNs is the result, unless one operand is a number.
        let is_number =
            |operand| matches!(operand, Operand::Double(bits) if !f64::from_bits(bits).is_nan());
        let (left, right) = match operation.commutes() && is_number(left) {
            true => (right, left),
            false => (left, right),
        };
        let made = self.double_target(target);
        let left = self.vector(left, XMM14);
        let right = self.double_source(right);
        self.encoder.double_operation(operation, made, left, right);
        self.settle_double(target, made);
    }

    pub(super) fn unary(&mut self, operation: UnaryOperation, target: Register, operand: Operand) {
        match operation {
            UnaryOperation::Floor | UnaryOperation::Ceil => {
                let (made, operand) = (self.double_target(target), self.vector(operand, XMM15));
                let is_floor = operation == UnaryOperation::Floor;
                let rounding = if is_floor { Rounding::Down } else { Rounding::Up };
                self.encoder.round(rounding, made, operand);
                self.settle_double(target, made);
            }
            UnaryOperation::SquareRoot => {
                let (made, operand) = (self.double_target(target), self.vector(operand, XMM15));
                self.encoder.square_root(made, operand);
                self.settle_double(target, made);
            }
            UnaryOperation::Absolute | UnaryOperation::Negate => {
                let (made, operand) = (self.double_target(target), self.vector(operand, XMM15));
                let sign = 1 << 63;
                let (logic, mask) = match operation {
                    UnaryOperation::Absolute => (Logic::And, !sign),
                    _ => (Logic::Xor, sign),
                };
                let mask = Source::Memory(self.encoder.constant(mask));
                self.encoder.logic(logic, made, operand, mask);
                self.settle_double(target, made);
            }
            UnaryOperation::ToDouble => {
                let (made, operand) = (self.double_target(target), self.source(operand, RAX));
                // It keeps the upper half of the target: without this it would wait for it.
                self.encoder.clear_double(made);
                self.encoder.convert_integer(made, operand);
                self.settle_double(target, made);
            }
            UnaryOperation::ToInteger => {
                let (made, operand) = (self.target(target), self.double_source(operand));
                self.encoder.convert_double(made, operand);
                self.settle(target, made);
            }
            UnaryOperation::FromBits => match self.source(operand, RAX) {
                Source::Register(source) => match self.place(target) {
                    Place::Stack(_) => self.settle(target, source),
                    _ => {
                        let made = self.double_target(target);
                        self.encoder.bits_to_double(made, source);
                    }
                },
                Source::Memory(memory) => {
                    let made = self.double_target(target);
                    self.encoder.move_double(made, Source::Memory(memory));
                    self.settle_double(target, made);
                }
            },
            UnaryOperation::ToBits => match self.double_source(operand) {
                Source::Register(source) => match self.place(target) {
                    Place::Stack(_) => self.settle_double(target, source),
                    _ => self.encoder.double_to_bits(self.target(target), source),
                },
                Source::Memory(memory) => {
                    let made = self.target(target);
                    self.encoder.move_word(made, Source::Memory(memory));
                    self.settle(target, made);
                }
            },
        }
    }
}
