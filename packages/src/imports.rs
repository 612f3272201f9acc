//! What programs `import` from the network, locked: the checksums are in the lock file, the
//! contents in `lua_modules/import`, under the checksum.

use crate::address::{Address, Fetcher};
use crate::digest::sha256;
use crate::inner_path::InnerPath;
use crate::installed::is_missing;
use crate::lock::{self, Lock};
use crate::project::about;
use solvm_archive::import::{GITHUB_VARIABLE, LockedImport, address_of};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Where the contents are stored.
const DIRECTORY: &str = "import";

/// Maximum size of the contents: that of `import`.
const MAX_SIZE: usize = 10 << 20;

/// The imports that a project is to have: the checksums, or None to accept what is fetched.
pub(crate) type Wanted = BTreeMap<String, Option<String>>;

/// Contents that are stored.
pub(crate) struct Stored {
    /// Their checksum.
    pub(crate) sha256: String,
    /// The contents; None if they are stored already.
    pub(crate) contents: Option<Vec<u8>>,
}

/// Whether a name on the command line is one of an import, not of a package.
pub(crate) fn is_import(name: &str) -> bool {
    name.contains("://") || name.starts_with("github.com/")
}

/// The URL that a program fetches for an argument of `import`.
///
/// # Errors
/// The message, if the argument is invalid.
pub(crate) fn url_of(name: &str) -> Result<String, String> {
    let mirror = std::env::var(GITHUB_VARIABLE).ok();
    address_of(name, mirror.as_deref()).map(|url| url.to_string())
}

/// The path of contents in `lua_modules`.
///
/// # Errors
/// The message, if the checksum is not one.
pub(crate) fn path_of(sha256: &str) -> Result<InnerPath, String> {
    InnerPath::check(&format!("{DIRECTORY}/{sha256}"))
}

/// Whether contents are stored in a directory of modules, undamaged.
fn is_stored(expected: &str, modules: &Path) -> Result<bool, String> {
    let contents = fs::read(path_of(expected)?.in_directory(modules));
    Ok(contents.is_ok_and(|contents| sha256(&contents) == expected))
}

/// Fetches the contents that are not stored in a directory of modules.
///
/// # Errors
/// The message, if they cannot be fetched or are not those of the checksum.
pub(crate) fn prepare(
    wanted: &Wanted,
    modules: &Path,
    fetcher: &Fetcher,
) -> Result<BTreeMap<String, Stored>, String> {
    let mut all = BTreeMap::new();
    for (url, expected) in wanted {
        if let Some(expected) = expected
            && is_stored(expected, modules)?
        {
            let stored = Stored { sha256: expected.clone(), contents: None };
            all.insert(url.clone(), stored);
            continue;
        }
        let contents = fetcher.need(&Address::parse(url)?, MAX_SIZE)?;
        let found = sha256(&contents);
        if let Some(expected) = expected.as_ref().filter(|expected| **expected != found) {
            return Err(format!(
                "the SHA-256 of {url} is {found}, but {} expects {expected}; if the contents have \
                 changed for a good reason, run solvm update {url}",
                lock::NAME
            ));
        }
        let is_stored = is_stored(&found, modules)?;
        let contents = (!is_stored).then_some(contents);
        all.insert(url.clone(), Stored { sha256: found, contents });
    }
    Ok(all)
}

/// Looks up what a project has locked of a URL, for programs that run.
///
/// # Errors
/// The message, if the lock file is invalid.
pub fn locked(modules: &Path, url: &str) -> Result<Option<LockedImport>, String> {
    let Some(directory) = modules.parent() else { return Ok(None) };
    let path = directory.join(lock::NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(about(&path, &error)),
    };
    let lock = Lock::parse(&text, directory);
    let lock = lock.map_err(|why| format!("{}: {why}", path.display()))?;
    let Some(sha256) = lock.imports.get(url) else { return Ok(None) };
    let file = path_of(sha256)?.in_directory(modules);
    Ok(Some(LockedImport { sha256: sha256.clone(), file }))
}
