//! Scripts that measure: each runs in a separate process, which is this program again with the
//! libraries, a clock and the libraries of its command.

use solvm_runtime::deadline::{Limits, Timeout};
use solvm_runtime::executor::Outcome;
use solvm_runtime::host::Process;
use solvm_vm::native::Library;
use solvm_vm::{Call, Config};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Instant;

/// A script's name and its text.
pub(crate) type Script = (&'static str, &'static str);

static CLOCK: Library = solvm_vm::library!("" { "now" => now, });

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// `now()`: seconds since an arbitrary time.
fn now(_: &mut Call) -> f64 {
    START.elapsed().as_secs_f64()
}

/// Runs a script of a command in a separate process; returns its output, and whether it succeeded.
pub(crate) fn in_a_process(command: &str, script: &str) -> Result<(String, bool), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let child = Command::new(program).args([command, script]).stderr(Stdio::inherit()).output();
    let output = child.map_err(|error| error.to_string())?;
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success()))
}

/// Runs one of the scripts in this process, with an additional library. False if it fails.
pub(crate) fn run(
    scripts: &[Script],
    name: &str,
    library: &'static Library,
) -> Result<bool, String> {
    let script = scripts.iter().find(|(known, _)| *known == name);
    let (_, text) = script.ok_or_else(|| format!("unknown script {name}"))?;
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime =
        builder.enable_all().event_interval(1).build().map_err(|error| error.to_string())?;
    let limits = Limits { timeout: Timeout::Never, ..Limits::default() };
    let mut executor = solvm_stdlib::executor(
        Config::default(),
        limits,
        Process::new(),
        solvm_stdlib::Globals::All,
    )?;
    let main = executor.enter(|call| {
        call.open(&CLOCK).and_then(|_| call.open(library)).map_err(|_| "not enough memory")?;
        let function = call.load(text.as_bytes(), format!("={name}").as_bytes());
        let function =
            function.map_err(|message| String::from_utf8_lossy(&message).into_owned())?;
        call.spawn(function, &[]).map_err(|_| String::from("not enough memory"))
    })?;
    let outcome = runtime.block_on(executor.drive_main(main));
    executor.flush_all().map_err(|error| error.to_string())?;
    Ok(outcome == Outcome::Ended && !executor.has_failed())
}
