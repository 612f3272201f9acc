//! Parses the argument of `import`, and determines the global that it sets.

use reqwest::Url;
use std::path::PathBuf;

/// The host of GitHub's archives, unless the environment variable names another one (a mirror).
const GITHUB: &str = "https://github.com";
/// That environment variable.
pub const GITHUB_VARIABLE: &str = "SOLVM_GITHUB";

/// A request to import modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// The module with a name or path.
    Module(String),
    /// Every module in a directory.
    Directory(String),
    /// The module at a URL.
    Remote(Url),
    /// Modules in an archive.
    Archive {
        from: ArchiveSource,
        /// A directory or module in the archive; empty for all of it.
        within: String,
    },
}

/// The source of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArchiveSource {
    /// The path of a `.zip` file.
    File(String),
    /// The URL of a `.zip` file.
    Remote(Url),
    /// A repository on GitHub, at a branch, tag or commit.
    Repository { owner: String, name: String, reference: Option<String> },
}

impl Request {
    /// Parses an argument. The error is the reason why it is invalid.
    pub(super) fn parse(text: &str) -> Result<Request, String> {
        if text.is_empty() {
            return Err("the name is empty".into());
        }
        if text.contains('\0') {
            return Err("the name has a NUL byte".into());
        }
        if let Some(path) = text.strip_prefix("github.com/") {
            return repository(path)
                .ok_or_else(|| format!("'{text}' is not github.com/owner/repository"));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return remote(text);
        }
        if let Some((archive, within)) = split_archive(text) {
            return Ok(Request::Archive {
                from: ArchiveSource::File(archive.into()),
                within: within.into(),
            });
        }
        match text.strip_suffix('/') {
            Some(directory) if !directory.trim_end_matches('/').is_empty() => {
                Ok(Request::Directory(directory.trim_end_matches('/').into()))
            }
            Some(_) => Err("cannot import the root directory".into()),
            None => Ok(Request::Module(text.into())),
        }
    }

    /// Returns the name of the global: the last part of the path or URL, without its extension.
    pub(super) fn global(&self) -> String {
        match self {
            Request::Module(name) | Request::Directory(name) => stem(name),
            Request::Remote(url) => stem(url.path()),
            Request::Archive { within, .. } if !within.is_empty() => stem(within),
            Request::Archive { from, .. } => match from {
                ArchiveSource::File(path) => stem(path),
                ArchiveSource::Remote(url) => stem(url.path()),
                ArchiveSource::Repository { name, .. } => stem(name),
            },
        }
    }
}

impl ArchiveSource {
    /// Returns the name for messages and chunk names.
    pub(super) fn name(&self) -> String {
        match self {
            ArchiveSource::File(path) => path.clone(),
            ArchiveSource::Remote(url) => url.to_string(),
            ArchiveSource::Repository { owner, name, reference: None } => {
                format!("github.com/{owner}/{name}")
            }
            ArchiveSource::Repository { owner, name, reference: Some(reference) } => {
                format!("github.com/{owner}/{name}@{reference}")
            }
        }
    }
}

/// Returns the URL that `import` fetches for an argument. The error is the message.
pub fn address_of(text: &str, mirror: Option<&str>) -> Result<Url, String> {
    match Request::parse(text)? {
        Request::Remote(url) | Request::Archive { from: ArchiveSource::Remote(url), .. } => Ok(url),
        Request::Archive { from: ArchiveSource::Repository { owner, name, reference }, .. } => {
            github_archive(mirror, &owner, &name, reference.as_deref())
        }
        _ => Err(format!("'{text}' is not a URL or github.com/owner/repository")),
    }
}

/// Returns the URL of the archive of a repository on GitHub or on a mirror. The error is the
/// message.
pub(super) fn github_archive(
    mirror: Option<&str>,
    owner: &str,
    name: &str,
    reference: Option<&str>,
) -> Result<Url, String> {
    let base = mirror.unwrap_or(GITHUB).trim_end_matches('/');
    let url = format!("{base}/{owner}/{name}/archive/{}.zip", reference.unwrap_or("HEAD"));
    Url::parse(&url).map_err(|error| format!("{url}: {error}"))
}

