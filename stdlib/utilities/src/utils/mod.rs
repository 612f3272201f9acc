//! `utils`: utilities for strings, lists, patterns and environments.

use solvm_lua::base;
use solvm_lua::lua_source::{self, Calling, Source};
use solvm_vm::Call;
use solvm_vm::native::{Library, Rest, Start};

/// The library `utils`.
pub static LIBRARY: Library = solvm_vm::library!("utils" {
    "escape" => in_lua,
    "getfenv" => base::get_environment,
    "join" => in_lua,
    "setfenv" => base::set_environment,
    "split" => in_lua,
    "unescape" => in_lua,
    "unpack" => in_lua,
});

static SOURCE: Source =
    Source { name: "utils", text: include_str!("utils.lua"), natives: &NATIVES };

static NATIVES: Library = solvm_vm::library!("" {});

fn in_lua(call: &mut Call, arguments: Rest) -> Start<Calling> {
    lua_source::call(call, &SOURCE, arguments)
}
