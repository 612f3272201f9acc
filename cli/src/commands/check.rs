//! `solvm check FILE...`: static checks of Lua files.

mod hidden;

use super::test;
use crate::colors;
use crate::error_format::ErrorFormat;
use crate::output;
use crate::report::render_diagnostic;
use crate::snippet::visible;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::{Value, json};
use solvm_compiler::bytecode::Source;
use solvm_compiler::diagnostic::{Diagnostic, Lines, Span};
use solvm_compiler::hint::hint;
use solvm_compiler::inspect::{Finding, FindingKind, Inspection, inspect};
use solvm_runtime::deadline::Limits;
use solvm_runtime::host::Sandbox;
use solvm_runtime::system_error::reason;
use solvm_vm::{Config, LuaString};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn add_arguments(command: Command) -> Command {
    command
        .about(
            "Check Lua files for syntax errors, undefined globals, unused locals, \
             unreachable code and hidden modules",
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
        .arg(ErrorFormat::option())
        .after_help(
            "A global assigned in one file is known in all of them. Exit codes: 0, 1 if anything \
             was found, 2 if a file is missing.",
        )
}

/// The path that means standard input.
const INPUT: &str = "-";

/// A file that was looked at.
struct File {
    /// Its name in the report.
    name: String,
    path: PathBuf,
    text: Vec<u8>,
    /// What is in it; why it could not be read or compiled.
    inspected: Result<Inspection, Problem>,
}

/// What is wrong with a file.
#[derive(Clone)]
enum Problem {
    /// It cannot be read, for this reason.
    Unreadable(String),
    /// There is a fault in it, and what helps.
    Fault(Diagnostic, Option<String>),
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
    let files: Vec<File> = files.into_iter().map(look).collect();
    let mut known = known_globals();
    known.extend(matches.get_many::<String>("global").into_iter().flatten().cloned());
    let inspected = files.iter().filter_map(|file| file.inspected.as_ref().ok());
    known.extend(inspected.flat_map(|inspection| inspection.defined.iter().cloned()));
    let problems: Vec<(&File, Vec<Problem>)> =
        files.iter().map(|file| (file, problems(file, &known))).collect();
    let format: ErrorFormat = matches.get_one("error-format").copied().unwrap_or_default();
    let lines: Vec<Lines> = files.iter().map(|file| Lines::new(&file.text)).collect();
    let all = problems
        .iter()
        .zip(&lines)
        .flat_map(|((file, list), lines)| list.iter().map(move |problem| (*file, problem, lines)));
    let text = if matches.get_flag("json") {
        format!(
            "{:#}\n",
            Value::from_iter(all.map(|(file, problem, lines)| as_json(file, problem, lines)))
        )
    } else if format.is_long(&io::stdout()) {
        let reports: Vec<String> =
            all.map(|(file, problem, lines)| as_report(file, problem, lines)).collect();
        reports.join("\n")
    } else {
        all.map(|(file, problem, lines)| as_line(file, problem, lines)).collect()
    };
    let is_fine = problems.iter().all(|(_, list)| list.is_empty());
    let code = if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    output::print(text.as_bytes(), code)
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

fn look(path: PathBuf) -> File {
    let name = name_of(&path);
    let read = if path == Path::new(INPUT) { read_input() } else { fs::read(&path) };
    let (text, inspected) = match read {
        Err(error) => (Vec::new(), Err(Problem::Unreadable(reason(&error)))),
        Ok(text) => {
            let source = Source::new(text, format!("@{name}").into_bytes());
            let inspected = inspect(&source).map_err(|error| {
                let hint = hint(&source.text, &error.diagnostic).map(String::from);
                Problem::Fault(*error.diagnostic, hint)
            });
            (source.text.into(), inspected)
        }
    };
    File { name, path, text, inspected }
}

fn read_input() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text)?;
    Ok(text)
}

