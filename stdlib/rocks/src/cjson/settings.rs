//! The settings of a `cjson` module, and the functions that read and change them.
//!
//! Each module that `cjson.new` returns has its own settings, which its functions have as a bound
//! value. An encoding or decoding uses those at its start.

use solvm_runtime::name::Name;
use solvm_vm::native::{FromLua, Rest};
use solvm_vm::{Call, Data, Error, LuaString, Userdata, Value};
use std::cell::Cell;

/// How numbers that JSON has not are handled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Invalid {
    /// They are an error.
    Refused,
    /// They are written in the way of C.
    Written,
    /// They become null.
    Null,
}

/// The settings of a module.
#[derive(Clone, Copy)]
pub(super) struct Settings {
    /// Whether encoding and decoding return nil and a message instead of raising it.
    pub(super) is_safe: bool,
    pub(super) sparse_convert: bool,
    pub(super) sparse_ratio: i32,
    pub(super) sparse_safe: i32,
    pub(super) encode_depth: i32,
    pub(super) decode_depth: i32,
    pub(super) precision: i32,
    pub(super) keep_buffer: bool,
    pub(super) encode_invalid: Invalid,
    pub(super) decode_invalid: bool,
    pub(super) empty_as_object: bool,
    pub(super) array_metatables: bool,
    pub(super) escape_slash: bool,
    pub(super) skip_unsupported: bool,
}

impl Settings {
    pub(super) const fn new(is_safe: bool) -> Settings {
        Settings {
            is_safe,
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth: 1000,
            decode_depth: 1000,
            precision: 14,
            keep_buffer: true,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
            empty_as_object: true,
            array_metatables: false,
            escape_slash: true,
            skip_unsupported: false,
        }
    }
}

/// The bound value of a module's functions.
pub(super) struct Bound(pub(super) Cell<Settings>);

impl Data for Bound {
    fn external_size(&self) -> usize {
        0
    }
}

/// The settings of the module whose function runs.
pub(super) fn current(call: &Call) -> Settings {
    with(call, |settings| *settings)
}

fn with<R>(call: &Call, f: impl FnOnce(&mut Settings) -> R) -> R {
    let bound = call.upvalue(0).and_then(Userdata::from_value);
    let Some(bound) = bound.and_then(|bound| bound.get::<Bound>()) else {
        return f(&mut Settings::new(false));
    };
    let mut settings = bound.0.get();
    let result = f(&mut settings);
    bound.0.set(settings);
    result
}

fn check_count(call: &Call, most: usize) -> Result<(), Error> {
    if call.argument_count() > most {
        return Err(Error::argument(most.saturating_add(1), "found too many arguments"));
    }
    Ok(())
}

/// An argument that is an integer of a range; None if it is absent.
fn integer(call: &mut Call, index: usize, least: i32) -> Result<Option<i32>, Error> {
    let Some(value) = call.argument(index).filter(|value| !value.is_nil()) else {
        return Ok(None);
    };
    let number = f64::from_lua(call, value).ok_or_else(|| {
        let text = format!("number expected, got {}", value.type_name());
        Error::argument(index.saturating_add(1), text)
    })?;
    Ok(Some(if number < f64::from(least) { least.saturating_sub(1) } else { number as i32 }))
}

/// Fails if an integer is out of range. As in lua-cjson, the message is always about argument 1.
fn in_range(value: i32, least: i32, most: i32) -> Result<i32, Error> {
    if !(least..=most).contains(&value) {
        let text = format!("expected integer between {least} and {most}");
        return Err(Error::argument(1, text));
    }
    Ok(value)
}

/// Reads or sets an integer.
fn number(
    call: &mut Call,
    most: i32,
    field: impl Fn(&mut Settings) -> &mut i32,
) -> Result<f64, Error> {
    check_count(call, 1)?;
    if let Some(value) = integer(call, 0, 1)? {
        let value = in_range(value, 1, most)?;
        with(call, |settings| *field(settings) = value);
    }
    Ok(f64::from(with(call, |settings| *field(settings))))
}

/// An argument that is a boolean or one of these names; None if it is absent. The names of the
/// booleans are first.
fn choice(call: &mut Call, index: usize, names: &[&str]) -> Result<Option<usize>, Error> {
    let Some(value) = call.argument(index).filter(|value| !value.is_nil()) else {
        return Ok(None);
    };
    if let Some(boolean) = value.as_boolean() {
        return Ok(Some(usize::from(boolean)));
    }
    let position = index.saturating_add(1);
    let text = call.coerced_string(value).ok_or_else(|| {
        Error::argument(position, format!("string expected, got {}", value.type_name()))
    })?;
    let text = Name::argument(text, position)?.bytes();
    let found = names.iter().position(|name| name.as_bytes() == text);
    found
        .map(Some)
        .ok_or_else(|| Error::argument(position, [b"invalid option '", text, b"'"].concat()))
}

