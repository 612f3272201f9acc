//! `solvm help [COMMAND]`: prints the help of SolVM or of a command.

use crate::output;
use clap::{Arg, ArgMatches, Command};
use std::process::ExitCode;

pub(super) fn add_arguments(command: Command) -> Command {
    command
        .about("Print this message or the help of a command")
        .arg(Arg::new("command").value_name("COMMAND").help("Command to show help for"))
}

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    let command = match matches.get_one::<String>("command") {
        None => Some(super::command()),
        Some(name) => super::find(name.as_ref()).map(super::Subcommand::words),
    };
    let Some(mut command) = command else {
        let name = matches.get_one::<String>("command").map_or("", String::as_str);
        output::fail(format!("unknown command '{name}'; run solvm help for a list"));
        return ExitCode::from(output::BAD_USAGE);
    };
    output::finish(command.print_help(), ExitCode::SUCCESS)
}
