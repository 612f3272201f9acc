//! Checks in the machine code of a `solvm` binary that the interpreter's handlers really chain by
//! jumps.
//!
//! Usage: `guard [PATH/TO/solvm]`; without a path, the binary next to this one. Prints one line for
//! every hot function and exits with 1 if one of them calls, returns, or reaches other handlers
//! only through cold functions.
//!
//! Stable Rust does not guarantee tail calls, so the source's intent has to be checked in the
//! compiled handlers: a value with a destructor or an address that escapes turns a jump into a call
//! without a warning from the compiler. The set of hot functions is not listed but followed: from
//! the handlers of all opcodes except those in [`roots`], along every jump.
#![forbid(unsafe_code)]

mod function;
mod image;
mod roots;

use function::Function;
use image::Image;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let path = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe().unwrap_or_default().with_file_name("solvm"),
    };
    match check(&path) {
        Ok(report) => {
            print!("{report}");
            if report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(image::Unreadable::OtherArchitecture) => {
            println!(
                "guard: {} is not an x86-64 ELF file (no other format is supported)",
                path.display()
            );
            ExitCode::SUCCESS
        }
        Err(image::Unreadable::Failed(reason)) => {
            eprintln!("guard: {}: {reason}", path.display());
            ExitCode::FAILURE
        }
    }
}

/// The results of the check.
struct Report {
    lines: Vec<String>,
    faults: Vec<String>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in self.lines.iter().chain(&self.faults) {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

fn check(path: &std::path::Path) -> Result<Report, image::Unreadable> {
    let file = std::fs::read(path).map_err(|error| {
        let hint = "build it with `cargo build --release`, or name another binary";
        image::Unreadable::Failed(format!("{error} ({hint})"))
    })?;
    let image = Image::read(&file)?;
    let roots = roots::of(&image)?;
    let mut faults = Vec::new();
    let (hot, cold) = reachable(&image, &roots.hot)?;
    let is_handler = |address| hot.contains_key(&address) || cold.contains(&address);

    let mut lines = vec![format!(
        "{:<38} {:>12} {:>6} {:>8} {:>6}   {:<24} {}",
        "hot function", "instructions", "calls", "indirect", "pushes", "exits", "verdict"
    )];
    for (&address, function) in &hot {
        let name = image.names_at(address);
        let found = judge(function, &name, &cold);
        let verdict = if found.is_empty() { "ok" } else { "FAULT" };
        lines.push(format!("{name:<38} {} {verdict}", function.summary(&cold)));
        faults.extend(found.into_iter().map(|fault| format!("FAULT {name}: {fault}")));
    }

    let mut cold_functions = cold.clone();
    for &root in &roots.cold {
        let function = Function::decode(&image, root)?;
        if function
            .exits()
            .any(|exit| exit.is_none_or(|target| !cold.contains(&target) && !image.is_cold(target)))
        {
            let name = image.names_at(root);
            faults
                .push(format!("FAULT {name} is on the list of cold handlers, but has a fast path"));
        }
        cold_functions.extend(function.exits().flatten());
    }
    for &address in &cold_functions {
        let function = Function::decode(&image, address)?;
        let calls_handler = function.calls.iter().any(|call| call.is_none_or(is_handler));
        if calls_handler || !function.returns && function.jumps.iter().all(Option::is_some) {
            let name = image.names_at(address);
            faults.push(format!(
                "FAULT {name} continues by a call: the host stack grows with every use"
            ));
        }
    }
    lines.push(format!(
        "{} hot functions, {} instructions in the longest; {} cold handlers; \
         {} cold functions, which continue by jumps; {} faults",
        hot.len(),
        hot.values().map(|function| function.instructions).max().unwrap_or(0),
        roots.cold.len(),
        cold_functions.len(),
        faults.len()
    ));
    Ok(Report { lines, faults })
}

/// Every function that is reachable from the roots by jumps, and the cold functions where the
/// search stops.
fn reachable(
    image: &Image,
    roots: &[u64],
) -> Result<(BTreeMap<u64, Function>, BTreeSet<u64>), image::Unreadable> {
    let mut hot = BTreeMap::new();
    let mut cold = BTreeSet::new();
    let mut left = roots.to_vec();
    while let Some(address) = left.pop() {
        if hot.contains_key(&address) {
            continue;
        }
        let function = Function::decode(image, address)?;
        for target in function.exits().flatten() {
            if image.is_cold(target) {
                cold.insert(target);
            } else if image.is_function(target) {
                left.push(target);
            }
        }
        hot.insert(address, function);
    }
    Ok((hot, cold))
}

/// The violation in a hot function.
fn judge(function: &Function, name: &str, cold: &BTreeSet<u64>) -> Vec<String> {
    let mut faults = Vec::new();
    let direct = function.calls.iter().flatten().count();
    let indirect = function.calls.len() - direct;
    let (allowed_direct, allowed_indirect) = roots::calls_allowed(name);
    if direct > allowed_direct || indirect > allowed_indirect {
        faults.push(format!("{direct} direct and {indirect} indirect calls"));
    }
    if function.returns {
        faults.push("returns to its caller".to_string());
    }
    if function.runs_off {
        faults.push("runs off its end or into a trap".to_string());
    }
    if function.exits().all(|exit| exit.is_some_and(|target| cold.contains(&target))) {
        faults.push("every exit leads to a cold function".to_string());
    }
    faults
}