/// The globals of every program.
fn known_globals() -> BTreeSet<String> {
    let mut known: BTreeSet<String> = ["arg", "_PROMPT", "_PROMPT2"].map(String::from).into();
    if let Ok(mut executor) = solvm_stdlib::executor(
        Config::default(),
        Limits::default(),
        Sandbox::new(),
        solvm_stdlib::Globals::All,
    ) {
        executor.enter(|call| {
            let names = call.globals().pairs().filter_map(|(key, _)| LuaString::from_value(key));
            known.extend(names.map(|name| String::from_utf8_lossy(name.bytes()).into_owned()));
        });
    }
    known
}

/// All that is wrong with a file.
fn problems(file: &File, known: &BTreeSet<String>) -> Vec<Problem> {
    match &file.inspected {
        Ok(inspection) => {
            let is_test = test::is_test(&file.path, false);
            let is_known =
                |name: &str| known.contains(name) || is_test && test::GLOBALS.contains(&name);
            let findings = inspection.findings(is_known).into_iter();
            let hidden = hidden::hidden(&file.path, &file.text).into_iter();
            findings
                .map(|finding| fault(finding, known))
                .chain(hidden.map(|(diagnostic, hint)| Problem::Fault(diagnostic, Some(hint))))
                .collect()
        }
        Err(problem) => vec![problem.clone()],
    }
}

fn fault(finding: Finding, known: &BTreeSet<String>) -> Problem {
    let (code, message, hint) = match finding.kind {
        FindingKind::UndefinedGlobal(name) => {
            let meant = solvm_compiler::spelling::closest(&name, known.iter().map(String::as_str));
            let hint = meant.map(|meant| format!("did you mean '{meant}'?"));
            ("undefined-global", format!("undefined global '{name}'"), hint)
        }
        FindingKind::UnusedLocal(name) => (
            "unused-local",
            format!("local '{name}' is never read"),
            Some("remove it, or start its name with '_'".into()),
        ),
        FindingKind::Unreachable => ("unreachable", "unreachable code".into(), None),
    };
    Problem::Fault(Diagnostic { code, message, span: finding.span, notes: Vec::new() }, hint)
}

fn as_report(file: &File, problem: &Problem, lines: &Lines) -> String {
    match problem {
        Problem::Unreadable(_) => as_line(file, problem, lines),
        Problem::Fault(diagnostic, hint) => {
            let colored = colors::enabled(&io::stdout());
            render_diagnostic(&file.name, lines, diagnostic, hint.as_deref(), colored)
        }
    }
}

/// A line that editors and other programs understand: `file:line:column: message`.
fn as_line(file: &File, problem: &Problem, lines: &Lines) -> String {
    match problem {
        Problem::Unreadable(reason) => format!("{}: {reason}\n", file.name),
        Problem::Fault(diagnostic, hint) => {
            let start = lines.position(diagnostic.span.start);
            // A name belongs to the message; other hints are for the long form.
            let hint = hint.as_ref().filter(|hint| hint.starts_with("did you mean"));
            let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
            let (name, message) = (visible(file.name.as_bytes()), &diagnostic.message);
            let message = visible(message.as_bytes());
            format!("{name}:{}:{}: {message}{hint}\n", start.line, start.column)
        }
    }
}

fn as_json(file: &File, problem: &Problem, lines: &Lines) -> Value {
    match problem {
        Problem::Unreadable(reason) => {
            json!({"file": file.name, "kind": "unreadable", "message": reason})
        }
        Problem::Fault(diagnostic, hint) => {
            let mut object = place_of(lines, diagnostic.span);
            let notes = diagnostic.notes.iter().map(|note| {
                let mut object = place_of(lines, note.span);
                object["message"] = json!(note.message);
                object
            });
            object["file"] = json!(file.name);
            object["kind"] = json!(diagnostic.code);
            object["message"] = json!(diagnostic.message);
            object["hint"] = json!(hint);
            object["notes"] = notes.collect();
            object
        }
    }
}

/// The first position of a span, and the one after its last.
fn place_of(lines: &Lines, span: Span) -> Value {
    let (start, end) = (lines.position(span.start), lines.position(span.end));
    json!({
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
    })
}
