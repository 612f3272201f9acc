//! Base64. Encoding keeps up to two bytes, decoding up to three characters.

use super::{Filtered, Output};
use solvm_vm::{Call, LuaString, Value};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit(value: u32) -> u8 {
    ALPHABET.get((value & 63) as usize).copied().unwrap_or(b'=')
}

/// The value of a character; padding has 0, and None is to be skipped.
fn value(character: u8) -> Option<u32> {
    let value = match character {
        b'A'..=b'Z' => character.wrapping_sub(b'A'),
        b'a'..=b'z' => character.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => character.wrapping_sub(b'0').wrapping_add(52),
        b'+' => 62,
        b'/' => 63,
        b'=' => 0,
        _ => return None,
    };
    Some(value.into())
}

/// `b64(kept[, chunk])`
pub(super) fn encode<'c>(
    call: &mut Call<'c>,
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
) -> Filtered<'c> {
    let Some(kept) = kept else { return Ok((Value::NIL, Value::NIL)) };
    let input = kept.bytes().iter().chain(chunk.map_or(&b""[..], LuaString::bytes));
    let mut output = Output::new(call);
    let mut group: Vec<u8> = Vec::with_capacity(3);
    for &byte in input {
        group.push(byte);
        if let &[a, b, c] = &group[..] {
            let bits = u32::from_be_bytes([0, a, b, c]);
            output.put(&[digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)])?;
            group.clear();
        }
    }
    if chunk.is_some() {
        return output.finish(Some(&group));
    }
    match group[..] {
        [a] => {
            let bits = u32::from_be_bytes([0, a, 0, 0]);
            output.put(&[digit(bits >> 18), digit(bits >> 12), b'=', b'='])?;
        }
        [a, b] => {
            let bits = u32::from_be_bytes([0, a, b, 0]);
            output.put(&[digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), b'='])?;
        }
        _ => {}
    }
    output.finish(None)
}

/// `unb64(kept[, chunk])`
pub(super) fn decode<'c>(
    call: &mut Call<'c>,
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
) -> Filtered<'c> {
    let Some(kept) = kept else { return Ok((Value::NIL, Value::NIL)) };
    let input = kept.bytes().iter().chain(chunk.map_or(&b""[..], LuaString::bytes));
    let mut output = Output::new(call);
    let mut group: Vec<u8> = Vec::with_capacity(4);
    let mut bits = 0u32;
    for &byte in input {
        let Some(value) = value(byte) else { continue };
        group.push(byte);
        bits = bits << 6 | value;
        if let &[_, _, third, fourth] = &group[..] {
            let [_, a, b, c] = bits.to_be_bytes();
            match (third, fourth) {
                (b'=', _) => output.put(&[a])?,
                (_, b'=') => output.put(&[a, b])?,
                _ => output.put(&[a, b, c])?,
            }
            group.clear();
            bits = 0;
        }
    }
    output.finish(chunk.map(|_| &group[..]))
}
