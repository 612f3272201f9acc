//! `import`: modules by name, from directories, archives and URLs; and `metadata`, with which they
//! describe themselves.
//!
//! An argument is parsed into a [`Request`]; a module is identified by its
//! [`Location`](location::Location) and runs once ([`module`]). Its chunk is named after the
//! location, so the chunk name identifies a module that imports others.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod archive;
mod loading;
mod location;
mod lock;
mod members;
mod module;
mod remote;
mod request;

use loading::Loading;
pub use lock::{LockReader, LockedImport, set_lock_reader};
pub use remote::inherit;
pub use request::{GITHUB_VARIABLE, address_of};

use location::{Found, Importer};
use module::Module;
use request::{Request, stem};
use solvm_lua::base;
use solvm_runtime::name::Name;
use solvm_runtime::registry::registry_table;
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, Function, LuaString, Table, Value};

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "import" => import,
    "metadata" => metadata,
});

/// Maximum size of a module, an archive, and all Lua files of an archive.
const MAX_SIZE: u64 = 10 << 20;

/// The registry key of the table of imported values, each in its own table, by the modules' keys.
const MODULES: &str = "imported modules";

/// Globals of standard Lua in addition to its basic functions: no module replaces them.
const STANDARD: [&str; 12] = [
    "_G",
    "_VERSION",
    "coroutine",
    "debug",
    "io",
    "math",
    "module",
    "os",
    "package",
    "require",
    "string",
    "table",
];

/// `import(name)`: runs a module once, assigns it to the global of its name and returns it.
fn import<'c>(call: &mut Call<'c>, name: Name<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let text = std::str::from_utf8(name.bytes())
        .map_err(|_| Error::argument(1, "module name is not valid UTF-8"))?;
    let request = Request::parse(text).map_err(|reason| Error::argument(1, reason))?;
    let importer = Importer::of(call)?;
    let global = request.global();
    Ok(asynchronous::run(move |lua| async move {
        let result = lua.slot();
        match importer.find(&lua, &request).await? {
            Found::Module(module) => module.import(&lua, result).await?,
            Found::BuiltIn(loader) => load_built_in(&lua, &global, loader, result).await?,
            Found::Modules(modules) => import_all(&lua, modules, result).await?,
        }
        lua.with(|call| {
            let value = result.get(call);
            if !value.is_nil() && !is_standard(&global) {
                call.globals().set_field(call, &global, value)?;
            }
            Ok::<(), Error>(())
        })?;
        lua.finish(&[result])
    }))
}

/// Whether a global belongs to standard Lua.
fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name) || base::LIBRARY.functions.iter().any(|function| function.name == name)
}

/// Runs the loader of a built-in module that was not used before. A value that is not a function is
/// the module itself.
async fn load_built_in(lua: &Lua, name: &str, loader: Slot, result: Slot) -> Result<(), Error> {
    let is_loader = lua.get(loader, |_, loader| Function::from_value(loader).is_some());
    if !is_loader {
        lua.set(result, |call| loader.get(call));
        return Ok(());
    }
    let argument = lua.slot();
    lua.with(|call| {
        let name = call.string(name.as_bytes())?.value();
        argument.set(call, name);
        Ok::<(), Error>(())
    })?;
    lua.call(loader, &[argument], result).await?;
    lua.with(|call| {
        let value = result.get(call);
        call.loaded()?.set_field(call, name, value)
    })
}

/// Returns a table of several modules by file name.
async fn import_all(lua: &Lua, modules: Vec<Module>, result: Slot) -> Result<(), Error> {
    let module_result = lua.slot();
    lua.with(|call| {
        let table = call.table(0, modules.len())?.value();
        result.set(call, table);
        Ok::<(), Error>(())
    })?;
    for module in modules {
        module.import(lua, module_result).await?;
        lua.with(|call| {
            let value = module_result.get(call);
            match Table::from_value(result.get(call)) {
                Some(table) if !value.is_nil() => table.set_field(call, &module.stem(), value),
                _ => Ok(()),
            }
        })?;
    }
    Ok(())
}

/// `metadata(table)`: sets the description of the calling module. `metadata(name)`: returns the
/// description of a module.
fn metadata<'c>(call: &mut Call<'c>, what: Value<'c>) -> Result<Value<'c>, Error> {
    let descriptions = registry_table(call, "module descriptions")?;
    if let Some(name) = LuaString::from_value(what) {
        return Ok(descriptions.get(name));
    }
    if Table::from_value(what).is_none() {
        return Err(Error::argument(
            1,
            format!("table or string expected, got {}", what.type_name()),
        ));
    }
    let source = location::calling_chunk(call).unwrap_or_default();
    let name = stem(&String::from_utf8_lossy(source.strip_prefix(b"@").unwrap_or(&source)));
    descriptions.set_field(call, &name, what)?;
    Ok(what)
}
