//! The TOML writer.
//!
//! A section contains its plain values first, then the sections of its tables, whatever the order
//! of the keys. So each open table has two texts, which are joined when it ends. Tables in lists
//! are sections if a list contains nothing else; all others are inline.

use crate::encode::Encoder;
use crate::json::{quote, quoted_size};
use crate::number;
use crate::walker::{EncodeResult, Key, Writer};

/// A table or list that is being written.
enum Open {
    /// A table that is a section.
    Section { path: Vec<u8>, plain: Vec<u8>, sections: Vec<u8> },
    /// A list whose items are sections.
    Sections { path: Vec<u8>, text: Vec<u8> },
    /// An inline list or table; its text is in the enclosing section.
    Inline { is_list: bool, is_first: bool },
}

/// A TOML writer in progress.
pub(super) struct TomlWriter {
    open: Vec<Open>,
    /// The path of the next value in a section: that of its section, and its key.
    key: Vec<u8>,
    text: Vec<u8>,
    written: usize,
}

impl TomlWriter {
    pub(super) fn new() -> Self {
        TomlWriter { open: Vec::new(), key: Vec::new(), text: Vec::new(), written: 0 }
    }

    /// Adds a plain value to the innermost section.
    fn plain(&mut self, write: impl FnOnce(&mut Vec<u8>) -> EncodeResult) -> EncodeResult {
        let Some(innermost) = self.open.last() else {
            return Err("a TOML document must be a table");
        };
        let is_field = matches!(innermost, Open::Section { .. });
        let section = self.open.iter_mut().rev().find_map(|open| match open {
            Open::Section { plain, .. } => Some(plain),
            _ => None,
        });
        let Some(text) = section else { return Ok(()) };
        let before = text.len();
        if is_field {
            text.extend_from_slice(&self.key);
            text.extend_from_slice(b" = ");
        }
        write(text)?;
        if is_field {
            text.push(b'\n');
        }
        let added = text.len().saturating_sub(before);
        self.written = self.written.saturating_add(added);
        Ok(())
    }

    /// Adds to the text of an inline list or table.
    fn inline(&mut self, bytes: &[u8]) {
        let section = self.open.iter_mut().rev().find_map(|open| match open {
            Open::Section { plain, .. } => Some(plain),
            _ => None,
        });
        if let Some(text) = section {
            text.extend_from_slice(bytes);
            self.written = self.written.saturating_add(bytes.len());
        }
    }

    /// Returns the path of the next value: that of the enclosing section and the key.
    fn path(&self) -> Vec<u8> {
        match self.open.last() {
            Some(Open::Section { path, .. }) if !path.is_empty() => {
                [path, &b"."[..], &self.key].concat()
            }
            Some(Open::Sections { path, .. }) => path.clone(),
            _ => self.key.clone(),
        }
    }

    fn begin_inline(&mut self, is_list: bool) {
        if let Some(Open::Section { .. }) = self.open.last() {
            let key = [&self.key, &b" = "[..]].concat();
            self.inline(&key);
        }
        self.inline(if is_list { b"[" } else { b"{" });
        self.open.push(Open::Inline { is_list, is_first: true });
    }

    fn end_inline(&mut self, is_list: bool, is_first: bool) {
        self.inline(match (is_list, is_first) {
            (true, _) => b"]",
            (false, true) => b"}",
            (false, false) => b" }",
        });
        if let Some(Open::Section { .. }) = self.open.last() {
            self.inline(b"\n");
        }
    }

    /// Starts the next item of an inline list or table.
    fn separate(&mut self) {
        if let Some(Open::Inline { is_list, is_first }) = self.open.last_mut() {
            let separator: &[u8] = match (*is_list, std::mem::replace(is_first, false)) {
                (true, true) => b"",
                (false, true) => b" ",
                (_, false) => b", ",
            };
            self.inline(separator);
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Open::Inline { is_list, is_first }) => self.end_inline(is_list, is_first),
            Some(Open::Sections { text, .. }) => self.close(&text),
            Some(Open::Section { path, plain, sections }) => {
                let in_list = matches!(self.open.last(), Some(Open::Sections { .. }));
                let mut text = Vec::new();
                // Sections inside a section imply it, unless it contains something else; an empty
                // one needs a header.
                if !path.is_empty() && (in_list || !plain.is_empty() || sections.is_empty()) {
                    text.extend_from_slice(if in_list { b"\n[[" } else { b"\n[" });
                    text.extend_from_slice(&path);
                    text.extend_from_slice(if in_list { b"]]\n" } else { b"]\n" });
                }
                text.extend_from_slice(&plain);
                text.extend_from_slice(&sections);
                self.close(&text);
            }
            None => {}
        }
    }

    /// Adds the text of sections to the enclosing value.
    fn close(&mut self, text: &[u8]) {
        match self.open.last_mut() {
            Some(Open::Section { sections, .. }) => sections.extend_from_slice(text),
            Some(Open::Sections { text: sections, .. }) => sections.extend_from_slice(text),
            _ => {
                // Sections start with an empty line, but the whole text does not.
                self.text = text.strip_prefix(b"\n").unwrap_or(text).to_vec();
            }
        }
    }
}

