//! `ini`: converts sections of settings to Lua values and back, in strings and files.
//!
//! There is no standard. This module supports what nearly all programs agree on: `[section]`, `key
//! = value` or `key: value`, and comments in separate lines that start with `;` or `#`. All values
//! are strings. Double quotes around a value are removed.

use super::document;
use super::events::{Event, Events, ReadError};
use super::{ParseError, number, output, tags};
use solvm_files::file_system;
use solvm_runtime::buffer::check_growth;
use solvm_runtime::name::Name;
use solvm_vm::native::{Library, Results, asynchronous};
use solvm_vm::{Call, Error, LuaString, Table, Type, Value};

/// The library `ini`.
pub static LIBRARY: Library = solvm_vm::library!("ini" {
    "parse" => parse,
    "read" => read_file,
    "stringify" => stringify,
    "write" => write_file,
});

/// Memory for a field and a section while they are collected and their lists grow.
const FIELD_BYTES: usize = 2 * size_of::<(&[u8], &[u8])>();
const SECTION_BYTES: usize = 6 * size_of::<(&[u8], Section<'_>)>();

/// The keys and values of a section in order.
type Section<'t> = Vec<(&'t [u8], &'t [u8])>;

/// Adds the events of a text. Sections of the same name are merged; of duplicate keys in a section
/// the last one counts.
fn read(text: &[u8], events: &mut Events) -> Result<(), ReadError> {
    let whole = text;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut at = whole.len().saturating_sub(text.len());
    // The fields before the first section, and the sections by name.
    let mut fields: Section<'_> = Vec::new();
    let mut sections: Vec<(&[u8], Section<'_>)> = Vec::new();
    let mut places = hashbrown::HashMap::new();
    let mut current = None;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let trimmed = line.trim_ascii();
        let space = line.len().saturating_sub(line.trim_ascii_start().len());
        let begin = at.saturating_add(space);
        let end = begin.saturating_add(trimmed.len());
        at = at.saturating_add(line.len());
        if trimmed.is_empty() || trimmed.starts_with(b";") || trimmed.starts_with(b"#") {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix(b"[") {
            let Some(name) = name.strip_suffix(b"]") else {
                return Err(ParseError::new("']' expected", end).into());
            };
            let name = name.trim_ascii();
            events.hold(SECTION_BYTES)?;
            current = Some(*places.entry(name).or_insert_with(|| {
                sections.push((name, Vec::new()));
                sections.len().saturating_sub(1)
            }));
            continue;
        }
        let Some(separator) = memchr::memchr2(b'=', b':', trimmed) else {
            return Err(ParseError::new("'=' expected", end).into());
        };
        let (key, value) = trimmed.split_at(separator);
        let (key, value) = (key.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii());
        if key.is_empty() {
            return Err(ParseError::new("key expected", begin).into());
        }
        let value =
            value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        events.hold(FIELD_BYTES)?;
        match current.and_then(|place: usize| sections.get_mut(place)) {
            Some((_, section)) => section.push((key, value)),
            None => fields.push((key, value)),
        }
    }
    events.push(Event::Begin { is_map: true })?;
    write_fields(&fields, events)?;
    for (name, section) in &sections {
        events.push(Event::key(name))?;
        events.push(Event::Begin { is_map: true })?;
        write_fields(section, events)?;
        events.push(Event::End)?;
    }
    events.push(Event::End)?;
    Ok(())
}

fn write_fields(fields: &Section<'_>, events: &mut Events) -> Result<(), ReadError> {
    for &(key, value) in fields {
        events.push(Event::key(key))?;
        events.push(Event::String(value.into()))?;
    }
    Ok(())
}

/// `ini.parse(text)`: returns the table of a text; nil and a message if the text is invalid.
fn parse<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    document::decode(call, text, read)
}

/// `ini.read(path)`: returns the table of a file; nil and a message if it cannot be read.
fn read_file<'c>(call: &mut Call<'c>, path: Name<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    document::decode_file(call, path, read)
}

