//! A stream that compresses or decompresses.
//!
//! The format of gzip is made and read here, around data without a header; that of zlib is done by
//! the crate. Work is done in slices of some kilobytes, and the output is held in the account, so
//! that a small input that becomes large is neither a pause nor more than the memory limit.

use super::inconsistent;
use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use solvm_lua::string::text_argument;
use solvm_runtime::buffer::AccountedBuffer;
use solvm_runtime::name::Name;
use solvm_vm::native::{Either, Rest, Start, Step, Steps};
use solvm_vm::{Call, Data, Error, LuaString, Userdata, Value};
use std::cell::RefCell;

/// The output that is made at once.
const SLICE: usize = 8 << 10;
/// Bytes of output and input per unit of the budget.
const COMPRESSED_PER_UNIT: usize = 2;
const DECOMPRESSED_PER_UNIT: usize = 16;

/// The format around the compressed data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapper {
    None,
    Zlib,
    Gzip,
    /// Zlib or gzip, as the data starts.
    Any,
}

/// The progress in data in the format of gzip.
enum Gzip {
    /// A part of the header.
    Header(Header),
    Data,
    /// The bytes of the trailer so far.
    Trailer(Vec<u8>),
}

/// The next part of a header of gzip.
enum Header {
    /// The fixed part: its bytes so far.
    Fixed(Vec<u8>),
    /// The length of the extra field: its bytes so far.
    ExtraLength(u8, Vec<u8>),
    /// The rest of the extra field, in bytes.
    Extra(u8, usize),
    /// A text that ends with a zero: the name, then the comment.
    Text(u8),
    /// The checksum: bytes that are missing.
    Check(usize),
}

const HAS_CHECK: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

enum Engine {
    Deflate(Compress),
    Inflate(Decompress),
}

struct State {
    engine: Engine,
    wrapper: Wrapper,
    gzip: Gzip,
    checksum: Crc,
    total_in: usize,
    total_out: usize,
}

/// The bound value of a stream's function; None once it has ended.
pub(super) struct Stream {
    state: RefCell<Option<State>>,
    is_deflate: bool,
}

impl Data for Stream {
    fn external_size(&self) -> usize {
        if self.state.borrow().is_some() { self.size() } else { 0 }
    }
}

impl Stream {
    fn new(engine: Engine, wrapper: Wrapper) -> Stream {
        let is_deflate = matches!(engine, Engine::Deflate(_));
        let state = State {
            engine,
            wrapper,
            gzip: Gzip::Header(Header::Fixed(Vec::new())),
            checksum: Crc::new(),
            total_in: 0,
            total_out: 0,
        };
        Stream { state: RefCell::new(Some(state)), is_deflate }
    }

    pub(super) fn deflate(level: u32, wrapper: Wrapper) -> Stream {
        let compress = Compress::new(Compression::new(level), wrapper == Wrapper::Zlib);
        Stream::new(Engine::Deflate(compress), wrapper)
    }

    pub(super) fn inflate(wrapper: Wrapper) -> Stream {
        let decompress = Decompress::new(matches!(wrapper, Wrapper::Zlib | Wrapper::Any));
        Stream::new(Engine::Inflate(decompress), wrapper)
    }

    pub(super) fn is_deflate(&self) -> bool {
        self.is_deflate
    }

    /// About the memory that the crate's state takes.
    pub(super) fn size(&self) -> usize {
        if self.is_deflate { 360 << 10 } else { 48 << 10 }
    }
}

/// What a slice of work has come to.
enum Outcome {
    /// There is more input, or room for more output was missing.
    More,
    /// All input was used.
    Used,
    /// The stream has ended.
    Ended,
}

fn invalid() -> Error {
    Error::bare("InvalidInput: input string does not conform to zlib format or checksum failed")
}

/// A call of a stream in progress.
pub(super) struct Filtering {
    /// How much of the input was used.
    used: usize,
    flush: FlushCompress,
    output: AccountedBuffer,
}

/// The results, or the work.
type Filtered<'c> = Either<Vec<Value<'c>>, Start<Filtering>>;

