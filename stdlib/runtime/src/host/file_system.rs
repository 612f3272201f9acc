//! Files and directories for the libraries. Operations that may block run on the blocking pool, so
//! a file system is shared between threads. Operations that are not implemented are denied.

use super::stream::{Deferred, OpenMode, OpenStream};
use crate::system_error::denied;
use std::any::Any;
use std::ffi::OsString;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A file system.
pub trait FileSystem: Send + Sync + 'static {
    /// Returns the metadata of a file; of a symbolic link itself unless it is to be followed.
    fn metadata(&self, _path: &Path, _follow: bool) -> io::Result<Metadata> {
        Err(denied())
    }

    /// Returns the names in a directory, in any order, without `.` and `..`.
    fn read_directory(&self, _path: &Path) -> io::Result<Names> {
        Err(denied())
    }

    /// Opens a file for reading.
    fn open(&self, _path: &Path) -> io::Result<Box<dyn Source>> {
        Err(denied())
    }

    /// Opens a file as `fopen` does. Operations that may wait for another process, such as opening
    /// a pipe, are deferred to the blocking pool.
    fn open_stream(&self, _path: &Path, _mode: OpenMode) -> Deferred<io::Result<OpenStream>> {
        Deferred::Now(Err(denied()))
    }

    /// Returns the contents of a file of at most `most` bytes that can be read without blocking.
    /// None for other files, which must be opened and read on the blocking pool.
    fn read_now(&self, _path: &Path, _most: u64) -> Option<io::Result<Vec<u8>>> {
        None
    }

    /// Fails unless a file exists and is readable. It opens nothing and therefore does not block.
    fn check_readable(&self, path: &Path) -> io::Result<()> {
        self.metadata(path, true).map(drop)
    }

    /// Whether the program may run a file but not read it, so that messages must not quote its
    /// source.
    fn hides_source(&self, _path: &Path) -> bool {
        false
    }

    /// Creates an unnamed file for reading and writing, which vanishes when it is closed.
    fn temporary_file(&self) -> io::Result<OpenStream> {
        Err(denied())
    }

    /// Creates an empty file and returns its path.
    fn temporary_name(&self) -> io::Result<PathBuf> {
        Err(denied())
    }

    /// Opens a file for appending; it is created if it is missing.
    fn append(&self, _path: &Path) -> io::Result<Box<dyn Write + Send>> {
        Err(denied())
    }

    /// Starts to replace a file. The new contents become visible when all has been written: see
    /// [`Replacement`]. A new file gets these permissions (restricted by the umask). If None, an
    /// existing file keeps its own.
    fn replace(&self, _path: &Path, _permissions: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        Err(denied())
    }

    /// Creates a directory.
    fn create_directory(&self, _path: &Path) -> io::Result<()> {
        Err(denied())
    }

    /// Removes a file, a symbolic link, or an empty directory.
    fn remove(&self, _path: &Path) -> io::Result<()> {
        Err(denied())
    }

    /// Renames a file or a directory.
    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(denied())
    }

    /// Creates a hard link, or a symbolic link with this target.
    fn link(&self, _target: &Path, _path: &Path, _symbolic: bool) -> io::Result<()> {
        Err(denied())
    }

    /// Returns the target of a symbolic link.
    fn read_link(&self, _path: &Path) -> io::Result<PathBuf> {
        Err(denied())
    }

    /// Returns a path without symbolic links and dots.
    fn canonical(&self, _path: &Path) -> io::Result<PathBuf> {
        Err(denied())
    }

    /// Sets the times of access and modification, in seconds since 1970.
    fn set_times(&self, _path: &Path, _accessed: f64, _modified: f64) -> io::Result<()> {
        Err(denied())
    }

    /// Sets the permissions.
    fn set_permissions(&self, _path: &Path, _permissions: u32) -> io::Result<()> {
        Err(denied())
    }

    /// Calls `changed`, on any thread, whenever a file, or a file in a directory, is written,
    /// replaced or created, until the result is dropped.
    fn watch(&self, _path: &Path, _changed: Changed) -> io::Result<Watch> {
        Err(denied())
    }

    /// Whether the program may bind and connect sockets at a path, which the OS looks up again.
    fn check_socket(&self, _path: &Path) -> io::Result<()> {
        Err(denied())
    }

    /// Returns the directory that relative paths refer to.
    fn working_directory(&self) -> io::Result<PathBuf> {
        Err(denied())
    }

    /// Changes the directory that relative paths refer to.
    fn set_working_directory(&self, _path: &Path) -> io::Result<()> {
        Err(denied())
    }
}

