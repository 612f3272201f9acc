//! The encoding "quoted-printable". A byte can be encoded only when the next two are known: blanks
//! are quoted at the end of a line.

use super::lines::wrap_with;
use super::{CRLF, Filtered, Output};
use solvm_vm::{Call, Error, LuaString, Value};

/// A line break that is not a part of the text.
const SOFT_BREAK: &[u8] = b"=\r\n";

fn is_plain(byte: u8) -> bool {
    matches!(byte, 33..=60 | 62..=126)
}

fn quote(output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error> {
    let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value)).copied().unwrap_or(b'0');
    output.put(&[b'=', digit(byte >> 4), digit(byte & 15)])
}

/// `qp(kept[, chunk[, marker]])`; ends of lines become the marker.
pub(super) fn encode<'c>(
    call: &mut Call<'c>,
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
    marker: Option<LuaString<'c>>,
) -> Filtered<'c> {
    let Some(kept) = kept else { return Ok((Value::NIL, Value::NIL)) };
    let marker = marker.map_or(CRLF, LuaString::bytes);
    let input = kept.bytes().iter().chain(chunk.map_or(&b""[..], LuaString::bytes));
    let mut output = Output::new(call);
    let mut window: Vec<u8> = Vec::with_capacity(4);
    for &byte in input {
        window.push(byte);
        loop {
            match window[..] {
                [b'\r'] | [b'\t' | b' '] | [b'\t' | b' ', _] | [] => break,
                [b'\r', b'\n', ..] => {
                    output.put(marker)?;
                    window.drain(..2);
                }
                [blank @ (b'\t' | b' '), b'\r', b'\n', ..] => {
                    quote(&mut output, blank)?;
                    output.put(marker)?;
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
                        quote(&mut output, first)?;
                    }
                    window.remove(0);
                }
            }
        }
    }
    if chunk.is_some() {
        return output.finish(Some(&window));
    }
    for &byte in &window {
        if is_plain(byte) {
            output.put(&[byte])?;
        } else {
            quote(&mut output, byte)?;
        }
    }
    if !window.is_empty() {
        output.put(SOFT_BREAK)?;
    }
    output.finish(None)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `unqp(kept[, chunk])`
pub(super) fn decode<'c>(
    call: &mut Call<'c>,
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
) -> Filtered<'c> {
    let Some(kept) = kept else { return Ok((Value::NIL, Value::NIL)) };
    let input = kept.bytes().iter().chain(chunk.map_or(&b""[..], LuaString::bytes));
    let mut output = Output::new(call);
    let mut window: Vec<u8> = Vec::with_capacity(3);
    for &byte in input {
        window.push(byte);
        match window[..] {
            [b'='] | [b'=', _] | [b'\r'] => continue,
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
        window.clear();
    }
    output.finish(chunk.map(|_| &window[..]))
}

/// `qpwrp(left[, chunk[, length]])`: breaks long lines of encoded text by soft breaks.
pub(super) fn wrap<'c>(
    call: &mut Call<'c>,
    left: f64,
    chunk: Option<LuaString<'c>>,
    length: Option<f64>,
) -> Filtered<'c> {
    // An encoded byte must not be broken.
    let reserve = |byte| if byte == b'=' { 3.0 } else { 1.0 };
    wrap_with(call, left, chunk, length, SOFT_BREAK, reserve)
}
