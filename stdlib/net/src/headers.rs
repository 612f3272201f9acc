//! Header fields in Lua: a table whose names have their usual spelling (`Content-Type`) and are
//! looked up in any case.
//!
//! A field that occurs more than once is one string, joined by commas, or by semicolons for
//! `Cookie`, as HTTP specifies; `Set-Cookie`, which cannot be joined, is then a list.

use hyper::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use smallvec::SmallVec;
use solvm_runtime::name::Name;
use solvm_vm::messages::shorten;
use solvm_vm::native::Library;
use solvm_vm::{Call, Error, LuaString, Table, Value};

/// The maximum number of fields that a program may set for a message. Methods of `HeaderMap` panic
/// above a limit of its own, 24,576 fields.
const MAX_FIELDS: usize = 1000;

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

/// Reads header fields from a Lua table. A value may be a list: one field each. The error names the
/// invalid field.
pub(crate) fn from_table<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    headers: &mut HeaderMap,
) -> Result<(), String> {
    for (key, value) in table.pairs() {
        let name = LuaString::from_value(key).map(LuaString::bytes);
        let Some(name) = name.and_then(|name| HeaderName::from_bytes(name).ok()) else {
            let shown = name.map_or(key.type_name().into(), |name| {
                format!("'{}'", String::from_utf8_lossy(&shorten(name)))
            });
            return Err(format!("invalid header name {shown}"));
        };
        match Table::from_value(value) {
            None => {
                let value = value_of(call, &name, value)?;
                headers.try_insert(name, value).map_err(|_| too_many())?;
            }
            Some(list) => {
                headers.remove(&name);
                for place in 1..=list.length() {
                    let value = value_of(call, &name, list.get(place))?;
                    headers.try_append(name.clone(), value).map_err(|_| too_many())?;
                    check_number(headers)?;
                }
            }
        }
        check_number(headers)?;
    }
    Ok(())
}

fn check_number(headers: &HeaderMap) -> Result<(), String> {
    if headers.len() > MAX_FIELDS { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> String {
    format!("more than {MAX_FIELDS} header fields")
}

/// Adds fields to a message; they replace fields of the same names. Fields that do not fit are
/// dropped, which cannot happen to those that [`from_table`] has read.
pub(crate) fn add(headers: &mut HeaderMap, added: HeaderMap) {
    if headers.try_reserve(added.len()).is_ok() {
        headers.extend(added);
    }
}

fn value_of<'c>(
    call: &mut Call<'c>,
    name: &HeaderName,
    value: Value<'c>,
) -> Result<HeaderValue, String> {
    let text = LuaString::from_value(value).or_else(|| call.number_string(value.as_number()?));
    let shown = || String::from_utf8_lossy(&canonical(name.as_str().as_bytes())).into_owned();
    let Some(text) = text else {
        return Err(format!("header '{}': string expected, got {}", shown(), value.type_name()));
    };
    let text = Name::check(text).map_err(|text| format!("header '{}': {text}", shown()))?;
    call.charge_for_reading(text.bytes().len());
    HeaderValue::from_bytes(text.bytes())
        .map_err(|_| format!("header '{}' contains a line break or NUL byte", shown()))
}
