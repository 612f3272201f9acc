//! Archives of sources: `.tar.gz`, `.tar` and `.zip`, in memory.
//!
//! Nothing is written while an archive is read. **Invariant (BOUNDED)**: what an archive unpacks to
//! is limited in bytes and in files, whatever its header claims.

use crate::inner_path::InnerPath;
use flate2::read::MultiGzDecoder;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};

/// Maximum size of all files of an archive.
const MAX_SIZE: u64 = 256 << 20;
/// Maximum number of entries.
const MAX_ENTRIES: usize = 20_000;

/// The files of an archive.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Files {
    files: BTreeMap<InnerPath, Vec<u8>>,
    /// Links and other entries that are not files.
    others: BTreeSet<InnerPath>,
}

impl Files {
    /// A single file.
    ///
    /// # Errors
    /// The message, if its name is a path that leaves the directory.
    pub(crate) fn single(name: &str, contents: Vec<u8>) -> Result<Files, String> {
        let files = BTreeMap::from([(InnerPath::check(name)?, contents)]);
        Ok(Files { files, others: BTreeSet::new() })
    }

    /// Whether these bytes are an archive.
    pub(crate) fn are_in(bytes: &[u8]) -> bool {
        is_zip(bytes) || is_gzip(bytes) || is_tar(bytes)
    }

    /// Unpacks an archive.
    ///
    /// # Errors
    /// The message, if it is invalid or too large, or a path in it leaves its directory.
    pub(crate) fn unpack(bytes: &[u8]) -> Result<Files, String> {
        if is_zip(bytes) {
            return unzip(bytes);
        }
        if is_gzip(bytes) {
            return untar(MultiGzDecoder::new(bytes));
        }
        if is_tar(bytes) {
            return untar(bytes);
        }
        Err("not a .tar.gz, .tar or .zip archive".into())
    }

    /// The contents of a file.
    ///
    /// # Errors
    /// The message, if it is missing or not a file.
    pub(crate) fn get(&self, path: &InnerPath) -> Result<&[u8], String> {
        match self.files.get(path) {
            Some(contents) => Ok(contents),
            None if self.others.contains(path) => {
                Err(format!("'{path}' is a link, and links are not followed"))
            }
            None => Err(format!("the sources have no file '{path}'")),
        }
    }

    /// The files in a directory and below, each with its path in it.
    pub(crate) fn within<'a>(
        &'a self,
        directory: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let below = move |path: &'a InnerPath| path.below(directory);
        self.files.iter().filter_map(move |(path, contents)| Some((below(path)?, &contents[..])))
    }

    /// The files outside all directories.
    pub(crate) fn outside(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let all = self.files.iter().map(|(path, contents)| (path.as_str(), &contents[..]));
        all.filter(|(path, _)| !path.contains('/'))
    }

    /// The names of the directories outside all others.
    pub(crate) fn directories(&self) -> BTreeSet<&str> {
        let paths = self.files.keys().chain(&self.others);
        paths.filter_map(|path| Some(path.as_str().split_once('/')?.0)).collect()
    }

    /// The files in a directory, as if there were nothing else.
    pub(crate) fn enter(self, directory: &str) -> Files {
        let inner = |path: &InnerPath| InnerPath::check(path.below(directory)?).ok();
        let files = self.files.into_iter();
        Files {
            files: files.filter_map(|(path, text)| Some((inner(&path)?, text))).collect(),
            others: self.others.iter().filter_map(inner).collect(),
        }
    }

    /// Takes a file out.
    pub(crate) fn take(&mut self, path: &InnerPath) -> Option<Vec<u8>> {
        self.files.remove(path)
    }
}

fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1f\x8b")
}

fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

fn invalid(error: impl std::fmt::Display) -> String {
    format!("invalid archive: {error}")
}

/// Reads to the end, at most as many bytes as are `left`.
fn read_within(source: impl Read, left: &mut u64) -> Result<Vec<u8>, String> {
    let mut contents = Vec::new();
    let mut limited = source.take(left.saturating_add(1));
    let size = limited.read_to_end(&mut contents).map_err(invalid)?;
    *left = left.checked_sub(size as u64).ok_or_else(too_large)?;
    Ok(contents)
}

fn too_large() -> String {
    format!("the archive is larger than {} MiB", MAX_SIZE >> 20)
}

