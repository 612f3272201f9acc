//! Runs random programs on SolVM and on PUC Lua 5.1: both must print the same.
//!
//! Programs are numbered and determined by their numbers. They run in batches: `driver.lua` runs a
//! file of programs on both interpreters, and the outputs are compared program by program.

mod expressions;
mod generator;
mod grammars;
mod library;
mod loops;
mod words;

pub use grammars::program as grammar;

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Lua 5.1 reports beyond 200 nested C calls; SolVM has no such limit (COMPATIBILITY.md).
const C_CALL_LIMIT: &str = "C stack overflow";

/// The number of programs in a batch.
const BATCH: u64 = 2000;

/// Generates the program with a number.
pub type Programs = fn(u64) -> String;

/// The kinds of programs by name.
pub const KINDS: &[(&str, Programs)] = &[
    ("differential", generator::program),
    ("loops", loops::program),
    ("patterns", library::patterns),
    ("formats", library::formats),
    ("numerals", library::numerals),
    ("grammars", grammars::program),
];

/// Returns the kind with that name.
pub fn kind(name: &str) -> Option<Programs> {
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, programs)| *programs)
}

/// A program whose outputs differ.
pub struct Difference {
    /// Its number.
    pub number: u64,
    /// What SolVM printed.
    pub solvm: String,
    /// What Lua 5.1 printed.
    pub lua: String,
}

/// Runs the programs `first` to `last` (exclusive) of a kind on both interpreters.
///
/// # Errors
/// If one of the interpreters does not start, or fails.
pub fn compare(
    programs: Programs,
    (solvm, lua): (&Path, &Path),
    (first, last): (u64, u64),
    mut report: impl FnMut(Difference),
) -> io::Result<()> {
    let batch = std::env::temp_dir().join(format!("solvm-differential-{}", std::process::id()));
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/differential/driver.lua");
    let mut start = first;
    while start < last {
        let end = last.min(start + BATCH);
        let mut text = String::new();
        for number in start..end {
            let program = programs(number);
            let _ = write!(text, "{number} {}\n{program}", program.len());
        }
        fs::write(&batch, text)?;
        let ours = run(Command::new(solvm).args(["-timeout", "0"]).arg(&driver).arg(&batch))?;
        let theirs = run(Command::new(lua).arg(&driver).arg(&batch))?;
        for ((number, solvm), (_, lua)) in ours.into_iter().zip(theirs) {
            if solvm != lua && !lua.contains(C_CALL_LIMIT) {
                report(Difference { number, solvm, lua });
            }
        }
        start = end;
    }
    fs::remove_file(batch)
}

/// Returns the driver's output for each program.
fn run(command: &mut Command) -> io::Result<Vec<(u64, String)>> {
    let output = command.output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("{command:?}: {}\n{message}", output.status)));
    }
    let mut outcomes = Vec::new();
    let mut rest = &output.stdout[..];
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let numbers = head
            .split_once(' ')
            .and_then(|(number, size)| Some((number.parse().ok()?, size.parse::<usize>().ok()?)));
        let Some((number, size)) = numbers else {
            return Err(io::Error::other(format!("the driver wrote '{head}'")));
        };
        let said = rest.get(end + 1..end + 1 + size).unwrap_or_default();
        outcomes.push((number, String::from_utf8_lossy(said).into_owned()));
        rest = rest.get(end + 2 + size..).unwrap_or_default();
    }
    Ok(outcomes)
}

/// Returns the interpreter in an environment variable, or the default.
pub fn interpreter(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| default.into(), PathBuf::from)
}
