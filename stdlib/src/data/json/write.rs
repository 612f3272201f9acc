//! The writer of JSON.

use crate::data::number;
use crate::data::walker::{Key, Refused, Writer};

/// JSON that is being written.
pub(super) struct JsonWriter {
    text: Vec<u8>,
    /// What a level is indented by; None writes all in one line.
    indent: Option<Vec<u8>>,
    depth: usize,
    /// The list or map that was begun last has no items yet.
    is_first: bool,
}

impl JsonWriter {
    /// Begins; `indent` is what a level is indented by.
    pub(super) fn new(indent: Option<Vec<u8>>) -> Self {
        JsonWriter { text: Vec::new(), indent, depth: 0, is_first: true }
    }

    /// What has been written.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    fn begin(&mut self, bracket: u8) {
        self.text.push(bracket);
        self.depth += 1;
        self.is_first = true;
    }

    fn end(&mut self, bracket: u8) {
        self.depth -= 1;
        if !self.is_first {
            self.line();
        }
        self.is_first = false;
        self.text.push(bracket);
    }

    #[inline]
    fn separate(&mut self) {
        if !self.is_first {
            self.text.push(b',');
        }
        self.is_first = false;
        self.line();
    }

    /// Begins a line, if there are lines.
    #[inline]
    fn line(&mut self) {
        if let Some(indent) = &self.indent {
            self.text.push(b'\n');
            for _ in 0..self.depth {
                self.text.extend_from_slice(indent);
            }
        }
    }
}

impl Writer for JsonWriter {
    const ANY_KEY: bool = false;

    fn null(&mut self) -> Refused {
        self.text.extend_from_slice(b"null");
        Ok(())
    }

    fn boolean(&mut self, value: bool) -> Refused {
        self.text.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn number(&mut self, value: f64) -> Refused {
        if !value.is_finite() {
            return Err(if value.is_nan() {
                "NaN cannot be encoded"
            } else {
                "an infinite number cannot be encoded"
            });
        }
        number::write(value, &mut self.text);
        Ok(())
    }

    fn string(&mut self, bytes: &[u8]) -> Refused {
        quote(bytes, &mut self.text)
    }

    fn begin_list(&mut self, _: usize, _: bool) -> Refused {
        self.begin(b'[');
        Ok(())
    }

    fn item(&mut self) {
        self.separate();
    }

    fn end_list(&mut self) {
        self.end(b']');
    }

    fn begin_map(&mut self, _: usize) -> Refused {
        self.begin(b'{');
        Ok(())
    }

    fn key(&mut self, key: Key<'_>) -> Refused {
        self.separate();
        match key {
            Key::String(name) => quote(name, &mut self.text)?,
            Key::Number(x) => {
                self.text.push(b'"');
                number::write(x, &mut self.text);
                self.text.push(b'"');
            }
            Key::Boolean(_) => return Err("a boolean key cannot be encoded"),
        }
        self.text.push(b':');
        if self.indent.is_some() {
            self.text.push(b' ');
        }
        Ok(())
    }

    fn end_map(&mut self) {
        self.end(b'}');
    }

    fn written(&self) -> usize {
        self.text.len()
    }

    fn size_of_string(&self, bytes: &[u8]) -> usize {
        quoted_size(bytes)
    }
}

/// How many bytes [`quote`] adds at most.
pub(in crate::data) fn quoted_size(bytes: &[u8]) -> usize {
    /// More than the byte itself.
    const ESCAPE: usize = 5;
    let escaped = bytes.iter().filter(|&&byte| IS_ESCAPED[usize::from(byte)]).count();
    bytes.len() + escaped.saturating_mul(ESCAPE) + 2
}

/// Adds a string in quotes, with JSON's escapes, which TOML and YAML understand as well.
pub(in crate::data) fn quote(bytes: &[u8], text: &mut Vec<u8>) -> Refused {
    if !bytes.is_ascii() && std::str::from_utf8(bytes).is_err() {
        return Err("a string that is no UTF-8 cannot be encoded");
    }
    text.push(b'"');
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| IS_ESCAPED[usize::from(byte)]) {
        text.extend_from_slice(&rest[..at]);
        escape(rest[at], text);
        rest = &rest[at + 1..];
    }
    text.extend_from_slice(rest);
    text.push(b'"');
    Ok(())
}

/// Which bytes do not stand for themselves.
static IS_ESCAPED: [bool; 256] = {
    let mut escaped = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escaped[byte] = true;
        byte += 1;
    }
    escaped[b'"' as usize] = true;
    escaped[b'\\' as usize] = true;
    escaped[0x7f] = true;
    escaped
};

/// Adds what stands for such a byte.
fn escape(byte: u8, text: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS[usize::from(half & 15)];
    match byte {
        b'"' | b'\\' => text.extend([b'\\', byte]),
        8 => text.extend_from_slice(b"\\b"),
        9 => text.extend_from_slice(b"\\t"),
        10 => text.extend_from_slice(b"\\n"),
        12 => text.extend_from_slice(b"\\f"),
        13 => text.extend_from_slice(b"\\r"),
        _ => text.extend([b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]),
    }
}
