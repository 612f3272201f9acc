//! Natives charge the budget for the time that they take, so that the time limit ends whatever a
//! program does.
//!
//! Cases run in `solvm` itself, whose debug builds measure natives (`SOLVM_UNPAID`). One that is
//! reported each time it is called is run again, alone; what is reported each time again has
//! failed.
//!
//! Only the libraries of [`ORDINARY`] are measured in an ordinary run: all take minutes.
//! `SOLVM_CASES=20` measures all, and draws so many combinations of arguments for each native;
//! `SOLVM_WALL=all` ends every native by the clock instead of a few.
#![cfg(all(unix, debug_assertions))]

#[path = "../natives/mod.rs"]
mod natives;
mod run;
mod sources;

use natives::cases::{self, Case};
use natives::subjects;
use run::Verdict;
use std::collections::BTreeMap;

/// The beginnings of the names that an ordinary run measures.
const ORDINARY: [&str; 4] = ["debug.", "json", "string.", "table."];

/// A number from the environment.
fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn every_native_charges_for_its_work() {
    let subjects = subjects::all();
    let chosen = std::env::var("SOLVM_NATIVE").unwrap_or_default();
    let is_whole = std::env::var_os("SOLVM_CASES").is_some() || !chosen.is_empty();
    let is_ordinary = |name: &str| ORDINARY.iter().any(|start| name.starts_with(start));
    let cases: Vec<Case> = subjects
        .iter()
        .filter(|subject| subject.name.contains(&chosen))
        .filter(|subject| is_whole || is_ordinary(&subject.name))
        .flat_map(|subject| cases::of(subject, setting("SOLVM_CASES", 2)))
        .collect();
    assert!(!cases.is_empty());
    let mut failed = BTreeMap::new();
    for suspect in run::measure(&cases) {
        // Whatever it was: chance does not come three times.
        let again = |_| run::measure(std::slice::from_ref(&suspect.case)).into_iter().next();
        let verdicts: Option<Vec<_>> = (0..2).map(again).collect();
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

/// By the clock: whatever is called in a loop, past every `pcall`.
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
