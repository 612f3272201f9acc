//! Files and folders as global functions: `read_file`, `write_file`, `list_dir` and what goes with
//! them.
//!
//! All of them work on the blocking pool ([`perform`]). What the system refuses is returned as nil,
//! a message that begins with the path, and the system's number of the error, as `io.open` returns
//! it.

mod batched;
mod glob;
mod read;
mod remove;
mod walk;
#[cfg(feature = "watch")]
pub mod watch;

pub(crate) use batched::Batched;
pub(crate) use glob::{Pattern, find};
pub(crate) use read::{read, read_bounded, read_file_held, read_rest};
pub(crate) use remove::remove_tree;
pub(crate) use walk::Walk;

use crate::host::{FileSystem, Metadata, path_of};

use crate::host::host;
use crate::name::Name;
use crate::pool::in_pool;
use crate::results::{failure, later};
use crate::system_error::is_denial;
use solvm_vm::native::{IntoLua, Library, Results, asynchronous};
use solvm_vm::{Call, Error, LuaString, Table, Value};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

pub(crate) static LIBRARY: Library = solvm_vm::library!("" {
    "append_file" => append_file,
    "exists" => exists,
    "file_info" => file_info,
    "glob" => glob::glob,
    "list_dir" => list_folder,
    "mkdir" => make_folder,
    "read_file" => read_file,
    "remove" => remove,
    "rename" => rename,
    "walk" => walk::walk,
    "write_file" => write_file,
});

/// The files that the program may reach.
pub(crate) fn file_system(call: &mut Call) -> Result<Arc<dyn FileSystem>, Error> {
    call.charge_for_system_call();
    Ok(host(call)?.world.file_system())
}

/// The files that the program may run.
pub(crate) fn code_files(call: &mut Call) -> Result<Arc<dyn FileSystem>, Error> {
    Ok(host(call)?.world.code_files())
}

/// Does something with a path on the blocking pool; `convert` makes the results of what it gave.
pub(crate) fn perform<'c, T, W, C>(
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

/// The same where `convert` says what becomes of a failure.
pub(crate) fn attempt<'c, T, W, C>(
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

/// The result of a function that succeeds or fails, and has nothing else to tell.
pub(crate) fn done<'a>(_: &mut Call<'a>, (): ()) -> Result<Vec<Value<'a>>, Error> {
    Ok(vec![Value::boolean(true)])
}

/// A path as scripts see it.
pub(crate) fn path_bytes(path: impl Into<OsString>) -> Vec<u8> {
    path.into().into_encoded_bytes()
}

/// Bytes that a script gave, for another thread.
pub(crate) fn copied(call: &mut Call, text: LuaString) -> Result<Vec<u8>, Error> {
    call.check_memory(text.bytes().len())?;
    Ok(text.bytes().to_vec())
}

/// `read_file(path)`: the contents of a file.
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

/// `write_file(path, text)`: replaces the contents of a file, all at once or not at all.
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

/// `append_file(path, text)`: adds to the end of a file, which is made if need be.
fn append_file<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    text: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let text = copied(call, text)?;
    perform(call, path, move |files, path| files.append(path)?.write_all(&text), done)
}

/// `exists(path)`: whether there is something of that name. A symbolic link that leads nowhere does
/// not count.
fn exists<'c>(call: &mut Call<'c>, path: Name<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let look = |files: &dyn FileSystem, path: &Path| Ok(files.metadata(path, true).is_ok());
    perform(call, path, look, |_, exists| Ok(vec![Value::boolean(exists)]))
}

/// `mkdir(path[, parents])`: makes a folder; with `parents` also those that it is to lie in, and it
/// may be there already.
fn make_folder<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    parents: Option<bool>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let make = move |files: &dyn FileSystem, path: &Path| match parents {
        Some(true) => create_folders(files, path),
        _ => files.create_folder(path),
    };
    perform(call, path, make, done)
}

