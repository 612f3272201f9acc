//! `system`: time, environment and terminal, with the interface of luasystem.
//!
//! It has the functions of version 0.4 that do not change the terminal's settings. Sleeping
//! suspends only the goroutine.

use rand::TryRng;
use rand::rngs::SysRng;
use solvm_lua::io::AnyFile;
use solvm_runtime::buffer::with_room;
use solvm_runtime::host::host;
use solvm_runtime::name::Name;
use solvm_runtime::results::failure;
use solvm_runtime::system_error::reason;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Either, Library, Rest};
use solvm_vm::{Call, Error, LuaString, Table, Value};
use std::time::{Duration, UNIX_EPOCH};
use unicode_width::UnicodeWidthChar;

/// The library `system`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "system" {
    "_VERSION" => text "LuaSystem 0.4.5",
    "getenv" => variable,
    "getenvs" => variables,
    "gettime" => time,
    "isatty" => is_terminal,
    "monotime" => monotonic_time,
    "random" => random,
    "setenv" => set_variable,
    "sleep" => sleep,
    "termsize" => terminal_size,
    "utf8cwidth" => character_width,
    "utf8swidth" => string_width,
});

/// Adds what the table of functions cannot express: a boolean.
pub fn complete<'c>(call: &mut Call<'c>, module: Table<'c>) -> Result<(), Error> {
    module.set_field(call, "windows", cfg!(windows))
}

/// `system.gettime()`: seconds since 1970.
fn time(call: &mut Call) -> Result<f64, Error> {
    let now = host(call)?.world.wall_clock();
    Ok(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
}

/// `system.monotime()`: seconds of a clock that is never set.
fn monotonic_time(call: &mut Call) -> Result<f64, Error> {
    Ok(host(call)?.world.now().as_secs_f64())
}

/// `system.sleep(seconds[, precision])`: suspends the goroutine.
pub(crate) fn sleep<'c>(
    call: &mut Call<'c>,
    seconds: f64,
    _precision: Option<f64>,
) -> Result<Either<bool, impl solvm_vm::native::Results<'c> + use<'c>>, Error> {
    /// A century.
    const LONGEST: f64 = 3_155_760_000.0;
    if seconds.is_nan() || seconds <= 0.0 {
        return Ok(Either::Now(true));
    }
    let time = Duration::from_secs_f64(seconds.min(LONGEST));
    call.sleep(time).map(Either::Later)
}

/// `system.random(length)`: bytes from the generator of the operating system.
fn random<'c>(call: &mut Call<'c>, Truncated(length): Truncated) -> Result<Vec<Value<'c>>, Error> {
    /// So many need some tens of milliseconds.
    const MOST: i64 = 16 << 20;
    const BYTES_PER_UNIT: usize = 8;
    let refused = |call: &mut Call<'c>, text: &str| {
        Ok(vec![Value::NIL, call.string(text.as_bytes())?.value()])
    };
    let Some(length) = usize::try_from(length).ok() else {
        return refused(call, "invalid number of bytes, must not be less than 0");
    };
    if length as i64 > MOST {
        return refused(call, "invalid number of bytes, must not be more than 16777216");
    }
    let mut bytes = with_room(call, length)?;
    bytes.resize(length, 0);
    call.charge(length / BYTES_PER_UNIT);
    if let Err(error) = SysRng.try_fill_bytes(&mut bytes) {
        return refused(call, &format!("getrandom() failed: {error}"));
    }
    Ok(vec![call.string(&bytes)?.value()])
}

/// `system.getenv(name)`: an environment variable.
fn variable<'c>(call: &mut Call<'c>, name: Name<'c>) -> Result<Option<Vec<u8>>, Error> {
    Ok(host(call)?.world.variable(name.bytes()))
}

/// `system.getenvs()`: all environment variables that the program may read.
pub(crate) fn variables<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    let variables = host(call)?.world.variables();
    call.charge(variables.len());
    let table = call.table(0, variables.len())?;
    for (name, value) in variables {
        let name = call.string(&name)?;
        let value = call.string(&value)?;
        table.set(call, name.value(), value.value())?;
    }
    Ok(table)
}

/// `system.setenv(name[, value])`: sets an environment variable, or removes it. False if that is
/// not possible.
fn set_variable<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
    value: Option<LuaString<'c>>,
) -> Result<Vec<Value<'c>>, Error> {
    let account = call.account().clone();
    let result = match value {
        Some(value) => host(call)?.set_variable(&account, name.bytes(), value.bytes())?,
        None => host(call)?.remove_variable(name.bytes()),
    };
    match result {
        Ok(()) => Ok(vec![Value::boolean(true)]),
        Err(error) => {
            let mut results = failure(call, &error, None)?;
            if let Some(first) = results.first_mut() {
                *first = Value::boolean(false);
            }
            Ok(results)
        }
    }
}

/// `system.isatty(file)`: whether a file is a terminal.
fn is_terminal<'c>(call: &mut Call<'c>, file: AnyFile<'c>) -> Result<bool, Error> {
    file.check_open()?;
    Ok(file.is_terminal(call))
}

/// `system.termsize()`: the lines and columns of the terminal.
fn terminal_size<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    match host(call)?.world.system().terminal_size() {
        Ok((lines, columns)) => {
            Ok(vec![Value::number(f64::from(lines)), Value::number(f64::from(columns))])
        }
        Err(error) => {
            let text = format!("Failed to get terminal size.: {}", reason(&error));
            Ok(vec![Value::NIL, call.string(text.as_bytes())?.value()])
        }
    }
}

const NO_WIDTH: &str = "Control characters have no width";
const INVALID: &str = "Invalid UTF-8 character";

/// `system.utf8cwidth(character)`: the columns of the first character of a string.
fn character_width<'c>(call: &mut Call<'c>, text: Rest) -> Result<Vec<Value<'c>>, Error> {
    width(call, text, true)
}

/// `system.utf8swidth(string)`: the columns of a string.
fn string_width<'c>(call: &mut Call<'c>, text: Rest) -> Result<Vec<Value<'c>>, Error> {
    width(call, text, false)
}

fn width<'c>(
    call: &mut Call<'c>,
    arguments: Rest,
    first_only: bool,
) -> Result<Vec<Value<'c>>, Error> {
    const BYTES_PER_UNIT: usize = 8;
    let value = arguments.values(call).next().unwrap_or(Value::NIL);
    let Some(text) = call.coerced_string(value) else {
        let text = format!("string expected, got {}", value.type_name());
        return Err(Error::argument(1, text));
    };
    // The first character has at most four bytes.
    let text = text.bytes();
    let start = if first_only { text.get(..4).unwrap_or(text) } else { text };
    call.charge(start.len() / BYTES_PER_UNIT);
    let failed = |call: &mut Call<'c>, text: &str| {
        Ok(vec![Value::NIL, call.string(text.as_bytes())?.value()])
    };
    let valid = match std::str::from_utf8(start) {
        Ok(valid) => valid,
        Err(error) if first_only && error.valid_up_to() > 0 => {
            let valid = start.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return failed(call, INVALID),
    };
    let mut columns = 0.0;
    for character in valid.chars().take(if first_only { 1 } else { usize::MAX }) {
        match character.width() {
            Some(width) => columns += width as f64,
            None => return failed(call, NO_WIDTH),
        }
    }
    Ok(vec![Value::number(columns)])
}
