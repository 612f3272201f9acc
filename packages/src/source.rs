//! The sources of a rock: where a rockspec says they are, and what of a download they are.

use crate::address::Address;
use crate::archive::Files;
use crate::digest::md5;
use crate::inner_path::InnerPath;
use crate::rockspec::{Rockspec, has_extension};

/// The address of a rock's sources; `server` is where the rockspec is from.
///
/// # Errors
/// The message, if SolVM does not fetch from there.
pub(crate) fn address_of(rockspec: &Rockspec, server: &Address) -> Result<Address, String> {
    let url = &rockspec.source.url[..];
    let refused =
        |why: &str| format!("cannot fetch {}: its sources are at {url}, {why}", rockspec.name);
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    match scheme {
        "http" | "https" => Address::parse(url),
        // A server on the network has no business in the local file system.
        "file" if matches!(server, Address::File(_)) => Address::parse(url),
        "file" => Err(refused("a file of this machine")),
        "git" | "git+https" | "git+http" => {
            let repository = github(url).ok_or_else(|| {
                refused("and SolVM fetches archives, and repositories of github.com, not git")
            })?;
            let tag = rockspec.source.tag.as_deref().ok_or_else(|| {
                refused("and it names no tag, so that its contents may change at any time")
            })?;
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/+".contains(c);
            if tag.is_empty() || !tag.chars().all(is_plain) || InnerPath::check(tag).is_err() {
                return Err(refused("and its tag is invalid"));
            }
            Address::parse(&format!(
                "https://github.com/{repository}/archive/refs/tags/{tag}.tar.gz"
            ))
        }
        _ => Err(refused("and SolVM fetches archives by http and https")),
    }
}

/// The owner and the name of a repository of GitHub.
fn github(url: &str) -> Option<String> {
    let path = url.split_once("://")?.1.strip_prefix("github.com/")?.trim_end_matches('/');
    let (owner, name) = path.split_once('/')?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    let is_plain = |text: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !text.trim_matches('.').is_empty() && text.chars().all(is_part)
    };
    (is_plain(owner) && is_plain(name)).then(|| format!("{owner}/{name}"))
}

/// The sources in a download: `.src.rock` or what [`address_of`] named.
///
/// # Errors
/// The message, if they are invalid.
pub(crate) fn files_of(
    rockspec: &Rockspec,
    address: &Address,
    bytes: Vec<u8>,
) -> Result<Files, String> {
    let is_rock = has_extension(&address.file_name(), "rock");
    let files = match is_rock {
        true => of_rock(rockspec, bytes),
        false => of_download(rockspec, &address.file_name(), bytes),
    };
    files.map_err(|why| format!("cannot install {}: {why}", rockspec.name))
}

/// A rock has the download under its name; or, if it is from a repository, the files themselves.
fn of_rock(rockspec: &Rockspec, bytes: Vec<u8>) -> Result<Files, String> {
    let mut files = Files::unpack(&bytes)?;
    drop(bytes);
    let url = rockspec.source.url.split(['?', '#']).next().unwrap_or_default();
    let name = url.rsplit('/').next().unwrap_or_default();
    let name = rockspec.source.file.as_deref().unwrap_or(name);
    if let Ok(path) = InnerPath::check(name)
        && let Some(download) = files.take(&path)
    {
        return of_download(rockspec, name, download);
    }
    Ok(enter(rockspec, files))
}

fn of_download(rockspec: &Rockspec, name: &str, bytes: Vec<u8>) -> Result<Files, String> {
    if let Some(expected) = &rockspec.source.md5
        && !expected.trim().eq_ignore_ascii_case(&md5(&bytes))
    {
        let found = md5(&bytes);
        return Err(format!(
            "the MD5 of {name} is {found}, but its rockspec expects {}",
            expected.trim()
        ));
    }
    if Files::are_in(&bytes) {
        return Files::unpack(&bytes).map(|files| enter(rockspec, files));
    }
    let name = rockspec.source.file.as_deref().unwrap_or(name);
    match has_extension(name, "lua") {
        true => Files::single(name, bytes),
        false => Err(format!("{name} is not a .tar.gz, .tar, .zip or .lua file")),
    }
}

/// Enters the directory of the sources: that which the rockspec names, or the only one.
fn enter(rockspec: &Rockspec, files: Files) -> Files {
    let named = rockspec.source.directory.as_deref();
    if named == Some(".") {
        return files;
    }
    let named = named.map(InnerPath::check).and_then(Result::ok);
    if let Some(directory) = named
        && files.within(directory.as_str()).next().is_some()
    {
        return files.enter(directory.as_str());
    }
    let only = {
        let mut directories = files.directories().into_iter();
        directories.next().filter(|_| directories.next().is_none()).map(String::from)
    };
    match only {
        Some(directory) => files.enter(&directory),
        None => files,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;

    fn address(source: &str) -> Result<String, String> {
        let code = format!("package = 'a' version = '1-1' source = {{ {source} }}");
        let spec = Rockspec::read(code.as_bytes(), "a", &Version::parse("1-1").unwrap()).unwrap();
        let server = Address::parse("https://luarocks.org").unwrap();
        address_of(&spec, &server).map(|address| address.to_string())
    }

    #[test]
    fn addresses_of_sources() {
        assert_eq!(address("url = 'http://x.org/a.zip'").unwrap(), "http://x.org/a.zip");
        let archive = "https://github.com/o/r/archive/refs/tags/v1.0.tar.gz";
        for url in
            ["git+https://github.com/o/r.git", "git://github.com/o/r", "git+http://github.com/o/r/"]
        {
            assert_eq!(address(&format!("url = '{url}', tag = 'v1.0'")).unwrap(), archive);
        }
        for (source, why) in [
            ("url = 'git://github.com/o/r'", "names no tag"),
            ("url = 'git://github.com/o/r', branch = 'main'", "names no tag"),
            ("url = 'git://github.com/o/r', tag = '../../x'", "its tag is invalid"),
            ("url = 'git://github.com/o/../..', tag = 'x'", "not git"),
            ("url = 'git://gitlab.com/o/r', tag = 'x'", "not git"),
            ("url = 'git+ssh://git@github.com/o/r', tag = 'x'", "by http and https"),
            ("url = 'hg://x.org/r'", "by http and https"),
            ("url = 'a.tar.gz'", "by http and https"),
            ("url = 'file:///etc/passwd'", "a file of this machine"),
        ] {
            let message = address(source).unwrap_err();
            assert!(message.contains(why), "{source}: {message}");
        }
    }
}
