//! Calls every native in a loop, with arguments that make it use much memory, and measures the peak
//! of the process.
//!
//! A program runs many cases; it waits for the test before each one, so that each has its own peak.
//! A case that exceeds the limit runs again, alone.

use super::natives::cases::{self, Case};
use super::natives::{DRIVER, solvm, subjects};
use super::{bound, peak_of};
use rustix::fs::{CWD, FileType, Mode};
use std::fmt::{self, Write as _};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use std::{fs, thread};

const CASES: &str = include_str!("cases.lua");
/// Milliseconds for each native in an ordinary run, once for garbage and once with results kept.
const ORDINARY_MILLISECONDS: usize = 3;
/// A program that prints nothing for this long hangs.
const MAX_SILENCE: Duration = Duration::from_secs(300);
/// Values that make natives use much memory.
const LARGE: &[&str] = &["letters", "many", "varied", "counted", "two_31", "fields"];
/// Values instead of long strings, from which parsers create much data.
const DENSE: &[&str] = &["actions", "items"];
/// Maximum number of cases of a program.
const MOST_CASES: usize = 300;
/// The last lines of a program's output are shown.
const SHOWN: usize = 50;

/// The failure of a case.
#[derive(Debug)]
enum Problem {
    /// The peak in MiB.
    Over(usize),
    /// The program ended abnormally, and not for lack of memory.
    Ended(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Over(peak) => write!(f, "{peak} MiB"),
            Problem::Ended(how) => write!(f, "{how}"),
        }
    }
}

/// Milliseconds for each case of a long run.
pub(super) fn long_run() -> Option<usize> {
    std::env::var("SOLVM_MEMORY").ok()?.parse().ok()
}

/// The cases of a native: one with plain arguments, one with a large value for each parameter, and
/// one with all of them. A long run has every value.
fn cases_of(subject: &subjects::Subject) -> Vec<Case> {
    let is_long = long_run().is_some();
    let is_large = |value: &str| LARGE.contains(&value.rsplit('=').next().unwrap_or_default());
    let mut seen = Vec::new();
    let mut large = Vec::new();
    for case in cases::of(subject, 0) {
        let arguments = &case.values[usize::from(subject.object.is_some())..];
        for (i, value) in arguments.iter().enumerate().filter(|(_, value)| is_large(value)) {
            large.resize(large.len().max(i + 1), None);
            large[i].get_or_insert(value.clone());
        }
        let is_chosen = is_long || seen.is_empty() || arguments.iter().any(|value| is_large(value));
        let is_known = seen.iter().any(|other: &Case| other.values == case.values);
        if is_chosen && !is_known && case.way != "deep" {
            seen.push(case);
        }
    }
    let mut all = seen[0].clone();
    let objects = usize::from(subject.object.is_some());
    for (i, value) in large.into_iter().enumerate() {
        match (all.values.get_mut(objects + i), value) {
            (Some(place), Some(value)) => *place = value,
            (None, value) => all.values.push(value.unwrap_or("nil".to_string())),
            (Some(_), None) => {}
        }
    }
    seen.push(all);
    let with = |value: &'static str| {
        move |case: &Case| {
            let mut case = case.clone();
            let place = case.values.iter_mut().find(|other| *other == "letters")?;
            *place = value.to_string();
            Some(case)
        }
    };
    let dense: Vec<Case> =
        DENSE.iter().flat_map(|value| seen.iter().filter_map(with(value))).collect();
    seen.extend(dense);
    seen
}

/// The script for some cases.
fn script(cases: &[Case], limit: usize, pipe: &Path) -> String {
    let seconds = long_run().unwrap_or(ORDINARY_MILLISECONDS) as f64 / 1000.0;
    let settings = format!("local LIMIT, SECONDS, ANSWERS = {limit}, {seconds}, {pipe:?}");
    let mut text = format!("{DRIVER}\n{settings}\n{CASES}\n");
    for (number, case) in cases.iter().enumerate() {
        let values: Vec<String> = case.values.iter().map(|value| format!("{value:?}")).collect();
        let patience = if case.waits { ", 0.02" } else { "" };
        let _ = writeln!(
            text,
            "measured({number}, function() return {} end, {{ {} }}{patience})",
            case.function,
            values.join(", ")
        );
    }
    text + "ready('finished') exit(0)\n"
}

