//! Running a program: the VM's life from the first chunk to the last goroutine.

use crate::arguments::{Arguments, Dump, Preparation, Script};
use crate::commands;
use crate::interactive::interact;
use crate::output;
use crate::reload::{self, End};
use crate::repl;
use crate::report;
use crate::signals::{self, Signal, Signals};
use crate::spelling;
use solvm_compiler::bytecode::Source;
use solvm_compiler::dump;
use solvm_stdlib::SourceFile;
use solvm_stdlib::host::{Process, World, disk, memory_allowed, reason};
use solvm_stdlib::runtime::executor::{Executor, Limits, Outcome, Timeout};
use solvm_vm::{Call, Config, Function, GoroutineId, LuaString, Table, Value};
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The exit code of a program that was stopped.
const TIMED_OUT: u8 = 124;
/// How much time a program has to end after a signal.
const SIGNAL_GRACE: Duration = Duration::from_secs(5);

/// The environment variable with code to run first, or `@` and a file's name.
const INIT: &str = "LUA_INIT";

/// Executes the command line.
pub(crate) fn run(mut arguments: Arguments) -> ExitCode {
    let is_idle =
        arguments.script.is_none() && arguments.preparations.is_empty() && !arguments.version;
    if is_idle && io::stdin().is_terminal() {
        (arguments.interactive, arguments.version) = (true, true);
    } else if is_idle {
        arguments.script = Some(Script::Input);
    }
    if arguments.version {
        output::complain(concat!("SolVM ", env!("CARGO_PKG_VERSION"), " (Lua 5.1)"));
    }
    let result = match arguments.dump {
        Some(what) => print_dump(&arguments, what),
        None => run_program(&arguments),
    };
    result.unwrap_or_else(|message| {
        // Ignored: the error cannot be reported.
        let _ = io::stderr().write_all(&[b"solvm: ", &message[..], b"\n"].concat());
        ExitCode::FAILURE
    })
}

fn print_dump(arguments: &Arguments, what: Dump) -> Result<ExitCode, Vec<u8>> {
    let runtime = new_tokio()?;
    let mut executor = new_executor(arguments, Duration::ZERO)?;
    let mut chunks = Vec::new();
    for preparation in &arguments.preparations {
        if let Preparation::Code(code) = preparation {
            chunks.push((bytes_of(code), COMMAND_LINE.to_vec()));
        }
    }
    if let Some(script) = &arguments.script {
        let source = runtime.block_on(executor.read_source(disk(), path_of(script)));
        let source = source.ok_or("timed out")??;
        chunks.push((source.text, source.name));
    }
    let mut printed = String::new();
    for (text, name) in chunks {
        let source = Source::new(text, name);
        let text = match what {
            Dump::Tokens => dump::tokens(&source),
            Dump::Ast => dump::ast(&source),
            Dump::Bytecode => dump::bytecode(source),
        };
        printed.push_str(&text.map_err(|error| error.message)?);
    }
    Ok(output::print(printed.as_bytes(), ExitCode::SUCCESS))
}

/// The chunk name of `-e`'s code.
const COMMAND_LINE: &[u8] = b"=(command line)";

fn bytes_of(text: &OsStr) -> Vec<u8> {
    text.as_encoded_bytes().to_vec()
}

/// The script's path; None is standard input.
fn path_of(script: &Script) -> Option<&[u8]> {
    match script {
        Script::File(path) => Some(path.as_encoded_bytes()),
        Script::Input => None,
    }
}

