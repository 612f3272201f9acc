//! Data formats: conversion between text and trees of Lua values.
//!
//! Every format is thin. A reader turns text into events (a value, a key, the start and the end of
//! a list or map), from which the common [`builder`] creates Lua values. A writer receives events
//! that the common [`walker`] generates from Lua values. Neither recurses: nesting uses heap, not
//! stack, and is limited to [`MAX_DEPTH`] levels. Both stop at any value when the budget is used
//! up, so that a large document does not block other goroutines.
//!
//! **Shape.** A table whose keys are 1..n is a list, any other table is a map. An empty table is a
//! list. Maps that were read and look like lists, because they are empty or have such keys, have a
//! [tag](tags).
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod builder;
pub mod csv;
pub mod document;
pub mod dotenv;
mod encode;
mod events;
pub mod ini;
pub mod json;
mod number;
mod output;
pub mod tags;
pub mod toml;
pub mod walker;
pub mod yaml;

use solvm_vm::messages::shorten;
use solvm_vm::{Call, Error, Value};

/// Maximum nesting of lists and maps.
const MAX_DEPTH: usize = 1000;

/// Bytes of text that are read or written per unit of the budget.
const BYTES_PER_UNIT: usize = 16;

/// Returns the results of a function for invalid input: nil and the reason.
pub fn failure<'c>(call: &mut Call<'c>, reason: &str) -> Result<Vec<Value<'c>>, Error> {
    Ok(vec![Value::NIL, call.string(&shorten(reason.as_bytes()))?.value()])
}

/// Whether work in steps has been completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The work is complete.
    Finished,
    /// The budget is used up.
    Paused,
}

/// Why and where a text is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ParseError {
    reason: String,
    position: SourcePosition,
}

/// A position in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourcePosition {
    /// An offset in bytes.
    Byte(usize),
    /// Line and column, counted from 1.
    Position(usize, usize),
}

impl ParseError {
    fn new(reason: impl Into<String>, at: usize) -> ParseError {
        ParseError { reason: reason.into(), position: SourcePosition::Byte(at) }
    }

    /// Returns "reason at line 1, column 2"; columns count characters.
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
