//! `solvm test [DIRECTORY]`: runs the tests in `*_test.lua` files.
//!
//! Each file runs in its own VM, whose globals `test` and `check` come from `test.lua`; `require`
//! finds modules in the directory first. Then the file's tests run in sequence, each as a main
//! chunk: it may wait, start goroutines, and fail. An uncaught error in a goroutine fails the test
//! that started it, even if that has ended; in one of the file's own goroutines it fails the
//! running test.

use crate::arguments::read_duration;
use crate::exit::Exit;
use crate::output;
use crate::report::{about_file, excerpt};
use clap::{Arg, ArgMatches, Command, value_parser};
use solvm::{Error, ErrorKind, Function, Names, Process, Report, Runtime, Value, World};
use solvm_compiler::bytecode::Source;
use solvm_vm::native::Fields;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The suffix of the names of test files.
const SUFFIX: &str = "_test.lua";
/// The globals of tests in addition to those of every program.
pub(super) const GLOBALS: [&str; 2] = ["check", "test"];

pub(super) fn add_arguments(command: Command) -> Command {
    command
        .about("Run the tests in *_test.lua files")
        .arg(
            Arg::new("directory")
                .value_name("DIRECTORY")
                .help("Directory to search, or a test file")
                .default_value(".")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("filter")
                .long("filter")
                .value_name("TEXT")
                .help("Run only tests whose file or test name contains TEXT"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("DURATION")
                .help("Time limit per test, such as 10s; 0 means no limit [default: no limit]")
                .allow_hyphen_values(true)
                .value_parser(read_duration),
        )
        .arg(
            Arg::new("junit")
                .long("junit")
                .value_name("FILE")
                .help("Also write the results to FILE as JUnit XML")
                .value_parser(value_parser!(PathBuf)),
        )
        .after_help(
            "A test file calls test(name, function). require finds modules in DIRECTORY first. \
             The table check has equal, same, near, ok, matches, contains and fails. A test \
             fails if it calls os.exit or if one of its goroutines raises an uncaught error. \
             Exit codes: 0, 1 if a test failed or none was found.",
        )
}

/// The outcome of a test.
struct Outcome {
    file: String,
    name: String,
    time: Duration,
    /// The messages and tracebacks of its failures.
    failures: Vec<String>,
    /// The lowest number of the goroutines that belong to it or a later test.
    first_goroutine: f64,
}

thread_local! {
    /// The uncaught errors, and the goroutines that they have ended. (A formatter of reports cannot
    /// have state.)
    static UNCAUGHT: RefCell<Vec<(f64, String)>> = const { RefCell::new(Vec::new()) };
}

/// Records an uncaught error, which is reported with its test.
fn note(report: &Report, _: &Names) -> String {
    let mut text = with_excerpt(report);
    let number = report.goroutine.unwrap_or(0);
    let calls = report.calls();
    if !calls.is_empty() {
        let calls = String::from_utf8_lossy(&calls);
        text.push_str(&format!("\nstack traceback of goroutine {number}:{calls}"));
    }
    UNCAUGHT.with_borrow_mut(|uncaught| uncaught.push((number as f64, text)));
    String::new()
}

pub(super) fn run(matches: &ArgMatches) -> ExitCode {
    let Some(directory) = matches.get_one::<PathBuf>("directory") else { return ExitCode::FAILURE };
    let mut files = Vec::new();
    if let Err(message) = super::find_files(directory, &is_test, &mut files) {
        return super::fail(message);
    }
    let filter = matches.get_one::<String>("filter").map_or("", String::as_str);
    let limit = matches.get_one::<Duration>("timeout").copied().filter(|limit| !limit.is_zero());
    let started = Instant::now();
    let mut outcomes = Vec::new();
    let mut printed =
        files.iter().try_for_each(|file| run_file(file, directory, filter, limit, &mut outcomes));
    let failed = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    printed = printed.and_then(|()| {
        let (passed, time) = (outcomes.len() - failed, started.elapsed());
        print(format_args!("\n{passed} passed, {failed} failed in {time:.0?}"))
    });
    let code = if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    if printed.is_err() {
        return output::finish(printed, code);
    }
    if let Some(path) = matches.get_one::<PathBuf>("junit")
        && let Err(error) = fs::write(path, junit(&outcomes))
    {
        return super::fail(about_file(path, &error));
    }
    if outcomes.is_empty() {
        return super::fail("no tests found");
    }
    code
}

/// Prints a line.
fn print(line: std::fmt::Arguments<'_>) -> io::Result<()> {
    output::write(format!("{line}\n").as_bytes())
}

/// Whether an entry of a directory is visited: test files and all directories.
pub(super) fn is_test(path: &Path, is_directory: bool) -> bool {
    is_directory || path.to_string_lossy().ends_with(SUFFIX)
}

/// A file that has been run.
struct File {
    lua: Runtime,
    exit: Exit,
    /// Returns the tests in sequence: name, function, and the number from which on goroutines are
    /// the test's.
    next: Function,
    /// Returns when the goroutines of a test have had their turn.
    settle: Function,
}

/// Runs a file's tests; a file that cannot be loaded counts as a failed test. The error is a
/// failure to write the results.
fn run_file(
    path: &Path,
    directory: &Path,
    filter: &str,
    limit: Option<Duration>,
    outcomes: &mut Vec<Outcome>,
) -> io::Result<()> {
    let name = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let outcome = |test: String, started: Instant, failures, first_goroutine| Outcome {
        file: name.clone(),
        name: test,
        time: started.elapsed(),
        failures,
        first_goroutine,
    };
    let started = Instant::now();
    let mut file = match load(path, &name, &search_path(directory, path), limit) {
        Ok(file) => file,
        Err(failure) => {
            return report(outcomes, outcome("loads".into(), started, vec![failure], 0.0));
        }
    };
    let first_outcome = outcomes.len();
    loop {
        let found: (Option<String>, Option<Function>, f64) = match file.lua.call(&file.next, ()) {
            Ok(found) => found,
            Err(error) => {
                output::fail(error);
                return Ok(());
            }
        };
        let (Some(test), Some(function), first_goroutine) = found else { break };
        if !name.contains(filter) && !test.contains(filter) {
            continue;
        }
        let started = Instant::now();
        let mut failures: Vec<String> = file.call(&function, limit).err().into_iter().collect();
        failures.extend(file.settle(limit).err());
        failures.extend(share_out(
            outcomes.get_mut(first_outcome..).unwrap_or_default(),
            first_goroutine,
        )?);
        report(outcomes, outcome(test, started, failures, first_goroutine))?;
    }
    let failures = share_out(outcomes.get_mut(first_outcome..).unwrap_or_default(), f64::INFINITY)?;
    if !failures.is_empty() {
        report(outcomes, outcome("goroutines".into(), started, failures, f64::INFINITY))?;
    }
    Ok(())
}

/// Reports uncaught errors with the ended tests that own their goroutines. Returns those of other
/// goroutines: of this number and above, and those that the file itself has started.
fn share_out(ended: &mut [Outcome], first_goroutine: f64) -> io::Result<Vec<String>> {
    let mut others = Vec::new();
    for (goroutine, failure) in UNCAUGHT.take() {
        match ended.iter_mut().rfind(|outcome| outcome.first_goroutine <= goroutine) {
            Some(outcome) if goroutine < first_goroutine => report_late(outcome, failure)?,
            _ => others.push(failure),
        }
    }
    Ok(others)
}

/// The templates of `package.path` for modules in the directory that is searched for tests, and
/// next to a test file.
fn search_path(directory: &Path, file: &Path) -> String {
    let own = file.parent().unwrap_or(Path::new(""));
    let directory = if directory == file { own } else { directory };
    let mut templates = String::new();
    for place in [directory, own].into_iter().take(if own == directory { 1 } else { 2 }) {
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        // A name with the characters of templates would mean other files.
        if let Some(place) = place.to_str().filter(|place| !place.contains(['?', ';'])) {
            let separator = std::path::MAIN_SEPARATOR;
            let place = place.trim_end_matches(separator);
            let _ = write!(
                templates,
                "{place}{separator}?.lua;{place}{separator}?{separator}init.lua;"
            );
        }
    }
    templates
}

/// Runs a file in its own VM, with these templates at the start of `package.path`. The error is the
/// message to print.
fn load(path: &Path, name: &str, templates: &str, limit: Option<Duration>) -> Result<File, String> {
    let describe = |error: Error| self::describe(&error, limit);
    let text = fs::read(path).map_err(|error| Error::unreadable(&error)).map_err(describe)?;
    let mut world = Process::new();
    // Tests find the packages of their project.
    world.set_script(path);
    let builder = Runtime::builder().world(world);
    let mut lua =
        limit.into_iter().fold(builder, solvm::Builder::call_limit).build().map_err(describe)?;
    lua.set_reporter(note);
    let canceller = lua.canceller();
    let exit = lua.enter(|call| {
        Exit::replace(call, move || canceller.cancel()).map_err(|error| error.message(call))
    });
    let exit = exit.map_err(describe)?;
    let exit = exit.map_err(|message| String::from_utf8_lossy(&message).into_owned())?;
    let prelude = lua.load(include_str!("test.lua"), "=test").map_err(describe)?;
    let (next, settle): (Function, Function) = lua.call(&prelude, templates).map_err(describe)?;
    // As in other scripts: the file, and the command that runs it.
    let command = std::env::args_os().next().unwrap_or_default().to_string_lossy().into_owned();
    lua.set("arg", Fields([(0.0, name.to_string()), (-1.0, command)])).map_err(describe)?;
    let chunk_name = format!("@{name}");
    let chunk = lua.load(&text, &chunk_name).map_err(|error| {
        let source = Some(Arc::new(Source::new(&text[..], chunk_name.as_bytes())));
        with_excerpt(&Report { source, ..Report::new(error.message().as_bytes()) })
    })?;
    let mut file = File { lua, exit, next, settle };
    file.call(&chunk, limit)?;
    Ok(file)
}

impl File {
    /// Returns when the goroutines of a test have had their turn.
    fn settle(&mut self, limit: Option<Duration>) -> Result<(), String> {
        let settle = self.settle.clone();
        self.call(&settle, limit)
    }

    /// Calls a function. The error is the message to print.
    fn call(&mut self, function: &Function, limit: Option<Duration>) -> Result<(), String> {
        let result = self.lua.call::<()>(function, ());
        match self.exit.take() {
            Some(called) => Err(called),
            None => result.map_err(|error| describe(&error, limit)),
        }
    }
}

fn describe(error: &Error, limit: Option<Duration>) -> String {
    match (error.kind(), error.traceback(), limit) {
        (ErrorKind::TimedOut, _, Some(limit)) => format!("timed out after {limit:?} (--timeout)"),
        (_, "", _) => error.message().into(),
        (_, traceback, _) => {
            let is_object = !matches!(error.value(), Some(Value::String(_)));
            let report = Report {
                traceback: error.calls().clone(),
                is_object,
                ..Report::new(error.message().as_bytes())
            };
            format!("{}\nstack traceback:\n\t{traceback}", with_excerpt(&report))
        }
    }
}

/// The message of an error, and its place in the source.
fn with_excerpt(report: &Report) -> String {
    let message = String::from_utf8_lossy(&report.message);
    format!("{message}\n{}", excerpt(report)).trim_end().into()
}

/// Prints and records the outcome of a test.
fn report(outcomes: &mut Vec<Outcome>, outcome: Outcome) -> io::Result<()> {
    let word = if outcome.failures.is_empty() { "ok  " } else { "FAIL" };
    let mut text = format!("{word} {}: {} ({:.1?})", outcome.file, outcome.name, outcome.time);
    outcome.failures.iter().for_each(|failure| put_failure(failure, &mut text));
    outcomes.push(outcome);
    print(format_args!("{text}"))
}

/// Prints and records a failure of a test that has been reported.
fn report_late(outcome: &mut Outcome, failure: String) -> io::Result<()> {
    let mut text = format!("FAIL {}: {} (after it finished)", outcome.file, outcome.name);
    put_failure(&failure, &mut text);
    outcome.failures.push(failure);
    print(format_args!("{text}"))
}

fn put_failure(failure: &str, text: &mut String) {
    for line in failure.lines() {
        text.push_str("\n     ");
        text.push_str(line);
    }
}

/// The results in JUnit's format.
fn junit(outcomes: &[Outcome]) -> String {
    let failed = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuite name=\"solvm\" tests=\"{}\" failures=\"{failed}\">",
        outcomes.len()
    );
    for outcome in outcomes {
        let (file, name) = (escape(&outcome.file), escape(&outcome.name));
        let time = outcome.time.as_secs_f64();
        let _ = write!(text, "  <testcase classname=\"{file}\" name=\"{name}\" time=\"{time:.6}\"");
        let _ = match outcome.failures.is_empty() {
            true => writeln!(text, "/>"),
            false => {
                let failures = escape(&outcome.failures.join("\n"));
                writeln!(text, ">\n    <failure>{failures}</failure>\n  </testcase>")
            }
        };
    }
    text.push_str("</testsuite>\n");
    text
}

/// Escapes a string for XML. Characters that XML cannot represent are omitted.
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
