//! The commands beside `solvm script.lua`: `solvm check`, `solvm doc` and so on.
//!
//! A command's name wins over a file of that name; `./check` runs the file.

mod check;
mod completions;
mod doc;
mod init;
mod run;
mod test;

use clap::{ArgMatches, Command};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A command: its words, and what it does.
struct Subcommand {
    /// Describes its words. The name in it is the one that it is called by.
    command: fn() -> Command,
    run: fn(&ArgMatches) -> ExitCode,
}

const COMMANDS: &[Subcommand] = &[
    Subcommand { command: run::command, run: run::run },
    Subcommand { command: check::command, run: check::run },
    Subcommand { command: test::command, run: test::run },
    Subcommand { command: doc::command, run: doc::run },
    Subcommand { command: init::command, run: init::run },
    Subcommand { command: completions::command, run: completions::run },
    Subcommand { command: completions::man_command, run: completions::run_man },
];

/// Every command's words, for the help, completions and the manual page.
pub(crate) fn all() -> impl Iterator<Item = Command> {
    COMMANDS.iter().map(|subcommand| (subcommand.command)())
}

/// Runs the command that the first word names. None if it names none.
pub(crate) fn run(words: &[OsString]) -> Option<ExitCode> {
    let name = words.get(1)?;
    let find = |subcommand: &&Subcommand| name == (subcommand.command)().get_name();
    let subcommand = COMMANDS.iter().find(find)?;
    let command = (subcommand.command)();
    let command = command.clone().bin_name(format!("solvm {}", command.get_name()));
    Some(match command.try_get_matches_from(&words[1..]) {
        Ok(matches) => (subcommand.run)(&matches),
        Err(answer) => crate::answer(&answer),
    })
}

/// Prints a message about what went wrong; the exit code for it.
fn fail(message: impl std::fmt::Display) -> ExitCode {
    eprintln!("solvm: {message}");
    ExitCode::FAILURE
}

/// The files below a folder in alphabetical order, as far as `is_wanted` says so of each entry (its path, and whether it is a
/// folder); a file that was named is taken whatever its name is.
fn find_files(path: &Path, is_wanted: &dyn Fn(&Path, bool) -> bool, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    let entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        if is_wanted(&entry, entry.is_dir()) {
            find_files(&entry, is_wanted, files)?;
        }
    }
    Ok(())
}
