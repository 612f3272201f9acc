//! The basic functions that compile chunks (manual, section 5.1): `load`, `loadstring`, `loadfile`,
//! `dofile`.

use solvm_files::{code_files, read_file_held, read_rest};
use solvm_runtime::buffer::AccountedBuffer;
use solvm_runtime::executor::Executor;
use solvm_runtime::host::{FileSystem, Host, OpenStream, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::system_error::reason;
use solvm_vm::messages::shorten;
use solvm_vm::native::asynchronous::{self, Lua};
use solvm_vm::native::{
    Definition, Either, Results, Special, Start, StartWith, Step, Steps, Wanted,
};
use solvm_vm::{Call, Error, Function, Held, LuaString, OutOfMemory, Table, Value};
use std::io;
use std::sync::Arc;

/// A chunk's function, or nil and the message.
type Loaded<'c> = Either<Function<'c>, (Option<Value<'c>>, Vec<u8>)>;

/// The signature of a binary chunk.
const BINARY: u8 = 0x1b;

fn load_chunk<'c>(
    call: &mut Call<'c>,
    text: &[u8],
    name: &[u8],
    options: Options<'_, 'c>,
) -> Result<Loaded<'c>, Error> {
    let is_binary = text.first() == Some(&BINARY);
    let kind = if is_binary { "binary" } else { "text" };
    if options.mode.is_some_and(|mode| !mode.contains(&kind.as_bytes()[0])) {
        let mode = String::from_utf8_lossy(options.mode.unwrap_or_default()).into_owned();
        return Ok(Either::Later((
            None,
            format!("attempt to load a {kind} chunk (mode is '{mode}')").into_bytes(),
        )));
    }
    match compile(call, text, name, options.is_hidden)? {
        Ok(function) => {
            if let Some(environment) = options.environment {
                call.set_environment(function, environment)?;
            }
            Ok(Either::Now(function))
        }
        Err(message) => Ok(Either::Later((None, message))),
    }
}

/// The optional arguments of the loading functions.
#[derive(Clone, Copy, Default)]
struct Options<'m, 'c> {
    mode: Option<&'m [u8]>,
    environment: Option<Table<'c>>,
    /// See [`SourceFile`].
    is_hidden: bool,
}

pub(crate) fn load_string<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    name: Option<LuaString<'c>>,
) -> Result<Loaded<'c>, Error> {
    let name = name.unwrap_or(text);
    load_chunk(call, text.bytes(), name.bytes(), Options::default())
}

pub(crate) fn load<'c>(
    call: &mut Call<'c>,
    source: Value<'c>,
    name: Option<LuaString<'c>>,
    mode: Option<Name<'c>>,
    environment: Option<Table<'c>>,
) -> Result<Either<Loaded<'c>, StartWith<'c, Load>>, Error> {
    if let Some(text) = LuaString::from_value(source) {
        let mode = mode.map(Name::bytes);
        let options = Options { mode, environment, ..Options::default() };
        let name = name.unwrap_or(text);
        return Ok(Either::Now(load_chunk(call, text.bytes(), name.bytes(), options)?));
    }
    if Function::from_value(source).is_none() {
        return Err(Error::argument(1, format!("function expected, got {}", source.type_name())));
    }
    let protected = call.function(&PROTECTED_CALL, &[]);
    Ok(Either::Later(
        Start::new(Load { text: AccountedBuffer::default(), pending: false })
            .keep(protected.value()),
    ))
}

fn not_enough_memory() -> Vec<u8> {
    OutOfMemory.to_string().into_bytes()
}

/// Compiles a chunk if there is enough memory for it: the source is kept, and the code needs about
/// as much. The inner error is the message. The outer one is raised before any effect, so that the
/// native is called again after a collection. Code that is hidden is not given by `string.dump`.
fn compile<'c>(
    call: &mut Call<'c>,
    text: &[u8],
    name: &[u8],
    is_hidden: bool,
) -> Result<Result<Function<'c>, Vec<u8>>, Error> {
    let room = room_for(text, name);
    if room > call.account().limit() {
        // A collection would not help.
        return Ok(Err(not_enough_memory()));
    }
    call.check_memory(room)?;
    Ok(if is_hidden { call.load_hidden(text, name) } else { call.load(text, name) })
}

fn room_for(text: &[u8], name: &[u8]) -> usize {
    text.len().saturating_mul(4).saturating_add(name.len())
}

/// An error of the reader is returned by `load`.
static PROTECTED_CALL: Definition = Definition::special("pcall", Special::ProtectedCall);

