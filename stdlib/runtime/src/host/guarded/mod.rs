//! The local file system, restricted by permissions.
//!
//! **Invariant (JUDGED IS OPENED)**: a path is resolved to one without links, checked, and used
//! through a handle of its directory without following a link ([`Entry`]). A link that is created
//! after the check makes the operation fail; it is never followed.
//!
//! **Invariant (NOTHING IS REVEALED)**: a denial does not depend on what exists. Intermediate
//! results of resolving a path are only revealed where the result may be used, and `..` only leaves
//! directories that are known to exist anyway ([`Permissions::is_visible`]).

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "other.rs")]
mod entry;

use super::file_system::{Changed, FileSystem, Metadata, Names, Replacement, Source, Watch};
use super::permissions::{Act, Area, Permissions, Verdict};
use super::stream::{Deferred, OpenMode, OpenStream};
use entry::Entry;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Maximum number of links in a path, as on Linux.
const MAX_LINKS: usize = 40;
/// The extension of files that may be executed.
const CODE: &str = "lua";

/// The local files with permissions.
#[derive(Clone)]
pub(super) struct Guarded {
    permissions: Arc<Permissions>,
    /// Lua files in this directory tree may also be read, for execution.
    code: Option<PathBuf>,
}

/// How a link at the end of a path is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Follow,
    Keep,
}

impl Guarded {
    pub(super) fn new(permissions: Arc<Permissions>) -> Guarded {
        Guarded { permissions, code: None }
    }

    /// Returns the same files, and those that may be executed since they belong to a script in this
    /// directory.
    pub(super) fn with_code(permissions: Arc<Permissions>, code: Option<PathBuf>) -> Guarded {
        Guarded { permissions, code }
    }

    /// Returns the entry at a path if it may be used for all of these purposes.
    fn entry(&self, path: &Path, areas: &[Area], last: Last) -> io::Result<Entry> {
        let real = self.real(path, areas, last)?;
        Entry::open(&real).map_err(|error| self.as_denial(error, path, areas))
    }

    /// Returns the path without links if it may be used for all of these purposes.
    fn real(&self, path: &Path, areas: &[Area], last: Last) -> io::Result<PathBuf> {
        let resolved = self.resolve(path, last);
        for &area in areas {
            let verdict = match &resolved {
                Some(real) if area == Area::Read && self.is_code(real) => Verdict::Allowed,
                Some(real) => self.permissions.judge_path(area, real),
                None => Verdict::NotAllowed,
            };
            if verdict != Verdict::Allowed {
                return Err(self.refuse(path, area, verdict == Verdict::Denied));
            }
        }
        resolved.ok_or_else(|| self.refuse(path, Area::Read, false))
    }

    fn refuse(&self, path: &Path, area: Area, is_denied: bool) -> io::Error {
        let act = if area == Area::Write { Act::Write } else { Act::Read };
        self.permissions.refuse_path(act, path, area, is_denied)
    }

    /// Whether a file may be executed although it may not be read.
    fn is_code(&self, real: &Path) -> bool {
        let is_lua = real.extension().is_some_and(|extension| extension == CODE);
        is_lua
            && self.code.as_deref().is_some_and(|code| real.starts_with(code))
            && self.permissions.judge_path(Area::Read, real) != Verdict::Denied
    }

    /// Converts the error for a link that was created after the check: the path is no longer the
    /// one that was checked.
    fn as_denial(&self, error: io::Error, path: &Path, areas: &[Area]) -> io::Error {
        match areas.first() {
            Some(&area) if entry::is_symlink_error(&error) => self.refuse(path, area, false),
            _ => error,
        }
    }

