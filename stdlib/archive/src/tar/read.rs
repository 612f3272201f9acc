//! Reads archives, which may be malicious.

use flate2::read::MultiGzDecoder;
use solvm_runtime::host::{FileSystem, Progress, Source};
use std::cell::Cell;
use std::io::{self, BufReader, Read, SeekFrom};
use std::path::Path;
use std::rc::Rc;
use tar::{Archive, Entry, EntryType};

/// Maximum number of entries.
pub(super) const MAX_ENTRIES: usize = 1_000_000;
/// The block size of archives.
const BLOCK: u64 = 512;
/// Maximum size of headers: names and attributes are read into memory.
const MAX_HEADERS: u64 = 1 << 20;

/// A reader of an archive.
pub(super) struct Reader {
    source: Box<dyn Read>,
}

/// The input of an archive, up to a limit.
pub(super) struct Limited {
    source: Box<dyn Read>,
    left: Rc<Cell<u64>>,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 && !buffer.is_empty() {
            return Err(too_long());
        }
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.source.read(buffer.get_mut(..room).unwrap_or_default())?;
        self.left.set(left.saturating_sub(count as u64));
        Ok(count)
    }
}

impl Reader {
    /// Opens an archive and detects compression by its first bytes. The number of bytes read is its
    /// progress.
    pub(super) fn open(
        files: &dyn FileSystem,
        path: &Path,
        progress: &Progress,
    ) -> io::Result<Reader> {
        let mut source: Box<dyn Source> = files.open(path)?;
        let mut start = Vec::new();
        source.by_ref().take(2).read_to_end(&mut start)?;
        let size = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let source = progress.begin_transfer(&path.to_string_lossy(), Some(size)).count(source);
        let source = BufReader::with_capacity(1 << 16, source);
        let source: Box<dyn Read> = if start == [0x1f, 0x8b] {
            Box::new(MultiGzDecoder::new(source))
        } else {
            Box::new(source)
        };
        Ok(Reader { source })
    }

    /// Calls a function for every entry.
    pub(super) fn each(
        self,
        mut look: impl FnMut(&mut Entry<Limited>) -> io::Result<()>,
    ) -> io::Result<()> {
        let left = Rc::new(Cell::new(MAX_HEADERS));
        let mut archive = Archive::new(Limited { source: self.source, left: left.clone() });
        let mut count = 0;
        for entry in archive.entries()? {
            let mut entry =
                entry.map_err(
                    |error| if left.get() == 0 { too_long() } else { invalid_archive(error) },
                )?;
            count = usize::saturating_add(count, 1);
            if count > MAX_ENTRIES {
                return Err(io::Error::other(format!(
                    "the archive has more than {MAX_ENTRIES} entries"
                )));
            }
            left.set(u64::MAX);
            // Global attributes are not an entry.
            if entry.header().entry_type() != EntryType::XGlobalHeader {
                look(&mut entry)?;
            }
            // Contents that were not read are skipped; then the next header follows.
            let is_sparse = entry.header().entry_type() == EntryType::GNUSparse;
            let stored = if is_sparse {
                entry.header().entry_size().map_err(invalid_archive)?
            } else {
                entry.size()
            };
            let unread = stored.saturating_sub(u64::MAX.saturating_sub(left.get()));
            left.set(unread.saturating_add(BLOCK + MAX_HEADERS));
        }
        Ok(())
    }
}

/// Converts any error of the crate to "not an archive".
pub(super) fn invalid_archive(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        return error;
    }
    io::Error::new(error.kind(), "not a valid tar archive")
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the names in the archive are too long")
}
