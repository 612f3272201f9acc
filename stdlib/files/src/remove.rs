//! Recursive removal of directories.

use super::sorted_names;
use solvm_runtime::host::FileSystem;
use std::io;
use std::path::{Path, PathBuf};

/// Removes a file, or a directory and all its contents. Symbolic links are removed, not followed.
pub fn remove_tree(files: &dyn FileSystem, path: &Path) -> io::Result<()> {
    if !files.metadata(path, false)?.is_directory() {
        return files.remove(path);
    }
    if files.canonical(path)?.parent().is_none() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "refusing to remove the root directory",
        ));
    }
    // A directory stays on the stack until its contents have been removed.
    let mut stack: Vec<(PathBuf, bool)> = vec![(path.to_path_buf(), false)];
    while let Some((path, is_emptied)) = stack.pop() {
        if is_emptied || !files.metadata(&path, false)?.is_directory() {
            files.remove(&path)?;
            continue;
        }
        let names = sorted_names(files, &path)?;
        let children = names.into_iter().map(|name| (path.join(name), false)).collect::<Vec<_>>();
        stack.push((path, true));
        stack.extend(children);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use solvm_runtime::host::{FileKind, Metadata, Names};

    /// A world with a single directory, the root.
    struct RootOnly;

    impl FileSystem for RootOnly {
        fn metadata(&self, _: &Path, _: bool) -> io::Result<Metadata> {
            Ok(Metadata { kind: FileKind::Directory, ..Metadata::default() })
        }

        fn read_directory(&self, _: &Path) -> io::Result<Names> {
            panic!("the root is looked into")
        }

        fn canonical(&self, _: &Path) -> io::Result<PathBuf> {
            Ok("/".into())
        }
    }

    #[test]
    fn the_root_is_not_removed() {
        let error = remove_tree(&RootOnly, Path::new("/usr/..")).unwrap_err();
        assert!(error.to_string().starts_with("refusing"), "{error}");
    }
}
