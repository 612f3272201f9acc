//! Numbers as text: what `tonumber` and the lexer accept, which in PUC Lua 5.1 is whatever C's
//! `strtod` accepts: decimal and hexadecimal numbers with fraction and exponent, `inf` and `nan`.
//! Results are correctly rounded.

/// The number that `text` is as a whole.
pub fn read(text: &[u8]) -> Option<f64> {
    let (negative, magnitude) = split_sign(text);
    let value = match magnitude {
        [b'0', b'x' | b'X', rest @ ..] => hexadecimal(rest)?,
        [b'0'..=b'9' | b'.', ..] => decimal(magnitude)?,
        _ => named(magnitude)?,
    };
    Some(if negative { -value } else { value })
}

/// Parses `text` as a number, with whitespace around it. As in PUC Lua, text ends at a zero byte.
pub fn read_trimmed(text: &[u8]) -> Option<f64> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = text.split(|&byte| byte == 0).next()?;
    let start = text.iter().position(|byte| !is_space(byte))?;
    let end = text.iter().rposition(|byte| !is_space(byte))?;
    read(text.get(start..=end)?)
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// Splits `text` after the bytes at its start that satisfy `wanted`.
fn split_while(text: &[u8], wanted: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !wanted(byte)).unwrap_or(text.len()))
}

/// Splits `text` into integer digits, fraction digits and the rest; none without any digit.
fn split_digits(text: &[u8], is_digit: impl Fn(&u8) -> bool) -> Option<(&[u8], &[u8], &[u8])> {
    let (integer, rest) = split_while(text, &is_digit);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => split_while(rest, &is_digit),
        _ => (&[][..], rest),
    };
    (!integer.is_empty() || !fraction.is_empty()).then_some((integer, fraction, rest))
}

/// The exponent after its letter: a sign and at least one digit. One too large for any number is
/// clamped.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add =
        |total: i64, digit: &u8| total.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
    let magnitude = digits.iter().fold(0, add);
    Some(if negative { -magnitude } else { magnitude })
}

/// The number of digits of which every integer is exactly a double.
const MAX_EXACT_DIGITS: usize = 15;

fn decimal(text: &[u8]) -> Option<f64> {
    if text.len() <= MAX_EXACT_DIGITS && text.iter().all(u8::is_ascii_digit) {
        return Some(
            text.iter().fold(0, |value: u64, digit| value * 10 + u64::from(digit - b'0')) as f64
        );
    }
    let (integer, fraction, rest) = split_digits(text, u8::is_ascii_digit)?;
    let power = match rest {
        [] => 0,
        [b'e' | b'E', rest @ ..] => exponent(rest)?,
        _ => return None,
    };
    // Checked to be in the grammar that Rust reads too, with correct rounding.
    if text.len() <= LONG && power.unsigned_abs() <= LONG as u64 {
        return std::str::from_utf8(text).ok()?.parse().ok();
    }
    normalized(integer, fraction, power).parse().ok()
}

/// Rust's parser clamps exponents to some ten thousands, before it adds the number of digits. So
/// numerals beyond this length, and exponents beyond this size, are normalized first.
const LONG: usize = 4096;

/// Digits that decide how a number is rounded. Of those after them it matters only whether one is
/// not zero.
const DECIDING_DIGITS: usize = 800;

/// The same number as `0.DIGITSeEXPONENT` with few digits and a small exponent.
fn normalized(integer: &[u8], fraction: &[u8], power: i64) -> String {
    let digits = || integer.iter().chain(fraction).copied();
    let zeros = digits().take_while(|&digit| digit == b'0').count();
    let mut text = String::from("0.");
    text.extend(digits().skip(zeros).take(DECIDING_DIGITS).map(char::from));
    if digits().skip(zeros + DECIDING_DIGITS).any(|digit| digit != b'0') {
        text.push('1');
    }
    let point = integer.len() as i64 - zeros as i64;
    text.push_str(&format!("e{}", power.saturating_add(point).clamp(-LARGE, LARGE)));
    text
}

/// An exponent whose numbers are all zero or infinite.
const LARGE: i64 = 9999;

/// A hexadecimal number without its `0x`.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let (integer, fraction, rest) = split_digits(text, u8::is_ascii_hexdigit)?;
    let power = match rest {
        [] => 0,
        [b'p' | b'P', rest @ ..] => exponent(rest)?,
        _ => return None,
    };
    // The first 15 digits fit in the mantissa; of the others it matters only whether one is not
    // zero, which is kept in the lowest bit: far below the 53 bits of the result, so that it
    // decides nothing but ties.
    let mut mantissa = 0u64;
    // Far from the limits of an i64, and further from those of any number of digits.
    let mut binary_exponent = power.clamp(-(1 << 48), 1 << 48);
    for (place, &byte) in integer.iter().chain(fraction).enumerate() {
        let digit = u64::from(char::from(byte).to_digit(16)?);
        let is_fraction = place >= integer.len();
        if mantissa < 1 << 59 {
            mantissa = mantissa << 4 | digit;
            binary_exponent -= if is_fraction { 4 } else { 0 };
        } else {
            mantissa |= u64::from(digit != 0);
            binary_exponent += if is_fraction { 0 } else { 4 };
        }
    }
    Some(scale(mantissa, binary_exponent))
}

/// `mantissa * 2^exponent`, rounded once, to nearest even.
fn scale(mantissa: u64, exponent: i64) -> f64 {
    const MANTISSA_BITS: i64 = 53;
    const SMALLEST_EXPONENT: i64 = -1074;
    let bits = i64::from(u64::BITS - mantissa.leading_zeros());
    let exponent = exponent.clamp(-LARGE, LARGE);
    if bits + exponent > 1024 {
        return if mantissa == 0 { 0.0 } else { f64::INFINITY };
    }
    // Bits below the result's last place are rounded off here, so that the steps after it are
    // exact.
    let excess = (bits - MANTISSA_BITS).max(SMALLEST_EXPONENT - exponent).max(0);
    if excess > bits + 1 {
        return 0.0;
    }
    let wide = u128::from(mantissa);
    let half = 1u128 << excess >> 1;
    let mut rounded = wide >> excess;
    let remainder = wide & ((1u128 << excess) - 1);
    if remainder > half || (remainder == half && excess > 0 && rounded & 1 == 1) {
        rounded += 1;
    }
    let mut value = rounded as f64;
    let mut left = exponent + excess;
    // Each factor is a power of two within the normal range; a result that is subnormal is already
    // cut to fit.
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        value *= 2f64.powi(step as i32);
        left -= step;
    }
    value
}

/// `inf`, `infinity`, `nan` and `nan(...)` in any case.
fn named(text: &[u8]) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    match lower.as_slice() {
        b"inf" | b"infinity" => Some(f64::INFINITY),
        b"nan" => Some(f64::NAN),
        [b'n', b'a', b'n', b'(', payload @ .., b')'] => payload
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .then_some(f64::NAN),
        _ => None,
    }
}
