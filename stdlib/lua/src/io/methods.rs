//! The methods of files.

use super::buffered::buffers_size;
use super::file::{AnyFile, perform, read as read_items};
use super::read::{Reading, formats};
use solvm_runtime::host::{Buffering, host};
use solvm_runtime::name::Name;
use solvm_runtime::results::{failure, succeeded};
use solvm_runtime::system_error::reason;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Definition, Either, Library, Param, Rest, Results};
use solvm_vm::{Call, Error, Function, LuaString, Value};
use std::borrow::Cow;
use std::io::SeekFrom;

pub(crate) static LIBRARY: Library = solvm_vm::library!("" {
    "__gc" => collect,
    "__tostring" => to_string,
    "close" => close,
    "flush" => flush,
    "lines" => lines,
    "read" => read,
    "seek" => seek,
    "setvbuf" => set_buffering,
    "write" => write,
});

fn to_string(_: &mut Call, file: AnyFile) -> String {
    if file.file.is_closed() {
        "file (closed)".into()
    } else {
        format!("file ({:#x})", file.userdata.value().address())
    }
}

/// `file:close()`: returns true. Standard files cannot be closed.
pub(super) fn close<'c>(
    call: &mut Call<'c>,
    file: AnyFile<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let file_userdata = file.userdata;
    let file = file.open()?;
    let Some(shared) = file.stream().filter(|_| !file.is_standard()) else {
        let text = call.string(b"cannot close standard file")?.value();
        return Ok(Either::Now(vec![Value::NIL, text]));
    };
    file.set_closed();
    call.recount(file_userdata);
    perform(call, shared, |file| !file.closing_waits(), |file| file.close(), succeeded)
}

/// The finalizer: closes the file.
fn collect<'c>(
    call: &mut Call<'c>,
    file: AnyFile<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    if file.file.is_closed() || file.file.is_standard() {
        return Ok(Either::Now(()));
    }
    close(call, file).map(Either::Later)
}

pub(super) fn flush<'c>(
    call: &mut Call<'c>,
    file: AnyFile<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    match file.open()?.stream() {
        None => {
            let flushed = host(call)?.world.flush_output();
            Ok(Either::Now(succeeded(call, flushed)?))
        }
        Some(shared) => perform(
            call,
            shared,
            |file| !file.waits() || !file.has_output(),
            |file| file.flush(),
            succeeded,
        ),
    }
}

/// `file:read(formats...)`: returns a value for each format, up to nil for the first that fails.
pub(super) fn read<'c>(
    call: &mut Call<'c>,
    file: AnyFile<'c>,
    arguments: Rest,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let file = file.open()?;
    let reading = Reading::new(formats(arguments.values(call), arguments.first)?);
    let Some(shared) = file.stream() else {
        return Ok(Either::Now(failure(call, &super::buffered::bad_descriptor(), None)?));
    };
    read_items(call, shared, reading, |call, result| match result {
        Ok(reading) => reading.values(call),
        Err(error) => failure(call, &error, None),
    })
}

/// `file:lines(formats...)`: returns an iterator that reads; at the end the file stays open.
pub(super) fn lines<'c>(
    call: &mut Call<'c>,
    file: AnyFile<'c>,
    arguments: Rest,
) -> Result<Function<'c>, Error> {
    file.open()?;
    let values: Vec<Value> = arguments.values(call).collect();
    formats(values.iter().copied(), arguments.first)?;
    Ok(iterator(call, file.userdata, false, &values))
}

static ITERATOR: Definition = Definition::new("lines", next_line);

/// Returns the iterator of `lines`.
pub(super) fn iterator<'c>(
    call: &mut Call<'c>,
    file: solvm_vm::Userdata<'c>,
    closes: bool,
    formats: &[Value<'c>],
) -> Function<'c> {
    let mut upvalues = vec![file.value(), Value::boolean(closes)];
    upvalues.extend_from_slice(formats);
    call.function(&ITERATOR, &upvalues)
}

fn next_line<'c>(
    call: &mut Call<'c>,
    _arguments: Rest,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let file = call.upvalue(0).and_then(AnyFile::from_value).filter(|file| !file.file.is_closed());
    let Some(file) = file else { return Err(Error::text("file is already closed")) };
    let reading = Reading::new(formats((2..).map_while(|index| call.upvalue(index)), 0)?);
    let Some(shared) = file.file.stream() else {
        return Err(Error::text(reason(&super::buffered::bad_descriptor())));
    };
    read_items(call, shared, reading, |call, result| {
        let values = result.map_err(|error| Error::text(reason(&error)))?.values(call)?;
        if !values.first().is_some_and(|value| value.is_nil()) {
            return Ok(values);
        }
        if call.upvalue(1).is_some_and(Value::is_truthy) {
            close_at_end(call);
        }
        Ok(Vec::new())
    })
}

