//! Which files a rock installs, and where in `lua_modules`: LuaRocks' layout.

use crate::archive::Files;
use crate::builtin;
use crate::inner_path::InnerPath;
use crate::rockspec::{Rockspec, has_extension};
use std::collections::BTreeMap;

/// Where modules are installed.
pub(crate) const MODULES: &str = "share/lua/5.1";
/// Where scripts are installed.
pub(crate) const SCRIPTS: &str = "bin";
/// Where the other files of rocks are installed, by name and version.
const OTHERS: &str = "lib/luarocks/rocks-5.1";

/// The files that a rock installs, by their path in `lua_modules`.
#[derive(Debug, Default)]
pub(crate) struct Plan(pub(crate) BTreeMap<InnerPath, Vec<u8>>);

impl Plan {
    /// Plans the installation of a rock from its sources.
    ///
    /// # Errors
    /// The message, if a file is missing.
    pub(crate) fn of_sources(rockspec: &Rockspec, files: &Files) -> Result<Plan, String> {
        let mut plan = Plan::default();
        plan.add_sources(rockspec, files)
            .map_err(|why| format!("cannot install {}: {why}", rockspec.name))?;
        Ok(plan)
    }

    /// Plans the installation of a rock that has the files as they are installed.
    ///
    /// # Errors
    /// The message, if it has C libraries.
    pub(crate) fn of_installed(rockspec: &Rockspec, files: &Files) -> Result<Plan, String> {
        if files.within("lib").next().is_some() {
            return Err(builtin::refusal(&rockspec.name, "it installs a C library"));
        }
        let mut plan = Plan::default();
        let others = others_of(rockspec);
        for (from, to) in [("lua", MODULES), ("bin", SCRIPTS)] {
            plan.add_directory(files, from, to)?;
        }
        for name in files.directories() {
            if !["lua", "bin"].contains(&name) {
                plan.add_directory(files, name, &format!("{others}/{name}"))?;
            }
        }
        Ok(plan)
    }

    fn add_sources(&mut self, rockspec: &Rockspec, files: &Files) -> Result<(), String> {
        let build = &rockspec.build;
        let modules = match &build.modules {
            Some(modules) => modules.clone(),
            None => modules_in(&rockspec.name, files)?,
        };
        for (module, file) in &modules {
            self.add(&module_path(module, file)?, files.get(file)?)?;
        }
        // What is in this directory is installed, whatever the rockspec names.
        if build.modules.is_some() {
            self.add_directory(files, "lua", MODULES)?;
        }
        for (module, file) in &build.lua {
            let path = match module {
                Some(module) if has_extension(file.file_name(), "lua") => {
                    module_path(module, file)?
                }
                Some(module) => format!("{MODULES}/{}", module.replace('.', "/")),
                None => format!("{MODULES}/{}", file.file_name()),
            };
            self.add(&path, files.get(file)?)?;
        }
        let configuration = format!("{}/conf", others_of(rockspec));
        let parts = [(&build.scripts, SCRIPTS), (&build.configuration, &configuration[..])];
        for (list, directory) in parts {
            for (name, file) in list {
                let name = name.as_deref().unwrap_or(file.file_name());
                self.add(&format!("{directory}/{name}"), files.get(file)?)?;
            }
        }
        if build.modules.is_none() && build.scripts.is_empty() {
            let directory = match files.within("src/bin").next() {
                Some(_) => "src/bin",
                None => "bin",
            };
            self.add_directory(files, directory, SCRIPTS)?;
        }
        for directory in &build.directories {
            let to = format!("{}/{directory}", others_of(rockspec));
            self.add_directory(files, directory.as_str(), &to)?;
        }
        Ok(())
    }

    fn add_directory(&mut self, files: &Files, from: &str, to: &str) -> Result<(), String> {
        for (path, contents) in files.within(from) {
            self.add(&format!("{to}/{path}"), contents)?;
        }
        Ok(())
    }

    /// Adds a file. Its path is checked: parts of it are from the rockspec.
    fn add(&mut self, path: &str, contents: &[u8]) -> Result<(), String> {
        self.0.insert(InnerPath::check(path)?, contents.to_vec());
        Ok(())
    }
}

/// The directory of a rock's other files.
fn others_of(rockspec: &Rockspec) -> String {
    format!("{OTHERS}/{}/{}", rockspec.name, rockspec.version)
}

/// The path of a module: its file `init.lua` stays in a directory of the module's name.
fn module_path(module: &str, file: &InnerPath) -> Result<String, String> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['/', '\\']);
    if !module.split('.').all(is_plain) {
        return Err(format!("invalid module name '{}'", module.escape_debug()));
    }
    let path = module.replace('.', "/");
    Ok(match file.file_name() == "init.lua" && !module.ends_with(".init") {
        true => format!("{MODULES}/{path}/init.lua"),
        false => format!("{MODULES}/{path}.lua"),
    })
}

/// The directories and files that do not contain modules.
const NO_MODULES: [&str; 8] =
    ["bin", "spec", "test", "tests", "test.lua", "tests.lua", "examples", ".luarocks"];

