//! Functions for files and directories: `read_file`, `write_file`, `list_dir` and others, as
//! globals.
//!
//! All of them run on the blocking pool ([`perform`]). They return an error of the OS like
//! `io.open`: nil, a message that starts with the path, and the error number.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod batched;
mod glob;
mod read;
mod remove;
mod walk;
#[cfg(feature = "watch")]
pub mod watch;

pub use batched::Batched;
pub use glob::{Pattern, find};
pub use read::{read, read_bounded, read_file_held, read_rest};
pub use remove::remove_tree;
pub use walk::Walk;

use solvm_runtime::buffer::copied;
use solvm_runtime::host::{FileSystem, Metadata, host, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_runtime::results::{failure, later};
use solvm_runtime::system_error::is_denial;
use solvm_vm::native::{IntoLua, Library, Results, asynchronous};
use solvm_vm::{Call, Error, LuaString, Table, Value};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "append_file" => append_file,
    "exists" => exists,
    "file_info" => file_info,
    "glob" => glob::glob,
    "list_dir" => list_directory,
    "mkdir" => make_directory,
    "read_file" => read_file,
    "remove" => remove,
    "rename" => rename,
    "walk" => walk::walk,
    "write_file" => write_file,
});

/// Returns the file system that the program can access.
pub fn file_system(call: &mut Call) -> Result<Arc<dyn FileSystem>, Error> {
    call.charge_for_system_call();
    Ok(host(call)?.world.file_system())
}

/// Returns the file system with the files that the program may execute.
pub fn code_files(call: &mut Call) -> Result<Arc<dyn FileSystem>, Error> {
    Ok(host(call)?.world.code_files())
}

/// Runs an operation on a path on the blocking pool; `convert` creates the results.
pub fn perform<'c, T, W, C>(
    call: &mut Call<'c>,
    path: Name<'c>,
    work: W,
    convert: C,
) -> Result<impl Results<'c> + use<'c, T, W, C>, Error>
where
    T: Send + 'static,
    W: FnOnce(&dyn FileSystem, &Path) -> io::Result<T> + Send + 'static,
    C: for<'a> FnOnce(&mut Call<'a>, T) -> Result<Vec<Value<'a>>, Error> + 'static,
{
    let name = path.bytes().to_vec();
    attempt(call, path, work, move |call, result| match result {
        Ok(value) => convert(call, value),
        Err(error) => failure(call, &error, Some(&name)),
    })
}

/// Runs an operation in the same way; `convert` handles errors, too.
pub fn attempt<'c, T, W, C>(
    call: &mut Call<'c>,
    path: Name<'c>,
    work: W,
    convert: C,
) -> Result<impl Results<'c> + use<'c, T, W, C>, Error>
where
    T: Send + 'static,
    W: FnOnce(&dyn FileSystem, &Path) -> io::Result<T> + Send + 'static,
    C: for<'a> FnOnce(&mut Call<'a>, io::Result<T>) -> Result<Vec<Value<'a>>, Error> + 'static,
{
    let files = file_system(call)?;
    let path = path_of(path.bytes());
    Ok(later(async move { in_pool(move || work(&*files, &path)).await.flatten() }, convert))
}

/// Returns true, for functions without other results.
pub fn done<'a>(_: &mut Call<'a>, (): ()) -> Result<Vec<Value<'a>>, Error> {
    Ok(vec![Value::boolean(true)])
}

/// Converts a path to the bytes that scripts see.
pub fn path_bytes(path: impl Into<OsString>) -> Vec<u8> {
    path.into().into_encoded_bytes()
}

/// `read_file(path)`: returns the contents of a file.
fn read_file<'c>(call: &mut Call<'c>, path: Name<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let files = file_system(call)?;
    let name = path.bytes().to_vec();
    Ok(asynchronous::run(move |lua| async move {
        let contents = read(&lua, files, path_of(&name), u64::MAX).await?;
        lua.finish_with(|call| match contents {
            Ok(contents) => Ok(vec![contents.into_lua(call)?]),
            Err(error) => failure(call, &error, Some(&name)),
        })
    }))
}

/// `write_file(path, text)`: replaces the contents of a file atomically.
fn write_file<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    text: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let text = copied(call, text)?;
    let write = move |files: &dyn FileSystem, path: &Path| {
        let mut file = files.replace(path, None)?;
        file.write_all(&text)?;
        file.finish()
    };
    perform(call, path, write, done)
}

/// `append_file(path, text)`: appends to a file, which is created if it is missing.
fn append_file<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    text: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let text = copied(call, text)?;
    perform(call, path, move |files, path| files.append(path)?.write_all(&text), done)
}

/// `exists(path)`: whether a file exists. A dangling symbolic link does not.
fn exists<'c>(call: &mut Call<'c>, path: Name<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let look = |files: &dyn FileSystem, path: &Path| Ok(files.metadata(path, true).is_ok());
    perform(call, path, look, |_, exists| Ok(vec![Value::boolean(exists)]))
}

/// `mkdir(path[, parents])`: creates a directory; with `parents` also missing parents, and it may
/// exist already.
fn make_directory<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    parents: Option<bool>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let make = move |files: &dyn FileSystem, path: &Path| match parents {
        Some(true) => create_directories(files, path),
        _ => files.create_directory(path),
    };
    perform(call, path, make, done)
}

