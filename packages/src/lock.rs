//! The lock file `solvm.lock`: exactly what is installed, with the checksums of what was fetched.
//!
//! It is written whole, sorted by name, so that equal installations have equal files.

use crate::address::Address;
use crate::builtin;
use crate::constraint::{Dependency, check_name};
use crate::server::Origin;
use crate::version::Version;
use std::collections::BTreeMap;
use std::path::Path;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

/// The name of the file.
pub(crate) const NAME: &str = "solvm.lock";

/// The version of the format.
const FORMAT: i64 = 1;

/// The packages of a project.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lock {
    /// By name.
    pub(crate) packages: BTreeMap<String, Locked>,
    /// The SHA-256 of the contents of URLs that programs import.
    pub(crate) imports: BTreeMap<String, String>,
}

/// A package.
#[derive(Clone, Debug)]
pub(crate) struct Locked {
    /// Its version.
    pub(crate) version: Version,
    /// What it needs.
    pub(crate) dependencies: Vec<Dependency>,
    /// Where it is from; None if it is built in.
    pub(crate) fetched: Option<Fetched>,
}

/// The files that a package was installed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// The sources.
    pub(crate) source: Origin,
    /// The rockspec, if it is a file of its own.
    pub(crate) rockspec: Option<Origin>,
}

impl Lock {
    /// Reads the lock file of a project's directory.
    ///
    /// # Errors
    /// The message, if it is invalid.
    pub(crate) fn parse(text: &str, directory: &Path) -> Result<Lock, String> {
        let document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
        if document.get("version").and_then(Item::as_integer) != Some(FORMAT) {
            return Err(format!("its format is not version {FORMAT}, which this SolVM reads"));
        }
        let tables = document.get("package").and_then(Item::as_array_of_tables);
        let packages = tables.into_iter().flatten();
        let packages = packages.map(|table| read_package(table, directory));
        let imports = document.get("import").and_then(Item::as_array_of_tables);
        Ok(Lock {
            packages: packages.collect::<Result<_, _>>()?,
            imports: imports.into_iter().flatten().map(read_import).collect::<Result<_, _>>()?,
        })
    }

    /// The text of the file.
    pub(crate) fn text(&self, directory: &Path) -> String {
        let mut document = DocumentMut::new();
        document.decor_mut().set_prefix("# Written by solvm add, remove, update and install.\n");
        document.insert("version", value(FORMAT));
        let mut tables = ArrayOfTables::new();
        for (name, package) in &self.packages {
            tables.push(package_table(name, package, directory));
        }
        document.insert("package", Item::ArrayOfTables(tables));
        let mut tables = ArrayOfTables::new();
        for (address, sha256) in &self.imports {
            let mut table = Table::new();
            table.insert("address", value(address));
            table.insert("sha256", value(sha256));
            tables.push(table);
        }
        document.insert("import", Item::ArrayOfTables(tables));
        document.to_string()
    }

    /// Leaves out what is not needed.
    pub(crate) fn prune(&mut self, needs: &[Dependency]) {
        let mut reached = BTreeMap::new();
        let mut open: Vec<&str> = needs.iter().map(|need| &need.name[..]).collect();
        while let Some(name) = open.pop() {
            if let Some((name, package)) = self.packages.get_key_value(name)
                && reached.insert(name.clone(), package.clone()).is_none()
            {
                open.extend(package.dependencies.iter().map(|need| &need.name[..]));
            }
        }
        self.packages = reached;
    }

    /// Why the file does not have exactly what is needed. None if it has.
    pub(crate) fn difference(&self, needs: &[Dependency], solvm: &str) -> Option<String> {
        let mut reached = BTreeMap::new();
        let mut open: Vec<(&str, &Dependency)> = needs.iter().map(|need| (solvm, need)).collect();
        while let Some((by, need)) = open.pop() {
            if need.name == builtin::LUA {
                if builtin::version_of(&need.name).is_some_and(|lua| need.constraints.allow(&lua)) {
                    continue;
                }
                return Some(format!("{by} needs {need}, but SolVM is Lua 5.1"));
            }
            let Some((name, package)) = self.packages.get_key_value(&need.name) else {
                return Some(format!("{by} needs {need}, which is not in {NAME}"));
            };
            let is_current = match builtin::version_of(name) {
                Some(version) => package.fetched.is_none() && need.constraints.allow(&version),
                None => package.fetched.is_some() && need.constraints.allow(&package.version),
            };
            if !is_current {
                return Some(format!("{by} needs {need}, but {NAME} has {}", package.version));
            }
            if reached.insert(name, ()).is_none() {
                open.extend(package.dependencies.iter().map(|need| (&name[..], need)));
            }
        }
        let extra = self.packages.keys().find(|name| !reached.contains_key(name));
        extra.map(|name| format!("{NAME} has {name}, which nothing needs"))
    }
}

