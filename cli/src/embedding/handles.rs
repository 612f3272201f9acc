//! Lua values that a Rust program holds between calls.
//!
//! They keep their values alive, and can be arguments and results of functions like any other
//! value. A value of another runtime is nil.

use super::error::Error;
use super::runtime::Runtime;
use solvm_vm::native::{FromLua, FromValues, IntoLua, IntoValues, Owned, Reference};
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
            /// The value, for code that runs inside [`Runtime::enter`]. None in another runtime.
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

impl Table {
    /// The value of a key, without metamethods.
    ///
    /// # Errors
    /// If the value is of another type than `R`.
    pub fn get<R: Owned>(
        &self,
        runtime: &mut Runtime,
        key: impl for<'c> IntoLua<'c>,
    ) -> Result<R, Error> {
        runtime.try_enter(|call| {
            let key = key.into_lua(call)?;
            let value = self.get_in(call).map_or(Handle::NIL, |table| table.get(key));
            R::from_values(call, &[value]).map_err(|mismatch| solvm_vm::Error::text(mismatch.text))
        })
    }

    /// Sets the value of a key, without metamethods.
    ///
    /// # Errors
    /// If the key is nil or NaN, or memory is short.
    pub fn set(
        &self,
        runtime: &mut Runtime,
        key: impl for<'c> IntoLua<'c>,
        value: impl for<'c> IntoLua<'c>,
    ) -> Result<(), Error> {
        runtime.try_enter(|call| {
            let (key, value) = (key.into_lua(call)?, value.into_lua(call)?);
            match self.get_in(call) {
                Some(table) => table.set(call, key, value),
                None => Err(solvm_vm::Error::text("the table belongs to another runtime")),
            }
        })
    }

    /// Its length: the index of a last value that is followed by nil.
    pub fn len(&self, runtime: &mut Runtime) -> usize {
        runtime.enter(|call| self.get_in(call).map_or(0, solvm_vm::Table::length))
    }

    /// All pairs, in no order.
    ///
    /// # Errors
    /// If one is not of the requested type.
    pub fn pairs<K: Owned, V: Owned>(&self, runtime: &mut Runtime) -> Result<Vec<(K, V)>, Error> {
        runtime.try_enter(|call| {
            let Some(table) = self.get_in(call) else { return Ok(Vec::new()) };
            let pair = |(key, value)| {
                <(K, V)>::from_values(call, &[key, value])
                    .map_err(|mismatch| solvm_vm::Error::text(mismatch.text))
            };
            table.pairs().map(pair).collect()
        })
    }
}

impl Function {
    /// Calls it: [`Runtime::call`].
    ///
    /// # Errors
    /// As there.
    pub fn call<R: FromValues>(
        &self,
        runtime: &mut Runtime,
        arguments: impl for<'c> IntoValues<'c>,
    ) -> Result<R, Error> {
        runtime.call(self, arguments)
    }
}
