//! The local file system.

use super::file_system::{
    Changed, FileKind, FileSystem, Metadata, Names, Replacement, Source, Watch,
};
use super::stream::{Deferred, OpenBase, OpenMode, OpenStream};
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The local file system, with all rights of the process.
pub(super) struct Disk;

impl FileSystem for Disk {
    fn check_socket(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn metadata(&self, path: &Path, follow: bool) -> io::Result<Metadata> {
        #[cfg(unix)]
        {
            let status = if follow { rustix::fs::stat(path) } else { rustix::fs::lstat(path) };
            Ok(metadata_of(&status?))
        }
        #[cfg(not(unix))]
        {
            let metadata = if follow { fs::metadata(path) } else { fs::symlink_metadata(path) };
            metadata.map(|metadata| convert(&metadata))
        }
    }

    fn read_directory(&self, path: &Path) -> io::Result<Names> {
        Ok(Box::new(fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name()))))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>> {
        source_of(File::open(path)?)
    }

    fn open_stream(&self, path: &Path, mode: OpenMode) -> Deferred<io::Result<OpenStream>> {
        match unless_blocking(|| open(path, mode, true)) {
            Ok(Some(file)) => Deferred::Now(Ok(stream_of(file))),
            Ok(None) => {
                let path = path.to_path_buf();
                Deferred::Later(Box::new(move || open(&path, mode, false).map(stream_of)))
            }
            Err(error) => Deferred::Now(Err(error)),
        }
    }

    fn read_now(&self, path: &Path, most: u64) -> Option<io::Result<Vec<u8>>> {
        let opened = unless_blocking(|| open(path, OpenMode::READ, true));
        read_small(opened.transpose()?, most)
    }

    fn check_readable(&self, path: &Path) -> io::Result<()> {
        #[cfg(unix)]
        {
            Ok(rustix::fs::access(path, rustix::fs::Access::READ_OK)?)
        }
        #[cfg(not(unix))]
        {
            File::open(path).map(drop)
        }
    }

    fn temporary_file(&self) -> io::Result<OpenStream> {
        tempfile::tempfile().map(stream_of)
    }

    fn temporary_name(&self) -> io::Result<PathBuf> {
        temporary_name_in(&std::env::temp_dir())
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        Ok(Box::new(OpenOptions::new().append(true).create(true).open(path)?))
    }

