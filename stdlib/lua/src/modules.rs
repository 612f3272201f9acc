//! SolVM's own modules, all but the libraries of Lua 5.1. `require` and `import` find them after a
//! program's files.
//!
//! A module is made when it is first needed, and is the same from then on, whatever a program does
//! to its globals. If it has removed the module from `package.loaded`, `require` makes it again, as
//! the function of a C module would. Most modules are tables of natives. Those that are more have
//! an **opener**: a native of the module's name, which is called with the name and returns the
//! module.

use solvm_runtime::host::Host;
use solvm_runtime::module::{Module, Place};
use solvm_runtime::registry::registry_table;
use solvm_vm::native::{Definition, Library, Rest, Start, StartWith, Step, Steps, Wanted};
use solvm_vm::{Call, Error, Function, LuaString, Table, Value};

/// The registry key of the table that has the modules by name.
const MODULES: &str = "modules";

/// The registry key of the table that has the names under which `require` has returned modules.
const REQUIRED: &str = "required modules";

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

/// Notes that `package.loaded` has a module.
pub fn note_required<'c>(call: &mut Call<'c>, name: LuaString<'c>) -> Result<(), Error> {
    registry_table(call, REQUIRED)?.set(call, name.value(), Value::boolean(true))
}

/// Whether a name is always that of a module.
pub fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(PREFIX)
}

/// A module that has been found.
pub enum OwnModule<'c> {
    /// It is open.
    Open(Value<'c>),
    /// The function that opens it.
    Loader(Function<'c>),
}

/// The libraries of the module that a name means; none if there is no module of that name.
fn meant(call: &mut Call, name: &[u8]) -> Vec<&'static Module> {
    let Some(host) = call.host::<Host>() else { return Vec::new() };
    let offered = host.state::<Offered>();
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
    modules
}

/// Returns a module, or how it is opened. None if there is none of that name.
pub fn find<'c>(call: &mut Call<'c>, name: &[u8]) -> Result<Option<OwnModule<'c>>, Error> {
    let modules = meant(call, name);
    open(call, modules, false)
}

/// Returns a module that `package.loaded` does not have: a new one if it has had it before.
pub fn find_again<'c>(
    call: &mut Call<'c>,
    name: LuaString<'c>,
) -> Result<Option<OwnModule<'c>>, Error> {
    let modules = meant(call, name.bytes());
    if modules.is_empty() {
        return Ok(None);
    }
    let is_again = registry_table(call, REQUIRED)?.get(name).is_truthy();
    note_required(call, name)?;
    open(call, modules, is_again)
}

/// Returns the module of these libraries, which is a new one if `is_new`.
fn open<'c>(
    call: &mut Call<'c>,
    modules: Vec<&'static Module>,
    is_new: bool,
) -> Result<Option<OwnModule<'c>>, Error> {
    let Some(name) = modules.first().map(|module| module.name) else { return Ok(None) };
    let opened = opened(call)?;
    let key = call.string(name.as_bytes())?;
    let module = opened.get(key);
    if !module.is_nil() && !is_new {
        return Ok(Some(OwnModule::Open(module)));
    }
    let openers = call.host::<Host>().map_or(&[][..], |host| host.state::<Offered>().openers);
    if let Some(opener) = openers.iter().copied().flatten().find(|opener| opener.name == name) {
        let opener = call.function(opener, &[]).value();
        return Ok(Some(OwnModule::Loader(call.function(&LOADER, &[opener, key.value()]))));
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

static LOADER: Definition = Definition::new("loader_module", load);

/// Calls an opener with the module's name; both are bound. What it returns is the module from then
/// on.
fn load(_: &mut Call, _arguments: Rest) -> Start<Loading> {
    Start::new(Loading { is_called: false })
}

struct Loading {
    is_called: bool,
}

impl Steps for Loading {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let name = call.upvalue(1).unwrap_or(Value::NIL);
        if !std::mem::replace(&mut self.is_called, true) {
            let opener = call.upvalue(0).unwrap_or(Value::NIL);
            return call.call(opener, &[name], Wanted::One);
        }
        let module = call.returned(0);
        opened(call)?.set(call, name, module)?;
        call.finish(module)
    }
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
