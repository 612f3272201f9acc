//! Lua 5.1's functions truncate numbers as PUC Lua's do: each is called with fractional, large and
//! negative numbers, and `lua5.1` decides. Numbers beyond C's `int` are left out: C leaves their
//! conversion undefined, and PUC Lua crashes on some.
#![cfg(test)]

use std::process::Command;

const CALLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integers/calls.lua");

/// What an interpreter prints; None if it is not installed.
fn output(interpreter: &str) -> Option<String> {
    let output = Command::new(interpreter).arg(CALLS).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn functions_of_lua_convert_numbers_as_it_does() {
    let ours = output(env!("CARGO_BIN_EXE_solvm")).expect("the command starts");
    let Some(theirs) = output("lua5.1") else {
        eprintln!("skipped: lua5.1 is not installed");
        return;
    };
    let lines = ours.lines().zip(theirs.lines());
    let different: Vec<_> = lines.filter(|(ours, theirs)| ours != theirs).collect();
    assert!(different.is_empty(), "{different:#?}");
    assert_eq!(ours.lines().count(), theirs.lines().count());
}
