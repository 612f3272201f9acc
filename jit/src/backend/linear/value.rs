//! What the builder's instructions use: operands, and what is not computed yet.

use super::instruction::{Condition, Operand, Register};

/// A register that may be written many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable(pub(super) Register);

impl Variable {
    /// Its register, for exits.
    pub fn register(self) -> Register {
        self.0
    }
}

/// What an instruction may use.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    pub(super) kind: Kind,
    /// When it was made.
    pub(super) time: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Operand(Operand),
    /// 1 if the condition holds, else 0.
    Condition(Condition),
    /// Eight times the register.
    Scaled(Register),
    /// The operand plus eight times the register.
    Element(Operand, Register),
}

impl Value {
    /// The address of the frame's slots.
    pub const BASE: Value = Value::constant(Operand::Register(Register::BASE));
    /// The address of the caller's state.
    pub const CONTEXT: Value = Value::constant(Operand::Register(Register::CONTEXT));

    pub(super) const fn constant(operand: Operand) -> Value {
        Value { kind: Kind::Operand(operand), time: u32::MAX }
    }

    /// An integer.
    pub const fn integer(value: i64) -> Value {
        Value::constant(Operand::Integer(value))
    }

    /// A double.
    pub const fn double(value: f64) -> Value {
        Value::constant(Operand::Double(value.to_bits()))
    }

    /// Its value, if it is a constant integer.
    pub fn as_integer(self) -> Option<i64> {
        match self.kind {
            Kind::Operand(Operand::Integer(value)) => Some(value),
            _ => None,
        }
    }

    /// Its bits, if it is a constant double.
    pub fn as_double(self) -> Option<u64> {
        match self.kind {
            Kind::Operand(Operand::Double(bits)) => Some(bits),
            _ => None,
        }
    }
}
