//! `types`: type checks.

use solvm_vm::native::Library;
use solvm_vm::{Call, Function, LuaString, Metamethod, Table, Type, Value};

/// The library `types`.
pub static LIBRARY: Library = solvm_vm::library!("types" {
    "is_boolean" => is_boolean,
    "is_callable" => is_callable,
    "is_function" => is_function,
    "is_integer" => is_integer,
    "is_nil" => is_nil,
    "is_number" => is_number,
    "is_string" => is_string,
    "is_table" => is_table,
    "type" => type_of,
});

/// `types.type(value)`: returns the type, or the field `__name` of the metatable.
fn type_of<'c>(call: &mut Call<'c>, value: Value<'c>) -> Vec<u8> {
    let name = LuaString::from_value(call.metafield(value, "__name"));
    name.map_or_else(|| value.type_name().into(), |name| name.bytes().to_vec())
}

/// `types.is_boolean(value)`
fn is_boolean(_: &mut Call, value: Option<Value>) -> bool {
    value.is_some_and(|value| value.as_boolean().is_some())
}

/// `types.is_callable(value)`: whether a value is a function or has a metatable with `__call`.
fn is_callable<'c>(call: &mut Call<'c>, value: Option<Value<'c>>) -> bool {
    value.is_some_and(|value| {
        Function::from_value(value).is_some() || !call.metamethod(value, Metamethod::Call).is_nil()
    })
}

/// `types.is_function(value)`
fn is_function(_: &mut Call, value: Option<Value>) -> bool {
    value.is_some_and(|value| Function::from_value(value).is_some())
}

/// `types.is_integer(value)`: whether a value is a number without a fraction.
fn is_integer(_: &mut Call, value: Option<Value>) -> bool {
    value
        .and_then(Value::as_number)
        .is_some_and(|number| number.is_finite() && number.fract() == 0.0)
}

/// `types.is_nil(value)`
fn is_nil(_: &mut Call, value: Option<Value>) -> bool {
    value.is_none()
}

/// `types.is_number(value)`
fn is_number(_: &mut Call, value: Option<Value>) -> bool {
    value.is_some_and(|value| value.kind() == Type::Number)
}

/// `types.is_string(value)`
fn is_string(_: &mut Call, value: Option<Value>) -> bool {
    value.is_some_and(|value| value.kind() == Type::String)
}

/// `types.is_table(value)`
fn is_table(_: &mut Call, value: Option<Value>) -> bool {
    value.is_some_and(|value| Table::from_value(value).is_some())
}
