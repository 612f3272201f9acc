//! Targets for goroutines, channels and timers, measured by the scripts below `benches/runtime`:
//! see [`PROMISES`].

use crate::script::{self, Script};
use solvm_vm::native::Library;
use solvm_vm::{Call, LuaString};
use std::collections::HashMap;
use std::process::Command;

/// A figure that a script prints, and what it may be at most.
struct Promise {
    script: &'static str,
    figure: &'static str,
    most: f64,
}

const PROMISES: &[Promise] = &[
    Promise { script: "blocked", figure: "spawned and joined, s", most: 5.0 },
    Promise { script: "blocked", figure: "peak memory, MiB", most: 1024.0 },
    Promise { script: "timers", figure: "worst lateness, ms", most: 20.0 },
    Promise { script: "sleeper", figure: "99th percentile of lateness, ms", most: 15.0 },
];

/// The maximum cost of round trips, in coroutine switches of LuaJIT's interpreter.
const MOST_SWITCHES: f64 = 4.0;
/// How often the two are measured, in turn. The fastest of each counts.
const ROUNDS: usize = 7;

const SCRIPTS: &[Script] = &[
    ("blocked", include_str!("../runtime/blocked.lua")),
    ("round_trips", include_str!("../runtime/round_trips.lua")),
    ("switches", include_str!("../runtime/switches.lua")),
    ("timers", include_str!("../runtime/timers.lua")),
    ("sleeper", include_str!("../runtime/sleeper.lua")),
];

/// Measures everything and prints it. False if a promise is not kept.
pub(crate) fn run() -> Result<bool, String> {
    let mut all_kept = true;
    for (script, _) in
        SCRIPTS.iter().filter(|(name, _)| PROMISES.iter().any(|promise| promise.script == *name))
    {
        let figures = figures(measured(script)?)?;
        let mut names: Vec<&String> = figures.keys().collect();
        names.sort();
        for name in names {
            let promise =
                PROMISES.iter().find(|promise| promise.script == *script && promise.figure == name);
            all_kept &= print(script, name, figures[name], promise.map(|promise| promise.most));
        }
    }
    Ok(compare_round_trips()? && all_kept)
}

fn compare_round_trips() -> Result<bool, String> {
    let (mut trips, mut own, mut others) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    let time = |output| {
        figures(output).and_then(|figures| figures.get("time").copied().ok_or("no time".into()))
    };
    let switches = concat!(env!("CARGO_MANIFEST_DIR"), "/runtime/switches.lua");
    let luajit = || Command::new("luajit").args(["-joff", switches]).output();
    let has_luajit = luajit().is_ok();
    for _ in 0..ROUNDS {
        trips = trips.min(time(measured("round_trips")?)?);
        own = own.min(time(measured("switches")?)?);
        if has_luajit {
            let output = luajit().map_err(|error| error.to_string())?;
            others = others.min(time(String::from_utf8_lossy(&output.stdout).into_owned())?);
        }
    }
    print("round trips", "200,000 between two goroutines, ms", trips * 1e3, None);
    print("round trips", "200,000 coroutine switches, ms", own * 1e3, None);
    if !has_luajit {
        println!("luajit is not installed: no comparison of round trips");
        return Ok(true);
    }
    print("round trips", "200,000 coroutine switches in luajit -joff, ms", others * 1e3, None);
    Ok(print("round trips", "round trips / luajit's switches", trips / others, Some(MOST_SWITCHES)))
}

/// Prints a figure, and whether it is as promised.
fn print(script: &str, name: &str, figure: f64, most: Option<f64>) -> bool {
    let is_kept = most.is_none_or(|most| figure <= most);
    let verdict = most.map_or(String::new(), |most| {
        format!("  at most {most}{}", if is_kept { "" } else { ": MISSED" })
    });
    println!("{script:<12} {name:<48} {figure:>10.2}{verdict}");
    is_kept
}

/// Lines of a name, a tab and a number.
fn figures(output: String) -> Result<HashMap<String, f64>, String> {
    let parse = |line: &str| {
        Some((line.split_once('\t')?.0.to_string(), line.split_once('\t')?.1.parse().ok()?))
    };
    output.lines().map(|line| parse(line).ok_or_else(|| format!("no figure: {line}"))).collect()
}

/// The output of a script.
fn measured(script: &str) -> Result<String, String> {
    let (output, succeeded) = script::in_a_process("runtime", script)?;
    if succeeded { Ok(output) } else { Err(format!("{script} failed: {output}")) }
}

static LIBRARY: Library = solvm_vm::library!("" {
    "figure" => figure,
    "peak_memory" => peak_memory,
});

/// `peak_memory()`: the most bytes that the process has occupied; 0 where that is not known.
fn peak_memory(_: &mut Call) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0.0) * 1024.0
}

/// `figure(name, number)`: prints one.
fn figure(_: &mut Call, name: LuaString, number: f64) {
    println!("{}\t{number}", String::from_utf8_lossy(name.bytes()));
}

/// Runs one of the scripts in this process. False if it fails.
pub(crate) fn run_script(name: &str) -> Result<bool, String> {
    script::run(SCRIPTS, name, &LIBRARY)
}