/// A file system without files.
pub(super) struct NoFiles;

impl FileSystem for NoFiles {}

/// A callback for changes of a file.
pub type Changed = Box<dyn Fn() + Send + Sync>;

/// A watch, which ends when it is dropped.
pub type Watch = Box<dyn Any + Send>;

/// The names in a directory.
pub type Names = Box<dyn Iterator<Item = io::Result<OsString>> + Send>;

/// A file that is open for reading.
pub trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// A file that is being replaced. If it is dropped without [`Replacement::finish`], the old file is
/// unchanged.
pub trait Replacement: Write + Send {
    /// Replaces the file with the complete contents.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// The type of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    #[default]
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A socket.
    Socket,
    /// A named pipe.
    Pipe,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// Anything else.
    Other,
}

/// File metadata. Numbers that the OS does not provide are 0; times are in seconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metadata {
    /// Its type.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
    /// POSIX permissions (the lowest twelve bits).
    pub permissions: u32,
    /// The time of the last modification.
    pub modified: f64,
    /// The time of the last access.
    pub accessed: f64,
    /// The time of the last change of contents or metadata.
    pub changed: f64,
    /// The device that contains it.
    pub device: u64,
    /// Its inode number.
    pub inode: u64,
    /// The number of hard links.
    pub links: u64,
    /// Its owner.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// The device that it represents.
    pub special_device: u64,
    /// The number of allocated blocks of 512 bytes.
    pub blocks: u64,
    /// The preferred block size for I/O.
    pub block_size: u64,
}

impl Metadata {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// Returns type and permissions in Go's format: `-rw-r--r--`, `drwxr-xr-x`, `Lrwxrwxrwx`.
    pub fn mode_text(&self) -> String {
        let kind = match self.kind {
            FileKind::File => "",
            FileKind::Directory => "d",
            FileKind::Link => "L",
            FileKind::Socket => "S",
            FileKind::Pipe => "p",
            FileKind::CharacterDevice => "Dc",
            FileKind::BlockDevice => "D",
            FileKind::Other => "?",
        };
        let special: String = [(0o4000, 'u'), (0o2000, 'g'), (0o1000, 't')]
            .into_iter()
            .filter_map(|(bit, letter)| (self.permissions & bit != 0).then_some(letter))
            .collect();
        let kind = if kind.is_empty() && special.is_empty() { "-" } else { kind };
        format!("{kind}{special}{}", self.permissions_text())
    }

    /// Returns only the permissions: `rw-r--r--`.
    pub fn permissions_text(&self) -> String {
        let bit = |place: u32| self.permissions >> place & 1 != 0;
        (0..9)
            .rev()
            .zip("rwxrwxrwx".chars())
            .map(|(place, letter)| if bit(place) { letter } else { '-' })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_go_writes_them() {
        for (kind, permissions, text) in [
            (FileKind::File, 0o644, "-rw-r--r--"),
            (FileKind::Directory, 0o755, "drwxr-xr-x"),
            (FileKind::Link, 0o777, "Lrwxrwxrwx"),
            (FileKind::Directory, 0o1777, "dtrwxrwxrwx"),
            (FileKind::File, 0o4755, "urwxr-xr-x"),
        ] {
            let metadata = Metadata { kind, permissions, ..Metadata::default() };
            assert_eq!(metadata.mode_text(), text);
        }
    }
}