/// A VM for the program, of whose time some is over.
pub(crate) fn new_executor(arguments: &Arguments, elapsed: Duration) -> Result<Executor, Vec<u8>> {
    let start = Instant::now();
    let (config, limits) = (config_of(arguments), limits_of(arguments, elapsed));
    let mut world = Process::new().with_progress();
    if let Some(permissions) = arguments.permissions.clone() {
        world = world.with_permissions(match arguments.debug {
            true => permissions.report_denials(),
            false => permissions,
        });
    }
    let mut executor = Executor::new(config.clone(), limits, world).map_err(String::into_bytes)?;
    if arguments.debug {
        let facts = facts(arguments, &config, &limits, &mut executor, start.elapsed());
        executor.write_error(&facts);
    }
    if arguments.trace {
        executor.trace_calls();
    }
    // For tests: natives that do not charge for what they do are reported.
    #[cfg(debug_assertions)]
    if std::env::var_os("SOLVM_UNPAID").is_some() {
        executor.report_unpaid_work();
    }
    if io::stderr().is_terminal() {
        executor.set_reporter(report::word);
    }
    if let Some(Script::File(path)) = &arguments.script {
        executor.set_script(path.as_ref());
    }
    if reload::is_possible(arguments) {
        executor.allow_reload();
    }
    Ok(executor)
}

fn config_of(arguments: &Arguments) -> Config {
    let mut config = Config {
        dialect: arguments.dialect,
        locals_in_tracebacks: arguments.debug,
        ..Config::default()
    };
    if let Some(limit) = arguments.memory_limit {
        config.memory_limit = limit;
    }
    if let Some(allowed) = memory_allowed() {
        config.memory_limit = config.memory_limit.min(allowed);
    }
    if let Some(limit) = arguments.max_goroutines {
        config.max_goroutines = limit;
    }
    // For tests: every call, back-edge and native step may be made a suspension.
    if let Some(slice) = std::env::var("SOLVM_BUDGET").ok().and_then(|text| text.parse().ok()) {
        config.slice = slice;
    }
    config
}

fn limits_of(arguments: &Arguments, elapsed: Duration) -> Limits {
    let mut limits = Limits::default();
    limits.timeout = match arguments.timeout {
        None if arguments.interactive => Timeout::Never,
        None => limits.timeout,
        Some(None) => Timeout::Never,
        Some(Some(limit)) => Timeout::Fixed(limit.saturating_sub(elapsed)),
    };
    if let Some(limit) = arguments.run_limit {
        limits.run_limit = limit;
    }
    if let Some(limit) = arguments.handler_timeout {
        limits.handler_timeout = limit;
    }
    limits
}

/// The output of `-debug` at the start.
fn facts(
    arguments: &Arguments,
    config: &Config,
    limits: &Limits,
    executor: &mut Executor,
    start: Duration,
) -> Vec<u8> {
    let timeout = match limits.timeout {
        Timeout::Default(limit) => {
            format!("{limit:?} (paused while the program serves or waits for timers)")
        }
        Timeout::Fixed(limit) => format!("{limit:?}"),
        Timeout::Never => "none".into(),
    };
    let run_limit = match limits.timeout {
        Timeout::Default(_) => format!("{:?} where the timeout does not hold", limits.run_limit),
        _ => "none".into(),
    };
    let folder = std::env::current_dir()
        .map_or_else(|error| reason(&error), |folder| folder.display().to_string());
    let script = match &arguments.script {
        Some(Script::File(path)) => path.to_string_lossy(),
        Some(Script::Input) => "standard input".into(),
        None => "none".into(),
    };
    let dispatch = if executor.is_chained() {
        "handlers jump to each other"
    } else {
        "handlers return to a loop"
    };
    let path = executor.enter(|call| {
        let package = call
            .string(b"package")
            .ok()
            .map(|key| call.globals().get(key))
            .and_then(Table::from_value);
        let path = package.zip(call.string(b"path").ok()).map(|(package, key)| package.get(key));
        path.and_then(LuaString::from_value).map_or(Vec::new(), |path| path.bytes().to_vec())
    });
    format!(
        "debug: SolVM {} (Lua 5.1), {} {}; {dispatch}
debug: timeout {timeout}; run limit {run_limit}
debug: memory limit {} MiB; at most {} goroutines; {} calls and jumps back in a slice
debug: directory {folder}; script {script}
debug: package.path {}
debug: started in {start:?}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
        config.memory_limit >> 20,
        config.max_goroutines,
        config.slice,
        String::from_utf8_lossy(&path),
    )
    .into_bytes()
}

