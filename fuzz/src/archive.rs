//! Generates programs that extract damaged archives, and the file system for them.
//!
//! The file system is in memory. It contains the archive, which the program writes first, and the
//! extracted files. It panics if anything is written outside the target directory or through
//! something that is not a directory.

use crate::Random;
use flate2::Compression;
use flate2::write::GzEncoder;
use solvm_runtime::host::{FileKind, FileSystem, Metadata, Replacement, Source};
use std::collections::HashMap;
use std::io::{self, Cursor, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};
use tar::{Builder, EntryType, Header};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// The target directory.
const TARGET: &str = "/target";
const MAX_SIZE: usize = 1 << 20;

/// Generates the program with the archive in it.
pub fn archive(random: &mut Random) -> String {
    let (name, bytes, code) = if random.below(2) == 0 {
        ("/x.tar", damaged_tar(random), UNPACK_TAR.replace("MAX_SIZE", &MAX_SIZE.to_string()))
    } else {
        ("/x.zip", damaged_zip(random), IMPORT_ZIP.to_string())
    };
    let text: String = bytes.iter().map(|byte| format!("\\{byte:03}")).collect();
    format!("assert(write_file('{name}', \"{text}\"))\n{code}")
}

const UNPACK_TAR: &str = "
local entries, message = tar.list('/x.tar')
assert(type(entries) == 'table' or entries == nil and type(message) == 'string' and #message > 0)
local done, message = tar.extract('/x.tar', '/target', { max_size = MAX_SIZE })
assert(done == true or done == nil and type(message) == 'string' and #message > 0)
";

/// Members run only briefly, and their contents are not checked.
const IMPORT_ZIP: &str = "
local ok, result = pcall(import, '/x.zip')
assert(ok or result ~= nil)
";

fn damaged_tar(random: &mut Random) -> Vec<u8> {
    let pieces: [&[u8]; 12] = [
        b"../",
        b"/",
        b"up/x",
        b"..",
        b"\0",
        b"2",
        b"L",
        b"x",
        b"S",
        b"g",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"19 size=99999999\n",
    ];
    let mut bytes = packed_tar();
    for _ in 0..random.below(6) {
        // Mostly in the names, types, sizes and links of headers.
        let block = random.below(bytes.len() / 512) * 512;
        let place = block
            + [0, 0, 156, 157, 124, 345, 386, random.below(512), random.below(512)]
                [random.below(9)];
        let piece = if random.below(2) == 0 {
            pieces[random.below(pieces.len())].to_vec()
        } else {
            random.bytes(1)
        };
        let end = (place + piece.len()).min(bytes.len());
        bytes[place..end].copy_from_slice(&piece[..end - place]);
    }
    match random.below(10) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            let from = random.below(bytes.len() / 512) * 512;
            bytes.drain(from..(from + 512 * random.below(3)).min(bytes.len()));
        }
        _ => {}
    }
    if random.below(8) > 0 {
        fix_checksums(&mut bytes);
    }
    if random.below(4) == 0 {
        bytes = compressed(&bytes);
        if random.below(2) == 0 {
            damage(random, &mut bytes);
        }
    }
    bytes
}

/// Creates an archive with entries of all types, long names and attributes.
fn packed_tar() -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let long = "long/".repeat(40) + "name";
    for (kind, name, link) in [
        (EntryType::Directory, "folder/", ""),
        (EntryType::Regular, "folder/file", ""),
        (EntryType::Symlink, "folder/link", "file"),
        (EntryType::Link, "hard", "folder/renamed"),
        (EntryType::Regular, &long, ""),
        (EntryType::Symlink, "up", "folder"),
        (EntryType::Regular, "up", ""),
        (EntryType::GNUSparse, "sparse", ""),
    ] {
        let contents: &[u8] =
            if kind.is_file() || kind == EntryType::GNUSparse { b"hello" } else { b"" };
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(contents.len() as u64);
        if let (EntryType::GNUSparse, Some(gnu)) = (kind, header.as_gnu_mut()) {
            for (field, value) in [(&mut gnu.sparse[0].offset, 1000), (&mut gnu.realsize, 1005)] {
                field.copy_from_slice(format!("{value:011o}\0").as_bytes());
            }
            gnu.sparse[0].numbytes.copy_from_slice(b"00000000005\0");
        }
        if name == "folder/file" {
            let attributes: [(&str, &[u8]); 2] = [("path", b"folder/renamed"), ("mtime", b"12.5")];
            builder.append_pax_extensions(attributes).expect("memory can be written");
        }
        let added = match link {
            "" => builder.append_data(&mut header, name, contents),
            link => builder.append_link(&mut header, name, link),
        };
        added.expect("memory can be written");
    }
    builder.into_inner().expect("memory can be written")
}

/// Corrects the checksums of all blocks that look like headers, so that damage is not detected by
/// them.
fn fix_checksums(archive: &mut [u8]) {
    for block in archive.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.expect("memory can be written")
}

