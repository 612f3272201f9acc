//! The CSV reader (RFC 4180). Fields are strings.

use crate::ParseError;
use crate::events::{BOX_BYTES, Event, Events, ReadError};

/// The format of the input.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// The field separator.
    pub(super) separator: u8,
    /// Whether the first row has the names of the columns, so that the others become maps.
    pub(super) header: bool,
}

/// Adds the events of a text. Lines end with LF, CRLF or CR; empty ones are skipped.
pub(super) fn read(text: &[u8], format: Format, events: &mut Events) -> Result<(), ReadError> {
    let mut reader = Reader {
        text,
        at: if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 },
        separator: format.separator,
    };
    let mut columns: Vec<Column> = Vec::new();
    if format.header {
        while let Some(row) = reader.row(events)? {
            if !row.is_empty() {
                columns = row.into_iter().map(|name| Column { name, is_known: false }).collect();
                break;
            }
        }
    }
    events.push(Event::Begin { is_map: false })?;
    while let Some(row) = reader.row(events)? {
        if row.is_empty() {
            continue;
        }
        let size = row.iter().map(|field| size_of_field(field)).fold(0, usize::saturating_add);
        events.push(Event::Begin { is_map: format.header })?;
        for (i, field) in row.into_iter().enumerate() {
            match columns.get_mut(i) {
                Some(column) => column.push_key(i.saturating_add(1), events)?,
                // Fields after the last column have no name.
                None if format.header => {
                    events.push(Event::Key(Box::new(Event::Number(i as f64 + 1.0))))?
                }
                None => {}
            }
            events.push(Event::String(field))?;
        }
        events.push(Event::End)?;
        events.release(size);
    }
    events.push(Event::End)?;
    Ok(())
}

/// Memory for a field of a row without its text, while the list of fields grows.
const FIELD_BYTES: usize = 2 * size_of::<Box<[u8]>>() + BOX_BYTES;

/// Returns the memory for a field of a row before it becomes an event.
fn size_of_field(field: &[u8]) -> usize {
    field.len().saturating_add(FIELD_BYTES)
}

/// A column with a name.
struct Column {
    name: Box<[u8]>,
    /// Whether the name was used as a key before and need not be repeated.
    is_known: bool,
}

impl Column {
    fn push_key(&mut self, number: usize, events: &mut Events) -> Result<(), ReadError> {
        if self.is_known {
            return Ok(events.push(Event::NamedKey(number))?);
        }
        self.is_known = true;
        events.push(Event::key(&self.name))?;
        Ok(events.push(Event::Name(number))?)
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    separator: u8,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Returns the fields of the next line; an empty line has none. None at the end.
    fn row(&mut self, events: &mut Events) -> Result<Option<Vec<Box<[u8]>>>, ReadError> {
        if self.peek().is_none() {
            return Ok(None);
        }
        let mut row = Vec::new();
        loop {
            let is_quoted = self.peek() == Some(b'"');
            let field = if is_quoted { self.quoted()? } else { self.plain()? };
            let is_separated = self.peek() == Some(self.separator);
            if !is_separated && row.is_empty() && field.is_empty() && !is_quoted {
                self.line_end();
                return Ok(Some(row));
            }
            events.hold(size_of_field(&field))?;
            row.push(field);
            if !is_separated {
                self.line_end();
                return Ok(Some(row));
            }
            self.advance(1);
        }
    }

    /// Skips bytes.
    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn line_end(&mut self) {
        match self.text.get(self.at..).unwrap_or_default() {
            [b'\r', b'\n', ..] => self.advance(2),
            [_, ..] => self.advance(1),
            [] => {}
        }
    }

    fn plain(&mut self) -> Result<Box<[u8]>, ParseError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let ends = |&byte: &u8| byte == self.separator || matches!(byte, b'\r' | b'\n');
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let field = rest.get(..length).unwrap_or_default();
        if let Some(quote) = memchr::memchr(b'"', field) {
            return Err(ParseError::new(
                "quote in an unquoted field",
                self.at.saturating_add(quote),
            ));
        }
        self.advance(length);
        Ok(field.into())
    }

    fn quoted(&mut self) -> Result<Box<[u8]>, ParseError> {
        let start = self.at;
        self.advance(1);
        let mut field = Vec::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(length) = memchr::memchr(b'"', rest) else {
                return Err(ParseError::new("unterminated quoted field", start));
            };
            field.extend_from_slice(rest.get(..length).unwrap_or_default());
            self.advance(length.saturating_add(1));
            match self.peek() {
                Some(b'"') => {
                    field.push(b'"');
                    self.advance(1);
                }
                None | Some(b'\r' | b'\n') => return Ok(field.into()),
                Some(byte) if byte == self.separator => return Ok(field.into()),
                Some(_) => return Err(ParseError::new("text after a quoted field", self.at)),
            }
        }
    }
}