/// `load` with a reader function, which is called for parts until it returns none.
pub(crate) struct Load {
    text: AccountedBuffer,
    pending: bool,
}

impl Steps for Load {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if std::mem::take(&mut self.pending) {
            let piece = call.returned(1);
            if !call.returned(0).is_truthy() {
                return call.finish((Value::NIL, piece));
            }
            match call.coerced_string(piece) {
                Some(piece) if !piece.bytes().is_empty() => {
                    self.text.push(call, piece.bytes())?;
                }
                None if !piece.is_nil() => {
                    return call.finish((Value::NIL, "reader function must return a string"));
                }
                _ => {
                    let name = call.argument(1).and_then(LuaString::from_value);
                    let mode = call.argument(2).and_then(LuaString::from_value);
                    let environment = call.argument(3).and_then(Table::from_value);
                    let options =
                        Options { mode: mode.map(LuaString::bytes), environment, is_hidden: false };
                    let text = std::mem::take(&mut self.text);
                    let loaded = load_chunk(
                        call,
                        &text,
                        name.map_or(b"=(load)", LuaString::bytes),
                        options,
                    )?;
                    return call.finish(loaded);
                }
            }
        }
        self.pending = true;
        let reader = call.argument(0).unwrap_or(Value::NIL);
        let protected = call.kept(0);
        call.call(protected, &[reader], Wanted::All)
    }
}

/// Source code with its chunk name.
#[derive(Debug)]
pub struct SourceFile {
    /// The code.
    pub text: Vec<u8>,
    /// The chunk's name.
    pub name: Vec<u8>,
    /// Whether the program may run it but not read it: messages must not quote it.
    pub is_hidden: bool,
    /// The share of the account for the code.
    pub held: Option<Held>,
}

/// Files up to this size are read at once, without the blocking pool: most modules are small.
const SMALL: u64 = 256 << 10;

impl SourceFile {
    /// Code that is no file's.
    pub fn new(text: &[u8], name: &[u8]) -> SourceFile {
        SourceFile { text: text.to_vec(), name: name.to_vec(), is_hidden: false, held: None }
    }

    fn of_file(path: &[u8], text: Vec<u8>, is_hidden: bool) -> SourceFile {
        let name = [b"@", path].concat();
        SourceFile { text: without_comment(text), name, is_hidden, held: None }
    }

    fn of_input(text: Vec<u8>) -> SourceFile {
        let name = b"=stdin".to_vec();
        SourceFile { text: without_comment(text), name, is_hidden: false, held: None }
    }

    /// Compiles the code. The error is the message.
    pub fn load<'c>(&self, call: &mut Call<'c>) -> Result<Function<'c>, Vec<u8>> {
        let compiled = compile(call, &self.text, &self.name, self.is_hidden);
        let compiled = compiled.unwrap_or_else(|_| Err(not_enough_memory()));
        compiled.map_err(|message| self.message(message))
    }

    /// Waits until there is memory for the code and for compiling it, which may need a collection.
    pub async fn wait_for_room(&mut self, lua: &Lua) -> Result<(), Error> {
        let hold = |bytes| lua.with(|call| call.account().hold_later(bytes));
        if self.held.is_none() {
            self.held = Some(hold(self.text.len()).await?);
        }
        hold(room_for(&self.text, &self.name)).await?;
        Ok(())
    }

    /// Returns the compiler's message; for a hidden file only the line, since messages quote the
    /// source.
    fn message(&self, message: Vec<u8>) -> Vec<u8> {
        if !self.is_hidden {
            return message;
        }
        let text = String::from_utf8_lossy(&message);
        let place = text.split(": ").next().unwrap_or_default();
        format!("{place}: cannot compile the file (reading its source is denied)").into_bytes()
    }
}

/// Reads a source file, or standard input without a path, when there is memory to compile it. The
/// outer error is the memory limit, the inner one the message.
pub(crate) async fn read_source(
    lua: &Lua,
    path: Option<Vec<u8>>,
) -> Result<Result<SourceFile, Vec<u8>>, Error> {
    let held = lua.with(|call| call.account().hold_nothing());
    let mut source = match path {
        None => {
            let input =
                lua.with(|call| solvm_runtime::host::host(call).map(|host| host.world.input()))?;
            read_input(input, held).await?
        }
        Some(path) => read_file(lua.with(code_files)?, path, held).await?,
    };
    if let Ok(source) = &mut source {
        source.wait_for_room(lua).await?;
    }
    Ok(source)
}

