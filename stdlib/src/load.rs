//! The basic functions that make functions of chunks (manual, section 5.1): `load`, `loadstring`,
//! `loadfile`, `dofile`.

use crate::base::message_text;
use crate::gathered::Gathered;
use crate::host::{Host, reason};
use solvm_vm::native::{Definition, Either, Special, Start, StartWith, Step, Steps, Wanted};
use solvm_vm::{Call, Error, Function, LuaString, Table, Value};

/// A chunk's function, or nil and the message.
type Loaded<'c> = Either<Function<'c>, (Option<Value<'c>>, Vec<u8>)>;

/// The signature of a binary chunk.
const BINARY: u8 = 0x1b;

fn load_chunk<'c>(
    call: &mut Call<'c>,
    text: &[u8],
    name: &[u8],
    options: Options<'c>,
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
    check_room(call, text, name)?;
    match call.load(text, name) {
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
#[derive(Clone, Copy)]
struct Options<'c> {
    mode: Option<&'c [u8]>,
    environment: Option<Table<'c>>,
}

pub(crate) fn load_string<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    name: Option<LuaString<'c>>,
) -> Result<Loaded<'c>, Error> {
    let name = name.unwrap_or(text);
    load_chunk(call, text.bytes(), name.bytes(), Options { mode: None, environment: None })
}

pub(crate) fn load<'c>(
    call: &mut Call<'c>,
    source: Value<'c>,
    name: Option<LuaString<'c>>,
    mode: Option<LuaString<'c>>,
    environment: Option<Table<'c>>,
) -> Result<Either<Loaded<'c>, StartWith<'c, Load>>, Error> {
    if let Some(text) = LuaString::from_value(source) {
        let options = Options { mode: mode.map(LuaString::bytes), environment };
        let name = name.unwrap_or(text);
        return Ok(Either::Now(load_chunk(call, text.bytes(), name.bytes(), options)?));
    }
    if Function::from_value(source).is_none() {
        return Err(Error::argument(1, format!("function expected, got {}", source.type_name())));
    }
    let protected = call.function(&PROTECTED_CALL, &[]);
    Ok(Either::Later(
        Start::new(Load { text: Gathered::default(), asked: false }).keep(protected.value()),
    ))
}

/// Fails, before anything has happened, if a chunk does not fit: its source is kept, and its code
/// is about as large as that.
pub(crate) fn check_room(call: &mut Call, text: &[u8], name: &[u8]) -> Result<(), Error> {
    call.check_memory(text.len().saturating_mul(4).saturating_add(name.len()))
}

/// A reader's error is that of `load`.
static PROTECTED_CALL: Definition = Definition::special("pcall", Special::ProtectedCall);

/// `load` with a reader: pieces are asked for until there is none.
pub(crate) struct Load {
    text: Gathered,
    asked: bool,
}

impl Steps for Load {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if std::mem::take(&mut self.asked) {
            let piece = call.returned(1);
            if !call.returned(0).is_truthy() {
                return call.finish((Value::NIL, piece));
            }
            match message_text(call, piece) {
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
                    let options = Options { mode: mode.map(LuaString::bytes), environment };
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
        self.asked = true;
        let reader = call.argument(0).unwrap_or(Value::NIL);
        let protected = call.kept(0);
        call.call(protected, &[reader], Wanted::All)
    }
}

/// The text and the chunk name of a file; of standard input without a name. The error is the
/// message.
pub fn read_source(call: &mut Call, path: Option<&[u8]>) -> Result<(Vec<u8>, Vec<u8>), Vec<u8>> {
    if let Some(path) = path {
        return read_file(call, path);
    }
    let Some(host) = call.host::<Host>() else { return Err(b"no access to files".to_vec()) };
    let text = host.world.read_input();
    text.map(|text| (without_comment(text), b"=stdin".to_vec()))
        .map_err(|error| format!("cannot read stdin: {}", reason(&error)).into_bytes())
}

/// A file without the line for the shell, if it is a binary chunk: in source text that line counts.
fn without_comment(text: Vec<u8>) -> Vec<u8> {
    let rest =
        text.strip_prefix(b"#").and_then(|line| line.get(memchr::memchr(b'\n', line)? + 1..));
    match rest {
        Some(rest) if rest.starts_with(b"\x1b") => rest.to_vec(),
        _ => text,
    }
}

/// The text and the chunk name of a file. The error is the message.
pub(crate) fn read_file(call: &mut Call, path: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Vec<u8>> {
    let Some(host) = call.host::<Host>() else { return Err(b"no access to files".to_vec()) };
    let text = host.world.read_file(path);
    text.map(|text| (without_comment(text), [b"@", path].concat()))
        .map_err(|error| [b"cannot open ", path, b": ", reason(&error).as_bytes()].concat())
}

pub(crate) fn load_file<'c>(
    call: &mut Call<'c>,
    path: Option<LuaString<'c>>,
    mode: Option<LuaString<'c>>,
    environment: Option<Table<'c>>,
) -> Result<Loaded<'c>, Error> {
    match read_source(call, path.map(LuaString::bytes)) {
        Ok((text, name)) => load_chunk(
            call,
            &text,
            &name,
            Options { mode: mode.map(LuaString::bytes), environment },
        ),
        Err(message) => Ok(Either::Later((None, message))),
    }
}

pub(crate) fn do_file<'c>(
    call: &mut Call<'c>,
    path: Option<LuaString<'c>>,
) -> Result<StartWith<'c, DoFile>, Error> {
    let source = read_source(call, path.map(LuaString::bytes));
    if let Ok((text, name)) = &source {
        check_room(call, text, name)?;
    }
    let loaded = source.and_then(|(text, name)| call.load(&text, &name));
    match loaded {
        Ok(function) => Ok(Start::new(DoFile { called: false }).keep(function.value())),
        Err(message) => {
            let value = call.string(&message)?.value();
            Err(call.raise(value))
        }
    }
}

pub(crate) struct DoFile {
    called: bool,
}

impl Steps for DoFile {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if !std::mem::replace(&mut self.called, true) {
            let function = call.kept(0);
            return call.call(function, &[], Wanted::All);
        }
        let results: Vec<Value<'c>> =
            (0..call.returned_count()).map(|i| call.returned(i)).collect();
        call.finish(results)
    }
}
