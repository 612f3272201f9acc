//! The CSV writer, for rows that are lists, or maps with the same columns.

use crate::walker::is_index;
use crate::{number, tags};
use solvm_runtime::buffer::check_growth;
use solvm_vm::{Call, Error, LuaString, Table, Type, Value};

/// Units charged for a field.
const UNITS_PER_FIELD: usize = 4;

/// A CSV writer in progress.
pub(super) struct CsvWriter {
    separator: u8,
    /// The names of the columns, if rows are maps or a header is requested.
    columns: Option<Vec<Box<[u8]>>>,
    next: usize,
    text: Vec<u8>,
}

impl CsvWriter {
    /// Creates a writer and writes the header, if any.
    pub(super) fn new(separator: u8, columns: Option<Vec<Box<[u8]>>>) -> Self {
        let mut writer = CsvWriter { separator, columns: None, next: 1, text: Vec::new() };
        if let Some(columns) = columns {
            for (i, name) in columns.iter().enumerate() {
                writer.separate(i);
                writer.field(name);
            }
            writer.end_row(columns.len());
            writer.columns = Some(columns);
        }
        writer
    }

    /// Returns the whole text.
    pub(super) fn into_text(self) -> Vec<u8> {
        self.text
    }

    /// Writes rows until the end or until the budget is used up. Returns true at the end.
    pub(super) fn write<'c>(
        &mut self,
        call: &mut Call<'c>,
        rows: Table<'c>,
    ) -> Result<bool, Error> {
        loop {
            let row = rows.get(self.next);
            if row.is_nil() {
                self.check_skipped(call, rows)?;
                return Ok(true);
            }
            let Some(row) = Table::from_value(row) else {
                return Err(self.error(None, &format!("table expected, got {}", row.type_name())));
            };
            let before = self.text.len();
            let count = self.row(call, row)?;
            self.next = self.next.saturating_add(1);
            let written = self.text.len().saturating_sub(before);
            if !call.charge(count.saturating_mul(UNITS_PER_FIELD).saturating_add(written / 64)) {
                return Ok(false);
            }
        }
    }

    /// Fails if the table has a field that is not a row of the written list.
    fn check_skipped<'c>(&mut self, call: &mut Call<'c>, rows: Table<'c>) -> Result<(), Error> {
        call.charge(rows.capacity() / 16);
        let last = self.next.saturating_sub(1);
        match rows.pairs().find(|(key, _)| !is_index(*key, last)) {
            Some((key, _)) => {
                Err(Error::text(format!("rows{}: rows must be a list without gaps", step(key))))
            }
            None => Ok(()),
        }
    }

    /// Writes a row and returns the number of fields.
    fn row<'c>(&mut self, call: &mut Call<'c>, row: Table<'c>) -> Result<usize, Error> {
        let length = row.length();
        let columns = self.columns.take();
        let count = match &columns {
            // With a header, a row may still be a list.
            Some(columns) if length == 0 => {
                for (i, name) in columns.iter().enumerate() {
                    let name = call.string(name)?;
                    self.separate(i);
                    self.check_room(call, row.get(name))?;
                    self.value(row.get(name), name.value())?;
                }
                self.fields_without_name(call, row, columns.len())?
            }
            _ => {
                for i in 1..=length {
                    self.separate(i.saturating_sub(1));
                    self.check_room(call, row.get(i))?;
                    self.value(row.get(i), Value::number(i as f64))?;
                }
                if length == 0 && row.pairs().next().is_some() {
                    return Err(
                        self.error(None, "a row with named fields requires the option 'header'")
                    );
                }
                if let Some((key, _)) = row.pairs().find(|(key, _)| !is_index(*key, length)) {
                    return Err(self.error(Some(key), "a list row cannot have named fields"));
                }
                length
            }
        };
        self.columns = columns;
        self.end_row(count);
        Ok(count)
    }

    /// Writes the fields of a map with numeric keys, which the reader creates for fields after the
    /// last column. Returns the number of all fields.
    fn fields_without_name<'c>(
        &mut self,
        call: &mut Call<'c>,
        row: Table<'c>,
        columns: usize,
    ) -> Result<usize, Error> {
        let mut count = columns;
        loop {
            let next = count.saturating_add(1);
            let value = row.get(next);
            if value.is_nil() {
                break;
            }
            self.separate(count);
            self.check_room(call, value)?;
            self.value(value, Value::number(next as f64))?;
            count = next;
        }
        let is_written =
            |key: Value<'c>| LuaString::from_value(key).is_some() || is_index(key, count);
        match row.pairs().find(|(key, _)| !is_written(*key)) {
            Some((key, _)) => Err(self.error(Some(key), "unknown column")),
            None => Ok(count),
        }
    }

    /// Fails if the memory limit does not allow a field.
    fn check_room(&mut self, call: &mut Call, value: Value<'_>) -> Result<(), Error> {
        check_growth(
            call,
            &mut self.text,
            LuaString::from_value(value).map_or(0, |text| text.bytes().len()),
        )
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.text.push(self.separator);
        }
    }

    /// Ends a line. A line with a single empty field would look like an empty line.
    fn end_row(&mut self, count: usize) {
        if count == 1 && self.text.last().is_none_or(|&byte| byte == b'\n') {
            self.text.extend_from_slice(b"\"\"");
        }
        self.text.extend_from_slice(b"\r\n");
    }

    fn value(&mut self, value: Value<'_>, key: Value<'_>) -> Result<(), Error> {
        match value.kind() {
            Type::Nil => {}
            Type::Boolean => {
                self.text.extend_from_slice(if value.is_truthy() { b"true" } else { b"false" })
            }
            Type::Number => match value.as_number().unwrap_or_default() {
                x if x.is_finite() => number::write(x, &mut self.text),
                x => self.text.extend_from_slice(x.to_string().to_lowercase().as_bytes()),
            },
            Type::String => self.field(LuaString::from_value(value).map_or(&[], LuaString::bytes)),
            _ if tags::is_null(value) => {}
            _ => {
                return Err(
                    self.error(Some(key), &format!("cannot encode a {} as CSV", value.type_name()))
                );
            }
        }
        Ok(())
    }

    /// Writes a field, quoted if necessary.
    fn field(&mut self, field: &[u8]) {
        let special = |&byte: &u8| byte == self.separator || matches!(byte, b'"' | b'\r' | b'\n');
        // This reader keeps spaces at the ends, but others may not.
        let has_space = field.first() == Some(&b' ') || field.last() == Some(&b' ');
        if !has_space && !field.iter().any(special) {
            self.text.extend_from_slice(field);
            return;
        }
        self.text.push(b'"');
        for &byte in field {
            if byte == b'"' {
                self.text.push(b'"');
            }
            self.text.push(byte);
        }
        self.text.push(b'"');
    }

    fn error(&self, key: Option<Value<'_>>, reason: &str) -> Error {
        let field = key.map_or(String::new(), step);
        Error::text(format!("rows[{}]{field}: {reason}", self.next))
    }
}

/// Formats a key for a path.
fn step(key: Value<'_>) -> String {
    match (LuaString::from_value(key), key.as_number()) {
        (Some(name), _) => format!(".{}", String::from_utf8_lossy(name.bytes())),
        (None, Some(x)) => format!("[{x}]"),
        (None, None) => format!("[{}]", key.type_name()),
    }
}
