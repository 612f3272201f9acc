//! `walk`: traverses a directory tree without reading it all first.

use super::{Batched, describe, file_system, path_bytes, sorted_names};
use solvm_runtime::host::{FileSystem, Metadata, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{Definition, IntoLua, Results, asynchronous};
use solvm_vm::{Call, Data, Error, Function, Userdata, Value};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A traversal of a directory tree: directories come before their contents, names are sorted.
/// Symbolic links are not followed.
pub struct Walk {
    files: Arc<dyn FileSystem>,
    /// The remaining entries of the open directories.
    left: Vec<std::vec::IntoIter<PathBuf>>,
    /// Maximum depth.
    depth: usize,
}

/// A file in the traversal.
pub struct Found {
    pub(crate) path: PathBuf,
    pub(crate) metadata: Metadata,
    /// Why a directory could not be read.
    pub(crate) error: Option<io::Error>,
}

impl Walk {
    /// Starts with the contents of a directory. The empty path is the working directory.
    pub(crate) fn new(
        files: Arc<dyn FileSystem>,
        directory: &Path,
        depth: usize,
    ) -> io::Result<Walk> {
        let mut walk = Walk { files, left: Vec::new(), depth };
        walk.enter(directory)?;
        Ok(walk)
    }

    fn enter(&mut self, directory: &Path) -> io::Result<()> {
        if self.left.len() < self.depth {
            let names = sorted_names(&*self.files, directory)?;
            self.left.push(
                names.into_iter().map(|name| directory.join(name)).collect::<Vec<_>>().into_iter(),
            );
        }
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let Some(path) = self.left.last_mut()?.next() else {
                self.left.pop();
                continue;
            };
            // Files removed in the meantime are skipped.
            let Ok(metadata) = self.files.metadata(&path, false) else { continue };
            let error = if metadata.is_directory() { self.enter(&path).err() } else { None };
            return Some(Found { path, metadata, error });
        }
    }
}

/// A traversal as a Lua iterator.
struct Walking(Batched<Found>);

/// Approximate memory of a traversal for the open directories.
const WALK_SIZE: usize = 1 << 14;

impl Data for Walking {
    fn external_size(&self) -> usize {
        WALK_SIZE
    }
}

static NEXT: Definition = Definition::new("walk", next);

/// `walk(directory)`: an iterator over a directory tree that returns paths and tables like those of
/// `list_dir`.
pub(super) fn walk<'c>(
    call: &mut Call<'c>,
    directory: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let files = file_system(call)?;
    let name = directory.bytes().to_vec();
    let path = path_of(&name);
    Ok(asynchronous::run(|lua| async move {
        let walk = in_pool(move || Walk::new(files, &path, usize::MAX)).await.flatten();
        lua.finish_with(|call| match walk {
            Ok(walk) => Ok(vec![iterator(call, walk).value()]),
            // As in `io.lines`, nil in the head of a loop would not help.
            Err(error) => {
                Err(Error::argument(1, [&name[..], b": ", reason(&error).as_bytes()].concat()))
            }
        })
    }))
}

fn iterator<'c>(call: &mut Call<'c>, walk: Walk) -> Function<'c> {
    let walking = call.userdata(Walking(Batched::new(walk)), None);
    call.function(&NEXT, &[walking.value()])
}

/// The iterator: returns the next path and its metadata.
fn next<'c>(call: &mut Call<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let walking =
        call.upvalue(0).and_then(Userdata::from_value).and_then(|walking| walking.get::<Walking>());
    let Some(Walking(found)) = walking else { return Err(Error::text("the walk is over")) };
    found.next(call, |call, found| match found {
        Some(found) => values(call, found),
        None => Ok(vec![Value::NIL]),
    })
}

fn values<'c>(call: &mut Call<'c>, found: Found) -> Result<Vec<Value<'c>>, Error> {
    let name = path_bytes(found.path.file_name().unwrap_or_default());
    let entry = describe(call, &name, &found.metadata)?;
    if let Some(error) = found.error {
        entry.set_field(call, "error", reason(&error))?;
    }
    Ok(vec![path_bytes(found.path).into_lua(call)?, entry.value()])
}
