//! `solvm.jit`: what a program may do about its native code.

use solvm_vm::native::Library;
use solvm_vm::{Call, Error, Table, Value};

/// The library `solvm.jit`.
pub static LIBRARY: Library = solvm_vm::library!("solvm.jit" {
    "flush" => flush,
    "off" => off,
    "on" => on,
    "status" => status,
});

/// `solvm.jit.on()`: whether native code is made and run now.
fn on(call: &mut Call) -> bool {
    call.set_native_code(true)
}

/// `solvm.jit.off()`: the program is interpreted from now on.
fn off(call: &mut Call) {
    call.set_native_code(false);
}

/// `solvm.jit.flush()`: frees all native code.
fn flush(call: &mut Call) {
    call.flush_native_code();
}

/// `solvm.jit.status()`: a table, or nil if there is no compiler.
fn status<'c>(call: &mut Call<'c>) -> Result<Option<Table<'c>>, Error> {
    let Some(code) = call.native_code() else { return Ok(None) };
    let table = call.table(0, 3)?;
    table.set_field(call, "on", Value::boolean(code.is_on))?;
    table.set_field(call, "units", code.units as f64)?;
    table.set_field(call, "size", code.size as f64)?;
    Ok(Some(table))
}