/// `ini.stringify(table)`: returns a table as a string.
fn stringify<'c>(call: &mut Call<'c>, table: Table<'c>) -> Result<Vec<u8>, Error> {
    write(call, table)
}

/// `ini.write(path, table)`: writes a table to a file, atomically.
fn write_file<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    table: Table<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let text = write(call, table)?;
    let files = file_system(call)?;
    let name = path.bytes().to_vec();
    Ok(asynchronous::run(move |lua| output::write_file(lua, files, name, text)))
}

/// Returns the text of a table: first its fields, then its tables as sections, each sorted by key.
fn write<'c>(call: &mut Call<'c>, table: Table<'c>) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let mut sections = Vec::new();
    for (key, value) in sorted(call, table, "value")? {
        match Table::from_value(value) {
            Some(section) => sections.push((key, section)),
            None => write_field(&key, value, "value", &mut text)?,
        }
    }
    for (name, section) in sections {
        let path = format!("value.{}", String::from_utf8_lossy(&name));
        if name.iter().any(|byte| b"]\r\n".contains(byte)) || name.trim_ascii() != name {
            return Err(Error::text(format!("{path}: invalid section name")));
        }
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(&[b"[", &name[..], b"]\n"].concat());
        for (key, value) in sorted(call, section, &path)? {
            let size = LuaString::from_value(value).map_or(0, |value| value.bytes().len());
            let size = size.saturating_add(key.len());
            check_growth(call, &mut text, size)?;
            write_field(&key, value, &path, &mut text)?;
        }
    }
    Ok(text)
}

/// Returns the fields of a table, sorted by key.
fn sorted<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    path: &str,
) -> Result<Vec<(Vec<u8>, Value<'c>)>, Error> {
    /// Units charged for a field.
    const UNITS: usize = 8;
    call.charge(table.capacity().saturating_mul(UNITS));
    let mut fields = Vec::new();
    for (key, value) in table.pairs() {
        let name = match (LuaString::from_value(key), key.as_number()) {
            (Some(name), _) => name.bytes().to_vec(),
            (None, Some(x)) => number_text(x),
            _ => {
                return Err(Error::text(format!(
                    "{path}: invalid key (a {} value)",
                    key.type_name()
                )));
            }
        };
        fields.push((name, value));
    }
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(fields)
}

fn number_text(x: f64) -> Vec<u8> {
    let mut text = Vec::new();
    if x.is_finite() {
        number::write(x, &mut text);
    } else {
        text.extend_from_slice(x.to_string().to_lowercase().as_bytes());
    }
    text
}

fn write_field(key: &[u8], value: Value<'_>, path: &str, text: &mut Vec<u8>) -> Result<(), Error> {
    let refusal =
        |reason: &str| Error::text(format!("{path}.{}: {reason}", String::from_utf8_lossy(key)));
    let is_key = !key.is_empty()
        && key.trim_ascii() == key
        && !key.iter().any(|byte| b"=:\r\n".contains(byte));
    if !is_key
        || matches!(key.first(), Some(b'[' | b';' | b'#'))
        || key.starts_with(b"\xef\xbb\xbf")
    {
        return Err(refusal("invalid key"));
    }
    let value = match value.kind() {
        Type::String => {
            LuaString::from_value(value).map_or(Vec::new(), |value| value.bytes().to_vec())
        }
        Type::Number => number_text(value.as_number().unwrap_or_default()),
        Type::Boolean => value.is_truthy().to_string().into_bytes(),
        _ if tags::is_null(value) => Vec::new(),
        _ => return Err(refusal(&format!("cannot encode a {} as INI", value.type_name()))),
    };
    if value.iter().any(|byte| b"\r\n".contains(byte)) {
        return Err(refusal("cannot encode a multi-line string as INI"));
    }
    let needs_quotes =
        value.trim_ascii() != value || value.first() == Some(&b'"') && value.last() == Some(&b'"');
    let quote: &[u8] = if needs_quotes { b"\"" } else { b"" };
    text.extend_from_slice(&[key, b" = ", quote, &value, quote, b"\n"].concat());
    Ok(())
}
