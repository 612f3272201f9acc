//! The chunks of the command line: those of `LUA_INIT`, `-e` and `-l`, and the script.
//!
//! They run in sequence in one goroutine, below a native function as in `lua`, so that hooks and
//! `setfenv(0, ...)` of one hold in the next. The first that fails is the last.

use crate::arguments::{Arguments, COMMANDS, Script, StartupAction};
use crate::session::{COMMAND_LINE, compile, out_of_memory};
use solvm_compiler::spelling;
use solvm_lua::load::{SourceFile, read_program};
use solvm_runtime::executor::{Executor, Outcome};
use solvm_runtime::host::{Process, World, disk};
use solvm_runtime::report::Report;
use solvm_vm::native::{Indexed, Start, Step, Steps, Wanted};
use solvm_vm::{Call, Error, LuaString, Value};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::rc::Rc;

/// The environment variable with code to run first, or `@` and a file's name.
const INIT: &str = "LUA_INIT";

/// A chunk that is ready to be compiled.
enum Chunk {
    /// Code.
    Code(SourceFile),
    /// The script, which gets the arguments.
    Script(SourceFile),
    /// A module.
    Library(Vec<u8>),
    /// A file that could not be read: the message.
    Unreadable(Vec<u8>),
}

/// Runs the chunks in sequence, until one fails.
pub(crate) async fn drive_chunks(executor: &mut Executor, arguments: &Arguments) -> Outcome {
    let Some(chunks) = read_chunks(executor, arguments).await else { return Outcome::Interrupted };
    let failure = Rc::default();
    let program =
        Program { chunks, arguments: ScriptArguments::of(arguments), failure: Rc::clone(&failure) };
    let started = executor.enter(|call| {
        let program = RefCell::new(Some(program));
        let main = call.closure(move |_: &mut Call| {
            let program = program.take().ok_or_else(|| Error::text("it runs already"));
            program.map(Start::new)
        });
        call.spawn(main, &[]).map_err(|error| Box::new(Report::new(&error.message(call))))
    });
    match started {
        Ok(main) => {
            let outcome = executor.drive_main(main).await;
            if let (Outcome::Ended, Some(report)) = (outcome, failure.take()) {
                executor.fail_with(&report);
            }
            outcome
        }
        Err(report) => {
            executor.fail_with(&report);
            Outcome::Ended
        }
    }
}

/// Reads the files of the chunks. None if the program's time limit is exceeded meanwhile.
async fn read_chunks(executor: &mut Executor, arguments: &Arguments) -> Option<VecDeque<Chunk>> {
    let mut chunks = VecDeque::new();
    if let Some(init) = Process::new().variable(INIT.as_bytes()) {
        chunks.push_back(match init.strip_prefix(b"@") {
            Some(path) => match read_program(executor, disk(), Some(path)).await? {
                Ok(source) => Chunk::Code(source),
                Err(message) => Chunk::Unreadable(message),
            },
            None => Chunk::Code(SourceFile::new(&init, b"=LUA_INIT")),
        });
    }
    chunks.extend(arguments.startup.iter().map(|action| match action {
        StartupAction::Code(code) => {
            Chunk::Code(SourceFile::new(code.as_encoded_bytes(), COMMAND_LINE))
        }
        StartupAction::Library(name) => Chunk::Library(name.as_encoded_bytes().to_vec()),
    }));
    if let Some(script) = &arguments.script {
        let path = path_of(script);
        chunks.push_back(match read_program(executor, disk(), path).await? {
            Ok(source) => Chunk::Script(source),
            Err(message) => Chunk::Unreadable(with_hint(message, path)),
        });
    }
    Some(chunks)
}

/// The script's path; None is standard input.
pub(crate) fn path_of(script: &Script) -> Option<&[u8]> {
    match script {
        Script::File(path) => Some(path.as_encoded_bytes()),
        Script::Input => None,
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

/// The words of the command line that the script sees.
struct ScriptArguments {
    /// The words before its arguments: its own path is the last.
    before: Vec<OsString>,
    arguments: Vec<OsString>,
}

impl ScriptArguments {
    fn of(arguments: &Arguments) -> ScriptArguments {
        let script = match &arguments.script {
            Some(Script::File(path)) => path.clone(),
            _ => "-".into(),
        };
        let before = arguments.before.iter().cloned().chain([script]).collect();
        ScriptArguments { before, arguments: arguments.arguments.clone() }
    }

    /// Sets the global `arg`: the script at 0, its arguments from 1, the words before it at
    /// negative indices.
    fn set_global(&self, call: &mut Call) -> Result<(), Error> {
        let table = call.table(self.arguments.len(), self.before.len())?;
        let last = self.before.len() as f64 - 1.0;
        for (place, word) in self.before.iter().chain(&self.arguments).enumerate() {
            let value = call.string(word.as_encoded_bytes())?.value();
            table.set(call, Value::number(place as f64 - last), value)?;
        }
        call.globals().set_field(call, "arg", table)
    }
}

/// The main goroutine's native: it calls one chunk after the other.
struct Program {
    chunks: VecDeque<Chunk>,
    arguments: ScriptArguments,
    /// Where the report goes if a chunk does not start.
    failure: Rc<RefCell<Option<Report>>>,
}

impl Steps for Program {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let Some(chunk) = self.chunks.pop_front() else { return call.finish(()) };
        let (function, arguments) = match self.start(call, chunk) {
            Ok(start) => start,
            Err(report) => {
                *self.failure.borrow_mut() = Some(*report);
                return call.finish(());
            }
        };
        call.call(function, &arguments, Wanted::One)
    }
}

impl Program {
    /// Returns the function of a chunk, and the arguments that it is called with.
    fn start<'c>(
        &self,
        call: &mut Call<'c>,
        chunk: Chunk,
    ) -> Result<(Value<'c>, Vec<Value<'c>>), Box<Report>> {
        let string = |call: &mut Call<'c>, text: &[u8]| {
            call.string(text).map(LuaString::value).map_err(|_| out_of_memory())
        };
        match chunk {
            Chunk::Code(source) => {
                Ok((compile(call, &source.text, &source.name)?.value(), Vec::new()))
            }
            Chunk::Script(source) => {
                self.arguments.set_global(call).map_err(|_| out_of_memory())?;
                let words = self.arguments.arguments.iter();
                let arguments = words
                    .map(|word| string(call, word.as_encoded_bytes()))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok((compile(call, &source.text, &source.name)?.value(), arguments))
            }
            Chunk::Library(name) => {
                let key = call.string(b"require").map_err(|_| out_of_memory())?;
                let globals = call.globals().value();
                let Ok(Indexed::Value(require)) = call.index(globals, key.value()) else {
                    return Err(Report::new(b"'require' is not a plain value").into());
                };
                if require.is_nil() {
                    return Err(Report::new(b"attempt to call a nil value").into());
                }
                Ok((require, vec![string(call, &name)?]))
            }
            Chunk::Unreadable(message) => Err(Report::new(&message).into()),
        }
    }
}
