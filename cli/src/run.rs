//! Running a program: the VM's life from the first chunk to the last goroutine.

use crate::arguments::{Arguments, Dump, HELP, Script, USAGE};
use crate::signals::{Signal, Signals};
use solvm_compiler::bytecode::Source;
use solvm_compiler::dump;
use solvm_stdlib::host::{Process, path_of};
use solvm_stdlib::runtime::executor::{Executor, Limits, Outcome, Timeout};
use solvm_vm::{Call, Config, GoroutineId, Value};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

/// The exit code of a program that was stopped.
const TIMED_OUT: u8 = 124;
/// How much time a program has to come to an end after a signal.
const SIGNAL_GRACE: Duration = Duration::from_secs(5);

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    if arguments.help {
        print(HELP);
        return ExitCode::SUCCESS;
    }
    if arguments.version {
        print(&format!("SolVM {} (Lua 5.1)\n", env!("CARGO_PKG_VERSION")));
        if arguments.script.is_none() && arguments.code.is_empty() {
            return ExitCode::SUCCESS;
        }
    }
    let chunks = match read_chunks(&arguments) {
        Ok(chunks) if chunks.is_empty() => {
            eprintln!("usage: {USAGE}");
            return ExitCode::from(2);
        }
        Ok(chunks) => chunks,
        Err(message) => {
            eprintln!("solvm: {message}");
            return ExitCode::from(1);
        }
    };
    if let Some(what) = arguments.dump {
        return print_dump(&chunks, what);
    }
    run_program(&arguments, chunks).unwrap_or_else(|message| {
        eprintln!("solvm: {message}");
        ExitCode::from(1)
    })
}

fn print(text: &str) {
    // A closed pipe is no error of ours.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// A piece of source and its chunk name.
struct Chunk {
    text: Vec<u8>,
    name: Vec<u8>,
}

fn bytes_of(text: &OsString) -> Vec<u8> {
    text.as_encoded_bytes().to_vec()
}

fn read_chunks(arguments: &Arguments) -> Result<Vec<Chunk>, String> {
    let mut chunks: Vec<Chunk> =
        (arguments.code.iter()).map(|code| Chunk { text: bytes_of(code), name: b"=(command line)".to_vec() }).collect();
    let is_piped = !io::IsTerminal::is_terminal(&io::stdin());
    match &arguments.script {
        Some(Script::File(path)) => {
            let text = std::fs::read(path_of(&bytes_of(path))).map_err(|error| {
                let reason = error.to_string();
                let reason = reason.split(" (os error").next().unwrap_or_default();
                format!("cannot open {}: {reason}", path.to_string_lossy())
            })?;
            chunks.push(Chunk { text, name: [b"@", &bytes_of(path)[..]].concat() });
        }
        Some(Script::Input) => chunks.push(read_input()?),
        None if chunks.is_empty() && is_piped && !arguments.version => chunks.push(read_input()?),
        None => {}
    }
    Ok(chunks)
}

fn read_input() -> Result<Chunk, String> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text).map_err(|error| format!("cannot read stdin: {error}"))?;
    Ok(Chunk { text, name: b"=stdin".to_vec() })
}

fn print_dump(chunks: &[Chunk], what: Dump) -> ExitCode {
    for chunk in chunks {
        let source = Source { name: chunk.name.clone().into(), text: chunk.text.clone().into() };
        let text = match what {
            Dump::Tokens => dump::tokens(&source),
            Dump::Ast => dump::ast(&source),
            Dump::Bytecode => dump::bytecode(source),
        };
        match text {
            Ok(text) => print(&text),
            Err(error) => {
                eprintln!("solvm: {}", String::from_utf8_lossy(&error.message));
                return ExitCode::from(1);
            }
        }
    }
    ExitCode::SUCCESS
}

