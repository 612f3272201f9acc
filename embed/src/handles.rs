//! Lua values that a Rust program holds between calls.
//!
//! They keep their values alive as long as they live, and may be arguments and results of functions
//! like any other value. One that is given to another runtime than its own is nil there.

use solvm_vm::native::{FromLua, IntoLua, Reference};
use solvm_vm::{Call, Value as Handle};

macro_rules! handles {
    ($($(#[doc = $doc:literal])* $name:ident $expected:literal;)*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Reference);

        impl FromLua for $name {
            type Item<'c> = $name;
            const EXPECTED: &'static str = $expected;

            fn from_lua<'c>(call: &mut Call<'c>, value: Handle<'c>) -> Option<$name> {
                solvm_vm::$name::from_value(value)?;
                call.reference(value).ok().map($name)
            }
        }

        impl<'c> IntoLua<'c> for &$name {
            fn into_lua(self, call: &mut Call<'c>) -> Result<Handle<'c>, solvm_vm::Error> {
                Ok(self.0.get(call).unwrap_or(Handle::NIL))
            }
        }

        impl<'c> IntoLua<'c> for $name {
            fn into_lua(self, call: &mut Call<'c>) -> Result<Handle<'c>, solvm_vm::Error> {
                (&self).into_lua(call)
            }
        }

        impl $name {
            /// The value, for code that runs inside [`Runtime::enter`](crate::Runtime::enter). None in another runtime.
            pub fn get_in<'c>(&self, call: &mut Call<'c>) -> Option<solvm_vm::$name<'c>> {
                solvm_vm::$name::from_value(self.0.get(call)?)
            }
        }
    )* };
}

handles! {
    /// A function.
    Function "function";
    /// A table.
    Table "table";
    /// A Rust value in a Lua userdata.
    Userdata "userdata";
}

/// Any value.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// `nil`.
    #[default]
    Nil,
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A string: any bytes.
    String(Vec<u8>),
    /// A table.
    Table(Table),
    /// A function.
    Function(Function),
    /// An object.
    Userdata(Userdata),
    /// A coroutine.
    Coroutine(Reference),
}

impl FromLua for Value {
    type Item<'c> = Value;
    const EXPECTED: &'static str = "value";

    fn from_lua<'c>(call: &mut Call<'c>, value: Handle<'c>) -> Option<Value> {
        if let Some(x) = value.as_number() {
            return Some(Value::Number(x));
        }
        if let Some(b) = value.as_boolean() {
            return Some(Value::Boolean(b));
        }
        if let Some(text) = solvm_vm::LuaString::from_value(value) {
            return Some(Value::String(text.bytes().to_vec()));
        }
        Some(match value.kind() {
            solvm_vm::Type::Table => Value::Table(Table::from_lua(call, value)?),
            solvm_vm::Type::Function => Value::Function(Function::from_lua(call, value)?),
            solvm_vm::Type::Userdata => Value::Userdata(Userdata::from_lua(call, value)?),
            _ if value.is_nil() => Value::Nil,
            _ => Value::Coroutine(call.reference(value).ok()?),
        })
    }

    fn absent<'c>() -> Option<Self::Item<'c>> {
        Some(Value::Nil)
    }
}

impl<'c> IntoLua<'c> for &Value {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Handle<'c>, solvm_vm::Error> {
        match self {
            Value::Nil => Ok(Handle::NIL),
            Value::Boolean(b) => b.into_lua(call),
            Value::Number(x) => x.into_lua(call),
            Value::String(bytes) => bytes[..].into_lua(call),
            Value::Table(table) => table.into_lua(call),
            Value::Function(function) => function.into_lua(call),
            Value::Userdata(userdata) => userdata.into_lua(call),
            Value::Coroutine(reference) => Ok(reference.get(call).unwrap_or(Handle::NIL)),
        }
    }
}

impl<'c> IntoLua<'c> for Value {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Handle<'c>, solvm_vm::Error> {
        (&self).into_lua(call)
    }
}
