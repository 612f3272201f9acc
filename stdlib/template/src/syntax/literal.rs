//! Literals of Go: numbers, characters and strings, as far as whether they are well-formed; and
//! texts quoted as in Go's messages.

/// Whether underscores are only between digits, or after the prefix of a base.
fn has_placed_underscores(digits: &str, has_prefix: bool) -> bool {
    let mut last = if has_prefix { '0' } else { '_' };
    for next in digits.chars() {
        if next == '_' && !last.is_ascii_hexdigit() || last == '_' && !next.is_ascii_hexdigit() {
            return false;
        }
        last = next;
    }
    last != '_'
}

/// Whether a text has only digits of a base, at least one, and underscores.
fn are_digits(text: &str, base: u32) -> bool {
    text.contains(|digit: char| digit.is_digit(base))
        && text.chars().all(|digit| digit == '_' || digit.is_digit(base))
}

fn without_sign(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

/// The base and the digits of an integer without its sign.
fn based(text: &str) -> (u32, &str, bool) {
    let with_prefix = |letters: [char; 2]| text.strip_prefix('0')?.strip_prefix(letters);
    if let Some(digits) = with_prefix(['x', 'X']) {
        (16, digits, true)
    } else if let Some(digits) = with_prefix(['b', 'B']) {
        (2, digits, true)
    } else if let Some(digits) = with_prefix(['o', 'O']) {
        (8, digits, true)
    } else {
        match text.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => (8, digits, true),
            _ => (10, text, false),
        }
    }
}

/// Whether it is an integer: None if it does not look like one, false if it is too large.
fn integer(text: &str) -> Option<bool> {
    let is_negative = text.starts_with('-');
    let (base, digits, has_prefix) = based(without_sign(text));
    if !are_digits(digits, base) || !has_placed_underscores(digits, has_prefix) {
        return None;
    }
    let value = digits.bytes().filter(|digit| *digit != b'_').try_fold(0_u64, |value, digit| {
        let digit = char::from(digit).to_digit(base)?;
        value.checked_mul(u64::from(base))?.checked_add(u64::from(digit))
    });
    Some(value.is_some_and(|value| !is_negative || value <= 1 << 63))
}

/// Whether it is a floating-point number: decimal, or hexadecimal with an exponent.
fn is_float(text: &str) -> bool {
    let text = without_sign(text);
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, base, exponents) = match hexadecimal {
        Some(digits) => (digits, 16, ['p', 'P']),
        None => (text, 10, ['e', 'E']),
    };
    let (mantissa, exponent) = match digits.split_once(exponents) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = are_digits(&[whole, fraction].concat(), base)
        && (whole.is_empty() || has_placed_underscores(whole, hexadecimal.is_some()))
        && (fraction.is_empty() || has_placed_underscores(fraction, false));
    let is_exponent = |text: &str| {
        let digits = without_sign(text);
        are_digits(digits, 10) && has_placed_underscores(digits, false)
    };
    is_mantissa
        && match exponent {
            Some(exponent) => is_exponent(exponent),
            None => hexadecimal.is_none(),
        }
}

/// Fails if a number is malformed or too large.
pub(super) fn check_number(text: &str) -> Result<(), String> {
    let is_imaginary = text.strip_suffix('i').is_some_and(is_float);
    match integer(text) {
        Some(true) => Ok(()),
        _ if is_imaginary => Ok(()),
        // Such as 089, too, which is only octal with other digits.
        _ if is_float(text) && !text.contains(['.', 'e', 'E', 'p', 'P']) => {
            Err(format!("integer overflow: {}", quoted(text)))
        }
        _ if is_float(text) => Ok(()),
        _ => Err(format!("illegal number syntax: {}", quoted(text))),
    }
}

/// The rest after a character or an escape sequence in `quote`s; None if it is malformed.
fn after_character(text: &str, quote: char) -> Option<&str> {
    let mut rest = text.chars();
    let escape = match rest.next()? {
        '\\' => rest.next()?,
        '\n' => return None,
        first if first == quote => return None,
        _ => return Some(rest.as_str()),
    };
    let (count, base, most) = match escape {
        'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => return Some(rest.as_str()),
        escape if escape == quote => return Some(rest.as_str()),
        'x' => (2, 16, 0xff),
        'u' => (4, 16, u32::from(char::MAX)),
        'U' => (8, 16, u32::from(char::MAX)),
        '0'..='7' => {
            // The digit belongs to the number.
            rest = text.get(1..)?.chars();
            (3, 8, 0xff)
        }
        _ => return None,
    };
    let mut value = 0_u32;
    for _ in 0..count {
        value = value.checked_mul(base)?.checked_add(rest.next()?.to_digit(base)?)?;
    }
    let is_character = !matches!(escape, 'u' | 'U') || char::from_u32(value).is_some();
    (value <= most && is_character).then_some(rest.as_str())
}

/// Fails if a character constant, with its quotes, is malformed.
pub(super) fn check_character(text: &str) -> Result<(), String> {
    match text.get(1..).and_then(|text| after_character(text, '\'')) {
        Some("'") => Ok(()),
        Some(_) => Err(format!("malformed character constant: {text}")),
        None => Err("invalid syntax".to_string()),
    }
}

/// Fails if a string, with its quotes, is malformed. A raw one never is.
pub(super) fn check_string(text: &str) -> Result<(), String> {
    let Some(quoted) = text.strip_prefix('"') else { return Ok(()) };
    let mut rest = quoted.strip_suffix('"').unwrap_or(quoted);
    while !rest.is_empty() {
        rest = after_character(rest, '"').ok_or("invalid syntax")?;
    }
    Ok(())
}

/// The name that a string, with its quotes, denotes; escape sequences stay.
pub(super) fn name_in(text: &str) -> &str {
    let end = text.len().saturating_sub(1);
    text.get(1..end).unwrap_or_default()
}

/// A text in quotes, as in Go's messages.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\0'..=' ' | '\x7f' if character != ' ' => {
                quoted.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}
