//! A started program: its VM, configured by the command line, and its chunks.

use crate::arguments::{Arguments, COMMANDS, Dump, Script, StartupAction};
use crate::output;
use crate::report;
use solvm_compiler::bytecode::Source;
use solvm_compiler::spelling;
use solvm_jit::{Jit, Print};
use solvm_lua::load::{SourceFile, read_program};
use solvm_runtime::deadline::{Limits, Timeout};
use solvm_runtime::executor::{Executor, Outcome};
use solvm_runtime::host::{Process, World, disk, memory_allowed};
use solvm_runtime::report::Report;
use solvm_runtime::system_error::reason;
use solvm_vm::{Call, Config, Function, GoroutineId, LuaString, Table, Value};
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The environment variable with code to run first, or `@` and a file's name.
const INIT: &str = "LUA_INIT";

/// The chunk name of `-e`'s code.
pub(crate) const COMMAND_LINE: &[u8] = b"=(command line)";

pub(crate) fn bytes_of(text: &OsStr) -> Vec<u8> {
    text.as_encoded_bytes().to_vec()
}

/// The script's path; None is standard input.
pub(crate) fn path_of(script: &Script) -> Option<&[u8]> {
    match script {
        Script::File(path) => Some(path.as_encoded_bytes()),
        Script::Input => None,
    }
}

/// Creates a VM for the program, `elapsed` after its start.
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
    let mut executor =
        solvm_stdlib::executor(config.clone(), limits, world).map_err(String::into_bytes)?;
    if arguments.debug {
        let startup_info =
            startup_info(arguments, &config, &limits, &mut executor, start.elapsed());
        executor.write_error(&startup_info);
    }
    if arguments.trace {
        executor.trace_calls();
    }
    // For tests: report natives that do not charge for their work.
    #[cfg(debug_assertions)]
    if let Ok(tolerance) = std::env::var("SOLVM_UNPAID") {
        executor.report_unpaid_work(tolerance.parse().unwrap_or(std::num::NonZeroU64::MIN));
    }
    if arguments.error_format.is_long(&io::stderr()) {
        executor.set_reporter(match arguments.permissions {
            Some(_) => report::render_without_files,
            None => report::render,
        });
    }
    if let Some(jit) = jit_of(arguments) {
        executor.set_compiler(Box::new(jit));
    }
    if let Some(Script::File(path)) = &arguments.script {
        executor.set_script(path.as_ref());
    }
    if arguments.can_reload() {
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
    // For tests: suspend at every call, back-edge and native step.
    if let Some(slice) = std::env::var("SOLVM_BUDGET").ok().and_then(|text| text.parse().ok()) {
        config.slice = slice;
    }
    config
}

/// The compiler of hot loops, if the program is to have one and this machine can run its code.
fn jit_of(arguments: &Arguments) -> Option<Jit> {
    let print: Print = |text| output::print_error(text.trim_end());
    let log = arguments.jit_log.then_some(print);
    let report = arguments.debug.then_some(print);
    let listing = match arguments.dump {
        Some(Dump::Native(listing)) => Some((listing, print)),
        _ => None,
    };
    let mut options = solvm_jit::Options { log, report, listing, ..Default::default() };
    // For tests: how often a loop is sampled before it is compiled. 1 compiles everything that
    // loops, 0 nothing.
    let threshold = std::env::var("SOLVM_JIT").ok().and_then(|text| text.parse().ok());
    if let Some(threshold) = threshold {
        options.threshold = threshold;
        options.max_share = None;
    }
    let is_wanted = arguments.jit.unwrap_or(threshold != Some(0));
    let jit = is_wanted.then(|| Jit::new(options))?;
    if let (None, Some(report)) = (&jit, report) {
        report("native code is off: it is not supported on this machine");
    }
    jit
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
fn startup_info(
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
    let directory = std::env::current_dir()
        .map_or_else(|error| reason(&error), |directory| directory.display().to_string());
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
debug: directory {directory}; script {script}
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

/// Runs the chunks in sequence, until one fails.
pub(crate) async fn drive_chunks(executor: &mut Executor, arguments: &Arguments) -> Outcome {
    let init = Process::new().variable(INIT.as_bytes());
    let init = init.as_deref().map(|init| match init.strip_prefix(b"@") {
        Some(path) => Chunk::File(Some(path)),
        None => Chunk::Code(init, b"=LUA_INIT"),
    });
    let startup = arguments.startup.iter().map(|action| match action {
        StartupAction::Code(code) => Chunk::Code(code.as_encoded_bytes(), COMMAND_LINE),
        StartupAction::Library(name) => Chunk::Library(name.as_encoded_bytes()),
    });
    let script = arguments.script.as_ref().map(|script| Chunk::Script(path_of(script)));
    for chunk in init.into_iter().chain(startup).chain(script) {
        let source = match chunk.path() {
            Some(path) => match read_program(executor, disk(), path).await {
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
            Err(failure) => executor.fail_with(&failure),
        }
        if executor.has_failed() {
            break;
        }
    }
    Outcome::Ended
}

/// A chunk of the command line.
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
    /// Returns the path of its file; the inner None is standard input.
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

    /// Starts the chunk as a goroutine; `source` is the contents of its file.
    fn start(
        &self,
        call: &mut Call,
        source: Option<SourceFile>,
        arguments: &Arguments,
    ) -> Result<GoroutineId, Box<Report>> {
        let (text, name) =
            source.map_or_else(Default::default, |source| (source.text, source.name));
        match *self {
            Chunk::Code(text, name) => start(call, text, name, &[]),
            Chunk::File(_) => start(call, &text, &name, &[]),
            Chunk::Script(_) => {
                set_arguments(call, arguments).map_err(|_| out_of_memory())?;
                start(call, &text, &name, &arguments.arguments)
            }
            Chunk::Library(name) => {
                let key = call.string(b"require").map_err(|_| out_of_memory())?;
                let require = Function::from_value(call.globals().get(key))
                    .ok_or_else(|| Box::new(Report::new(b"attempt to call a nil value")))?;
                let name = call.string(name).map_err(|_| out_of_memory())?;
                let started = call.spawn(require, &[name.value()]);
                started.map_err(|error| Report::new(&error.message(call)).into())
            }
        }
    }
}

/// The message about a script that cannot be read; it may be a misspelt command.
fn with_hint(mut message: Vec<u8>, path: Option<&[u8]>) -> Vec<u8> {
    let name = path.map(String::from_utf8_lossy).unwrap_or_default();
    if let Some(meant) = spelling::closest(&name, COMMANDS) {
        message.extend_from_slice(format!("; did you mean the command '{meant}'?").as_bytes());
    }
    message
}

fn out_of_memory() -> Box<Report> {
    Report::new(b"not enough memory").into()
}

/// Compiles a chunk and starts it as a goroutine.
pub(crate) fn start(
    call: &mut Call,
    text: &[u8],
    name: &[u8],
    arguments: &[OsString],
) -> Result<GoroutineId, Box<Report>> {
    let function = call.load(text, name).map_err(|message| {
        let source = Some(Arc::new(Source::new(text, name)));
        Box::new(Report { source, ..Report::new(&message) })
    })?;
    let mut values: Vec<Value> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        values.push(call.string(argument.as_encoded_bytes()).map_err(|_| out_of_memory())?.value());
    }
    call.spawn(function, &values).map_err(|error| Report::new(&error.message(call)).into())
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
