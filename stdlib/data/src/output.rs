//! Output to files.

use solvm_files::done;
use solvm_runtime::host::{FileSystem, path_of};
use solvm_runtime::pool::in_pool;
use solvm_runtime::results::failure;
use solvm_vm::Error;
use solvm_vm::native::asynchronous::{Finished, Lua};
use std::io::Write;
use std::sync::Arc;

/// Ends a native by writing a file atomically: the results are true, or nil and the OS's message.
pub(super) async fn write_file(
    lua: Lua,
    files: Arc<dyn FileSystem>,
    name: Vec<u8>,
    text: Vec<u8>,
) -> Result<Finished, Error> {
    let path = path_of(&name);
    let written = in_pool(move || {
        let mut file = files.replace(&path, None)?;
        file.write_all(&text)?;
        file.finish()
    });
    match written.await.flatten() {
        Ok(()) => lua.finish_with(|call| done(call, ())),
        Err(error) => lua.finish_with(|call| failure(call, &error, Some(&name))),
    }
}
