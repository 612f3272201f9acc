//! Modules in archives. Their sources are Lua strings, so they count towards the memory limit.

use super::archive::Members;
use super::location::Location;
use super::module::Module;
use solvm_runtime::registry::registry_table;
use solvm_vm::native::asynchronous::Lua;
use solvm_vm::{Call, Error, LuaString, Table};
use std::path::{Component, Path};

/// The registry key of the table of sources: by archive name, then by path.
const ARCHIVES: &str = "imported archives";

/// Returns a path relative to another one in the same archive. None if it leads out of it.
pub(super) fn joined(beside: &str, path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = beside.split('/').collect();
    parts.pop();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// Finds a module in an archive.
pub(super) fn find(lua: &Lua, archive: &str, path: &str) -> Option<Module> {
    lua.with(|call| size_of(call, archive, path))?;
    let location = Location::Member { archive: archive.into(), path: path.into() };
    let key = location.name();
    Some(Module { location, key })
}

/// Returns the source of a module in an archive.
pub(super) fn text_of(call: &mut Call, archive: &str, path: &str) -> Option<Vec<u8>> {
    string_of(call, archive, path).map(|text| text.bytes().to_vec())
}

/// Returns the length of that source.
pub(super) fn size_of(call: &mut Call, archive: &str, path: &str) -> Option<usize> {
    string_of(call, archive, path).map(|text| text.bytes().len())
}

fn string_of<'c>(call: &mut Call<'c>, archive: &str, path: &str) -> Option<LuaString<'c>> {
    let (archive, path) =
        (call.string(archive.as_bytes()).ok()?, call.string(path.as_bytes()).ok()?);
    let members = Table::from_value(registry_table(call, ARCHIVES).ok()?.get(archive))?;
    LuaString::from_value(members.get(path))
}

/// Stores the sources of an archive.
pub(super) fn keep(call: &mut Call, archive: &str, members: Members) -> Result<(), Error> {
    let texts = call.table(0, members.len())?;
    for (path, text) in members {
        texts.set_field(call, &path, text)?;
    }
    registry_table(call, ARCHIVES)?.set_field(call, archive, texts)
}

/// Splits a chunk name into an archive and a path in it, if it has that form.
pub(super) fn split(call: &mut Call, name: &str) -> Result<Option<(String, String)>, Error> {
    let archives = registry_table(call, ARCHIVES)?;
    let archives = archives.pairs().filter_map(|(archive, _)| LuaString::from_value(archive));
    Ok(archives.map(|archive| String::from_utf8_lossy(archive.bytes()).into_owned()).find_map(
        |archive| {
            Some((archive.clone(), name.strip_prefix(&archive)?.strip_prefix('/')?.to_string()))
        },
    ))
}

/// Returns the sorted paths of an archive's Lua files.
fn paths_of(lua: &Lua, archive: &str) -> Result<Vec<String>, Error> {
    lua.with(|call| {
        let archive = call.string(archive.as_bytes())?;
        let members = Table::from_value(registry_table(call, ARCHIVES)?.get(archive));
        let keys = members.iter().flat_map(|members| members.pairs()).map(|(path, _)| path);
        let mut paths: Vec<String> = keys
            .filter_map(LuaString::from_value)
            .map(|path| String::from_utf8_lossy(path.bytes()).into_owned())
            .collect();
        paths.sort();
        Ok(paths)
    })
}

/// Returns the modules directly in a directory of an archive. None if there are none.
pub(super) fn in_directory(
    lua: &Lua,
    archive: &str,
    directory: &str,
) -> Result<Option<Vec<Module>>, Error> {
    let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
    let mut modules = Vec::new();
    for path in paths_of(lua, archive)? {
        if path.strip_prefix(&prefix).is_some_and(|name| !name.contains('/')) {
            modules.extend(find(lua, archive, &path));
        }
    }
    Ok((!modules.is_empty()).then_some(modules))
}

/// Returns the error for a directory of an archive without modules; it names those that have some.
pub(super) fn no_modules_error(lua: &Lua, archive: &str, within: &str) -> Result<Error, Error> {
    let mut directories: Vec<String> =
        paths_of(lua, archive)?.iter().map(|path| directory_of(path)).collect();
    directories.sort();
    directories.dedup();
    let location =
        if within.is_empty() { archive.to_string() } else { format!("{archive}/{within}") };
    let hint = match directories.len() {
        0 => "the archive contains no Lua files".to_string(),
        _ => format!("try {}", directories.join(", ")),
    };
    Ok(Error::text(format!("no Lua files in '{location}': {hint}")))
}

/// Returns the directory of a member.
fn directory_of(path: &str) -> String {
    path.rsplit_once('/').map_or("the archive itself", |(directory, _)| directory).to_string()
}
