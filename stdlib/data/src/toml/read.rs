//! The TOML reader. It turns the tree of the crate `toml`, which checks all rules about keys and
//! tables, into events.

use crate::ParseError;
use crate::events::{Event, Events, ReadError};
use toml::de::{DeTable, DeValue};

/// Maximum memory of the crate's tokens and tree per byte of text. Lists of one-digit numbers need
/// most.
const TREE_BYTES_PER_BYTE: usize = 70;

/// Adds the events of a text. Dates and times become strings.
pub(super) fn read(text: &str, events: &mut Events) -> Result<(), ReadError> {
    let tree_size = text.len().saturating_mul(TREE_BYTES_PER_BYTE);
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
