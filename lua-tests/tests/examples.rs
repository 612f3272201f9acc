//! Runs every example in the documentation of the libraries: see README.md.

use libtest_mimic::{Arguments, Failed, Trial};
use solvm_lua_tests::{command, find_binary};
use solvm_stdlib::{documentation, modules};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let solvm = match find_binary(env!("CARGO_MANIFEST_DIR")) {
        Ok(path) => path,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    for module in modules() {
        for entry in documentation::entries(module.documentation) {
            for (index, example) in entry.examples().into_iter().enumerate() {
                let solvm = solvm.clone();
                let name = format!("{}#{}", entry.name, index + 1);
                trials.push(Trial::test(name, move || run(&solvm, &example)));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run(solvm: &Path, example: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("example.lua"), example)?;
    let output = command(solvm).args(["-timeout", "30s", "example.lua"]).current_dir(folder.path()).output()?;
    if output.status.success() && output.stderr.is_empty() {
        return Ok(());
    }
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{}\n{example}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", output.status).into())
}
