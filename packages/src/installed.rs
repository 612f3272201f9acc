//! The record of what is installed in `lua_modules`, so that exactly that can be removed.

use crate::constraint::check_name;
use crate::inner_path::InnerPath;
use crate::version::Version;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

/// The directory of installed packages, next to the project file.
pub(crate) const DIRECTORY: &str = "lua_modules";

/// The name of the record in it.
pub(crate) const RECORD: &str = "installed.toml";

/// The installed packages, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Installed(pub(crate) BTreeMap<String, Entry>);

/// An installed package.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its version.
    pub(crate) version: Version,
    /// The SHA-256 of its sources.
    pub(crate) sha256: String,
    /// Its files.
    pub(crate) files: Vec<InnerPath>,
}

impl Installed {
    /// Reads the record of a directory; empty if there is none.
    ///
    /// # Errors
    /// The message, if it is invalid.
    pub(crate) fn read(directory: &Path) -> Result<Installed, String> {
        let path = directory.join(RECORD);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if is_missing(&error) => return Ok(Installed::default()),
            Err(error) => return Err(crate::project::about(&path, &error)),
        };
        Installed::parse(&text).map_err(|why| format!("{}: {why}", path.display()))
    }

    fn parse(text: &str) -> Result<Installed, String> {
        let document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
        let tables = document.get("package").and_then(Item::as_array_of_tables);
        let entries = tables.into_iter().flatten().map(|table| {
            let text = |field: &str| table.get(field).and_then(Item::as_str).unwrap_or_default();
            let name = check_name(text("name"))?.to_string();
            let version = Version::parse(text("version"));
            let version = version.ok_or_else(|| format!("package '{name}' has no version"))?;
            let files = table.get("files").and_then(Item::as_array).into_iter().flatten();
            let files = files.map(|file| InnerPath::check(file.as_str().unwrap_or_default()));
            let files = files.collect::<Result<_, _>>()?;
            Ok((name, Entry { version, sha256: text("sha256").into(), files }))
        });
        entries.collect::<Result<_, String>>().map(Installed)
    }

    /// The text of the record.
    pub(crate) fn text(&self) -> String {
        let mut document = DocumentMut::new();
        document.decor_mut().set_prefix("# What solvm has installed here.\n");
        let mut tables = ArrayOfTables::new();
        for (name, entry) in &self.0 {
            let mut table = Table::new();
            table.insert("name", value(name));
            table.insert("version", value(entry.version.to_string()));
            table.insert("sha256", value(&entry.sha256));
            let mut files = Array::from_iter(entry.files.iter().map(InnerPath::as_str));
            for file in files.iter_mut() {
                file.decor_mut().set_prefix("\n    ");
            }
            files.set_trailing_comma(true);
            files.set_trailing("\n");
            table.insert("files", value(files));
            tables.push(table);
        }
        document.insert("package", Item::ArrayOfTables(tables));
        document.to_string()
    }

    /// The package that has installed a file.
    pub(crate) fn owner(&self, path: &InnerPath) -> Option<&str> {
        let mut packages = self.0.iter();
        packages.find(|(_, entry)| entry.files.contains(path)).map(|(name, _)| &name[..])
    }
}

impl Entry {
    /// Whether all its files exist in a directory.
    pub(crate) fn is_complete(&self, directory: &Path) -> bool {
        self.files.iter().all(|file| file.in_directory(directory).is_file())
    }
}

/// Whether something is missing, also because a part of its path is a file.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let entry = Entry {
            version: Version::parse("1.0-1").unwrap(),
            sha256: "ab".into(),
            files: vec![InnerPath::check("share/lua/5.1/a.lua").unwrap()],
        };
        let installed = Installed(BTreeMap::from([("a".into(), entry)]));
        let read = Installed::parse(&installed.text()).unwrap();
        assert_eq!(read.text(), installed.text());
        assert_eq!(read.owner(&InnerPath::check("share/lua/5.1/a.lua").unwrap()), Some("a"));
        let hostile = installed.text().replace("share/", "../../");
        assert!(Installed::parse(&hostile).is_err());
    }
}
