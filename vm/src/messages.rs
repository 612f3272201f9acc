//! Every text of an error that the VM itself raises, and those of the libraries that the dialects
//! word differently.
//!
//! A dialect selects whose messages and behaviour a program gets. Messages that differ are defined
//! here side by side: as a [`Wording`], or in a function that builds both.

use crate::coerce::Type;
use crate::metamethod::Metamethod;
use crate::number::NumberText;
use crate::string;
use crate::table::KeyError;
use crate::thread::Status;
use crate::value::Value;
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
        $($(#[$about])* $visibility const $name: Wording = Wording { lua: $lua, gopher_lua: $gopher_lua };)*
    };
}

wordings! {
    /// The file name of a native function in tracebacks.
    pub(crate) NATIVE: "[C]", "[G]";
    pub(crate) GETTABLE_LOOP: "loop in gettable", "too many recursions in gettable";
    pub(crate) SETTABLE_LOOP: "loop in settable", "too many recursions in settable";
    pub(crate) YIELD_OUTSIDE: "attempt to yield from outside a coroutine", "can not yield from outside of a coroutine";
    pub(crate) RESUME_DEAD: "cannot resume dead coroutine", "can not resume a dead thread";
    pub(crate) RESUME_RUNNING: "cannot resume running coroutine", "can not resume a running thread";
    pub(crate) RESUME_NORMAL: "cannot resume normal coroutine", "can not resume a running thread";
    pub(crate) FOR_INITIAL: "'for' initial value must be a number", "for statement init must be a number";
    pub(crate) FOR_LIMIT: "'for' limit must be a number", "for statement limit must be a number";
    pub(crate) FOR_STEP: "'for' step must be a number", "for statement step must be a number";
    /// `table.insert` with too few or too many arguments.
    pub WRONG_NUMBER_TO_INSERT: "wrong number of arguments to 'insert'", "wrong number of arguments";
    /// The environment of a function without its own.
    pub FIXED_ENVIRONMENT: "'setfenv' cannot change environment of given object", "cannot change the environment of given object";
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

/// A key that no table can have.
pub(crate) fn key(error: KeyError) -> &'static str {
    match error {
        KeyError::Nil => "table index is nil",
        KeyError::NaN => "table index is NaN",
        KeyError::Overflow => "table overflow",
        KeyError::Memory => NOT_ENOUGH_MEMORY,
    }
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

/// Two values without an order.
pub(crate) fn compare(dialect: Dialect, x: Value, y: Value) -> String {
    let (p, q) = (Type::of(x).name(), Type::of(y).name());
    if p == q && dialect == Dialect::Lua {
        format!("attempt to compare two {p} values")
    } else {
        format!("attempt to compare {p} with {q}")
    }
}

/// Why a coroutine cannot be resumed.
pub(crate) fn cannot_resume(status: Status) -> Wording {
    match status {
        Status::Dead => RESUME_DEAD,
        Status::Normal => RESUME_NORMAL,
        Status::Running | Status::Suspended => RESUME_RUNNING,
    }
}

/// An operation on a value of the wrong type.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    /// The value at this key.
    Index(Value),
    Call,
    Length,
    /// With these operands; a negation has its own twice.
    Arithmetic(Metamethod, Value, Value),
    Concatenation(Value, Value),
}

/// An operation on a value of the wrong type, with the variable that holds it where it is known.
pub(crate) fn operand(
    dialect: Dialect,
    operation: Operation,
    variable: Option<(&str, &[u8])>,
    value: Value,
) -> Vec<u8> {
    let name = |value| Type::of(value).name();
    let (verb, in_gopher_lua) = match operation {
        Operation::Index(key) => {
            let text = format!("attempt to index a non-table object({}) with key '", name(value));
            ("index", [text.as_bytes(), &key_text(key), b"'"].concat())
        }
        Operation::Call => ("call", b"attempt to call a non-function object".to_vec()),
        Operation::Length => ("get length of", b"__len undefined".to_vec()),
        Operation::Arithmetic(Metamethod::Negate, ..) => {
            ("perform arithmetic on", b"__unm undefined".to_vec())
        }
        Operation::Arithmetic(event, x, y) => {
            let event = Metamethod::KEYS[event as usize].trim_start_matches('_');
            let text =
                format!("cannot perform {event} operation between {} and {}", name(x), name(y));
            ("perform arithmetic on", text.into_bytes())
        }
        Operation::Concatenation(x, y) => {
            let text =
                format!("cannot perform concat operation between {} and {}", name(x), name(y));
            ("concatenate", text.into_bytes())
        }
    };
    match (dialect, variable) {
        (Dialect::GopherLua, _) => in_gopher_lua,
        (Dialect::Lua, Some((kind, variable))) => {
            let type_name = name(value);
            let before = format!("attempt to {verb} {kind} '");
            [before.as_bytes(), variable, format!("' (a {type_name} value)").as_bytes()].concat()
        }
        (Dialect::Lua, None) => format!("attempt to {verb} a {} value", name(value)).into_bytes(),
    }
}

/// A key as messages show it.
fn key_text(key: Value) -> Vec<u8> {
    if let Some(string) = key.to_string() {
        // SAFETY: the key of a running operation is live.
        return unsafe { string::bytes(string) }.to_vec();
    }
    match Type::of(key) {
        Type::Number => NumberText::new(key.as_f64()).to_vec(),
        other => other.name().into(),
    }
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