fn new_tokio() -> Result<tokio::runtime::Runtime, String> {
    solvm::new_tokio().map_err(|error| format!("cannot start: {}", reason(&error)))
}

/// Runs everything that the command line names, then what it has started.
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
            executor.write_error(time_is_up(arguments).as_bytes());
            ExitCode::from(TIMED_OUT)
        }
        Err(signal) => ExitCode::from(signal.exit_code()),
    };
    // What waits on other threads is abandoned.
    runtime.shutdown_background();
    Ok(code)
}

/// The message about a timeout: which limit was exceeded.
fn time_is_up(arguments: &Arguments) -> String {
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
    if is_for_somebody(arguments) {
        return type_in(executor, arguments, &mut signals).await;
    }
    signals::end_at_the_second()?;
    let end = signals.unless_one_comes(reload::drive(executor, arguments)).await;
    if end.is_err() {
        // Requests in flight are finished first.
        if signals
            .unless_one_comes(tokio::time::timeout(SIGNAL_GRACE, executor.stop_servers()))
            .await
            .is_err()
        {
            return Ok(end);
        }
        // Neither a second signal nor the end of the time changes how the program ends.
        let _ =
            signals.unless_one_comes(tokio::time::timeout(SIGNAL_GRACE, executor.finish())).await;
    }
    Ok(end)
}

