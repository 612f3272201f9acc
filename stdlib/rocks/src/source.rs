//! Modules whose source is Lua, where the package that they stand in for is in Lua, too.
//!
//! The chunk runs when the module is loaded for the first time, in the program's globals, and its
//! result is the module. Its parameter is a table of natives, if it needs any.

use solvm_vm::native::{Library, Start, StartWith, Step, Steps, Wanted};
use solvm_vm::{Call, Error, Table, Value};

/// Runs a module's source.
pub(crate) fn open<'c>(
    call: &mut Call<'c>,
    name: &str,
    text: &str,
    natives: Option<Table<'c>>,
) -> Result<StartWith<'c, Opening>, Error> {
    let chunk =
        call.load_library(text.as_bytes(), format!("={name}").as_bytes()).map_err(Error::text)?;
    let natives = natives.map_or(Value::NIL, Table::value);
    Ok(Start::new(Opening { is_running: false }).keep_all([chunk.value(), natives]))
}

/// Creates a table with the functions and constants of a library.
pub(crate) fn table<'c>(
    call: &mut Call<'c>,
    library: &'static Library,
) -> Result<Table<'c>, Error> {
    let table = call.table(0, library.functions.len().saturating_add(library.constants.len()))?;
    call.fill(table, library)?;
    Ok(table)
}

/// A module whose source runs.
pub(crate) struct Opening {
    is_running: bool,
}

impl Steps for Opening {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if std::mem::replace(&mut self.is_running, true) {
            let module = call.returned(0);
            return call.finish(module);
        }
        let (chunk, natives) = (call.kept(0), call.kept(1));
        call.call(chunk, &[natives], Wanted::One)
    }
}