/// Unpacks the entries of a tar archive.
fn untar(source: impl Read) -> Result<Files, String> {
    // The headers count, too: an archive may be made of them alone.
    let mut archive = tar::Archive::new(Limited { source, left: MAX_SIZE });
    let (mut all, mut left) = (Files::default(), MAX_SIZE);
    for (count, entry) in archive.entries().map_err(invalid)?.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(format!("the archive has more than {MAX_ENTRIES} entries"));
        }
        let entry = entry.map_err(invalid)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        let path = String::from_utf8(entry.path_bytes().into_owned());
        let path = InnerPath::check(&path.map_err(|_| invalid("a path is not UTF-8"))?)?;
        match kind.is_file() {
            true => drop(all.files.insert(path, read_within(entry, &mut left)?)),
            false => drop(all.others.insert(path)),
        }
    }
    Ok(all)
}

/// A source that fails beyond a limit.
struct Limited<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other(format!("larger than {} MiB", MAX_SIZE >> 20)))?;
        Ok(count)
    }
}

fn unzip(bytes: &[u8]) -> Result<Files, String> {
    // The bits of a Unix mode that are the kind of a file, and the kind of a link.
    const KIND: u32 = 0o170_000;
    const LINK: u32 = 0o120_000;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(invalid)?;
    if archive.len() > MAX_ENTRIES {
        return Err(format!("the archive has more than {MAX_ENTRIES} entries"));
    }
    let (mut all, mut left) = (Files::default(), MAX_SIZE);
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(invalid)?;
        if entry.is_dir() {
            continue;
        }
        let path = InnerPath::check(&entry.name().map_err(invalid)?)?;
        match entry.unix_mode().is_some_and(|mode| mode & KIND == LINK) {
            true => drop(all.others.insert(path)),
            false => drop(all.files.insert(path, read_within(entry, &mut left)?)),
        }
    }
    Ok(all)
}

/// Unpacks the file of a zip archive that has one file.
///
/// # Errors
/// The message, if it is invalid or too large.
pub(crate) fn unzip_single(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut files = unzip(bytes)?.files.into_values();
    files.next().ok_or_else(|| invalid("it is empty"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A tar archive with a path that the crate would refuse to write.
    fn tar_of(path: &str, kind: tar::EntryType, size: u64, contents: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size);
        if let Some(name) = header.as_ustar_mut().unwrap().name.get_mut(..path.len()) {
            name.copy_from_slice(path.as_bytes());
        }
        header.set_cksum();
        builder.append(&header, contents).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn hostile_archives_are_refused() {
        let file = tar::EntryType::Regular;
        for path in ["../x", "/etc/x", "a/../../x", "a\\x"] {
            let unpacked = Files::unpack(&tar_of(path, file, 1, b"x"));
            assert!(unpacked.is_err(), "{path}: {unpacked:?}");
        }
        let files = Files::unpack(&tar_of("a/l", tar::EntryType::Symlink, 0, b"")).unwrap();
        let refused = files.get(&InnerPath::check("a/l").unwrap()).unwrap_err();
        assert_eq!(refused, "'a/l' is a link, and links are not followed");
        // The header claims more than there is.
        assert!(Files::unpack(&tar_of("a", file, 1 << 40, b"x")).is_err());
        assert!(Files::unpack(b"\x1f\x8bnonsense").is_err());
        assert!(Files::unpack(b"PK\x03\x04nonsense").is_err());
        assert!(Files::unpack(b"#!/bin/sh").is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar_of("a", tar::EntryType::Regular, 300 << 20, b"")).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..300 {
            gzip.write_all(&zeros).unwrap();
        }
        assert!(Files::unpack(&gzip.finish().unwrap()).unwrap_err().contains("larger than 256"));
    }

    #[test]
    fn directories() {
        let bytes = tar_of("top/src/a.lua", tar::EntryType::Regular, 1, b"x");
        let files = Files::unpack(&bytes).unwrap();
        assert_eq!(files.directories().into_iter().collect::<Vec<_>>(), ["top"]);
        let files = files.enter("top");
        assert_eq!(files.within("src").collect::<Vec<_>>(), [("a.lua", &b"x"[..])]);
        assert_eq!(files.outside().count(), 0);
    }
}
