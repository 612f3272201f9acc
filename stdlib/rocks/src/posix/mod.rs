//! `posix`: luaposix, without processes, sockets and terminals. File descriptors are numbers for
//! the files of `io`.
//!
//! The modules are in Lua, over the natives here and those of `lfs`, `io` and files, which ask for
//! permissions. Each module is loaded by running the same source, which returns the requested one.
//! All halves of luaposix in C exist, since its files in Lua load them; what they lack returns an
//! error.

use solvm_files::{attempt, path_bytes};
use solvm_lua::lfs;
use solvm_lua::modules::{Opening, open_in_lua, table};
use solvm_runtime::host::{FileSystem, host};
use solvm_runtime::name::Name;
use solvm_runtime::registry::registry_table;
use solvm_runtime::results::{failure, succeeded};
use solvm_runtime::system_error::reason;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Definition, Library, Results, StartWith};
use solvm_vm::{Call, Error, Value};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// The library `posix`, whose functions are in Lua.
pub static LIBRARY: Library = solvm_vm::library!(lazy "posix" {});

/// The modules.
pub static OPENERS: &[Definition] = &[
    Definition::new("posix", open),
    Definition::new("posix.ctype", open),
    Definition::new("posix.dirent", open),
    Definition::new("posix.errno", open),
    Definition::new("posix.fcntl", open),
    Definition::new("posix.fnmatch", open),
    Definition::new("posix.getopt", open),
    Definition::new("posix.glob", open),
    Definition::new("posix.grp", open),
    Definition::new("posix.libgen", open),
    Definition::new("posix.poll", open),
    Definition::new("posix.pwd", open),
    Definition::new("posix.sched", open),
    Definition::new("posix.signal", open),
    Definition::new("posix.stdio", open),
    Definition::new("posix.stdlib", open),
    Definition::new("posix.sys.msg", open),
    Definition::new("posix.sys.resource", open),
    Definition::new("posix.sys.socket", open),
    Definition::new("posix.sys.stat", open),
    Definition::new("posix.sys.statvfs", open),
    Definition::new("posix.sys.time", open),
    Definition::new("posix.sys.times", open),
    Definition::new("posix.sys.utsname", open),
    Definition::new("posix.sys.wait", open),
    Definition::new("posix.syslog", open),
    Definition::new("posix.termio", open),
    Definition::new("posix.time", open),
    Definition::new("posix.unistd", open),
    Definition::new("posix.utime", open),
];

static NATIVES: Library = solvm_vm::library!(lazy "" {
    "canonical" => canonical,
    "change_mode" => change_mode,
    "identity" => identity,
    "is_terminal" => is_terminal,
    "kernel" => kernel,
    "kill" => kill,
    "monotonic" => monotonic,
    "now" => now,
    "remove" => remove,
    "rename" => rename,
    "replace_file_mask" => replace_file_mask,
    "set_variable" => set_variable,
    "sleep" => crate::system::sleep,
    "string_of_error" => string_of_error,
    "variables" => crate::system::variables,
});

fn open<'c>(call: &mut Call<'c>, name: Name<'c>) -> Result<StartWith<'c, Opening>, Error> {
    let natives = table(call, &NATIVES)?;
    let files = table(call, &lfs::LIBRARY)?;
    natives.set_field(call, "lfs", files)?;
    natives.set_field(call, "module", name.string())?;
    // The table of descriptors is one for all modules.
    let shared = registry_table(call, "posix")?;
    natives.set_field(call, "shared", shared)?;
    let text = concat!(
        include_str!("files.lua"),
        include_str!("process.lua"),
        include_str!("time.lua"),
        include_str!("descriptors.lua"),
        include_str!("matching.lua"),
        include_str!("absent.lua"),
        include_str!("modules.lua"),
    );
    open_in_lua(call, "posix", text, Some(natives))
}

/// True, or nil, a message and the error number.
fn done<'a>(call: &mut Call<'a>, result: io::Result<()>) -> Result<Vec<Value<'a>>, Error> {
    succeeded(call, result)
}

/// `canonical(path)`: a path without links and dots.
fn canonical<'c>(call: &mut Call<'c>, path: Name<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let find = |files: &dyn FileSystem, path: &Path| files.canonical(path);
    attempt(call, path, find, |call, result| match result {
        Ok(path) => Ok(vec![call.string(&path_bytes(path))?.value()]),
        Err(error) => failure(call, &error, None),
    })
}

