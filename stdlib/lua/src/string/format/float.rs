//! Finite positive numbers in the notations of `printf`'s `%f`, `%e` and `%g`, at any precision up
//! to 99.

use solvm_vm::number::NumberText;
use std::io::Write;

/// Maximum length: 309 digits of the largest number, a point, 99 decimals.
const MAX_LENGTH: usize = 416;

/// The digits of a finite positive number in one of the three notations.
pub(super) struct FloatText {
    bytes: [u8; MAX_LENGTH],
    length: usize,
}

impl FloatText {
    pub(super) fn new() -> FloatText {
        FloatText { bytes: [0; MAX_LENGTH], length: 0 }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) {
        let mut free = &mut self.bytes[self.length..];
        let result = free.write_fmt(arguments);
        debug_assert!(result.is_ok(), "MAX_LENGTH is too short");
        self.length = MAX_LENGTH - free.len();
    }

    /// `%f`.
    pub(super) fn fixed(&mut self, x: f64, precision: usize, with_point: bool) {
        match scaled(x, precision) {
            Some(scaled) => self.fixed_from_scaled(scaled, precision),
            None => self.write(format_args!("{x:.precision$}")),
        }
        if precision == 0 && with_point {
            self.push(b".");
        }
    }

    /// Formats `scaled` with the point `precision` digits before its end.
    fn fixed_from_scaled(&mut self, scaled: u64, precision: usize) {
        let mut digits = [b'0'; 40];
        let mut start = digits.len();
        let mut rest = scaled;
        while rest > 0 {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let (_, digits) = digits.split_at(start.min(digits.len() - precision - 1));
        let (whole, decimals) = digits.split_at(digits.len() - precision);
        self.push(whole);
        if precision > 0 {
            self.push(b".");
            self.push(decimals);
        }
    }

    /// `%e`.
    pub(super) fn scientific(&mut self, x: f64, precision: usize, with_point: bool) {
        self.write(format_args!("{x:.precision$e}"));
        let exponent = self.take_exponent();
        if precision == 0 && with_point {
            self.push(b".");
        }
        self.push_exponent(exponent);
    }

    /// `%g`.
    pub(super) fn general(&mut self, x: f64, precision: usize, keep_zeros: bool) {
        if precision == NumberText::DIGITS && !keep_zeros {
            return self.push(&NumberText::new(x));
        }
        let decimals = precision - 1;
        self.write(format_args!("{x:.decimals$e}"));
        let exponent = self.take_exponent();
        // Remove the point, so that only digits remain.
        if self.length > 1 {
            self.bytes.copy_within(2..self.length, 1);
            self.length -= 1;
        }
        if !keep_zeros {
            let last = self.as_mut_slice().iter().rposition(|&digit| digit != b'0');
            self.length = last.map_or(1, |last| last + 1);
        }
        if exponent < -4 || exponent >= precision as i32 {
            if self.length > 1 || keep_zeros {
                self.insert(1, b'.', 1);
            }
            self.push_exponent(exponent);
        } else if exponent < 0 {
            self.insert(0, b'0', exponent.unsigned_abs() as usize);
            self.insert(1, b'.', 1);
        } else {
            let whole = exponent as usize + 1;
            self.insert(self.length, b'0', whole.saturating_sub(self.length));
            if self.length > whole || keep_zeros {
                self.insert(whole, b'.', 1);
            }
        }
    }

    fn insert(&mut self, at: usize, byte: u8, count: usize) {
        self.bytes.copy_within(at..self.length, at + count);
        self.bytes[at..at + count].fill(byte);
        self.length += count;
    }

    /// Removes and parses the exponent that Rust writes: `e-7`.
    fn take_exponent(&mut self) -> i32 {
        let text = self.as_mut_slice();
        let Some(mark) = text.iter().rposition(|&byte| byte == b'e') else { return 0 };
        let written = &text[mark + 1..];
        let (sign, digits) = written.strip_prefix(b"-").map_or((1, written), |digits| (-1, digits));
        let exponent =
            sign * digits.iter().fold(0, |sum, &digit| sum * 10 + i32::from(digit - b'0'));
        self.length = mark;
        exponent
    }

    /// Appends an exponent in C's format: `e-07`.
    fn push_exponent(&mut self, exponent: i32) {
        let sign = if exponent < 0 { '-' } else { '+' };
        self.write(format_args!("e{sign}{:02}", exponent.unsigned_abs()));
    }
}

/// Returns `x * 10^precision`, correctly rounded (ties to even), if exact integer arithmetic can
/// determine it: the usual `%.2f` at a fraction of the cost of the general algorithm.
fn scaled(x: f64, precision: usize) -> Option<u64> {
    const MANTISSA_BITS: u32 = 52;
    let power = 10u128.checked_pow(precision as u32).filter(|_| precision <= 22)?;
    let biased_exponent = (x.to_bits() >> MANTISSA_BITS) as u32;
    if biased_exponent == 0 {
        return (x == 0.0).then_some(0);
    }
    let mantissa = x.to_bits() & ((1 << MANTISSA_BITS) - 1) | 1 << MANTISSA_BITS;
    // x = mantissa / 2^shift, and mantissa * 10^22 is less than 2^127.
    let shift = (1023 + MANTISSA_BITS).checked_sub(biased_exponent)?;
    let product = u128::from(mantissa) * power;
    if shift == 0 {
        return u64::try_from(product).ok();
    }
    if shift > 127 {
        return Some(0);
    }
    let quotient = product >> shift;
    let remainder = product & ((1 << shift) - 1);
    let half = 1 << (shift - 1);
    let rounds_up = remainder > half || remainder == half && quotient & 1 == 1;
    u64::try_from(quotient + u128::from(rounds_up)).ok()
}
