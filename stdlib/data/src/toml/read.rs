//! The TOML reader. It turns the tree of the crate `toml`, which checks all rules about keys and
//! tables, into events.

use crate::ParseError;
use crate::events::{Event, Events, ReadError};
use toml::de::{DeTable, DeValue};

/// Maximum memory of the crate's tokens and tree per byte of text, without tables and lists. Lists
/// of one-digit numbers need most.
const TREE_BYTES_PER_BYTE: usize = 80;
/// Memory for the first fields of a table, and for the first items of a list.
const TABLE_BYTES: usize = 1200;
const LIST_BYTES: usize = 300;
/// Memory for a closing brace, which may be an error: the crate collects these.
const BRACE_BYTES: usize = 150;

/// Adds the events of a text. Dates and times become strings.
pub(super) fn read(text: &str, events: &mut Events) -> Result<(), ReadError> {
    let tree_size = tree_size(text.as_bytes());
    events.hold(tree_size)?;
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        ParseError::new(error.message().trim_end().replace('\n', ", "), at)
    })?;
    table(document.get_ref(), events)?;
    drop(document);
    events.release(tree_size);
    Ok(())
}

/// Returns the maximum memory of a text's tokens and tree.
fn tree_size(text: &[u8]) -> usize {
    let mut size = text.len().saturating_mul(TREE_BYTES_PER_BYTE);
    for line in text.split(|&byte| byte == b'\n') {
        // The part that may contain keys: each dot in them makes a table.
        let is_header = line.trim_ascii_start().starts_with(b"[");
        let keys = match memchr::memrchr(b'=', line) {
            _ if is_header => line,
            end => line.get(..end.unwrap_or(0)).unwrap_or_default(),
        };
        let count = |byte, bytes| memchr::memchr_iter(byte, bytes).count();
        let tables = count(b'.', keys)
            .saturating_add(count(b'{', line))
            .saturating_add(usize::from(is_header));
        size = size
            .saturating_add(tables.saturating_mul(TABLE_BYTES))
            .saturating_add(count(b'[', line).saturating_mul(LIST_BYTES))
            .saturating_add(count(b'}', line).saturating_mul(BRACE_BYTES));
    }
    size
}

/// Adds the events of a table. The crate limits the nesting of tables.
fn table(fields: &DeTable<'_>, events: &mut Events) -> Result<(), ReadError> {
    events.push(Event::Begin { is_map: true })?;
    for (key, field) in fields {
        events.push(Event::key(key.get_ref().as_bytes()))?;
        value(field.get_ref(), field.span().start, events)?;
    }
    events.push(Event::End)?;
    Ok(())
}

fn value(value: &DeValue<'_>, at: usize, events: &mut Events) -> Result<(), ReadError> {
    let event = match value {
        DeValue::String(text) => Event::String(text.as_bytes().into()),
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(integer) => Event::Number(integer as f64),
            Err(_) => return Err(ParseError::new("integer out of range", at).into()),
        },
        DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
            Ok(x) if x.is_finite() || digits.as_str().contains(['n', 'i']) => Event::Number(x),
            _ => return Err(ParseError::new("number out of range", at).into()),
        },
        DeValue::Boolean(value) => Event::Boolean(*value),
        DeValue::Datetime(time) => {
            let mut time = *time;
            // Seconds are optional and default to zero.
            if let Some(of_day) = &mut time.time {
                of_day.second.get_or_insert(0);
            }
            Event::String(time.to_string().into_bytes().into())
        }
        DeValue::Table(fields) => return table(fields, events),
        DeValue::Array(items) => {
            events.push(Event::Begin { is_map: false })?;
            for item in items {
                self::value(item.get_ref(), item.span().start, events)?;
            }
            Event::End
        }
    };
    events.push(event)?;
    Ok(())
}
