//! `solvm run [--watch] SCRIPT`: like `solvm SCRIPT`, and again whenever a Lua file changes.

use crate::arguments::{self, Script, StartupAction};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
use std::iter::once;
use std::process::ExitCode;

pub(super) fn add_arguments(command: Command) -> Command {
    command
        .about("Run a script; with --watch, restart it when a Lua file changes")
        .arg(
            Arg::new("watch")
                .long("watch")
                .help("Restart when a .lua file in the script's directory or below changes")
                .action(ArgAction::SetTrue),
        )
        .arg(
            Arg::new("words")
                .value_name("OPTIONS, SCRIPT, ARGUMENTS")
                .help("Same as for solvm without \"run\"")
                .required(true)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .action(ArgAction::Append)
                .value_parser(value_parser!(OsString)),
        )
}

/// Watches the script's directory.
const WATCH: &str = include_str!("watch.lua");

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    let words = matches.get_many::<OsString>("words").into_iter().flatten().cloned();
    let mut arguments = match arguments::parse(once("solvm".into()).chain(words), super::command) {
        Ok(arguments) => arguments,
        Err(error) => return crate::output::print_usage(&error),
    };
    if matches.get_flag("watch") {
        let Some(Script::File(script)) = &arguments.script else {
            return super::fail("--watch requires a script file");
        };
        let code = format!("local script = \"{}\"\n{WATCH}", escaped(script.as_encoded_bytes()));
        arguments.restart_on_change = true;
        arguments.startup.insert(0, StartupAction::Code(code.into()));
    }
    crate::run::run(arguments)
}

/// Escapes bytes for a Lua string literal.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:03}")).collect()
}
