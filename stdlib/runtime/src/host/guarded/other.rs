//! A checked path on systems without directory handles: the path itself is used, so a link that
//! another process creates between the check and the use is followed.

use crate::host::disk;
use crate::host::file_system::{FileSystem, Metadata, Names, Replacement};
use crate::host::stream::{OpenBase, OpenMode};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A path without links.
pub(super) struct Entry(PathBuf);

/// Whether an operation failed because of an unexpected link.
pub(super) fn is_symlink_error(_: &io::Error) -> bool {
    false
}

impl Entry {
    pub(super) fn open(path: &Path) -> io::Result<Entry> {
        Ok(Entry(path.to_path_buf()))
    }

    pub(super) fn open_file(&self, mode: OpenMode, _now: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(mode.reads());
        match mode.base {
            OpenBase::Read => options.write(mode.update),
            OpenBase::Write => options.write(true).create(true).truncate(true),
            OpenBase::Append => options.append(true).create(true),
        };
        options.open(&self.0)
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        disk::Disk.metadata(&self.0, false)
    }

    pub(super) fn check_readable(&self) -> io::Result<()> {
        disk::Disk.check_readable(&self.0)
    }

    pub(super) fn names(&self) -> io::Result<Names> {
        disk::Disk.read_directory(&self.0)
    }

    pub(super) fn replace(&self, permissions: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        disk::Disk.replace(&self.0, permissions)
    }

    pub(super) fn create_directory(&self) -> io::Result<()> {
        disk::Disk.create_directory(&self.0)
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        disk::Disk.remove(&self.0)
    }

    pub(super) fn rename(&self, to: &Entry) -> io::Result<()> {
        disk::Disk.rename(&self.0, &to.0)
    }

    pub(super) fn link(&self, to: &Entry) -> io::Result<()> {
        disk::Disk.link(&self.0, &to.0, false)
    }

    pub(super) fn make_symbolic_link(&self, target: &Path) -> io::Result<()> {
        disk::Disk.link(target, &self.0, true)
    }

    pub(super) fn read_link(&self) -> io::Result<PathBuf> {
        disk::Disk.read_link(&self.0)
    }

    pub(super) fn set_times(&self, accessed: f64, modified: f64) -> io::Result<()> {
        disk::Disk.set_times(&self.0, accessed, modified)
    }

    pub(super) fn set_permissions(&self, permissions: u32) -> io::Result<()> {
        disk::Disk.set_permissions(&self.0, permissions)
    }

    pub(super) fn make_working_directory(&self) -> io::Result<()> {
        disk::Disk.set_working_directory(&self.0)
    }
}