/// The stream's function: `stream([input[, flush]])`.
pub(super) fn filter<'c>(call: &mut Call<'c>, _arguments: Rest) -> Result<Filtered<'c>, Error> {
    let Some(stream) = bound(call) else { return Err(inconsistent()) };
    let input = call.argument(0).unwrap_or(Value::NIL);
    let mut flush = FlushCompress::None;
    if stream.is_deflate {
        if let Some(option) = call.argument(1).filter(|option| !option.is_nil()) {
            flush = flush_option(call, option)?;
        }
        if input.is_nil() {
            flush = FlushCompress::Finish;
        }
    }
    let text = call.coerced_string(input);
    let totals = stream.state.borrow().as_ref().map(|state| (state.total_in, state.total_out));
    let Some((total_in, total_out)) = totals else {
        if text.is_some() {
            let name = if stream.is_deflate { "deflate" } else { "inflate" };
            return Err(Error::bare(format!(
                "IllegalState: calling {name} function when stream was previously closed"
            )));
        }
        let empty = call.string(b"")?.value();
        return Ok(Either::Now(vec![empty, Value::boolean(true)]));
    };
    if text.is_none_or(|text| text.bytes().is_empty()) && matches!(flush, FlushCompress::None) {
        let empty = call.string(b"")?.value();
        let totals = [total_in, total_out].map(|total| Value::number(total as f64));
        return Ok(Either::Now(vec![empty, Value::boolean(false), totals[0], totals[1]]));
    }
    Ok(Either::Later(Start::new(Filtering { used: 0, flush, output: AccountedBuffer::default() })))
}

fn bound<'c>(call: &mut Call<'c>) -> Option<&'c Stream> {
    Userdata::from_value(call.upvalue(0)?)?.get::<Stream>()
}

fn flush_option(call: &mut Call, option: Value) -> Result<FlushCompress, Error> {
    let Some(text) = LuaString::from_value(option) else {
        let text = format!("string expected, got {}", option.type_name());
        return Err(Error::argument(2, text));
    };
    call.charge(1);
    match Name::argument(text, 2)?.bytes() {
        b"none" => Ok(FlushCompress::None),
        b"sync" => Ok(FlushCompress::Sync),
        b"full" => Ok(FlushCompress::Full),
        b"finish" => Ok(FlushCompress::Finish),
        other => Err(Error::argument(2, [b"invalid option '", other, b"'"].concat())),
    }
}

impl Steps for Filtering {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let Some(stream) = bound(call) else { return Err(inconsistent()) };
        let is_text = call.argument(0).is_some_and(|input| {
            LuaString::from_value(input).is_some() || input.as_number().is_some()
        });
        let input = if is_text { text_argument(call, 0) } else { &[] };
        let mut slot = stream.state.borrow_mut();
        let Some(state) = slot.as_mut() else {
            return Err(Error::bare("IllegalState: the stream was closed during the call"));
        };
        let per_unit = if stream.is_deflate { COMPRESSED_PER_UNIT } else { DECOMPRESSED_PER_UNIT };
        loop {
            let (before_in, before_out) = (self.used, self.output.len());
            let outcome = state.run(call, self, input)?;
            let work = self.used.saturating_sub(before_in);
            let work = work.saturating_add(self.output.len().saturating_sub(before_out));
            let is_in_budget =
                call.charge(work.saturating_add(64).checked_div(per_unit).unwrap_or(work));
            match outcome {
                Outcome::More if is_in_budget => {}
                Outcome::More => return call.again(),
                Outcome::Used | Outcome::Ended => {
                    let is_over = matches!(outcome, Outcome::Ended);
                    let (total_in, total_out) = (state.total_in, state.total_out);
                    if is_over {
                        *slot = None;
                    }
                    drop(slot);
                    if is_over
                        && let Some(userdata) = call.upvalue(0).and_then(Userdata::from_value)
                    {
                        call.recount(userdata);
                    }
                    let text = call.string(&self.output)?;
                    return call.finish((text, is_over, total_in as f64, total_out as f64));
                }
            }
        }
    }
}

