//! `lfs.attributes` and `lfs.symlinkattributes`.

use solvm_files::{attempt, path_bytes};
use solvm_runtime::host::{FileKind, FileSystem, Metadata};
use solvm_runtime::name::Name;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{IntoLua, Results};
use solvm_vm::{Call, Error, Table, Value};
use std::io;
use std::path::{Path, PathBuf};

/// The names of the attributes.
const NAMES: [&str; 14] = [
    "mode",
    "dev",
    "ino",
    "nlink",
    "uid",
    "gid",
    "rdev",
    "access",
    "modification",
    "change",
    "size",
    "permissions",
    "blocks",
    "blksize",
];

/// The requested attributes.
enum Selection {
    /// A single attribute.
    One(&'static str),
    /// The target of a symbolic link.
    Target,
    /// All of them, as a table.
    All,
}

/// `lfs.attributes(path[, name | table])`: returns metadata of a file.
pub(super) fn attributes<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    _wanted: Option<Value<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    look(call, path, true)
}

/// `lfs.symlinkattributes(path[, name | table])`: returns metadata of a symbolic link itself, with
/// its `target`.
pub(super) fn link_attributes<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    _wanted: Option<Value<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    look(call, path, false)
}

fn look<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    follow: bool,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let selection = call.argument(1).unwrap_or(Value::NIL);
    call.charge_for_string(selection);
    let selection = match (Table::from_value(selection), selection.is_nil()) {
        (Some(_), _) | (None, true) => Selection::All,
        (None, false) => find(call, selection, follow)?,
    };
    let name = path.bytes().to_vec();
    let read = move |files: &dyn FileSystem, path: &Path| {
        let metadata = files.metadata(path, follow)?;
        let target = if follow { None } else { Some(files.read_link(path)) };
        Ok((metadata, target))
    };
    attempt(call, path, read, move |call, result| match result {
        Ok((metadata, target)) => results(call, &selection, &metadata, target),
        Err(error) => {
            let text = [
                b"cannot obtain information from file '",
                &name[..],
                b"': ",
                reason(&error).as_bytes(),
            ]
            .concat();
            failed(call, &text, &error)
        }
    })
}

/// Looks up an attribute by name.
fn find<'c>(call: &mut Call<'c>, name: Value<'c>, follow: bool) -> Result<Selection, Error> {
    let text = call.coerced_string(name);
    let text = text
        .ok_or_else(|| Error::argument(2, format!("string expected, got {}", name.type_name())))?
        .bytes();
    if !follow && text == b"target" {
        return Ok(Selection::Target);
    }
    let known = NAMES.into_iter().find(|known| known.as_bytes() == text);
    known
        .map(Selection::One)
        .ok_or_else(|| Error::text([b"invalid attribute name '", text, b"'"].concat()))
}

fn results<'a>(
    call: &mut Call<'a>,
    selection: &Selection,
    metadata: &Metadata,
    target: Option<io::Result<PathBuf>>,
) -> Result<Vec<Value<'a>>, Error> {
    match selection {
        Selection::One(name) => Ok(vec![attribute(call, name, metadata)?]),
        Selection::Target => match target {
            Some(Ok(target)) => Ok(vec![path_bytes(target).into_lua(call)?]),
            Some(Err(error)) => {
                let text = format!("could not obtain link target: {}", reason(&error));
                failed(call, text.as_bytes(), &error)
            }
            None => Ok(vec![Value::NIL]),
        },
        Selection::All => {
            let given = call.argument(1).and_then(Table::from_value);
            let table = match given {
                Some(table) => table,
                None => call.table(0, NAMES.len() + 1)?,
            };
            for name in NAMES {
                let value = attribute(call, name, metadata)?;
                table.set_field(call, name, value)?;
            }
            if let Some(Ok(target)) = target {
                table.set_field(call, "target", path_bytes(target))?;
            }
            Ok(vec![table.value()])
        }
    }
}

fn failed<'a>(
    call: &mut Call<'a>,
    text: &[u8],
    error: &io::Error,
) -> Result<Vec<Value<'a>>, Error> {
    let text = call.string(&solvm_vm::messages::shorten(text))?.value();
    Ok(vec![Value::NIL, text, Value::number(f64::from(error.raw_os_error().unwrap_or(0)))])
}

fn attribute<'a>(call: &mut Call<'a>, name: &str, metadata: &Metadata) -> Result<Value<'a>, Error> {
    let number = match name {
        "mode" => return mode(metadata.kind).into_lua(call),
        "permissions" => return metadata.permissions_text().into_lua(call),
        "dev" => metadata.device as f64,
        "ino" => metadata.inode as f64,
        "nlink" => metadata.links as f64,
        "uid" => f64::from(metadata.user),
        "gid" => f64::from(metadata.group),
        "rdev" => metadata.special_device as f64,
        // Integers, as in LuaFileSystem.
        "access" => metadata.accessed.floor(),
        "modification" => metadata.modified.floor(),
        "change" => metadata.changed.floor(),
        "blocks" => metadata.blocks as f64,
        "blksize" => metadata.block_size as f64,
        _ => metadata.size as f64,
    };
    Ok(Value::number(number))
}

fn mode(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Directory => "directory",
        FileKind::Link => "link",
        FileKind::Socket => "socket",
        FileKind::Pipe => "named pipe",
        FileKind::CharacterDevice => "char device",
        FileKind::BlockDevice => "block device",
        FileKind::Other => "other",
    }
}
