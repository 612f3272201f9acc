//! Numbers as text: `%.14g`, which is what `tostring`, `print` and `..` show. And their floor, which `%` needs all the time.

use std::io::Write;
use std::ops::Deref;

/// The significant digits of `%.14g`.
const DIGITS: usize = 14;
/// Longest: `-1.2345678901234e+308`.
const LONGEST: usize = 21;

/// Numbers below it have a floor by [`floor_below_limit`].
pub const FLOOR_LIMIT: f64 = (1u64 << 51) as f64;

/// The floor of a number whose absolute value is below [`FLOOR_LIMIT`]; of 0 and what lies between it and 1 it is +0. The base
/// instruction set of x86-64 has none, so that `f64::floor` is a call.
#[inline(always)]
pub fn floor_below_limit(x: f64) -> f64 {
    // So large that a sum with it has no bits for fractions: it is rounded to a whole number.
    const ROUNDING: f64 = 1.5 * (1u64 << 52) as f64;
    let whole = (x + ROUNDING) - ROUNDING;
    if whole > x { whole - 1.0 } else { whole }
}

/// A number's text, without an allocation. Dereferences to its bytes.
#[derive(Clone, Copy)]
pub struct NumberText {
    bytes: [u8; LONGEST],
    length: u8,
}

impl NumberText {
    /// The most digits that a text has before its exponent.
    pub const DIGITS: usize = DIGITS;

    /// The text of `x`, as C's `printf("%.14g")` on Linux gives it: `-nan` for a NaN whose sign is set.
    pub fn new(x: f64) -> NumberText {
        let mut text = NumberText { bytes: [0; LONGEST], length: 0 };
        if x.is_sign_negative() {
            text.push(b"-");
        }
        let x = x.abs();
        if x < 1e14 && x as u64 as f64 == x {
            text.push_integer(x as u64);
        } else if x.is_finite() {
            text.push_decimal(x);
        } else {
            text.push(if x.is_nan() { b"nan" } else { b"inf" });
        }
        text
    }

    fn push(&mut self, bytes: &[u8]) {
        let start = usize::from(self.length);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len() as u8;
    }

    fn push_integer(&mut self, mut x: u64) {
        let start = usize::from(self.length);
        let end = start + x.checked_ilog10().map_or(1, |log| log as usize + 1);
        for digit in self.bytes[start..end].iter_mut().rev() {
            *digit = b'0' + (x % 10) as u8;
            x /= 10;
        }
        self.length = end as u8;
    }

    fn push_decimal(&mut self, x: f64) {
        let (digits, exponent) = significant_digits(x);
        let length = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
        let digits = &digits[..length];
        if exponent < -4 || exponent >= DIGITS as i32 {
            self.push(&digits[..1]);
            if length > 1 {
                self.push(b".");
                self.push(&digits[1..]);
            }
            self.push(if exponent < 0 { b"e-" } else { b"e+" });
            let exponent = exponent.unsigned_abs();
            if exponent < 10 {
                self.push(b"0");
            }
            self.push_integer(u64::from(exponent));
        } else if exponent < 0 {
            self.push(&b"0.000"[..1 + exponent.unsigned_abs() as usize]);
            self.push(digits);
        } else {
            let whole = exponent as usize + 1;
            self.push(&digits[..whole.min(length)]);
            for _ in length..whole {
                self.push(b"0");
            }
            if length > whole {
                self.push(b".");
                self.push(&digits[whole..]);
            }
        }
    }
}

