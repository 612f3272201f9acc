//! `ft`: copies, moves, downloads and uploads files and directories.
//!
//! Missing parent directories are created. A complete file replaces its target atomically.

use crate::http::client::{self, Request};
use solvm_files::{attempt, create_directories, make_parents, remove_tree, sorted_names};
use solvm_runtime::host::{Bar, FileKind, FileSystem, Progress, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::options::Options;
use solvm_runtime::progress;
use solvm_runtime::results::failure;
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, Table, Value};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The library `ft`.
pub static LIBRARY: Library = solvm_vm::library!("ft" {
    "copy" => copy,
    "download" => download,
    "move" => move_file,
    "upload" => upload,
});

/// Runs an operation on two paths; an error names both.
fn between<'c>(
    call: &mut Call<'c>,
    from: Name<'c>,
    to: Name<'c>,
    options: Option<Table<'c>>,
    work: fn(&dyn FileSystem, &Path, &Path, &Progress) -> io::Result<()>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let options = Options::new(options, 3, &["progress"])?;
    let progress = progress::unless_disabled(call, &options)?;
    let target = path_of(to.bytes());
    let names = [from.bytes(), b" to ", to.bytes()].concat();
    let work = move |files: &dyn FileSystem, from: &Path| work(files, from, &target, &progress);
    attempt(call, from, work, move |call, result| match result {
        Ok(()) => Ok(vec![Value::boolean(true)]),
        Err(error) => failure(call, &error, Some(&names)),
    })
}

/// `ft.copy(from, to[, options])`: copies a file, or a directory and everything in it.
fn copy<'c>(
    call: &mut Call<'c>,
    from: Name<'c>,
    to: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    between(call, from, to, options, copy_tree)
}

/// `ft.move(from, to[, options])`: moves a file or a directory, also to another file system.
fn move_file<'c>(
    call: &mut Call<'c>,
    from: Name<'c>,
    to: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    between(call, from, to, options, |files, from, to, progress| {
        files.metadata(from, false)?;
        make_parents(files, to)?;
        match files.rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                copy_tree(files, from, to, progress)?;
                remove_tree(files, from)
            }
            result => result,
        }
    })
}

/// Copies a file, or a directory and everything in it, with permissions; symbolic links are copied
/// as links.
fn copy_tree(
    files: &dyn FileSystem,
    from: &Path,
    to: &Path,
    progress: &Progress,
) -> io::Result<()> {
    let metadata = files.metadata(from, true)?;
    // The total size of a directory is determined while copying.
    let size = (!metadata.is_directory()).then_some(metadata.size);
    let bar = progress.begin_transfer(&from.to_string_lossy(), size);
    if !metadata.is_directory() {
        make_parents(files, to)?;
        return copy_file(files, from, to, metadata.permissions, &bar);
    }
    let source = files.canonical(from)?;
    let existing = to.ancestors().find_map(|directory| {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        files.canonical(directory).ok()
    });
    if existing.is_some_and(|existing| existing.starts_with(&source)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "cannot copy a directory into itself",
        ));
    }
    create_directories(files, to)?;
    // Directories get their permissions after their contents.
    let mut directories = vec![(to.to_path_buf(), metadata.permissions)];
    let mut left: Vec<(PathBuf, PathBuf)> = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = left.pop() {
        for name in sorted_names(files, &from)? {
            let (from, to) = (from.join(&name), to.join(&name));
            let metadata = files.metadata(&from, false)?;
            match metadata.kind {
                FileKind::Directory => {
                    create_directories(files, &to)?;
                    directories.push((to.clone(), metadata.permissions));
                    left.push((from, to));
                }
                FileKind::Link => {
                    if files.metadata(&to, false).is_ok_and(|existing| !existing.is_directory()) {
                        files.remove(&to)?;
                    }
                    files.link(&files.read_link(&from)?, &to, true)?;
                }
                FileKind::File => copy_file(files, &from, &to, metadata.permissions, &bar)?,
                _ => {
                    return Err(io::Error::other(format!(
                        "{}: not a regular file or directory",
                        from.display()
                    )));
                }
            }
        }
    }
    directories
        .iter()
        .rev()
        .try_for_each(|(path, permissions)| files.set_permissions(path, *permissions))
}

fn copy_file(
    files: &dyn FileSystem,
    from: &Path,
    to: &Path,
    permissions: u32,
    bar: &Arc<Bar>,
) -> io::Result<()> {
    let mut source = bar.count(files.open(from)?);
    let mut file = files.replace(to, Some(permissions))?;
    io::copy(&mut source, &mut file)?;
    file.finish()
}

/// `ft.download(url, path[, options])`: saves the contents of a URL.
fn download<'c>(
    call: &mut Call<'c>,
    url: Name<'c>,
    path: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let request = Request::download(call, url, path, (3, options))?;
    Ok(client::send(request))
}

/// `ft.upload(path, url[, options])`: sends a file and returns the response.
fn upload<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    url: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let request = Request::upload(call, url, path, (3, options))?;
    Ok(client::send(request))
}
