//! `io` (manual, section 5.7): files as userdata, and the default files.
//!
//! No function blocks the thread that runs Lua, see [`file`].

mod buffered;
pub(crate) mod file;
mod methods;
mod read;

pub use file::{AnyFile, OpenFiles, OpenFilesService};

use buffered::Buffered;
use file::{File, userdata};
use solvm_runtime::host::{
    Buffering, Child, Deferred, Host, OpenBase, OpenMode, OpenStream, Pipe, host, path_of,
};
use solvm_runtime::name::Name;
use solvm_runtime::pool::waiting_in_pool;
use solvm_runtime::results::{failure, later};
use solvm_runtime::system_error::reason;
use solvm_vm::native::{Either, Library, Param, Rest, Results};
use solvm_vm::{Call, Error, Function, LuaString, Table, Type, Userdata, Value};
use std::io;

/// The library `io`.
pub static LIBRARY: Library = solvm_vm::library!("io" {
    "close" => close,
    "flush" => flush,
    "input" => input,
    "lines" => lines,
    "open" => open,
    "output" => output,
    "popen" => open_process,
    "read" => read,
    "tmpfile" => temporary_file,
    "type" => type_of,
    "write" => write,
});

/// The result of a function that may have to wait.
pub(crate) type MaybeLater<'c, R> = Result<Either<Vec<Value<'c>>, R>, Error>;

/// One of the two default files.
#[derive(Clone, Copy)]
enum DefaultFile {
    Input,
    Output,
}

impl DefaultFile {
    fn name(self) -> &'static str {
        match self {
            DefaultFile::Input => "input",
            DefaultFile::Output => "output",
        }
    }

    fn mode(self) -> OpenMode {
        match self {
            DefaultFile::Input => OpenMode::READ,
            DefaultFile::Output => OpenMode::WRITE,
        }
    }

    /// Returns the file, open or closed.
    fn get<'c>(self, call: &mut Call<'c>) -> Result<AnyFile<'c>, Error> {
        let key = call.string(self.name().as_bytes())?;
        let file = AnyFile::from_value(defaults(call)?.get(key));
        file.ok_or_else(|| Error::text(format!("standard {} file is not available", self.name())))
    }

    /// Returns the file, which must be open.
    fn open<'c>(self, call: &mut Call<'c>) -> Result<AnyFile<'c>, Error> {
        let file = self.get(call)?;
        if file.file.is_closed() {
            return Err(Error::text(format!("standard {} file is closed", self.name())));
        }
        Ok(file)
    }

    fn set<'c>(self, call: &mut Call<'c>, file: Userdata<'c>) -> Result<(), Error> {
        defaults(call)?.set_field(call, self.name(), file)
    }
}

/// Returns the table of the default files.
fn defaults<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    let key = call.string(b"default files")?;
    match Table::from_value(call.registry().get(key)) {
        Some(table) => Ok(table),
        None => {
            let table = call.table(0, 2)?;
            call.registry().set(call, key.value(), table.value())?;
            Ok(table)
        }
    }
}

/// Adds the files' metatable and the standard files.
pub fn finish(call: &mut Call) -> Result<(), Error> {
    let metatable = call.table(0, methods::LIBRARY.functions.len() + 1)?;
    call.fill(metatable, &methods::LIBRARY)?;
    metatable.set_field(call, "__index", metatable)?;
    call.registry().set_field(call, file::METATABLE, metatable)?;
    let output = userdata(call, File::output())?;
    DefaultFile::Output.set(call, output)?;
    let key = call.string(b"io")?;
    let Some(library) = Table::from_value(call.globals().get(key)) else { return Ok(()) };
    library.set_field(call, "stdout", output)?;
    let Some(host) = call.host::<Host>() else { return Ok(()) };
    // A world may have neither.
    let (input, error_output) = (host.world.input(), host.world.error_output());
    if let Ok(stream) = input {
        let file = File::new(call, Buffered::new(stream, OpenMode::READ, Buffering::DEFAULT), true);
        let file = userdata(call, file)?;
        DefaultFile::Input.set(call, file)?;
        library.set_field(call, "stdin", file)?;
        call.registry().set_field(call, STANDARD_INPUT, file)?;
    }
    if let Ok(stream) = error_output {
        let file = File::new(call, Buffered::new(stream, OpenMode::WRITE, Buffering::None), true);
        let file = userdata(call, file)?;
        library.set_field(call, "stderr", file)?;
    }
    Ok(())
}

