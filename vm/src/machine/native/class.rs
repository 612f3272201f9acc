//! Rust types whose values Lua sees as objects with methods.
//!
//! ```
//! use solvm_vm::native::{Call, Class, Library, Object, This};
//! use std::cell::Cell;
//!
//! struct Counter(Cell<f64>);
//!
//! impl solvm_vm::Data for Counter {
//!     fn external_size(&self) -> usize {
//!         0
//!     }
//! }
//!
//! impl Class for Counter {
//!     const NAME: &'static str = "Counter";
//!     const METHODS: &'static Library = &METHODS;
//! }
//!
//! static METHODS: Library = solvm_vm::library!("Counter" {
//!     "add" => add,
//!     "__tostring" => to_string,
//! });
//!
//! fn add(_: &mut Call, this: This<Counter>, amount: Option<f64>) -> f64 {
//!     this.0.set(this.0.get() + amount.unwrap_or(1.0));
//!     this.0.get()
//! }
//!
//! fn to_string(_: &mut Call, this: This<Counter>) -> String {
//!     format!("Counter({})", this.0.get())
//! }
//!
//! # solvm_vm::Vm::new(Default::default()).enter(|call| {
//! let globals = call.globals();
//! globals.set_field(call, "counter", Object(Counter(Cell::new(0.0))))
//! # })?;
//! # Ok::<(), solvm_vm::Error>(())
//! ```

use super::call::Call;
use super::error::Error;
use super::handle::{Table, Userdata, Value};
use super::library::Library;
use super::params::FromLua;
use super::results::IntoLua;
use crate::heap::userdata::Data;
use std::ops::Deref;

/// A type whose values have methods in Lua.
pub trait Class: Data {
    /// Its name in messages, and under which its metatable is in the registry.
    const NAME: &'static str;
    /// Its methods; those whose names start with `__` are metamethods.
    const METHODS: &'static Library;
}

/// A new object: becomes a userdata with the methods of its class.
pub struct Object<T>(pub T);

/// An argument that is an object of a class. It borrows the Rust value, which changes through its
/// own cells only.
pub struct This<'c, T> {
    userdata: Userdata<'c>,
    data: &'c T,
}

impl<'c, T> This<'c, T> {
    /// The userdata.
    pub fn userdata(&self) -> Userdata<'c> {
        self.userdata
    }
}

impl<T> Deref for This<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.data
    }
}

impl<T: Class> FromLua for This<'_, T> {
    type Item<'c> = This<'c, T>;
    const EXPECTED: &'static str = T::NAME;

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<This<'c, T>> {
        let userdata = Userdata::from_value(value)?;
        Some(This { userdata, data: userdata.get::<T>()? })
    }
}

impl<'c, T: Class> IntoLua<'c> for Object<T> {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        let metatable = call.class::<T>()?;
        Ok(call.userdata(self.0, Some(metatable)).value())
    }
}

impl<'c> Call<'c> {
    /// The metatable of a class.
    pub fn class<T: Class>(&mut self) -> Result<Table<'c>, Error> {
        let key = self.string(T::NAME.as_bytes())?.value();
        if let Some(metatable) = Table::from_value(self.registry().get(key)) {
            return Ok(metatable);
        }
        let metatable = self.table(0, T::METHODS.functions.len() + 1)?;
        metatable.set_field(self, "__index", metatable)?;
        // A class may look up its fields in its own way.
        self.fill(metatable, T::METHODS)?;
        self.registry().set(self, key, metatable.value())?;
        Ok(metatable)
    }
}
