//! A change of a project's files: everything or nothing.
//!
//! All new files are first written to a directory next to their places, then renamed. **Invariant
//! (ALL OR NOTHING)**: if a step fails, what was done is undone in reverse order. A process that is
//! killed in between leaves files that the next installation takes over or replaces, since the
//! record and the lock file are renamed last.

use crate::installed::is_missing;
use crate::project::about;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The prefix of the temporary directory.
const STAGING: &str = ".staging-";

/// A change of a file.
struct Change {
    path: PathBuf,
    /// None if the file is removed.
    contents: Option<Vec<u8>>,
    is_program: bool,
}

/// Changes, in the order in which they are made.
pub(crate) struct Transaction {
    /// The directory that belongs to the packages; temporary files are in it.
    directory: PathBuf,
    changes: Vec<Change>,
}

/// A step that can be undone.
enum Step {
    Made(PathBuf),
    Renamed { from: PathBuf, to: PathBuf },
}

impl Transaction {
    /// A change of a directory, and of files outside it.
    pub(crate) fn new(directory: &Path) -> Transaction {
        Transaction { directory: directory.into(), changes: Vec::new() }
    }

    /// Writes a file.
    pub(crate) fn write(&mut self, path: PathBuf, contents: Vec<u8>) {
        self.changes.push(Change { path, contents: Some(contents), is_program: false });
    }

    /// Writes a file that can be executed.
    pub(crate) fn write_program(&mut self, path: PathBuf, contents: Vec<u8>) {
        self.changes.push(Change { path, contents: Some(contents), is_program: true });
    }

    /// Removes a file, if it exists.
    pub(crate) fn remove(&mut self, path: PathBuf) {
        self.changes.push(Change { path, contents: None, is_program: false });
    }

    /// Makes all changes, or none.
    ///
    /// # Errors
    /// The message, if that fails; then nothing has changed.
    pub(crate) fn commit(self) -> Result<(), String> {
        let mut done = Vec::new();
        let result = self.make(&mut done);
        if result.is_err() {
            undo(done);
        }
        result?;
        self.remove_empty_directories();
        Ok(())
    }

    fn make(&self, done: &mut Vec<Step>) -> Result<(), String> {
        make_directories(&self.directory, done)?;
        remove_leftovers(&self.directory);
        let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(&self.directory);
        let staging = staging.map_err(|error| about(&self.directory, &error))?;
        let before = done.len();
        let result = self.make_in(staging.path(), done);
        if result.is_err() {
            // The old files are in the temporary directory.
            undo(done.split_off(before));
        }
        result
    }

    fn make_in(&self, staging: &Path, done: &mut Vec<Step>) -> Result<(), String> {
        let new = |index: usize| staging.join(format!("new-{index}"));
        for (index, change) in self.changes.iter().enumerate() {
            if let Some(contents) = &change.contents {
                let path = new(index);
                write_new(&path, contents, change).map_err(|error| about(&path, &error))?;
            }
        }
        for (index, change) in self.changes.iter().enumerate() {
            let path = &change.path;
            if let Some(directory) = path.parent() {
                match &change.contents {
                    Some(_) => make_directories(directory, done)?,
                    None => check_directories(directory, &self.directory)?,
                }
            }
            match fs::symlink_metadata(path) {
                Ok(metadata) if metadata.is_dir() => {
                    return Err(format!("{} is a directory", path.display()));
                }
                Ok(_) => rename(path, &staging.join(format!("old-{index}")), done)?,
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(about(path, &error)),
            }
            if change.contents.is_some() {
                rename(&new(index), path, done)?;
            }
        }
        Ok(())
    }

    /// Removes directories in which nothing is left.
    fn remove_empty_directories(&self) {
        for change in self.changes.iter().filter(|change| change.contents.is_none()) {
            let above = change.path.ancestors().skip(1);
            for directory in above.take_while(|above| above.starts_with(&self.directory)) {
                if fs::remove_dir(directory).is_err() {
                    break;
                }
            }
        }
    }
}