/// The registry key of standard input, which does not depend on `io.stdin`.
const STANDARD_INPUT: &str = "standard input";

/// Returns a function that returns the next line of standard input, and nothing at its end.
pub fn input_lines<'c>(call: &mut Call<'c>) -> Result<Option<Function<'c>>, Error> {
    let key = call.string(STANDARD_INPUT.as_bytes())?;
    let file = Userdata::from_value(call.registry().get(key));
    Ok(file.map(|file| methods::iterator(call, file, false, &[])))
}

/// Units charged for creating a file: tens of microseconds.
pub(crate) const MAKING_A_FILE: usize = 20_000;
/// Units charged for opening an existing file.
const OPENING_A_FILE: usize = 2_000;

/// Creates the userdata of a stream that has just been opened.
fn opened<'c>(
    call: &mut Call<'c>,
    stream: OpenStream,
    mode: OpenMode,
) -> Result<Userdata<'c>, Error> {
    let file = File::new(call, Buffered::new(stream, mode, Buffering::DEFAULT), false);
    userdata(call, file)
}

/// Opens a file; `convert` creates the results.
fn open_with<'c, C>(
    call: &mut Call<'c>,
    path: Name<'c>,
    mode: OpenMode,
    convert: C,
) -> MaybeLater<'c, impl Results<'c> + use<'c, C>>
where
    C: for<'a> FnOnce(&mut Call<'a>, io::Result<OpenStream>) -> Result<Vec<Value<'a>>, Error>
        + 'static,
{
    // A file to be written may have to be created.
    let is_read = matches!(mode.base, OpenBase::Read);
    call.charge(if is_read { OPENING_A_FILE } else { MAKING_A_FILE });
    match host(call)?.world.file_system().open_stream(&path_of(path.bytes()), mode) {
        Deferred::Now(result) => Ok(Either::Now(convert(call, result)?)),
        Deferred::Later(work) => {
            Ok(Either::Later(later(async move { waiting_in_pool(work).await.flatten() }, convert)))
        }
    }
}

/// Opens a file and makes it a default file. A failure is an argument error.
fn open_default<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    which: DefaultFile,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let name = path.bytes().to_vec();
    open_with(call, path, which.mode(), move |call, result| {
        let stream = result.map_err(|error| bad_path(&name, &error))?;
        let file = opened(call, stream, which.mode())?;
        which.set(call, file)?;
        Ok(vec![file.value()])
    })
}

/// Returns the error for a path as the first argument that cannot be opened.
fn bad_path(path: &[u8], error: &io::Error) -> Error {
    Error::argument(1, [path, b": ", reason(error).as_bytes()].concat())
}

/// Returns the OS's error for an invalid argument.
fn invalid_argument() -> io::Error {
    const EINVAL: i32 = 22;
    io::Error::from_raw_os_error(EINVAL)
}

fn open<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    mode: Option<Name<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let Some(mode) = OpenMode::parse(mode.map_or(b"r", Name::bytes)) else {
        return Ok(Either::Now(failure(call, &invalid_argument(), Some(path.bytes()))?));
    };
    let name = path.bytes().to_vec();
    let result = open_with(call, path, mode, move |call, result| match result {
        Ok(stream) => Ok(vec![opened(call, stream, mode)?.value()]),
        Err(error) => failure(call, &error, Some(&name)),
    });
    result.map(Either::Later)
}

fn temporary_file<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    call.charge(MAKING_A_FILE);
    match host(call)?.world.file_system().temporary_file() {
        Ok(stream) => {
            let mode = OpenMode { base: OpenBase::Write, update: true };
            Ok(vec![opened(call, stream, mode)?.value()])
        }
        Err(error) => failure(call, &error, None),
    }
}

