//! Tests from Lua: scripts that state their outcome (`tests/scripts.rs`), and third-party suites
//! (`tests/suites.rs`); README.md describes how to write and run them. This is the code that both
//! runners need.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Scripts run with a host stack of this number of KiB.
const STACK: usize = 256;

/// The binary under test: the one that `SOLVM` names, or that of this build, brought up to date.
/// `package` is the directory of the running test's package.
///
/// # Errors
/// Why there is none.
pub fn find_binary(package: &str) -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("SOLVM") {
        return Ok(path.into());
    }
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder =
        this.parent().and_then(Path::parent).ok_or("the test runs from an unknown place")?;
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "solvm-cli", "--manifest-path"]);
    build.arg(Path::new(package).join("../Cargo.toml"));
    if let Some(target) = folder.parent() {
        build.arg("--target-dir").arg(target);
    }
    if folder.file_name().is_some_and(|profile| profile == "release") {
        build.arg("--release");
    }
    match build.status() {
        Ok(status) if status.success() => {
            Ok(folder.join(format!("solvm{}", std::env::consts::EXE_SUFFIX)))
        }
        Ok(status) => Err(format!("building solvm: {status}")),
        Err(error) => Err(format!("cannot run cargo: {error}")),
    }
}

/// The command with a small host stack, where there is a way to make it small. It does not find
/// modules that are installed on the machine: they would win over SolVM's.
pub fn command(solvm: &Path) -> Command {
    let mut command = if cfg!(unix) {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit -s {STACK} && exec \"$@\"")).arg("sh").arg(solvm);
        shell
    } else {
        Command::new(solvm)
    };
    command.env("LUA_PATH", "./?.lua");
    command
}
