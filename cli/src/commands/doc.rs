//! `solvm doc [NAME]`: the documentation of a module or a function; `solvm doc --book FOLDER`: all
//! of it as Markdown.

mod book;

use crate::output;
use clap::{Arg, ArgMatches, Command, value_parser};
use solvm_stdlib::documentation::{Entry, Kind, entries, introduction, summary};
use solvm_stdlib::modules;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) fn add_words(command: Command) -> Command {
    command
        .about("Show the documentation of a module or function")
        .arg(Arg::new("name").value_name("NAME").help(
            "Module or function, such as uuid, uuid.v4 or http_get; omit to list the modules",
        ))
        .arg(
            Arg::new("book")
                .long("book")
                .value_name("FOLDER")
                .help("Write one Markdown page per module to FOLDER instead")
                .conflicts_with("name")
                .value_parser(value_parser!(PathBuf)),
        )
}

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    if let Some(folder) = matches.get_one::<PathBuf>("book") {
        return match book::write(folder) {
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

/// Everything that is documented: the module's name and the entry.
fn everything() -> impl Iterator<Item = (&'static str, Entry<'static>)> {
    modules().flat_map(|module| {
        entries(module.documentation).into_iter().map(|entry| (module.name, entry))
    })
}

/// The modules, each with the first sentence of what is said of it and the names in it.
fn overview() -> String {
    let mut text = String::new();
    for module in modules().filter(|module| !module.documentation.is_empty()) {
        let _ = writeln!(text, "{:<12} {}", module.name, summary(module.documentation));
    }
    text.push_str("\nRun solvm doc NAME for details on a module or function.\n");
    text
}

/// The documentation of a module, a function, or a method (`Listener:accept`, or `accept` alone).
pub(crate) fn describe(name: &str) -> Option<String> {
    let is_method = |full: &str| full.split_once(':').is_some_and(|(_, method)| method == name);
    let exact: Vec<_> = everything().filter(|(_, entry)| entry.name == name).collect();
    let found = if exact.is_empty() {
        everything().filter(|(_, entry)| is_method(entry.name)).collect()
    } else {
        exact
    };
    let whole: Vec<_> = everything().filter(|(module, _)| *module == name).collect();
    let mut text = String::new();
    // A module's own name shows all of it. The introduction of a module without a table of its name
    // is not an entry.
    let has_table = whole.iter().any(|(_, entry)| entry.kind == Kind::Value && entry.name == name);
    if let Some(module) = modules()
        .find(|module| module.name == name && !module.documentation.is_empty() && !has_table)
    {
        put_text(&introduction(module.documentation), "", &mut text);
    }
    for (_, entry) in if whole.is_empty() { &found } else { &whole } {
        if !text.is_empty() {
            text.push('\n');
        }
        show(entry, &mut text);
    }
    (!text.is_empty()).then_some(text)
}

fn show(entry: &Entry<'_>, text: &mut String) {
    let _ = writeln!(text, "{}", entry.signature());
    put_text(&entry.text, "    ", text);
    for (tag, rest) in &entry.tags {
        match *tag {
            "param" => {
                let _ = writeln!(text, "    - {rest}");
            }
            "return" => {
                let _ = writeln!(text, "    returns {rest}");
            }
            "field" => {
                let _ = writeln!(text, "    .{rest}");
            }
            _ => {}
        }
    }
}

/// Lines of Markdown, without the fences of examples.
fn put_text(lines: &[&str], indent: &str, text: &mut String) {
    for line in lines.iter().filter(|line| !line.starts_with("```")) {
        let _ = writeln!(text, "{}", format!("{indent}{line}").trim_end());
    }
}

/// Names that contain the given one, or that it contains, a few.
fn similar_names(name: &str) -> Vec<String> {
    let wanted = name.to_lowercase();
    let is_similar = |known: &str| {
        let known = known.to_lowercase();
        known.contains(&wanted) || crate::spelling::distance(&known, &wanted) <= 2
    };
    let mut names: Vec<String> = everything()
        .filter(|(_, entry)| is_similar(entry.name))
        .map(|(_, entry)| entry.name.to_string())
        .collect();
    names.dedup();
    names.truncate(5);
    names
}
