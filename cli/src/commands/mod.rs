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
