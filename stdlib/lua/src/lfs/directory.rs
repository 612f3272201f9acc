//! `lfs.dir` and its directory objects.

use solvm_files::{Batched, attempt, path_bytes};
use solvm_runtime::host::FileSystem;
use solvm_runtime::name::Name;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{Class, Definition, IntoLua, Library, Object, Results, This};
use solvm_vm::{Call, Data, Error, Value};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

/// An open directory.
pub(super) struct Directory {
    names: Batched<Vec<u8>>,
    /// Whether it was read to its end, or closed.
    closed: Rc<Cell<bool>>,
}

impl Data for Directory {
    fn external_size(&self) -> usize {
        1 << 14
    }
}

impl Class for Directory {
    const NAME: &'static str = "directory metatable";
    const METHODS: &'static Library = &METHODS;
}

static METHODS: Library = solvm_vm::library!(lazy "" {
    "close" => close,
    "next" => next,
});

static NEXT: Definition = Definition::new("next", next);

/// `lfs.dir(path)`: returns an iterator over the names in a directory, including `.` and `..`, and
/// the directory as an object.
pub(super) fn dir<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let name = path.bytes().to_vec();
    attempt(
        call,
        path,
        |files: &dyn FileSystem, path: &Path| files.read_directory(path),
        move |call, names| {
            let names = names.map_err(|error| {
                let name = solvm_vm::messages::shorten(&name);
                Error::text([b"cannot open ", &name[..], b": ", reason(&error).as_bytes()].concat())
            })?;
            let here = [b".".to_vec(), b"..".to_vec()].into_iter();
            let names = here.chain(names.map_while(Result::ok).map(path_bytes));
            let directory = Object(Directory { names: Batched::new(names), closed: Rc::default() })
                .into_lua(call)?;
            Ok(vec![call.function(&NEXT, &[]).value(), directory])
        },
    )
}

/// `directory:next()`: returns the next name; nil at the end.
fn next<'c>(
    call: &mut Call<'c>,
    directory: This<'c, Directory>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    if directory.closed.get() {
        return Err(Error::argument(1, "closed directory"));
    }
    let closed = directory.closed.clone();
    directory.names.next(call, move |call, name| match name {
        Some(name) => Ok(vec![name.into_lua(call)?]),
        None => {
            closed.set(true);
            Ok(vec![Value::NIL])
        }
    })
}

/// `directory:close()`: closes the directory.
fn close(_: &mut Call, directory: This<Directory>) {
    directory.closed.set(true);
}
