//! Extracts damaged archives into a file system that checks all writes.

use super::extract;
use super::read_list;
use solvm_runtime::host::{FileKind, FileSystem, Metadata, Names, Progress, Replacement, Source};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};
use tar::{Builder, EntryType, Header};

/// An archive, and the extracted directories, links and files by path.
struct Memory {
    archive: Vec<u8>,
    made: Arc<Mutex<BTreeMap<PathBuf, FileKind>>>,
}

/// The target directory.
const TARGET: &str = "/target";

impl Memory {
    fn new(archive: Vec<u8>) -> Memory {
        let made = BTreeMap::from([(PathBuf::from(TARGET), FileKind::Directory)]);
        Memory { archive, made: Arc::new(Mutex::new(made)) }
    }

    fn make(&self, path: &Path, kind: FileKind) -> io::Result<()> {
        let is_plain =
            path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        assert!(
            is_plain && path.starts_with(TARGET) && path != Path::new(TARGET),
            "{}",
            path.display()
        );
        let mut made = self.made.lock().unwrap();
        let parents = path.ancestors().skip(1).take_while(|folder| folder.starts_with(TARGET));
        for folder in parents {
            assert_eq!(
                made.get(folder),
                Some(&FileKind::Directory),
                "{} is written through",
                folder.display()
            );
        }
        made.insert(path.into(), kind);
        Ok(())
    }
}

impl FileSystem for Memory {
    fn metadata(&self, path: &Path, _: bool) -> io::Result<Metadata> {
        let kind = self.made.lock().unwrap().get(path).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(Metadata { kind, ..Metadata::default() })
    }

    fn read_directory(&self, _: &Path) -> io::Result<Names> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open(&self, _: &Path) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(Cursor::new(self.archive.clone())))
    }

    fn replace(&self, path: &Path, _: Option<u32>) -> io::Result<Box<dyn Replacement>> {
        self.make(path, FileKind::File)?;
        Ok(Box::new(Nothing))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.make(path, FileKind::Directory)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.made
            .lock()
            .unwrap()
            .remove(path)
            .map(drop)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn link(&self, _: &Path, path: &Path, symbolic: bool) -> io::Result<()> {
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
}

struct Nothing;

impl Write for Nothing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Replacement for Nothing {
    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

fn packed() -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let long = "long/".repeat(40) + "name";
    for (kind, name, link) in [
        (EntryType::Directory, "folder/", ""),
        (EntryType::Regular, "folder/file", ""),
        (EntryType::Symlink, "folder/link", "file"),
        (EntryType::Link, "hard", "folder/file"),
        (EntryType::Regular, &long, ""),
        (EntryType::Symlink, "up", "folder"),
    ] {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(if kind == EntryType::Regular { 5 } else { 0 });
        if link.is_empty() {
            let contents: &[u8] = if kind == EntryType::Regular { b"hello" } else { b"" };
            builder.append_data(&mut header, name, contents).unwrap();
        } else {
            builder.append_link(&mut header, name, link).unwrap();
        }
    }
    builder.into_inner().unwrap()
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

#[test]
fn damaged_archives_write_nothing_outside() {
    let archive = packed();
    let sound = Memory::new(archive.clone());
    extract::extract(&sound, Path::new("x.tar"), Path::new(TARGET), 1 << 20, &Progress::default())
        .unwrap();
    assert_eq!(
        sound.made.lock().unwrap().get(Path::new("/target/folder/link")),
        Some(&FileKind::Link)
    );
    let pieces: [&[u8]; 10] = [
        b"../",
        b"/",
        b"up/x",
        b"..",
        b"\0",
        b"2",
        b"1",
        b"L",
        b"x",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    let mut state: u64 = 1;
    let mut next = move |limit: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % limit
    };
    let mut unpacked = 0;
    for _ in 0..5_000 {
        let mut damaged = archive.clone();
        for _ in 0..=next(4) {
            // Mostly in the names, types and links of headers.
            let block = next(damaged.len() / 512) * 512;
            let place = block + [0, 0, 156, 157, 124, next(512)][next(6)];
            let piece = if next(2) == 0 {
                pieces[next(pieces.len())].to_vec()
            } else {
                vec![next(256) as u8]
            };
            let end = (place + piece.len()).min(damaged.len());
            damaged[place..end].copy_from_slice(&piece[..end - place]);
        }
        if next(8) > 0 {
            fix_checksums(&mut damaged);
        }
        let files = Memory::new(damaged);
        // `Memory` asserts that everything is inside.
        unpacked += usize::from(
            extract::extract(
                &files,
                Path::new("x.tar"),
                Path::new(TARGET),
                1 << 20,
                &Progress::default(),
            )
            .is_ok(),
        );
        let mut held = solvm_vm::Account::new(usize::MAX).hold_nothing();
        let _ = read_list(&files, Path::new("x.tar"), &mut held);
    }
    assert!((250..4_750).contains(&unpacked), "{unpacked} of them were sound");
}
