//! `solvm test [FOLDER]`: runs the tests in all files `*_test.lua`.
//!
//! Each file runs in a VM of its own, whose globals `test` and `check` come from `test.lua`; then its tests run one after the other,
//! each as a main chunk: it may wait, start goroutines, and fail.

use crate::arguments::read_duration;
use crate::report::about_file;
use clap::{Arg, ArgMatches, Command, value_parser};
use solvm::{Error, Function, Runtime};
use solvm_vm::native::Fields;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How the files are called that hold tests.
const SUFFIX: &str = "_test.lua";
/// The globals that they find beside those of every program.
pub(super) const GLOBALS: [&str; 2] = ["check", "test"];

pub(super) fn command() -> Command {
    Command::new("test")
        .about("Run the tests in all files *_test.lua")
        .arg(
            Arg::new("folder")
                .value_name("FOLDER")
                .help("Where to look, or a file")
                .default_value(".")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(Arg::new("filter").long("filter").value_name("TEXT").help("Only tests with this in their file's or their own name"))
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("DURATION")
                .help("No test may take longer, as 10s [default: no limit]")
                .allow_hyphen_values(true)
                .value_parser(read_duration),
        )
        .arg(
            Arg::new("junit")
                .long("junit")
                .value_name("FILE")
                .help("Write the results to a file in JUnit's XML, too")
                .value_parser(value_parser!(PathBuf)),
        )
        .after_help(
            "A test file calls test(name, function). The table check has equal, same, near, ok, matches, contains, fails. Exit code: 0, 1 after \
             a failure, or if there is no test.",
        )
}

/// What became of a test.
struct Outcome {
    file: String,
    name: String,
    time: Duration,
    /// The message and the traceback of one that failed.
    failure: Option<String>,
}

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    let Some(folder) = matches.get_one::<PathBuf>("folder") else { return ExitCode::FAILURE };
    let mut files = Vec::new();
    if let Err(message) = super::find_files(folder, &is_test, &mut files) {
        return super::fail(message);
    }
    let filter = matches.get_one::<String>("filter").map_or("", String::as_str);
    let limit = matches.get_one::<Duration>("timeout").copied();
    let started = Instant::now();
    let mut outcomes = Vec::new();
    for file in files {
        run_file(&file, filter, limit, &mut outcomes);
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    println!("\n{} passed, {failed} failed in {:.0?}", outcomes.len() - failed, started.elapsed());
    if let Some(path) = matches.get_one::<PathBuf>("junit")
        && let Err(error) = fs::write(path, junit(&outcomes))
    {
        return super::fail(about_file(path, &error));
    }
    if outcomes.is_empty() {
        return super::fail("there is no test");
    }
    if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What of a folder is looked at: test files and all folders.
pub(super) fn is_test(path: &Path, is_folder: bool) -> bool {
    is_folder || path.to_string_lossy().ends_with(SUFFIX)
}

/// Runs a file's tests; one that does not even load counts as one that failed.
fn run_file(path: &Path, filter: &str, limit: Option<Duration>, outcomes: &mut Vec<Outcome>) {
    let file = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let loaded = load(path, &file, limit);
    let (mut lua, next) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            return tell(
                outcomes,
                Outcome { file, name: "loads".into(), time: Duration::ZERO, failure: Some(describe(&error)) },
            );
        }
    };
    loop {
        let (name, test): (Option<String>, Option<Function>) = match lua.call(&next, ()) {
            Ok(found) => found,
            Err(error) => return eprintln!("solvm: {error}"),
        };
        let (Some(name), Some(test)) = (name, test) else { return };
        if !file.contains(filter) && !name.contains(filter) {
            continue;
        }
        let started = Instant::now();
        let result = lua.call::<()>(&test, ());
        let failure = result.err().map(|error| describe(&error));
        tell(outcomes, Outcome { file: file.clone(), name, time: started.elapsed(), failure });
    }
}

/// A VM in which the file has been run, and the function that gives its tests.
fn load(path: &Path, file: &str, limit: Option<Duration>) -> Result<(Runtime, Function), Error> {
    let builder = Runtime::builder();
    let mut lua = limit.into_iter().fold(builder, solvm::Builder::call_limit).build()?;
    let prelude = lua.load(include_str!("test.lua"), "=test")?;
    let next: Function = lua.call(&prelude, ())?;
    // As other scripts have it: the file, and the command that runs it.
    let command = std::env::args_os().next().unwrap_or_default().to_string_lossy().into_owned();
    lua.set("arg", Fields([(0.0, file.to_string()), (-1.0, command)]))?;
    let text = fs::read(path).map_err(|error| Error::unreadable(&error))?;
    let chunk = lua.load(text, &format!("@{file}"))?;
    lua.call::<()>(&chunk, ())?;
    Ok((lua, next))
}

fn describe(error: &Error) -> String {
    match error.traceback() {
        "" => error.message().into(),
        traceback => format!("{}\nstack traceback:\n\t{traceback}", error.message()),
    }
}

/// Prints what became of a test, and notes it.
fn tell(outcomes: &mut Vec<Outcome>, outcome: Outcome) {
    let word = if outcome.failure.is_some() { "FAIL" } else { "ok  " };
    println!("{word} {}: {} ({:.1?})", outcome.file, outcome.name, outcome.time);
    for line in outcome.failure.iter().flat_map(|failure| failure.lines()) {
        println!("     {line}");
    }
    outcomes.push(outcome);
}

/// The results in the form that JUnit has made common.
fn junit(outcomes: &[Outcome]) -> String {
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(text, "<testsuite name=\"solvm\" tests=\"{}\" failures=\"{failed}\">", outcomes.len());
    for outcome in outcomes {
        let (file, name) = (escape(&outcome.file), escape(&outcome.name));
        let time = outcome.time.as_secs_f64();
        let _ = write!(text, "  <testcase classname=\"{file}\" name=\"{name}\" time=\"{time:.6}\"");
        let _ = match &outcome.failure {
            Some(failure) => writeln!(text, ">\n    <failure>{}</failure>\n  </testcase>", escape(failure)),
            None => writeln!(text, "/>"),
        };
    }
    text.push_str("</testsuite>\n");
    text
}

/// A text as XML has it. What XML cannot hold is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}
