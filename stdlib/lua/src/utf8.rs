//! `utf8`, as in Lua 5.4 (its manual, section 6.5).
//!
//! Sequences have up to six bytes and encode code points below 2^31. In strict mode, surrogates and
//! code points above U+10FFFF are invalid.

use crate::string::text_argument;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Definition, Library, Param, Rest, Start, Step, Steps, Unread};
use solvm_vm::{Call, Error, Function, LuaString, Table, Value};

/// The library `utf8`.
pub static LIBRARY: Library = solvm_vm::library!("utf8" {
    "char" => characters,
    "codepoint" => code_points,
    "codes" => codes,
    "len" => length,
    "offset" => offset,
});

/// The pattern `utf8.charpattern`: matches one sequence. `%z` is a zero byte in patterns of Lua
/// 5.1.
pub const PATTERN: &[u8] = b"[%z\x01-\x7F\xC2-\xFD][\x80-\xBF]*";

/// Adds what the table of functions cannot express: a string with arbitrary bytes.
pub fn complete<'c>(call: &mut Call<'c>, library: Table<'c>) -> Result<(), Error> {
    library.set_field(call, "charpattern", PATTERN)
}

/// Returns the first code point of a text and its length in bytes. None if the text starts with an
/// invalid sequence.
fn decode(text: &[u8], lax: bool) -> Option<(u32, usize)> {
    /// The smallest code points of sequences by number of continuation bytes.
    const SMALLEST: [u32; 6] = [0, 0x80, 0x800, 0x1_0000, 0x20_0000, 0x400_0000];
    let &first = text.first()?;
    if first < 0x80 {
        return Some((u32::from(first), 1));
    }
    let length = first.leading_ones() as usize;
    if !(2..=6).contains(&length) {
        return None;
    }
    let mut code = u32::from(first) & (0x7F >> length);
    for &byte in text.get(1..length)? {
        if !is_continuation(byte) {
            return None;
        }
        code = code << 6 | u32::from(byte & 0x3F);
    }
    let is_valid = code >= SMALLEST[length - 1] && (lax || char::from_u32(code).is_some());
    is_valid.then_some((code, length))
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Whether the byte at an index is a continuation byte. False beyond the end.
fn continues(text: &[u8], index: i64) -> bool {
    usize::try_from(index)
        .ok()
        .and_then(|index| text.get(index))
        .is_some_and(|&byte| is_continuation(byte))
}

/// Converts a position counted from 1, or from the end if it is negative.
fn position(position: i64, length: usize) -> i64 {
    match position {
        0.. => position,
        _ if position.unsigned_abs() > length as u64 => 0,
        _ => length as i64 + position + 1,
    }
}

fn invalid_code() -> Error {
    Error::text("invalid UTF-8 code")
}

fn characters(call: &mut Call, codes: Rest) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let mut index = codes.first;
    while index < call.argument_count() {
        let Truncated(code) = Truncated::take(call, &mut index)?;
        match u32::try_from(code) {
            Ok(code) if code < 1 << 31 => solvm_compiler::utf8::push(&mut text, code),
            _ => return Err(Error::argument(index, "value out of range")),
        }
    }
    Ok(text)
}

/// `utf8.codepoint(text[, first[, last[, lax]]])`: the code points that start between two
/// positions.
fn code_points<'c>(
    call: &mut Call<'c>,
    Unread(text): Unread<'c>,
    first: Option<Truncated>,
    last: Option<Truncated>,
    lax: Option<bool>,
) -> Result<Vec<Value<'c>>, Error> {
    const MAX_RESULTS: usize = 60_000;
    let text = text.bytes();
    let first = position(first.map_or(1, i64::from), text.len());
    let last = last.map_or(first, |Truncated(last)| position(last, text.len()));
    if first < 1 {
        return Err(Error::argument(2, "out of bounds"));
    }
    if last > text.len() as i64 {
        return Err(Error::argument(3, "out of bounds"));
    }
    let mut values = Vec::new();
    let mut index = (first - 1) as usize;
    while (index as i64) < last {
        let (code, length) =
            decode(&text[index..], lax.unwrap_or(false)).ok_or_else(invalid_code)?;
        if values.len() == MAX_RESULTS {
            call.charge(MAX_RESULTS);
            return Err(Error::text("string slice too long"));
        }
        values.push(Value::number(f64::from(code)));
        index += length;
    }
    Ok(values)
}

