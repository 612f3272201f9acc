//! Reports of typical mistakes: `tests/mistakes/NAME.lua` is a program with one, `NAME.txt` the
//! output of `solvm --error-format=long` and of `solvm check --json`. `UPDATE_GOLDENS=1`
//! regenerates the expected output; read it before you commit it.
#![cfg(test)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes")
}

fn solvm(arguments: &[&OsStr]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command.args(arguments).current_dir(folder()).env_remove("FORCE_COLOR").env("NO_COLOR", "1");
    let output = command.output().unwrap();
    assert_ne!(output.status.code(), Some(0), "{arguments:?} finds nothing");
    String::from_utf8(output.stderr).unwrap() + std::str::from_utf8(&output.stdout).unwrap()
}

/// The report and the findings of a program.
fn shown(name: &OsStr) -> String {
    let run = solvm(&["--error-format=long".as_ref(), name]);
    // The addresses of objects differ.
    assert!(!run.contains("0x"), "{run}");
    let mut check = Command::new(env!("CARGO_BIN_EXE_solvm"));
    let check = check.args(["check", "--json"]).arg(name).current_dir(folder()).output().unwrap();
    format!("{run}\n{}", String::from_utf8(check.stdout).unwrap())
}

#[test]
fn mistakes_are_shown_as_expected() {
    let is_blessed = std::env::var_os("UPDATE_GOLDENS").is_some();
    let mut programs: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    programs.retain(|path| path.extension() == Some(OsStr::new("lua")));
    programs.sort();
    assert!(programs.len() >= 25, "{programs:?}");
    let mut different = Vec::new();
    for program in programs {
        let text = shown(program.file_name().unwrap());
        let expected = program.with_extension("txt");
        if is_blessed {
            fs::write(&expected, text).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != text {
            different.push(format!("{}:\n{text}", program.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Reports take time and space that do not grow with the square of what they are about, and show
/// nothing of files that an error only names.
#[test]
fn hostile_errors_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret.lua");
    fs::write(&secret, "the secret\n").unwrap();
    let secret = secret.display();
    for (code, wanted) in [
        ("error(string.rep(':', 1e6), 0)".to_string(), "error: :::"),
        ("error(string.rep('a:b', 1e6), 0)".into(), "error: a:ba:b"),
        ("error(string.rep('1: ', 1e6), 0)".into(), "error: 1: 1: "),
        (
            "_G[('a'):rep(1e6)] = 1 loadstring(('b'):rep(1e6) .. '.x = 1')()".into(),
            "error: attempt",
        ),
        ("loadstring(('print(x) '):rep(1e5) .. 'x.y = 1')()".into(), "attempt to index global 'x'"),
        (format!("error('{secret}:1: x', 0)"), "error: x"),
        (format!("error('error loading module \\'m\\':\\n\\t{secret}:1: x', 0)"), "error: error"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command.args(["--sandbox", "--error-format=long", "-e", &code]).env("NO_COLOR", "1");
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{code}");
        assert!(text.contains(wanted) && !text.contains("the secret"), "{code}: {text:.300}");
    }
}
