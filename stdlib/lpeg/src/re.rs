//! `re`: patterns in the style of regular expressions. The functions are in `re.lua`.

use crate::{library, module};
use solvm_lua::lua_source::{self, Calling, Source};
use solvm_vm::native::{Library, Rest, Start};
use solvm_vm::{Call, Error};

/// The library `re`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "re" {
    "compile" => in_lua,
    "find" => in_lua,
    "gsub" => in_lua,
    "match" => in_lua,
    "updatelocale" => in_lua,
});

static SOURCE: Source =
    Source { name: "re", text: include_str!("re.lua"), natives: &library::LIBRARY };

fn in_lua(call: &mut Call<'_>, arguments: Rest) -> Result<Start<Calling>, Error> {
    module::prepare(call)?;
    Ok(lua_source::call(call, &SOURCE, arguments))
}
