//! The file system of the machine.

use super::file_system::{
    Changed, FileKind, FileSystem, Metadata, Names, Replacement, Source, Watch,
};
use super::replacement;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The file system of the machine, with all that the process may do.
pub(super) struct Disk;

impl FileSystem for Disk {
    fn metadata(&self, path: &Path, follow: bool) -> io::Result<Metadata> {
        let metadata = if follow { fs::metadata(path) } else { fs::symlink_metadata(path) };
        metadata.map(|metadata| convert(&metadata))
    }

    fn read_folder(&self, path: &Path) -> io::Result<Names> {
        Ok(Box::new(fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name()))))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(is_a_folder());
        }
        Ok(Box::new(file))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        Ok(Box::new(OpenOptions::new().append(true).create(true).open(path)?))
    }

    fn replace(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        // What a symbolic link leads to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let existing = match fs::metadata(&path) {
            Ok(existing) => Some(existing),
            // A path that the system cannot even be asked about.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(error),
            Err(_) => None,
        };
        if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(is_a_folder());
        }
        if existing.as_ref().is_some_and(|existing| !existing.is_file()) {
            // A device or a pipe stays what it is.
            return Ok(Box::new(InPlace(OpenOptions::new().write(true).open(&path)?)));
        }
        if existing.as_ref().is_some_and(|existing| existing.permissions().readonly()) {
            // To rename another file over it would be possible, and not what a write-protected file
            // is for.
            OpenOptions::new().write(true).open(&path)?;
        }
        let name = path.file_name().ok_or_else(is_missing)?;
        let folder =
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Wherever the program goes meanwhile, it stays the same folder.
        let folder = fs::canonicalize(folder)?;
        let kept = existing.filter(|_| permissions.is_none());
        replacement::new(&folder, name, permissions, kept.map(|existing| existing.permissions()))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let is_folder = fs::symlink_metadata(path)?.is_dir();
        if is_folder { fs::remove_dir(path) } else { fs::remove_file(path) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, target: &Path, path: &Path, symbolic: bool) -> io::Result<()> {
        if !symbolic {
            return fs::hard_link(target, path);
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(target, path)
        }
        #[cfg(windows)]
        {
            let of_folder = path.parent().is_some_and(|folder| folder.join(target).is_dir());
            if of_folder {
                std::os::windows::fs::symlink_dir(target, path)
            } else {
                std::os::windows::fs::symlink_file(target, path)
            }
        }
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn set_times(&self, path: &Path, accessed: f64, modified: f64) -> io::Result<()> {
        let times = FileTimes::new()
            .set_accessed(system_time(accessed)?)
            .set_modified(system_time(modified)?);
        // On Windows times can be set through a handle that may write; elsewhere the owner may,
        // whatever the handle.
        let file = if cfg!(windows) {
            OpenOptions::new().write(true).open(path)?
        } else {
            File::open(path)?
        };
        file.set_times(times)
    }

    fn set_permissions(&self, path: &Path, permissions: u32) -> io::Result<()> {
        #[cfg(unix)]
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(permissions);
        #[cfg(not(unix))]
        let permissions = {
            let writable = permissions & 0o200 != 0;
            let mut permissions = fs::metadata(path)?.permissions();
            permissions.set_readonly(!writable);
            permissions
        };
        fs::set_permissions(path, permissions)
    }

    fn watch(&self, path: &Path, changed: Changed) -> io::Result<Watch> {
        super::watch::watch(path, changed)
    }

    fn working_folder(&self) -> io::Result<PathBuf> {
        std::env::current_dir()
    }

    fn set_working_folder(&self, path: &Path) -> io::Result<()> {
        std::env::set_current_dir(path)
    }
}

/// Something that cannot be replaced, only written to.
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

/// The error of who takes a folder for a file.
fn is_a_folder() -> io::Error {
    const EISDIR: i32 = 21;
    if cfg!(unix) {
        io::Error::from_raw_os_error(EISDIR)
    } else {
        io::ErrorKind::IsADirectory.into()
    }
}

/// The error of who names a file that is not there.
fn is_missing() -> io::Error {
    const ENOENT: i32 = 2;
    io::Error::from_raw_os_error(ENOENT)
}

/// A time in seconds since 1970.
fn system_time(seconds: f64) -> io::Result<SystemTime> {
    let distance = Duration::try_from_secs_f64(seconds.abs()).ok();
    let time = distance.and_then(|distance| match seconds < 0.0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    });
    time.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "time out of range"))
}

#[cfg(unix)]
fn convert(metadata: &fs::Metadata) -> Metadata {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let of = metadata.file_type();
    let kind = match () {
        () if of.is_file() => FileKind::File,
        () if of.is_dir() => FileKind::Folder,
        () if of.is_symlink() => FileKind::Link,
        () if of.is_socket() => FileKind::Socket,
        () if of.is_fifo() => FileKind::Pipe,
        () if of.is_char_device() => FileKind::CharacterDevice,
        () if of.is_block_device() => FileKind::BlockDevice,
        () => FileKind::Other,
    };
    let time = |seconds: i64, nanoseconds: i64| seconds as f64 + nanoseconds as f64 / 1e9;
    Metadata {
        kind,
        size: metadata.len(),
        permissions: metadata.mode() & 0o7777,
        modified: time(metadata.mtime(), metadata.mtime_nsec()),
        accessed: time(metadata.atime(), metadata.atime_nsec()),
        changed: time(metadata.ctime(), metadata.ctime_nsec()),
        device: metadata.dev(),
        inode: metadata.ino(),
        links: metadata.nlink(),
        user: metadata.uid(),
        group: metadata.gid(),
        special_device: metadata.rdev(),
        blocks: metadata.blocks(),
        block_size: metadata.blksize(),
    }
}

#[cfg(not(unix))]
fn convert(metadata: &fs::Metadata) -> Metadata {
    let of = metadata.file_type();
    let kind = match () {
        () if of.is_file() => FileKind::File,
        () if of.is_dir() => FileKind::Folder,
        () if of.is_symlink() => FileKind::Link,
        () => FileKind::Other,
    };
    let seconds =
        |time: io::Result<SystemTime>| match time.map(|time| time.duration_since(UNIX_EPOCH)) {
            Ok(Ok(after)) => after.as_secs_f64(),
            Ok(Err(before)) => -before.duration().as_secs_f64(),
            Err(_) => 0.0,
        };
    let writable = if metadata.permissions().readonly() { 0o555 } else { 0o777 };
    let modified = seconds(metadata.modified());
    Metadata {
        kind,
        size: metadata.len(),
        permissions: writable & if of.is_dir() { 0o777 } else { 0o666 },
        modified,
        accessed: seconds(metadata.accessed()),
        changed: modified,
        device: 0,
        inode: 0,
        links: 1,
        user: 0,
        group: 0,
        special_device: 0,
        blocks: 0,
        block_size: 0,
    }
}
