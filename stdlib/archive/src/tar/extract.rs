//! Extracts an archive into a directory, and nowhere else.
//!
//! Nothing is written through a symbolic link, whether from the archive or already present: each
//! directory on the way to a file is checked. Links may only point inside the target directory. A
//! file is written under a temporary name and renamed, so other hard links to a file that it
//! replaces keep their contents.

use super::read::{Limited, Reader, invalid_archive};
use solvm_files::create_directories;
use solvm_runtime::host::{FileKind, FileSystem, Progress};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use tar::{Entry, EntryType};

/// The default for the maximum total size of extracted files.
pub(super) const MAX_SIZE: u64 = 4 << 30;

/// The target directory.
struct Target<'f> {
    files: &'f dyn FileSystem,
    directory: PathBuf,
    max_size: u64,
    /// The number of bytes that may still be written.
    left: u64,
    /// Directories with the permissions and times that they get after their contents.
    directories: Vec<(PathBuf, u32, f64)>,
}

/// Extracts an archive.
pub(super) fn extract(
    files: &dyn FileSystem,
    archive: &Path,
    directory: &Path,
    max_size: u64,
    progress: &Progress,
) -> io::Result<()> {
    let reader = Reader::open(files, archive, progress)?;
    create_directories(files, directory)?;
    // The target itself may be reached through links; paths inside it may not.
    let directory = files.canonical(directory)?;
    let mut target = Target { files, directory, max_size, left: max_size, directories: Vec::new() };
    reader.each(|entry| target.unpack(entry))?;
    for (path, permissions, modified) in target.directories.iter().rev() {
        files.set_times(path, *modified, *modified)?;
        files.set_permissions(path, *permissions)?;
    }
    Ok(())
}

impl Target<'_> {
    fn unpack(&mut self, entry: &mut Entry<Limited>) -> io::Result<()> {
        let name = entry.path()?.into_owned();
        let parts = inside(&name).ok_or_else(|| outside(&name))?;
        // The permissions of the file's owner, without setuid and similar bits.
        let permissions = entry.header().mode().map_err(invalid_archive)? & 0o777;
        let modified = entry.header().mtime().map_err(invalid_archive)? as f64;
        let kind = entry.header().entry_type();
        if parts.as_os_str().is_empty() {
            // "./": the target directory.
            return Ok(());
        }
        let path = self.prepare(&parts)?;
        match kind {
            EntryType::Directory => {
                self.make_directory(&path)?;
                self.directories.push((path, permissions, modified));
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                self.write(&path, entry, permissions).map_err(|error| about(&name, error))?;
                self.files.set_times(&path, modified, modified)?;
                self.files.set_permissions(&path, permissions)?;
            }
            EntryType::Symlink => {
                let target = entry.link_name()?.ok_or_else(|| broken(&name))?.into_owned();
                if !stays_inside(&parts, &target) {
                    return Err(outside(&name));
                }
                self.clear(&path)?;
                self.files.link(&target, &path, true).map_err(|error| about(&name, error))?;
            }
            EntryType::Link => {
                let target = entry.link_name()?.ok_or_else(|| broken(&name))?.into_owned();
                let target = inside(&target).ok_or_else(|| outside(&name))?;
                let target = self.prepare(&target)?;
                let existing =
                    self.files.metadata(&target, false).map_err(|error| about(&name, error))?;
                if existing.kind != FileKind::File {
                    return Err(outside(&name));
                }
                if target != path {
                    self.clear(&path)?;
                    self.files.link(&target, &path, false).map_err(|error| about(&name, error))?;
                }
            }
            _ => {
                let text = format!("'{}': devices and pipes are not extracted", name.display());
                return Err(io::Error::new(io::ErrorKind::Unsupported, text));
            }
        }
        Ok(())
    }

    /// Returns the path of an entry after creating its parent directories.
    fn prepare(&self, parts: &Path) -> io::Result<PathBuf> {
        let mut path = self.directory.clone();
        for part in parts.parent().into_iter().flat_map(Path::components) {
            path.push(part);
            self.make_directory(&path)?;
        }
        Ok(self.directory.join(parts))
    }

    /// Creates a directory unless it exists. A link to a directory does not count.
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        match self.files.metadata(path, false) {
            Ok(existing) if existing.is_directory() => Ok(()),
            Ok(_) => {
                let text = format!("'{}' exists and is not a directory", path.display());
                Err(io::Error::new(io::ErrorKind::NotADirectory, text))
            }
            Err(_) => self.files.create_directory(path),
        }
    }

    /// Removes a file or a link that is to be replaced.
    fn clear(&self, path: &Path) -> io::Result<()> {
        match self.files.metadata(path, false) {
            Ok(existing) if !existing.is_directory() => self.files.remove(path),
            _ => Ok(()),
        }
    }

    fn write(
        &mut self,
        path: &Path,
        entry: &mut Entry<Limited>,
        permissions: u32,
    ) -> io::Result<()> {
        let existing = self.files.metadata(path, false).ok();
        if existing.is_some_and(|existing| existing.kind != FileKind::File) {
            // The target of a link would be replaced, and a pipe written to.
            self.clear(path)?;
        }
        let mut file = self.files.replace(path, Some(permissions))?;
        let mut buffer = vec![0; 1 << 16];
        let mut missing = entry.size();
        loop {
            let count = entry.read(&mut buffer)?;
            if count == 0 && missing > 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "unexpected end of archive",
                ));
            }
            if count == 0 {
                return file.finish();
            }
            missing = missing.saturating_sub(count as u64);
            self.left =
                self.left.checked_sub(count as u64).ok_or_else(|| too_large(self.max_size))?;
            file.write_all(buffer.get(..count).unwrap_or_default())?;
        }
    }
}

/// Normalizes a path. None if it is absolute or leads out.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}

/// Whether the target of a symbolic link is inside the directory. `..` is only allowed at its
/// start: after another link it would lead elsewhere.
fn stays_inside(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().count().saturating_sub(1);
    let mut has_begun = false;
    for part in target.components() {
        match part {
            Component::Normal(_) => has_begun = true,
            Component::CurDir => {}
            Component::ParentDir if !has_begun && depth > 0 => depth = depth.saturating_sub(1),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    !target.as_os_str().is_empty()
}

fn outside(name: &Path) -> io::Error {
    let text = format!("'{}' is outside the target directory", name.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn broken(name: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("'{}' is a link without a target", name.display()),
    )
}

fn too_large(limit: u64) -> io::Error {
    let text = format!("archive contents exceed {limit} bytes (option max_size)");
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

/// Adds the name of the entry to an error.
fn about(name: &Path, error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{}: {}", name.display(), solvm_runtime::system_error::reason(&error)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_inside() {
        for (link, target, stays) in [
            ("a", "b", true),
            ("a", "b/c", true),
            ("a", "./b", true),
            ("a", "../b", false),
            ("x/a", "../b", true),
            ("x/a", "../../b", false),
            ("x/y/a", "../../b", true),
            ("x/a", "b/../../c", false),
            ("x/a", "b/../c", false),
            ("a", "/etc/passwd", false),
            ("a", "", false),
            ("a", "..", false),
        ] {
            assert_eq!(
                stays_inside(Path::new(link), Path::new(target)),
                stays,
                "{link} -> {target}"
            );
        }
    }
}
