//! Modes for reading from TCP connections: available data, a number of bytes, a line, everything.

use bytes::BytesMut;
use solvm_runtime::integer::{Integer, describe};
use solvm_vm::native::FromLua;
use solvm_vm::{Call, LuaString, Value};

/// The mode of a read.
#[derive(Clone, Copy)]
pub(super) enum ReadMode {
    /// Available data, or the next that arrives.
    Some,
    /// A number of bytes.
    Bytes(usize),
    /// A line without its end.
    Line,
    /// Everything.
    All,
}

impl FromLua for ReadMode {
    type Item<'c> = ReadMode;
    const EXPECTED: &'static str = "positive integer, '*l' or '*a'";

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<ReadMode> {
        if let Some(count) = value.as_number() {
            return Integer::of(count)?.size().filter(|&count| count > 0).map(ReadMode::Bytes);
        }
        match LuaString::from_value(value)?.bytes() {
            b"*l" | b"l" => Some(ReadMode::Line),
            b"*a" | b"a" => Some(ReadMode::All),
            _ => None,
        }
    }

    fn got(value: Value<'_>) -> String {
        describe(value)
    }
}

impl ReadMode {
    /// Takes the requested data if it is complete. The first `searched` bytes contain no end of a
    /// line.
    pub(super) fn take_from(self, received: &mut BytesMut, searched: usize) -> Option<Vec<u8>> {
        match self {
            ReadMode::Some => (!received.is_empty()).then(|| received.split().into()),
            ReadMode::Bytes(count) => {
                (received.len() >= count).then(|| received.split_to(count).into())
            }
            ReadMode::Line => {
                let end = memchr::memchr(b'\n', received.get(searched..)?)?;
                let end = end.checked_add(searched)?.checked_add(1)?;
                let mut line = Vec::from(received.split_to(end));
                line.pop();
                line.pop_if(|last| *last == b'\r');
                Some(line)
            }
            ReadMode::All => None,
        }
    }
}
