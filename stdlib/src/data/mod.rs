//! Data formats: text from and to trees of Lua values.
//!
//! Every format is thin. A reader turns text into events (a value, a key, the begin and the end of
//! a list or a map), of which the one [`builder`] makes Lua values; a writer receives the events
//! that the one [`walker`] makes of Lua values. Neither recurses: how deep values are nested costs
//! heap, not stack, and [`MAX_DEPTH`] bounds it. Both stop at any value when the budget is used up,
//! so that a large document holds nobody up.
//!
//! **Shape.** A table whose keys are 1..n is a list, any other one a map. An empty table is a list.
//! What that would get wrong of a value that has been read, an empty map, or one whose keys look
//! like those of a list, carries a [tag](tags).
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod builder;
pub(crate) mod csv;
pub(crate) mod document;
pub(crate) mod dotenv;
mod encode;
mod events;
pub(crate) mod ini;
pub(crate) mod json;
mod number;
mod output;
pub(crate) mod tags;
pub(crate) mod toml;
pub(crate) mod walker;
pub(crate) mod yaml;

use solvm_vm::messages::shorten;
use solvm_vm::{Call, Error, Value};

/// How deep lists and maps may be nested, read or written.
const MAX_DEPTH: usize = 1000;

/// Bytes of text that take about as long to read or write as a unit of the budget stands for.
const BYTES_PER_UNIT: usize = 16;

/// What a function returns if its input is wrong: nil and the reason.
pub(crate) fn failure<'c>(call: &mut Call<'c>, reason: &str) -> Result<Vec<Value<'c>>, Error> {
    Ok(vec![Value::NIL, call.string(&shorten(reason.as_bytes()))?.value()])
}

/// Whether work in steps has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Finished,
    /// The budget is used up.
    Paused,
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    reason: String,
    position: SourcePosition,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourcePosition {
    /// So many bytes from its beginning.
    Byte(usize),
    /// Line and column, counted from 1.
    Position(usize, usize),
}

impl Fault {
    fn new(reason: impl Into<String>, at: usize) -> Fault {
        Fault { reason: reason.into(), position: SourcePosition::Byte(at) }
    }

    /// "reason at line 1, column 2"; columns count characters.
    fn message(&self, text: &[u8]) -> String {
        let (line, column) = match self.position {
            SourcePosition::Position(line, column) => (line, column),
            SourcePosition::Byte(at) => {
                let before = text.get(..at).unwrap_or(text);
                let start =
                    memchr::memrchr(b'\n', before).map_or(0, |newline| newline.saturating_add(1));
                let lines = memchr::memchr_iter(b'\n', before).count();
                let characters =
                    before.iter().skip(start).filter(|&&byte| byte & 0xc0 != 0x80).count();
                (lines.saturating_add(1), characters.saturating_add(1))
            }
        };
        format!("{} at line {line}, column {column}", self.reason)
    }
}
