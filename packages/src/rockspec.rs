//! A rockspec: what a rock is called, needs, comes from and installs.
//!
//! What SolVM cannot install is refused here, before anything else is fetched: a rock that needs a
//! compiler, a build tool, patches or another platform.

use crate::builtin;
use crate::constraint::{Dependency, check_name};
use crate::evaluate::globals_of;
use crate::inner_path::InnerPath;
use crate::tree::{Branch, Tree};
use crate::version::Version;

/// A rockspec that can be installed.
#[derive(Debug)]
pub(crate) struct Rockspec {
    /// The name of the rock.
    pub(crate) name: String,
    /// Its version, with the revision.
    pub(crate) version: Version,
    /// The packages that it needs.
    pub(crate) dependencies: Vec<Dependency>,
    /// Where its sources are.
    pub(crate) source: SourceTable,
    /// What is installed of them.
    pub(crate) build: Build,
}

/// The table `source`.
#[derive(Debug, Default)]
pub(crate) struct SourceTable {
    /// The address.
    pub(crate) url: String,
    /// The name of the file, where it is not the end of the address.
    pub(crate) file: Option<String>,
    /// The directory in the archive.
    pub(crate) directory: Option<String>,
    /// The MD5 of the file, in hexadecimal digits.
    pub(crate) md5: Option<String>,
    /// The tag of a repository.
    pub(crate) tag: Option<String>,
}

/// The table `build`. Paths are in the sources.
#[derive(Debug, Default)]
pub(crate) struct Build {
    /// The files of modules, by the modules' names. None: all that look like modules.
    pub(crate) modules: Option<Vec<(String, InnerPath)>>,
    /// More modules; one without a name keeps that of its file.
    pub(crate) lua: Vec<(Option<String>, InnerPath)>,
    /// Scripts, which are installed under their name or that of their file.
    pub(crate) scripts: Vec<(Option<String>, InnerPath)>,
    /// Configuration files.
    pub(crate) configuration: Vec<(Option<String>, InnerPath)>,
    /// Directories that are copied.
    pub(crate) directories: Vec<InnerPath>,
}

impl Rockspec {
    /// Reads a rockspec, which must be that of a rock and version.
    ///
    /// # Errors
    /// The message, if it is invalid or of a rock that cannot be installed.
    pub(crate) fn read(code: &[u8], name: &str, version: &Version) -> Result<Rockspec, String> {
        let file = format!("{name}-{version}.rockspec");
        let invalid = |why: String| format!("cannot read {file}: {why}");
        let globals = globals_of(code, &file).map_err(invalid)?;
        let of_platform = |field: &str| -> Result<Branch, String> {
            let mut branch = globals.branch(field)?.cloned().unwrap_or_default();
            let platforms = branch.remove("platforms");
            if let Some(Tree::Table(platforms)) = platforms {
                for platform in PLATFORMS {
                    if let Some(own) = platforms.branch(platform)? {
                        branch.overlay(own);
                    }
                }
            }
            Ok(branch)
        };
        check_identity(&globals, name, version).map_err(invalid)?;
        check_platform(&globals).map_err(|why| format!("cannot install {name}: {why}"))?;
        let dependencies = of_platform("dependencies").and_then(|branch| {
            branch.texts("dependencies")?.into_iter().map(Dependency::parse).collect()
        });
        let source = of_platform("source").and_then(|branch| read_source(&branch));
        let build = of_platform("build").map_err(invalid)?;
        let format = globals.text("rockspec_format").map_err(invalid)?.unwrap_or("1.0");
        Ok(Rockspec {
            name: name.into(),
            version: version.clone(),
            dependencies: dependencies.map_err(invalid)?,
            source: source.map_err(invalid)?,
            build: read_build(&build, name, format)?,
        })
    }
}

