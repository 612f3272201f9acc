//! `term`: colours and the cursor of terminals, with the interface of lua-term 0.7.
//!
//! The sequences are those of ANSI terminals; `colors` and `cursor` are in Lua, as in the original.

use solvm_lua::io::AnyFile;
use solvm_lua::modules::{Opening, open_in_lua, table};
use solvm_vm::native::{Definition, Library, StartWith};
use solvm_vm::{Call, Error};

/// The library `term.core`.
pub static CORE: Library = solvm_vm::library!(lazy "term.core" {
    "isatty" => is_terminal,
});

/// The library `term`, whose other functions are in Lua.
pub static LIBRARY: Library = solvm_vm::library!(lazy "term" {
    "isatty" => is_terminal,
});

/// The libraries in Lua.
pub static IN_LUA: Library = solvm_vm::library!(lazy "term" {});

/// The modules.
pub static OPENERS: &[Definition] = &[
    Definition::new("term", open),
    Definition::new("term.colors", open_colors),
    Definition::new("term.cursor", open_cursor),
];

fn open<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Opening>, Error> {
    let natives = table(call, &CORE)?;
    open_in_lua(call, "term", include_str!("term.lua"), Some(natives))
}

fn open_colors<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Opening>, Error> {
    open_in_lua(call, "term.colors", include_str!("colors.lua"), None)
}

fn open_cursor<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Opening>, Error> {
    open_in_lua(call, "term.cursor", include_str!("cursor.lua"), None)
}

/// `term.isatty(file)`: whether a file is a terminal.
fn is_terminal<'c>(call: &mut Call<'c>, file: AnyFile<'c>) -> Result<bool, Error> {
    file.check_open()?;
    Ok(file.is_terminal(call))
}
