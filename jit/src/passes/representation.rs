//! How the value of a slot is held in machine registers.

use super::kinds::Kind;
use solvm_compiler::bytecode::Opcode;

/// How a value is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Representation {
    /// As a word, any value.
    Word,
    /// As a double.
    Double,
    /// A whole number, not -0, within these bounds, as an integer.
    Integer(i64, i64),
    /// A table: its address, that of its array and of its nodes, and the size of the array.
    Table,
}

/// Integers stay within it, so that sums of them are exact as doubles, too.
const LIMIT: i64 = 1 << 51;
/// The variables of loops stay within it.
pub(crate) const LOOP_LIMIT: i64 = 1 << 31;

use Representation::{Double, Integer, Table, Word};

impl Representation {
    /// Whether it is a number.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Double | Integer(..))
    }

    /// That of a value of which nothing is known but what its uses ask for.
    pub(crate) fn wanted(kind: Kind) -> Representation {
        match kind {
            Kind::Number => Double,
            Kind::Table => Table,
            _ => Word,
        }
    }

    /// That of a constant.
    pub(crate) fn of_number(number: f64) -> Representation {
        let whole = number as i64;
        let is_exact = (whole as f64).to_bits() == number.to_bits();
        if is_exact && whole.abs() < LIMIT { Integer(whole, whole) } else { Double }
    }

    /// Whole numbers within bounds, if these are small enough.
    fn within(low: i64, high: i64) -> Representation {
        if low >= -LIMIT && high <= LIMIT { Integer(low, high) } else { Double }
    }

    /// One for both. Bounds do not grow: that would not end in a loop.
    pub(crate) fn join(self, new: Representation) -> Representation {
        match (self, new) {
            (this, new) if this == new => this,
            (Integer(low, high), Integer(new_low, new_high))
                if low <= new_low && new_high <= high =>
            {
                self
            }
            (this, new) if this.is_number() && new.is_number() => Double,
            _ => Word,
        }
    }

    /// That of the result of an arithmetic instruction.
    pub(crate) fn of_result(
        opcode: Opcode,
        left: Representation,
        right: Representation,
    ) -> Representation {
        use Opcode::*;
        let (Integer(low, high), Integer(right_low, right_high)) = (left, right) else {
            return Double;
        };
        match opcode {
            AddVV | AddVK | AddKV => Self::within(low + right_low, high + right_high),
            SubtractVV | SubtractVK | SubtractKV => {
                Self::within(low - right_high, high - right_low)
            }
            // Zero times a negative number is -0.
            MultiplyVV | MultiplyVK | MultiplyKV
                if low >= 0 && right_low >= 0 && high < 1 << 25 && right_high < 1 << 25 =>
            {
                Self::within(low * right_low, high * right_high)
            }
            ModuloVV | ModuloVK if right_low == right_high && right_low > 0 && low >= 0 => {
                Integer(0, right_low - 1)
            }
            _ => Double,
        }
    }
}
