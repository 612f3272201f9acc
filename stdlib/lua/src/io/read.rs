//! Formats of `read` and `lines`, and reads in progress.
//!
//! A read can stop wherever it needs data from the stream, and continue later: inline while that is
//! quick, on the blocking pool if it may block.

use super::buffered::Buffered;
use solvm_compiler::numeral;
use solvm_vm::{Call, Error, LuaString, Value};
use std::io;

/// A format of `read`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Format {
    Number,
    Line,
    All,
    Bytes(usize),
}

/// Parses the formats in a function's arguments, after the `first` ones; the default is a line.
pub(super) fn formats<'c>(
    values: impl Iterator<Item = Value<'c>>,
    first: usize,
) -> Result<Vec<Format>, Error> {
    let mut formats = Vec::new();
    for (index, value) in values.enumerate() {
        formats.push(format(value).map_err(|text| Error::argument(first + index + 1, text))?);
    }
    if formats.is_empty() {
        formats.push(Format::Line);
    }
    Ok(formats)
}

fn format(value: Value) -> Result<Format, &'static str> {
    if let Some(count) = value.as_number() {
        return Ok(Format::Bytes(count as usize));
    }
    let name = LuaString::from_value(value)
        .and_then(|text| text.bytes().strip_prefix(b"*"))
        .ok_or("invalid option")?;
    match name.first() {
        Some(b'n') => Ok(Format::Number),
        Some(b'l') => Ok(Format::Line),
        Some(b'a') => Ok(Format::All),
        _ => Err("invalid format"),
    }
}

/// The value for a format.
enum Item {
    /// None: the end of the file, or not a number.
    Missing,
    Text(Vec<u8>),
    Number(f64),
}

/// The result of a step of a read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Done,
    /// More data from the stream is needed.
    More,
}

pub(super) struct Reading {
    formats: Vec<Format>,
    items: Vec<Item>,
    /// The incomplete next item.
    partial: Vec<u8>,
    numeral: Numeral,
}

impl Reading {
    pub(super) fn new(formats: Vec<Format>) -> Self {
        Reading { formats, items: Vec::new(), partial: Vec::new(), numeral: Numeral::Start }
    }

    /// Returns the number of bytes in memory.
    pub(super) fn size(&self) -> usize {
        let text = |item: &Item| match item {
            Item::Missing | Item::Number(_) => 0,
            Item::Text(text) => text.len(),
        };
        self.partial.len() + self.items.iter().map(text).sum::<usize>()
    }

