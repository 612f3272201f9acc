//! Atomic replacement of files: the new contents become visible when they are complete, by
//! renaming.
//!
//! On Linux the new contents are an unnamed file until then, so a process that is killed leaves
//! nothing. Elsewhere they are a file `.solvm-*` in the same directory, locked while it is written;
//! the next write there removes files that are unlocked and an hour old.
//!
//! The new file has the permissions of the old one and the owner of the process; other hard links
//! to the old file keep the old contents.

use super::file_system::Replacement;
use rand::TryRng;
use rand::rngs::SysRng;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

/// The prefix of the names of unfinished files.
const PREFIX: &str = ".solvm-";
/// Permissions of a new file, restricted by the umask.
const NEW_FILE: u32 = 0o666;
/// Unlocked unfinished files of this age belong to no running process.
const STALE: Duration = Duration::from_secs(3600);
/// Maximum number of attempts to find a name for an unfinished file.
const TRIES: usize = 100;
/// Maximum number of names in a directory that are checked for stale files.
const MAX_NAMES: usize = 10_000;

/// Starts to replace a file. The directory's handle must allow reading.
pub(super) fn replace_in(
    directory: OwnedFd,
    name: &OsStr,
    permissions: Option<u32>,
) -> io::Result<Box<dyn Replacement>> {
    let existing = match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => Some(super::disk::metadata_of(&status)),
        Err(Errno::NOENT) => None,
        Err(error) => return Err(error.into()),
    };
    let open_existing = || {
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&directory, name, flags, Mode::empty()).map(File::from)
    };
    if let Some(existing) = &existing {
        if existing.is_directory() {
            return Err(Errno::ISDIR.into());
        }
        if existing.kind != super::FileKind::File {
            // A device or a pipe is written to, not replaced.
            return Ok(Box::new(InPlace(open_existing()?)));
        }
        if existing.permissions & 0o222 == 0 {
            // Renaming over it would be possible, but a write-protected file must not be changed.
            open_existing()?;
        }
    }
    let mode = Mode::from_raw_mode(permissions.unwrap_or(NEW_FILE));
    let (file, temporary) = match unnamed(&directory, mode)? {
        Some(file) => (file, None),
        None => {
            remove_stale(&directory);
            let (file, name) = named(&directory, mode)?;
            (file, Some(name))
        }
    };
    let new = New { directory, name: name.into(), temporary, file };
    if let (Some(existing), None) = (existing, permissions) {
        rustix::fs::fchmod(&new.file, Mode::from_raw_mode(existing.permissions))?;
    }
    Ok(Box::new(new))
}

/// A file that gets its name when it is complete.
struct New {
    directory: OwnedFd,
    name: OsString,
    /// Its temporary name in the directory.
    temporary: Option<OsString>,
    file: File,
}

impl Write for New {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Replacement for New {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.temporary.is_none() {
            let path = handle_path(&self.file);
            let link = |name: &OsStr| {
                let follow = AtFlags::SYMLINK_FOLLOW;
                rustix::fs::linkat(rustix::fs::CWD, &path, &self.directory, name, follow)
            };
            // Unlike a rename, a link does not replace a file.
            match link(&self.name) {
                Err(Errno::EXIST) => self.temporary = Some(with_new_name(link)?.1),
                result => return Ok(result?),
            }
        }
        if let Some(temporary) = &self.temporary {
            rustix::fs::renameat(&self.directory, temporary, &self.directory, &self.name)?;
            self.temporary = None;
        }
        Ok(())
    }
}

impl Drop for New {
    fn drop(&mut self) {
        if let Some(name) = &self.temporary {
            // If it cannot be removed now, a later write may remove it.
            let _ = rustix::fs::unlinkat(&self.directory, name, AtFlags::empty());
        }
    }
}

/// A file that cannot be replaced, only written to.
struct InPlace(File);