/// The platforms that this is, the general ones first.
const PLATFORMS: &[&str] = if cfg!(windows) {
    &["win32", "windows"]
} else if cfg!(target_os = "macos") {
    &["unix", "bsd", "macosx", "macos"]
} else {
    &["unix", "linux"]
};

fn check_identity(globals: &Branch, name: &str, version: &Version) -> Result<(), String> {
    let (own_name, own_version) = (globals.text("package")?, globals.text("version")?);
    let is_ours = |own: &str| own.eq_ignore_ascii_case(name) && check_name(own).is_ok();
    if !own_name.is_some_and(is_ours) {
        return Err(format!("it is not of '{name}' (package = '{}')", own_name.unwrap_or("")));
    }
    if own_version.and_then(Version::parse).is_none_or(|own| !own.is_same(version)) {
        return Err(format!("it is not of version {version}"));
    }
    Ok(())
}

fn check_platform(globals: &Branch) -> Result<(), String> {
    let Some(supported) = globals.branch("supported_platforms")? else { return Ok(()) };
    let names = supported.texts("supported_platforms")?;
    let is_refused = |name: &&str| name.strip_prefix('!').is_some_and(is_this);
    let is_this_one = |name: &&str| is_this(name);
    let has_others = names.iter().any(|name| !name.starts_with('!'));
    if names.iter().any(is_refused) || has_others && !names.iter().any(is_this_one) {
        return Err(format!("it supports only the platforms {}", names.join(", ")));
    }
    Ok(())
}

fn is_this(platform: &str) -> bool {
    PLATFORMS.contains(&platform)
}

fn read_source(branch: &Branch) -> Result<SourceTable, String> {
    let text = |name| branch.text(name).map(|text| text.map(String::from));
    Ok(SourceTable {
        url: text("url")?.ok_or("it has no source.url")?,
        file: text("file")?,
        directory: text("dir")?,
        md5: text("md5")?,
        tag: text("tag")?,
    })
}

/// Reads the table `build`. The error is the whole message.
fn read_build(branch: &Branch, name: &str, format: &str) -> Result<Build, String> {
    let invalid = |why: String| format!("cannot read the rockspec of {name}: {why}");
    match branch.text("type").map_err(invalid)?.unwrap_or("builtin") {
        "builtin" | "module" | "none" => {}
        other => return Err(builtin::refusal(name, &format!("it is built by '{other}'"))),
    }
    if branch.get("patches").is_some() {
        return Err(builtin::refusal(name, "its sources have to be patched"));
    }
    let empty = Branch::default();
    let mut build = Build::default();
    match branch.branch("modules").map_err(invalid)? {
        Some(modules) => {
            let modules = modules.fields().map(|(module, file)| match file {
                Tree::Text(file) if has_extension(file, "lua") => {
                    InnerPath::check(file).map(|file| (module.into(), file)).map_err(invalid)
                }
                _ => Err(builtin::refusal(name, &format!("module '{module}' is written in C"))),
            });
            build.modules = Some(modules.collect::<Result<_, _>>()?);
        }
        // Since format 3.0 the sources are searched for modules.
        None if is_before_3(format) => build.modules = Some(Vec::new()),
        None => {}
    }
    let install = branch.branch("install").map_err(invalid)?.unwrap_or(&empty);
    if install.branch("lib").map_err(invalid)?.is_some_and(|lib| *lib != empty) {
        return Err(builtin::refusal(name, "it installs a C library"));
    }
    build.lua = read_files(install, "lua").map_err(invalid)?;
    build.scripts = read_files(install, "bin").map_err(invalid)?;
    build.configuration = read_files(install, "conf").map_err(invalid)?;
    if let Some(directories) = branch.branch("copy_directories").map_err(invalid)? {
        let names = directories.texts("copy_directories").map_err(invalid)?;
        let paths = names.into_iter().map(InnerPath::check).collect::<Result<_, _>>();
        build.directories = paths.map_err(invalid)?;
    }
    Ok(build)
}