/// `utf8.len(text[, first[, last[, lax]]])`: the number of sequences that start between two
/// positions; nil and the position of the first invalid one.
fn length<'c>(
    _: &mut Call<'c>,
    Unread(text): Unread<'c>,
    first: Option<Truncated>,
    last: Option<Truncated>,
    lax: Option<bool>,
) -> Result<Start<Count>, Error> {
    let length = text.bytes().len();
    let first = position(first.map_or(1, i64::from), length);
    let last = position(last.map_or(-1, i64::from), length);
    if first < 1 || first > length as i64 + 1 {
        return Err(Error::argument(2, "initial position out of bounds"));
    }
    if last > length as i64 {
        return Err(Error::argument(3, "final position out of bounds"));
    }
    let (index, end) = ((first - 1) as usize, usize::try_from(last).unwrap_or(0));
    Ok(Start::new(Count { index, end, count: 0, lax: lax.unwrap_or(false) }))
}

/// A count of sequences in progress.
struct Count {
    index: usize,
    /// Sequences from here on are not counted.
    end: usize,
    count: usize,
    lax: bool,
}

impl Steps for Count {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        const SLICE: usize = 1 << 14;
        let text = text_argument(call, 0);
        loop {
            let end = self.end.min(self.index.saturating_add(SLICE));
            while self.index < end {
                let Some((_, length)) = decode(&text[self.index..], self.lax) else {
                    return call.finish((None::<f64>, self.index + 1));
                };
                self.index += length;
                self.count += 1;
            }
            if self.index >= self.end {
                return call.finish(self.count);
            }
            if !call.charge(SLICE / 16) {
                return call.again();
            }
        }
    }
}

/// `utf8.offset(text, n[, position])`: the start of the n-th sequence from a position; nil if it
/// does not exist.
fn offset<'c>(
    call: &mut Call<'c>,
    Unread(text): Unread<'c>,
    Truncated(count): Truncated,
    start: Option<Truncated>,
) -> Result<Option<i64>, Error> {
    let text = text.bytes();
    let length = text.len() as i64;
    let start = start.map_or(if count > 0 { 1 } else { length + 1 }, i64::from);
    let start = position(start, text.len());
    if !(1..=length + 1).contains(&start) {
        return Err(Error::argument(3, "position out of bounds"));
    }
    let mut index = start - 1;
    if count == 0 {
        while index > 0 && continues(text, index) {
            index -= 1;
        }
        call.charge((start - 1).abs_diff(index) as usize / 16);
        return Ok(Some(index + 1));
    }
    if continues(text, index) {
        return Err(Error::text("initial position is a continuation byte"));
    }
    let mut left = count;
    if left < 0 {
        while left < 0 && index > 0 {
            index -= 1;
            while index > 0 && continues(text, index) {
                index -= 1;
            }
            left += 1;
        }
    } else {
        left -= 1;
        while left > 0 && index < length {
            index += 1;
            while continues(text, index) {
                index += 1;
            }
            left -= 1;
        }
    }
    // The string limits the work, so it is charged afterwards.
    call.charge((start - 1).abs_diff(index) as usize / 16);
    Ok((left == 0).then_some(index + 1))
}

static STRICT: Definition = Definition::new("codes", next_strict);
static LAX: Definition = Definition::new("codes", next_lax);

/// `utf8.codes(text[, lax])`: the iterator of a generic `for` over positions and code points.
fn codes<'c>(
    call: &mut Call<'c>,
    Unread(text): Unread<'c>,
    lax: Option<bool>,
) -> Result<(Function<'c>, LuaString<'c>, f64), Error> {
    if continues(text.bytes(), 0) {
        return Err(Error::argument(1, "invalid UTF-8 code"));
    }
    let iterator = call.function(if lax.unwrap_or(false) { &LAX } else { &STRICT }, &[]);
    Ok((iterator, text, 0.0))
}

fn next_strict<'c>(
    call: &mut Call<'c>,
    Unread(text): Unread<'c>,
    Truncated(index): Truncated,
) -> Result<Vec<Value<'c>>, Error> {
    next_code(call, text.bytes(), index, false)
}

fn next_lax<'c>(
    call: &mut Call<'c>,
    Unread(text): Unread<'c>,
    Truncated(index): Truncated,
) -> Result<Vec<Value<'c>>, Error> {
    next_code(call, text.bytes(), index, true)
}

/// Returns the position and the code point after the sequence at a position.
fn next_code<'c>(
    call: &mut Call<'c>,
    text: &[u8],
    position: i64,
    lax: bool,
) -> Result<Vec<Value<'c>>, Error> {
    let start = usize::try_from(position).unwrap_or(0);
    let mut index = start;
    while text.get(index).is_some_and(|&byte| is_continuation(byte)) {
        index += 1;
    }
    call.charge((index - start) / 16);
    let Some(rest) = text.get(index..).filter(|rest| !rest.is_empty()) else {
        return Ok(Vec::new());
    };
    let (code, length) = decode(rest, lax).ok_or_else(invalid_code)?;
    if continues(rest, length as i64) {
        return Err(invalid_code());
    }
    Ok(vec![Value::number(index as f64 + 1.0), Value::number(f64::from(code))])
}
