//! Locks: `lfs.lock_dir`. Locks on parts of files are not supported.

use crate::io::file::AnyFile;
use solvm_files::attempt;
use solvm_runtime::host::FileSystem;
use solvm_runtime::name::Name;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{Class, IntoLua, Library, Object, Rest, Results, This};
use solvm_vm::{Call, Data, Error, Value};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the symbolic link in the directory that represents its lock; only one process can
/// create it.
const NAME: &str = "lockfile.lfs";
/// Its target.
const TARGET: &str = "lock";

/// A lock on a directory: the link, until it is removed.
struct Lock {
    held: RefCell<Option<(Arc<dyn FileSystem>, PathBuf)>>,
}

impl Data for Lock {
    fn external_size(&self) -> usize {
        self.held.borrow().as_ref().map_or(0, |(_, path)| path.as_os_str().len())
    }
}

impl Class for Lock {
    const NAME: &'static str = "lock metatable";
    const METHODS: &'static Library = &METHODS;
}

static METHODS: Library = solvm_vm::library!(lazy "" {
    "free" => free,
});

impl Lock {
    fn release(&self) {
        if let Some((files, link)) = self.held.take() {
            // It may have been removed already.
            let _ = files.remove(&link);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.release();
    }
}

/// `lfs.lock_dir(path[, stale])`: returns an object that holds the lock on a directory until
/// `lock:free()`. As in LuaFileSystem on POSIX, the age of an existing lock is ignored.
pub(super) fn lock_directory<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    _stale: Option<f64>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let files = solvm_files::file_system(call)?;
    let lock = |files: &dyn FileSystem, path: &Path| {
        let link = path.join(NAME);
        files.link(Path::new(TARGET), &link, true).map(|()| link)
    };
    attempt(call, path, lock, move |call, result| match result {
        Ok(link) => {
            Ok(vec![Object(Lock { held: RefCell::new(Some((files, link))) }).into_lua(call)?])
        }
        Err(error) => Ok(vec![Value::NIL, reason(&error).into_lua(call)?]),
    })
}

/// `lock:free()`: releases the lock.
fn free(_: &mut Call, lock: This<Lock>) {
    lock.release();
}

/// The message for locks on files.
const NOT_SUPPORTED: &str = "locks on files are not supported";

/// `lfs.lock(file, mode[, start[, length]])`: not supported.
pub(super) fn lock<'c>(
    _: &mut Call<'c>,
    file: AnyFile<'c>,
    mode: Name<'c>,
    _part: Rest,
) -> Result<(Option<Value<'c>>, &'static str), Error> {
    file.check_open()?;
    match mode.bytes() {
        b"r" | b"w" | b"u" => Ok((None, NOT_SUPPORTED)),
        other => Err(Error::argument(2, [b"invalid mode '", other, b"'"].concat())),
    }
}

/// `lfs.unlock(file[, start[, length]])`: not supported.
pub(super) fn unlock<'c>(
    _: &mut Call<'c>,
    file: AnyFile<'c>,
    _part: Rest,
) -> Result<(Option<Value<'c>>, &'static str), Error> {
    file.check_open()?;
    Ok((None, NOT_SUPPORTED))
}