/// Closes the file of the running iterator.
fn close_at_end(call: &mut Call) {
    let Some(file) = call.upvalue(0).and_then(AnyFile::from_value) else { return };
    file.file.set_closed();
    if let Some(Ok(mut file)) = file.file.stream().map(|shared| shared.try_lock()) {
        // It was only read, so nothing is lost.
        let _ = file.close();
    }
}

/// Returns the index of an option among those allowed.
fn option(word: Name, allowed: &[&str]) -> Result<usize, Error> {
    allowed.iter().position(|known| known.as_bytes() == word.bytes()).ok_or_else(|| {
        let text = [b"invalid option '", word.bytes(), b"'"].concat();
        Error::argument(2, text)
    })
}

/// `file:seek([whence, offset])`: returns the new position.
fn seek<'c>(
    call: &mut Call<'c>,
    file: AnyFile<'c>,
    whence: Option<Name<'c>>,
    offset: Option<Truncated>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let file = file.open()?;
    let whence = whence.map_or(Ok(1), |word| option(word, &["set", "cur", "end"]))?;
    let offset = offset.map_or(0, i64::from);
    let to = match whence {
        0 => match u64::try_from(offset) {
            Ok(position) => SeekFrom::Start(position),
            Err(_) => return Ok(Either::Now(failure(call, &super::invalid_argument(), None)?)),
        },
        1 => SeekFrom::Current(offset),
        _ => SeekFrom::End(offset),
    };
    match file.stream() {
        None => {
            let result = host(call)?.world.seek_output(to);
            Ok(Either::Now(position(call, result)?))
        }
        Some(shared) => perform(
            call,
            shared,
            |file| !file.waits() || !file.has_output(),
            move |file| file.seek(to),
            position,
        ),
    }
}

/// Returns the result of `seek`.
fn position<'c>(
    call: &mut Call<'c>,
    result: std::io::Result<u64>,
) -> Result<Vec<Value<'c>>, Error> {
    match result {
        Ok(position) => Ok(vec![Value::number(position as f64)]),
        Err(error) => failure(call, &error, None),
    }
}

/// Maximum buffer size.
const MAX_BUFFER: usize = 1 << 20;

/// `file:setvbuf(mode[, size])`: sets the buffering of output.
fn set_buffering<'c>(
    call: &mut Call<'c>,
    file: AnyFile<'c>,
    mode: Name<'c>,
    size: Option<Truncated>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let userdata = file.userdata;
    let file = file.open()?;
    let size =
        size.map_or(1 << 16, |Truncated(size)| usize::try_from(size).unwrap_or(0)).min(MAX_BUFFER);
    let buffering = match option(mode, &["no", "full", "line"])? {
        0 => Buffering::None,
        1 => Buffering::Full(size),
        _ => Buffering::Line,
    };
    match file.stream() {
        None => {
            let done = host(call)?.world.set_output_buffering(buffering);
            Ok(Either::Now(succeeded(call, done)?))
        }
        Some(shared) => {
            call.check_memory(buffers_size(buffering))?;
            file.set_buffers_size(buffers_size(buffering));
            call.recount(userdata);
            perform(
                call,
                shared,
                |file| !file.waits() || !file.has_output(),
                move |file| file.set_buffering(buffering),
                succeeded,
            )
        }
    }
}

/// `file:write(values...)`: writes strings and numbers.
pub(super) fn write<'c>(
    call: &mut Call<'c>,
    file: AnyFile<'c>,
    arguments: Rest,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let file = file.open()?;
    let text = written(call, arguments)?;
    let Some(shared) = file.stream() else {
        let written = host(call)?.world.write_output(&text);
        return Ok(Either::Now(succeeded(call, written)?));
    };
    let inline = match shared.try_lock() {
        Ok(mut file) if file.has_room(text.len()) => Some(file.write(&text)),
        _ => None,
    };
    if let Some(written) = inline {
        return Ok(Either::Now(succeeded(call, written)?));
    }
    // The native is counted with its arguments, from which this is made.
    call.check_memory(text.len())?;
    let text = text.into_owned();
    perform(call, shared, |_| false, move |file| file.write(&text), succeeded).map(Either::Later)
}

/// Concatenates the arguments.
fn written<'c>(call: &mut Call<'c>, arguments: Rest) -> Result<Cow<'c, [u8]>, Error> {
    let mut index = arguments.first;
    let mut text = Cow::Borrowed(&b""[..]);
    while index < call.argument_count() {
        let piece = LuaString::take(call, &mut index)?.bytes();
        if text.is_empty() {
            text = Cow::Borrowed(piece);
        } else {
            call.check_memory(text.len() + piece.len())?;
            text.to_mut().extend_from_slice(piece);
        }
    }
    Ok(text)
}