    /// Returns the path without links and dots. Missing parts are kept unchanged. None if resolving
    /// it would reveal what exists where nothing may be used.
    fn resolve(&self, path: &Path, last: Last) -> Option<PathBuf> {
        let here = std::env::current_dir().ok()?;
        let mut left = Vec::new();
        let mut done = PathBuf::new();
        push(&mut left, path);
        if !path.is_absolute() {
            push(&mut left, &here);
        }
        let (mut links, mut is_missing) = (0, false);
        while let Some(part) = left.pop() {
            match part {
                Part::Root(root) => done = root,
                Part::Parent => {
                    // The directory must exist, and the program must be allowed to know it.
                    if is_missing || !self.is_known(&done, &here) {
                        return None;
                    }
                    done.pop();
                }
                Part::Name(name) => {
                    done.push(name);
                    if is_missing || last == Last::Keep && left.is_empty() {
                        continue;
                    }
                    match std::fs::read_link(&done) {
                        Ok(_) if links == MAX_LINKS => return None,
                        Ok(target) => {
                            links += 1;
                            done.pop();
                            push(&mut left, &target);
                        }
                        Err(_) => is_missing = std::fs::symlink_metadata(&done).is_err(),
                    }
                }
            }
        }
        Some(done)
    }

    /// Whether the program may know that a directory exists.
    fn is_known(&self, path: &Path, here: &Path) -> bool {
        here.starts_with(path)
            || self.code.as_deref().is_some_and(|code| code.starts_with(path))
            || self.permissions.is_visible(path)
    }

    /// Opens a file; waits if it is a pipe without a peer.
    fn open_waiting(&self, path: &Path, mode: OpenMode) -> io::Result<OpenStream> {
        let areas = areas_of(mode);
        let entry = self.entry(path, areas, Last::Follow)?;
        let file = entry.open_file(mode, false);
        file.map(super::disk::stream_of).map_err(|error| self.as_denial(error, path, areas))
    }

    /// Runs an operation on an entry.
    fn with<T>(
        &self,
        path: &Path,
        areas: &[Area],
        last: Last,
        work: impl FnOnce(&Entry) -> io::Result<T>,
    ) -> io::Result<T> {
        let entry = self.entry(path, areas, last)?;
        work(&entry).map_err(|error| self.as_denial(error, path, areas))
    }

    /// Whether the contents of a directory may be moved with it.
    fn check_below(&self, path: &Path, real: &Path) -> io::Result<()> {
        match self.permissions.denies_below(real) {
            true => Err(self.refuse(path, Area::Write, true)),
            false => Ok(()),
        }
    }
}

/// A part of a path that is not yet resolved.
enum Part {
    Root(PathBuf),
    Parent,
    Name(OsString),
}

/// Adds the parts of a path before the remaining ones.
fn push(left: &mut Vec<Part>, path: &Path) {
    let mut root = PathBuf::new();
    for component in path.components().rev() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => left.push(Part::Parent),
            Component::Normal(name) => left.push(Part::Name(name.into())),
            Component::RootDir | Component::Prefix(_) => {
                root = Path::new(component.as_os_str()).join(root);
            }
        }
    }
    if !root.as_os_str().is_empty() {
        left.push(Part::Root(root));
    }
}

fn areas_of(mode: OpenMode) -> &'static [Area] {
    match (mode.reads(), mode.writes()) {
        (true, true) => &[Area::Read, Area::Write],
        (true, false) => &[Area::Read],
        _ => &[Area::Write],
    }
}

const READ: &[Area] = &[Area::Read];
const WRITE: &[Area] = &[Area::Write];
const BOTH: &[Area] = &[Area::Read, Area::Write];

impl FileSystem for Guarded {
    /// Denied: a link that is created after the check would be followed.
    fn check_socket(&self, path: &Path) -> io::Result<()> {
        Err(self.refuse(path, Area::Write, false))
    }

    fn metadata(&self, path: &Path, follow: bool) -> io::Result<Metadata> {
        let last = if follow { Last::Follow } else { Last::Keep };
        self.with(path, READ, last, Entry::metadata)
    }