fn is_before_3(format: &str) -> bool {
    format.starts_with("1.") || format.starts_with("2.")
}

/// The files of a part of `build.install`, with the names that they get.
fn read_files(install: &Branch, part: &str) -> Result<Vec<(Option<String>, InnerPath)>, String> {
    let Some(files) = install.branch(part)? else { return Ok(Vec::new()) };
    let listed = files.list.iter().map(|file| (None, file));
    let named = files.fields().map(|(name, file)| (Some(name.into()), file));
    let read = listed.chain(named).map(|(name, file)| match file {
        Tree::Text(file) => Ok((name, InnerPath::check(file)?)),
        _ => Err(format!("build.install.{part} has a value that is not a string")),
    });
    read.collect()
}

/// Whether a path has an extension.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(stem, own)| !stem.is_empty() && own == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rest: &str) -> Result<Rockspec, String> {
        let code = format!(
            "package = 'a' version = '1.0-1' source = {{ url = 'http://x/a-1.0.tar.gz' }} {rest}"
        );
        Rockspec::read(code.as_bytes(), "a", &Version::parse("1.0-1").unwrap())
    }

    #[test]
    fn pure_rocks_are_read() {
        let spec = read(
            "dependencies = { 'lua >= 5.1', 'b ~> 2', platforms = { windows = { 'c' } } }
             build = { type = 'builtin', modules = { ['a.b'] = 'src/b.lua' },
                install = { bin = { 'bin/a', two = 'bin/b.lua' } }, copy_directories = { 'doc' } }",
        )
        .unwrap();
        assert_eq!(spec.dependencies.len(), 2);
        assert_eq!(spec.build.modules.unwrap()[0].0, "a.b");
        assert_eq!(spec.build.scripts[0].0, None);
        assert_eq!(spec.build.scripts[1].0.as_deref(), Some("two"));
        assert!(read("rockspec_format = '3.0'").unwrap().build.modules.is_none());
        assert!(read("").unwrap().build.modules.unwrap().is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn platforms_have_their_own() {
        let spec = read(
            "build = { modules = { x = 'x.lua' }, platforms = {
                unix = { modules = { x = 'u.lua' } },
                windows = { modules = { x = 'w.lua' } } } }",
        );
        assert_eq!(spec.unwrap().build.modules.unwrap()[0].1.as_str(), "u.lua");
        assert!(read("supported_platforms = { 'linux' }").is_ok());
        assert!(read("supported_platforms = { '!windows' }").is_ok());
        let refused = read("supported_platforms = { 'windows', '!unix' }").unwrap_err();
        assert_eq!(refused, "cannot install a: it supports only the platforms windows, !unix");
    }

    #[test]
    fn what_cannot_be_installed_is_refused() {
        for (rest, why) in [
            ("build = { modules = { x = 'x.c' } }", "module 'x' is written in C"),
            ("build = { modules = { x = { 'x.c' } } }", "module 'x' is written in C"),
            ("build = { type = 'make' }", "it is built by 'make'"),
            ("build = { install = { lib = { 'a.so' } } }", "it installs a C library"),
            ("build = { patches = { x = '' } }", "its sources have to be patched"),
            ("build = { modules = { x = '../x.lua' } }", "path '../x.lua' leaves its directory"),
            ("build = { install = { bin = { '/bin/sh' } } }", "leaves its directory"),
            ("build = { copy_directories = { '..' } }", "leaves its directory"),
            ("build = { modules = 1 }", "field 'modules' is not a table"),
            ("dependencies = { 'b => 1' }", "invalid constraint '=> 1'"),
            ("source = {}", "it has no source.url"),
            ("package = 'b'", "it is not of 'a'"),
            ("version = '1.0-2'", "it is not of version 1.0-1"),
        ] {
            let message = read(rest).unwrap_err();
            assert!(message.contains(why), "{rest}: {message}");
        }
    }
}
