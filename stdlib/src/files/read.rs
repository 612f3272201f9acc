//! Reading a whole file without more memory than the program may have.

use crate::host::{FileSystem, Source};
use crate::io::file::in_pool;
use solvm_vm::Error;
use solvm_vm::native::asynchronous::Lua;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

/// How much is read until the memory limit is looked at.
const SLICE: u64 = 4 << 20;

/// The contents of a file of at most `limit` bytes. The outer error is that of the memory limit, the inner one the system's.
pub(crate) async fn read(
    lua: &Lua,
    files: Arc<dyn FileSystem>,
    path: PathBuf,
    limit: u64,
) -> Result<io::Result<Vec<u8>>, Error> {
    let opened = in_pool(move || {
        let source = files.open(&path)?;
        let size = files.metadata(&path, true).map_or(0, |metadata| metadata.size);
        Ok((source, size))
    });
    match opened.await.flatten() {
        Ok((_, size)) if size > limit => Ok(Err(too_large(limit))),
        Ok((source, size)) => check_while_reading(lua, source, size, limit).await,
        Err(error) => Ok(Err(error)),
    }
}

/// Reads a source to its end, which is expected after `size` bytes; that it is not is an error from `limit` on.
async fn check_while_reading(
    lua: &Lua,
    mut source: Box<dyn Source>,
    size: u64,
    limit: u64,
) -> Result<io::Result<Vec<u8>>, Error> {
    let expected = usize::try_from(size).unwrap_or(usize::MAX);
    lua.with(|call| call.check_memory(expected))?;
    let mut contents = Vec::with_capacity(expected.saturating_add(1));
    loop {
        let slice = in_pool(move || {
            // A file that has the size it says ends in the first slice.
            let most = SLICE.max(size.saturating_sub(contents.len() as u64).saturating_add(1));
            let count = source.by_ref().take(most).read_to_end(&mut contents)? as u64;
            Ok((source, contents, count < most))
        });
        let is_end;
        (source, contents, is_end) = match slice.await.flatten() {
            Ok(slice) => slice,
            Err(error) => return Ok(Err(error)),
        };
        if contents.len() as u64 > limit {
            return Ok(Err(too_large(limit)));
        }
        if is_end {
            return Ok(Ok(contents));
        }
        let size = contents.len().saturating_mul(2);
        lua.with(|call| call.check_memory(size))?;
    }
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {} MiB", limit >> 20))
}
