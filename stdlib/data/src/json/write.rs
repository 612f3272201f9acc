//! The JSON writer.

use crate::number;
use crate::walker::{EncodeResult, Key, Writer};

/// A JSON writer in progress.
pub(super) struct JsonWriter {
    text: Vec<u8>,
    /// The indentation of a level; None writes a single line.
    indent: Option<Vec<u8>>,
    depth: usize,
    /// Whether the innermost list or map has no items yet.
    is_first: bool,
}

impl JsonWriter {
    /// Creates a writer; `indent` is the indentation of a level.
    pub(super) fn new(indent: Option<Vec<u8>>) -> Self {
        JsonWriter { text: Vec::new(), indent, depth: 0, is_first: true }
    }

    /// Returns the output.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Returns the size of the buffer.
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    fn begin(&mut self, bracket: u8) {
        self.text.push(bracket);
        self.depth = self.depth.saturating_add(1);
        self.is_first = true;
    }

    fn end(&mut self, bracket: u8) {
        self.depth = self.depth.saturating_sub(1);
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

    /// Starts a line, unless all output is on one line.
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

    fn null(&mut self) -> EncodeResult {
        self.text.extend_from_slice(b"null");
        Ok(())
    }

    fn boolean(&mut self, value: bool) -> EncodeResult {
        self.text.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn number(&mut self, value: f64) -> EncodeResult {
        if !value.is_finite() {
            return Err(if value.is_nan() {
                "cannot encode NaN"
            } else {
                "cannot encode infinity"
            });
        }
        number::write(value, &mut self.text);
        Ok(())
    }

    fn string(&mut self, bytes: &[u8]) -> EncodeResult {
        quote(bytes, &mut self.text)
    }

    fn begin_list(&mut self, _: usize, _: bool) -> EncodeResult {
        self.begin(b'[');
        Ok(())
    }

    fn item(&mut self) {
        self.separate();
    }

    fn end_list(&mut self) {
        self.end(b']');
    }

    fn begin_map(&mut self, _: usize) -> EncodeResult {
        self.begin(b'{');
        Ok(())
    }

    fn key(&mut self, key: Key<'_>) -> EncodeResult {
        self.separate();
        match key {
            Key::String(name) => quote(name, &mut self.text)?,
            Key::Number(x) => {
                self.text.push(b'"');
                number::write(x, &mut self.text);
                self.text.push(b'"');
            }
            Key::Boolean(_) => return Err("cannot encode a boolean key"),
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

/// The maximum number of bytes that [`quote`] appends.
pub(crate) fn quoted_size(bytes: &[u8]) -> usize {
    /// The growth for an escaped byte.
    const ESCAPE: usize = 5;
    let escaped = bytes.iter().filter(|&&byte| is_escaped(byte)).count();
    bytes.len().saturating_add(escaped.saturating_mul(ESCAPE)).saturating_add(2)
}

/// Appends a quoted string with JSON's escapes, which are valid in TOML and YAML, too.
pub(crate) fn quote(bytes: &[u8], text: &mut Vec<u8>) -> EncodeResult {
    if !bytes.is_ascii() && std::str::from_utf8(bytes).is_err() {
        return Err("cannot encode a string that is not valid UTF-8");
    }
    text.push(b'"');
    let mut rest = bytes;
    while let Some((plain, [byte, after @ ..])) =
        rest.iter().position(|&byte| is_escaped(byte)).and_then(|at| rest.split_at_checked(at))
    {
        text.extend_from_slice(plain);
        escape(*byte, text);
        rest = after;
    }
    text.extend_from_slice(rest);
    text.push(b'"');
    Ok(())
}

/// Whether a byte is written as an escape.
#[inline]
fn is_escaped(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\' | 0x7f)
}

/// Appends the escape for a byte.
fn escape(byte: u8, text: &mut Vec<u8>) {
    let digit = |half: u8| char::from_digit(u32::from(half & 15), 16).map_or(0, |c| c as u8);
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
