//! How much a read of a TCP connection takes: what has come, a number of bytes, a line, everything.

use crate::whole::{Whole, shown};
use bytes::BytesMut;
use solvm_vm::native::FromLua;
use solvm_vm::{Call, LuaString, Value};

/// How much a read takes.
#[derive(Clone, Copy)]
pub(super) enum Amount {
    /// What has arrived, or arrives next.
    Some,
    /// So many bytes.
    Bytes(usize),
    /// A line, without its end.
    Line,
    /// Everything.
    All,
}

impl FromLua for Amount {
    type Item<'c> = Amount;
    const EXPECTED: &'static str = "positive integer, '*l' or '*a'";

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<Amount> {
        if let Some(count) = value.as_number() {
            return Whole::of(count)?.size().filter(|&count| count > 0).map(Amount::Bytes);
        }
        match LuaString::from_value(value)?.bytes() {
            b"*l" | b"l" => Some(Amount::Line),
            b"*a" | b"a" => Some(Amount::All),
            _ => None,
        }
    }

    fn got(value: Value<'_>) -> String {
        shown(value)
    }
}

impl Amount {
    /// Takes it if all of it is there. The first `searched` bytes hold no end of a line.
    pub(super) fn take_from(self, received: &mut BytesMut, searched: usize) -> Option<Vec<u8>> {
        match self {
            Amount::Some => (!received.is_empty()).then(|| received.split().into()),
            Amount::Bytes(count) => {
                (received.len() >= count).then(|| received.split_to(count).into())
            }
            Amount::Line => {
                let end = memchr::memchr(b'\n', received.get(searched..)?)?;
                let end = end.checked_add(searched)?.checked_add(1)?;
                let mut line = Vec::from(received.split_to(end));
                line.pop();
                line.pop_if(|last| *last == b'\r');
                Some(line)
            }
            Amount::All => None,
        }
    }
}
