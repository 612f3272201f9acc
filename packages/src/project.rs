//! The project file `solvm.toml`: the packages that a project needs, and where they are from.
//!
//! It belongs to the user: it is edited in place, so that comments and order stay.

use crate::address::Address;
use crate::constraint::{Constraints, Dependency, check_name};
use crate::server;
use solvm_runtime::host::{PROJECT_FILE, project_file};
use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};
use toml_edit::{DocumentMut, Item, Table, Value, value};

/// The name of the file.
pub(crate) const NAME: &str = PROJECT_FILE;

/// The tables of the file that packages concern.
const DEPENDENCIES: &str = "dependencies";
const PACKAGES: &str = "packages";

/// A project.
#[derive(Debug)]
pub(crate) struct Project {
    /// Its directory.
    pub(crate) directory: PathBuf,
    document: DocumentMut,
    /// The text of the file before it was edited.
    old_text: String,
    /// Whether the file exists.
    pub(crate) exists: bool,
}

impl Project {
    /// Finds the project of a directory: that of the file there or, in a repository, of the nearest
    /// one above.
    ///
    /// # Errors
    /// The message, if the file is invalid.
    pub(crate) fn find(directory: &Path) -> Result<Project, String> {
        let absolute = path::absolute(directory).map_err(|error| about(directory, &error))?;
        match project_file(&absolute)? {
            Some(file) => Project::open(file.parent().unwrap_or(&absolute)),
            None => Project::open(&absolute),
        }
    }

    fn open(directory: &Path) -> Result<Project, String> {
        let path = directory.join(NAME);
        let (text, exists) = match fs::read_to_string(&path) {
            Ok(text) => (text, true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (String::new(), false),
            Err(error) => return Err(about(&path, &error)),
        };
        let invalid = |why: String| format!("{}: {why}", path.display());
        let document = text.parse().map_err(|error| invalid(format!("{error}")))?;
        let project = Project { directory: directory.into(), document, old_text: text, exists };
        project.dependencies().and_then(|_| project.servers()).map_err(invalid)?;
        Ok(project)
    }

    /// The packages that it needs.
    ///
    /// # Errors
    /// The message, if the table is invalid.
    pub(crate) fn dependencies(&self) -> Result<Vec<Dependency>, String> {
        let Some(item) = self.document.get(DEPENDENCIES) else { return Ok(Vec::new()) };
        let table = item.as_table_like().ok_or("'dependencies' is not a table")?;
        let dependencies = table.iter().map(|(name, constraints)| {
            let constraints = constraints.as_str().ok_or_else(|| {
                format!("dependency '{name}' must be a string, such as \">= 1.0, < 2\"")
            })?;
            let name = check_name(name)?.to_ascii_lowercase();
            Ok(Dependency { name, constraints: Constraints::parse(constraints)? })
        });
        dependencies.collect()
    }

    /// The servers that its packages are from.
    ///
    /// # Errors
    /// The message, if the list is invalid.
    pub(crate) fn servers(&self) -> Result<Vec<Address>, String> {
        let listed = match self.document.get(PACKAGES) {
            None => None,
            Some(item) => item.as_table_like().ok_or("'packages' is not a table")?.get("servers"),
        };
        let Some(listed) = listed else { return Ok(vec![Address::parse(server::DEFAULT)?]) };
        const EXPECTED: &str = "'servers' must be a list of addresses";
        let addresses = listed.as_array().ok_or(EXPECTED)?.iter().map(|address| {
            let address = address.as_str().ok_or(EXPECTED)?;
            // Relative to the file, wherever the command is called.
            Address::in_directory(address, &self.directory)
        });
        addresses.collect()
    }

    /// Sets the constraints of a dependency.
    pub(crate) fn set(&mut self, name: &str, constraints: &str) {
        let item = self.document.entry(DEPENDENCIES).or_insert_with(|| Item::Table(Table::new()));
        let Some(table) = item.as_table_like_mut() else { return };
        let key = key_of(table, name).unwrap_or_else(|| name.to_string());
        match table.get_mut(&key).and_then(Item::as_value_mut) {
            Some(old) => {
                let decor = old.decor().clone();
                *old = Value::from(constraints);
                *old.decor_mut() = decor;
            }
            None => drop(table.insert(&key, value(constraints))),
        }
    }

    /// Removes a dependency. False if there is none of that name.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let item = self.document.get_mut(DEPENDENCIES);
        let Some(table) = item.and_then(Item::as_table_like_mut) else { return false };
        key_of(table, name).and_then(|key| table.remove(&key)).is_some()
    }

    /// The text that the file has. None if it does not exist.
    pub(crate) fn old_text(&self) -> Option<&str> {
        self.exists.then_some(&self.old_text)
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        self.document.to_string()
    }
}

/// The key of a package, in the case in which the user wrote it.
fn key_of(table: &dyn toml_edit::TableLike, name: &str) -> Option<String> {
    let mut keys = table.iter().map(|(key, _)| key.to_string());
    keys.find(|key| key.eq_ignore_ascii_case(name))
}

/// The message about a file.
pub(crate) fn about(path: &Path, error: &io::Error) -> String {
    format!("{}: {}", path.display(), solvm_runtime::system_error::reason(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(text: &str) -> Result<Project, String> {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(NAME), text).unwrap();
        Project::open(directory.path())
    }

    #[test]
    fn comments_survive() {
        let text = "# mine\n[run]\ntimeout = \"5s\"\n\n[dependencies] # needed\n\
                    Penlight = \">= 1\" # for lists\nb = \"*\"\n";
        let mut project = project(text).unwrap();
        assert_eq!(project.dependencies().unwrap()[0].to_string(), "penlight >= 1");
        project.set("penlight", ">= 2");
        project.set("c", "~> 1.2");
        assert!(project.remove("b") && !project.remove("b"));
        assert_eq!(
            project.text(),
            "# mine\n[run]\ntimeout = \"5s\"\n\n[dependencies] # needed\n\
             Penlight = \">= 2\" # for lists\nc = \"~> 1.2\"\n"
        );
    }

    #[test]
    fn what_is_invalid_is_named() {
        for (text, why) in [
            ("dependencies = 1", "'dependencies' is not a table"),
            ("[dependencies]\na = 1", "dependency 'a' must be a string"),
            ("[dependencies]\na = '=> 1'", "invalid constraint '=> 1'"),
            ("[dependencies]\n'../a' = '1'", "invalid package name '../a'"),
            ("[packages]\nservers = 'x'", "'servers' must be a list of addresses"),
            ("[packages]\nservers = ['ftp://x']", "must start with"),
            ("[packages", "TOML parse error"),
        ] {
            let message = project(text).unwrap_err();
            assert!(message.contains("solvm.toml: ") && message.contains(why), "{message}");
        }
    }

    #[test]
    fn the_default_server() {
        let servers = project("").unwrap().servers().unwrap();
        assert_eq!(servers, [Address::parse(server::DEFAULT).unwrap()]);
        let project = project("[packages]\nservers = ['rocks', 'https://x.org']").unwrap();
        assert_eq!(project.servers().unwrap()[0], Address::File(project.directory.join("rocks")));
    }
}
