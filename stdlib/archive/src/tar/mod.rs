//! `tar`: archives, plain or compressed with gzip.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod create;
mod extract;
mod read;
#[cfg(test)]
mod tests;

use read::{Reader, invalid_archive};
use solvm_files::{describe, perform};
use solvm_runtime::host::{FileKind, FileSystem, Metadata, Progress, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::options::Options;
use solvm_runtime::progress;
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, Held, LuaString, Table, Value};
use std::io;
use std::path::{Path, PathBuf};
use tar::EntryType;

/// The library `tar`.
pub static LIBRARY: Library = solvm_vm::library!("tar" {
    "create" => create_archive,
    "extract" => extract_archive,
    "list" => list,
});

/// `tar.create(archive, source[, compress | options])`: packs the contents of a directory, a file,
/// or a list of files.
fn create_archive<'c>(
    call: &mut Call<'c>,
    archive: Name<'c>,
    source: Value<'c>,
    third: Option<Value<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let sources = if let Some(source) = LuaString::from_value(source) {
        let source = Name::argument(source, 2)?;
        // It is processed several times.
        call.charge(source.bytes().len() / 2);
        create::Sources::One(path_of(source.bytes()))
    } else if let Some(list) = Table::from_value(source) {
        create::Sources::Several(paths(list)?)
    } else {
        return Err(Error::argument(
            2,
            format!("string or table expected, got {}", source.type_name()),
        ));
    };
    let is_compressed =
        |name: &[u8]| [&b".gz"[..], b".tgz"].iter().any(|ending| name.ends_with(ending));
    let third = third.unwrap_or(Value::NIL);
    let (compress, options) = match (third.as_boolean(), Table::from_value(third)) {
        (Some(compress), _) => (Some(compress), Options::new(None, 3, &[])?),
        (None, table) if table.is_some() || third.is_nil() => {
            let options = Options::new(table, 3, &["compress", "progress"])?;
            (options.boolean(call, "compress")?, options)
        }
        _ => {
            return Err(Error::argument(
                3,
                format!("boolean or table expected, got {}", third.type_name()),
            ));
        }
    };
    let compress = compress.unwrap_or_else(|| is_compressed(archive.bytes()));
    let progress = progress::unless_disabled(call, &options)?;
    let create = move |files: &dyn FileSystem, archive: &Path| {
        create::create(files, archive, &sources, compress, &progress)
    };
    perform(call, archive, create, solvm_files::done)
}

/// Reads the paths in a list.
fn paths(list: Table) -> Result<Vec<PathBuf>, Error> {
    let path = |index: usize| {
        let value = list.get(index);
        let wrong =
            || format!("string expected at index {index} of the list, got {}", value.type_name());
        let path = LuaString::from_value(value).ok_or_else(wrong).and_then(Name::check);
        path.map(|path| path_of(path.bytes())).map_err(|text| Error::argument(2, text))
    };
    (1..=list.length()).map(path).collect()
}

/// `tar.extract(archive, directory[, options])`: extracts an archive into a directory.
fn extract_archive<'c>(
    call: &mut Call<'c>,
    archive: Name<'c>,
    directory: Name<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let options = Options::new(options, 3, &["max_size", "progress"])?;
    let max_size = options.size(call, "max_size")?.map_or(extract::MAX_SIZE, |size| size as u64);
    let progress = progress::unless_disabled(call, &options)?;
    let directory = path_of(directory.bytes());
    let extract = move |files: &dyn FileSystem, archive: &Path| {
        extract::extract(files, archive, &directory, max_size, &progress)
    };
    perform(call, archive, extract, solvm_files::done)
}

/// Maximum total length of the listed names.
const MAX_NAMES: usize = 64 << 20;

/// An entry of the listing.
struct Listed {
    name: Vec<u8>,
    kind: EntryType,
    metadata: Metadata,
    link: Option<Vec<u8>>,
}

/// `tar.list(archive)`: lists an archive.
fn list<'c>(call: &mut Call<'c>, archive: Name<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let mut held = call.account().hold_nothing();
    let read = move |files: &dyn FileSystem, archive: &Path| {
        read_list(files, archive, &mut held).map(|entries| (entries, held))
    };
    perform(call, archive, read, |call, (entries, _held)| {
        let table = call.table(entries.len(), 0)?;
        for (index, entry) in (1..).zip(entries) {
            let about = describe(call, &entry.name, &entry.metadata)?;
            about.set_field(call, "type", type_name(entry.kind))?;
            about.set_field(call, "link", entry.link)?;
            table.set_index(call, index, about.value())?;
            call.charge(4);
        }
        Ok(vec![table.value()])
    })
}

fn read_list(files: &dyn FileSystem, archive: &Path, held: &mut Held) -> io::Result<Vec<Listed>> {
    let mut entries = Vec::new();
    let mut left = MAX_NAMES;
    Reader::open(files, archive, &Progress::default())?.each(|entry| {
        let header = entry.header();
        let kind = header.entry_type();
        let metadata = Metadata {
            kind: match kind {
                EntryType::Directory => FileKind::Directory,
                EntryType::Symlink => FileKind::Link,
                EntryType::Fifo => FileKind::Pipe,
                EntryType::Char => FileKind::CharacterDevice,
                EntryType::Block => FileKind::BlockDevice,
                _ => FileKind::File,
            },
            size: entry.size(),
            permissions: header.mode().map_err(invalid_archive)? & 0o7777,
            modified: header.mtime().map_err(invalid_archive)? as f64,
            ..Metadata::default()
        };
        let link = entry.link_name_bytes().map(|link| link.into_owned());
        let size = entry.path_bytes().len().saturating_add(link.as_ref().map_or(0, Vec::len));
        left = left
            .checked_sub(size)
            .ok_or_else(|| io::Error::other("the names in the archive are too long"))?;
        /// The table of entries may allocate twice its length.
        const ENTRY: usize = 2 * size_of::<Listed>();
        let size = size.saturating_add(ENTRY);
        held.grow(size)?;
        entries.push(Listed { name: entry.path_bytes().into_owned(), kind, metadata, link });
        Ok(())
    })?;
    Ok(entries)
}

fn type_name(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => "file",
        EntryType::Directory => "directory",
        EntryType::Symlink => "symlink",
        EntryType::Link => "link",
        EntryType::Fifo => "pipe",
        EntryType::Char | EntryType::Block => "device",
        _ => "other",
    }
}
