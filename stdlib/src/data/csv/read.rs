//! The reader of CSV (RFC 4180): to rows of strings.

use crate::data::Fault;
use crate::data::document::Event;

/// How a text is to be read.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// What stands between fields.
    pub(super) separator: u8,
    /// The first row names the columns, and the others become maps.
    pub(super) header: bool,
}

/// The events of a text. Lines end with LF, CRLF or CR; empty ones are passed over.
pub(super) fn read(text: &[u8], format: Format) -> Result<Vec<Event>, Fault> {
    let mut reader = Reader {
        text,
        at: if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 },
        separator: format.separator,
    };
    let mut names: Vec<Box<[u8]>> = Vec::new();
    if format.header {
        while let Some(row) = reader.row()? {
            if !row.is_empty() {
                names = row;
                break;
            }
        }
    }
    let mut events = vec![Event::Begin { is_map: false }];
    while let Some(row) = reader.row()? {
        if row.is_empty() {
            continue;
        }
        events.push(Event::Begin { is_map: format.header });
        for (i, field) in row.into_iter().enumerate() {
            match names.get(i) {
                Some(name) => events.push(Event::Key(Box::new(Event::String(name.clone())))),
                // Fields behind the last column have no name.
                None if format.header => {
                    events.push(Event::Key(Box::new(Event::Number(i as f64 + 1.0))))
                }
                None => {}
            }
            events.push(Event::String(field));
        }
        events.push(Event::End);
    }
    events.push(Event::End);
    Ok(events)
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

    /// The fields of the next line; none of an empty one. None at the end.
    fn row(&mut self) -> Result<Option<Vec<Box<[u8]>>>, Fault> {
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
            row.push(field);
            if !is_separated {
                self.line_end();
                return Ok(Some(row));
            }
            self.advance(1);
        }
    }

    /// Passes some bytes.
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

    fn plain(&mut self) -> Result<Box<[u8]>, Fault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let ends = |&byte: &u8| byte == self.separator || matches!(byte, b'\r' | b'\n');
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let field = rest.get(..length).unwrap_or_default();
        if let Some(quote) = memchr::memchr(b'"', field) {
            return Err(Fault::new(
                "quote in a field that does not begin with one",
                self.at.saturating_add(quote),
            ));
        }
        self.advance(length);
        Ok(field.into())
    }

    fn quoted(&mut self) -> Result<Box<[u8]>, Fault> {
        let start = self.at;
        self.advance(1);
        let mut field = Vec::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(length) = memchr::memchr(b'"', rest) else {
                return Err(Fault::new("quoted field without an end", start));
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
                Some(_) => return Err(Fault::new("text behind a quoted field", self.at)),
            }
        }
    }
}
