//! SolVM's own modules, all but the libraries of Lua 5.1. `require` and `import` find them after a
//! program's files.
//!
//! A module is made when it is first needed, and always the same from then on, whatever a program
//! does to its globals and `package.loaded`. Most are tables of natives. Those that are more have
//! an **opener**: a native of the module's name, which is called with the name and returns the
//! module.

use solvm_runtime::host::Host;
use solvm_runtime::module::{Module, Place};
use solvm_runtime::registry::registry_table;
use solvm_vm::native::{Definition, Library, Start, StartWith, Step, Steps, Wanted};
use solvm_vm::{Call, Error, Function, Table, Value};

/// The registry key of the table that has the modules by name.
const MODULES: &str = "modules";

/// With this prefix a name is never that of a file.
const PREFIX: &[u8] = b"solvm.";

/// Openers, by the crate that they are in.
pub type Openers = &'static [&'static [Definition]];

/// The modules that programs can load.
#[derive(Default)]
struct Offered {
    modules: Vec<&'static Module>,
    openers: Openers,
}

/// Makes modules available to programs.
pub fn offer(call: &mut Call, modules: Vec<&'static Module>, openers: Openers) {
    if let Some(host) = call.host::<Host>() {
        *host.state() = Offered { modules, openers };
    }
}

/// The modules that are open, by name.
pub fn opened<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    registry_table(call, MODULES)
}

/// Whether a name is always that of a module.
pub fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(PREFIX)
}

/// A module that has been found.
pub enum OwnModule<'c> {
    /// It is open.
    Open(Value<'c>),
    /// Its opener, which is called with the name. The result is [noted](note).
    Opener(Function<'c>, &'static str),
}

/// Returns a module, or how it is opened. None if there is none of that name.
pub fn find<'c>(call: &mut Call<'c>, name: &[u8]) -> Result<Option<OwnModule<'c>>, Error> {
    let opened = opened(call)?;
    let Some(host) = call.host::<Host>() else { return Ok(None) };
    let offered = host.state::<Offered>();
    let openers = offered.openers;
    let named = |name: &[u8]| -> Vec<&'static Module> {
        offered.modules.iter().copied().filter(|module| module.name.as_bytes() == name).collect()
    };
    let mut modules = named(name);
    let rest = name.strip_prefix(PREFIX).filter(|_| modules.is_empty());
    if let Some(rest) = rest {
        modules = named(rest);
    }
    // Where a module has a table, its functions that are globals do not belong to it. A module
    // without a table is only found by its long name.
    let has_table =
        |module: &Module| module.place != Place::Global || !module.library.name.is_empty();
    if rest.is_none() || modules.iter().copied().any(has_table) {
        modules.retain(|&module| has_table(module));
    }
    let Some(name) = modules.first().map(|module| module.name) else { return Ok(None) };
    let key = call.string(name.as_bytes())?;
    let module = opened.get(key);
    if !module.is_nil() {
        return Ok(Some(OwnModule::Open(module)));
    }
    if let Some(opener) = openers.iter().copied().flatten().find(|opener| opener.name == name) {
        return Ok(Some(OwnModule::Opener(call.function(opener, &[]), name)));
    }
    let size = modules.iter().map(|module| module.library.functions.len()).sum();
    let table = call.table(0, size)?;
    for module in modules {
        call.fill(table, module.library)?;
        if let Some(complete) = module.complete {
            complete(call, table)?;
        }
    }
    opened.set(call, key.value(), table.value())?;
    Ok(Some(OwnModule::Open(table.value())))
}

/// Notes what an opener has returned.
pub fn note<'c>(call: &mut Call<'c>, name: &str, module: Value<'c>) -> Result<(), Error> {
    opened(call)?.set_field(call, name, module)
}

/// Returns a new table with the functions and constants of a library.
pub fn table<'c>(call: &mut Call<'c>, library: &'static Library) -> Result<Table<'c>, Error> {
    let table = call.table(0, library.functions.len().saturating_add(library.constants.len()))?;
    call.fill(table, library)?;
    Ok(table)
}

/// Opens a module that is written in Lua: the chunk runs in the program's globals, with the
/// module's name and a table of natives, and returns the module.
pub fn open_in_lua<'c>(
    call: &mut Call<'c>,
    name: &str,
    source: &str,
    natives: Option<Table<'c>>,
) -> Result<StartWith<'c, Opening>, Error> {
    call.charge_for_reading(source.len());
    let chunk = call.load_library(source.as_bytes(), format!("={name}").as_bytes());
    let chunk = chunk.map_err(Error::text)?.value();
    let name = call.string(name.as_bytes())?.value();
    let natives = natives.map_or(Value::NIL, Table::value);
    Ok(Start::new(Opening { is_running: false }).keep_all([chunk, name, natives]))
}

/// A module whose chunk runs.
pub struct Opening {
    is_running: bool,
}

impl Steps for Opening {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if std::mem::replace(&mut self.is_running, true) {
            let module = call.returned(0);
            return call.finish(module);
        }
        let (chunk, name, natives) = (call.kept(0), call.kept(1), call.kept(2));
        call.call(chunk, &[name, natives], Wanted::One)
    }
}