fn damaged_zip(random: &mut Random) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let methods = [CompressionMethod::Stored, CompressionMethod::Deflated];
    let names = [
        "a-1/x.lua",
        "a-1/in/y.lua",
        "a-1/readme",
        "../z.lua",
        "/etc/w.lua",
        "a-1/in/",
        "a-1\\v.lua",
    ];
    for name in names.iter().take(1 + random.below(names.len())) {
        let options = SimpleFileOptions::default().compression_method(methods[random.below(2)]);
        let text = ["return 1".into(), "return {}".into(), "-- x\n".repeat(1000), "\0".into()];
        let text: &String = &text[random.below(text.len())];
        let written = writer.start_file(*name, options).map_err(io::Error::other);
        written.and_then(|()| writer.write_all(text.as_bytes())).expect("memory can be written");
    }
    let mut bytes = writer.finish().expect("memory can be written").into_inner();
    for _ in 0..random.below(4) {
        // Mostly in the headers, which start with these letters.
        let heads: Vec<usize> = memory_positions(&bytes, b"PK");
        let head = if heads.is_empty() { 0 } else { heads[random.below(heads.len())] };
        let place = head + random.below(48);
        let piece = match random.below(3) {
            0 => vec![0xff; 1 + random.below(8)],
            1 => vec![0; 1 + random.below(4)],
            _ => random.bytes(2),
        };
        let (start, end) = (place.min(bytes.len()), (place + piece.len()).min(bytes.len()));
        bytes[start..end].copy_from_slice(&piece[..end - start]);
    }
    if random.below(6) == 0 {
        damage(random, &mut bytes);
    }
    bytes
}

fn memory_positions(bytes: &[u8], searched: &[u8]) -> Vec<usize> {
    bytes
        .windows(searched.len())
        .enumerate()
        .filter(|(_, window)| *window == searched)
        .map(|(at, _)| at)
        .collect()
}

/// Damages random bytes.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    let place = random.below(bytes.len().max(1));
    match random.below(3) {
        0 => bytes.truncate(place),
        1 => bytes.insert(place, random.below(256) as u8),
        _ => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte = random.below(256) as u8),
    }
}

/// The archive and the extracted files.
pub(crate) struct Memory(Arc<Mutex<Files>>);

struct Files {
    made: HashMap<PathBuf, FileKind>,
    /// The archive's contents.
    archive: Vec<u8>,
    written: usize,
}

impl Default for Memory {
    fn default() -> Self {
        let made = ["/", TARGET].map(|directory| (directory.into(), FileKind::Directory)).into();
        Memory(Arc::new(Mutex::new(Files { made, archive: Vec::new(), written: 0 })))
    }
}

fn is_archive(path: &Path) -> bool {
    path == Path::new("/x.tar") || path == Path::new("/x.zip")
}

impl Memory {
    fn files(&self) -> std::sync::MutexGuard<'_, Files> {
        self.0.lock().expect("a panic ends the process")
    }

    fn make(&self, path: &Path, kind: FileKind) -> io::Result<()> {
        let is_plain =
            path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        assert!(is_plain && path.starts_with(TARGET), "written outside: {}", path.display());
        let mut files = self.files();
        for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(TARGET)) {
            let kind = files.made.get(folder).copied();
            assert!(
                kind == Some(FileKind::Directory),
                "{} is written through: {kind:?}",
                folder.display()
            );
        }
        files.made.insert(path.into(), kind);
        Ok(())
    }
}

impl FileSystem for Memory {
    fn metadata(&self, path: &Path, _: bool) -> io::Result<Metadata> {
        let kind = if is_archive(path) {
            Some(FileKind::File)
        } else {
            self.files().made.get(path).copied()
        };
        let size = if is_archive(path) { self.files().archive.len() as u64 } else { 0 };
        Ok(Metadata { kind: kind.ok_or(io::ErrorKind::NotFound)?, size, ..Metadata::default() })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Source>> {
        if !is_archive(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Box::new(Cursor::new(self.files().archive.clone())))
    }

    fn replace(&self, path: &Path, _: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        if !is_archive(path) {
            self.make(path, FileKind::File)?;
        }
        Ok(Box::new(File {
            files: self.0.clone(),
            is_archive: is_archive(path),
            bytes: Vec::new(),
        }))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.make(path, FileKind::Directory)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files().made.remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn link(&self, target: &Path, path: &Path, symbolic: bool) -> io::Result<()> {
        if !symbolic {
            assert!(
                self.files().made.get(target) == Some(&FileKind::File),
                "a link to {}",
                target.display()
            );
        }
        self.make(path, if symbolic { FileKind::Link } else { FileKind::File })
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.into())
    }

    fn set_times(&self, _: &Path, _: f64, _: f64) -> io::Result<()> {
        Ok(())
    }

    fn set_permissions(&self, _: &Path, _: u32) -> io::Result<()> {
        Ok(())
    }

    fn working_directory(&self) -> io::Result<PathBuf> {
        Ok("/".into())
    }
}

/// A file that is being written.
struct File {
    files: Arc<Mutex<Files>>,
    is_archive: bool,
    bytes: Vec<u8>,
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_archive {
            self.bytes.extend_from_slice(bytes);
        } else {
            let mut files = self.files.lock().expect("a panic ends the process");
            files.written += bytes.len();
            assert!(files.written <= MAX_SIZE, "more is unpacked than is allowed");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Replacement for File {
    fn finish(self: Box<Self>) -> io::Result<()> {
        if self.is_archive {
            self.files.lock().expect("a panic ends the process").archive = self.bytes;
        }
        Ok(())
    }
}
