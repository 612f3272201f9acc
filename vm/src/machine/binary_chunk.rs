//! What `string.dump` gives: the source of the whole chunk and the position of one function in it.
//!
//! Bytecode from outside is never trusted, so a binary chunk holds none: loading compiles the
//! source again. The form is Lua 5.1's header for machines with 64 bits, which programs look at,
//! [`MARK`], the function's ordinal and the length of the chunk's name (both 32 bits,
//! little-endian), the name, the text.

use solvm_compiler::bytecode::{Prototype, Source};
use std::sync::Arc;

/// The header of Lua 5.1's binary chunks: signature, version, format, byte order, and the sizes of
/// `int`, `size_t`, an instruction and a number, which is a float.
const HEADER: &[u8] = b"\x1bLuaQ\0\x01\x04\x08\x04\x08\0";

/// Follows the header. Bytecode has the length of a name here, which is never that large.
const MARK: &[u8] = b"SolVM source";

/// Whether a chunk has the signature of a binary one.
pub(crate) fn is_binary(chunk: &[u8]) -> bool {
    chunk.first() == HEADER.first()
}

/// The binary chunk of a function.
pub(crate) fn encode(prototype: &Prototype) -> Vec<u8> {
    let Source { name, text, .. } = &*prototype.source;
    // Names come from strings of the VM, whose lengths are 32 bits.
    let length = name.len() as u32;
    [HEADER, MARK, &prototype.ordinal.to_le_bytes(), &length.to_le_bytes(), name, text].concat()
}

/// The ordinal of a binary chunk's function, the chunk's name and its text. None if it is not an
/// output of `string.dump`.
pub(crate) fn decode(chunk: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let rest = chunk.strip_prefix(HEADER)?.strip_prefix(MARK)?;
    let (ordinal, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (name, text) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((u32::from_le_bytes(*ordinal), name, text))
}

/// The function with this ordinal in a compiled chunk.
pub(crate) fn find(main: &Arc<Prototype>, ordinal: u32) -> Option<&Arc<Prototype>> {
    if main.ordinal == ordinal {
        return Some(main);
    }
    // Ordinals are in the order of the text: a function's own comes before those of its nested
    // functions.
    let children = main.prototypes.iter().filter(|child| child.ordinal <= ordinal);
    find(children.max_by_key(|child| child.ordinal)?, ordinal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use solvm_compiler::{Options, compile};

    #[test]
    fn every_function_is_found_again() {
        let text = "local function a() return function() end end\n\
            local function b() return function(...) end end";
        let main = compile(Source::new(text.as_bytes(), &b"=x"[..]), &Options::default())
            .expect("compiles");
        for ordinal in 0..5 {
            let found = find(&main, ordinal).expect("is there");
            assert_eq!(found.ordinal, ordinal);
            let chunk = encode(found);
            assert_eq!(decode(&chunk), Some((ordinal, &b"=x"[..], text.as_bytes())));
        }
        assert!(find(&main, 5).is_none());
    }

    #[test]
    fn other_chunks_are_refused() {
        for chunk in [
            &b"\x1bLua"[..],
            HEADER,
            b"\x1bLuaQ\0\x01\x04\x08\x04\x08\0\x03\0\0\0\0\0\0\0=x\0",
            b"\x1bLJ\x02",
            b"\x1b",
            &[HEADER, MARK, b"\0\0\0\0\xff\xff\xff\xffabc"].concat()[..],
        ] {
            assert!(is_binary(chunk));
            assert_eq!(decode(chunk), None);
        }
    }
}
