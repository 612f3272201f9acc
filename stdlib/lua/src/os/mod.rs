//! `os` (manual, section 5.8).

mod calendar;
mod date;
mod zone;

pub use zone::local_zone;

use crate::io::OpenFiles;
use crate::io::{MAKING_A_FILE, spawn};
use solvm_files::path_bytes;
use solvm_runtime::host::{Child, host, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::pool::waiting_in_pool;
use solvm_runtime::results::{failure, later};
use solvm_runtime::system_error::{is_denial, reason};
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Either, FromLua, Library, Results};
use solvm_vm::{Call, Dialect, Error, LuaString, Value};
use std::io;

/// The library `os`.
pub static LIBRARY: Library = solvm_vm::library!("os" {
    "clock" => clock,
    "date" => date::date,
    "difftime" => difference,
    "execute" => execute,
    "exit" => exit,
    "getenv" => variable,
    "remove" => remove,
    "rename" => rename,
    "setenv" => set_variable,
    "setlocale" => set_locale,
    "time" => date::time,
    "tmpname" => temporary_name,
});

/// Returns the processor time of the program in seconds.
fn clock(call: &mut Call) -> Result<f64, Error> {
    Ok(host(call)?.world.processor_time().as_secs_f64())
}

fn difference(_: &mut Call, Truncated(later): Truncated, earlier: Option<Truncated>) -> f64 {
    later.saturating_sub(earlier.map_or(0, i64::from)) as f64
}

/// `os.execute([command])`: returns the raw status of a shell command; without a command, whether
/// there is a shell.
fn execute<'c>(
    call: &mut Call<'c>,
    command: Option<LuaString<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let Some(command) = command else {
        let has_shell = host(call)?.world.has_shell();
        return Ok(Either::Now(Either::Now(f64::from(u8::from(has_shell)))));
    };
    match spawn(call, command.bytes(), None) {
        Ok(Child { wait, .. }) => {
            let status = async move { waiting_in_pool(wait).await.flatten() };
            Ok(Either::Later(later(status, |call, status: io::Result<i32>| {
                let status = match call.dialect() {
                    Dialect::Lua => status.unwrap_or(-1),
                    Dialect::GopherLua => status.map_or(1, exit_code),
                };
                Ok(vec![Value::number(f64::from(status))])
            })))
        }
        Err(error) => {
            let mut results = failure(call, &error, None)?;
            results[0] = Value::number(-1.0);
            Ok(Either::Now(Either::Later(results)))
        }
    }
}

/// Returns the exit code in a status; 1 for a process that a signal ended.
fn exit_code(status: i32) -> i32 {
    #[cfg(unix)]
    let code = std::os::unix::process::ExitStatusExt::from_raw(status);
    #[cfg(unix)]
    let code = std::process::ExitStatus::code(&code);
    #[cfg(not(unix))]
    let code = Some(status);
    code.unwrap_or(1)
}

/// An exit code as an argument of `os.exit`: a number, or true and false for success and failure.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExitCode(pub i32);

impl FromLua for ExitCode {
    type Item<'c> = ExitCode;
    const EXPECTED: &'static str = "number";

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<ExitCode> {
        let code = value.as_boolean().map(|success| i32::from(!success));
        code.or_else(|| Some(value.to_number()? as i64 as i32)).map(ExitCode)
    }
}

/// `os.exit([code])`: ends the program at once.
fn exit<'c>(call: &mut Call<'c>, code: Option<ExitCode>) -> Result<(), Error> {
    let ExitCode(code) = code.unwrap_or_default();
    let host = host(call)?;
    host.state::<OpenFiles>().flush(true);
    host.world.exit(code);
    Err(Error::text("os.exit is not permitted"))
}

fn variable<'c>(call: &mut Call<'c>, name: Name<'c>) -> Result<Option<Vec<u8>>, Error> {
    Ok(host(call)?.world.variable(name.bytes()))
}

/// `os.setenv(name, value)`: sets an environment variable for this program and its child processes.
fn set_variable<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
    value: LuaString<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let account = call.account().clone();
    let result = host(call)?.set_variable(&account, name.bytes(), value.bytes())?;
    succeeded(call, result, name)
}

/// Returns true, or the results of a failure.
fn succeeded<'c>(
    call: &mut Call<'c>,
    result: io::Result<()>,
    path: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    match result {
        Ok(()) => Ok(vec![Value::boolean(true)]),
        Err(error) => failure(call, &error, Some(path.bytes())),
    }
}

fn remove<'c>(call: &mut Call<'c>, path: Name<'c>) -> Result<Vec<Value<'c>>, Error> {
    let result = host(call)?.world.file_system().remove(&path_of(path.bytes()));
    succeeded(call, result, path)
}

fn rename<'c>(call: &mut Call<'c>, from: Name<'c>, to: Name<'c>) -> Result<Vec<Value<'c>>, Error> {
    let result =
        host(call)?.world.file_system().rename(&path_of(from.bytes()), &path_of(to.bytes()));
    succeeded(call, result, from)
}

/// Creates an empty file and returns its path.
fn temporary_name(call: &mut Call) -> Result<Vec<u8>, Error> {
    call.charge(MAKING_A_FILE);
    let path = host(call)?.world.file_system().temporary_name();
    path.map(path_bytes).map_err(|error| match is_denial(&error) {
        true => Error::text(reason(&error)),
        false => Error::text("unable to generate a unique filename"),
    })
}

/// The categories of a locale.
const CATEGORIES: [&[u8]; 6] = [b"all", b"collate", b"ctype", b"monetary", b"numeric", b"time"];

/// `os.setlocale([locale, category])`: supports only the locale "C".
fn set_locale<'c>(
    _: &mut Call<'c>,
    locale: Option<Name<'c>>,
    category: Option<Name<'c>>,
) -> Result<Option<&'static str>, Error> {
    if let Some(category) =
        category.map(Name::bytes).filter(|category| !CATEGORIES.contains(category))
    {
        return Err(Error::argument(2, [b"invalid option '", category, b"'"].concat()));
    }
    let is_known = locale.is_none_or(|locale| matches!(locale.bytes(), b"" | b"C" | b"POSIX"));
    Ok(is_known.then_some("C"))
}
