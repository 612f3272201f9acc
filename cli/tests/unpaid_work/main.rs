//! Natives charge the budget for the time that they use, so that the time limit ends any program.
//!
//! Cases run in `solvm` itself, whose debug builds measure natives (`SOLVM_UNPAID`). A case that is
//! reported for each call is run again, alone; if it is reported for each call again, it has
//! failed.
//!
//! An ordinary run draws no arguments, and calls natives repeatedly only for a short time.
//! `SOLVM_CASES=20` draws 20 combinations of arguments for each native; `SOLVM_WALL=all` ends every
//! native by the clock instead of a few. `SOLVM_NATIVE=name` selects natives.
#![cfg(test)]
#![cfg(all(unix, debug_assertions))]

#[path = "../natives/mod.rs"]
#[allow(dead_code)]
mod natives;
mod run;
mod sources;

use natives::cases::{self, Case};
use natives::subjects;
use run::Verdict;
use std::collections::BTreeMap;
use std::time::Duration;

/// Seconds of processor time for a case that calls its native repeatedly.
const SECONDS: f64 = 0.12;
/// The same for an ordinary run.
const SECONDS_OF_ORDINARY: f64 = 0.02;

#[test]
fn every_native_charges_for_its_work() {
    let subjects = subjects::all();
    let chosen = std::env::var("SOLVM_NATIVE").unwrap_or_default();
    let drawn: Option<usize> = std::env::var("SOLVM_CASES").ok().and_then(|text| text.parse().ok());
    let seconds = if drawn.is_some() { SECONDS } else { SECONDS_OF_ORDINARY };
    let cases: Vec<Case> = subjects
        .iter()
        .filter(|subject| subject.name.contains(&chosen))
        .flat_map(|subject| cases::of(subject, drawn.unwrap_or(0)))
        .collect();
    assert!(!cases.is_empty());
    let mut failed = BTreeMap::new();
    for suspect in run::measure(&cases, seconds) {
        // Five failures in sequence are not accidental.
        let alone = std::slice::from_ref(&suspect.case);
        let again = |seconds| {
            // Other programs may keep the machine busy for a while.
            std::thread::sleep(Duration::from_secs(seconds));
            run::measure(alone, SECONDS).into_iter().next()
        };
        let verdicts: Option<Vec<_>> = (0..4).map(again).collect();
        if let Some(verdicts) = verdicts {
            let last = verdicts.into_iter().next_back().unwrap_or(suspect);
            failed.entry(last.case.subject.clone()).or_insert_with(Vec::new).push(last);
        }
    }
    for (subject, suspects) in &failed {
        eprintln!("{subject}: {} cases, such as", suspects.len());
        for suspect in suspects.iter().take(3) {
            eprintln!("    {}: {}", suspect.case, suspect.verdict);
        }
    }
    assert!(failed.is_empty(), "{} of {} natives do not charge", failed.len(), subjects.len());
}

/// Parameters that have the names of names, but are not: their meanings.
const NOT_NAMES: &[(&str, &str)] = &[
    ("load", "its own source"),
    ("loadstring", "its own source"),
    ("utils.", "of Lua functions"),
    ("socket.ftp.", "of Lua functions"),
    ("socket.http.", "of Lua functions"),
    ("socket.sink", "of a Lua function"),
    ("socket.source", "of a Lua function"),
    ("socket.url.", "of Lua functions"),
    ("ssl.context.", "of natives that refuse what is not a context first"),
];

/// A parameter that is a name has a type that limits its length.
#[test]
fn names_have_a_bounded_length() {
    let subjects = subjects::all();
    let is_excluded = |name: &str| NOT_NAMES.iter().any(|(start, _)| name.starts_with(start));
    let cases: Vec<Case> = subjects
        .iter()
        .filter(|subject| !is_excluded(&subject.name))
        .flat_map(cases::of_long_names)
        .collect();
    assert!(cases.len() > 80, "{}", cases.len());
    let accepted = run::accepted(&cases);
    for (case, said) in &accepted {
        eprintln!("{case}: {said}");
    }
    assert!(accepted.is_empty(), "{} names may be of any length", accepted.len());
}

/// The clock ends any native that is called in a loop, past every `pcall`.
#[test]
fn natives_end_at_the_time_limit() {
    let subjects = subjects::all();
    let is_all = std::env::var("SOLVM_WALL").is_ok_and(|which| which == "all");
    let step = if is_all { 1 } else { subjects.len() / 6 };
    let mut failed = Vec::new();
    for subject in subjects.iter().step_by(step.max(1)) {
        for case in cases::of(subject, 1).iter().filter(|case| case.is_drawn()) {
            if let Verdict::Late(why) = run::ends_in_time(case) {
                eprintln!("{case}: {why}");
                failed.push(case.subject.clone());
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
