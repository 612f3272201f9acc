//! Ends of lines: `eol`, `wrp` and `dot`. What they keep is a number.

use super::{CRLF, Filtered, Output};
use solvm_vm::{Call, LuaString, Value};

/// The default length of a line.
const LENGTH: f64 = 76.0;

/// `wrp(left[, chunk[, length]])`: breaks lines that are longer. `left` is the room in the current
/// line.
pub(super) fn wrap<'c>(
    call: &mut Call<'c>,
    left: f64,
    chunk: Option<LuaString<'c>>,
    length: Option<f64>,
) -> Filtered<'c> {
    wrap_with(call, left, chunk, length, CRLF, |_| 0.0)
}

/// Breaks lines by `line_break`, where the room in a line is no more than `reserve` of the next
/// byte.
pub(super) fn wrap_with<'c>(
    call: &mut Call<'c>,
    left: f64,
    chunk: Option<LuaString<'c>>,
    length: Option<f64>,
    line_break: &'static [u8],
    reserve: impl Fn(u8) -> f64,
) -> Filtered<'c> {
    let (mut left, length) = (left.trunc(), length.unwrap_or(LENGTH).trunc());
    let Some(chunk) = chunk else {
        let end = if left < length { call.string(line_break)?.value() } else { Value::NIL };
        return Ok((end, Value::number(length)));
    };
    let mut output = Output::new(call);
    for &byte in chunk.bytes() {
        match byte {
            b'\r' => {}
            b'\n' => {
                output.put(CRLF)?;
                left = length;
            }
            _ => {
                if left <= reserve(byte) {
                    left = length;
                    output.put(line_break)?;
                }
                output.put(&[byte])?;
                left -= 1.0;
            }
        }
    }
    output.finish_with(left)
}

/// `eol(last[, chunk[, marker]])`: replaces all kinds of ends of lines by the marker. `last` is the
/// last byte, if the next one may belong to the same end.
pub(super) fn ends<'c>(
    call: &mut Call<'c>,
    last: f64,
    chunk: Option<LuaString<'c>>,
    marker: Option<LuaString<'c>>,
) -> Filtered<'c> {
    let Some(chunk) = chunk else { return Ok((Value::NIL, Value::number(0.0))) };
    let marker = marker.map_or(CRLF, LuaString::bytes);
    let mut last = last as u8;
    let is_end = |byte: u8| matches!(byte, b'\r' | b'\n');
    let mut output = Output::new(call);
    for &byte in chunk.bytes() {
        last = match (is_end(byte), is_end(last)) {
            (false, _) => {
                output.put(&[byte])?;
                0
            }
            (true, false) => {
                output.put(marker)?;
                byte
            }
            (true, true) => {
                if byte == last {
                    output.put(marker)?;
                }
                0
            }
        };
    }
    output.finish_with(last.into())
}

/// `dot(state[, chunk])`: doubles dots at the start of lines, as SMTP requires. The state is the
/// number of bytes of CRLF that came last; 2 at the start.
pub(super) fn dot<'c>(
    call: &mut Call<'c>,
    state: f64,
    chunk: Option<LuaString<'c>>,
) -> Filtered<'c> {
    let Some(chunk) = chunk else { return Ok((Value::NIL, Value::number(2.0))) };
    let mut state = state as u8;
    let mut output = Output::new(call);
    for &byte in chunk.bytes() {
        output.put(&[byte])?;
        state = match (byte, state) {
            (b'\r', _) => 1,
            (b'\n', 1) => 2,
            (b'.', 2) => {
                output.put(b".")?;
                0
            }
            _ => 0,
        };
    }
    output.finish_with(state.into())
}
