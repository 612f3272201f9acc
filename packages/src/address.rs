//! Addresses of files: in the local file system, or by HTTP. And fetching them.

use solvm_net::http::download::Downloader;
use solvm_runtime::system_error::reason;
use std::cell::OnceCell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{self, Path, PathBuf};

pub use reqwest::Url;

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// In the local file system.
    File(PathBuf),
    /// By HTTP or HTTPS.
    Web(Url),
}

impl Address {
    /// Parses an address: a path, or a URL with `http`, `https` or `file`.
    ///
    /// # Errors
    /// The message, if it is invalid.
    pub fn parse(text: &str) -> Result<Address, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text.is_empty() {
                true => Err("an address is empty".into()),
                false => Ok(Address::File(path::absolute(text).unwrap_or(text.into()))),
            };
        };
        match scheme {
            "file" => Ok(Address::File(rest.into())),
            "http" | "https" => match Url::parse(text) {
                Ok(url) => Ok(Address::Web(url)),
                Err(error) => Err(format!("invalid address '{text}': {error}")),
            },
            _ => Err(format!("address '{text}' must start with http://, https:// or file://")),
        }
    }

    /// Parses an address in a file of a directory, to which paths are relative.
    ///
    /// # Errors
    /// The message, if it is invalid.
    pub fn in_directory(text: &str, directory: &Path) -> Result<Address, String> {
        match text.is_empty() || text.contains("://") {
            true => Address::parse(text),
            false => Ok(Address::File(directory.join(text))),
        }
    }

    /// The text that [`Address::in_directory`] parses.
    pub fn relative_to(&self, directory: &Path) -> String {
        match self {
            Address::File(path) => {
                path.strip_prefix(directory).unwrap_or(path).display().to_string()
            }
            Address::Web(url) => url.to_string(),
        }
    }

    /// The address of a file in this directory.
    pub fn join(&self, name: &str) -> Address {
        match self {
            Address::File(path) => Address::File(path.join(name)),
            Address::Web(url) => {
                let mut url = url.clone();
                if let Ok(mut parts) = url.path_segments_mut() {
                    parts.pop_if_empty().push(name);
                }
                Address::Web(url)
            }
        }
    }

    /// The name of the file.
    pub fn file_name(&self) -> String {
        match self {
            Address::File(path) => {
                path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            }
            Address::Web(url) => url.path().rsplit('/').next().unwrap_or_default().into(),
        }
    }

    /// The host, or the directory: what a user calls the server.
    pub fn origin(&self) -> String {
        match self {
            Address::File(path) => {
                path.parent().map(|path| path.display().to_string()).unwrap_or_default()
            }
            Address::Web(url) => match (url.host_str(), url.port()) {
                (Some(host), Some(port)) => format!("{host}:{port}"),
                (host, _) => host.unwrap_or_default().into(),
            },
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::File(path) => write!(f, "{}", path.display()),
            Address::Web(url) => write!(f, "{url}"),
        }
    }
}

/// Maximum size of what is fetched, except for manifests.
pub const MAX_SIZE: usize = 64 << 20;

/// Fetches files. The network is prepared when it is first needed.
#[derive(Default)]
pub struct Fetcher(OnceCell<Result<Network, String>>);

struct Network {
    runtime: tokio::runtime::Runtime,
    downloader: Downloader,
}

impl Fetcher {
    /// Fetches a file of at most `limit` bytes. None if it does not exist.
    ///
    /// # Errors
    /// The message.
    pub fn get(&self, address: &Address, limit: usize) -> Result<Option<Vec<u8>>, String> {
        let fetched = match address {
            Address::File(path) => read(path, limit).map_err(|error| reason(&error)),
            Address::Web(url) => match self.0.get_or_init(Network::new) {
                Ok(network) => network.runtime.block_on(network.downloader.get(url, limit)),
                Err(why) => Err(why.clone()),
            },
        };
        fetched.map_err(|why| format!("cannot fetch {address}: {why}"))
    }

    /// Fetches a file that must exist.
    ///
    /// # Errors
    /// The message.
    pub fn need(&self, address: &Address, limit: usize) -> Result<Vec<u8>, String> {
        self.get(address, limit)?.ok_or_else(|| format!("cannot fetch {address}: not found"))
    }
}

impl Network {
    fn new() -> Result<Network, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| reason(&error))?;
        Ok(Network { runtime, downloader: Downloader::new()? })
    }
}

fn read(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut text = Vec::new();
    file.take((limit as u64).saturating_add(1)).read_to_end(&mut text)?;
    if text.len() > limit {
        return Err(io::Error::other(format!("larger than {} MiB", limit >> 20)));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let joined = |text| {
            let address = Address::parse(text).unwrap().join("a-1.rockspec");
            (address.to_string(), address.origin(), address.file_name())
        };
        let web = ("https://x.org/m/a-1.rockspec".into(), "x.org".into(), "a-1.rockspec".into());
        assert_eq!(joined("https://x.org/m"), web);
        assert_eq!(joined("https://x.org/m/"), web);
        assert_eq!(joined("http://x.org:81").1, "x.org:81");
        assert_eq!(joined("file:///srv/rocks").0, "/srv/rocks/a-1.rockspec");
        assert_eq!(joined("/srv/rocks").1, "/srv/rocks");
        for text in ["", "ftp://x", "https://", "git+ssh://x/y"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