/// Runs the chunks one after the other, then what they have started.
fn run_program(arguments: &Arguments, chunks: Vec<Chunk>) -> Result<ExitCode, String> {
    let mut config = Config::default();
    if let Some(limit) = arguments.memory_limit {
        config.memory_limit = limit;
    }
    if let Some(limit) = arguments.max_goroutines {
        config.max_goroutines = limit;
    }
    // For tests: every call, back-edge and native step may be made a suspension.
    if let Some(slice) = std::env::var("SOLVM_BUDGET").ok().and_then(|text| text.parse().ok()) {
        config.slice = slice;
    }
    let mut limits = Limits::default();
    limits.timeout = match arguments.timeout {
        None => limits.timeout,
        Some(None) => Timeout::Never,
        Some(Some(limit)) => Timeout::Fixed(limit),
    };
    if let Some(limit) = arguments.run_limit {
        limits.run_limit = limit;
    }
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // A look at the outside after every turn: turns are long for what tokio takes for one step of a task.
    builder.enable_all().event_interval(1);
    let runtime = builder.build().map_err(|error| format!("cannot start: {error}"))?;
    let mut executor = Executor::new(config, limits, Process::new())?;
    executor.enter(|call| set_arguments(call, arguments)).map_err(|_| "not enough memory for the arguments")?;
    let end = runtime.block_on(run_until_signal(&mut executor, chunks))?;
    executor.flush_all();
    let code = match end {
        Ok(Outcome::Ended) if executor.has_failed() => ExitCode::from(1),
        Ok(Outcome::Ended) => ExitCode::SUCCESS,
        Ok(Outcome::Interrupted) => {
            eprintln!("solvm: timed out");
            ExitCode::from(TIMED_OUT)
        }
        Err(signal) => ExitCode::from(signal.exit_code()),
    };
    // What waits on other threads is abandoned.
    runtime.shutdown_background();
    Ok(code)
}

/// Runs the chunks until they have ended, or a signal ends them.
async fn run_until_signal(executor: &mut Executor, chunks: Vec<Chunk>) -> Result<Result<Outcome, Signal>, String> {
    let mut signals = Signals::new().map_err(|error| format!("cannot receive signals: {error}"))?;
    let end = signals.unless_one_comes(run_chunks(executor, chunks)).await;
    if end.is_err() {
        // Neither a second signal nor the end of the time changes how the program ends.
        let _ = signals.unless_one_comes(tokio::time::timeout(SIGNAL_GRACE, executor.finish())).await;
    }
    Ok(end)
}

async fn run_chunks(executor: &mut Executor, chunks: Vec<Chunk>) -> Outcome {
    for chunk in chunks {
        match executor.enter(|call| start(call, &chunk)) {
            Ok(main) => {
                if executor.drive_main(main).await == Outcome::Interrupted {
                    return Outcome::Interrupted;
                }
            }
            Err(message) => executor.fail(&message),
        }
        if executor.has_failed() {
            break;
        }
    }
    // Goroutines that the chunks started live on; an error in the main chunk ends them.
    if !executor.has_failed() && executor.drive_to_end().await == Outcome::Interrupted {
        return Outcome::Interrupted;
    }
    executor.finish().await
}

/// Compiles a chunk and starts it as a goroutine. The error is the message to print.
fn start(call: &mut Call, chunk: &Chunk) -> Result<GoroutineId, Vec<u8>> {
    let function = call.load(&chunk.text, &chunk.name)?;
    let key = call.string(b"arg").map_err(|_| b"not enough memory".to_vec())?;
    let arguments = solvm_vm::Table::from_value(call.globals().get(key));
    let values: Vec<Value> = match arguments {
        Some(table) => (1..=table.length()).map(|i| table.get(i)).collect(),
        None => Vec::new(),
    };
    call.spawn(function, &values).map_err(|_| b"not enough memory".to_vec())
}

/// The global `arg`: the script at 0, its arguments from 1, what stands before it below.
fn set_arguments(call: &mut Call, arguments: &Arguments) -> Result<(), solvm_vm::Error> {
    let table = call.table(arguments.arguments.len(), 2)?;
    let script = match &arguments.script {
        Some(Script::File(path)) => bytes_of(path),
        Some(Script::Input) => b"-".to_vec(),
        None => Vec::new(),
    };
    let mut before: Vec<Vec<u8>> = vec![b"solvm".to_vec()];
    before.extend(arguments.before.iter().map(bytes_of));
    let mut index = -(before.len() as f64);
    let words = before.into_iter().chain([script]).chain(arguments.arguments.iter().map(bytes_of));
    for word in words {
        let value = call.string(&word)?.value();
        table.set(call, Value::number(index), value)?;
        index += 1.0;
    }
    call.globals().set_field(call, "arg", table)
}
