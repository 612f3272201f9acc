//! Files that are written next to the one that they replace, and then renamed over it.
//!
//! **Invariant (NOTHING IS LEFT)**: on Linux the file has no name until it is complete
//! (`O_TMPFILE`), so that the kernel frees it if the process is killed. If there is a file to
//! replace, the new one has a temporary name for the instant between two system calls. Where a file
//! needs a name from the start, it is locked while it is written, and the first write to a
//! directory removes the files of processes that were killed: those that are not locked and older
//! than an hour.

use super::file_system::Replacement;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tempfile::NamedTempFile;

/// How the temporary names start.
const PREFIX: &str = ".solvm-";
/// Permissions of a new file, as far as the process grants any (its `umask`).
const NEW_FILE: u32 = 0o666;
/// A file that has not been written to for so long is of a process that was killed, unless it is
/// locked.
const ABANDONED: Duration = Duration::from_secs(3600);
/// How many directories are remembered as cleaned.
const MAX_CLEANED: usize = 1000;

/// A new file for a place in a directory. It gets these permissions, or those `kept` of the file
/// that it replaces.
pub(super) fn new(
    folder: &Path,
    name: &OsStr,
    permissions: Option<u32>,
    kept: Option<Permissions>,
) -> io::Result<Box<dyn Replacement>> {
    let path = folder.join(name);
    let mode = permissions.unwrap_or(NEW_FILE);
    #[cfg(target_os = "linux")]
    if let Some(file) = nameless::open(folder, mode) {
        if let Some(kept) = kept {
            file.set_permissions(kept)?;
        }
        return Ok(Box::new(nameless::Nameless { file, folder: folder.into(), path }));
    }
    let file = named(folder, mode)?;
    if let Some(kept) = kept {
        file.as_file().set_permissions(kept)?;
    }
    Ok(Box::new(Named { file, path }))
}

/// A file with a temporary name.
struct Named {
    file: NamedTempFile,
    path: PathBuf,
}

/// Makes one, locked.
fn named(folder: &Path, _mode: u32) -> io::Result<NamedTempFile> {
    clean_once(folder);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, _mode);
    let file =
        tempfile::Builder::new().prefix(PREFIX).make_in(folder, |path| options.open(path))?;
    // A file system without locks has none to respect either: an hour must do.
    let _ = file.as_file().try_lock();
    Ok(file)
}

impl Write for Named {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl Replacement for Named {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

/// Cleans a directory when this process first writes to it.
fn clean_once(folder: &Path) {
    static CLEANED: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let mut cleaned = CLEANED.lock().unwrap_or_else(PoisonError::into_inner);
    let cleaned = cleaned.get_or_insert_default();
    if cleaned.len() >= MAX_CLEANED {
        cleaned.clear();
    }
    if cleaned.insert(folder.into()) {
        clean(folder);
    }
}

/// Removes the files of processes that were killed. What cannot be removed stays.
fn clean(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        if is_ours && is_abandoned(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_abandoned(path: &Path) -> bool {
    let is_old = fs::symlink_metadata(path).is_ok_and(|about| {
        let age = about.modified().ok().and_then(|modified| modified.elapsed().ok());
        about.is_file() && age.is_some_and(|age| age > ABANDONED)
    });
    is_old && File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(target_os = "linux")]
mod nameless {
    use super::{PREFIX, Replacement};
    use rustix::fs::{AtFlags, CWD, OFlags, linkat};
    use std::fs::{File, OpenOptions};
    use std::io::{self, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::{Path, PathBuf};

    /// A file without a name.
    pub(super) struct Nameless {
        pub(super) file: File,
        pub(super) folder: PathBuf,
        pub(super) path: PathBuf,
    }

    /// Where the kernel shows the file, so that it can be given a name.
    fn handle(file: &File) -> String {
        format!("/proc/self/fd/{}", file.as_raw_fd())
    }

    /// None if the file system has no such files, or `/proc` is missing.
    pub(super) fn open(folder: &Path, mode: u32) -> Option<File> {
        let flags = OFlags::TMPFILE.bits().cast_signed();
        let file =
            OpenOptions::new().write(true).mode(mode).custom_flags(flags).open(folder).ok()?;
        std::fs::symlink_metadata(handle(&file)).is_ok().then_some(file)
    }

    impl Write for Nameless {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.file.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.file.flush()
        }
    }

    impl Replacement for Nameless {
        fn finish(self: Box<Self>) -> io::Result<()> {
            let handle = handle(&self.file);
            let link = |path: &Path| -> io::Result<()> {
                Ok(linkat(CWD, &handle, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
            };
            match link(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => return result,
            }
            // A link does not replace a file, a rename does.
            let linked = tempfile::Builder::new().prefix(PREFIX).make_in(&self.folder, link)?;
            linked.into_temp_path().persist(&self.path).map_err(|error| error.error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_has_no_name_until_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["new", "again"] {
            let before = names(folder.path());
            let mut file = new(folder.path(), "a".as_ref(), None, None).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert_eq!(names(folder.path()), before);
            file.finish().unwrap();
            assert_eq!(names(folder.path()), ["a"]);
            assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), text);
        }
    }

    #[test]
    fn only_abandoned_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let long_ago = std::time::SystemTime::now() - ABANDONED * 2;
        let make = |name: &str, is_old: bool| {
            let file = File::create(folder.path().join(name)).unwrap();
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
        clean(folder.path());
        assert_eq!(names(folder.path()), [".solvm-fresh", ".solvm-locked", "other"]);
    }

    #[test]
    fn files_with_temporary_names_replace_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let mut file = Box::new(Named { file: named(folder.path(), 0o600).unwrap(), path });
        file.write_all(b"new").unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        file.finish().unwrap();
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "new");
    }
}
