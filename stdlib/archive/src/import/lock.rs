//! Imports whose contents a project has locked: a URL with a checksum, and a file that has them.
//!
//! The lock file is read by the command, which sets a reader; a running program never writes it.

use super::MAX_SIZE;
use reqwest::Url;
use sha2::{Digest, Sha256};
use solvm_files::read;
use solvm_runtime::Host;
use solvm_runtime::executor::Executor;
use solvm_runtime::host::disk;
use solvm_runtime::pool::in_pool;
use solvm_runtime::system_error::reason;
use solvm_vm::native::asynchronous::Lua;
use std::path::{Path, PathBuf};

/// What a project has locked of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedImport {
    /// The SHA-256 of its contents, in hexadecimal digits.
    pub sha256: String,
    /// The file that has the contents, if it exists.
    pub file: PathBuf,
}

/// Looks a URL up in the lock file of a project, given the directory of its installed modules. The
/// error is the message.
pub type LockReader = fn(modules: &Path, url: &str) -> Result<Option<LockedImport>, String>;

/// The program's reader.
#[derive(Default)]
struct Reader(Option<LockReader>);

/// Sets the reader of a program's lock file.
pub fn set_lock_reader(executor: &mut Executor, reader: LockReader) {
    executor.enter(|call| {
        if let Some(host) = call.host::<Host>() {
            *host.state() = Reader(Some(reader));
        }
    });
}

/// Returns what the program's project has locked of a URL. The error is the message.
pub(super) async fn find(lua: &Lua, url: &Url) -> Result<Option<LockedImport>, String> {
    let found = lua.with(|call| {
        let host = call.host::<Host>()?;
        let reader = host.state::<Reader>().0?;
        // A project file that is ignored has no lock.
        Some((reader, host.world.installed_modules().ok()??))
    });
    let Some((reader, modules)) = found else { return Ok(None) };
    let url = url.to_string();
    let found = in_pool(move || reader(&modules, &url)).await;
    found.map_err(|error| reason(&error)).flatten()
}

impl LockedImport {
    /// Reads the contents from the file. None if it does not have them.
    pub(super) async fn stored(&self, lua: &Lua) -> Option<Vec<u8>> {
        let text = read(lua, disk(), self.file.clone(), MAX_SIZE).await.ok()?.ok()?;
        let (text, is_locked) = self.compare(text).await?;
        is_locked.then_some(text)
    }

    /// Checks contents that were fetched. The error is the message.
    pub(super) async fn check(&self, url: &Url, text: Vec<u8>) -> Result<Vec<u8>, String> {
        match self.compare(text).await {
            Some((text, true)) => Ok(text),
            _ => Err(format!(
                "{url} does not have the contents that solvm.lock has the checksum of; if they \
                 have changed for a good reason, run solvm update {url}"
            )),
        }
    }

    async fn compare(&self, text: Vec<u8>) -> Option<(Vec<u8>, bool)> {
        let expected = self.sha256.to_ascii_lowercase();
        let compared = in_pool(move || {
            let digest = Sha256::digest(&text);
            let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            (text, found == expected)
        });
        compared.await.ok()
    }
}