/// Whether a user types programs at a terminal.
fn is_for_somebody(arguments: &Arguments) -> bool {
    arguments.interactive && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Runs the chunks of the command line, then interactive input. Goroutines that still run at its
/// end are ended.
async fn type_in(
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

/// Runs the program once, until everything has ended or it requests a restart.
pub(crate) async fn drive_once(executor: &mut Executor, arguments: &Arguments) -> End {
    let mut outcome = drive_chunks(executor, arguments).await;
    // An error in the main chunk has been reported before someone types in more.
    if outcome == Outcome::Ended && arguments.interactive {
        outcome = interact(executor).await;
    }
    let is_broken = executor.has_failed();
    // Goroutines that the chunks started live on; an error in the main chunk ends them.
    if outcome == Outcome::Ended && !is_broken {
        outcome = executor.drive_to_end().await;
    }
    // The files that a restarted program watched are read before it is ended.
    if outcome == Outcome::Ended && !(is_broken && arguments.outlives_errors) {
        outcome = executor.finish().await;
    }
    if outcome == Outcome::Ended && is_broken { End::Broken } else { End::Rest(outcome) }
}

/// Runs the chunks in sequence, until one fails.
async fn drive_chunks(executor: &mut Executor, arguments: &Arguments) -> Outcome {
    let init = Process::new().variable(INIT.as_bytes());
    let init = init.as_deref().map(|init| match init.strip_prefix(b"@") {
        Some(path) => Chunk::File(Some(path)),
        None => Chunk::Code(init, b"=LUA_INIT"),
    });
    let preparations = arguments.preparations.iter().map(|preparation| match preparation {
        Preparation::Code(code) => Chunk::Code(code.as_encoded_bytes(), COMMAND_LINE),
        Preparation::Library(name) => Chunk::Library(name.as_encoded_bytes()),
    });
    let script = arguments.script.as_ref().map(|script| Chunk::Script(path_of(script)));
    for chunk in init.into_iter().chain(preparations).chain(script) {
        let source = match chunk.path() {
            Some(path) => match executor.read_source(disk(), path).await {
                Some(Ok(source)) => Some(source),
                Some(Err(message)) => {
                    executor.fail(&chunk.with_hint(message));
                    break;
                }
                None => return Outcome::Interrupted,
            },
            None => None,
        };
        match executor.enter(|call| chunk.start(call, source, arguments)) {
            Ok(main) => {
                let outcome = executor.drive_main(main).await;
                if outcome != Outcome::Ended {
                    return outcome;
                }
            }
            // The error is that the compiler was interrupted.
            Err(_) if executor.is_interrupted() => return Outcome::Interrupted,
            Err(message) => executor.fail(&message),
        }
        if executor.has_failed() {
            break;
        }
    }
    Outcome::Ended
}

/// One of the things that the command line asks to run.
enum Chunk<'a> {
    /// Code, and its chunk name.
    Code(&'a [u8], &'static [u8]),
    /// A file without arguments.
    File(Option<&'a [u8]>),
    /// The script.
    Script(Option<&'a [u8]>),
    /// A module.
    Library(&'a [u8]),
}

impl Chunk<'_> {
    /// The path of the file that it is in, None of one being standard input.
    fn path(&self) -> Option<Option<&[u8]>> {
        match *self {
            Chunk::File(path) | Chunk::Script(path) => Some(path),
            Chunk::Code(..) | Chunk::Library(_) => None,
        }
    }

    /// The message about a file that cannot be read.
    fn with_hint(&self, message: Vec<u8>) -> Vec<u8> {
        match *self {
            Chunk::Script(path) => with_hint(message, path),
            _ => message,
        }
    }

    /// Starts it as a goroutine; `source` is what its file holds. The error is the message to
    /// print.
    fn start(
        &self,
        call: &mut Call,
        source: Option<SourceFile>,
        arguments: &Arguments,
    ) -> Result<GoroutineId, Vec<u8>> {
        let (text, name) =
            source.map_or_else(Default::default, |source| (source.text, source.name));
        match *self {
            Chunk::Code(text, name) => start(call, text, name, &[]),
            Chunk::File(_) => start(call, &text, &name, &[]),
            Chunk::Script(_) => {
                set_arguments(call, arguments).map_err(|_| no_memory())?;
                start(call, &text, &name, &arguments.arguments)
            }
            Chunk::Library(name) => {
                let key = call.string(b"require").map_err(|_| no_memory())?;
                let require = Function::from_value(call.globals().get(key))
                    .ok_or(&b"attempt to call a nil value"[..])?;
                let name = call.string(name).map_err(|_| no_memory())?;
                call.spawn(require, &[name.value()]).map_err(|error| error.message(call))
            }
        }
    }
}

/// The message about a script that cannot be read; it may be a misspelt command.
fn with_hint(mut message: Vec<u8>, path: Option<&[u8]>) -> Vec<u8> {
    let name = path.map(String::from_utf8_lossy).unwrap_or_default();
    if let Some(meant) = spelling::closest(&name, commands::names()) {
        message.extend_from_slice(format!("; did you mean the command '{meant}'?").as_bytes());
    }
    message
}

fn no_memory() -> Vec<u8> {
    b"not enough memory".to_vec()
}

/// Compiles a chunk and starts it as a goroutine. The error is the message to print.
pub(crate) fn start(
    call: &mut Call,
    text: &[u8],
    name: &[u8],
    arguments: &[OsString],
) -> Result<GoroutineId, Vec<u8>> {
    let function = call.load(text, name)?;
    let mut values: Vec<Value> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        values.push(call.string(argument.as_encoded_bytes()).map_err(|_| no_memory())?.value());
    }
    call.spawn(function, &values).map_err(|error| error.message(call))
}

/// The global `arg`: the script at 0, its arguments from 1, the arguments before it at negative
/// indices.
fn set_arguments(call: &mut Call, arguments: &Arguments) -> Result<(), solvm_vm::Error> {
    let table = call.table(arguments.arguments.len(), 2)?;
    let script: &[u8] = arguments.script.as_ref().and_then(path_of).unwrap_or(b"-");
    let before = arguments.before.iter().map(|word| word.as_encoded_bytes());
    let words = before
        .chain([script])
        .chain(arguments.arguments.iter().map(|word| word.as_encoded_bytes()));
    for (place, word) in words.enumerate() {
        let value = call.string(word)?.value();
        table.set(call, Value::number(place as f64 - arguments.before.len() as f64), value)?;
    }
    call.globals().set_field(call, "arg", table)
}