/// Makes a directory and its parents. Any of them may exist already.
pub(crate) fn create_folders(files: &dyn FileSystem, path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    let mut missing = vec![path];
    let mut tries = 2 * path.components().count();
    while let Some(&folder) = missing.last() {
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        match (create_folder(files, folder), parent) {
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

/// Makes a directory, which may exist already.
fn create_folder(files: &dyn FileSystem, path: &Path) -> io::Result<()> {
    // That it exists may not be known to a program that may write there.
    let is_folder = |files: &dyn FileSystem| match files.metadata(path, true) {
        Ok(metadata) => metadata.is_folder(),
        Err(error) => is_denial(&error),
    };
    if files.metadata(path, true).is_ok_and(|metadata| metadata.is_folder()) {
        return Ok(());
    }
    match files.create_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_folder(files) => Ok(()),
        result => result,
    }
}

/// `remove(path[, recursive])`: removes a file or an empty folder; with `recursive` a folder and
/// all that is in it.
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

/// `rename(from, to)`: gives a file or a folder another name. A file of that name is replaced.
fn rename<'c>(
    call: &mut Call<'c>,
    from: Name<'c>,
    to: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let to = path_of(to.bytes());
    perform(call, from, move |files, from| files.rename(from, &to), done)
}

/// `file_info(path[, follow])`: what is known of a file; of a symbolic link itself if `follow` is
/// false.
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

/// A table that says what is known of a file.
pub(crate) fn describe<'c>(
    call: &mut Call<'c>,
    name: &[u8],
    metadata: &Metadata,
) -> Result<Table<'c>, Error> {
    let table = call.table(0, 7)?;
    table.set_field(call, "name", name)?;
    table.set_field(call, "is_dir", metadata.is_folder())?;
    table.set_field(call, "is_link", metadata.kind == crate::host::FileKind::Link)?;
    table.set_field(call, "size", metadata.size as f64)?;
    table.set_field(call, "mode", metadata.mode_text())?;
    table.set_field(call, "permissions", metadata.permissions)?;
    table.set_field(call, "mod_time", metadata.modified)?;
    Ok(table)
}

/// `list_dir(path)`: what is in a folder, in the order of the names.
fn list_folder<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let files = file_system(call)?;
    let name = path.bytes().to_vec();
    Ok(asynchronous::run(move |lua| async move {
        let (listing, folder) = (files.clone(), path_of(&name));
        let names = match in_pool(move || sorted_names(&*listing, &folder)).await.flatten() {
            Ok(names) => names,
            Err(error) => return lua.finish_with(|call| failure(call, &error, Some(&name))),
        };
        lua.with(|call| call.check_memory(names.len() * size_of::<(OsString, Metadata)>()))?;
        let folder = path_of(&name);
        let entries = match in_pool(move || entries(&*files, &folder, names)).await {
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

/// What is known of the files in a folder. Those that have been removed meanwhile are left out.
fn entries(
    files: &dyn FileSystem,
    folder: &Path,
    names: Vec<OsString>,
) -> Vec<(OsString, Metadata)> {
    let known = |name: OsString| {
        let metadata = files.metadata(&folder.join(&name), false).ok()?;
        Some((name, metadata))
    };
    names.into_iter().filter_map(known).collect()
}

/// No folder with more files is read as a whole.
const MAX_NAMES: usize = 1_000_000;

/// The names in a folder, in order.
pub(crate) fn sorted_names(files: &dyn FileSystem, folder: &Path) -> io::Result<Vec<OsString>> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut names =
        files.read_folder(folder)?.take(MAX_NAMES + 1).collect::<io::Result<Vec<OsString>>>()?;
    if names.len() > MAX_NAMES {
        return Err(io::Error::other(format!("more than {MAX_NAMES} files in one directory")));
    }
    names.sort_unstable();
    Ok(names)
}

/// Creates the directories above a file.
pub(crate) fn make_parents(files: &dyn FileSystem, path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| create_folders(files, folder))
}
