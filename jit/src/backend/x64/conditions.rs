//! Comparisons, and what is done with their outcome.
//!
//! A comparison sets the flags; nothing that changes flags may follow it until they are used. After
//! a comparison of doubles that are not ordered, the flags for "equal", "below" and "unordered" are
//! set: "above" and "above or equal" do not hold then, so that "less" is tested as "greater" with
//! the operands exchanged. Equality needs two flags.

use super::super::allocate::Place;
use super::super::linear::{
    Block, Class, Condition, DoubleComparison, IntegerComparison, Operand, Register,
};
use super::assembler::Arithmetic;
use super::encoder::Label;
use super::operand::{Flag, RAX, RDX, Source, XMM14};
use super::select::Selection;

/// Which flags mean that a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// This one.
    One(Flag),
    /// "Equal" and "ordered".
    Equal,
    /// "Not equal" or "unordered".
    NotEqual,
}

impl Test {
    fn inverse(self) -> Test {
        match self {
            Test::One(flag) => Test::One(flag.inverse()),
            Test::Equal => Test::NotEqual,
            Test::NotEqual => Test::Equal,
        }
    }
}

impl Selection<'_> {
    /// Sets the flags.
    pub(super) fn compare(&mut self, condition: Condition) -> Test {
        match condition {
            Condition::Integer(comparison, left, right) => {
                use IntegerComparison::*;
                let flag = match comparison {
                    Equal | NoBit => Flag::EQUAL,
                    NotEqual | AnyBit => Flag::NOT_EQUAL,
                    Less => Flag::LESS,
                    LessOrEqual => Flag::LESS_OR_EQUAL,
                    Greater => Flag::GREATER,
                    GreaterOrEqual => Flag::GREATER_OR_EQUAL,
                    Below => Flag::BELOW,
                    BelowOrEqual => Flag::BELOW_OR_EQUAL,
                    Above => Flag::ABOVE,
                    AboveOrEqual => Flag::ABOVE_OR_EQUAL,
                };
                match comparison {
                    AnyBit | NoBit => self.test_bits(left, right),
                    _ => self.compare_integers(left, right),
                }
                Test::One(flag)
            }
            Condition::Double(comparison, left, right) => {
                use DoubleComparison::*;
                let (exchange, test) = match comparison {
                    Equal => (false, Test::Equal),
                    NotEqual => (false, Test::NotEqual),
                    Less => (true, Test::One(Flag::ABOVE)),
                    NotLess => (true, Test::One(Flag::BELOW_OR_EQUAL)),
                    LessOrEqual => (true, Test::One(Flag::ABOVE_OR_EQUAL)),
                    NotLessOrEqual => (true, Test::One(Flag::BELOW)),
                    Ordered => (false, Test::One(Flag::ORDERED)),
                    Unordered => (false, Test::One(Flag::UNORDERED)),
                };
                let (left, right) = if exchange { (right, left) } else { (left, right) };
                let left = self.vector(left, XMM14);
                let right = self.double_source(right);
                self.encoder.compare_doubles(left, right);
                test
            }
        }
    }

    fn compare_integers(&mut self, left: Operand, right: Operand) {
        let Operand::Integer(constant) = right else {
            let left = self.general(left, RAX);
            let right = self.source(right, RDX);
            return self.encoder.arithmetic(Arithmetic::Compare, left, right);
        };
        match i32::try_from(constant) {
            Ok(constant) => match self.source(left, RAX) {
                // The same flags as those of a comparison with 0.
                Source::Register(left) if constant == 0 => {
                    self.encoder.test(Source::Register(left), left);
                }
                left => self.encoder.arithmetic_constant(Arithmetic::Compare, left, constant),
            },
            Err(_) => {
                let left = self.general(left, RAX);
                let right = self.constant_source(right);
                self.encoder.arithmetic(Arithmetic::Compare, left, right);
            }
        }
    }

    fn test_bits(&mut self, left: Operand, right: Operand) {
        let left = self.source(left, RAX);
        match right {
            Operand::Integer(constant) if i32::try_from(constant).is_ok() => {
                self.encoder.test_constant(left, constant as i32);
            }
            _ => {
                let right = self.general(right, RDX);
                self.encoder.test(left, right);
            }
        }
    }

    pub(super) fn jump_if(&mut self, test: Test, label: Label) {
        match test {
            Test::One(flag) => self.encoder.jump_if(flag, label),
            Test::NotEqual => {
                self.encoder.jump_if(Flag::NOT_EQUAL, label);
                self.encoder.jump_if(Flag::UNORDERED, label);
            }
            Test::Equal => {
                let past = self.encoder.label();
                self.encoder.jump_if(Flag::UNORDERED, past);
                self.encoder.jump_if(Flag::EQUAL, label);
                self.encoder.bind(past);
            }
        }
    }

    pub(super) fn branch(&mut self, condition: Condition, yes: Block, no: Block) {
        let mut test = self.compare(condition);
        let (mut target, mut other) = (yes, no);
        if self.is_next(yes) {
            (target, other) = (no, yes);
            test = test.inverse();
        }
        self.jump_if(test, self.block_label(target));
        self.encoder.jump(self.block_label(other));
    }

    pub(super) fn set(&mut self, target: Register, condition: Condition) {
        match self.compare(condition) {
            Test::One(flag) => self.encoder.set_if(flag, RAX),
            Test::Equal => {
                self.encoder.set_if(Flag::ORDERED, RAX);
                self.encoder.set_if(Flag::EQUAL, RDX);
                self.encoder.combine_bytes(Arithmetic::And, RAX, RDX);
            }
            Test::NotEqual => {
                self.encoder.set_if(Flag::UNORDERED, RAX);
                self.encoder.set_if(Flag::NOT_EQUAL, RDX);
                self.encoder.combine_bytes(Arithmetic::Or, RAX, RDX);
            }
        }
        let made = self.target(target);
        self.encoder.extend_byte(made, RAX);
        self.settle(target, made);
    }

    pub(super) fn select(
        &mut self,
        target: Register,
        condition: Condition,
        yes: Operand,
        no: Operand,
    ) {
        let test = self.compare(condition);
        match self.function.class(target) {
            Class::Integer => self.select_integer(target, test, yes, no),
            Class::Double => self.select_double(target, test, yes, no),
        }
    }

    /// Whether an operand, and not the other one, is in the register of the target.
    fn is_at_target(&self, target: Register, operand: Operand, other: Operand) -> bool {
        let is_there = |operand: Operand| {
            operand.register().is_some_and(|register| {
                matches!(self.place(register), Place::Register(_))
                    && self.place(register) == self.place(target)
            })
        };
        is_there(operand) && !is_there(other)
    }

    /// The target starts as "no" and becomes "yes", or the other way round if it already is "yes".
    fn select_integer(&mut self, target: Register, test: Test, yes: Operand, no: Operand) {
        // Of two flags, "or" is two moves, "and" is not.
        let (mut test, mut yes, mut no) = match test {
            Test::Equal => (Test::NotEqual, no, yes),
            _ => (test, yes, no),
        };
        let mut made = self.target(target);
        if self.is_at_target(target, yes, no) {
            match test {
                Test::One(flag) => {
                    (test, yes, no) = (Test::One(flag.inverse()), no, yes);
                }
                _ => made = RAX,
            }
        }
        self.move_general(made, no);
        let yes = self.source(yes, RDX);
        let flags: &[Flag] = match test {
            Test::One(flag) => &[flag],
            _ => &[Flag::NOT_EQUAL, Flag::UNORDERED],
        };
        flags.iter().for_each(|&flag| self.encoder.move_if(flag, made, yes));
        self.settle(target, made);
    }

    fn select_double(&mut self, target: Register, test: Test, yes: Operand, no: Operand) {
        let (test, yes, no) = match self.is_at_target(target, yes, no) {
            true => (test.inverse(), no, yes),
            false => (test, yes, no),
        };
        let made = self.double_target(target);
        self.move_vector(made, no);
        let past = self.encoder.label();
        self.jump_if(test.inverse(), past);
        self.move_vector(made, yes);
        self.encoder.bind(past);
        self.settle_double(target, made);
    }
}
