//! `solvm init [DIRECTORY]`: creates a project.

use crate::output;
use crate::report::about_file;
use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::json;
use solvm_stdlib::LIBRARIES;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn add_arguments(command: Command) -> Command {
    command
        .about("Create a project: a script, a module with a test, and editor definitions")
        .arg(
            Arg::new("directory")
                .value_name("DIRECTORY")
                .help("Project directory, created if missing")
                .default_value(".")
                .value_parser(value_parser!(PathBuf)),
        )
        .after_help("Existing files are kept, except the definitions in .solvm, which are updated.")
}

/// The files of a new project.
const FILES: &[(&str, &str)] = &[
    ("main.lua", include_str!("init/main.lua")),
    ("modules/greeting.lua", include_str!("init/greeting.lua")),
    ("greeting_test.lua", include_str!("init/greeting_test.lua")),
];

/// The settings of lua-language-server.
const SETTINGS: &str = ".luarc.json";
/// Where the definition files for lua-language-server go.
const DEFINITIONS: &str = ".solvm/library";

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    let Some(directory) = matches.get_one::<PathBuf>("directory") else { return ExitCode::FAILURE };
    match make(directory) {
        Ok(kept) => {
            let text = next_steps(directory, &kept) + "\n";
            output::print(text.as_bytes(), ExitCode::SUCCESS)
        }
        Err(message) => super::fail(message),
    }
}

/// The message after a project has been created.
fn next_steps(directory: &Path, kept: &[&str]) -> String {
    let is_here = directory == Path::new(".");
    let mut text = match is_here {
        true => String::from("Created a project in this directory."),
        false => format!("Created a project in {}.", directory.display()),
    };
    if !kept.is_empty() {
        text.push_str(&format!(" Kept existing files: {}.", kept.join(", ")));
    }
    if !is_here {
        text.push_str(&format!("\nGo there with: cd {}", directory.display()));
    }
    text + "\nRun it with:  solvm main.lua\nTest it with: solvm test"
}

/// Creates the project and returns the names of existing files. The error is the message to print.
fn make(directory: &Path) -> Result<Vec<&'static str>, String> {
    if directory.exists() && !directory.is_dir() {
        return Err(format!("{}: not a directory", directory.display()));
    }
    for name in ["modules", DEFINITIONS] {
        let path = directory.join(name);
        fs::create_dir_all(&path).map_err(|error| about_file(&path, &error))?;
    }
    let mut kept = Vec::new();
    for (name, text) in FILES {
        if !write_new(&directory.join(name), text)? {
            kept.push(*name);
        }
    }
    // Our definitions include Lua's own libraries; the server's would contradict them.
    let builtin: serde_json::Map<_, _> = [
        "basic",
        "bit",
        "bit32",
        "coroutine",
        "debug",
        "io",
        "math",
        "os",
        "package",
        "string",
        "table",
        "utf8",
    ]
    .iter()
    .map(|name| (name.to_string(), json!("disable")))
    .collect();
    let settings = json!({
        "runtime.version": "Lua 5.1",
        "runtime.builtin": builtin,
        "runtime.path": [
            "?.lua",
            "modules/?.lua",
            "lua_modules/share/lua/5.1/?.lua",
            "lua_modules/share/lua/5.1/?/init.lua",
        ],
        "workspace.library": [DEFINITIONS],
        "diagnostics.globals": super::test::GLOBALS,
    });
    if !write_new(&directory.join(SETTINGS), &format!("{settings:#}\n"))? {
        kept.push(SETTINGS);
    }
    for module in LIBRARIES.iter().filter(|module| !module.documentation.is_empty()) {
        let path = directory.join(DEFINITIONS).join(format!("{}.lua", module.name));
        fs::write(&path, module.documentation).map_err(|error| about_file(&path, &error))?;
    }
    Ok(kept)
}

/// Writes a file unless it exists. False if it exists.
fn write_new(path: &Path, text: &str) -> Result<bool, String> {
    let written = match fs::File::create_new(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    };
    written.map_err(|error| about_file(path, &error))
}
