//! Uncaught errors: `on_error` and its handlers.
//!
//! Each handler runs in its own goroutine, so it may do anything. An error in a handler is printed
//! and not passed to handlers.

use crate::Host;
use crate::registry::registry_table;
use solvm_vm::native::Library;
use solvm_vm::{Call, Error, Function, GoroutineId, Table, Value};

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "on_error" => on_error,
});

/// The goroutines that run handlers.
#[derive(Default)]
pub(crate) struct Handlers(Vec<GoroutineId>);

fn handlers<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    registry_table(call, "error handlers")
}

/// `on_error(f)`: adds a handler for uncaught errors.
fn on_error<'c>(call: &mut Call<'c>, function: Function<'c>) -> Result<(), Error> {
    let handlers = handlers(call)?;
    handlers.set(call, Value::number(handlers.length() as f64 + 1.0), function.value())
}

/// Passes an uncaught error of the goroutine `source` to all handlers. False if there are none, or
/// the error occurred in a handler.
pub(super) fn dispatch<'c>(call: &mut Call<'c>, source: GoroutineId, error: Value<'c>) -> bool {
    let is_own =
        call.host::<Host>().is_some_and(|host| host.state::<Handlers>().0.contains(&source));
    !is_own && report(call, error)
}

/// Passes an error to all handlers. False if there are none.
pub fn report<'c>(call: &mut Call<'c>, error: Value<'c>) -> bool {
    let Ok(handlers) = handlers(call) else { return false };
    let mut started = Vec::new();
    for index in 1..=handlers.length() {
        let handler = Function::from_value(handlers.get(Value::number(index as f64)));
        let goroutine = handler.and_then(|handler| call.spawn(handler, &[error]).ok());
        started.extend(goroutine);
    }
    let is_handled = !started.is_empty();
    let running: Vec<GoroutineId> = call
        .host::<Host>()
        .map(|host| std::mem::take(&mut host.state::<Handlers>().0))
        .unwrap_or_default();
    started.extend(running.into_iter().filter(|&id| call.is_alive(id)));
    if let Some(host) = call.host::<Host>() {
        host.state::<Handlers>().0 = started;
    }
    is_handled
}

/// Returns a handler that is still running.
pub(super) fn running_handler(call: &mut Call) -> Option<GoroutineId> {
    let started = call.host::<Host>()?.state::<Handlers>().0.clone();
    started.into_iter().find(|&id| call.is_alive(id))
}
