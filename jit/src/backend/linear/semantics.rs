//! What the operations of the linear form compute.
//!
//! The builder folds constants with these functions, and the interpreter of the tests, with which
//! machine code is compared, computes with nothing else. Doubles are given as their bits, since the
//! payloads of NaNs are part of the result: a NaN operand is passed on, made quiet, and an invalid
//! operation results in [`DEFAULT_NAN`].

use super::instruction::{
    DoubleComparison, DoubleOperation, IntegerComparison, IntegerOperation, UnaryOperation,
};

/// The result of an invalid operation.
const DEFAULT_NAN: u64 = 0xfff8 << 48;
/// The bit that distinguishes a quiet NaN.
const QUIET: u64 = 1 << 51;
const SIGN: u64 = 1 << 63;

fn arithmetic(operands: &[u64], operation: impl FnOnce() -> f64) -> u64 {
    if let Some(nan) = operands.iter().find(|&&bits| f64::from_bits(bits).is_nan()) {
        return nan | QUIET;
    }
    let result = operation();
    if result.is_nan() { DEFAULT_NAN } else { result.to_bits() }
}

impl IntegerOperation {
    /// The result; 0 for a divisor of zero, which no instruction may have.
    pub(crate) fn evaluate(self, left: i64, right: i64) -> i64 {
        let count = right as u32 & 63;
        match self {
            IntegerOperation::Add => left.wrapping_add(right),
            IntegerOperation::Subtract => left.wrapping_sub(right),
            IntegerOperation::Multiply => left.wrapping_mul(right),
            IntegerOperation::And => left & right,
            IntegerOperation::Or => left | right,
            IntegerOperation::Xor => left ^ right,
            IntegerOperation::ShiftLeft => left << count,
            IntegerOperation::ShiftRight => (left as u64 >> count) as i64,
            IntegerOperation::ShiftRightSigned => left >> count,
            IntegerOperation::Remainder => {
                (left as u64).checked_rem(right as u64).unwrap_or(0) as i64
            }
            IntegerOperation::RemainderSigned if right == 0 => 0,
            IntegerOperation::RemainderSigned => left.wrapping_rem(right),
        }
    }
}

impl DoubleOperation {
    pub(crate) fn evaluate(self, left: u64, right: u64) -> u64 {
        let (a, b) = (f64::from_bits(left), f64::from_bits(right));
        arithmetic(&[left, right], || match self {
            DoubleOperation::Add => a + b,
            DoubleOperation::Subtract => a - b,
            DoubleOperation::Multiply => a * b,
            DoubleOperation::Divide => a / b,
        })
    }
}

impl UnaryOperation {
    pub(crate) fn evaluate(self, operand: u64) -> u64 {
        let double = f64::from_bits(operand);
        match self {
            UnaryOperation::Floor => arithmetic(&[operand], || double.floor()),
            UnaryOperation::Ceil => arithmetic(&[operand], || double.ceil()),
            UnaryOperation::SquareRoot => arithmetic(&[operand], || double.sqrt()),
            UnaryOperation::Absolute => operand & !SIGN,
            UnaryOperation::Negate => operand ^ SIGN,
            UnaryOperation::ToDouble => (operand as i64 as f64).to_bits(),
            UnaryOperation::ToInteger => {
                // The limits are powers of two, hence exact.
                let fits = double >= i64::MIN as f64 && double < -(i64::MIN as f64);
                (if fits { double as i64 } else { i64::MIN }) as u64
            }
            UnaryOperation::FromBits | UnaryOperation::ToBits => operand,
        }
    }
}

impl IntegerComparison {
    pub(crate) fn holds(self, left: i64, right: i64) -> bool {
        let (unsigned_left, unsigned_right) = (left as u64, right as u64);
        match self {
            IntegerComparison::Equal => left == right,
            IntegerComparison::NotEqual => left != right,
            IntegerComparison::Less => left < right,
            IntegerComparison::LessOrEqual => left <= right,
            IntegerComparison::Greater => left > right,
            IntegerComparison::GreaterOrEqual => left >= right,
            IntegerComparison::Below => unsigned_left < unsigned_right,
            IntegerComparison::BelowOrEqual => unsigned_left <= unsigned_right,
            IntegerComparison::Above => unsigned_left > unsigned_right,
            IntegerComparison::AboveOrEqual => unsigned_left >= unsigned_right,
            IntegerComparison::AnyBit => left & right != 0,
            IntegerComparison::NoBit => left & right == 0,
        }
    }
}

impl DoubleComparison {
    pub(crate) fn holds(self, left: u64, right: u64) -> bool {
        let (a, b) = (f64::from_bits(left), f64::from_bits(right));
        match self {
            DoubleComparison::Equal => a == b,
            DoubleComparison::Less => a < b,
            DoubleComparison::LessOrEqual => a <= b,
            DoubleComparison::Ordered => !a.is_nan() && !b.is_nan(),
            DoubleComparison::NotEqual
            | DoubleComparison::NotLess
            | DoubleComparison::NotLessOrEqual
            | DoubleComparison::Unordered => !self.inverse().holds(left, right),
        }
    }
}