/// `io.popen(command[, mode])`: starts a child process and returns a file that reads its output or
/// writes its input.
fn open_process<'c>(
    call: &mut Call<'c>,
    command: LuaString<'c>,
    mode: Option<Name<'c>>,
) -> Result<Vec<Value<'c>>, Error> {
    let (pipe, mode) = match mode.map_or(&b"r"[..], Name::bytes) {
        b"r" => (Pipe::Output, OpenMode::READ),
        b"w" => (Pipe::Input, OpenMode::WRITE),
        _ => return failure(call, &invalid_argument(), Some(command.bytes())),
    };
    match spawn(call, command.bytes(), Some(pipe)) {
        Ok(Child { stream: Some(stream), wait }) => {
            let file = Buffered::new(stream, mode, Buffering::DEFAULT).with_child(wait);
            let file = File::new(call, file, false);
            Ok(vec![userdata(call, file)?.value()])
        }
        Ok(Child { stream: None, .. }) => Err(Error::text("the child process has no pipe")),
        Err(error) => failure(call, &error, Some(command.bytes())),
    }
}

/// Starts a child process. Buffered output of files is flushed before.
pub(crate) fn spawn(call: &mut Call, command: &[u8], pipe: Option<Pipe>) -> io::Result<Child> {
    let host = host(call).map_err(|_| io::Error::from(io::ErrorKind::PermissionDenied))?;
    host.state::<OpenFiles>().flush(false);
    host.world.spawn(command, pipe)
}

fn close<'c>(call: &mut Call<'c>, _file: Rest) -> Result<impl Results<'c> + use<'c>, Error> {
    let file = match call.argument(0) {
        Some(_) => AnyFile::take(call, &mut 0)?,
        None => DefaultFile::Output.get(call)?,
    };
    methods::close(call, file)
}

fn flush<'c>(call: &mut Call<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let file = DefaultFile::Output.open(call)?;
    methods::flush(call, file)
}

fn read<'c>(call: &mut Call<'c>, formats: Rest) -> Result<impl Results<'c> + use<'c>, Error> {
    let file = DefaultFile::Input.open(call)?;
    methods::read(call, file, formats)
}

fn write<'c>(call: &mut Call<'c>, values: Rest) -> Result<impl Results<'c> + use<'c>, Error> {
    let file = DefaultFile::Output.open(call)?;
    methods::write(call, file, values)
}

/// Returns a default file, or replaces it by another one or by the file with that name.
fn choose_default<'c>(
    call: &mut Call<'c>,
    which: DefaultFile,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let argument = call.argument(0).unwrap_or(Value::NIL);
    if argument.is_nil() {
        return Ok(Either::Now(vec![which.get(call)?.userdata.value()]));
    }
    if matches!(argument.kind(), Type::String | Type::Number) {
        let path = Name::take(call, &mut 0)?;
        return open_default(call, path, which).map(Either::Later);
    }
    let file = AnyFile::take(call, &mut 0)?;
    file.open()?;
    which.set(call, file.userdata)?;
    Ok(Either::Now(vec![argument]))
}

fn input<'c>(call: &mut Call<'c>, _file: Rest) -> Result<impl Results<'c> + use<'c>, Error> {
    choose_default(call, DefaultFile::Input)
}

fn output<'c>(call: &mut Call<'c>, _file: Rest) -> Result<impl Results<'c> + use<'c>, Error> {
    choose_default(call, DefaultFile::Output)
}

/// `io.lines([path, formats...])`: returns an iterator over a file, which is closed at its end, or
/// over the default input.
fn lines<'c>(
    call: &mut Call<'c>,
    path: Option<Name<'c>>,
    formats: Rest,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let Some(path) = path else {
        let file = DefaultFile::Input.get(call)?;
        return Ok(Either::Now(vec![methods::lines(call, file, formats)?.value()]));
    };
    // They are checked before the file is opened.
    read::formats(formats.values(call), formats.first)?;
    let name = path.bytes().to_vec();
    let result = open_with(call, path, OpenMode::READ, move |call, result| {
        let stream = result.map_err(|error| bad_path(&name, &error))?;
        let file = opened(call, stream, OpenMode::READ)?;
        let formats: Vec<Value> = formats.values(call).collect();
        Ok(vec![methods::iterator(call, file, true, &formats).value()])
    });
    result.map(Either::Later)
}

fn type_of<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<&'static str> {
    AnyFile::from_value(value)
        .map(|file| if file.file.is_closed() { "closed file" } else { "file" })
}