/// Creates a directory and its parents. Any of them may exist already.
pub fn create_directories(files: &dyn FileSystem, path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    let mut missing = vec![path];
    let mut tries = 2 * path.components().count();
    while let Some(&directory) = missing.last() {
        let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
        match (create_directory(files, directory), parent) {
            (Ok(()), _) => {
                missing.pop();
            }
            (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound && tries > 0 => {
                tries -= 1;
                missing.push(parent);
            }
            (Err(error), _) => return Err(error),
        }
    }
    Ok(())
}

/// Creates a directory, which may exist already.
fn create_directory(files: &dyn FileSystem, path: &Path) -> io::Result<()> {
    // A program that may write there need not be allowed to know that it exists.
    let is_directory = |files: &dyn FileSystem| match files.metadata(path, true) {
        Ok(metadata) => metadata.is_directory(),
        Err(error) => is_denial(&error),
    };
    if files.metadata(path, true).is_ok_and(|metadata| metadata.is_directory()) {
        return Ok(());
    }
    match files.create_directory(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_directory(files) => Ok(()),
        result => result,
    }
}

/// `remove(path[, recursive])`: removes a file or an empty directory; with `recursive` a directory
/// and all its contents.
fn remove<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    recursive: Option<bool>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let remove = move |files: &dyn FileSystem, path: &Path| match recursive {
        Some(true) => remove_tree(files, path),
        _ => files.remove(path),
    };
    perform(call, path, remove, done)
}

/// `rename(from, to)`: renames a file or a directory. An existing file is replaced.
fn rename<'c>(
    call: &mut Call<'c>,
    from: Name<'c>,
    to: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let to = path_of(to.bytes());
    perform(call, from, move |files, from| files.rename(from, &to), done)
}

/// `file_info(path[, follow])`: returns metadata of a file; of a symbolic link itself if `follow`
/// is false.
fn file_info<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    follow: Option<bool>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let name = path_bytes(path_of(path.bytes()).file_name().unwrap_or_default());
    let look =
        move |files: &dyn FileSystem, path: &Path| files.metadata(path, follow.unwrap_or(true));
    perform(call, path, look, move |call, metadata| {
        Ok(vec![describe(call, &name, &metadata)?.value()])
    })
}

/// Returns the metadata of a file as a table.
pub fn describe<'c>(
    call: &mut Call<'c>,
    name: &[u8],
    metadata: &Metadata,
) -> Result<Table<'c>, Error> {
    let table = call.table(0, 7)?;
    table.set_field(call, "name", name)?;
    table.set_field(call, "is_dir", metadata.is_directory())?;
    table.set_field(call, "is_link", metadata.kind == solvm_runtime::host::FileKind::Link)?;
    table.set_field(call, "size", metadata.size as f64)?;
    table.set_field(call, "mode", metadata.mode_text())?;
    table.set_field(call, "permissions", metadata.permissions)?;
    table.set_field(call, "mod_time", metadata.modified)?;
    Ok(table)
}

/// `list_dir(path)`: returns the contents of a directory, sorted by name.
fn list_directory<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let files = file_system(call)?;
    let name = path.bytes().to_vec();
    Ok(asynchronous::run(move |lua| async move {
        let (listing, directory) = (files.clone(), path_of(&name));
        let names = match in_pool(move || sorted_names(&*listing, &directory)).await.flatten() {
            Ok(names) => names,
            Err(error) => return lua.finish_with(|call| failure(call, &error, Some(&name))),
        };
        lua.with(|call| call.check_memory(names.len() * size_of::<(OsString, Metadata)>()))?;
        let directory = path_of(&name);
        let entries = match in_pool(move || entries(&*files, &directory, names)).await {
            Ok(entries) => entries,
            Err(error) => return lua.finish_with(|call| failure(call, &error, Some(&name))),
        };
        lua.finish_with(|call| {
            let table = call.table(entries.len(), 0)?;
            for (index, (name, metadata)) in entries.into_iter().enumerate() {
                let entry = describe(call, &path_bytes(name), &metadata)?;
                table.set_index(call, index + 1, entry.value())?;
                call.charge(4);
            }
            Ok(vec![table.value()])
        })
    }))
}

/// Returns the metadata of the files in a directory. Files that vanish in the meantime are skipped.
fn entries(
    files: &dyn FileSystem,
    directory: &Path,
    names: Vec<OsString>,
) -> Vec<(OsString, Metadata)> {
    let known = |name: OsString| {
        let metadata = files.metadata(&directory.join(&name), false).ok()?;
        Some((name, metadata))
    };
    names.into_iter().filter_map(known).collect()
}

/// Directories with more files are not read into memory.
const MAX_NAMES: usize = 1_000_000;

/// Returns the names in a directory, sorted.
pub fn sorted_names(files: &dyn FileSystem, directory: &Path) -> io::Result<Vec<OsString>> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let mut names = files
        .read_directory(directory)?
        .take(MAX_NAMES + 1)
        .collect::<io::Result<Vec<OsString>>>()?;
    if names.len() > MAX_NAMES {
        return Err(io::Error::other(format!("more than {MAX_NAMES} files in one directory")));
    }
    names.sort_unstable();
    Ok(names)
}

/// Creates the parent directories of a file.
pub fn make_parents(files: &dyn FileSystem, path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| create_directories(files, directory))
}
