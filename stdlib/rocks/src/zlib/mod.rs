//! `zlib`: compression with the interface of lua-zlib 1.2.
//!
//! A stream is a function, which has its state as a bound value. Each call returns what the input
//! has produced so far, whether the stream has ended, and the totals. Messages start as those of
//! lua-zlib; the position in its C source that follows there is missing.

mod checksum;
mod stream;

use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Definition, Library, Rest};
use solvm_vm::{Call, Error, Function, Value};
use stream::{Stream, Wrapper};

/// The library `zlib`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "zlib" {
    "BEST_COMPRESSION" => constant 9.0,
    "BEST_SPEED" => constant 1.0,
    "_COPYRIGHT" => text "Copyright (c) 2009-2016 Brian Maher",
    "_DESCRIPTION" => text "lua-zlib's interface in SolVM",
    "_TEST_BUFSIZ" => constant 8192.0,
    "_VERSION" => text "lua-zlib 1.2",
    "adler32" => checksum::adler,
    "crc32" => checksum::crc,
    "deflate" => deflate,
    "inflate" => inflate,
    "version" => version,
});

/// Bytes of a stream's state per unit of the budget.
const BYTES_PER_UNIT: usize = 16;

static DEFLATE: Definition = Definition::new("deflate", stream::filter);
static INFLATE: Definition = Definition::new("inflate", stream::filter);

/// `zlib.version()`: the version of zlib whose functions these are.
fn version(_: &mut Call) -> (f64, f64, f64) {
    (1.0, 3.0, 1.0)
}

fn stream<'c>(call: &mut Call<'c>, stream: Stream) -> Result<Function<'c>, Error> {
    let definition = if stream.is_deflate() { &DEFLATE } else { &INFLATE };
    // Its state is filled with zeros.
    call.charge(stream.size() / BYTES_PER_UNIT);
    call.check_memory(stream.size())?;
    let state = call.userdata(stream, None).value();
    Ok(call.function(definition, &[state]))
}

/// An error as those of zlib: without a position.
fn inconsistent() -> Error {
    Error::bare("InternalError: inconsistent internal zlib stream")
}

/// `zlib.deflate([level[, window]])`: a function that compresses. The window's size is a power of
/// two; it is negative for data without a header, and 16 more for the format of gzip.
fn deflate<'c>(
    call: &mut Call<'c>,
    level: Option<Truncated>,
    window: Option<Truncated>,
) -> Result<Function<'c>, Error> {
    let wrapper = match window.map_or(15, i64::from) {
        -15..=-8 => Wrapper::None,
        8..=15 => Wrapper::Zlib,
        24..=31 => Wrapper::Gzip,
        _ => return Err(inconsistent()),
    };
    let level = match level.map_or(-1, i64::from) {
        -1 => 6,
        level @ 0..=9 => level as u32,
        _ => return Err(inconsistent()),
    };
    stream(call, Stream::deflate(level, wrapper))
}

/// `zlib.inflate([window])`: a function that decompresses. By default it recognises the formats of
/// zlib and gzip.
fn inflate<'c>(call: &mut Call<'c>, arguments: Rest) -> Result<Function<'c>, Error> {
    let window = arguments.values(call).next().and_then(Value::to_number);
    let wrapper = match window.map_or(47, |window| window as i64) {
        -15..=-8 => Wrapper::None,
        0 | 8..=15 => Wrapper::Zlib,
        24..=31 => Wrapper::Gzip,
        32 | 40..=47 => Wrapper::Any,
        _ => return Err(inconsistent()),
    };
    stream(call, Stream::inflate(wrapper))
}
