//! The commands beside `solvm script.lua`: `solvm check`, `solvm doc` and so on.
//!
//! A command's name wins over a file of that name; `./check` runs the file.

mod check;
mod completions;
mod doc;
mod help;
mod init;
mod run;
mod test;

pub(crate) use doc::describe;

use crate::report::about_file;
use clap::{ArgMatches, Command};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use walkdir::WalkDir;

/// A command: its words, and what it does.
struct Subcommand {
    /// Describes its words. The name in it is the one that it is called by.
    command: fn() -> Command,
    run: fn(&ArgMatches) -> ExitCode,
}

impl Subcommand {
    /// Its words, with "solvm" before them in its help.
    fn words(&self) -> Command {
        let command = (self.command)();
        let name = format!("solvm {}", command.get_name());
        command.bin_name(name)
    }
}

const COMMANDS: &[Subcommand] = &[
    Subcommand { command: run::command, run: run::run },
    Subcommand { command: check::command, run: check::run },
    Subcommand { command: test::command, run: test::run },
    Subcommand { command: doc::command, run: doc::run },
    Subcommand { command: init::command, run: init::run },
    Subcommand { command: completions::command, run: completions::run },
    Subcommand { command: completions::man_command, run: completions::run_man },
    Subcommand { command: help::command, run: help::run },
];

/// Every command's words, for the help, completions and the manual page.
pub(crate) fn all() -> impl Iterator<Item = Command> {
    COMMANDS.iter().map(|subcommand| (subcommand.command)())
}

/// Runs the command that the first word names. None if it names none.
pub(crate) fn run(words: &[OsString]) -> Option<ExitCode> {
    let (_, words) = words.split_first()?;
    let subcommand = find(words.first()?)?;
    Some(match subcommand.words().try_get_matches_from(words) {
        Ok(matches) => (subcommand.run)(&matches),
        Err(answer) => crate::answer(&answer),
    })
}

fn find(name: &OsStr) -> Option<&'static Subcommand> {
    COMMANDS.iter().find(|subcommand| name == (subcommand.command)().get_name())
}

/// Prints a message about what went wrong; the exit code for it.
fn fail(message: impl std::fmt::Display) -> ExitCode {
    eprintln!("solvm: {message}");
    ExitCode::FAILURE
}

/// The files below a folder in alphabetical order, as far as `is_wanted` says so of each entry (its path, and whether it is a
/// folder); a file that was named is taken whatever its name is. The error is the message to print.
fn find_files(path: &Path, is_wanted: &dyn Fn(&Path, bool) -> bool, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
    let wanted = walk.filter_entry(|entry| entry.depth() == 0 || is_wanted(entry.path(), entry.file_type().is_dir()));
    for entry in wanted {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => files.push(entry.into_path()),
            Err(error) => {
                let place = error.path().unwrap_or(path);
                // A link to a folder that it lies in: there, everything is looked at already.
                let Some(reason) = error.io_error() else { continue };
                if error.depth() == 0 || place.is_dir() {
                    return Err(about_file(place, reason));
                }
                // Who reads a link that leads nowhere will say so.
                if is_wanted(place, false) {
                    files.push(place.to_path_buf());
                }
            }
        }
    }
    Ok(())
}