/// Writes a new file with the permissions that it gets.
fn write_new(path: &Path, contents: &[u8], change: &Change) -> io::Result<()> {
    fs::write(path, contents)?;
    let old = fs::metadata(&change.path).map(|old| old.permissions());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match old {
            Ok(old) => old.mode(),
            // Others may not write code that the user runs, whatever the umask.
            Err(_) => fs::metadata(path)?.permissions().mode() & !0o022,
        };
        // Who may read a program may run it.
        let mode = if change.is_program { mode | (mode & 0o444) >> 2 } else { mode };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    old.map_or(Ok(()), |old| fs::set_permissions(path, old))
}

fn rename(from: &Path, to: &Path, done: &mut Vec<Step>) -> Result<(), String> {
    fs::rename(from, to).map_err(|error| about(from, &error))?;
    done.push(Step::Renamed { from: from.into(), to: to.into() });
    Ok(())
}

/// Undoes steps, the last first. There is nothing left to do about a failure.
fn undo(done: Vec<Step>) {
    for step in done.into_iter().rev() {
        let _ = match step {
            Step::Made(directory) => fs::remove_dir(directory),
            Step::Renamed { from, to } => fs::rename(to, from),
        };
    }
}

/// Checks that a directory and those above it are not links, up to `root`.
fn check_directories(directory: &Path, root: &Path) -> Result<(), String> {
    for above in directory.ancestors().take_while(|above| above.starts_with(root)) {
        if above.is_symlink() {
            return Err(format!("{} is not a directory", above.display()));
        }
    }
    Ok(())
}

/// Makes a directory and those above it. None may be a link: it would lead elsewhere.
fn make_directories(directory: &Path, done: &mut Vec<Step>) -> Result<(), String> {
    match fs::symlink_metadata(directory) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(format!("{} is not a directory", directory.display())),
        Err(error) if is_missing(&error) => {
            if let Some(above) = directory.parent() {
                make_directories(above, done)?;
            }
            fs::create_dir(directory).map_err(|error| about(directory, &error))?;
            done.push(Step::Made(directory.into()));
            Ok(())
        }
        Err(error) => Err(about(directory, &error)),
    }
}

/// Removes what a process that was killed has left.
fn remove_leftovers(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => {
                    all.insert(path.clone(), b"directory".to_vec());
                    all.append(&mut contents(&path));
                }
                false => drop(all.insert(path.clone(), fs::read(path).unwrap())),
            }
        }
        all
    }

    #[test]
    fn a_failure_changes_nothing() {
        let project = tempfile::tempdir().unwrap();
        let (root, modules) = (project.path(), project.path().join("lua_modules"));
        fs::create_dir_all(modules.join("share/taken")).unwrap();
        fs::write(modules.join("share/old.lua"), "old").unwrap();
        fs::write(root.join("solvm.toml"), "# mine").unwrap();
        let before = contents(root);
        let mut transaction = Transaction::new(&modules);
        transaction.remove(modules.join("share/old.lua"));
        transaction.write(modules.join("share/new/a.lua"), b"new".to_vec());
        transaction.write(root.join("solvm.toml"), b"changed".to_vec());
        transaction.write(modules.join("share/taken"), b"a directory is here".to_vec());
        assert!(transaction.commit().unwrap_err().ends_with("taken is a directory"));
        assert_eq!(contents(root), before);
    }

    #[test]
    fn nothing_is_left_where_nothing_was() {
        let project = tempfile::tempdir().unwrap();
        let modules = project.path().join("lua_modules");
        let mut transaction = Transaction::new(&modules);
        transaction.write(modules.join("share/a.lua"), b"a".to_vec());
        transaction.write(modules.join("share/a.lua/b.lua"), b"b".to_vec());
        assert!(transaction.commit().is_err());
        assert_eq!(contents(project.path()), BTreeMap::new());
        let mut transaction = Transaction::new(&modules);
        transaction.write(modules.join("share/a.lua"), b"a".to_vec());
        transaction.commit().unwrap();
        let mut transaction = Transaction::new(&modules);
        transaction.remove(modules.join("share/a.lua"));
        transaction.commit().unwrap();
        assert_eq!(contents(project.path()), BTreeMap::new());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let (project, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let modules = project.path().join("lua_modules");
        fs::create_dir(&modules).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), modules.join("share")).unwrap();
        let mut transaction = Transaction::new(&modules);
        transaction.write(modules.join("share/a.lua"), b"a".to_vec());
        assert!(transaction.commit().unwrap_err().ends_with("share is not a directory"));
        assert!(contents(elsewhere.path()).is_empty());
    }
}
