//! `solvm check FILE...`: static checks of Lua files.

use super::test;
use crate::output;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;
use solvm_compiler::bytecode::Source;
use solvm_compiler::inspect::{Finding, FindingKind, Inspection, inspect};
use solvm_stdlib::deadline::Limits;
use solvm_stdlib::host::Sandbox;
use solvm_stdlib::system_error::reason;
use solvm_vm::{Config, LuaString};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn add_arguments(command: Command) -> Command {
    command
        .about(
            "Check Lua files for syntax errors, undefined globals, unused locals and \
             unreachable code",
        )
        .arg(
            Arg::new("files")
                .value_name("FILE")
                .help("Files to check, directories to search for .lua files, or - for stdin")
                .action(ArgAction::Append)
                .required(true)
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("global")
                .long("global")
                .value_name("NAME")
                .help("Treat NAME as a defined global (repeatable)")
                .action(ArgAction::Append),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .help("Print the findings as a JSON array")
                .action(ArgAction::SetTrue),
        )
        .after_help(
            "A global assigned in one file is known in all of them. Exit codes: 0, 1 if anything \
             was found, 2 if a file is missing.",
        )
}

/// The path that means standard input.
const INPUT: &str = "-";

/// A line of the report.
struct Report {
    file: String,
    /// 0 for the file as a whole.
    line: u32,
    kind: &'static str,
    message: String,
}

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    let mut files = Vec::new();
    for path in matches.get_many::<PathBuf>("files").into_iter().flatten() {
        if path == Path::new(INPUT) {
            files.push(path.clone());
        } else if let Err(message) = super::find_files(path, &is_lua, &mut files) {
            output::fail(message);
            return ExitCode::from(output::BAD_USAGE);
        }
    }
    let looked: Vec<_> = files.into_iter().map(|path| (look(&path), path)).collect();
    let mut known = known_globals();
    known.extend(matches.get_many::<String>("global").into_iter().flatten().cloned());
    let inspected = looked.iter().filter_map(|(inspected, _)| inspected.as_ref().ok());
    known.extend(inspected.flat_map(|inspection| inspection.defined.iter().cloned()));
    let mut reports = Vec::new();
    for (inspected, path) in looked {
        match inspected {
            Ok(inspection) => {
                let is_test = test::is_test(&path, false);
                let is_known =
                    |name: &str| known.contains(name) || is_test && test::GLOBALS.contains(&name);
                let findings = inspection.findings(is_known).into_iter();
                reports.extend(findings.map(|finding| report(&path, finding, &known)));
            }
            Err(report) => reports.push(report),
        }
    }
    let text = if matches.get_flag("json") { as_json(&reports) } else { as_text(&reports) };
    output::print(&text, if reports.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether an entry of a directory is visited: Lua files and directories, except hidden ones.
fn is_lua(path: &Path, is_directory: bool) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !is_hidden && (is_directory || path.extension().is_some_and(|extension| extension == "lua"))
}

/// The name of a file in the report.
fn name_of(path: &Path) -> String {
    if path == Path::new(INPUT) { "stdin".into() } else { path.display().to_string() }
}

fn look(path: &Path) -> Result<Inspection, Report> {
    let file = name_of(path);
    let text = match if path == Path::new(INPUT) { read_input() } else { fs::read(path) } {
        Ok(text) => text,
        Err(error) => {
            return Err(Report { file, line: 0, kind: "unreadable", message: reason(&error) });
        }
    };
    let source = Source::new(text, format!("@{file}").into_bytes());
    inspect(&source).map_err(|error| {
        let message = String::from_utf8_lossy(&error.message).into_owned();
        // The message starts with the position, which is printed in a different format.
        let place = format!(":{}: ", error.line);
        let message =
            message.split_once(&place).map_or(message.clone(), |(_, rest)| rest.to_string());
        Report { file, line: error.line, kind: "syntax", message }
    })
}

fn read_input() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text)?;
    Ok(text)
}

/// The globals of every program.
fn known_globals() -> BTreeSet<String> {
    let mut known: BTreeSet<String> = ["arg", "_PROMPT", "_PROMPT2"].map(String::from).into();
    if let Ok(mut executor) =
        solvm_stdlib::executor(Config::default(), Limits::default(), Sandbox::new())
    {
        executor.enter(|call| {
            let names = call.globals().pairs().filter_map(|(key, _)| LuaString::from_value(key));
            known.extend(names.map(|name| String::from_utf8_lossy(name.bytes()).into_owned()));
        });
    }
    known
}

fn report(path: &Path, finding: Finding, known: &BTreeSet<String>) -> Report {
    let (kind, message) = match finding.kind {
        FindingKind::UndefinedGlobal(name) => {
            let meant = crate::spelling::closest(&name, known.iter().map(String::as_str));
            let hint = meant.map_or(String::new(), |meant| format!("; did you mean '{meant}'?"));
            ("undefined-global", format!("undefined global '{name}'{hint}"))
        }
        FindingKind::UnusedLocal(name) => ("unused-local", format!("local '{name}' is never read")),
        FindingKind::Unreachable => ("unreachable", "unreachable code".into()),
    };
    Report { file: name_of(path), line: finding.line, kind, message }
}

fn as_text(reports: &[Report]) -> Vec<u8> {
    let word = |report: &Report| match report.line {
        0 => format!("{}: {}\n", report.file, report.message),
        line => format!("{}:{line}: {}\n", report.file, report.message),
    };
    reports.iter().map(word).collect::<String>().into_bytes()
}

fn as_json(reports: &[Report]) -> Vec<u8> {
    let reports: Vec<_> = reports
        .iter()
        .map(|report| json!({"file": report.file, "line": report.line, "kind": report.kind, "message": report.message}))
        .collect();
    format!("{:#}\n", json!(reports)).into_bytes()
}