/// `change_mode(path, mode)`
fn change_mode<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    Truncated(mode): Truncated,
) -> Result<impl Results<'c> + use<'c>, Error> {
    const PERMISSIONS: i64 = 0o7777;
    let mode = (mode & PERMISSIONS) as u32;
    attempt(call, path, move |files, path| files.set_permissions(path, mode), done)
}

/// `rename(from, to)`
fn rename<'c>(
    call: &mut Call<'c>,
    from: Name<'c>,
    to: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let to = solvm_runtime::host::path_of(to.bytes());
    attempt(call, from, move |files, from| files.rename(from, &to), done)
}

/// `remove(path)`: a file or a symbolic link.
fn remove<'c>(call: &mut Call<'c>, path: Name<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let remove = |files: &dyn FileSystem, path: &Path| {
        if files.metadata(path, false)?.is_directory() {
            const EISDIR: i32 = 21;
            return Err(io::Error::from_raw_os_error(EISDIR));
        }
        files.remove(path)
    };
    attempt(call, path, remove, done)
}

/// `identity()`: the numbers of the process, its users and groups.
fn identity<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    match host(call)?.world.system().identity() {
        Ok(identity) => {
            let numbers = [
                identity.process,
                identity.parent,
                identity.group_of_processes,
                identity.user,
                identity.effective_user,
                identity.group,
                identity.effective_group,
            ];
            let table = call.table(numbers.len(), 0)?;
            for (index, number) in numbers.into_iter().enumerate() {
                let number = Value::number(f64::from(number));
                table.set_index(call, index.saturating_add(1), number)?;
            }
            Ok(vec![table.value()])
        }
        Err(error) => failure(call, &error, None),
    }
}

/// `kernel()`: what `uname` gives, as a table.
fn kernel<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    match host(call)?.world.system().kernel() {
        Ok(kernel) => {
            let table = call.table(0, 5)?;
            table.set_field(call, "sysname", kernel.system)?;
            table.set_field(call, "nodename", kernel.node)?;
            table.set_field(call, "release", kernel.release)?;
            table.set_field(call, "version", kernel.version)?;
            table.set_field(call, "machine", kernel.machine)?;
            Ok(vec![table.value()])
        }
        Err(error) => failure(call, &error, None),
    }
}

/// `kill(process, signal)`
fn kill<'c>(
    call: &mut Call<'c>,
    Truncated(process): Truncated,
    Truncated(signal): Truncated,
) -> Result<Vec<Value<'c>>, Error> {
    call.charge_for_system_call();
    let numbers = i32::try_from(process).ok().zip(i32::try_from(signal).ok());
    let result = match numbers {
        Some((process, signal)) => host(call)?.world.system().signal(process, signal),
        None => Err(io::ErrorKind::InvalidInput.into()),
    };
    done(call, result)
}

/// `is_terminal(descriptor)`
fn is_terminal(call: &mut Call, Truncated(descriptor): Truncated) -> Result<bool, Error> {
    Ok(host(call)?.world.system().is_terminal(descriptor))
}

/// `now()`: seconds since 1970, and nanoseconds.
fn now(call: &mut Call) -> Result<(f64, f64), Error> {
    let now = host(call)?.world.wall_clock().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((now.as_secs() as f64, f64::from(now.subsec_nanos())))
}

/// `monotonic()`: seconds of a clock that is never set, and nanoseconds.
fn monotonic(call: &mut Call) -> Result<(f64, f64), Error> {
    let now = host(call)?.world.now();
    Ok((now.as_secs() as f64, f64::from(now.subsec_nanos())))
}

/// `replace_file_mask(mask)`: the previous mask.
fn replace_file_mask<'c>(
    call: &mut Call<'c>,
    Truncated(mask): Truncated,
) -> Result<Vec<Value<'c>>, Error> {
    call.charge_for_system_call();
    match host(call)?.world.system().replace_file_mask((mask & 0o777) as u32) {
        Ok(previous) => Ok(vec![Value::number(f64::from(previous))]),
        Err(error) => failure(call, &error, None),
    }
}

/// `set_variable(name[, value])`
fn set_variable<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
    value: Option<solvm_vm::LuaString<'c>>,
) -> Result<Vec<Value<'c>>, Error> {
    let account = call.account().clone();
    let result = match value {
        Some(value) => host(call)?.set_variable(&account, name.bytes(), value.bytes())?,
        None => host(call)?.remove_variable(name.bytes()),
    };
    done(call, result)
}

/// `string_of_error(number)`: the message of the operating system.
fn string_of_error(_: &mut Call, Truncated(number): Truncated) -> String {
    let number = i32::try_from(number).unwrap_or(-1);
    reason(&io::Error::from_raw_os_error(number))
}
