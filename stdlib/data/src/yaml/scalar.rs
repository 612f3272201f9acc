//! The values of plain scalars: the core schema of YAML 1.2 (section 10.3).

use crate::events::Event;

/// Returns the value of a scalar without quotes and tag.
pub(super) fn resolve(text: &str) -> Event {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Event::Null,
        "true" | "True" | "TRUE" => Event::Boolean(true),
        "false" | "False" | "FALSE" => Event::Boolean(false),
        _ => match number(text) {
            Some(x) => Event::Number(x),
            None => Event::String(text.as_bytes().into()),
        },
    }
}

/// Parses a plain scalar as a number.
fn number(text: &str) -> Option<f64> {
    if let Some(digits) = text.strip_prefix("0o") {
        return integer(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return integer(digits, 16);
    }
    match text {
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    // Rust parses the same decimals, but also names such as "inf".
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let begins =
        unsigned.strip_prefix('.').unwrap_or(unsigned).starts_with(|c: char| c.is_ascii_digit());
    if begins { text.parse().ok() } else { None }
}

/// Parses an integer without a sign.
fn integer(digits: &str, radix: u32) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    digits
        .chars()
        .try_fold(0.0, |x, digit| Some(x * f64::from(radix) + f64::from(digit.to_digit(radix)?)))
}

/// Whether a character needs no escape, also for readers of YAML 1.1, which treat more characters
/// as line breaks (YAML 1.2, section 5.1; 1.1, section 5.4).
pub(super) fn is_printable(c: char) -> bool {
    !matches!(
        c,
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// Whether a string must be quoted to be read as a string, also by readers of YAML 1.1.
pub(super) fn needs_quotes(text: &str) -> bool {
    const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_plain = |(at, c): (usize, char)| match c {
        'a'..='z'
        | 'A'..='Z'
        | '0'..='9'
        | '_'
        | '/'
        | '.'
        | '@'
        | '+'
        | '-'
        | '%'
        | '('
        | ')'
        | ';'
        | '=' => true,
        '\u{a0}'.. => c.is_alphanumeric(),
        // A colon or hash next to a space is special.
        ' ' | ',' => true,
        ':' => {
            let next = text.get(at..).and_then(|rest| rest.chars().nth(1));
            next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '/')
        }
        _ => false,
    };
    let begins = text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '/');
    !begins
        || text.ends_with(' ')
        || text.contains(", ")
        || !text.char_indices().all(is_plain)
        || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}
