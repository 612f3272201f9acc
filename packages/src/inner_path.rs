//! Paths inside an archive, a rock or `lua_modules`.
//!
//! **Invariant (INSIDE)**: an [`InnerPath`] has no `..`, no root, no drive, and no character to
//! which an OS gives a meaning of its own, so that it stays inside the directory that it is joined
//! to.

use std::fmt;
use std::path::{Path, PathBuf};

/// Maximum length of a path.
const MAX: usize = 1024;

/// A relative path with `/` between its parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InnerPath(String);

impl InnerPath {
    /// Checks a path; `.` and empty parts are dropped.
    ///
    /// # Errors
    /// The message, if it leaves its directory.
    pub(crate) fn check(path: &str) -> Result<InnerPath, String> {
        let shown = || path.chars().take(80).flat_map(char::escape_debug).collect::<String>();
        let is_odd = |c: char| c.is_control() || "\\:*?\"<>|".contains(c);
        let parts: Vec<&str> =
            path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if path.starts_with('/') || parts.contains(&"..") {
            return Err(format!("path '{}' leaves its directory", shown()));
        }
        if parts.is_empty() || path.contains(is_odd) || path.len() > MAX {
            return Err(format!("invalid path '{}'", shown()));
        }
        Ok(InnerPath(parts.join("/")))
    }

    /// The path below a directory, if it is in it.
    pub(crate) fn below(&self, directory: &str) -> Option<&str> {
        self.0.strip_prefix(directory)?.strip_prefix('/')
    }

    /// The last part.
    pub(crate) fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path in a directory of the local file system.
    pub(crate) fn in_directory(&self, directory: &Path) -> PathBuf {
        self.0.split('/').fold(directory.to_path_buf(), |path, part| path.join(part))
    }
}

impl fmt::Display for InnerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        let path = |text| InnerPath::check(text).map(|path| path.to_string());
        assert_eq!(path("./a//b/./c.lua").unwrap(), "a/b/c.lua");
        assert_eq!(path("..a/b..").unwrap(), "..a/b..");
        for text in
            ["", ".", "/", "/etc/passwd", "..", "a/../b", "a/..", "..\\x", "C:x", "a\0b", "a\nb"]
        {
            assert!(path(text).is_err(), "{text:?}");
        }
        assert!(path(&"a/".repeat(600)).is_err());
        let directory = InnerPath::check("share/lua/5.1").unwrap();
        assert_eq!(directory.below("share/lua"), Some("5.1"));
        assert_eq!(directory.below("share/l"), None);
        assert_eq!(directory.file_name(), "5.1");
    }
}
