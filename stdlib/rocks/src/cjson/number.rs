//! Numbers as text in the ways of C: `printf("%.*g")` and `strtod`.

/// Appends a number with at most that many significant digits.
pub(super) fn write(x: f64, precision: usize, text: &mut Vec<u8>) {
    const EXACT: f64 = 1e14;
    if x.is_nan() {
        text.extend_from_slice(b"nan");
        return;
    }
    if x.is_infinite() {
        text.extend_from_slice(if x < 0.0 { b"-inf" } else { b"inf" });
        return;
    }
    if precision >= 14 && x.fract() == 0.0 && x.abs() < EXACT && (x != 0.0 || !x.is_sign_negative())
    {
        text.extend_from_slice((x as i64).to_string().as_bytes());
        return;
    }
    let precision = precision.max(1);
    let scientific = format!("{:.*e}", precision.saturating_sub(1), x);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => digits.to_string(),
    };
    let digits = if exponent < -4 || exponent >= precision as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim(digits), exponent.unsigned_abs())
    } else {
        let decimals = (precision as i32).saturating_sub(1).saturating_sub(exponent).max(0);
        trim(&format!("{:.*}", decimals as usize, x))
    };
    text.extend_from_slice(digits.as_bytes());
}

/// The longest number: its conversion cannot be interrupted.
const LONGEST: usize = 64 << 10;

/// Reads the longest number at the start of a text, with infinity, NaN and hexadecimal numbers, and
/// returns its length. None if there is none.
pub(super) fn read(text: &[u8]) -> Option<(f64, usize)> {
    let text = text.get(..LONGEST).unwrap_or(text);
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let is_negative = text.first() == Some(&b'-');
    let rest = text.get(sign..)?;
    let signed = |x: f64| if is_negative { -x } else { x };
    for (word, value) in
        [(&b"infinity"[..], f64::INFINITY), (b"inf", f64::INFINITY), (b"nan", f64::NAN)]
    {
        if starts_with(rest, word) {
            return Some((signed(value), sign.saturating_add(word.len())));
        }
    }
    if starts_with(rest, b"0x")
        && let Some((value, length)) = read_hexadecimal(rest.get(2..)?)
    {
        return Some((signed(value), sign.saturating_add(2).saturating_add(length)));
    }
    let digits = |from: usize| {
        let rest = rest.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let whole = digits(0);
    let mut length = whole;
    let mut count = whole;
    if rest.get(length) == Some(&b'.') {
        let fraction = digits(length.saturating_add(1));
        count = count.saturating_add(fraction);
        if count > 0 {
            length = length.saturating_add(1).saturating_add(fraction);
        }
    }
    if count == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = rest.get(length) {
        let mut at = length.saturating_add(1);
        at = at.saturating_add(usize::from(matches!(rest.get(at), Some(b'-' | b'+'))));
        let exponent = digits(at);
        if exponent > 0 {
            length = at.saturating_add(exponent);
        }
    }
    let digits = std::str::from_utf8(rest.get(..length)?).ok()?;
    Some((signed(digits.parse().ok()?), sign.saturating_add(length)))
}

/// Whether a text starts with a word in any case.
pub(super) fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Reads hexadecimal digits with a fraction and an exponent of two.
fn read_hexadecimal(text: &[u8]) -> Option<(f64, usize)> {
    let mut value = 0.0_f64;
    let mut scale = 0_i32;
    let mut count = 0_usize;
    let mut in_fraction = false;
    let mut at = 0_usize;
    for &byte in text {
        if let Some(digit) = char::from(byte).to_digit(16) {
            value = value * 16.0 + f64::from(digit);
            count = count.saturating_add(1);
            scale = scale.saturating_sub(if in_fraction { 4 } else { 0 });
        } else if byte == b'.' && !in_fraction {
            in_fraction = true;
        } else {
            break;
        }
        at = at.saturating_add(1);
    }
    if count == 0 {
        return None;
    }
    if let Some(b'p' | b'P') = text.get(at) {
        let mut from = at.saturating_add(1);
        let is_negative = text.get(from) == Some(&b'-');
        from = from.saturating_add(usize::from(matches!(text.get(from), Some(b'-' | b'+'))));
        let digits: Vec<u8> =
            text.get(from..)?.iter().copied().take_while(u8::is_ascii_digit).collect();
        if !digits.is_empty() {
            let exponent = std::str::from_utf8(&digits).ok()?.parse::<i32>().unwrap_or(1 << 20);
            scale = scale.saturating_add(if is_negative {
                exponent.saturating_neg()
            } else {
                exponent
            });
            at = from.saturating_add(digits.len());
        }
    }
    Some((value * 2.0_f64.powi(scale), at))
}
