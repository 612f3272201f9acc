//! Random numbers, special values, and lists of all operations.

use super::super::linear::{
    DoubleComparison, DoubleOperation, IntegerComparison, IntegerOperation, UnaryOperation,
};

/// A generator of random numbers (SplitMix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// True once in that many times, on average.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn integer(&mut self) -> i64 {
        match self.below(3) {
            0 => self.pick(&INTEGERS),
            1 => self.below(40) as i64 - 20,
            _ => (self.next() as i64) >> self.below(64),
        }
    }

    pub(super) fn double(&mut self) -> u64 {
        match self.below(3) {
            0 => self.pick(&DOUBLES),
            1 => (self.below(40) as f64 / 2.0 - 10.0).to_bits(),
            _ => self.next(),
        }
    }

    pub(super) fn word(&mut self) -> u64 {
        if self.once_in(2) { self.integer() as u64 } else { self.double() }
    }
}

pub(super) const INTEGERS: [i64; 17] = [
    0,
    1,
    -1,
    2,
    8,
    127,
    128,
    -128,
    -129,
    i32::MAX as i64,
    i32::MIN as i64,
    i32::MAX as i64 + 1,
    i32::MIN as i64 - 1,
    u32::MAX as i64,
    1 << 53,
    i64::MAX,
    i64::MIN,
];

/// Zeros, infinities, limits of conversions, quiet and signalling NaNs.
pub(super) const DOUBLES: [u64; 17] = [
    0,
    1 << 63,
    0x3ff0_0000_0000_0000,
    0xbff8_0000_0000_0000,
    0x3fe0_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff8_0000_0000_1234,
    0xfff4_0000_0000_0001,
    0x7fef_ffff_ffff_ffff,
    1,
    0x43e0_0000_0000_0000,
    0xc3e0_0000_0000_0000,
    0x43df_ffff_ffff_ffff,
    0xc3e0_0000_0000_0001,
];

pub(super) const INTEGER_OPERATIONS: [IntegerOperation; 11] = [
    IntegerOperation::Add,
    IntegerOperation::Subtract,
    IntegerOperation::Multiply,
    IntegerOperation::And,
    IntegerOperation::Or,
    IntegerOperation::Xor,
    IntegerOperation::ShiftLeft,
    IntegerOperation::ShiftRight,
    IntegerOperation::ShiftRightSigned,
    IntegerOperation::Remainder,
    IntegerOperation::RemainderSigned,
];

pub(super) const DOUBLE_OPERATIONS: [DoubleOperation; 4] = [
    DoubleOperation::Add,
    DoubleOperation::Subtract,
    DoubleOperation::Multiply,
    DoubleOperation::Divide,
];

pub(super) const UNARY_OPERATIONS: [UnaryOperation; 9] = [
    UnaryOperation::Floor,
    UnaryOperation::Ceil,
    UnaryOperation::SquareRoot,
    UnaryOperation::Absolute,
    UnaryOperation::Negate,
    UnaryOperation::ToDouble,
    UnaryOperation::ToInteger,
    UnaryOperation::FromBits,
    UnaryOperation::ToBits,
];

pub(super) const INTEGER_COMPARISONS: [IntegerComparison; 12] = [
    IntegerComparison::Equal,
    IntegerComparison::NotEqual,
    IntegerComparison::Less,
    IntegerComparison::LessOrEqual,
    IntegerComparison::Greater,
    IntegerComparison::GreaterOrEqual,
    IntegerComparison::Below,
    IntegerComparison::BelowOrEqual,
    IntegerComparison::Above,
    IntegerComparison::AboveOrEqual,
    IntegerComparison::AnyBit,
    IntegerComparison::NoBit,
];

pub(super) const DOUBLE_COMPARISONS: [DoubleComparison; 8] = [
    DoubleComparison::Equal,
    DoubleComparison::NotEqual,
    DoubleComparison::Less,
    DoubleComparison::NotLess,
    DoubleComparison::LessOrEqual,
    DoubleComparison::NotLessOrEqual,
    DoubleComparison::Ordered,
    DoubleComparison::Unordered,
];
