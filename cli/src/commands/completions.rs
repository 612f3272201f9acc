//! `solvm completions SHELL` and `solvm man`: shell completions and the manual page, generated from
//! the table of options.

use crate::output;
use clap::builder::EnumValueParser;
use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;
use std::process::ExitCode;

pub(super) fn add_arguments(command: Command) -> Command {
    command.about("Print a completion script for SHELL").arg(
        Arg::new("shell")
            .value_name("SHELL")
            .required(true)
            .value_parser(EnumValueParser::<Shell>::new()),
    )
}

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    let Some(&shell) = matches.get_one::<Shell>("shell") else { return ExitCode::FAILURE };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "solvm", &mut text);
    if shell == Shell::Bash {
        text = with_one_dash(&String::from_utf8_lossy(&text)).into_bytes();
    }
    output::print(&text, ExitCode::SUCCESS)
}

/// bash's script, with long options that may have one dash. In it, the options of `solvm` come
/// before those of its commands, which have two.
fn with_one_dash(script: &str) -> String {
    super::command().get_arguments().filter_map(Arg::get_long).fold(
        script.into(),
        |script, name| {
            let script = script.replacen(&format!(" --{name} "), &format!(" --{name} -{name} "), 1);
            script.replacen(&format!(" --{name})"), &format!(" --{name}|-{name})"), 1)
        },
    )
}

pub(super) fn add_man_arguments(command: Command) -> Command {
    command.about("Print the manual page (solvm man > solvm.1)")
}

pub(super) fn run_man(_: &ArgMatches) -> ExitCode {
    let mut text = Vec::new();
    match clap_mangen::Man::new(super::command()).render(&mut text) {
        Ok(()) => output::print(&text, ExitCode::SUCCESS),
        Err(error) => super::fail(error),
    }
}
