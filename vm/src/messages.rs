//! Every text of an error that the VM itself raises, and those of the libraries that the dialects
//! word differently.
//!
//! A dialect selects whose messages and behaviour a program gets. Messages that differ are defined
//! here side by side: as a [`Wording`], or in a function that builds both.

use crate::number::NumberText;
use std::borrow::Cow;

/// Whose messages and behaviour programs get where PUC Lua and gopher-lua differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Those of PUC Lua 5.1.
    #[default]
    Lua,
    /// Those of gopher-lua, for programs (such as its test suite) that depend on them.
    GopherLua,
}

/// A message in both dialects.
#[derive(Clone, Copy, Debug)]
pub struct Wording {
    lua: &'static str,
    gopher_lua: &'static str,
}

impl Wording {
    /// The message in a dialect.
    pub const fn of(self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Lua => self.lua,
            Dialect::GopherLua => self.gopher_lua,
        }
    }
}

macro_rules! wordings {
    ($($(#[$about:meta])* $visibility:vis $name:ident: $lua:literal, $gopher_lua:literal;)*) => {
        $(
            $(#[$about])*
            $visibility const $name: Wording = Wording { lua: $lua, gopher_lua: $gopher_lua };
        )*
    };
}

wordings! {
    /// The file name of a native function in tracebacks.
    pub(crate) NATIVE: "[C]", "[G]";
    pub(crate) GETTABLE_LOOP: "loop in gettable", "too many recursions in gettable";
    pub(crate) SETTABLE_LOOP: "loop in settable", "too many recursions in settable";
    pub(crate) YIELD_OUTSIDE:
        "attempt to yield from outside a coroutine", "can not yield from outside of a coroutine";
    pub(crate) RESUME_DEAD: "cannot resume dead coroutine", "can not resume a dead thread";
    pub(crate) RESUME_RUNNING: "cannot resume running coroutine", "can not resume a running thread";
    pub(crate) RESUME_NORMAL: "cannot resume normal coroutine", "can not resume a running thread";
    pub(crate) FOR_INITIAL:
        "'for' initial value must be a number", "for statement init must be a number";
    pub(crate) FOR_LIMIT: "'for' limit must be a number", "for statement limit must be a number";
    pub(crate) FOR_STEP: "'for' step must be a number", "for statement step must be a number";
    /// `table.insert` with too few or too many arguments.
    pub WRONG_NUMBER_TO_INSERT:
        "wrong number of arguments to 'insert'", "wrong number of arguments";
    /// The environment of a function without its own.
    pub FIXED_ENVIRONMENT:
        "'setfenv' cannot change environment of given object",
        "cannot change the environment of given object";
}

/// `math.max` and the like without numbers, and `math.random` with too many.
pub const WRONG_NUMBER: &str = "wrong number of arguments";
/// gopher-lua's `string.dump`.
pub const NO_DUMP: &str = "GopherLua does not support the string.dump";
/// gopher-lua's word for a function with too many local variables.
pub(crate) const REGISTER_OVERFLOW: &str = "register overflow";

pub(crate) const STACK_OVERFLOW: &str = "stack overflow";
pub(crate) const TOO_MANY_ARGUMENTS: &str = "too many arguments";
pub(crate) const TOO_MANY_RESULTS: &str = "too many results to unpack";
pub(crate) const TOO_MANY_RESULTS_STACK: &str = "stack overflow (too many results)";
pub(crate) const NOT_ENOUGH_MEMORY: &str = "not enough memory";

/// An uncaught error that is not a string, with the message of later versions of Lua, which has
/// more information than 5.1's.
pub(crate) fn error_object(type_name: &str) -> String {
    format!("(error object is a {type_name} value)")
}

pub(crate) const STRING_OVERFLOW: &str = "string length overflow";
pub(crate) const ERROR_IN_ERROR_HANDLING: &str = "error in error handling";
pub(crate) const INVALID_KEY_TO_NEXT: &str = "invalid key to 'next'";
pub(crate) const BAD_BYTECODE: &str = "bad bytecode";
pub(crate) const NO_INTEGER: &str = "number has no integer representation";
pub(crate) const VALUE_EXPECTED: &str = "value expected";
pub(crate) const COROUTINE_EXPECTED: &str = "coroutine expected";
pub(crate) const POSITION_OUT_OF_BOUNDS: &str = "position out of bounds";
pub(crate) const NOTHING_ASKED: &str = "native function did not request a next step";
pub(crate) const ASKED_OUT_OF_TURN: &str = "native function requested a step at the wrong time";
pub(crate) const SCOPE_ENDED: &str = "cannot call function: its scope has ended";
pub(crate) const ALREADY_RUNNING: &str = "cannot call function: it is already running";
pub(crate) const ALL_ASLEEP: &str = "all goroutines are asleep - deadlock!";
pub(crate) const WAIT_OUTSIDE: &str = "cannot wait outside a goroutine";
pub(crate) const RUN_LIMIT: &str = "goroutine ran too long without waiting (see -run-limit)";
pub(crate) const REFUSED_BINARY: &str =
    "bad header in precompiled chunk (only string.dump output can be loaded)";
pub(crate) const NO_VALUE: &str = "no value";

/// One goroutine more than there may be.
pub(crate) fn too_many_goroutines(limit: usize) -> String {
    format!("too many goroutines (limit {limit})")
}

/// An argument of the wrong type.
pub(crate) fn expected(expected: &str, got: &str) -> String {
    format!("{expected} expected, got {got}")
}

/// A whole number outside the range of an integer type of Rust.
pub(crate) fn does_not_fit(number: f64, name: &str) -> String {
    let text = NumberText::new(number);
    format!("number {} does not fit into {name}", String::from_utf8_lossy(&text))
}

/// The longest argument, or message about one, that an error shows as a whole, in bytes.
const LONGEST_SHOWN: usize = 512;
/// The part of a longer one that is shown: this much of its start and of its end, where the reason
/// is.
const SHOWN_START: usize = 320;
const SHOWN_END: usize = 160;

/// A string for an error message: an argument, or a message about one. A program may pass strings
/// of megabytes; their middle is omitted.
pub fn shorten(text: &[u8]) -> Cow<'_, [u8]> {
    if text.len() <= LONGEST_SHOWN {
        return Cow::Borrowed(text);
    }
    // Not in the middle of a character of UTF-8.
    let is_inside = |place: &usize| text.get(*place).is_some_and(|byte| byte & 0xC0 == 0x80);
    let start = (SHOWN_START - 3..=SHOWN_START).rev().find(|place| !is_inside(place));
    let end = text.len() - SHOWN_END;
    let end = (end..end + 4).find(|place| !is_inside(place)).unwrap_or(end);
    let start = &text[..start.unwrap_or(SHOWN_START)];
    Cow::Owned([start, b"...", &text[end..]].concat())
}

/// An invalid argument of a native, called by this name. The `self` of a method does not count in
/// PUC Lua.
pub(crate) fn bad_argument(
    dialect: Dialect,
    index: usize,
    is_method: bool,
    name: &[u8],
    text: &[u8],
) -> Vec<u8> {
    let text = &*shorten(text);
    match (dialect, index) {
        (Dialect::GopherLua, _) => {
            [format!("bad argument #{index} to ").as_bytes(), name, b" (", text, b")"].concat()
        }
        (Dialect::Lua, 1) if is_method => {
            [b"calling '", name, b"' on bad self (", text, b")"].concat()
        }
        (Dialect::Lua, _) => {
            let index = index - usize::from(is_method);
            [format!("bad argument #{index} to '").as_bytes(), name, b"' (", text, b")"].concat()
        }
    }
}