    fn read_directory(&self, path: &Path) -> io::Result<Names> {
        self.with(path, READ, Last::Follow, Entry::names)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>> {
        let file =
            self.with(path, READ, Last::Follow, |entry| entry.open_file(OpenMode::READ, false))?;
        super::disk::source_of(file)
    }

    fn open_stream(&self, path: &Path, mode: OpenMode) -> Deferred<io::Result<OpenStream>> {
        let areas = areas_of(mode);
        let opened = self.with(path, areas, Last::Follow, |entry| {
            super::disk::unless_blocking(|| entry.open_file(mode, true))
        });
        match opened {
            Ok(Some(file)) => Deferred::Now(Ok(super::disk::stream_of(file))),
            Ok(None) => {
                let (files, path) = (self.clone(), path.to_path_buf());
                Deferred::Later(Box::new(move || files.open_waiting(&path, mode)))
            }
            Err(error) => Deferred::Now(Err(error)),
        }
    }

    fn read_now(&self, path: &Path, most: u64) -> Option<io::Result<Vec<u8>>> {
        let opened = self.with(path, READ, Last::Follow, |entry| {
            super::disk::unless_blocking(|| entry.open_file(OpenMode::READ, true))
        });
        super::disk::read_small(opened.transpose()?, most)
    }

    fn check_readable(&self, path: &Path) -> io::Result<()> {
        self.with(path, READ, Last::Follow, Entry::check_readable)
    }

    fn hides_source(&self, path: &Path) -> bool {
        self.code.is_some() && {
            let plain = Guarded { code: None, ..self.clone() };
            plain.resolve(path, Last::Follow).is_none_or(|real| {
                self.permissions.judge_path(Area::Read, &real) != Verdict::Allowed
            })
        }
    }

    fn temporary_file(&self) -> io::Result<OpenStream> {
        let directory = self.real(&std::env::temp_dir(), BOTH, Last::Follow)?;
        tempfile::tempfile_in(directory).map(super::disk::stream_of)
    }

    fn temporary_name(&self) -> io::Result<PathBuf> {
        let directory = self.real(&std::env::temp_dir(), WRITE, Last::Follow)?;
        super::disk::temporary_name_in(&directory)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        let mode = OpenMode { base: super::stream::OpenBase::Append, update: false };
        let file = self.with(path, WRITE, Last::Follow, |entry| entry.open_file(mode, false))?;
        Ok(Box::new(file))
    }

    fn replace(&self, path: &Path, permissions: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        let entry = self.entry(path, WRITE, Last::Follow)?;
        entry.replace(permissions).map_err(|error| self.as_denial(error, path, WRITE))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.with(path, WRITE, Last::Keep, Entry::create_directory)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.with(path, WRITE, Last::Keep, Entry::remove)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        // At its new location it might be readable or writable where it was not before.
        let real = self.real(from, BOTH, Last::Keep)?;
        self.check_below(from, &real)?;
        let target = self.real(to, WRITE, Last::Keep)?;
        self.check_below(to, &target)?;
        let (old, new) = (Entry::open(&real)?, Entry::open(&target)?);
        old.rename(&new)
    }

    fn link(&self, target: &Path, path: &Path, symbolic: bool) -> io::Result<()> {
        let entry = self.entry(path, WRITE, Last::Keep)?;
        if symbolic {
            // The target is checked when the link is followed.
            return entry.make_symbolic_link(target);
        }
        let target = self.entry(target, BOTH, Last::Keep)?;
        target.link(&entry)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.with(path, READ, Last::Keep, Entry::read_link)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let real = self.real(path, READ, Last::Follow)?;
        Entry::open(&real)?.metadata()?;
        Ok(real)
    }

    fn set_times(&self, path: &Path, accessed: f64, modified: f64) -> io::Result<()> {
        self.with(path, WRITE, Last::Follow, |entry| entry.set_times(accessed, modified))
    }

    fn set_permissions(&self, path: &Path, permissions: u32) -> io::Result<()> {
        self.with(path, WRITE, Last::Follow, |entry| entry.set_permissions(permissions))
    }

    fn watch(&self, path: &Path, changed: Changed) -> io::Result<Watch> {
        super::watch::watch(&self.real(path, READ, Last::Follow)?, changed)
    }

    fn working_directory(&self) -> io::Result<PathBuf> {
        self.real(Path::new("."), READ, Last::Follow)
    }

    fn set_working_directory(&self, path: &Path) -> io::Result<()> {
        self.with(path, READ, Last::Follow, Entry::make_working_directory)
    }
}

#[cfg(test)]
mod tests;
