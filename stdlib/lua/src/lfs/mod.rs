//! `lfs`: the interface of LuaFileSystem 1.8 to files and directories, for programs that call
//! `require "lfs"`.
//!
//! Messages are LuaFileSystem's, including those without a path. Locks on parts of files are not
//! supported; their functions report that.

mod attributes;
mod directory;
mod lock;

use crate::io::file::AnyFile;
use solvm_files::{attempt, file_system};
use solvm_runtime::host::{FileSystem, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_runtime::results::{failure, later};
use solvm_runtime::system_error::reason;
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, Table, Value};
use std::io;
use std::path::Path;

/// The library `lfs`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "lfs" {
    "_COPYRIGHT" => text "Copyright (C) 2003-2017 Kepler Project",
    "_DESCRIPTION" => text "LuaFileSystem's interface in SolVM",
    "_VERSION" => text "LuaFileSystem 1.8.0",
    "attributes" => attributes::attributes,
    "chdir" => change_directory,
    "currentdir" => current_directory,
    "dir" => directory::dir,
    "link" => link,
    "lock" => lock::lock,
    "lock_dir" => lock::lock_directory,
    "mkdir" => make_directory,
    "rmdir" => remove_directory,
    "setmode" => set_mode,
    "symlinkattributes" => attributes::link_attributes,
    "touch" => touch,
    "unlock" => lock::unlock,
});

/// Sets the global of the module's name, as LuaFileSystem does in Lua 5.1 when it is loaded.
pub fn complete<'c>(call: &mut Call<'c>, module: Table<'c>) -> Result<(), Error> {
    call.globals().set_field(call, LIBRARY.name, module)
}

/// Returns true, or nil, the reason without a path and the error number.
fn plain<'a>(call: &mut Call<'a>, result: io::Result<()>) -> Result<Vec<Value<'a>>, Error> {
    match result {
        Ok(()) => Ok(vec![Value::boolean(true)]),
        Err(error) => failure(call, &error, None),
    }
}

/// `lfs.chdir(path)`: changes the working directory of the whole program.
fn change_directory<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let name = path.bytes().to_vec();
    let change = |files: &dyn FileSystem, path: &Path| files.set_working_directory(path);
    attempt(call, path, change, move |call, result| match result {
        Ok(()) => Ok(vec![Value::boolean(true)]),
        Err(error) => {
            let why = reason(&error);
            let name = solvm_vm::messages::shorten(&name);
            let text = [
                b"Unable to change working directory to '",
                &name[..],
                b"'\n",
                why.as_bytes(),
                b"\n",
            ]
            .concat();
            Ok(vec![Value::NIL, call.string(&text)?.value()])
        }
    })
}

/// `lfs.currentdir()`: returns the working directory.
fn current_directory<'c>(call: &mut Call<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let files = file_system(call)?;
    let directory = async move { in_pool(move || files.working_directory()).await.flatten() };
    Ok(later(directory, |call, directory| match directory {
        Ok(directory) => Ok(vec![call.string(directory.as_os_str().as_encoded_bytes())?.value()]),
        Err(error) => failure(call, &error, None),
    }))
}

/// `lfs.mkdir(path)`: creates a directory.
fn make_directory<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    attempt(call, path, |files, path| files.create_directory(path), plain)
}

/// `lfs.rmdir(path)`: removes an empty directory.
fn remove_directory<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let remove = |files: &dyn FileSystem, path: &Path| {
        if !files.metadata(path, false)?.is_directory() {
            const ENOTDIR: i32 = 20;
            return Err(io::Error::from_raw_os_error(ENOTDIR));
        }
        files.remove(path)
    };
    attempt(call, path, remove, plain)
}

/// `lfs.link(old, new[, symbolic])`: creates a hard link, or a symbolic link.
fn link<'c>(
    call: &mut Call<'c>,
    old: Name<'c>,
    new: Name<'c>,
    symbolic: Option<bool>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let old = path_of(old.bytes());
    let make =
        move |files: &dyn FileSystem, new: &Path| files.link(&old, new, symbolic.unwrap_or(false));
    attempt(call, new, make, plain)
}

/// `lfs.touch(path[, atime[, mtime]])`: sets the times of access and modification, by default to
/// the current time.
fn touch<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    accessed: Option<f64>,
    modified: Option<f64>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let now = call.host::<solvm_runtime::Host>().map(|host| host.world.wall_clock());
    let now = now
        .and_then(|now| now.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default()
        .as_secs_f64();
    let accessed = accessed.unwrap_or(now);
    let modified = modified.unwrap_or(accessed);
    attempt(call, path, move |files, path| files.set_times(path, accessed, modified), plain)
}

/// `lfs.setmode(file, mode)`: text and binary mode do not differ.
fn set_mode<'c>(
    _: &mut Call<'c>,
    file: AnyFile<'c>,
    mode: Name<'c>,
) -> Result<(bool, &'static str), Error> {
    file.check_open()?;
    match mode.bytes() {
        b"binary" | b"text" => Ok((true, "binary")),
        other => Err(Error::argument(2, [b"invalid option '", other, b"'"].concat())),
    }
}