const BOOLEANS: &[&str] = &["off", "on"];

/// Reads or sets a boolean.
fn boolean(call: &mut Call, field: impl Fn(&mut Settings) -> &mut bool) -> Result<bool, Error> {
    check_count(call, 1)?;
    if let Some(value) = choice(call, 0, BOOLEANS)? {
        with(call, |settings| *field(settings) = value == 1);
    }
    Ok(with(call, |settings| *field(settings)))
}

/// `cjson.encode_sparse_array([convert[, ratio[, safe]]])`
pub(super) fn sparse_array<'c>(
    call: &mut Call<'c>,
    _arguments: Rest,
) -> Result<(bool, f64, f64), Error> {
    check_count(call, 3)?;
    if let Some(convert) = choice(call, 0, BOOLEANS)? {
        with(call, |settings| settings.sparse_convert = convert == 1);
    }
    if let Some(ratio) = integer(call, 1, 0)? {
        let ratio = in_range(ratio, 0, i32::MAX)?;
        with(call, |settings| settings.sparse_ratio = ratio);
    }
    if let Some(safe) = integer(call, 2, 0)? {
        let safe = in_range(safe, 0, i32::MAX)?;
        with(call, |settings| settings.sparse_safe = safe);
    }
    let settings = current(call);
    let (ratio, safe) = (f64::from(settings.sparse_ratio), f64::from(settings.sparse_safe));
    Ok((settings.sparse_convert, ratio, safe))
}

/// `cjson.encode_max_depth([depth])`
pub(super) fn encode_depth(call: &mut Call, _arguments: Rest) -> Result<f64, Error> {
    number(call, i32::MAX, |settings| &mut settings.encode_depth)
}

/// `cjson.decode_max_depth([depth])`
pub(super) fn decode_depth(call: &mut Call, _arguments: Rest) -> Result<f64, Error> {
    number(call, i32::MAX, |settings| &mut settings.decode_depth)
}

/// `cjson.encode_number_precision([digits])`
pub(super) fn precision(call: &mut Call, _arguments: Rest) -> Result<f64, Error> {
    const MOST_DIGITS: i32 = 16;
    number(call, MOST_DIGITS, |settings| &mut settings.precision)
}

/// `cjson.encode_keep_buffer([keep])`: without effect, since buffers are freed at once.
pub(super) fn keep_buffer(call: &mut Call, _arguments: Rest) -> Result<bool, Error> {
    boolean(call, |settings| &mut settings.keep_buffer)
}

/// `cjson.encode_empty_table_as_object([on])`
pub(super) fn empty_as_object(call: &mut Call, _arguments: Rest) -> Result<bool, Error> {
    boolean(call, |settings| &mut settings.empty_as_object)
}

/// `cjson.decode_array_with_array_mt([on])`
pub(super) fn array_metatables(call: &mut Call, _arguments: Rest) -> Result<bool, Error> {
    boolean(call, |settings| &mut settings.array_metatables)
}

/// `cjson.encode_escape_forward_slash([on])`
pub(super) fn escape_slash(call: &mut Call, _arguments: Rest) -> Result<bool, Error> {
    boolean(call, |settings| &mut settings.escape_slash)
}

/// `cjson.encode_skip_unsupported_value_types([on])`
pub(super) fn skip_unsupported(call: &mut Call, _arguments: Rest) -> Result<bool, Error> {
    boolean(call, |settings| &mut settings.skip_unsupported)
}

/// `cjson.decode_invalid_numbers([on])`
pub(super) fn decode_invalid(call: &mut Call, _arguments: Rest) -> Result<bool, Error> {
    boolean(call, |settings| &mut settings.decode_invalid)
}

/// `cjson.encode_invalid_numbers([on | "null"])`
pub(super) fn encode_invalid<'c>(
    call: &mut Call<'c>,
    _arguments: Rest,
) -> Result<Value<'c>, Error> {
    check_count(call, 1)?;
    if let Some(value) = choice(call, 0, &["off", "on", "null"])? {
        let value = match value {
            0 => Invalid::Refused,
            1 => Invalid::Written,
            _ => Invalid::Null,
        };
        with(call, |settings| settings.encode_invalid = value);
    }
    Ok(match current(call).encode_invalid {
        Invalid::Null => call.string(b"null").map(LuaString::value)?,
        other => Value::boolean(other == Invalid::Written),
    })
}
