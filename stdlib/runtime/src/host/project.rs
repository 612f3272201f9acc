//! The project that a script belongs to: the directory of its file `solvm.toml`.
//!
//! The file is looked for next to the script; above it only inside a repository, where other users
//! cannot have put it. It must belong to the user or to root, and others may not write to it.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// The name of the project file.
pub const PROJECT_FILE: &str = "solvm.toml";

/// The directory of installed packages, next to the project file.
const MODULES: &str = "lua_modules";

/// The directory of installed scripts in it.
const SCRIPTS: &str = "bin";

/// Finds the project file of a directory.
///
/// # Errors
/// The message, if others can write to the file.
pub fn project_file(directory: &Path) -> Result<Option<PathBuf>, String> {
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_path_buf());
    if let Some(file) = checked(&directory)? {
        return Ok(Some(file));
    }
    let Some(repository) = directory.ancestors().find(|above| above.join(".git").exists()) else {
        return Ok(None);
    };
    for above in directory.ancestors().skip(1).take_while(|above| above.starts_with(repository)) {
        if let Some(file) = checked(above)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// The packages that are installed for a script.
#[derive(Debug, Default)]
pub(super) enum Modules {
    /// There is no script.
    #[default]
    None,
    /// They have not been looked for.
    Unknown {
        script: PathBuf,
        /// Whether only the script's own directory is searched.
        is_confined: bool,
    },
    /// Their directory. The error is the reason why it is ignored.
    Known(Result<Option<PathBuf>, String>),
}

impl Modules {
    /// Returns their directory. It is looked for when it is first needed: most programs never ask.
    pub(super) fn directory(&mut self) -> Result<Option<PathBuf>, String> {
        if let Modules::Unknown { script, is_confined } = self {
            *self = Modules::Known(modules_of(script, *is_confined));
        }
        match self {
            Modules::Known(found) => found.clone(),
            _ => Ok(None),
        }
    }
}

/// Finds the modules of a script: those of its project, or those that it is installed with.
fn modules_of(script: &Path, is_confined: bool) -> Result<Option<PathBuf>, String> {
    let Some(directory) = script.parent() else { return Ok(None) };
    let in_project = |file: PathBuf| Some(file.parent()?.join(MODULES));
    if is_confined {
        return Ok(checked(directory)?.and_then(in_project));
    }
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_path_buf());
    if let Some(modules) = directory.parent()
        && directory.ends_with(SCRIPTS)
        && modules.ends_with(MODULES)
        && let Some(project) = modules.parent()
        && checked(project)?.is_some()
    {
        return Ok(Some(modules.into()));
    }
    Ok(project_file(&directory)?.and_then(in_project))
}

/// Returns the project file in a directory, if there is one.
fn checked(directory: &Path) -> Result<Option<PathBuf>, String> {
    let file = directory.join(PROJECT_FILE);
    match fs::metadata(&file) {
        Ok(metadata) if !metadata.is_file() => Ok(None),
        Ok(metadata) if is_safe(&metadata) => Ok(Some(file)),
        Ok(_) => {
            Err(format!("{} is ignored: other users can write to it (chmod go-w)", file.display()))
        }
        Err(_) => Ok(None),
    }
}

#[cfg(unix)]
fn is_safe(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    const OTHERS_WRITE: u32 = 0o022;
    let user = rustix::process::geteuid().as_raw();
    [0, user].contains(&metadata.uid()) && metadata.mode() & OTHERS_WRITE == 0
}

#[cfg(not(unix))]
fn is_safe(_: &Metadata) -> bool {
    true
}
