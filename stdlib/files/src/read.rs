//! Reads whole files within the program's memory limit.

use solvm_runtime::host::FileSystem;
use solvm_runtime::pool::{Work, in_pool_as};
use solvm_vm::native::asynchronous::Lua;
use solvm_vm::{Error, Held};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Size of the first slice, and minimum size of the others.
const SLICE: u64 = 64 << 10;

/// A file that is being read.
struct Reading {
    source: Box<dyn Read + Send>,
    contents: Vec<u8>,
    /// Number of bytes that are still expected.
    left: u64,
    is_over: bool,
}

impl Reading {
    /// Opens a file and reads the first slice: most files are no longer.
    fn open(files: &dyn FileSystem, path: &Path, limit: u64) -> io::Result<Reading> {
        let source = files.open(path)?;
        let left = files.metadata(path, true).map_or(0, |metadata| metadata.size);
        if left > limit {
            return Err(too_large(limit));
        }
        Reading { source, contents: Vec::new(), left, is_over: false }.next(SLICE)
    }

    /// Reads up to `most` more bytes. A file with a known size ends with the slice that reaches it.
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

/// Returns the contents of a file of at most `limit` bytes. Runs on the blocking pool.
///
/// # Errors
/// An error of the OS, or the file is larger.
pub fn read_bounded(files: &dyn FileSystem, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    files.open(path)?.take(limit.saturating_add(1)).read_to_end(&mut contents)?;
    if contents.len() as u64 > limit { Err(too_large(limit)) } else { Ok(contents) }
}

/// Returns the contents of a file of at most `limit` bytes. The outer error is the memory limit,
/// the inner one the OS's.
pub async fn read(
    lua: &Lua,
    files: Arc<dyn FileSystem>,
    path: PathBuf,
    limit: u64,
) -> Result<io::Result<Vec<u8>>, Error> {
    let held = lua.with(|call| call.account().hold_nothing());
    let begin = move || Reading::open(&*files, &path, limit);
    read_held(Work::Finite, begin, limit, held).await
}

/// Returns the rest of a stream, like [`read`].
pub async fn read_rest(
    source: Box<dyn Read + Send>,
    limit: u64,
    held: Held,
) -> Result<io::Result<Vec<u8>>, Error> {
    let reading = Reading { source, contents: Vec::new(), left: 0, is_over: false };
    read_held(Work::Waiting, move || reading.next(SLICE), limit, held).await
}

/// Returns the contents of a file, which may be a pipe, like [`read`]; `held` accounts for them in
/// the meantime.
pub async fn read_file_held(
    files: Arc<dyn FileSystem>,
    path: PathBuf,
    limit: u64,
    held: Held,
) -> Result<io::Result<Vec<u8>>, Error> {
    let begin = move || Reading::open(&*files, &path, limit);
    read_held(Work::Waiting, begin, limit, held).await
}

/// Reads to the end, in slices on the blocking pool.
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
        // The number of expected bytes; if the size is unknown, the number read so far.
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
