//! Runs cases in `solvm`, whose debug builds measure natives.

use super::natives::cases::Case;
use super::natives::{DRIVER, solvm};
use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The number of cases that one program runs.
const BATCH: usize = 400;
/// How often in sequence a native must be reported in a case: for each call.
const REPORTS: usize = 3;
/// The divisor of the number of reports for many calls.
const RARE: usize = 16;
/// A program that is silent for this long hangs. The run limit should have ended it.
const MAX_SILENCE: Duration = Duration::from_secs(20);

/// The failure of a case.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// Every call was reported: the last report.
    Unpaid(String),
    /// It did not end.
    Endless,
    /// The program ended.
    Ended(String),
    /// It did not end at the time limit.
    Late(String),
    /// No failure.
    Fine,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Unpaid(report) => write!(f, "{report}"),
            Verdict::Endless => write!(f, "does not end at the run limit"),
            Verdict::Ended(how) => write!(f, "ended the program: {how}"),
            Verdict::Late(how) => write!(f, "{how}"),
            Verdict::Fine => write!(f, "fine"),
        }
    }
}

/// A case and its failure.
#[derive(Clone, Debug)]
pub(crate) struct Suspect {
    pub(crate) case: Case,
    pub(crate) verdict: Verdict,
}

/// The line of the driver for a case.
fn line(number: usize, case: &Case) -> String {
    let values: Vec<String> = case.values.iter().map(|value| format!("{value:?}")).collect();
    let patience = if case.waits { ", 0.02" } else { "" };
    format!(
        "case({number}, {}, {:?}, {{ {} }}{patience})\n",
        case.function,
        case.way,
        values.join(", ")
    )
}

/// How many times longer than due a native may take: an ordinary run may be beside other programs.
fn tolerance() -> &'static str {
    if std::env::var_os("SOLVM_CASES").is_some() { "1" } else { "4" }
}

/// Returns the cases whose native accepts a name that is too long, and its result.
pub(crate) fn accepted(cases: &[Case]) -> Vec<(Case, String)> {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("names.lua");
    let line = |(number, case): (usize, &Case)| {
        let values: Vec<String> = case.values.iter().map(|value| format!("{value:?}")).collect();
        format!("refused({number}, {}, {{ {} }})\n", case.function, values.join(", "))
    };
    let lines: String = cases.iter().enumerate().map(line).collect();
    std::fs::write(&script, format!("{DRIVER}\n{lines}finished()\n")).unwrap();
    let output = solvm(directory.path()).arg(&script).stderr(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.ends_with("finished\n"), "{text}");
    let mut lines = text.lines();
    let mut accepted = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(number) = line.strip_prefix("accepted ") {
            let said = lines.next().unwrap_or_default().to_string();
            accepted.push((cases[number.parse::<usize>().unwrap()].clone(), said));
        }
    }
    accepted
}

/// Runs cases and returns those whose natives were reported for each call. Cases that call a native
/// repeatedly do so for this processor time.
pub(crate) fn measure(cases: &[Case], seconds: f64) -> Vec<Suspect> {
    let mut suspects = Vec::new();
    for batch in cases.chunks(BATCH) {
        let mut first = 0;
        while first < batch.len() {
            first += measure_some(&batch[first..], seconds, &mut suspects);
        }
    }
    suspects
}

