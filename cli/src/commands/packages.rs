//! `solvm add`, `remove`, `update`, `list`, `install`: the packages of a project.

use crate::output;
use clap::{Arg, ArgAction, ArgMatches, Command};
use solvm_packages::address::Address;
use solvm_packages::change::{self, Options};
use std::path::Path;
use std::process::ExitCode;

/// The lines to print, or the message.
type Outcome = Result<Vec<String>, String>;

pub(super) fn add_arguments_of_add(command: Command) -> Command {
    command
        .about(
            "Add packages to the project: rocks in pure Lua, and what they need; or lock imports",
        )
        .arg(
            names(
                "Packages, each with constraints if not any version will do: \
                   penlight@1.14.0, \"penlight@>= 1.0, < 2\"; or addresses that programs import",
            )
            .value_name("NAME[@CONSTRAINTS]")
            .required(true),
        )
        .arg(servers())
        .after_help(
            "solvm.toml, solvm.lock and lua_modules are created if they are missing. If anything \
             fails, nothing has changed.",
        )
}

pub(super) fn add_arguments_of_remove(command: Command) -> Command {
    command
        .about("Remove packages from the project, and what only they needed")
        .arg(names("Packages").required(true))
        .arg(servers())
}

pub(super) fn add_arguments_of_update(command: Command) -> Command {
    command
        .about("Update packages to the newest versions that solvm.toml allows")
        .arg(names("Packages [default: all]"))
        .arg(servers())
}

pub(super) fn add_arguments_of_list(command: Command) -> Command {
    command.about("List the packages of the project, with their versions and where they are from")
}

pub(super) fn add_arguments_of_install(command: Command) -> Command {
    command
        .about("Install the packages of solvm.lock, or those of solvm.toml if they differ")
        .arg(
            Arg::new("frozen")
                .long("frozen")
                .help("Fail if solvm.lock is not what solvm.toml needs, for CI")
                .action(ArgAction::SetTrue),
        )
        .arg(servers())
}

fn names(help: &'static str) -> Arg {
    Arg::new("names").value_name("NAME").help(help).action(ArgAction::Append)
}

fn servers() -> Arg {
    Arg::new("server")
        .long("server")
        .value_name("ADDRESS")
        .help(
            "Server or directory of rocks, instead of those in solvm.toml (repeatable) \
             [default: https://luarocks.org]",
        )
        .action(ArgAction::Append)
        .value_parser(Address::parse)
}

pub(super) fn run_add(matches: &ArgMatches) -> ExitCode {
    report(change::add(Path::new("."), &given_names(matches), &options(matches, false)))
}

pub(super) fn run_remove(matches: &ArgMatches) -> ExitCode {
    report(change::remove(Path::new("."), &given_names(matches), &options(matches, false)))
}

pub(super) fn run_update(matches: &ArgMatches) -> ExitCode {
    report(change::update(Path::new("."), &given_names(matches), &options(matches, false)))
}

pub(super) fn run_list(_: &ArgMatches) -> ExitCode {
    report(change::list(Path::new(".")))
}

pub(super) fn run_install(matches: &ArgMatches) -> ExitCode {
    let options = options(matches, matches.get_flag("frozen"));
    report(change::install(Path::new("."), &options))
}

fn given_names(matches: &ArgMatches) -> Vec<String> {
    matches.get_many("names").into_iter().flatten().cloned().collect()
}

fn options(matches: &ArgMatches, is_frozen: bool) -> Options {
    let servers = matches.get_many("server").into_iter().flatten().cloned().collect();
    Options { servers, is_frozen }
}

fn report(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(lines) => {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            output::print(text.as_bytes(), ExitCode::SUCCESS)
        }
        Err(message) => output::fail(message),
    }
}