/// Reads the source file of a program, or standard input without a path. The inner error is the
/// message. None if the program's time limit is exceeded while reading.
pub async fn read_program(
    executor: &mut Executor,
    files: Arc<dyn FileSystem>,
    path: Option<&[u8]>,
) -> Option<Result<SourceFile, Vec<u8>>> {
    let due = executor.due();
    let opened = executor.enter(|call| {
        let held = call.account().hold_nothing();
        let host = call.host::<Host>()?;
        let input = path.is_none().then(|| host.world.input());
        // Time spent typing does not count.
        let is_typed = matches!(&input, Some(Ok(input)) if input.is_terminal);
        Some((held, input, is_typed.then(|| host.deadline.pause_timeout())))
    });
    let Some((held, input, _pause)) = opened else {
        return Some(Err(b"file access is not available".to_vec()));
    };
    let read = async {
        match (path, input) {
            (Some(path), _) => read_file(files, path.to_vec(), held).await,
            (None, Some(input)) => read_input(input, held).await,
            (None, None) => Ok(Err(b"file access is not available".to_vec())),
        }
    };
    let source = match due {
        Some(due) => tokio::time::timeout_at(due.into(), read).await.ok()?,
        None => read.await,
    };
    Some(source.unwrap_or_else(|_| Err(b"not enough memory".to_vec())))
}

/// Reads the source file of a program, before it runs.
async fn read_file(
    files: Arc<dyn FileSystem>,
    path: Vec<u8>,
    held: Held,
) -> Result<Result<SourceFile, Vec<u8>>, Error> {
    let file = path_of(&path);
    let is_hidden = files.hides_source(&file);
    let text = match files.read_now(&file, SMALL) {
        Some(text) => text,
        None => read_file_held(files, file, u64::MAX, held).await?,
    };
    Ok(text.map(|text| SourceFile::of_file(&path, text, is_hidden)).map_err(|error| {
        [b"cannot open ", &shorten(&path)[..], b": ", reason(&error).as_bytes()].concat()
    }))
}

/// Reads source code from standard input until its end.
async fn read_input(
    input: io::Result<OpenStream>,
    held: Held,
) -> Result<Result<SourceFile, Vec<u8>>, Error> {
    let text = match input {
        Ok(input) => read_rest(Box::new(input.stream), u64::MAX, held).await?,
        Err(error) => Err(error),
    };
    Ok(text
        .map(SourceFile::of_input)
        .map_err(|error| format!("cannot read stdin: {}", reason(&error)).into_bytes()))
}

/// Removes the line for the shell from a binary chunk; in source code that line is counted.
fn without_comment(text: Vec<u8>) -> Vec<u8> {
    let rest =
        text.strip_prefix(b"#").and_then(|line| line.get(memchr::memchr(b'\n', line)? + 1..));
    match rest {
        Some(rest) if rest.starts_with(b"\x1b") => rest.to_vec(),
        _ => text,
    }
}

pub(crate) fn load_file<'c>(
    _: &mut Call<'c>,
    path: Option<Name<'c>>,
    mode: Option<Name<'c>>,
    _environment: Option<Table<'c>>,
) -> impl Results<'c> + use<'c> {
    let path = path.map(|path| path.bytes().to_vec());
    let mode = mode.map(|mode| mode.bytes().to_vec());
    asynchronous::run(move |lua| async move {
        let source = read_source(&lua, path).await?;
        lua.finish_with(|call| {
            let environment = call.argument(2).and_then(Table::from_value);
            let loaded = source.and_then(|source| {
                let SourceFile { is_hidden, .. } = source;
                let options = Options { mode: mode.as_deref(), environment, is_hidden };
                match load_chunk(call, &source.text, &source.name, options) {
                    Ok(Either::Now(function)) => Ok(Ok(function)),
                    Ok(Either::Later((_, message))) => Err(source.message(message)),
                    Err(error) => Ok(Err(error)),
                }
            });
            match loaded {
                Ok(function) => Ok(vec![function?.value()]),
                Err(message) => Ok(vec![Value::NIL, call.string(&message)?.value()]),
            }
        })
    })
}

pub(crate) fn do_file<'c>(_: &mut Call<'c>, path: Option<Name<'c>>) -> impl Results<'c> + use<'c> {
    let path = path.map(|path| path.bytes().to_vec());
    asynchronous::run(|lua| async move {
        let source = read_source(&lua, path).await?;
        let function = lua.slot();
        lua.with(|call| {
            let loaded = source.and_then(|source| source.load(call));
            match loaded {
                Ok(loaded) => function.set(call, loaded.value()),
                Err(message) => {
                    let message = call.string(&message)?.value();
                    return Err(call.raise(message));
                }
            }
            Ok(())
        })?;
        lua.finish_with_call(function, &[])
    })
}
