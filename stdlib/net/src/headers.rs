//! Header fields in Lua: a table whose names have their usual spelling (`Content-Type`) and are
//! looked up in any case.
//!
//! A field that occurs more than once is one string, joined by commas, or by semicolons for
//! `Cookie`, as HTTP specifies; `Set-Cookie`, which cannot be joined, is then a list.

use crate::sockets::peers::{Peer, accounted};
use bytes::Bytes;
use hyper::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use smallvec::SmallVec;
use solvm_runtime::name::Name;
use solvm_vm::messages::shorten;
use solvm_vm::native::Library;
use solvm_vm::{Call, Error, LuaString, Table, Value};
use std::ops::Range;
use std::sync::Arc;

/// The maximum number of fields that a program may set for a message. Methods of `HeaderMap` panic
/// above a limit of its own, 24,576 fields.
const MAX_FIELDS: usize = 1000;
/// The maximum number of bytes of their names and values: what servers accept, or less.
const MAX_SIZE: usize = 64 << 10;
/// Approximate memory for a field in addition to its name and value.
const FIELD_SIZE: usize = 256;
/// Fields up to this size are not accounted for.
const SMALL: usize = 4 << 10;

/// The registry key of the tables' metatable.
const METATABLE: &str = "http headers";

static METHODS: Library = solvm_vm::library!("" {
    "__index" => index,
    "__newindex" => new_index,
});

/// Creates the metatable.
pub(crate) fn finish(call: &mut Call) -> Result<(), Error> {
    let metatable = call.table(0, METHODS.functions.len())?;
    call.fill(metatable, &METHODS)?;
    call.registry().set_field(call, METATABLE, metatable)
}

/// Returns a name in its usual spelling.
fn canonical(name: &[u8]) -> SmallVec<[u8; 32]> {
    let mut starts = true;
    let spell = |&byte: &u8| {
        let spelt = if starts { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
        starts = byte == b'-';
        spelt
    };
    name.iter().map(spell).collect()
}

fn canonical_key<'c>(call: &mut Call<'c>, key: Value<'c>) -> Result<Value<'c>, Error> {
    match LuaString::from_value(key) {
        Some(name) => {
            call.charge(name.bytes().len() / 4);
            Ok(call.string(&canonical(name.bytes()))?.value())
        }
        None => Ok(key),
    }
}

/// `headers[name]` where the table has no field of that spelling.
fn index<'c>(call: &mut Call<'c>, table: Table<'c>, key: Value<'c>) -> Result<Value<'c>, Error> {
    let key = canonical_key(call, key)?;
    Ok(table.get(key))
}

/// `headers[name] = value` where the table has no field of that spelling.
fn new_index<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    key: Value<'c>,
    value: Value<'c>,
) -> Result<(), Error> {
    let key = canonical_key(call, key)?;
    table.set(call, key, value)
}

/// Returns the table of the header fields.
pub(crate) fn to_table<'c>(call: &mut Call<'c>, headers: &HeaderMap) -> Result<Table<'c>, Error> {
    let table = call.table(0, headers.keys_len())?;
    for name in headers.keys() {
        let key = call.string(&canonical(name.as_str().as_bytes()))?.value();
        let mut values = headers.get_all(name).iter();
        let value = match (values.next(), values.next()) {
            (Some(value), None) => call.string(value.as_bytes())?.value(),
            _ => several(call, headers, name)?,
        };
        table.set(call, key, value)?;
    }
    let key = call.string(METATABLE.as_bytes())?;
    let metatable = Table::from_value(call.registry().get(key));
    call.set_metatable(table.value(), metatable);
    Ok(table)
}

/// Returns the value of a field that occurs more than once.
fn several<'c>(
    call: &mut Call<'c>,
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<Value<'c>, Error> {
    let values: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    if name != SET_COOKIE {
        let separator: &[u8] = if name == COOKIE { b"; " } else { b", " };
        return Ok(call.string(&values.join(separator))?.value());
    }
    let list = call.table(values.len(), 0)?;
    for (place, value) in (1..).zip(values) {
        let value = call.string(value)?.value();
        list.set_index(call, place, value)?;
    }
    Ok(list.value())
}

/// Why header fields of a program cannot be used.
pub(crate) enum Refusal {
    /// The reason names the invalid field.
    Invalid(String),
    NoMemory(Error),
}

impl Refusal {
    /// Returns the error; `invalid` makes it for invalid fields.
    pub(crate) fn error(self, invalid: impl FnOnce(String) -> Error) -> Error {
        match self {
            Refusal::Invalid(reason) => invalid(reason),
            Refusal::NoMemory(error) => error,
        }
    }
}

impl From<String> for Refusal {
    fn from(reason: String) -> Refusal {
        Refusal::Invalid(reason)
    }
}