    /// Returns the results of `read`.
    pub(super) fn values<'c>(self, call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
        let mut values = Vec::with_capacity(self.items.len());
        for item in self.items {
            values.push(match item {
                Item::Missing => Value::NIL,
                Item::Text(text) => call.string(&text)?.value(),
                Item::Number(number) => Value::number(number),
            });
        }
        Ok(values)
    }

    /// Continues until the end, or until more than `allowed` reads of the stream are needed.
    pub(super) fn resume(
        &mut self,
        file: &mut Buffered,
        mut allowed: usize,
    ) -> io::Result<Progress> {
        while let Some(&format) = self.formats.get(self.items.len()) {
            let Some(item) = self.next_item(file, format, &mut allowed)? else {
                return Ok(Progress::More);
            };
            let is_missing = matches!(item, Item::Missing);
            self.items.push(item);
            if is_missing {
                break;
            }
        }
        Ok(Progress::Done)
    }

    /// Returns the next item; None if data from the stream is needed and not allowed.
    fn next_item(
        &mut self,
        file: &mut Buffered,
        format: Format,
        allowed: &mut usize,
    ) -> io::Result<Option<Item>> {
        loop {
            if !file.unread().is_empty() {
                if let Some(item) = self.take(file, format)? {
                    return Ok(Some(item));
                }
                continue;
            }
            if *allowed == 0 {
                return Ok(None);
            }
            *allowed -= 1;
            if !file.fill()? {
                return Ok(Some(self.end(format)));
            }
        }
    }

    /// Takes the data of an item from the unread input. None if all of it belongs to the item and
    /// more may follow.
    fn take(&mut self, file: &mut Buffered, format: Format) -> io::Result<Option<Item>> {
        let unread = file.unread();
        let (count, extra, is_done) = match format {
            Format::Line => match memchr::memchr(b'\n', unread) {
                Some(end) => (end, 1, true),
                None => (unread.len(), 0, false),
            },
            Format::All => (unread.len(), 0, false),
            Format::Bytes(count) => {
                let missing = count - self.partial.len().min(count);
                (missing.min(unread.len()), 0, missing <= unread.len())
            }
            Format::Number => {
                let spaces = match self.partial.is_empty() {
                    true => unread
                        .iter()
                        .take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r'))
                        .count(),
                    false => 0,
                };
                let digits =
                    unread[spaces..].iter().take_while(|&&byte| self.numeral.accept(byte)).count();
                add(&mut self.partial, &unread[spaces..spaces + digits])?;
                let is_done = spaces + digits < unread.len();
                file.consume(spaces + digits);
                return Ok(is_done.then(|| self.end(Format::Number)));
            }
        };
        add(&mut self.partial, &unread[..count])?;
        file.consume(count + extra);
        Ok(is_done.then(|| Item::Text(std::mem::take(&mut self.partial))))
    }

    /// Returns the item at the end of the file.
    fn end(&mut self, format: Format) -> Item {
        let text = std::mem::take(&mut self.partial);
        match format {
            Format::Number => {
                self.numeral = Numeral::Start;
                numeral::read(&text).map_or(Item::Missing, Item::Number)
            }
            Format::All => Item::Text(text),
            _ if text.is_empty() => Item::Missing,
            _ => Item::Text(text),
        }
    }
}

/// The state of scanning a numeral, like `scanf`: the longest prefix that a number may start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numeral {
    Start,
    Sign,
    /// After a leading zero: "x" may follow.
    Zero,
    /// Digits; hexadecimal if true.
    Integer(bool),
    Fraction(bool),
    Exponent,
    ExponentDigits,
}

impl Numeral {
    /// Whether the byte may follow; if so, consumes it.
    fn accept(&mut self, byte: u8) -> bool {
        let next = match (*self, byte) {
            (Numeral::Start, b'+' | b'-') => Numeral::Sign,
            (Numeral::Start | Numeral::Sign, b'0') => Numeral::Zero,
            (Numeral::Start | Numeral::Sign, b'.') => Numeral::Fraction(false),
            (Numeral::Zero, b'x' | b'X') => Numeral::Integer(true),
            (Numeral::Start | Numeral::Sign | Numeral::Zero, b'0'..=b'9') => {
                Numeral::Integer(false)
            }
            (Numeral::Zero, b'.') => Numeral::Fraction(false),
            (Numeral::Integer(hexadecimal), b'.') => Numeral::Fraction(hexadecimal),
            (Numeral::Integer(true) | Numeral::Fraction(true), b'p' | b'P') => Numeral::Exponent,
            (state @ (Numeral::Integer(true) | Numeral::Fraction(true)), _)
                if byte.is_ascii_hexdigit() =>
            {
                state
            }
            (state @ (Numeral::Integer(false) | Numeral::Fraction(false)), b'0'..=b'9') => state,
            (Numeral::Zero | Numeral::Integer(false) | Numeral::Fraction(false), b'e' | b'E') => {
                Numeral::Exponent
            }
            (Numeral::Exponent, b'+' | b'-' | b'0'..=b'9') => Numeral::ExponentDigits,
            (Numeral::ExponentDigits, b'0'..=b'9') => Numeral::ExponentDigits,
            _ => return false,
        };
        *self = next;
        true
    }
}

/// Appends bytes. Fails if the OS has no memory for them.
fn add(partial: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    if partial.len() + bytes.len() > partial.capacity() {
        // By a quarter, since the length is accounted for, not the capacity.
        let more = bytes.len().max(partial.len() / 4);
        partial.try_reserve_exact(more).map_err(|_| io::ErrorKind::OutOfMemory)?;
    }
    partial.extend_from_slice(bytes);
    Ok(())
}
