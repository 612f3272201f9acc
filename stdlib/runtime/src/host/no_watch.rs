//! Files that are not watched: a build without the feature `watch`.

use super::file_system::{Changed, Watch};
use std::io;
use std::path::Path;

/// Refuses.
pub(super) fn watch(_: &Path, _: Changed) -> io::Result<Watch> {
    Err(io::ErrorKind::Unsupported.into())
}