fn package_table(name: &str, package: &Locked, directory: &Path) -> Table {
    let shown = |address: &Address| address.relative_to(directory);
    let mut table = Table::new();
    table.insert("name", value(name));
    table.insert("version", value(package.version.to_string()));
    match &package.fetched {
        None => drop(table.insert("builtin", value(true))),
        Some(fetched) => {
            table.insert("source", value(shown(&fetched.source.address)));
            table.insert("sha256", value(&fetched.source.sha256));
            if let Some(rockspec) = &fetched.rockspec {
                table.insert("rockspec", value(shown(&rockspec.address)));
                table.insert("rockspec-sha256", value(&rockspec.sha256));
            }
        }
    }
    if !package.dependencies.is_empty() {
        let texts = package.dependencies.iter().map(|dependency| dependency.to_string());
        table.insert("dependencies", value(Array::from_iter(texts)));
    }
    table
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn read_import(table: &Table) -> Result<(String, String), String> {
    let text = |field: &str| table.get(field).and_then(Item::as_str);
    let address = text("address").ok_or("an import has no address")?;
    let sha256 = text("sha256").filter(|text| is_digest(text));
    let sha256 = sha256.ok_or_else(|| format!("import '{address}' has no valid 'sha256'"))?;
    Ok((address.into(), sha256.into()))
}

fn read_package(table: &Table, directory: &Path) -> Result<(String, Locked), String> {
    let text = |field: &str| table.get(field).and_then(Item::as_str);
    let name = check_name(text("name").unwrap_or_default())?.to_string();
    let missing = |field: &str| format!("package '{name}' has no valid '{field}'");
    let version = text("version").and_then(Version::parse).ok_or_else(|| missing("version"))?;
    let origin = |address: &str, sha256: &str| -> Result<Origin, String> {
        let missing_address = || missing(address);
        Ok(Origin {
            address: Address::in_directory(text(address).ok_or_else(missing_address)?, directory)?,
            sha256: text(sha256)
                .filter(|text| is_digest(text))
                .ok_or_else(|| missing(sha256))?
                .into(),
        })
    };
    let is_builtin = table.get("builtin").and_then(Item::as_bool) == Some(true);
    let fetched = if is_builtin {
        None
    } else {
        let has_rockspec = table.contains_key("rockspec");
        let rockspec = has_rockspec.then(|| origin("rockspec", "rockspec-sha256")).transpose()?;
        Some(Fetched { source: origin("source", "sha256")?, rockspec })
    };
    let listed = table.get("dependencies").and_then(Item::as_array);
    let dependencies = listed.into_iter().flatten().map(|dependency| {
        Dependency::parse(dependency.as_str().ok_or_else(|| missing("dependencies"))?)
    });
    let dependencies = dependencies.collect::<Result<_, _>>()?;
    Ok((name, Locked { version, dependencies, fetched }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let origin = |name: &str| Origin {
            address: Address::parse(&format!("https://x.org/{name}")).unwrap(),
            sha256: "0123456789abcdef".repeat(4),
        };
        let package = |version: &str, dependencies: &[&str], fetched| Locked {
            version: Version::parse(version).unwrap(),
            dependencies: dependencies
                .iter()
                .map(|text| Dependency::parse(text).unwrap())
                .collect(),
            fetched,
        };
        let fetched = |name: &str, rockspec: Option<&str>| {
            Some(Fetched { source: origin(name), rockspec: rockspec.map(origin) })
        };
        let packages = [
            ("b", package("1.0-1", &[], fetched("b.src.rock", None))),
            (
                "a",
                package("2.0-1", &["b >= 1", "lua", "lpeg"], fetched("a.zip", Some("a.rockspec"))),
            ),
            ("lpeg", package("1.1.0", &[], None)),
        ];
        let packages = packages.map(|(name, package)| (name.to_string(), package));
        let url = "https://x.org/m.lua".to_string();
        Lock {
            packages: packages.into_iter().collect(),
            imports: BTreeMap::from([(url, "f".repeat(64))]),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = Path::new("/project");
        let text = lock().text(directory);
        assert!(text.starts_with("# Written by solvm add"), "{text}");
        let read = Lock::parse(&text, directory).unwrap();
        assert_eq!(read.text(directory), text);
        assert_eq!(read.imports, lock().imports);
        assert_eq!(read.packages["a"].fetched, lock().packages["a"].fetched);
        assert!(read.packages["lpeg"].fetched.is_none());
        for (from, to) in [
            ("version = 1\n", "version = 2\n"),
            ("name = \"a\"", "name = \"../a\""),
            ("sha256 = \"0", "sha256 = \""),
            ("https:", "ftp:"),
            ("\"b >= 1\"", "1"),
            ("[[package]]", "[[package"),
        ] {
            assert!(Lock::parse(&text.replacen(from, to, 1), directory).is_err(), "{to}");
        }
    }

    #[test]
    fn differences() {
        let difference = |needs: &[&str]| {
            let needs: Vec<_> = needs.iter().map(|text| Dependency::parse(text).unwrap()).collect();
            lock().difference(&needs, "solvm.toml").unwrap_or_default()
        };
        assert_eq!(difference(&["a"]), "");
        assert_eq!(difference(&["a", "c"]), "solvm.toml needs c, which is not in solvm.lock");
        assert_eq!(difference(&["a >= 3"]), "solvm.toml needs a >= 3, but solvm.lock has 2.0-1");
        assert_eq!(difference(&["b"]), "solvm.lock has a, which nothing needs");
        assert_eq!(difference(&["a", "lua < 5"]), "solvm.toml needs lua < 5, but SolVM is Lua 5.1");
    }
}