/// Runs cases until one of them ends the program; returns their number.
fn measure_some(cases: &[Case], seconds: f64, suspects: &mut Vec<Suspect>) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("cases.lua");
    let lines: String = cases.iter().enumerate().map(|(i, case)| line(i, case)).collect();
    let text = format!("local SECONDS = {seconds}\n{DRIVER}\n{lines}finished()\n");
    std::fs::write(&script, text).unwrap();
    let mut program = solvm(directory.path())
        .args(["-run-limit", "400ms", "cases.lua"])
        .env("SOLVM_UNPAID", tolerance())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = channel();
    let output = BufReader::new(program.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in output.split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    let (mut at, mut has_begun) = (0, false);
    let mut reports: Vec<String> = Vec::new();
    let mut other = String::new();
    let mut calls = 0;
    let mut look = |at: usize, calls: usize, reports: &mut Vec<String>| {
        let reports = std::mem::take(reports);
        let enough = REPORTS.max(calls / RARE);
        let name = |report: &str| report.split(" took ").next().unwrap_or_default().to_string();
        let in_a_row = |report: &str| {
            let (rest, _) = report.rsplit_once(" in a row")?;
            rest.rsplit_once(' ')?.1.parse::<usize>().ok()
        };
        let often = reports.iter().rev().find(|report| {
            in_a_row(report).is_some_and(|count| count >= REPORTS)
                && reports.iter().filter(|other| name(other) == name(report)).count() >= enough
        });
        let often = often.cloned();
        if let (Some(report), Some(case)) = (often, cases.get(at)) {
            suspects.push(Suspect { case: case.clone(), verdict: Verdict::Unpaid(report) });
        }
    };
    let verdict = loop {
        match lines.recv_timeout(MAX_SILENCE) {
            Ok(line) if line == "finished" => break Verdict::Fine,
            Ok(line) => {
                if let Some(number) = line.strip_prefix("case ") {
                    // Before the first case the program has prepared the values.
                    if std::mem::replace(&mut has_begun, true) {
                        look(at, std::mem::take(&mut calls), &mut reports);
                    }
                    reports.clear();
                    at = number.parse().unwrap_or(at);
                } else if let Some(report) = line.strip_prefix("unpaid work: ") {
                    reports.push(report.to_string());
                } else if let Some(count) = line.strip_prefix("called ") {
                    calls = count.parse().unwrap_or(0);
                } else {
                    other = line;
                }
            }
            Err(RecvTimeoutError::Timeout) => break Verdict::Endless,
            Err(RecvTimeoutError::Disconnected) => break Verdict::Ended(other),
        }
    };
    look(at, calls, &mut reports);
    // It may have ended already.
    let _ = program.kill();
    let status = program.wait().unwrap();
    if let Verdict::Fine = verdict {
        return cases.len();
    }
    let verdict = match verdict {
        Verdict::Ended(last) => Verdict::Ended(format!("{status}, {last}")),
        verdict => verdict,
    };
    suspects.push(Suspect { case: cases[at].clone(), verdict });
    at + 1
}

/// Whether a loop of a case ends at the time limit.
pub(crate) fn ends_in_time(case: &Case) -> Verdict {
    // Other programs may keep the machine busy, unless all cases are asked for.
    let lateness = if std::env::var_os("SOLVM_WALL").is_some() { 2 } else { 30 };
    let lateness = Duration::from_secs(lateness);
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("loop.lua");
    let values: Vec<String> = case.values.iter().map(|value| format!("{value:?}")).collect();
    let text = format!(
        "{DRIVER}\nlocal f, names = {}, {{ {} }}\nlocal values = values_of(names, 1)\n\
         write(progress_output, 'ready\\n')\n\
         while true do pcall(f, unpack(values, 1, #names)) end\n",
        case.function,
        values.join(", ")
    );
    std::fs::write(&script, text).unwrap();
    let mut program = solvm(directory.path());
    program.args(["-timeout", "700ms", "-memory-limit", "4000", "loop.lua"]);
    let mut program = program.stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    match wait(&mut program, Duration::from_millis(700) + lateness) {
        Some(Some(124)) => Verdict::Fine,
        // Some arguments cause an error that no call catches: there is no loop.
        Some(code) => Verdict::Late(format!("ended with {code:?} after {:?}", began.elapsed())),
        None => Verdict::Late(format!("had not ended after {:?}", began.elapsed())),
    }
}

/// Returns the exit code of a program, or None if it did not end in time and was killed.
fn wait(program: &mut Child, limit: Duration) -> Option<Option<i32>> {
    let began = Instant::now();
    while began.elapsed() < limit {
        if let Some(status) = program.try_wait().unwrap() {
            return Some(status.code());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    program.kill().unwrap();
    program.wait().unwrap();
    None
}
