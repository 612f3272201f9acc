//! Running a program: the VM's life from the first chunk to the last goroutine.

use crate::arguments::{Arguments, Dump, HELP, Script, USAGE};
use solvm_compiler::bytecode::Source;
use solvm_compiler::dump;
use solvm_stdlib::Host;
use solvm_stdlib::host::{Process, path_of};
use solvm_vm::{Call, Config, GoroutineId, LuaString, Metamethod, Turn, Type, Value, Vm};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// What a script may take by default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// The exit code of a program that was stopped.
const TIMED_OUT: u8 = 124;

/// Wakes the host's thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

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
    Program::new(&arguments).run(chunks)
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

/// A VM with its libraries, and how its program is doing.
struct Program {
    vm: Box<Vm>,
    failed: bool,
    /// The program has ended; what is left are finalizers, whose errors are of no interest any more.
    finalizing: bool,
}

/// How the goroutines of the program came to rest.
#[derive(PartialEq, Eq)]
enum Outcome {
    /// The goroutine that was waited for has ended, or all have.
    Ended,
    TimedOut,
}

impl Program {
    fn new(arguments: &Arguments) -> Program {
        let mut config = Config::default();
        if let Some(limit) = arguments.memory_limit {
            config.memory_limit = limit;
        }
        // For tests: every call, back-edge and native step may be made a suspension.
        if let Some(slice) = std::env::var("SOLVM_BUDGET").ok().and_then(|text| text.parse().ok()) {
            config.slice = slice;
        }
        let mut vm = Vm::new(config);
        vm.set_host(Host::new(Process::new()));
        let timeout = arguments.timeout.unwrap_or(Some(DEFAULT_TIMEOUT));
        vm.set_deadline(timeout.map(|timeout| Instant::now() + timeout));
        let failed = vm.enter(|call| solvm_stdlib::open(call).and_then(|()| set_arguments(call, arguments)).is_err());
        Program { vm, failed, finalizing: false }
    }

    fn run(mut self, chunks: Vec<Chunk>) -> ExitCode {
        for chunk in chunks {
            let started = self.vm.enter(|call| start(call, &chunk));
            let main = match started {
                Ok(main) => main,
                Err(message) => {
                    report(&message);
                    self.failed = true;
                    break;
                }
            };
            if self.run_until_end_of(Some(main)) == Outcome::TimedOut {
                return self.time_out();
            }
            if self.failed {
                break;
            }
        }
        // Goroutines that the chunks started live on; an error in the main chunk ends them.
        if !self.failed && self.run_until_end_of(None) == Outcome::TimedOut {
            return self.time_out();
        }
        // As `lua_close` does.
        self.finalizing = true;
        while let Some(finalizers) = self.vm.finalize() {
            if self.run_until_end_of(Some(finalizers)) == Outcome::TimedOut {
                return self.time_out();
            }
        }
        self.flush();
        if self.failed { ExitCode::from(1) } else { ExitCode::SUCCESS }
    }

    fn time_out(mut self) -> ExitCode {
        self.flush();
        eprintln!("solvm: timed out");
        ExitCode::from(TIMED_OUT)
    }

    fn flush(&mut self) {
        if let Some(host) = self.vm.host::<Host>() {
            // A closed pipe ends the program quietly.
            let _ = host.world.flush_output();
        }
    }

    /// Runs until a goroutine has ended; until none is left if None.
    fn run_until_end_of(&mut self, goal: Option<GoroutineId>) -> Outcome {
        self.vm.watch(goal);
        loop {
            let turn = self.turn();
            let mut reached = false;
            while let Some((id, failure)) =
                self.vm.next_end(|call, id, end| (id, end.err().map(|end| describe(call, end))))
            {
                reached |= Some(id) == goal;
                if let Some(message) = failure
                    && !self.finalizing
                {
                    report(&message);
                    self.failed = true;
                }
            }
            match turn {
                _ if reached => return Outcome::Ended,
                Turn::Done => return Outcome::Ended,
                Turn::Interrupted => return Outcome::TimedOut,
                Turn::Deadlocked => self.resolve_deadlock(),
                Turn::Waiting => self.park(),
                Turn::Ready => {}
            }
        }
    }

    fn turn(&mut self) -> Turn {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        self.vm.turn(&mut Context::from_waker(&waker))
    }

    fn park(&mut self) {
        self.flush();
        std::thread::park_timeout(Duration::from_millis(100));
    }

    /// The goroutine that has been blocked longest gets `nil, "deadlock"`.
    fn resolve_deadlock(&mut self) {
        self.vm.resolve_deadlock(|call| match call.string(b"deadlock") {
            Ok(reason) => vec![Value::NIL, reason.value()],
            Err(_) => vec![Value::NIL],
        });
    }
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

/// The message and the traceback of an error that nobody caught, as `lua` words them.
fn describe<'c>(call: &mut Call<'c>, (error, traceback): (Value<'c>, Vec<u8>)) -> Vec<u8> {
    let mut text = match error.kind() {
        Type::String | Type::Number => match LuaString::from_value(error) {
            Some(text) => text.bytes().to_vec(),
            None => error.as_number().map(|x| x.to_string().into_bytes()).unwrap_or_default(),
        },
        _ if call.metamethod(error, Metamethod::ToString).is_nil() => {
            format!("(error object is a {} value)", error.type_name()).into_bytes()
        }
        _ => format!("(error object is a {} value)", error.type_name()).into_bytes(),
    };
    if !traceback.is_empty() {
        text.extend_from_slice(b"\nstack traceback:");
        text.extend_from_slice(&traceback);
    }
    text
}

fn report(message: &[u8]) {
    let mut line = b"solvm: ".to_vec();
    line.extend_from_slice(message);
    line.push(b'\n');
    let _ = io::stderr().write_all(&line);
}
