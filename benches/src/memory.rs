//! Heap bytes of objects of each kind, by `collectgarbage("count")`, in SolVM and in the other
//! interpreters of the machine.

use crate::compare::{Interpreter, find_interpreters};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/memory/objects.lua");

/// A kind of object and its bytes.
type Figure = (String, String);

/// Measures everything and prints a table. False if an interpreter failed.
pub(crate) fn run(solvm: Option<PathBuf>) -> Result<bool, String> {
    let interpreters = find_interpreters(solvm.as_ref())?;
    let figures: Result<Vec<Vec<Figure>>, String> = interpreters.iter().map(figures).collect();
    let figures = figures?;
    print!("{:<28}", "bytes for each");
    interpreters.iter().for_each(|interpreter| print!("{:>14}", interpreter.name));
    println!();
    for (kind, _) in figures.first().into_iter().flatten() {
        print!("{kind:<28}");
        for figures in &figures {
            let bytes =
                figures.iter().find(|(other, _)| other == kind).map_or("-", |(_, bytes)| bytes);
            print!("{bytes:>14}");
        }
        println!();
    }
    Ok(true)
}

fn figures(interpreter: &Interpreter) -> Result<Vec<Figure>, String> {
    let mut command = Command::new(&interpreter.command);
    let command = command.args(interpreter.options).arg(SCRIPT).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("{}: {error}", interpreter.name))?;
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(format!("{}: {} {errors}", interpreter.name, output.status));
    }
    let parse = |line: &str| {
        line.split_once('\t').map(|(kind, bytes)| (kind.to_string(), bytes.to_string()))
    };
    Ok(text.lines().filter_map(parse).collect())
}
