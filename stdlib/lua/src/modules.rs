//! SolVM's own modules, all but the libraries of Lua 5.1. `require` and `import` find them after a
//! program's files.
//!
//! A module's table is made when it is first needed, and always the same from then on, whatever a
//! program does to its globals and `package.loaded`.

use solvm_runtime::host::Host;
use solvm_runtime::module::Module;
use solvm_runtime::registry::registry_table;
use solvm_vm::{Call, Error, Table};

/// The registry key of the table that has the modules' tables by name.
const MODULES: &str = "modules";

/// With this prefix a name is never that of a file.
const PREFIX: &[u8] = b"solvm.";

/// The modules that programs can load.
#[derive(Default)]
struct Offered(Vec<&'static Module>);

/// Makes modules available to programs.
pub fn offer(call: &mut Call, modules: Vec<&'static Module>) {
    if let Some(host) = call.host::<Host>() {
        *host.state() = Offered(modules);
    }
}

/// The tables of the modules that are open, by name.
pub fn opened<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    registry_table(call, MODULES)
}

/// Whether a name is always that of a module.
pub fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(PREFIX)
}

/// Returns a module's table. None if there is none of that name.
pub fn find<'c>(call: &mut Call<'c>, name: &[u8]) -> Result<Option<Table<'c>>, Error> {
    let opened = opened(call)?;
    let Some(host) = call.host::<Host>() else { return Ok(None) };
    let offered = &host.state::<Offered>().0;
    let named = |name: &[u8]| -> Vec<&'static Module> {
        offered.iter().copied().filter(|module| module.name.as_bytes() == name).collect()
    };
    let mut modules = named(name);
    let rest = name.strip_prefix(PREFIX).filter(|_| modules.is_empty());
    if let Some(rest) = rest {
        modules = named(rest);
    }
    // Where a module has a table, its functions that are globals do not belong to it. A module
    // without a table is only found by its long name.
    if rest.is_none() || modules.iter().any(|module| !module.library.name.is_empty()) {
        modules.retain(|module| !module.library.name.is_empty());
    }
    let Some(first) = modules.first() else { return Ok(None) };
    let key = call.string(first.name.as_bytes())?;
    if let Some(table) = Table::from_value(opened.get(key)) {
        return Ok(Some(table));
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
    Ok(Some(table))
}
