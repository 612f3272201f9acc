//! What a Rust program does with the values that it holds: each needs their runtime.

use crate::error::Error;
use crate::handles::{Function, Table};
use crate::runtime::Runtime;
use solvm_vm::native::{FromLuaOwned, FromValues, IntoLua, IntoValues};

impl Table {
    /// The value of a key, without metamethods.
    ///
    /// # Errors
    /// If the value is of another type than `R`.
    pub fn get<R: FromLuaOwned>(
        &self,
        runtime: &mut Runtime,
        key: impl for<'c> IntoLua<'c>,
    ) -> Result<R, Error> {
        runtime.try_enter(|call| {
            let key = key.into_lua(call)?;
            let value = self.get_in(call)?.get(key);
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
            self.get_in(call)?.set(call, key, value)
        })
    }

    /// Its length: the index of a last value that is followed by nil.
    ///
    /// # Errors
    /// If it belongs to another runtime.
    pub fn len(&self, runtime: &mut Runtime) -> Result<usize, Error> {
        runtime.try_enter(|call| Ok(self.get_in(call)?.length()))
    }

    /// All pairs, in no order.
    ///
    /// # Errors
    /// If one is not of the requested type.
    pub fn pairs<K: FromLuaOwned, V: FromLuaOwned>(
        &self,
        runtime: &mut Runtime,
    ) -> Result<Vec<(K, V)>, Error> {
        runtime.try_enter(|call| {
            let table = self.get_in(call)?;
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
