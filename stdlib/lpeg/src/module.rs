//! What the module `lpeg` has in addition to its functions: the metatable of patterns.

use crate::library::LIBRARY;
use crate::operators::METHODS;
use crate::pattern::{metatable, set_metatable};
use solvm_vm::{Call, Error, Table};

/// Completes the module when it is loaded: patterns find their methods in its table.
pub fn complete<'c>(call: &mut Call<'c>, module: Table<'c>) -> Result<(), Error> {
    if metatable(call)?.is_none() {
        let metatable = call.table(0, METHODS.functions.len() + 1)?;
        call.fill(metatable, &METHODS)?;
        set_metatable(call, metatable)?;
    }
    match metatable(call)? {
        Some(metatable) => metatable.set_field(call, "__index", module),
        None => Ok(()),
    }
}

/// Creates the metatable for `re` if `lpeg` has not been loaded.
pub(crate) fn prepare(call: &mut Call<'_>) -> Result<(), Error> {
    if metatable(call)?.is_some() {
        return Ok(());
    }
    let methods = call.table(0, LIBRARY.functions.len())?;
    call.fill(methods, &LIBRARY)?;
    complete(call, methods)
}
