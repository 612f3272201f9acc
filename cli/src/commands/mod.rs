//! The commands, such as `solvm check` and `solvm doc`, as opposed to `solvm script.lua`.
//!
//! A command takes precedence over a file of the same name; `./check` runs the file.

mod check;
mod completions;
mod doc;
mod help;
mod init;
mod packages;
mod run;
mod test;

use crate::arguments::options;
use crate::output::{self, fail};
use crate::report::about_file;
use clap::{ArgMatches, Command};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use walkdir::WalkDir;

/// A command: its arguments, and its function.
struct Subcommand {
    name: &'static str,
    /// Adds its arguments to a command of its name.
    add_arguments: fn(Command) -> Command,
    run: fn(&ArgMatches) -> ExitCode,
}

impl Subcommand {
    fn command(&self) -> Command {
        (self.add_arguments)(Command::new(self.name))
    }

    /// Its arguments, with "solvm" before its name in the help.
    fn words(&self) -> Command {
        self.command().bin_name(format!("solvm {}", self.name))
    }
}

const COMMANDS: &[Subcommand] = &[
    Subcommand { name: "run", add_arguments: run::add_arguments, run: run::run },
    Subcommand { name: "check", add_arguments: check::add_arguments, run: check::run },
    Subcommand { name: "test", add_arguments: test::add_arguments, run: test::run },
    Subcommand { name: "doc", add_arguments: doc::add_arguments, run: doc::run },
    Subcommand { name: "init", add_arguments: init::add_arguments, run: init::run },
    Subcommand {
        name: "add",
        add_arguments: packages::add_arguments_of_add,
        run: packages::run_add,
    },
    Subcommand {
        name: "remove",
        add_arguments: packages::add_arguments_of_remove,
        run: packages::run_remove,
    },
    Subcommand {
        name: "update",
        add_arguments: packages::add_arguments_of_update,
        run: packages::run_update,
    },
    Subcommand {
        name: "list",
        add_arguments: packages::add_arguments_of_list,
        run: packages::run_list,
    },
    Subcommand {
        name: "install",
        add_arguments: packages::add_arguments_of_install,
        run: packages::run_install,
    },
    Subcommand {
        name: "completions",
        add_arguments: completions::add_arguments,
        run: completions::run,
    },
    Subcommand {
        name: "man",
        add_arguments: completions::add_man_arguments,
        run: completions::run_man,
    },
    Subcommand { name: "help", add_arguments: help::add_arguments, run: help::run },
];

/// The arguments of `solvm script.lua`, and the commands.
pub(crate) fn command() -> Command {
    options().subcommands(all())
}

/// Every command's arguments, for the help, completions and the manual page.
fn all() -> impl Iterator<Item = Command> {
    COMMANDS.iter().map(Subcommand::command)
}

/// Runs the command that the first word names. None if there is no such command.
pub(crate) fn run(words: &[OsString]) -> Option<ExitCode> {
    let (_, words) = words.split_first()?;
    let subcommand = find(words.first()?)?;
    Some(match subcommand.words().try_get_matches_from(words) {
        Ok(matches) => (subcommand.run)(&matches),
        Err(error) => output::print_usage(&error),
    })
}

fn find(name: &OsStr) -> Option<&'static Subcommand> {
    COMMANDS.iter().find(|subcommand| name == subcommand.name)
}

/// The files below a directory in alphabetical order, filtered by `is_wanted` (which gets the path,
/// and whether it is a directory); a file that was named is included whatever its name is. The
/// error is the message to print.
fn find_files(
    path: &Path,
    is_wanted: &dyn Fn(&Path, bool) -> bool,
    files: &mut Vec<PathBuf>,
) -> Result<(), String> {
    let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
    let selected = walk.filter_entry(|entry| {
        entry.depth() == 0 || is_wanted(entry.path(), entry.file_type().is_dir())
    });
    for entry in selected {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => files.push(entry.into_path()),
            Err(error) => {
                let place = error.path().unwrap_or(path);
                // A link to one of its parent directories, which is already being visited.
                let Some(reason) = error.io_error() else { continue };
                if error.depth() == 0 || place.is_dir() {
                    return Err(about_file(place, reason));
                }
                // Reading it reports the error for a dangling link.
                if is_wanted(place, false) {
                    files.push(place.to_path_buf());
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_commands_are_named_in_hints() {
        let names: Vec<&str> = COMMANDS.iter().map(|subcommand| subcommand.name).collect();
        assert_eq!(names, crate::arguments::COMMANDS);
    }
}
