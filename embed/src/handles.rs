//! Lua values that a Rust program holds between calls.
//!
//! They keep their values alive as long as they live, and may be arguments and results of functions
//! like any other value. Another runtime than their own refuses them. They may be held by any
//! thread.

use solvm_vm::native::{FromLua, IntoLua, Reference};
use solvm_vm::{Call, Value as Handle};
use std::fmt;

/// A value was given to another runtime than its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForeignHandle(&'static str);

impl ForeignHandle {
    pub(crate) fn error(what: &'static str) -> solvm_vm::Error {
        solvm_vm::Error::from_rust(ForeignHandle(what))
    }
}

impl fmt::Display for ForeignHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the {} belongs to another runtime", self.0)
    }
}

impl std::error::Error for ForeignHandle {}

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
                self.0.get(call).ok_or_else(|| ForeignHandle::error($expected))
            }
        }

        impl<'c> IntoLua<'c> for $name {
            fn into_lua(self, call: &mut Call<'c>) -> Result<Handle<'c>, solvm_vm::Error> {
                (&self).into_lua(call)
            }
        }

        impl $name {
            /// The value, for code that runs inside [`Runtime::enter`](crate::Runtime::enter).
            ///
            /// # Errors
            /// In another runtime.
            pub fn get_in<'c>(
                &self,
                call: &mut Call<'c>,
            ) -> Result<solvm_vm::$name<'c>, solvm_vm::Error> {
                let value = self.0.get(call).and_then(solvm_vm::$name::from_value);
                value.ok_or_else(|| ForeignHandle::error($expected))
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
    /// A coroutine.
    Coroutine "coroutine";
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
    Coroutine(Coroutine),
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
            _ => Value::Coroutine(Coroutine::from_lua(call, value)?),
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
            Value::Coroutine(coroutine) => coroutine.into_lua(call),
        }
    }
}

impl<'c> IntoLua<'c> for Value {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Handle<'c>, solvm_vm::Error> {
        (&self).into_lua(call)
    }
}
