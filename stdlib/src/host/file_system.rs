//! Files and directories as the libraries see them. Whatever may take long is used on the blocking
//! pool, so a file system is shared between threads; what it does not provide is denied.

use super::stream::{Deferred, OpenMode, OpenStream};
use crate::system_error::denied;
use std::any::Any;
use std::ffi::OsString;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The files that a program may reach.
pub trait FileSystem: Send + Sync + 'static {
    /// What is known of a file. Of a symbolic link itself unless it is to be followed.
    fn metadata(&self, _path: &Path, _follow: bool) -> io::Result<Metadata> {
        Err(denied())
    }

    /// The names in a directory, in no order, without `.` and `..`.
    fn read_directory(&self, _path: &Path) -> io::Result<Names> {
        Err(denied())
    }

    /// Opens a file for reading.
    fn open(&self, _path: &Path) -> io::Result<Box<dyn Source>> {
        Err(denied())
    }

    /// Opens a file as `fopen` does. What may wait for another process, such as opening a pipe, is
    /// left to the blocking pool.
    fn open_stream(&self, _path: &Path, _mode: OpenMode) -> Deferred<io::Result<OpenStream>> {
        Deferred::Now(Err(denied()))
    }

    /// The contents of a file of at most `most` bytes that can be read without waiting. None for
    /// any other file: it is to be opened and read on the blocking pool.
    fn read_now(&self, _path: &Path, _most: u64) -> Option<io::Result<Vec<u8>>> {
        None
    }

    /// Fails unless a file exists and may be read. Opens nothing, so it does not wait either.
    fn check_readable(&self, path: &Path) -> io::Result<()> {
        self.metadata(path, true).map(drop)
    }

    /// Whether the program may only run a file, so that no message may quote its source.
    fn hides_source(&self, _path: &Path) -> bool {
        false
    }

    /// A new file without a name, for reading and writing, that vanishes when it is closed.
    fn temporary_file(&self) -> io::Result<OpenStream> {
        Err(denied())
    }

    /// The path of a new empty file.
    fn temporary_name(&self) -> io::Result<PathBuf> {
        Err(denied())
    }

    /// Opens a file to which what is written is added; it is made if need be.
    fn append(&self, _path: &Path) -> io::Result<Box<dyn Write + Send>> {
        Err(denied())
    }

    /// Begins to write a file anew. Its contents take their place when all has been written: see
    /// [`Replacement`]. A new file gets these permissions (as far as the process grants any), an
    /// existing one keeps its own if None.
    fn replace(&self, _path: &Path, _permissions: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        Err(denied())
    }

    /// Makes a directory.
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

    /// Gives a file a second name, or makes a symbolic link with this text.
    fn link(&self, _target: &Path, _path: &Path, _symbolic: bool) -> io::Result<()> {
        Err(denied())
    }

    /// The text of a symbolic link.
    fn read_link(&self, _path: &Path) -> io::Result<PathBuf> {
        Err(denied())
    }

    /// The path without symbolic links and dots.
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

    /// Calls `changed`, on any thread, whenever a file is written, replaced or made, or something
    /// in a directory is; until what is returned is dropped.
    fn watch(&self, _path: &Path, _changed: Changed) -> io::Result<Watch> {
        Err(denied())
    }

    /// The directory that relative paths begin at.
    fn working_directory(&self) -> io::Result<PathBuf> {
        Err(denied())
    }

    /// Changes the directory that relative paths begin at.
    fn set_working_directory(&self, _path: &Path) -> io::Result<()> {
        Err(denied())
    }
}

/// A file system without files.
pub(super) struct NoFiles;

impl FileSystem for NoFiles {}

/// What is to happen when a file has changed.
pub type Changed = Box<dyn Fn() + Send + Sync>;

/// Something is watched as long as this lives.
pub type Watch = Box<dyn Any + Send>;

/// The names in a directory.
pub type Names = Box<dyn Iterator<Item = io::Result<OsString>> + Send>;

/// A file that is open for reading.
pub trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// A file that is being written anew. Dropped without [`Replacement::finish`], it leaves everything
/// as it was.
pub trait Replacement: Write + Send {
    /// Puts it in its place, whole.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// What a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileKind {
    /// A file with contents.
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
    /// A device that gives and takes characters.
    CharacterDevice,
    /// A device of blocks.
    BlockDevice,
    /// Anything else.
    Other,
}

/// What is known of a file. Numbers that the system does not have are 0; times are in seconds since
/// 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
    /// Permissions as POSIX counts them (the lowest twelve bits).
    pub permissions: u32,
    /// The last change of its contents.
    pub modified: f64,
    /// The last use of its contents.
    pub accessed: f64,
    /// The last change of anything.
    pub changed: f64,
    /// The device that holds it.
    pub device: u64,
    /// Its number on the device.
    pub inode: u64,
    /// How many names it has.
    pub links: u64,
    /// Its owner.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// The device that it stands for.
    pub special_device: u64,
    /// How many blocks of 512 bytes it takes.
    pub blocks: u64,
    /// The best size of reads and writes.
    pub block_size: u64,
}

impl Metadata {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// Kind and permissions as Go prints them: `-rw-r--r--`, `drwxr-xr-x`, `Lrwxrwxrwx`.
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

    /// The permissions alone: `rw-r--r--`.
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