/// Header fields of a table: names, and the places of their values in one text.
#[derive(Default)]
struct Given {
    fields: Vec<(HeaderName, SmallVec<[Range<usize>; 1]>)>,
    text: Vec<u8>,
    /// The number of values, and the bytes of names and values.
    count: usize,
    size: usize,
}

impl Given {
    fn add_value<'c>(
        &mut self,
        call: &mut Call<'c>,
        name: &HeaderName,
        value: Value<'c>,
    ) -> Result<Range<usize>, String> {
        let value = text_of(call, name, value)?.bytes();
        self.count = self.count.saturating_add(1);
        self.size = self.size.saturating_add(field_size(name, value.len()));
        check(self.count, self.size)?;
        let start = self.text.len();
        self.text.extend_from_slice(value);
        Ok(start..self.text.len())
    }
}

/// Reads header fields from a Lua table, in addition to those that a message has. A value may be a
/// list: one field each. The fields are accounted for as long as any of their values exists: as a
/// load of the peer if there is one.
pub(crate) fn from_table<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    headers: &mut HeaderMap,
    peer: Option<&Arc<Peer>>,
) -> Result<(), Refusal> {
    call.charge(table.capacity() / 8);
    let mut given = Given::default();
    for (key, value) in table.pairs() {
        let name = LuaString::from_value(key).map(LuaString::bytes);
        let Some(name) = name.and_then(|name| HeaderName::from_bytes(name).ok()) else {
            let shown = name.map_or(key.type_name().into(), |name| {
                format!("'{}'", String::from_utf8_lossy(&shorten(name)))
            });
            return Err(format!("invalid header name {shown}").into());
        };
        let mut values = SmallVec::new();
        match Table::from_value(value) {
            None => values.push(given.add_value(call, &name, value)?),
            Some(list) => {
                for place in 1..=list.length() {
                    values.push(given.add_value(call, &name, list.get(place))?);
                }
            }
        }
        given.fields.push((name, values));
    }
    let size = given.size.saturating_add(given.count.saturating_mul(FIELD_SIZE));
    let text: Bytes = match peer {
        _ if size <= SMALL && headers.is_empty() => given.text.into(),
        Some(peer) => {
            let load = peer.hold(size).map_err(|error| Refusal::NoMemory(error.into()))?;
            accounted(given.text, load)
        }
        None => accounted(given.text, call.hold(size).map_err(Refusal::NoMemory)?),
    };
    for (name, values) in given.fields {
        headers.remove(&name);
        for place in values {
            let value = HeaderValue::from_maybe_shared(text.slice(place)).map_err(|_| {
                format!("header '{}' contains a line break or NUL byte", shown(&name))
            })?;
            headers.try_append(name.clone(), value).map_err(|_| too_many())?;
        }
    }
    let sizes = headers.iter().map(|(name, value)| field_size(name, value.len()));
    check(headers.len(), sizes.fold(0, usize::saturating_add))?;
    Ok(())
}

fn field_size(name: &HeaderName, value: usize) -> usize {
    name.as_str().len().saturating_add(value)
}

fn check(count: usize, size: usize) -> Result<(), String> {
    if count > MAX_FIELDS {
        Err(too_many())
    } else if size > MAX_SIZE {
        Err(format!("header fields of more than {} KiB", MAX_SIZE >> 10))
    } else {
        Ok(())
    }
}

fn too_many() -> String {
    format!("more than {MAX_FIELDS} header fields")
}

/// Returns the approximate number of bytes that a message's header has when it is sent.
pub(crate) fn sent_size(headers: &HeaderMap) -> usize {
    /// A colon, a space and a line break.
    const PUNCTUATION: usize = 4;
    let sizes = headers.iter().map(|(name, value)| field_size(name, value.len()));
    sizes.fold(0, |sum: usize, size| sum.saturating_add(size).saturating_add(PUNCTUATION))
}

/// Adds fields to a message; they replace fields of the same names. Fields that do not fit are
/// dropped, which cannot happen to those that [`from_table`] has read.
pub(crate) fn add(headers: &mut HeaderMap, added: HeaderMap) {
    if headers.try_reserve(added.len()).is_ok() {
        headers.extend(added);
    }
}

fn text_of<'c>(
    call: &mut Call<'c>,
    name: &HeaderName,
    value: Value<'c>,
) -> Result<LuaString<'c>, String> {
    let text = LuaString::from_value(value).or_else(|| call.number_string(value.as_number()?));
    let Some(text) = text else {
        return Err(format!(
            "header '{}': string expected, got {}",
            shown(name),
            value.type_name()
        ));
    };
    let text = Name::check(text).map_err(|text| format!("header '{}': {text}", shown(name)))?;
    call.charge_for_reading(text.bytes().len());
    Ok(text.string())
}

fn shown(name: &HeaderName) -> String {
    String::from_utf8_lossy(&canonical(name.as_str().as_bytes())).into_owned()
}
