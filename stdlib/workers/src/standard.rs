//! The libraries' tables and functions, which every VM has: a message names them.

use solvm_lua::modules::{self, OwnModule};
use solvm_runtime::registry::registry_table;
use solvm_vm::native::Definition;
use solvm_vm::{Call, Error, Function, LuaString, Table, Value};

/// The table of names in the registry, by library, and the number of modules that it knows.
const NAMES: &str = "names of libraries";
/// The libraries of Lua 5.1.
const LUA: &[&str] = &[
    "coroutine",
    "debug",
    "io",
    "math",
    "os",
    "package",
    "string",
    "table",
    "bit",
    "bit32",
    "utf8",
];

/// The name of a library's table, or of a global native that has values of its VM.
pub(crate) fn name<'c>(call: &mut Call<'c>, value: Value<'c>) -> Result<Option<Box<[u8]>>, Error> {
    if let Some(function) = Function::from_value(value) {
        let Some(name) = call.name_of_native(function) else { return Ok(None) };
        let key = call.string(name.as_bytes())?;
        let global = global(call, key);
        return Ok(global.raw_equal(value).then(|| name.as_bytes().into()));
    }
    let names = registry_table(call, NAMES)?;
    Ok(LuaString::from_value(names.get(value)).map(|name| name.bytes().into()))
}

/// Notes the names of the libraries that are open: they are opened when they are first used.
pub(crate) fn note_libraries(call: &mut Call<'_>) -> Result<(), Error> {
    let names = registry_table(call, NAMES)?;
    let opened = modules::opened(call)?;
    let count = Value::number(0.0);
    let size = opened.pairs().count() as f64;
    if names.get(count).as_number() == Some(size) {
        return Ok(());
    }
    for (name, library) in opened.pairs().collect::<Vec<_>>() {
        names.set(call, library, name)?;
    }
    let loaded = call.loaded()?;
    for name in LUA {
        let name = call.string(name.as_bytes())?;
        let library = loaded.get(name);
        if !library.is_nil() {
            names.set(call, library, name.value())?;
        }
    }
    names.set(call, count, Value::number(size))
}

/// The library or global native of that name.
pub(crate) fn value<'c>(call: &mut Call<'c>, name: &[u8]) -> Result<Value<'c>, Error> {
    let key = call.string(name)?;
    if LUA.iter().any(|known| known.as_bytes() == name) {
        return Ok(call.loaded()?.get(key));
    }
    let global = global(call, key);
    if Function::from_value(global).is_some() {
        return Ok(global);
    }
    match modules::find(call, name)? {
        Some(OwnModule::Open(module)) => Ok(module),
        _ => Err(Error::text(format!(
            "cannot send the module '{0}': the function has to call require '{0}' itself",
            String::from_utf8_lossy(name)
        ))),
    }
}

/// A native: the global of its name, if it is that, otherwise a new function.
pub(crate) fn native<'c>(
    call: &mut Call<'c>,
    definition: &'static Definition,
) -> Result<Value<'c>, Error> {
    let key = call.string(definition.name.as_bytes())?;
    let global = Function::from_value(global(call, key));
    if let Some(global) = global
        && call.definition(global).is_some_and(|known| std::ptr::eq(known, definition))
    {
        return Ok(global.value());
    }
    Ok(call.function(definition, &[]).value())
}

/// A global, also one of those that a goroutine's own globals lead to.
fn global<'c>(call: &mut Call<'c>, name: LuaString<'c>) -> Value<'c> {
    let globals = call.globals();
    let own = globals.get(name);
    if !own.is_nil() {
        return own;
    }
    let Ok(index) = call.string(b"__index") else { return Value::NIL };
    let standard =
        globals.metatable().and_then(|metatable| Table::from_value(metatable.get(index)));
    standard.map_or(Value::NIL, |standard| standard.get(name))
}
