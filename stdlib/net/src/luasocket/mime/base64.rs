//! Base64. Encoding keeps up to two bytes, decoding up to three characters.

use super::filter::{Filter, Filtered, Kept, Output, start_with_kept};
use solvm_vm::{Call, Error, LuaString};

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

/// An encoder. The group has at most two bytes.
#[derive(Default)]
pub(super) struct Encoder {
    group: Vec<u8>,
}

impl Filter for Encoder {
    fn take(&mut self, output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error> {
        self.group.push(byte);
        if let &[a, b, c] = &self.group[..] {
            let bits = u32::from_be_bytes([0, a, b, c]);
            output.put(&[digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)])?;
            self.group.clear();
        }
        Ok(())
    }

    fn end(&mut self, output: &mut Output<'_, '_>) -> Result<(), Error> {
        match self.group[..] {
            [a] => {
                let bits = u32::from_be_bytes([0, a, 0, 0]);
                output.put(&[digit(bits >> 18), digit(bits >> 12), b'=', b'='])
            }
            [a, b] => {
                let bits = u32::from_be_bytes([0, a, b, 0]);
                output.put(&[digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), b'='])
            }
            _ => Ok(()),
        }
    }

    fn kept(&self) -> Kept<'_> {
        Kept::Bytes(&self.group)
    }
}

/// A decoder. The group has at most three characters, whose values the bits are.
#[derive(Default)]
pub(super) struct Decoder {
    group: Vec<u8>,
    bits: u32,
}

impl Filter for Decoder {
    fn take(&mut self, output: &mut Output<'_, '_>, byte: u8) -> Result<(), Error> {
        let Some(value) = value(byte) else { return Ok(()) };
        self.group.push(byte);
        self.bits = self.bits << 6 | value;
        if let &[_, _, third, fourth] = &self.group[..] {
            let [_, a, b, c] = self.bits.to_be_bytes();
            match (third, fourth) {
                (b'=', _) => output.put(&[a])?,
                (_, b'=') => output.put(&[a, b])?,
                _ => output.put(&[a, b, c])?,
            }
            self.group.clear();
            self.bits = 0;
        }
        Ok(())
    }

    fn kept(&self) -> Kept<'_> {
        Kept::Bytes(&self.group)
    }
}

/// `b64(kept[, chunk])`
pub(super) fn encode<'c>(
    _: &mut Call<'c>,
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
) -> Filtered<'c, Encoder> {
    start_with_kept(kept, chunk, None)
}

/// `unb64(kept[, chunk])`
pub(super) fn decode<'c>(
    _: &mut Call<'c>,
    kept: Option<LuaString<'c>>,
    chunk: Option<LuaString<'c>>,
) -> Filtered<'c, Decoder> {
    start_with_kept(kept, chunk, None)
}
