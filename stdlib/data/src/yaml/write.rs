//! The YAML writer: block style, unquoted strings where every reader accepts them, multi-line
//! strings as literal blocks.

use super::scalar::{is_printable, needs_quotes};
use crate::encode::Encoder;
use crate::json::{quote, quoted_size};
use crate::number;
use crate::walker::{EncodeResult, Key, Writer};

/// The indentation of a level.
const INDENT: usize = 2;

/// The longest key that needs no question mark (YAML 1.2.2, section 7.4.2, in characters).
const MAX_SIMPLE_KEY: usize = 1024;

/// Where a list or map started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// At the start of the text.
    Nothing,
    /// After "key:".
    Key,
    /// After "- ".
    Dash,
}

struct Open {
    /// Its column.
    indent: usize,
    /// Whether the next item continues the current line.
    continues: bool,
}

/// A YAML writer in progress.
pub(super) struct YamlWriter {
    text: Vec<u8>,
    open: Vec<Open>,
    after: After,
}

impl YamlWriter {
    pub(super) fn new() -> Self {
        YamlWriter { text: Vec::new(), open: Vec::new(), after: After::Nothing }
    }

    /// Writes a value on one line.
    fn line(&mut self, write: impl FnOnce(&mut Vec<u8>) -> EncodeResult) -> EncodeResult {
        if self.after == After::Key {
            self.text.push(b' ');
        }
        write(&mut self.text)?;
        self.text.push(b'\n');
        Ok(())
    }

    fn begin(&mut self, length: usize, empty: &[u8]) -> EncodeResult {
        let outer = self.open.last().map_or(0, |open| open.indent);
        if length == 0 {
            self.line(|text| {
                text.extend_from_slice(empty);
                Ok(())
            })?;
        }
        let indent = if self.open.is_empty() { 0 } else { outer.saturating_add(INDENT) };
        if length > 0 && self.after == After::Key {
            self.text.push(b'\n');
        }
        self.open.push(Open { indent, continues: self.after == After::Dash });
        Ok(())
    }

    /// Starts an item's line.
    fn indent(&mut self) {
        if let Some(open) = self.open.last_mut()
            && !std::mem::replace(&mut open.continues, false)
        {
            self.text.extend(std::iter::repeat_n(b' ', open.indent));
        }
    }

    /// Writes a multi-line string as a literal block, if possible.
    fn block(&mut self, string: &str) -> bool {
        let content = string.strip_suffix('\n').unwrap_or(string);
        let is_plain = |c: char| c == '\n' || !c.is_control() && is_printable(c);
        if !content.contains('\n')
            || content.starts_with([' ', '\n'])
            || content.ends_with('\n')
            || !string.chars().all(is_plain)
        {
            return false;
        }
        if self.after == After::Key {
            self.text.push(b' ');
        }
        self.text.extend_from_slice(if content.len() < string.len() { b"|\n" } else { b"|-\n" });
        let indent = self.open.last().map_or(0, |open| open.indent).saturating_add(INDENT);
        for line in content.split('\n') {
            if !line.is_empty() {
                self.text.extend(std::iter::repeat_n(b' ', indent));
                self.text.extend_from_slice(line.as_bytes());
            }
            self.text.push(b'\n');
        }
        true
    }
}

fn write_string(bytes: &[u8], text: &mut Vec<u8>) -> EncodeResult {
    match std::str::from_utf8(bytes) {
        Ok(string) if !needs_quotes(string) => {
            text.extend_from_slice(bytes);
            Ok(())
        }
        _ => write_quoted(bytes, text),
    }
}

/// Writes a string in JSON's quotes. Characters that a YAML reader treats as line breaks, or
/// rejects, are escaped as well.
fn write_quoted(bytes: &[u8], text: &mut Vec<u8>) -> EncodeResult {
    let start = text.len();
    quote(bytes, text)?;
    let written = std::str::from_utf8(text.get(start..).unwrap_or_default()).unwrap_or_default();
    if written.chars().all(is_printable) {
        return Ok(());
    }
    let mut escaped = String::with_capacity(written.len());
    for c in written.chars() {
        match c {
            c if is_printable(c) => escaped.push(c),
            // All of them have four digits.
            c => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    text.truncate(start);
    text.extend_from_slice(escaped.as_bytes());
    Ok(())
}

fn write_number(x: f64, text: &mut Vec<u8>) {
    if x.is_nan() {
        text.extend_from_slice(b".nan");
    } else if x.is_infinite() {
        text.extend_from_slice(if x < 0.0 { b"-.inf" } else { b".inf" });
    } else {
        let mut written = Vec::new();
        number::write(x, &mut written);
        // Readers of YAML 1.1 need a point and a sign: for them "1e300" is a string.
        let mut parts = written.splitn(2, |&byte| byte == b'e');
        let mantissa = parts.next().unwrap_or_default();
        text.extend_from_slice(mantissa);
        if let Some(exponent) = parts.next() {
            text.extend_from_slice(if mantissa.contains(&b'.') { b"e" } else { b".0e" });
            text.extend_from_slice(if exponent.starts_with(b"-") { b"" } else { b"+" });
            text.extend_from_slice(exponent);
        }
    }
}

impl Encoder for YamlWriter {
    fn finish(&mut self) -> &[u8] {
        &self.text
    }

    fn allocated(&self) -> usize {
        self.text.capacity()
    }
}

impl Writer for YamlWriter {
    const ANY_KEY: bool = true;

    fn null(&mut self) -> EncodeResult {
        self.line(|text| {
            text.extend_from_slice(b"null");
            Ok(())
        })
    }

    fn boolean(&mut self, value: bool) -> EncodeResult {
        self.line(|text| {
            text.extend_from_slice(if value { b"true" } else { b"false" });
            Ok(())
        })
    }

    fn number(&mut self, value: f64) -> EncodeResult {
        self.line(|text| {
            write_number(value, text);
            Ok(())
        })
    }

    fn string(&mut self, bytes: &[u8]) -> EncodeResult {
        if let Ok(string) = std::str::from_utf8(bytes)
            && !self.open.is_empty()
            && self.block(string)
        {
            return Ok(());
        }
        self.line(|text| write_string(bytes, text))
    }

    fn begin_list(&mut self, length: usize, _: bool) -> EncodeResult {
        self.begin(length, b"[]")
    }

    fn item(&mut self) {
        self.indent();
        self.text.extend_from_slice(b"- ");
        self.after = After::Dash;
    }

    fn end_list(&mut self) {
        self.open.pop();
    }

    fn begin_map(&mut self, length: usize) -> EncodeResult {
        self.begin(length, b"{}")
    }

    fn key(&mut self, key: Key<'_>) -> EncodeResult {
        self.indent();
        let start = self.text.len();
        match key {
            Key::String(name) => write_string(name, &mut self.text)?,
            Key::Number(x) => write_number(x, &mut self.text),
            Key::Boolean(value) => {
                self.text.extend_from_slice(if value { b"true" } else { b"false" })
            }
        }
        if self.text.len().saturating_sub(start) > MAX_SIMPLE_KEY {
            self.text.splice(start..start, *b"? ");
            self.text.push(b'\n');
            self.indent();
        }
        self.text.push(b':');
        self.after = After::Key;
        Ok(())
    }

    fn end_map(&mut self) {
        self.open.pop();
    }

    fn written(&self) -> usize {
        self.text.len()
    }

    fn size_of_string(&self, bytes: &[u8]) -> usize {
        quoted_size(bytes)
    }
}
