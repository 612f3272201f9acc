//! Reading a whole file without more memory than the program may have.

use crate::host::FileSystem;
use crate::pool::Work;
use crate::pool::in_pool_as;
use solvm_vm::native::asynchronous::Lua;
use solvm_vm::{Error, Held};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is read first, and at least.
const SLICE: u64 = 64 << 10;

/// Something that is being read.
struct Reading {
    source: Box<dyn Read + Send>,
    contents: Vec<u8>,
    /// How much more is expected.
    left: u64,
    is_over: bool,
}

impl Reading {
    /// Opens a file and reads a first slice: of most files that is all.
    fn open(files: &dyn FileSystem, path: &Path, limit: u64) -> io::Result<Reading> {
        let source = files.open(path)?;
        let left = files.metadata(path, true).map_or(0, |metadata| metadata.size);
        if left > limit {
            return Err(too_large(limit));
        }
        Reading { source, contents: Vec::new(), left, is_over: false }.next(SLICE)
    }

    /// Reads at most so much more. A file that has the size it says ends with the slice in which
    /// that is reached.
    fn next(mut self, most: u64) -> io::Result<Reading> {
        let expected = usize::try_from(self.left.min(most)).unwrap_or(usize::MAX);
        let room = self.contents.try_reserve_exact(expected.saturating_add(1));
        room.map_err(|_| io::ErrorKind::OutOfMemory)?;
        let count = self.source.by_ref().take(most).read_to_end(&mut self.contents)? as u64;
        self.left = self.left.saturating_sub(count);
        self.is_over = count < most;
        Ok(self)
    }
}

/// The contents of a file of at most `limit` bytes. For the blocking pool.
///
/// # Errors
/// The system's, or that the file is larger.
pub(crate) fn read_bounded(files: &dyn FileSystem, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    files.open(path)?.take(limit.saturating_add(1)).read_to_end(&mut contents)?;
    if contents.len() as u64 > limit { Err(too_large(limit)) } else { Ok(contents) }
}

/// The contents of a file of at most `limit` bytes. The outer error is that of the memory limit,
/// the inner one the system's.
pub(crate) async fn read(
    lua: &Lua,
    files: Arc<dyn FileSystem>,
    path: PathBuf,
    limit: u64,
) -> Result<io::Result<Vec<u8>>, Error> {
    let held = lua.with(|call| call.account().hold_nothing());
    let begin = move || Reading::open(&*files, &path, limit);
    read_held(Work::Finite, begin, limit, held).await
}

/// What is left of a stream, as [`read`].
pub(crate) async fn read_rest(
    source: Box<dyn Read + Send>,
    limit: u64,
    held: Held,
) -> Result<io::Result<Vec<u8>>, Error> {
    let reading = Reading { source, contents: Vec::new(), left: 0, is_over: false };
    read_held(Work::Waiting, move || reading.next(SLICE), limit, held).await
}

/// The contents of a file as [`read`], which may be a pipe; `held` holds them until they are there.
pub(crate) async fn read_file_held(
    files: Arc<dyn FileSystem>,
    path: PathBuf,
    limit: u64,
    held: Held,
) -> Result<io::Result<Vec<u8>>, Error> {
    let begin = move || Reading::open(&*files, &path, limit);
    read_held(Work::Waiting, begin, limit, held).await
}

/// Reads to the end, slice by slice on the blocking pool.
async fn read_held(
    kind: Work,
    begin: impl FnOnce() -> io::Result<Reading> + Send + 'static,
    limit: u64,
    mut held: Held,
) -> Result<io::Result<Vec<u8>>, Error> {
    held.grow_to(SLICE as usize)?;
    let mut reading = in_pool_as(kind, begin).await.flatten();
    loop {
        let current = match reading {
            Ok(current) => current,
            Err(error) => return Ok(Err(error)),
        };
        let size = current.contents.len() as u64;
        if size > limit {
            return Ok(Err(too_large(limit)));
        }
        if current.is_over {
            return Ok(Ok(current.contents));
        }
        // As much as is expected; of a file that does not say its size, as much as there is so far.
        let more = match current.left {
            0 => size.max(SLICE),
            left => left.saturating_add(1),
        };
        held.grow_to(usize::try_from(size.saturating_add(more)).unwrap_or(usize::MAX))?;
        reading = in_pool_as(kind, move || current.next(more)).await.flatten();
    }
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {} MiB", limit >> 20))
}
