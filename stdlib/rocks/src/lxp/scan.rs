//! The tokens of XML: where they end, names, and attributes as they are written.

use super::event::Problem;

/// Whether a byte is white space.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns the text after the white space at its start.
pub(super) fn skip_space(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|&&byte| is_space(byte)).count();
    text.get(spaces..).unwrap_or_default()
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || byte >= 0x80
}

fn is_name_byte(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
}

/// Splits a name off the start of a text. Characters outside ASCII are all allowed.
pub(super) fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if !is_name_start(*text.first()?) {
        return None;
    }
    let length = text.iter().take_while(|&&byte| is_name_byte(byte)).count();
    text.split_at_checked(length)
}

/// Splits a quoted literal off the start of a text.
pub(super) fn literal(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let quote = *text.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let rest = text.get(1..)?;
    let end = memchr::memchr(quote, rest)?;
    Some((rest.get(..end)?, rest.get(end.saturating_add(1)..)?))
}

/// The length of a tag, whose `>` is outside quotes. None if it is incomplete.
pub(super) fn tag_length(text: &[u8]) -> Option<usize> {
    let mut at = 1_usize;
    loop {
        let rest = text.get(at..)?;
        let found = memchr::memchr3(b'>', b'"', b'\'', rest)?;
        at = at.saturating_add(found).saturating_add(1);
        match rest.get(found)? {
            b'>' => return Some(at),
            quote => {
                at = at.saturating_add(memchr::memchr(*quote, text.get(at..)?)?).saturating_add(1)
            }
        }
    }
}

/// The length of a token that ends with a mark. None if it is incomplete.
pub(super) fn length_until(text: &[u8], start: usize, mark: &[u8]) -> Option<usize> {
    let found = memchr::memmem::find(text.get(start..)?, mark)?;
    Some(start.saturating_add(found).saturating_add(mark.len()))
}

/// Fails for characters that XML forbids, and for invalid UTF-8. The error is the offset.
pub(super) fn check_characters(text: &[u8]) -> Result<(), usize> {
    let is_forbidden = |byte: &u8| *byte < 0x20 && !is_space(*byte);
    let forbidden = text.iter().position(is_forbidden);
    let invalid = std::str::from_utf8(text).err().map(|error| error.valid_up_to());
    let noncharacter = memchr::memmem::find(text, b"\xEF\xBF\xBE")
        .or_else(|| memchr::memmem::find(text, b"\xEF\xBF\xBF"));
    match [forbidden, invalid, noncharacter].into_iter().flatten().min() {
        Some(at) => Err(at),
        None => Ok(()),
    }
}

/// Returns a text with line ends as a single newline.
pub(super) fn normalized(text: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\r', rest) {
        result.extend_from_slice(rest.get(..at).unwrap_or_default());
        result.push(b'\n');
        rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
    result.extend_from_slice(rest);
    result
}

/// The character that `&#...;` refers to, by what is between.
pub(super) fn character(reference: &[u8]) -> Result<char, Problem> {
    let text = std::str::from_utf8(reference).map_err(|_| Problem::InvalidToken)?;
    let (digits, base) = match text.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return Err(Problem::InvalidToken);
    }
    let code = u32::from_str_radix(digits, base).ok().and_then(char::from_u32);
    code.filter(|&code| {
        matches!(code, '\t' | '\n' | '\r' | ' '..) && !matches!(code, '\u{FFFE}' | '\u{FFFF}')
    })
    .ok_or(Problem::BadCharacterReference)
}

/// An attribute as it is written: its name, and its value between the quotes.
pub(super) type RawAttribute<'t> = (&'t [u8], &'t [u8]);

/// Reads the attributes of a tag, from after its name to before its end. The error is the offset of
/// the first invalid character.
pub(super) fn attributes(all: &[u8]) -> Result<Vec<RawAttribute<'_>>, usize> {
    let mut attributes = Vec::new();
    let mut text = all;
    let offset = |rest: &[u8]| all.len().saturating_sub(rest.len());
    loop {
        let rest = skip_space(text);
        if rest.is_empty() {
            return Ok(attributes);
        }
        if rest.len() == text.len() {
            return Err(offset(rest));
        }
        let (name, rest) = name(rest).ok_or(offset(rest))?;
        let rest = skip_space(rest);
        let rest = skip_space(rest.strip_prefix(b"=").ok_or(offset(rest))?);
        let (value, after) = literal(rest).ok_or(offset(rest))?;
        if let Some(at) = memchr::memchr(b'<', value) {
            return Err(offset(rest).saturating_add(at).saturating_add(1));
        }
        let rest = after;
        attributes.push((name, value));
        text = rest;
    }
}
