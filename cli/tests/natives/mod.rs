//! Every native, with arguments for it: shared by the tests that call all of them.
//!
//! Nothing here is a list of natives. Functions are those of the libraries' tables, the types of
//! their parameters those of their documentation; the methods of objects are read from the objects.
//! A new type of object needs a maker in `driver.lua`, and `unpaid_work` reports if it has none.

pub(crate) mod cases;
pub(crate) mod subjects;

use std::path::Path;
use std::process::{Command, Stdio};

/// Makers of values and objects in Lua, to which a test adds its cases.
pub(crate) const DRIVER: &str = include_str!("driver.lua");

/// The program that is tested, in its own directory.
pub(crate) fn solvm(directory: &Path) -> Command {
    let program = std::env::var("SOLVM").unwrap_or(env!("CARGO_BIN_EXE_solvm").to_string());
    let mut command = Command::new(program);
    command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The makers of `driver.lua` and their objects' members.
fn inventory() -> Vec<(String, String)> {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("inventory.lua");
    std::fs::write(&script, format!("{DRIVER}\ninventory()\n")).unwrap();
    let output = solvm(directory.path()).arg(&script).stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut members: Vec<_> = text
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(maker, member)| (maker.to_string(), member.to_string()))
        .collect();
    members.sort();
    members.dedup();
    members
}
