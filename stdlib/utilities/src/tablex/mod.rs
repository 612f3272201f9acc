//! `tablex`: common table operations. The functions are in `tablex.lua`.

use rand::TryRng;
use rand::rngs::SysRng;
use solvm_lua::lua_source::{self, Calling, Source};
use solvm_vm::native::{Library, Rest, Start};
use solvm_vm::{Call, Error};

/// The library `tablex`.
pub static LIBRARY: Library = solvm_vm::library!("tablex" {
    "array2d_filter" => in_lua,
    "array2d_get" => in_lua,
    "array2d_map" => in_lua,
    "array2d_new" => in_lua,
    "array2d_set" => in_lua,
    "array2d_transpose" => in_lua,
    "combinations" => in_lua,
    "compare" => in_lua,
    "concat" => in_lua,
    "copy" => in_lua,
    "deepcopy" => in_lua,
    "filter" => in_lua,
    "flatten" => in_lua,
    "keys" => in_lua,
    "load" => in_lua,
    "loadfile" => in_lua,
    "map" => in_lua,
    "map_new" => in_lua,
    "ordered_map_new" => in_lua,
    "partition" => in_lua,
    "permute" => in_lua,
    "pretty" => in_lua,
    "reduce" => in_lua,
    "rotate" => in_lua,
    "set_new" => in_lua,
    "shuffle" => in_lua,
    "slice" => in_lua,
    "values" => in_lua,
});

static SOURCE: Source = Source {
    name: "tablex",
    text: concat!(
        include_str!("tablex.lua"),
        include_str!("array2d.lua"),
        include_str!("collections.lua"),
        include_str!("pretty.lua"),
        "return tablex\n",
    ),
    natives: &NATIVES,
};

static NATIVES: Library = solvm_vm::library!("" {
    "random_below" => random_below,
});

/// Returns a random integer from 0 to `limit` - 1 from the OS's generator, so that each run of a
/// program shuffles differently.
fn random_below(_: &mut Call, limit: f64) -> Result<f64, Error> {
    let word = SysRng.try_next_u64().map_err(|error| Error::text(error.to_string()))?;
    // 53 bits, the precision of a number. The bias is negligible for the length of any list.
    Ok((word >> 11) as f64 % limit.max(1.0))
}

fn in_lua(call: &mut Call, arguments: Rest) -> Start<Calling> {
    lua_source::call(call, &SOURCE, arguments)
}