fn remote(text: &str) -> Result<Request, String> {
    if let Some(path) = text.strip_prefix("https://github.com/")
        && path.trim_end_matches('/').matches('/').count() == 1
        && let Some(request) = repository(path)
    {
        return Ok(request);
    }
    let url = Url::parse(text).map_err(|error| format!("'{text}': {error}"))?;
    let path = url.path().to_string();
    match split_archive(&path) {
        Some((archive, within)) => {
            let within = within.to_string();
            let mut url = url;
            url.set_path(archive);
            Ok(Request::Archive { from: ArchiveSource::Remote(url), within })
        }
        None => Ok(Request::Remote(url)),
    }
}

/// Parses `owner/repository[@reference][/path]`.
fn repository(path: &str) -> Option<Request> {
    let mut parts = path.trim_end_matches('/').splitn(3, '/');
    let (owner, repository, within) =
        (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let (name, reference) = match repository.split_once('@') {
        Some((name, reference)) => (name, Some(reference)),
        None => (repository, None),
    };
    let name = name.strip_suffix(".git").unwrap_or(name);
    let is_plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let reference_is_plain = reference.is_none_or(is_plain);
    if !is_plain(owner) || !is_plain(name) || !reference_is_plain || name.chars().all(|c| c == '.')
    {
        return None;
    }
    let from = ArchiveSource::Repository {
        owner: owner.into(),
        name: name.into(),
        reference: reference.map(String::from),
    };
    Some(Request::Archive { from, within: within.into() })
}

/// Splits a path into that of an archive and the path in it.
fn split_archive(path: &str) -> Option<(&str, &str)> {
    if path.ends_with(".zip") {
        return Some((path, ""));
    }
    let end = path.find(".zip/")?.checked_add(".zip".len())?;
    let (archive, member) = path.split_at_checked(end)?;
    Some((archive, member.trim_matches('/')))
}

/// Returns the last part of a path without its extension.
pub(super) fn stem(path: &str) -> String {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    let name = if cfg!(windows) { name.rsplit('\\').next().unwrap_or(name) } else { name };
    let ending = [".lua", ".zip"].into_iter().find_map(|ending| name.strip_suffix(ending));
    ending.filter(|stem| !stem.is_empty()).unwrap_or(name).to_string()
}

/// Returns the files that a module name can refer to.
pub(super) fn files_of(name: &str) -> Vec<PathBuf> {
    if name.ends_with(".lua") {
        return vec![name.into()];
    }
    vec![format!("{name}.lua").into(), format!("{name}/init.lua").into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(text: &str) -> String {
        Request::parse(text)
            .map(|request| request.global())
            .unwrap_or_else(|reason| format!("! {reason}"))
    }

    #[test]
    fn globals() {
        for (text, expected) in [
            ("math_utils", "math_utils"),
            ("lib/math_utils.lua", "math_utils"),
            ("./utils", "utils"),
            ("utils/", "utils"),
            ("lib/utils//", "utils"),
            ("a.b", "a.b"),
            ("pack.zip", "pack"),
            ("lib/pack.zip/inner/one", "one"),
            ("https://example.com/user/repo/main/utils.lua", "utils"),
            ("https://example.com/utils.lua?token=a/b.c", "utils"),
            ("https://example.com/pack.zip", "pack"),
            ("https://example.com/pack.zip?x=1", "pack"),
            ("github.com/owner/repo", "repo"),
            ("github.com/owner/repo.git", "repo"),
            ("github.com/owner/repo@v1.2", "repo"),
            ("https://github.com/owner/repo", "repo"),
            ("https://github.com/owner/repo/raw/main/x.lua", "x"),
            ("github.com/owner/json.lua", "json"),
            ("github.com/owner/repo/lua/pl", "pl"),
        ] {
            assert_eq!(global(text), expected, "{text}");
        }
        for text in [
            "",
            "/",
            "//",
            "a\0b",
            "github.com/",
            "github.com/owner",
            "github.com/a b/c",
            "github.com/o/..",
            "http://",
        ] {
            assert!(Request::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn archives() {
        let parsed = Request::parse("https://github.com/owner/repo@main/").unwrap();
        let from = ArchiveSource::Repository {
            owner: "owner".into(),
            name: "repo".into(),
            reference: Some("main".into()),
        };
        assert_eq!(parsed, Request::Archive { from, within: String::new() });
        let parsed = Request::parse("a.zip/b/c/").unwrap();
        assert_eq!(
            parsed,
            Request::Archive { from: ArchiveSource::File("a.zip".into()), within: "b/c".into() }
        );
    }
}