impl State {
    /// Does a slice of work.
    fn run(
        &mut self,
        call: &mut Call,
        filtering: &mut Filtering,
        input: &[u8],
    ) -> Result<Outcome, Error> {
        let rest = input.get(filtering.used..).unwrap_or_default();
        let outcome = match self.engine {
            Engine::Deflate(_) => self.compress(call, filtering, rest),
            Engine::Inflate(_) => self.decompress(call, filtering, rest),
        }?;
        if let Outcome::Used = outcome
            && filtering.used < input.len()
        {
            return Ok(Outcome::More);
        }
        Ok(outcome)
    }

    fn output(
        &mut self,
        call: &mut Call,
        filtering: &mut Filtering,
        bytes: &[u8],
    ) -> Result<(), Error> {
        filtering.output.push(call, bytes)?;
        self.total_out = self.total_out.saturating_add(bytes.len());
        Ok(())
    }

    fn use_input(&mut self, filtering: &mut Filtering, bytes: usize) {
        filtering.used = filtering.used.saturating_add(bytes);
        self.total_in = self.total_in.saturating_add(bytes);
    }

    fn compress(
        &mut self,
        call: &mut Call,
        filtering: &mut Filtering,
        rest: &[u8],
    ) -> Result<Outcome, Error> {
        /// Input that is compressed at once.
        const MOST_INPUT: usize = 32 << 10;
        if self.wrapper == Wrapper::Gzip && matches!(self.gzip, Gzip::Header(_)) {
            // No flags, no time, an unknown system.
            const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
            self.output(call, filtering, &HEADER)?;
            self.gzip = Gzip::Data;
        }
        let is_last = rest.len() <= MOST_INPUT;
        let rest = rest.get(..MOST_INPUT).unwrap_or(rest);
        let flush = if is_last { filtering.flush } else { FlushCompress::None };
        let mut chunk = [0; SLICE];
        let Engine::Deflate(compress) = &mut self.engine else { return Err(inconsistent()) };
        let (before_in, before_out) = (compress.total_in(), compress.total_out());
        let status = compress.compress(rest, &mut chunk, flush).map_err(|_| inconsistent())?;
        let used = compress.total_in().saturating_sub(before_in) as usize;
        let made = compress.total_out().saturating_sub(before_out) as usize;
        if self.wrapper == Wrapper::Gzip {
            self.checksum.update(rest.get(..used).unwrap_or(rest));
        }
        self.use_input(filtering, used);
        self.output(call, filtering, chunk.get(..made).unwrap_or(&chunk))?;
        match status {
            Status::StreamEnd => {
                if self.wrapper == Wrapper::Gzip {
                    let trailer = [self.checksum.sum(), self.checksum.amount()];
                    for word in trailer {
                        self.output(call, filtering, &word.to_le_bytes())?;
                    }
                }
                Ok(Outcome::Ended)
            }
            // A full buffer may mean that there is more.
            _ if made == SLICE || used < rest.len() && (used > 0 || made > 0) => Ok(Outcome::More),
            _ => Ok(Outcome::Used),
        }
    }