/// Makes the script for some cases at a limit; the test replies by the pipe.
pub(super) type Script = fn(&[Case], usize, &Path) -> String;

/// Runs cases until one of them ends the program; returns their number and the failure.
fn run(script: Script, cases: &[Case], limit: usize) -> (usize, Vec<(usize, Problem)>) {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let pipe = other.path().join("answers");
    fs::write(directory.path().join("cases.lua"), script(cases, limit, &pipe)).unwrap();
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
    // Opened for both directions, so that this does not wait for the program.
    let mut answers = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let mut program = solvm(directory.path())
        .args([
            "-timeout",
            "0",
            "-run-limit",
            "2s",
            "-memory-limit",
            &limit.to_string(),
            "cases.lua",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = channel();
    let output = BufReader::new(program.stderr.take().unwrap());
    thread::spawn(move || {
        for line in output.split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    let (mut at, mut problems, mut shown) = (None, Vec::new(), Vec::new());
    let ended = loop {
        let line = match lines.recv_timeout(MAX_SILENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => break Some("does not end".to_string()),
            Err(RecvTimeoutError::Disconnected) => break None,
        };
        let next = line.strip_prefix("case ").and_then(|number| number.parse().ok());
        if next.is_none() && !matches!(&line[..], "finished" | "left over") {
            shown.push(line);
            continue;
        }
        // It waits for the reply: this is the peak of the previous case.
        let peak = peak_of(program.id()).unwrap_or(0);
        if let Some(at) = at.filter(|_| peak > bound(limit)) {
            problems.push((at, Problem::Over(peak)));
        }
        let _ = fs::write(format!("/proc/{}/clear_refs", program.id()), "5");
        at = next.or(at);
        shown.clear();
        let _ = answers.write_all(b"\n");
    };
    // It may have ended already.
    let _ = program.kill();
    let status = program.wait().unwrap();
    let done = at.map_or(0, |at: usize| at + 1);
    let wants_memory = shown.iter().any(|line| line.contains("not enough memory"));
    if let Some(how) = ended {
        problems.push((done.saturating_sub(1), Problem::Ended(how)));
    } else if status.code() != Some(0) && !(status.code() == Some(1) && wants_memory) {
        let output = shown[shown.len().saturating_sub(SHOWN)..].join("\n");
        problems.push((done.saturating_sub(1), Problem::Ended(format!("{status}\n{output}"))));
    }
    assert!(done > 0, "no case has begun: {status} {shown:?}");
    (done, problems)
}

/// The problems of all cases at a limit; each has run again, alone.
fn problems_at(script: Script, limit: usize, cases: &[Case]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = cases;
    while !rest.is_empty() {
        // Their program must not need much memory itself.
        let (done, problems) = run(script, &rest[..rest.len().min(MOST_CASES)], limit);
        for (at, problem) in problems {
            let alone =
                run(script, &rest[at..=at], limit).1.pop().map(|(_, problem)| problem.to_string());
            let alone = alone.unwrap_or("nothing".to_string());
            found.push(format!("{} at {limit}: {problem}\n    alone: {alone}", rest[at]));
        }
        rest = &rest[done..];
    }
    found
}

/// Fails if a case has a problem at one of the limits.
pub(super) fn problems_of(script: Script, cases_at: impl Fn(usize) -> Vec<Case> + Sync) {
    let runs: Vec<(usize, Vec<String>)> = thread::scope(|scope| {
        let runs = [16, 64].map(|limit| {
            let cases_at = &cases_at;
            scope.spawn(move || {
                let cases = cases_at(limit);
                (cases.len(), problems_at(script, limit, &cases))
            })
        });
        runs.map(|run| run.join().unwrap()).into()
    });
    let count: usize = runs.iter().map(|(count, _)| count).sum();
    assert!(count > 0);
    let problems: Vec<String> = runs.into_iter().flat_map(|(_, problems)| problems).collect();
    for problem in &problems {
        eprintln!("{problem}");
    }
    assert!(problems.is_empty(), "{} of {count} cases", problems.len());
}

#[test]
fn whatever_natives_hold_is_bounded() {
    let chosen = std::env::var("SOLVM_NATIVE").unwrap_or_default();
    let subjects = subjects::all();
    let subjects = subjects.iter().filter(|subject| subject.name.contains(&chosen));
    let cases: Vec<Case> = subjects.flat_map(cases_of).collect();
    problems_of(script, |_| cases.clone());
}