impl Deref for NumberText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// The first 14 digits of a finite positive number, correctly rounded, and its decimal exponent: `d.ddd * 10^exponent`.
///
/// Rounding the shortest digits that read back as `x` is the same as rounding `x`, with two exceptions: they end in a lone
/// 5 behind the 14th, so `x` itself may lie on the other side of the middle; or `x` has fewer than 14 digits to tell,
/// being subnormal.
fn significant_digits(x: f64) -> ([u8; DIGITS], i32) {
    let mut shortest = Decimal::read(ryu::Buffer::new().format_finite(x).as_bytes());
    let (digits, tail) = shortest.digits.split_at_mut(DIGITS);
    if *tail == *b"500" || x < f64::MIN_POSITIVE {
        let mut buffer = [0; LONGEST];
        let mut unused = &mut buffer[..];
        let written = write!(unused, "{x:.13e}");
        debug_assert!(written.is_ok());
        let length = LONGEST - unused.len();
        let exact = Decimal::read(&buffer[..length]);
        digits.copy_from_slice(&exact.digits[..DIGITS]);
        shortest.exponent = exact.exponent;
    } else if tail[0] >= b'5' {
        match digits.iter().rposition(|&digit| digit != b'9') {
            Some(place) => {
                digits[place] += 1;
                digits[place + 1..].fill(b'0');
            }
            None => {
                digits.fill(b'0');
                digits[0] = b'1';
                shortest.exponent += 1;
            }
        }
    }
    let mut rounded = [0; DIGITS];
    rounded.copy_from_slice(digits);
    (rounded, shortest.exponent)
}

/// A positive number in decimal: its digits, the first of them not zero, filled with zeros, and the exponent of the first.
struct Decimal {
    digits: [u8; 17],
    exponent: i32,
}

impl Decimal {
    /// Reads `12.5`, `0.001` or `1.25e-7`.
    fn read(text: &[u8]) -> Decimal {
        let mut decimal = Decimal { digits: [b'0'; 17], exponent: -1 };
        let mut count = 0;
        let mut is_fraction = false;
        let mut bytes = text.iter();
        for &byte in bytes.by_ref() {
            match byte {
                b'.' => is_fraction = true,
                b'e' => break,
                b'0' if count == 0 => decimal.exponent -= i32::from(is_fraction),
                digit => {
                    if let Some(place) = decimal.digits.get_mut(count) {
                        *place = digit;
                    }
                    count += 1;
                    decimal.exponent += i32::from(!is_fraction);
                }
            }
        }
        let written = bytes.as_slice();
        let (sign, written) = written.strip_prefix(b"-").map_or((1, written), |written| (-1, written));
        decimal.exponent += sign * written.iter().fold(0, |sum, &digit| sum * 10 + i32::from(digit - b'0'));
        decimal
    }
}

#[cfg(test)]
mod tests {
    use super::NumberText;

    /// What C's `printf("%.14g")` prints.
    const CASES: &[(f64, &str)] = &[
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-17.0, "-17"),
        (0.1, "0.1"),
        (1.0 / 3.0, "0.33333333333333"),
        (2.0 / 3.0, "0.66666666666667"),
        (123456.789, "123456.789"),
        (100.0, "100"),
        (1e13, "10000000000000"),
        (99999999999999.0, "99999999999999"),
        (99999999999999.5, "1e+14"),
        (1e14, "1e+14"),
        (123456789012345.0, "1.2345678901234e+14"),
        (123456789012355.0, "1.2345678901236e+14"),
        (9007199254740992.0, "9.007199254741e+15"),
        (1e15, "1e+15"),
        (1e100, "1e+100"),
        (1e-4, "0.0001"),
        (0.00012345, "0.00012345"),
        (1e-5, "1e-05"),
        (0.00009999999999999999, "0.0001"),
        (1.5e-10, "1.5e-10"),
        (f64::MAX, "1.7976931348623e+308"),
        (-f64::MAX, "-1.7976931348623e+308"),
        (5e-324, "4.9406564584125e-324"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "-nan"),
        (std::f64::consts::PI, "3.1415926535898"),
        (9.99999999999995, "10"),
        (9.999999999999999, "10"),
    ];

    #[test]
    fn is_what_printf_prints() {
        for &(x, expected) in CASES {
            assert_eq!(String::from_utf8_lossy(&NumberText::new(x)), expected, "{x:e}");
        }
    }
}
