//! Numbers as text: `%.14g`, which is what `tostring`, `print` and `..` show. And their floor,
//! which `%` needs all the time.

use std::io::Write;
use std::ops::Deref;

/// The significant digits of `%.14g`.
const DIGITS: usize = 14;
/// Longest: `-1.2345678901234e+308`.
const LONGEST: usize = 21;

/// Numbers below it have a floor by [`floor_below_limit`].
pub const FLOOR_LIMIT: f64 = (1u64 << 51) as f64;

/// The whole number that is nearest to a number whose absolute value is below [`FLOOR_LIMIT`]. The
/// base instruction set of x86-64 has no rounding, so that `f64::round` is a call.
#[inline(always)]
pub fn round_below_limit(x: f64) -> f64 {
    // So large that a sum with it has no bits for fractions: it is rounded to a whole number.
    const ROUNDING: f64 = 1.5 * (1u64 << 52) as f64;
    (x + ROUNDING) - ROUNDING
}

/// The floor of such a number; of numbers from 0 to 1 it is +0.
#[inline(always)]
pub fn floor_below_limit(x: f64) -> f64 {
    let whole = round_below_limit(x);
    whole - if whole > x { 1.0 } else { 0.0 }
}

/// The largest whole number that is not above a number.
pub fn floor(x: f64) -> f64 {
    // The sign of -0.0 is kept.
    if x.abs() < FLOOR_LIMIT { floor_below_limit(x).copysign(x) } else { x.floor() }
}

/// A double cut off to an integer; an arbitrary one if it does not fit.
#[inline(always)]
pub(crate) fn truncate(x: f64) -> i64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of the architecture; a value out of range results in i64::MIN.
    unsafe {
        use std::arch::x86_64::{_mm_cvttsd_si64, _mm_set_sd};
        _mm_cvttsd_si64(_mm_set_sd(x))
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        x as i64
    }
}

/// A number's text, without an allocation. Dereferences to its bytes.
#[derive(Clone, Copy)]
pub struct NumberText {
    bytes: [u8; LONGEST],
    /// Where the text starts and ends: integers are written from their last digit on, so that they
    /// end with the bytes.
    start: u8,
    end: u8,
}

/// The decimal digits of 0 to 99.
static DIGIT_PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

impl NumberText {
    /// The most digits that a text has before its exponent.
    pub const DIGITS: usize = DIGITS;
    /// The most bytes that a text has.
    pub const LONGEST: usize = LONGEST;

    /// The text of `x`, as C's `printf("%.14g")` on Linux gives it: `-nan` for a NaN whose sign is
    /// set.
    pub fn new(x: f64) -> NumberText {
        let whole = truncate(x);
        if (whole as f64).to_bits() == x.to_bits()
            && whole.unsigned_abs() < 10_u64.pow(DIGITS as u32)
        {
            return NumberText::of_integer(whole);
        }
        let mut text = NumberText { bytes: [0; LONGEST], start: 0, end: 0 };
        if x.is_sign_negative() {
            text.push(b"-");
        }
        let x = x.abs();
        if x == 0.0 {
            text.push(b"0");
        } else if x.is_finite() {
            text.push_decimal(x);
        } else {
            text.push(if x.is_nan() { b"nan" } else { b"inf" });
        }
        text
    }

    fn of_integer(x: i64) -> NumberText {
        let mut bytes = [0; LONGEST];
        let mut start = LONGEST;
        let mut rest = x.unsigned_abs();
        while rest >= 10 {
            start -= 2;
            bytes[start..start + 2].copy_from_slice(&DIGIT_PAIRS[(rest % 100) as usize]);
            rest /= 100;
        }
        if rest > 0 || start == LONGEST {
            start -= 1;
            bytes[start] = b'0' + rest as u8;
        }
        if x < 0 {
            start -= 1;
            bytes[start] = b'-';
        }
        NumberText { bytes, start: start as u8, end: LONGEST as u8 }
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = usize::from(self.end);
        self.bytes[end..end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len() as u8;
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
            self.push(&NumberText::of_integer(i64::from(exponent)));
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
        &self.bytes[usize::from(self.start)..usize::from(self.end)]
    }
}

/// The first 14 digits of a finite positive number, correctly rounded, and its decimal exponent:
/// `d.ddd * 10^exponent`.
///
/// Rounding the shortest digits that read back as `x` is the same as rounding `x`, with two
/// exceptions: they end in a lone 5 after the 14th, so `x` itself may be on the other side of the
/// middle; or `x` has fewer than 14 significant digits, being subnormal.
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

/// A positive number in decimal: its digits, the first of them not zero, filled with zeros, and the
/// exponent of the first.
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
        let (sign, written) =
            written.strip_prefix(b"-").map_or((1, written), |written| (-1, written));
        decimal.exponent +=
            sign * written.iter().fold(0, |sum, &digit| sum * 10 + i32::from(digit - b'0'));
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