    #[cfg(unix)]
    fn replace(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        // The target of a symbolic link is replaced, not the link.
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(error),
            Err(_) => path.to_path_buf(),
        };
        let Some(name) = path.file_name() else {
            return Err(if path.is_dir() { is_a_directory() } else { is_missing() });
        };
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        // A handle stays valid when the working directory changes.
        let directory = File::open(directory.unwrap_or(Path::new(".")))?;
        super::replacement::replace_in(directory.into(), name, permissions)
    }

    #[cfg(not(unix))]
    fn replace(&self, path: &Path, _: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if path.is_dir() {
            return Err(is_a_directory());
        }
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        let directory = fs::canonicalize(directory.unwrap_or(Path::new(".")))?;
        let name = path.file_name().ok_or_else(is_missing)?;
        let file = tempfile::Builder::new().prefix(".solvm-").tempfile_in(&directory)?;
        Ok(Box::new(SiblingFile { file, path: directory.join(name) }))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let is_directory = fs::symlink_metadata(path)?.is_dir();
        if is_directory { fs::remove_dir(path) } else { fs::remove_file(path) }
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
            let of_directory =
                path.parent().is_some_and(|directory| directory.join(target).is_dir());
            if of_directory {
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
        // On Windows a handle for writing is needed to set times; elsewhere any handle of the owner
        // will do.
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

    fn working_directory(&self) -> io::Result<PathBuf> {
        std::env::current_dir()
    }

    fn set_working_directory(&self, path: &Path) -> io::Result<()> {
        std::env::set_current_dir(path)
    }
}

/// A file that is written in the directory of its target.
#[cfg(not(unix))]
struct SiblingFile {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

#[cfg(not(unix))]
impl Write for SiblingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

#[cfg(not(unix))]
impl Replacement for SiblingFile {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

/// Opens a file; if `now`, without waiting for the peer of a pipe.
fn open(path: &Path, mode: OpenMode, now: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(mode.reads());
    match mode.base {
        OpenBase::Read => options.write(mode.update),
        OpenBase::Write => options.write(true).create(true).truncate(true),
        OpenBase::Append => options.append(true).create(true),
    };
    #[cfg(unix)]
    if now {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    #[cfg(not(unix))]
    let _ = now;
    options.open(path)
}

/// Opens a file or a directory without blocking. None for pipes, devices and sockets, which may
/// block later.
pub(super) fn unless_blocking(open: impl FnOnce() -> io::Result<File>) -> io::Result<Option<File>> {
    match open() {
        Ok(file) => {
            let metadata = file.metadata()?;
            Ok((metadata.is_file() || metadata.is_dir()).then_some(file))
        }
        // A pipe without a reader.
        #[cfg(unix)]
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Returns the contents of a file of at most `most` bytes: see [`FileSystem::read_now`].
pub(super) fn read_small(file: io::Result<File>, most: u64) -> Option<io::Result<Vec<u8>>> {
    let read = |file: File| {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(is_a_directory());
        }
        if metadata.len() > most {
            return Ok(None);
        }
        let mut contents = Vec::with_capacity(metadata.len() as usize + 1);
        file.take(most + 1).read_to_end(&mut contents)?;
        Ok((contents.len() as u64 <= most).then_some(contents))
    };
    file.and_then(read).transpose()
}

/// Wraps an open file for the libraries.
pub(super) fn stream_of(file: File) -> OpenStream {
    // Reading a directory fails at once.
    let waits = file.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir());
    let is_terminal = io::IsTerminal::is_terminal(&file);
    OpenStream { stream: Box::new(file), waits, is_terminal }
}

/// Returns an open file as a source; an error for a directory.
pub(super) fn source_of(file: File) -> io::Result<Box<dyn Source>> {
    if file.metadata()?.is_dir() { Err(is_a_directory()) } else { Ok(Box::new(file)) }
}

/// Creates an empty file in a directory and returns its path.
pub(super) fn temporary_name_in(directory: &Path) -> io::Result<PathBuf> {
    let file = tempfile::Builder::new().prefix("lua_").tempfile_in(directory)?;
    Ok(file.into_temp_path().keep()?)
}

/// Converts seconds since 1970 for system calls.
#[cfg(unix)]
pub(super) fn timespec(seconds: f64) -> io::Result<rustix::fs::Timespec> {
    let whole = seconds.floor();
    let fits = whole.is_finite() && whole.abs() < 1e15;
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "time out of range");
    if !fits {
        return Err(invalid());
    }
    Ok(rustix::fs::Timespec { tv_sec: whole as i64, tv_nsec: ((seconds - whole) * 1e9) as _ })
}

/// The error for a directory in the place of a file.
fn is_a_directory() -> io::Error {
    const EISDIR: i32 = 21;
    if cfg!(unix) {
        io::Error::from_raw_os_error(EISDIR)
    } else {
        io::ErrorKind::IsADirectory.into()
    }
}

/// The error for a missing file.
fn is_missing() -> io::Error {
    const ENOENT: i32 = 2;
    io::Error::from_raw_os_error(ENOENT)
}

/// Converts seconds since 1970.
fn system_time(seconds: f64) -> io::Result<SystemTime> {
    let distance = Duration::try_from_secs_f64(seconds.abs()).ok();
    let time = distance.and_then(|distance| match seconds < 0.0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    });
    time.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "time out of range"))
}

/// Converts the result of `stat`.
#[cfg(unix)]
#[allow(clippy::unnecessary_cast, reason = "the types of the fields differ between systems")]
pub(super) fn metadata_of(status: &rustix::fs::Stat) -> Metadata {
    use rustix::fs::FileType;
    let kind = match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Link,
        FileType::Socket => FileKind::Socket,
        FileType::Fifo => FileKind::Pipe,
        FileType::CharacterDevice => FileKind::CharacterDevice,
        FileType::BlockDevice => FileKind::BlockDevice,
        FileType::Unknown => FileKind::Other,
    };
    let time = |seconds, nanoseconds| seconds as f64 + nanoseconds as f64 / 1e9;
    Metadata {
        kind,
        size: status.st_size as u64,
        permissions: status.st_mode as u32 & 0o7777,
        modified: time(status.st_mtime, status.st_mtime_nsec),
        accessed: time(status.st_atime, status.st_atime_nsec),
        changed: time(status.st_ctime, status.st_ctime_nsec),
        device: status.st_dev as u64,
        inode: status.st_ino as u64,
        links: status.st_nlink as u64,
        user: status.st_uid,
        group: status.st_gid,
        special_device: status.st_rdev as u64,
        blocks: status.st_blocks as u64,
        block_size: status.st_blksize as u64,
    }
}

#[cfg(not(unix))]
fn convert(metadata: &fs::Metadata) -> Metadata {
    let of = metadata.file_type();
    let kind = match () {
        () if of.is_file() => FileKind::File,
        () if of.is_dir() => FileKind::Directory,
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