    fn decompress(
        &mut self,
        call: &mut Call,
        filtering: &mut Filtering,
        rest: &[u8],
    ) -> Result<Outcome, Error> {
        if self.wrapper == Wrapper::Any
            && let Some(&first) = rest.first()
        {
            if first == 0x1f {
                self.wrapper = Wrapper::Gzip;
                self.engine = Engine::Inflate(Decompress::new(false));
            } else {
                self.wrapper = Wrapper::Zlib;
            }
        }
        if self.wrapper == Wrapper::Gzip {
            match &mut self.gzip {
                Gzip::Header(header) => {
                    let (used, is_over) = header.read(rest)?;
                    if is_over {
                        self.gzip = Gzip::Data;
                    }
                    self.use_input(filtering, used);
                    return Ok(Outcome::Used);
                }
                Gzip::Trailer(trailer) => {
                    let missing = 8_usize.saturating_sub(trailer.len());
                    let part = rest.get(..missing).unwrap_or(rest);
                    trailer.extend_from_slice(part);
                    let expected = [self.checksum.sum(), self.checksum.amount()];
                    let expected: Vec<u8> =
                        expected.iter().flat_map(|word| word.to_le_bytes()).collect();
                    let is_complete = trailer.len() == expected.len();
                    if is_complete && *trailer != expected {
                        return Err(invalid());
                    }
                    self.use_input(filtering, part.len());
                    return Ok(if is_complete { Outcome::Ended } else { Outcome::Used });
                }
                Gzip::Data => {}
            }
        }
        let mut chunk = [0; SLICE];
        let Engine::Inflate(decompress) = &mut self.engine else { return Err(inconsistent()) };
        let (before_in, before_out) = (decompress.total_in(), decompress.total_out());
        let status =
            decompress.decompress(rest, &mut chunk, FlushDecompress::None).map_err(|error| {
                match error.needs_dictionary() {
                    Some(_) => Error::bare(
                        "RequiresDictionary: input stream requires a dictionary to be deflated",
                    ),
                    None => invalid(),
                }
            })?;
        let used = decompress.total_in().saturating_sub(before_in) as usize;
        let made = decompress.total_out().saturating_sub(before_out) as usize;
        let bytes = chunk.get(..made).unwrap_or(&chunk);
        if self.wrapper == Wrapper::Gzip {
            self.checksum.update(bytes);
        }
        self.use_input(filtering, used);
        self.output(call, filtering, bytes)?;
        match status {
            Status::StreamEnd if self.wrapper == Wrapper::Gzip => {
                self.gzip = Gzip::Trailer(Vec::new());
                Ok(Outcome::Used)
            }
            Status::StreamEnd => Ok(Outcome::Ended),
            _ if made == SLICE => Ok(Outcome::More),
            _ if used == 0 && made == 0 && !rest.is_empty() => Err(invalid()),
            _ => Ok(Outcome::Used),
        }
    }
}

impl Header {
    /// Reads a part of the header. Returns how many bytes were used, and whether it was the last.
    fn read(&mut self, rest: &[u8]) -> Result<(usize, bool), Error> {
        let collect = |bytes: &mut Vec<u8>, size: usize| {
            let part = rest.get(..size.saturating_sub(bytes.len())).unwrap_or(rest);
            bytes.extend_from_slice(part);
            (part.len(), bytes.len() == size)
        };
        let used = match self {
            Header::Fixed(bytes) => {
                let (used, is_complete) = collect(bytes, 10);
                let start = [0x1f, 0x8b, 8];
                if bytes.iter().zip(start).any(|(byte, expected)| *byte != expected) {
                    return Err(invalid());
                }
                if is_complete {
                    let flags = bytes.get(3).copied().unwrap_or(0);
                    *self = Header::ExtraLength(flags, Vec::new());
                }
                used
            }
            Header::ExtraLength(flags, bytes) => {
                let flags = *flags;
                let size = if flags & HAS_EXTRA != 0 { 2 } else { 0 };
                let (used, is_complete) = collect(bytes, size);
                if is_complete {
                    let length =
                        bytes.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
                    *self = Header::Extra(flags, length);
                }
                used
            }
            Header::Extra(flags, missing) => {
                let used = rest.len().min(*missing);
                *missing = missing.saturating_sub(used);
                if *missing == 0 {
                    *self = Header::Text(*flags);
                }
                used
            }
            Header::Text(flags) if *flags & (HAS_NAME | HAS_COMMENT) != 0 => {
                let end = memchr::memchr(0, rest);
                if end.is_some() {
                    let next = if *flags & HAS_NAME != 0 { HAS_NAME } else { HAS_COMMENT };
                    *flags &= !next;
                }
                end.map_or(rest.len(), |end| end.saturating_add(1))
            }
            Header::Text(flags) => {
                *self = Header::Check(if *flags & HAS_CHECK != 0 { 2 } else { 0 });
                0
            }
            Header::Check(missing) => {
                let used = rest.len().min(*missing);
                *missing = missing.saturating_sub(used);
                return Ok((used, *missing == 0));
            }
        };
        Ok((used, false))
    }
}
