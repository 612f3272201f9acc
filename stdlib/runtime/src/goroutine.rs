//! Goroutines: `go`, `wait`, `sleep`, and their inspection: `get_goroutines`, `check_memory`,
//! `trace`.

use crate::Host;
use crate::timer::seconds;
use solvm_vm::native::{Either, Library, Rest};
use solvm_vm::scheduler::Parked;
use solvm_vm::{Call, Error, Function, Table, Value};

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "check_memory" => check_memory,
    "get_goroutines" => get_goroutines,
    "go" => go,
    "sleep" => sleep,
    "trace" => trace,
    "wait" => wait,
});

/// `go(f, ...)`: starts a goroutine that calls `f(...)`; returns its number.
fn go<'c>(call: &mut Call<'c>, function: Function<'c>, arguments: Rest) -> Result<f64, Error> {
    let arguments: Vec<Value<'c>> = arguments.values(call).collect();
    let id = call.spawn_awaited(function, &arguments)?;
    Ok(id.number() as f64)
}

/// `wait()`: returns when every goroutine that `go` started has ended.
fn wait(call: &mut Call) -> Result<Either<(), Parked>, Error> {
    Ok(match call.wait_for_everyone()? {
        None => Either::Now(()),
        Some(parked) => Either::Later(parked),
    })
}

/// `sleep(seconds)`: suspends the goroutine; others continue.
fn sleep(call: &mut Call, time: f64) -> Result<Parked, Error> {
    let time = seconds(1, time)?;
    call.sleep(time)
}

/// `get_goroutines()`: returns where the functions of all goroutines are defined ("script.lua:12"),
/// by the goroutines' numbers; for timers and watchers, where they were created.
fn get_goroutines<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    let goroutines = call.goroutines();
    let table = call.table(0, goroutines.len())?;
    for (id, function) in goroutines {
        let made = call
            .host::<Host>()
            .and_then(|host| host.services.iter().find_map(|service| service.place(host, id)));
        let place = call.string(&made.unwrap_or(function))?;
        table.set(call, Value::number(id.number() as f64), place.value())?;
    }
    Ok(table)
}

/// The figures at the program's start, for [`check_memory`].
#[derive(Clone, Copy, Default)]
pub(crate) struct MemoryBaseline {
    used: usize,
    allocated: u64,
    resident: u64,
}

/// Records the figures for `check_memory`.
pub fn note_memory(call: &mut Call) {
    let (used, allocated) = (call.memory_used(), call.memory_allocated());
    if let Some(host) = call.host::<Host>() {
        let resident = host.world.resident_memory();
        *host.state() = MemoryBaseline { used, allocated, resident };
    }
}

/// `check_memory()`: returns the bytes in the heap (`alloc`), allocated there in total
/// (`total_alloc`), and of the process (`sys`), each also as the difference to the program's start
/// (`…_diff`); finished collections (`num_gc`); `goroutines`.
fn check_memory<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    let (used, allocated) = (call.memory_used(), call.memory_allocated());
    let (collections, goroutines) = (call.collection_count(), call.goroutine_count());
    let (baseline, resident) = match call.host::<Host>() {
        Some(host) => (*host.state(), host.world.resident_memory()),
        None => (MemoryBaseline::default(), 0),
    };
    let table = call.table(0, 8)?;
    for (name, figure) in [
        ("alloc", used as f64),
        ("alloc_diff", used as f64 - baseline.used as f64),
        ("total_alloc", allocated as f64),
        ("total_alloc_diff", allocated as f64 - baseline.allocated as f64),
        ("sys", resident as f64),
        ("sys_diff", resident as f64 - baseline.resident as f64),
        ("num_gc", collections as f64),
        ("goroutines", goroutines as f64),
    ] {
        table.set_field(call, name, figure)?;
    }
    Ok(table)
}

/// `trace()`: prints the stack to standard output.
fn trace(call: &mut Call) -> Result<(), Error> {
    let text = [b"stack traceback:", &call.traceback(1).to_text()[..], b"\n"].concat();
    let Some(host) = call.host::<Host>() else { return Ok(()) };
    host.world.write_output(&text).map_err(|error| Error::text(error.to_string()))
}
