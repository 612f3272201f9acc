//! `solvm doc [NAME]`: the documentation of a module or a function; `solvm doc --book DIRECTORY`:
//! all of it as Markdown.

mod book;

use crate::description::{describe, everything};
use crate::output;
use clap::{Arg, ArgMatches, Command, value_parser};
use solvm_stdlib::LIBRARIES;
use solvm_stdlib::documentation::summary;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) fn add_arguments(command: Command) -> Command {
    command
        .about("Show the documentation of a module or function")
        .arg(Arg::new("name").value_name("NAME").help(
            "Module or function, such as uuid, uuid.v4 or http_get; omit to list the modules",
        ))
        .arg(
            Arg::new("book")
                .long("book")
                .value_name("DIRECTORY")
                .help("Write one Markdown page per module to DIRECTORY instead")
                .conflicts_with("name")
                .value_parser(value_parser!(PathBuf)),
        )
}

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    if let Some(directory) = matches.get_one::<PathBuf>("book") {
        return match book::write(directory) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => super::fail(message),
        };
    }
    let text = match matches.get_one::<String>("name") {
        None => overview(),
        Some(name) => match describe(name) {
            Some(text) => text,
            None => {
                let similar = similar_names(name);
                let hint = match similar.is_empty() {
                    true => String::from("run solvm doc for a list of modules"),
                    false => format!("did you mean {}?", similar.join(", ")),
                };
                return super::fail(format!("no documentation for '{name}'; {hint}"));
            }
        },
    };
    output::print(text.as_bytes(), ExitCode::SUCCESS)
}

/// The modules, each with the first sentence of its description and the names in it.
fn overview() -> String {
    let mut text = String::new();
    for module in LIBRARIES.iter().filter(|module| !module.documentation.is_empty()) {
        let _ = writeln!(text, "{:<12} {}", module.name, summary(module.documentation));
    }
    text.push_str("\nRun solvm doc NAME for details on a module or function.\n");
    text
}

/// Returns a few names that contain the given one, or that it contains.
fn similar_names(name: &str) -> Vec<String> {
    let searched = name.to_lowercase();
    let is_similar = |known: &str| {
        let known = known.to_lowercase();
        known.contains(&searched) || solvm_compiler::spelling::distance(&known, &searched) <= 2
    };
    let mut names: Vec<String> = everything()
        .filter(|(_, entry)| is_similar(entry.name))
        .map(|(_, entry)| entry.name.to_string())
        .collect();
    names.dedup();
    names.truncate(5);
    names
}
