//! The Lua files in a `.zip` archive.

use super::MAX_SIZE;
use solvm_vm::Held;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// The contents of an archive's Lua files by path. If all files are in one directory, as in
/// archives of GitHub, paths are relative to it.
pub(super) type Members = BTreeMap<String, Vec<u8>>;

/// Reads an archive. The total size of the files is limited, however well they are compressed.
/// Their memory is added to `held`, which already covers the archive.
pub(super) fn read(archive: Vec<u8>, mut held: Held) -> io::Result<(Members, Held)> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).map_err(invalid_archive)?;
    let mut members = Members::new();
    let mut left = MAX_SIZE;
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(invalid_archive)?;
        let path = member
            .enclosed_name()
            .and_then(|path| path.to_str().map(|path| path.replace('\\', "/")));
        let Some(path) = path.filter(|path| path.ends_with(".lua") && member.is_file()) else {
            continue;
        };
        let size = member.size().min(left);
        held.grow(usize::try_from(size).unwrap_or(usize::MAX))?;
        let mut text = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        member.by_ref().take(left.saturating_add(1)).read_to_end(&mut text)?;
        left = left.checked_sub(text.len() as u64).ok_or_else(too_large)?;
        members.insert(path, text);
    }
    let names: Vec<String> =
        archive.file_names().map(|name| name.unwrap_or_default().into_owned()).collect();
    let directory = common_directory(names.iter().map(String::as_str));
    let members = members.into_iter();
    let members =
        members.map(|(path, text)| (path.strip_prefix(&directory).unwrap_or(&path).into(), text));
    Ok((members.collect(), held))
}

/// Returns the common first directory of the paths, with its slash.
fn common_directory<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    let directory = |path: &'a str| path.split_once('/').map(|(directory, _)| directory);
    let mut directories = paths.map(directory);
    match directories.next().flatten() {
        Some(first) if directories.all(|directory| directory == Some(first)) => format!("{first}/"),
        _ => String::new(),
    }
}

fn invalid_archive(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        ZipError::UnsupportedArchive(what) => {
            io::Error::new(io::ErrorKind::Unsupported, format!("not a valid zip archive: {what}"))
        }
        _ => io::Error::new(io::ErrorKind::InvalidData, "not a valid zip archive"),
    }
}

fn too_large() -> io::Error {
    let text = format!("its Lua files are larger than {} MiB", MAX_SIZE >> 20);
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use solvm_vm::Account;
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn packed(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn damaged_archives_are_read_or_refused() {
        let archive = packed(&[
            ("a-1/x.lua", b"return 1"),
            ("a-1/in/y.lua", &[b' '; 5000]),
            ("a-1/readme", b"text"),
        ]);
        let held = || Account::new(1 << 30).hold_nothing();
        let (members, _) = read(archive.clone(), held()).unwrap();
        assert_eq!(members.keys().collect::<Vec<_>>(), ["in/y.lua", "x.lua"]);
        let mut state: u64 = 1;
        for _ in 0..5_000 {
            let mut damaged = archive.clone();
            for _ in 0..1 + state % 4 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let position = (state >> 33) as usize % damaged.len();
                damaged[position] = (state >> 24) as u8;
            }
            // Whatever the damage is, reading ends within the limits.
            if let Ok((members, _)) = read(damaged, held()) {
                assert!(members.values().map(Vec::len).sum::<usize>() as u64 <= MAX_SIZE);
                assert!(members.keys().all(
                    |path| !path.starts_with('/') && !path.split('/').any(|part| part == "..")
                ));
            }
        }
    }
}
