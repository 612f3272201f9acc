//! A filter over a chunk of any length: time limits interrupt it between pieces.
//!
//! Invariant: what a filter has read is in its own state, so that a chunk may end anywhere.

use solvm_runtime::buffer::AccountedBuffer;
use solvm_vm::native::{Either, Start, StartWith, Step, Steps};
use solvm_vm::{Call, Error, LuaString, Value};

/// The bytes that are filtered between two looks at the budget.
const PIECE: usize = 4096;
/// Bytes that are filtered per unit of the budget.
const BYTES_PER_UNIT: usize = 2;

pub(super) const CRLF: &[u8] = b"\r\n";

/// The results of a filter that has nothing to do.
type Pair<'c> = (Value<'c>, Value<'c>);

/// The results of a filter: its output and what it keeps.
pub(super) type Filtered<'c, F> = Either<Pair<'c>, StartWith<'c, Filtering<F>>>;

/// Where a filter's output goes.
pub(super) struct Output<'a, 'c> {
    call: &'a mut Call<'c>,
    buffer: &'a mut AccountedBuffer,
    /// What replaces the ends of lines.
    pub(super) marker: &'c [u8],
}

impl Output<'_, '_> {
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.push(self.call, bytes)
    }
}

/// What a filter keeps for the next chunk.
pub(super) enum Kept<'a> {
    Bytes(&'a [u8]),
    Number(f64),
}

/// A filter, byte by byte.
pub(super) trait Filter: 'static {
    /// Takes the next byte.
    fn take(&mut self, output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error>;

    /// Takes the end of the input.
    fn end(&mut self, _output: &mut Output<'_, '_>) -> Result<(), Error> {
        Ok(())
    }

    /// What is kept after a chunk; after the end of the input the bytes are nil.
    fn kept(&self) -> Kept<'_>;
}

/// A filter at work. The kept values are its input, in two strings, and the marker.
pub(super) struct Filtering<F> {
    filter: F,
    /// The string that is read, and the position there.
    string: usize,
    at: usize,
    output: AccountedBuffer,
}

/// The strings of the input; the end of it comes after a chunk that is nil.
const STRINGS: usize = 2;
/// The kept value that is the marker.
const MARKER: usize = STRINGS;

/// Starts a filter that keeps bytes. Without any, not even an empty string, there is no output.
pub(super) fn start_with_kept<'c, F: Filter + Default>(
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
    marker: Option<LuaString<'c>>,
) -> Filtered<'c, F> {
    match kept {
        None => Either::Now((Value::NIL, Value::NIL)),
        Some(_) => Either::Later(start(F::default(), kept, chunk, marker)),
    }
}

/// Starts a filter over what was kept, if it keeps bytes, and the next chunk.
pub(super) fn start<'c, F: Filter>(
    filter: F,
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
    marker: Option<LuaString<'c>>,
) -> StartWith<'c, Filtering<F>> {
    let filtering = Filtering { filter, string: 0, at: 0, output: AccountedBuffer::default() };
    let strings = [kept, chunk, marker];
    let values = strings.map(|string| string.map_or(Value::NIL, |string| string.value()));
    Start::new(filtering).keep_all(values)
}

impl<F: Filter> Steps for Filtering<F> {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let marker = LuaString::from_value(call.kept(MARKER)).map_or(CRLF, LuaString::bytes);
        while self.string < STRINGS {
            let string = LuaString::from_value(call.kept(self.string));
            let rest = string.and_then(|string| string.bytes().get(self.at..)).unwrap_or(b"");
            let piece = rest.get(..PIECE).unwrap_or(rest);
            let mut output = Output { call, buffer: &mut self.output, marker };
            for &byte in piece {
                self.filter.take(&mut output, byte)?;
            }
            self.at = self.at.saturating_add(piece.len());
            if piece.len() == rest.len() {
                self.string = self.string.saturating_add(1);
                self.at = 0;
            }
            if !call.charge(piece.len() / BYTES_PER_UNIT) {
                return call.again();
            }
        }
        let is_end = call.kept(STRINGS - 1).is_nil();
        if is_end {
            self.filter.end(&mut Output { call, buffer: &mut self.output, marker })?;
        }
        call.charge_bytes(self.output.len());
        let kept = match self.filter.kept() {
            Kept::Bytes(_) if is_end => Value::NIL,
            Kept::Bytes(bytes) => call.string(bytes)?.value(),
            Kept::Number(number) => Value::number(number),
        };
        let output = match is_end && self.output.is_empty() {
            true => Value::NIL,
            false => call.string(&self.output)?.value(),
        };
        call.finish((output, kept))
    }
}
