//! The programs in `examples`: each has tests in Lua, which start it and check its behaviour.
#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn solvm(words: &[&str]) -> (Output, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_solvm")).args(words).current_dir(ROOT).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

#[test]
fn they_do_what_they_say() {
    let (output, text) = solvm(&["test", "examples", "--timeout", "30s"]);
    assert!(output.status.success(), "{text}");
    for entry in fs::read_dir(Path::new(ROOT).join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = name.strip_suffix(".lua") {
            assert!(
                text.contains(&format!("ok   examples/tests/{name}_test.lua: ")),
                "{name} has no test:\n{text}"
            );
        }
    }
}

#[test]
fn nothing_in_them_is_suspicious() {
    let (output, text) = solvm(&["check", "examples"]);
    assert!(output.status.success(), "{text}");
}
