//! Creates archives.

use super::read::MAX_ENTRIES;
use flate2::Compression;
use flate2::write::GzEncoder;
use solvm_files::{path_bytes, sorted_names};
use solvm_runtime::host::{Bar, FileKind, FileSystem, Metadata, Progress};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use tar::{Builder, EntryType, Header};

/// The files to pack.
pub(super) enum Sources {
    /// The contents of this directory, or this file under its own name.
    One(PathBuf),
    /// These files and directories, under their paths.
    Several(Vec<PathBuf>),
}

/// A file to pack: its path, and its name in the archive.
struct Item {
    path: PathBuf,
    name: PathBuf,
    metadata: Metadata,
}

/// Packs files into an archive, atomically.
pub(super) fn create(
    files: &dyn FileSystem,
    archive: &Path,
    sources: &Sources,
    compress: bool,
    progress: &Progress,
) -> io::Result<()> {
    // The archive may be inside a packed directory, so the files are collected before it is
    // created.
    let existing = files.canonical(archive).ok();
    let mut items = Vec::new();
    match sources {
        Sources::One(path) => {
            let metadata = files.metadata(path, true).map_err(|error| of(path, error))?;
            let is_directory = metadata.is_directory();
            let name = if is_directory {
                PathBuf::new()
            } else {
                path.file_name().unwrap_or_default().into()
            };
            find(
                files,
                Item { path: path.clone(), name, metadata },
                existing.as_deref(),
                &mut items,
            )?;
        }
        Sources::Several(paths) => {
            for path in paths {
                let metadata = files.metadata(path, false).map_err(|error| of(path, error))?;
                let name = name_of(path).ok_or_else(|| {
                    io::Error::new(
                        io::ErrorKind::InvalidInput,
                        format!("{}: path must not contain '..'", path.display()),
                    )
                })?;
                find(
                    files,
                    Item { path: path.clone(), name, metadata },
                    existing.as_deref(),
                    &mut items,
                )?;
            }
        }
    }
    let sizes = items
        .iter()
        .filter(|item| item.metadata.kind == FileKind::File)
        .map(|item| item.metadata.size);
    let size = sizes.fold(0, u64::saturating_add);
    let bar = progress.begin_transfer(&archive.to_string_lossy(), Some(size));
    let mut replacement = files.replace(archive, None)?;
    if compress {
        let encoder = GzEncoder::new(BufWriter::new(&mut replacement), Compression::default());
        pack(files, &items, &bar, encoder)?.finish()?.flush()?;
    } else {
        pack(files, &items, &bar, BufWriter::new(&mut replacement))?.flush()?;
    }
    replacement.finish()
}

/// Returns the name of a path in an archive: relative, without dots. None if it leads out.
fn name_of(path: &Path) -> Option<PathBuf> {
    let mut name = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => name.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            Component::ParentDir => return None,
        }
    }
    Some(name)
}

/// Adds a file, or a directory and its contents, except the archive itself.
fn find(
    files: &dyn FileSystem,
    item: Item,
    archive: Option<&Path>,
    items: &mut Vec<Item>,
) -> io::Result<()> {
    let mut stack = vec![item];
    while let Some(item) = stack.pop() {
        if archive.is_some() && files.canonical(&item.path).ok().as_deref() == archive {
            continue;
        }
        if item.metadata.is_directory() {
            for name in sorted_names(files, &item.path)
                .map_err(|error| of(&item.path, error))?
                .into_iter()
                .rev()
            {
                let path = item.path.join(&name);
                // Files removed in the meantime are skipped.
                let Ok(metadata) = files.metadata(&path, false) else { continue };
                stack.push(Item { path, name: item.name.join(name), metadata });
            }
        }
        // A directory has no entry if only its contents are packed.
        if !item.name.as_os_str().is_empty() {
            items.push(item);
        }
        if items.len().saturating_add(stack.len()) > MAX_ENTRIES {
            return Err(io::Error::other(format!("more than {MAX_ENTRIES} files to pack")));
        }
    }
    Ok(())
}

fn pack<W: Write>(
    files: &dyn FileSystem,
    items: &[Item],
    bar: &Arc<Bar>,
    output: W,
) -> io::Result<W> {
    let mut builder = Builder::new(output);
    for item in items {
        let mut header = Header::new_gnu();
        header.set_mode(item.metadata.permissions);
        header.set_mtime(item.metadata.modified.max(0.0) as u64);
        header.set_uid(item.metadata.user.into());
        header.set_gid(item.metadata.group.into());
        match item.metadata.kind {
            FileKind::File => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(item.metadata.size);
                let source = files.open(&item.path).map_err(|error| of(&item.path, error))?;
                let mut contents = bar.count(Exactly { source, left: item.metadata.size });
                builder
                    .append_data(&mut header, &item.name, &mut contents)
                    .map_err(|error| of(&item.path, error))?;
            }
            FileKind::Directory => {
                header.set_entry_type(EntryType::Directory);
                header.set_size(0);
                // A directory's name ends with a slash.
                builder.append_data(&mut header, item.name.join(""), io::empty())?;
            }
            FileKind::Link => {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                let target = files.read_link(&item.path).map_err(|error| of(&item.path, error))?;
                builder.append_link(&mut header, &item.name, target)?;
            }
            _ => {
                return Err(io::Error::other(format!(
                    "{}: not a regular file or directory",
                    item.path.display()
                )));
            }
        }
    }
    builder.into_inner()
}

/// A reader of exactly as many bytes as the header specifies.
struct Exactly<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.source.read(buffer.get_mut(..room).unwrap_or_default())?;
        if count == 0 && room > 0 {
            return Err(io::Error::other("file shrank while it was read"));
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

/// Adds the path to an error.
fn of(path: &Path, error: io::Error) -> io::Error {
    let text =
        [&path_bytes(path)[..], b": ", solvm_runtime::system_error::reason(&error).as_bytes()]
            .concat();
    io::Error::new(error.kind(), String::from_utf8_lossy(&text).into_owned())
}
