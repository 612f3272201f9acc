//! Ends of lines: `eol`, `wrp` and `dot`. What they keep is a number.

use super::filter::{CRLF, Filter, Filtered, Kept, Output, start};
use solvm_vm::native::Either;
use solvm_vm::{Call, Error, LuaString, Value};

/// The default length of a line.
const LENGTH: f64 = 76.0;

/// Breaks lines that are longer.
pub(super) struct Wrapper {
    /// The room in the current line.
    left: f64,
    length: f64,
    line_break: &'static [u8],
    /// A line is broken where it has not more room than that for the next byte.
    reserve: fn(u8) -> f64,
}

impl Filter for Wrapper {
    fn take(&mut self, output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error> {
        match byte {
            b'\r' => Ok(()),
            b'\n' => {
                self.left = self.length;
                output.put(CRLF)
            }
            _ => {
                if self.left <= (self.reserve)(byte) {
                    self.left = self.length;
                    output.put(self.line_break)?;
                }
                self.left -= 1.0;
                output.put(&[byte])
            }
        }
    }

    fn kept(&self) -> Kept<'_> {
        Kept::Number(self.left)
    }
}

/// `wrp(left[, chunk[, length]])`: breaks lines that are longer. `left` is the room in the current
/// line.
pub(super) fn wrap<'c>(
    call: &mut Call<'c>,
    left: f64,
    chunk: Option<LuaString<'c>>,
    length: Option<f64>,
) -> Result<Filtered<'c, Wrapper>, Error> {
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
    reserve: fn(u8) -> f64,
) -> Result<Filtered<'c, Wrapper>, Error> {
    let (left, length) = (left.trunc(), length.unwrap_or(LENGTH).trunc());
    if chunk.is_none() {
        let end = if left < length { call.string(line_break)?.value() } else { Value::NIL };
        return Ok(Either::Now((end, Value::number(length))));
    }
    Ok(Either::Later(start(Wrapper { left, length, line_break, reserve }, None, chunk, None)))
}

/// Replaces all kinds of ends of lines by the marker.
pub(super) struct Ends {
    /// The last byte, if the next one may belong to the same end.
    last: u8,
}

impl Filter for Ends {
    fn take(&mut self, output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error> {
        let is_end = |byte: u8| matches!(byte, b'\r' | b'\n');
        self.last = match (is_end(byte), is_end(self.last)) {
            (false, _) => {
                output.put(&[byte])?;
                0
            }
            (true, false) => {
                output.put(output.marker)?;
                byte
            }
            (true, true) => {
                if byte == self.last {
                    output.put(output.marker)?;
                }
                0
            }
        };
        Ok(())
    }

    fn kept(&self) -> Kept<'_> {
        Kept::Number(self.last.into())
    }
}

/// `eol(last[, chunk[, marker]])`: replaces all kinds of ends of lines by the marker. `last` is the
/// last byte, if the next one may belong to the same end.
pub(super) fn ends<'c>(
    _: &mut Call<'c>,
    last: f64,
    chunk: Option<LuaString<'c>>,
    marker: Option<LuaString<'c>>,
) -> Filtered<'c, Ends> {
    match chunk {
        None => Either::Now((Value::NIL, Value::number(0.0))),
        Some(_) => Either::Later(start(Ends { last: last as u8 }, None, chunk, marker)),
    }
}

/// Doubles dots at the start of lines, as SMTP requires.
pub(super) struct Dots {
    /// The number of bytes of CRLF that came last; 2 at the start.
    state: u8,
}

impl Filter for Dots {
    fn take(&mut self, output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error> {
        output.put(&[byte])?;
        self.state = match (byte, self.state) {
            (b'\r', _) => 1,
            (b'\n', 1) => 2,
            (b'.', 2) => {
                output.put(b".")?;
                0
            }
            _ => 0,
        };
        Ok(())
    }

    fn kept(&self) -> Kept<'_> {
        Kept::Number(self.state.into())
    }
}

/// `dot(state[, chunk])`: doubles dots at the start of lines, as SMTP requires. The state is the
/// number of bytes of CRLF that came last; 2 at the start.
pub(super) fn dot<'c>(
    _: &mut Call<'c>,
    state: f64,
    chunk: Option<LuaString<'c>>,
) -> Filtered<'c, Dots> {
    match chunk {
        None => Either::Now((Value::NIL, Value::number(2.0))),
        Some(_) => Either::Later(start(Dots { state: state as u8 }, None, chunk, None)),
    }
}
