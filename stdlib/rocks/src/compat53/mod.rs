//! `compat53`: the libraries of Lua 5.3 for programs written for Lua 5.1 (the rock compat53 0.7).
//!
//! `compat53.string`, `compat53.table` and `compat53.utf8` are the halves that are C modules in the
//! original, so that its Lua files can be used with them; the other two modules are in Lua here,
//! too.

use solvm_lua::modules::{Opening, open_in_lua, table};
use solvm_lua::string::pack;
use solvm_lua::utf8;
use solvm_vm::native::{Definition, Library, StartWith};
use solvm_vm::{Call, Error, Table};

/// The library `compat53`, whose functions are those of `compat53.module`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "compat53" {});

/// The library `compat53.string`.
pub static STRING: Library = solvm_vm::library!(lazy "compat53.string" {
    "pack" => pack::pack,
    "packsize" => pack::pack_size,
    "unpack" => pack::unpack,
});

/// The modules.
pub static OPENERS: &[Definition] = &[
    Definition::new("compat53", open),
    Definition::new("compat53.module", open_module),
    Definition::new("compat53.table", open_table),
    Definition::new("compat53.utf8", open_utf8),
];

fn open<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Opening>, Error> {
    open_in_lua(call, "compat53", include_str!("init.lua"), None)
}

fn open_module<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Opening>, Error> {
    open_in_lua(call, "compat53.module", include_str!("module.lua"), None)
}

fn open_table<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Opening>, Error> {
    open_in_lua(call, "compat53.table", include_str!("table.lua"), None)
}

fn open_utf8<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    let library = table(call, &utf8::LIBRARY)?;
    library.set_field(call, "charpattern", utf8::PATTERN)?;
    Ok(library)
}