impl Encoder for TomlWriter {
    fn finish(&mut self) -> &[u8] {
        &self.text
    }

    fn allocated(&self) -> usize {
        let of_open = self.open.iter().map(|open| match open {
            Open::Section { path, plain, sections } => {
                path.capacity().saturating_add(plain.capacity()).saturating_add(sections.capacity())
            }
            Open::Sections { path, text } => path.capacity().saturating_add(text.capacity()),
            Open::Inline { .. } => 0,
        });
        of_open.fold(self.text.capacity(), usize::saturating_add)
    }
}

impl Writer for TomlWriter {
    const ANY_KEY: bool = false;
    const ASKS_FOR_MAPS: bool = true;

    fn null(&mut self) -> EncodeResult {
        Err("TOML has no null")
    }

    fn boolean(&mut self, value: bool) -> EncodeResult {
        self.plain(|text| {
            text.extend_from_slice(if value { b"true" } else { b"false" });
            Ok(())
        })
    }

    fn number(&mut self, value: f64) -> EncodeResult {
        self.plain(|text| {
            if value.is_nan() {
                text.extend_from_slice(b"nan");
            } else if value.is_infinite() {
                text.extend_from_slice(if value < 0.0 { b"-inf" } else { b"inf" });
            } else if value == 0.0 && value.is_sign_negative() {
                // An integer would lose the sign.
                text.extend_from_slice(b"-0.0");
            } else {
                number::write(value, text);
            }
            Ok(())
        })
    }

    fn string(&mut self, bytes: &[u8]) -> EncodeResult {
        self.plain(|text| quote(bytes, text))
    }

    fn begin_list(&mut self, length: usize, only_maps: bool) -> EncodeResult {
        match self.open.last() {
            // For the walker an empty table is a list.
            None if length == 0 => self.open.push(Open::Section {
                path: Vec::new(),
                plain: Vec::new(),
                sections: Vec::new(),
            }),
            None => return Err("a TOML document must be a table with named fields"),
            Some(Open::Section { .. }) if only_maps => {
                let path = self.path();
                self.open.push(Open::Sections { path, text: Vec::new() });
            }
            _ => self.begin_inline(true),
        }
        Ok(())
    }

    fn item(&mut self) {
        self.separate();
    }

    fn end_list(&mut self) {
        self.end();
    }

    fn begin_map(&mut self, _: usize) -> EncodeResult {
        if let Some(Open::Inline { .. }) = self.open.last() {
            self.begin_inline(false);
        } else {
            let path = self.path();
            self.open.push(Open::Section { path, plain: Vec::new(), sections: Vec::new() });
        }
        Ok(())
    }

    fn key(&mut self, key: Key<'_>) -> EncodeResult {
        self.separate();
        self.key.clear();
        match key {
            Key::String(name)
                if !name.is_empty()
                    && name.iter().all(|&b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) =>
            {
                self.key.extend_from_slice(name);
            }
            Key::String(name) => quote(name, &mut self.key)?,
            Key::Number(x) => {
                self.key.push(b'"');
                number::write(x, &mut self.key);
                self.key.push(b'"');
            }
            Key::Boolean(_) => return Err("cannot encode a boolean key"),
        }
        if let Some(Open::Inline { .. }) = self.open.last() {
            let key = [&self.key, &b" = "[..]].concat();
            self.inline(&key);
        }
        Ok(())
    }

    fn end_map(&mut self) {
        self.end();
    }

    fn written(&self) -> usize {
        self.written
    }

    fn size_of_string(&self, bytes: &[u8]) -> usize {
        quoted_size(bytes)
    }
}
