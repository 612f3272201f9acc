//! Running a program: the VM's life from the first chunk to the last goroutine.

use crate::arguments::{Arguments, Dump, Script, Stage, StartupAction};
use crate::chunks::{drive_chunks, path_of};
use crate::output;
use crate::reload;
use crate::repl;
use crate::session::{COMMAND_LINE, bytes_of, new_executor};
use crate::signals::{self, Signal, Signals};
use solvm_compiler::bytecode::Source;
use solvm_compiler::dump;
use solvm_lua::load::read_program;
use solvm_runtime::deadline::{Limits, Timeout};
use solvm_runtime::executor::{Executor, Outcome};
use solvm_runtime::host::disk;
use solvm_runtime::system_error::reason;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// The exit code of a program that was stopped.
const TIMED_OUT: u8 = 124;
/// Time limit for a program to end after a signal.
const SIGNAL_GRACE: Duration = Duration::from_secs(5);

/// Runs the program of the command line.
pub(crate) fn run(mut arguments: Arguments) -> ExitCode {
    let is_idle = arguments.script.is_none() && arguments.startup.is_empty() && !arguments.version;
    if is_idle && io::stdin().is_terminal() {
        (arguments.interactive, arguments.version) = (true, true);
    } else if is_idle {
        arguments.script = Some(Script::Input);
    }
    if arguments.version {
        output::print_error(concat!("SolVM ", env!("CARGO_PKG_VERSION"), " (Lua 5.1)"));
    }
    let result = match arguments.dump {
        Some(Dump::Stage(stage)) => print_dump(&arguments, stage),
        _ => run_program(&arguments),
    };
    result.unwrap_or_else(|message| {
        // The error cannot be reported.
        let _ = io::stderr().write_all(&[b"solvm: ", &message[..], b"\n"].concat());
        ExitCode::FAILURE
    })
}

fn print_dump(arguments: &Arguments, stage: Stage) -> Result<ExitCode, Vec<u8>> {
    let runtime = new_tokio()?;
    let mut executor = new_executor(arguments, Duration::ZERO)?;
    let mut chunks = Vec::new();
    for action in &arguments.startup {
        if let StartupAction::Code(code) = action {
            chunks.push((bytes_of(code), COMMAND_LINE.to_vec()));
        }
    }
    if let Some(script) = &arguments.script {
        let source = runtime.block_on(read_program(&mut executor, disk(), path_of(script)));
        let source = source.ok_or("timed out")??;
        chunks.push((source.text, source.name));
    }
    let mut printed = String::new();
    for (text, name) in chunks {
        let source = Source::new(text, name);
        let text = match stage {
            Stage::Tokens => dump::tokens(&source),
            Stage::Ast => dump::ast(&source),
            Stage::Bytecode => dump::bytecode(source),
        };
        printed.push_str(&text.map_err(|error| error.message)?);
    }
    Ok(output::print(printed.as_bytes(), ExitCode::SUCCESS))
}

fn new_tokio() -> Result<tokio::runtime::Runtime, String> {
    solvm::new_tokio().map_err(|error| format!("cannot start: {}", reason(&error)))
}

/// Runs all chunks of the command line, then the goroutines that they have started.
fn run_program(arguments: &Arguments) -> Result<ExitCode, Vec<u8>> {
    let runtime = new_tokio()?;
    let mut executor = new_executor(arguments, Duration::ZERO)?;
    let end = runtime.block_on(drive_until_signal(&mut executor, arguments));
    let end = end.map_err(|error| format!("cannot continue: {}", reason(&error)))?;
    let written = executor.flush_all();
    executor.progress().close();
    if let Ok(Outcome::Interrupted) | Err(_) = end {
        executor.end_children();
    }
    let code = match end {
        Ok(Outcome::Ended) if executor.has_failed() => ExitCode::FAILURE,
        Ok(Outcome::Ended | Outcome::Reload) => output::finish(written, ExitCode::SUCCESS),
        Ok(Outcome::Interrupted) => {
            executor.write_error(timeout_message(arguments).as_bytes());
            ExitCode::from(TIMED_OUT)
        }
        Err(signal) => ExitCode::from(signal.exit_code()),
    };
    // The process ends: what waits on other threads is abandoned, and the OS frees the memory,
    // which takes long object by object.
    std::mem::forget((runtime, executor));
    Ok(code)
}

/// The message about a timeout: which limit was exceeded.
fn timeout_message(arguments: &Arguments) -> String {
    let limit = match (arguments.timeout.flatten(), Limits::default().timeout) {
        (Some(limit), _) => format!(" after {limit:?} (-timeout)"),
        (None, Timeout::Default(limit)) => {
            format!(" after {limit:?} (default limit; use -timeout 0 to disable it)")
        }
        (None, _) => String::new(),
    };
    format!("solvm: timed out{limit}\n")
}

/// Runs everything until it has ended, or a signal ends it.
async fn drive_until_signal(
    executor: &mut Executor,
    arguments: &Arguments,
) -> io::Result<Result<Outcome, Signal>> {
    let mut signals = Signals::new()?;
    if is_interactive(arguments) {
        return run_interactive(executor, arguments, &mut signals).await;
    }
    signals::end_at_the_second()?;
    let end = signals.unless_one_comes(reload::drive(executor, arguments)).await;
    if end.is_err() {
        // Requests in flight are finished first.
        if signals
            .unless_one_comes(tokio::time::timeout(SIGNAL_GRACE, executor.stop_services()))
            .await
            .is_err()
        {
            return Ok(end);
        }
        // A timeout here does not change the exit code.
        let _ =
            signals.unless_one_comes(tokio::time::timeout(SIGNAL_GRACE, executor.finish())).await;
    }
    Ok(end)
}

/// Whether a user types at a terminal.
fn is_interactive(arguments: &Arguments) -> bool {
    arguments.interactive && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Runs the chunks of the command line, then interactive input. Goroutines that are still running
/// at its end are ended.
async fn run_interactive(
    executor: &mut Executor,
    arguments: &Arguments,
    signals: &mut Signals,
) -> io::Result<Result<Outcome, Signal>> {
    match signals.unless_one_comes(drive_chunks(executor, arguments)).await {
        Ok(Outcome::Ended) => {}
        end => return Ok(end),
    }
    let end = repl::run(executor, signals, || new_executor(arguments, Duration::ZERO))
        .await
        .map_err(io::Error::other)?;
    let finished =
        signals.unless_one_comes(tokio::time::timeout(SIGNAL_GRACE, executor.finish())).await;
    Ok(end.and_then(|outcome| finished.map(|_| outcome)))
}
