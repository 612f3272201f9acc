//! A checked path, used through a handle of its directory, so that no link is followed.

use crate::host::disk;
use crate::host::file_system::{Metadata, Names, Replacement};
use crate::host::replacement::replace_in;
use crate::host::stream::{OpenBase, OpenMode};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, Timestamps};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A name in a directory.
pub(super) struct Entry {
    directory: OwnedFd,
    name: OsString,
}

/// A handle that can only be used to look up names in a directory.
#[cfg(target_os = "linux")]
const HANDLE: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const HANDLE: OFlags = OFlags::RDONLY;

/// Permissions of new files and directories, restricted by the umask.
const NEW_FILE: Mode = Mode::from_raw_mode(0o666);
const NEW_DIRECTORY: Mode = Mode::from_raw_mode(0o777);

/// Whether an operation failed because of an unexpected link.
pub(super) fn is_symlink_error(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

impl Entry {
    /// Opens the entry at an absolute path, no part of which may be a link.
    pub(super) fn open(path: &Path) -> io::Result<Entry> {
        let flags = HANDLE | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut directory = rustix::fs::openat(CWD, "/", flags, Mode::empty())?;
        let mut parts = path.iter().skip(1).peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return Ok(Entry { directory, name: part.into() });
            }
            directory = rustix::fs::openat(&directory, part, flags, Mode::empty())?;
        }
        Ok(Entry { directory, name: ".".into() })
    }

    fn open_at(&self, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.directory, &self.name, flags, mode)?)
    }

    /// Opens the file; if `now`, without waiting for the peer of a pipe.
    pub(super) fn open_file(&self, mode: OpenMode, now: bool) -> io::Result<File> {
        let access = match (mode.reads(), mode.writes()) {
            (true, true) => OFlags::RDWR,
            (true, false) => OFlags::RDONLY,
            _ => OFlags::WRONLY,
        };
        let base = match mode.base {
            OpenBase::Read => OFlags::empty(),
            OpenBase::Write => OFlags::CREATE | OFlags::TRUNC,
            OpenBase::Append => OFlags::CREATE | OFlags::APPEND,
        };
        let wait = if now { OFlags::NONBLOCK } else { OFlags::empty() };
        self.open_at(access | base | wait | OFlags::NOCTTY, NEW_FILE).map(File::from)
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        let status = rustix::fs::statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(disk::metadata_of(&status))
    }

    pub(super) fn check_readable(&self) -> io::Result<()> {
        let access = rustix::fs::Access::READ_OK;
        Ok(rustix::fs::accessat(&self.directory, &self.name, access, AtFlags::empty())?)
    }

    pub(super) fn names(&self) -> io::Result<Names> {
        let directory = self.open_at(OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        let names = Dir::new(directory)?.filter_map(|entry| match entry {
            Ok(entry) => {
                let name = entry.file_name().to_bytes();
                (name != b"." && name != b"..").then(|| Ok(OsString::from_vec(name.to_vec())))
            }
            Err(error) => Some(Err(error.into())),
        });
        Ok(Box::new(names))
    }

    pub(super) fn replace(&self, permissions: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        let directory = rustix::fs::openat(
            &self.directory,
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        replace_in(directory, &self.name, permissions)
    }

    pub(super) fn create_directory(&self) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.directory, &self.name, NEW_DIRECTORY)?)
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        let is_directory = self.metadata()?.is_directory();
        let flags = if is_directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        Ok(rustix::fs::unlinkat(&self.directory, &self.name, flags)?)
    }

    pub(super) fn rename(&self, to: &Entry) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.directory, &self.name, &to.directory, &to.name)?)
    }

    /// Creates a hard link.
    pub(super) fn link(&self, to: &Entry) -> io::Result<()> {
        let flags = AtFlags::empty();
        Ok(rustix::fs::linkat(&self.directory, &self.name, &to.directory, &to.name, flags)?)
    }

    pub(super) fn make_symbolic_link(&self, target: &Path) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.directory, &self.name)?)
    }

    pub(super) fn read_link(&self) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.directory, &self.name, Vec::new())?;
        Ok(OsStr::from_bytes(target.as_bytes()).into())
    }

    pub(super) fn set_times(&self, accessed: f64, modified: f64) -> io::Result<()> {
        let times = Timestamps {
            last_access: disk::timespec(accessed)?,
            last_modification: disk::timespec(modified)?,
        };
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(rustix::fs::utimensat(&self.directory, &self.name, &times, flags)?)
    }

    pub(super) fn set_permissions(&self, permissions: u32) -> io::Result<()> {
        // This needs a handle that does not follow links. The owner can always open one for reading
        // or for writing, unless the file permits neither.
        let open = |access| self.open_at(access | OFlags::NONBLOCK, Mode::empty());
        let file = open(OFlags::RDONLY).or_else(|_| open(OFlags::WRONLY))?;
        Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(permissions))?)
    }

    pub(super) fn make_working_directory(&self) -> io::Result<()> {
        let directory = self.open_at(OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        Ok(rustix::process::fchdir(directory)?)
    }
}
