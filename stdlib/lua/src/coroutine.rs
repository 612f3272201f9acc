//! `coroutine` (manual, section 5.2).

use solvm_vm::native::Library;
use solvm_vm::{Call, Coroutine, Error, Function, Status};

/// The library `coroutine`.
pub static LIBRARY: Library = solvm_vm::library!("coroutine" {
    "create" => create,
    "isyieldable" => is_yieldable,
    "resume" => special Resume,
    "running" => running,
    "status" => status,
    "wrap" => wrap,
    "yield" => special Yield,
});

fn lua_function(function: Option<Function>) -> Result<Function, Error> {
    function
        .filter(|function| function.is_lua())
        .ok_or_else(|| Error::argument(1, "Lua function expected"))
}

fn create<'c>(call: &mut Call<'c>, function: solvm_vm::Value<'c>) -> Result<Coroutine<'c>, Error> {
    let function = lua_function(Function::from_value(function))?;
    call.coroutine(function)
}

fn wrap<'c>(call: &mut Call<'c>, function: solvm_vm::Value<'c>) -> Result<Function<'c>, Error> {
    let coroutine = create(call, function)?;
    Ok(call.wrap(coroutine))
}

/// Returns the running coroutine; nothing in a goroutine outside coroutines.
fn running<'c>(call: &mut Call<'c>) -> Option<Coroutine<'c>> {
    let (thread, is_first) = call.running();
    (!is_first).then_some(thread)
}

fn is_yieldable(call: &mut Call) -> bool {
    let (_, is_first) = call.running();
    !is_first
}

fn status<'c>(call: &mut Call<'c>, coroutine: Coroutine<'c>) -> &'static str {
    match call.status(coroutine) {
        Status::Running => "running",
        Status::Suspended => "suspended",
        Status::Normal => "normal",
        Status::Dead => "dead",
    }
}
