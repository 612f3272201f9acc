//! The encoding "quoted-printable". A byte can be encoded only when the next two are known: blanks
//! are quoted at the end of a line.

use super::filter::{CRLF, Filter, Filtered, Kept, Output, start_with_kept};
use super::lines::{Wrapper, wrap_with};
use solvm_vm::{Call, Error, LuaString};

/// A line break that is not a part of the text.
const SOFT_BREAK: &[u8] = b"=\r\n";

fn is_plain(byte: u8) -> bool {
    matches!(byte, 33..=60 | 62..=126)
}

fn quote(output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error> {
    let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value)).copied().unwrap_or(b'0');
    output.put(&[b'=', digit(byte >> 4), digit(byte & 15)])
}

/// An encoder; ends of lines become the marker. The window has at most two bytes.
#[derive(Default)]
pub(super) struct Encoder {
    window: Vec<u8>,
}

impl Filter for Encoder {
    fn take(&mut self, output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error> {
        let window = &mut self.window;
        window.push(byte);
        loop {
            match window[..] {
                [b'\r'] | [b'\t' | b' '] | [b'\t' | b' ', _] | [] => return Ok(()),
                [b'\r', b'\n', ..] => {
                    output.put(output.marker)?;
                    window.drain(..2);
                }
                [blank @ (b'\t' | b' '), b'\r', b'\n', ..] => {
                    quote(output, blank)?;
                    output.put(output.marker)?;
                    window.drain(..3);
                }
                [blank @ (b'\t' | b' '), ..] => {
                    output.put(&[blank])?;
                    window.remove(0);
                }
                [first, ..] => {
                    if is_plain(first) {
                        output.put(&[first])?;
                    } else {
                        quote(output, first)?;
                    }
                    window.remove(0);
                }
            }
        }
    }

    fn end(&mut self, output: &mut Output<'_, '_>) -> Result<(), Error> {
        for &byte in &self.window {
            if is_plain(byte) {
                output.put(&[byte])?;
            } else {
                quote(output, byte)?;
            }
        }
        if self.window.is_empty() { Ok(()) } else { output.put(SOFT_BREAK) }
    }

    fn kept(&self) -> Kept<'_> {
        Kept::Bytes(&self.window)
    }
}

/// `qp(kept[, chunk[, marker]])`; ends of lines become the marker.
pub(super) fn encode<'c>(
    _: &mut Call<'c>,
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
    marker: Option<LuaString<'c>>,
) -> Filtered<'c, Encoder> {
    start_with_kept(kept, chunk, marker)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A decoder. The window has at most two bytes.
#[derive(Default)]
pub(super) struct Decoder {
    window: Vec<u8>,
}

impl Filter for Decoder {
    fn take(&mut self, output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error> {
        self.window.push(byte);
        match self.window[..] {
            [b'='] | [b'=', _] | [b'\r'] => return Ok(()),
            [b'=', b'\r', b'\n'] => {}
            [b'=', high, low] => match (hexadecimal(high), hexadecimal(low)) {
                (Some(high), Some(low)) => output.put(&[high << 4 | low])?,
                // It is not encoded.
                _ => output.put(&[b'=', high, low])?,
            },
            [b'\r', b'\n'] => output.put(CRLF)?,
            [b'\r', _] => {}
            [byte @ (b'\t' | 32..=126)] => output.put(&[byte])?,
            _ => {}
        }
        self.window.clear();
        Ok(())
    }

    fn kept(&self) -> Kept<'_> {
        Kept::Bytes(&self.window)
    }
}

/// `unqp(kept[, chunk])`
pub(super) fn decode<'c>(
    _: &mut Call<'c>,
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
) -> Filtered<'c, Decoder> {
    start_with_kept(kept, chunk, None)
}

/// `qpwrp(left[, chunk[, length]])`: breaks long lines of encoded text by soft breaks.
pub(super) fn wrap<'c>(
    call: &mut Call<'c>,
    left: f64,
    chunk: Option<LuaString<'c>>,
    length: Option<f64>,
) -> Result<Filtered<'c, Wrapper>, Error> {
    // An encoded byte must not be broken.
    let reserve = |byte| if byte == b'=' { 3.0 } else { 1.0 };
    wrap_with(call, left, chunk, length, SOFT_BREAK, reserve)
}
