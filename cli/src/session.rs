//! A started program: its VM, configured by the command line.

use crate::arguments::{Arguments, Dump, Script};
use crate::isolates;
use crate::output;
use crate::report;
use solvm_archive::import::set_lock_reader;
use solvm_compiler::bytecode::Source;
use solvm_jit::{Jit, Print};
use solvm_runtime::deadline::{Limits, Timeout};
use solvm_runtime::executor::Executor;
use solvm_runtime::host::{Buffering, Process, World, memory_allowed};
use solvm_runtime::report::Report;
use solvm_runtime::system_error::reason;
use solvm_vm::{Account, Call, Config, Function, GoroutineId, LuaString, Table};
use std::ffi::OsStr;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The chunk name of `-e`'s code.
pub(crate) const COMMAND_LINE: &[u8] = b"=(command line)";

pub(crate) fn bytes_of(text: &OsStr) -> Vec<u8> {
    text.as_encoded_bytes().to_vec()
}

/// Creates a VM for the program, `elapsed` after its start.
pub(crate) fn new_executor(arguments: &Arguments, elapsed: Duration) -> Result<Executor, Vec<u8>> {
    let start = Instant::now();
    let (config, limits) = (config_of(arguments), limits_of(arguments, elapsed));
    let mut executor =
        executor_of(arguments, config.clone(), limits, Process::new().with_progress())?;
    isolates::allow(&mut executor, arguments, new_isolate);
    if arguments.debug {
        let startup_info =
            startup_info(arguments, &config, &limits, &mut executor, start.elapsed());
        executor.write_error(&startup_info);
    }
    if arguments.can_reload() {
        executor.allow_reload();
    }
    Ok(executor)
}

/// Creates a VM for calls of the program that has this account: see [`isolates`]. It writes whole
/// lines, since others write to the same output.
pub(crate) fn new_isolate(arguments: &Arguments, account: Account) -> Result<Executor, Vec<u8>> {
    let config = Config { account: Some(account), ..config_of(arguments) };
    let limits = Limits { timeout: Timeout::Never, ..limits_of(arguments, Duration::ZERO) };
    let mut world = Process::new();
    // Nothing has been written yet.
    let _ = world.set_output_buffering(Buffering::Line);
    executor_of(arguments, config, limits, world)
}

fn executor_of(
    arguments: &Arguments,
    config: Config,
    limits: Limits,
    mut world: Process,
) -> Result<Executor, Vec<u8>> {
    if let Some(permissions) = arguments.permissions.clone() {
        world = world.with_permissions(match arguments.debug {
            true => permissions.report_denials(),
            false => permissions,
        });
    }
    let mut executor = solvm_stdlib::executor(config, limits, world, arguments.compat.globals())
        .map_err(String::into_bytes)?;
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
        set_lock_reader(&mut executor, solvm_packages::imports::locked);
    }
    Ok(executor)
}

fn config_of(arguments: &Arguments) -> Config {
    let mut config = Config {
        dialect: arguments.compat.dialect(),
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

pub(crate) fn out_of_memory() -> Box<Report> {
    Report::new(b"not enough memory").into()
}

/// Compiles a chunk.
pub(crate) fn compile<'c>(
    call: &mut Call<'c>,
    text: &[u8],
    name: &[u8],
) -> Result<Function<'c>, Box<Report>> {
    call.load(text, name).map_err(|message| {
        let source = Some(Arc::new(Source::new(text, name)));
        Box::new(Report { source, ..Report::new(&message) })
    })
}

/// Compiles a chunk and starts it as a goroutine.
pub(crate) fn start(call: &mut Call, text: &[u8], name: &[u8]) -> Result<GoroutineId, Box<Report>> {
    let function = compile(call, text, name)?;
    call.spawn(function, &[]).map_err(|error| Report::new(&error.message(call)).into())
}