/// The modules of a rock whose rockspec names none: all Lua files in `src`, `lua` or `lib`, or else
/// in all of its directories.
fn modules_in(rock: &str, files: &Files) -> Result<Vec<(String, InnerPath)>, String> {
    let directories = files.directories();
    let parent = ["src", "lua", "lib"].into_iter().find(|name| directories.contains(name));
    let (found, prefix): (Vec<&str>, String) = match parent {
        Some(parent) => {
            (files.within(parent).map(|(path, _)| path).collect(), format!("{parent}/"))
        }
        None => {
            let inner = directories.iter().flat_map(|&directory| {
                files.within(directory).map(move |(path, _)| (directory, path))
            });
            let paths = inner.map(|(directory, path)| format!("{directory}/{path}"));
            let outside = files.outside().map(|(path, _)| path.to_string());
            return modules_of(rock, paths.chain(outside), "");
        }
    };
    modules_of(rock, found.into_iter().map(String::from), &prefix)
}

fn modules_of(
    rock: &str,
    paths: impl Iterator<Item = String>,
    prefix: &str,
) -> Result<Vec<(String, InnerPath)>, String> {
    let mut modules = Vec::new();
    for path in paths {
        if NO_MODULES.contains(&path.split('/').next().unwrap_or_default()) {
            continue;
        }
        if has_extension(&path, "c") {
            return Err(builtin::refusal(rock, &format!("{prefix}{path} is written in C")));
        }
        let Some(stem) = path.strip_suffix(".lua") else { continue };
        let stem = stem.strip_suffix("/init").unwrap_or(stem);
        // Such a file could not be required.
        if !stem.contains('.') {
            modules.push((stem.replace('/', "."), InnerPath::check(&format!("{prefix}{path}"))?));
        }
    }
    Ok(modules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;
    use std::io::Write;

    fn planned(rest: &str, paths: &[&str]) -> Result<Vec<String>, String> {
        let code =
            format!("package = 'a' version = '1-1' source = {{ url = 'http://x/a' }} {rest}");
        let version = Version::parse("1-1").unwrap();
        let rockspec = Rockspec::read(code.as_bytes(), "a", &version)?;
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for path in paths {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(*path, options).unwrap();
            zip.write_all(b"return 1").unwrap();
        }
        let files = Files::unpack(&zip.finish().unwrap().into_inner())?;
        let plan = Plan::of_sources(&rockspec, &files)?;
        Ok(plan.0.into_keys().map(|path| path.to_string()).collect())
    }

    #[test]
    fn files_go_where_luarocks_puts_them() {
        let paths = planned(
            "build = { modules = { a = 'src/init.lua', ['a.b'] = 'src/b.lua',
                    ['a.init'] = 'i.lua' },
                install = { lua = { 'src/c.lua', ['x.y'] = 'src/b.lua', ['x.data'] = 'd.txt' },
                    bin = { 'bin/run', other = 'bin/run' }, conf = { 'd.txt' } },
                copy_directories = { 'doc' } }",
            &[
                "src/init.lua",
                "src/b.lua",
                "i.lua",
                "src/c.lua",
                "d.txt",
                "bin/run",
                "doc/x/y.md",
                "lua/z/init.lua",
            ],
        );
        assert_eq!(
            paths.unwrap(),
            [
                "bin/other",
                "bin/run",
                "lib/luarocks/rocks-5.1/a/1-1/conf/d.txt",
                "lib/luarocks/rocks-5.1/a/1-1/doc/x/y.md",
                "share/lua/5.1/a/b.lua",
                "share/lua/5.1/a/init.lua",
                "share/lua/5.1/c.lua",
                "share/lua/5.1/x/data",
                "share/lua/5.1/x/y.lua",
                "share/lua/5.1/z/init.lua",
            ]
        );
    }

    #[test]
    fn modules_are_found() {
        let spec = "rockspec_format = '3.0'";
        let paths =
            planned(spec, &["src/a/init.lua", "src/a/b.lua", "x.lua", "bin/a", "spec/t.lua"]);
        assert_eq!(paths.unwrap(), ["bin/a", "share/lua/5.1/a/b.lua", "share/lua/5.1/a/init.lua"]);
        let paths = planned(spec, &["a.lua", "b/c.lua", "spec/t.lua", "test.lua", "d.e.lua"]);
        assert_eq!(paths.unwrap(), ["share/lua/5.1/a.lua", "share/lua/5.1/b/c.lua"]);
        let message = planned(spec, &["src/a.c"]).unwrap_err();
        assert!(message.contains("src/a.c is written in C"), "{message}");
    }

    #[test]
    fn nothing_is_installed_elsewhere() {
        for rest in [
            "build = { modules = { ['..x'] = 'a.lua' } }",
            "build = { modules = { ['../x'] = 'a.lua' } }",
            "build = { modules = { ['/etc/x'] = 'a.lua' } }",
            "build = { install = { bin = { ['../../x'] = 'a.lua' } } }",
            "build = { install = { conf = { ['/x'] = '../a.lua' } } }",
            "build = { install = { lua = { ['../x'] = 'a.lua' } } }",
            "build = { modules = { x = 'missing.lua' } }",
        ] {
            let paths = planned(rest, &["a.lua"]);
            assert!(paths.is_err(), "{rest}: {paths:?}");
        }
    }
}