impl Write for InPlace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Replacement for InPlace {
    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

fn handle_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// Creates an unnamed file in the directory. None if the OS or the file system does not support it.
#[cfg(target_os = "linux")]
fn unnamed(directory: &OwnedFd, mode: Mode) -> io::Result<Option<File>> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::openat(directory, ".", flags, mode) {
        Ok(file) => {
            let file = File::from(file);
            // Without /proc it could not be given a name.
            let path = handle_path(&file);
            Ok(rustix::fs::access(&path, rustix::fs::Access::EXISTS).is_ok().then_some(file))
        }
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &OwnedFd, _: Mode) -> io::Result<Option<File>> {
    Ok(None)
}

/// Creates a locked file with a temporary name.
fn named(directory: &OwnedFd, mode: Mode) -> io::Result<(File, OsString)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let flags = flags | OFlags::CLOEXEC;
    let (file, name) = with_new_name(|name| rustix::fs::openat(directory, name, flags, mode))?;
    let file = File::from(file);
    // Without locks, it is removed when it is old.
    let _ = file.try_lock();
    Ok((file, name))
}

/// Creates a file under an unused name.
fn with_new_name<T>(mut make: impl FnMut(&OsStr) -> Result<T, Errno>) -> io::Result<(T, OsString)> {
    for _ in 0..TRIES {
        let number = SysRng.try_next_u64().map_err(io::Error::other)?;
        let name = OsString::from(format!("{PREFIX}{number:016x}"));
        match make(&name) {
            Err(Errno::EXIST) => {}
            result => return Ok((result?, name)),
        }
    }
    Err(Errno::EXIST.into())
}

/// Removes unfinished files of processes that no longer exist.
fn remove_stale(directory: &OwnedFd) {
    let Ok(names) = rustix::fs::Dir::read_from(directory) else { return };
    for entry in names.take(MAX_NAMES).flatten() {
        let name = entry.file_name();
        if !name.to_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(directory, name, flags, Mode::empty()) else { continue };
        let file = File::from(file);
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        if age.is_some_and(|age| age > STALE) && file.try_lock().is_ok() {
            // Another process may have removed it.
            let _ = rustix::fs::unlinkat(directory, name, AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn handle(directory: &Path) -> OwnedFd {
        File::open(directory).unwrap().into()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_has_no_name_until_it_is_complete() {
        let directory = tempfile::tempdir().unwrap();
        for text in ["new", "again"] {
            let before = names(directory.path());
            let mut file = replace_in(handle(directory.path()), "a".as_ref(), None).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert_eq!(names(directory.path()), before);
            file.finish().unwrap();
            assert_eq!(names(directory.path()), ["a"]);
            assert_eq!(fs::read_to_string(directory.path().join("a")).unwrap(), text);
        }
    }

    #[test]
    fn only_stale_files_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let long_ago = SystemTime::now() - STALE * 2;
        let make = |name: &str, is_old: bool| {
            let file = File::create(directory.path().join(name)).unwrap();
            if is_old {
                file.set_modified(long_ago).unwrap();
            }
            file
        };
        make(".solvm-killed", true);
        make(".solvm-fresh", false);
        make("other", true);
        let locked = make(".solvm-locked", true);
        locked.lock().unwrap();
        remove_stale(&handle(directory.path()));
        assert_eq!(names(directory.path()), [".solvm-fresh", ".solvm-locked", "other"]);
    }

    #[test]
    fn files_with_temporary_names_replace_others() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a"), "old").unwrap();
        let handle = handle(directory.path());
        let (file, name) = named(&handle, Mode::from_raw_mode(0o600)).unwrap();
        let temporary = Some(name);
        let mut file = Box::new(New { directory: handle, name: "a".into(), temporary, file });
        file.write_all(b"new").unwrap();
        assert_eq!(names(directory.path()).len(), 2);
        file.finish().unwrap();
        assert_eq!(names(directory.path()), ["a"]);
        assert_eq!(fs::read_to_string(directory.path().join("a")).unwrap(), "new");
    }
}
