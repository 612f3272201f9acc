//! Every text of an error that the VM itself raises.

use crate::coerce::Type;
use crate::table::KeyError;
use crate::thread::Status;
use crate::value::Value;
use crate::vm::Vm;

pub(crate) const STACK_OVERFLOW: &str = "stack overflow";
pub(crate) const TOO_MANY_ARGUMENTS: &str = "too many arguments";
pub(crate) const TOO_MANY_RESULTS: &str = "too many results to unpack";
pub(crate) const TOO_MANY_RESULTS_STACK: &str = "stack overflow (too many results)";
pub(crate) const NOT_ENOUGH_MEMORY: &str = "not enough memory";
pub(crate) const STRING_OVERFLOW: &str = "string length overflow";
pub(crate) const ERROR_IN_ERROR_HANDLING: &str = "error in error handling";
pub(crate) const GETTABLE_LOOP: &str = "loop in gettable";
pub(crate) const SETTABLE_LOOP: &str = "loop in settable";
pub(crate) const INVALID_KEY_TO_NEXT: &str = "invalid key to 'next'";
pub(crate) const YIELD_OUTSIDE: &str = "attempt to yield from outside a coroutine";
pub(crate) const BAD_BYTECODE: &str = "bad bytecode";
pub(crate) const VALUE_EXPECTED: &str = "value expected";
pub(crate) const COROUTINE_EXPECTED: &str = "coroutine expected";
pub(crate) const POSITION_OUT_OF_BOUNDS: &str = "position out of bounds";
pub(crate) const NOTHING_ASKED: &str = "a native has asked for nothing";
pub(crate) const ASKED_OUT_OF_TURN: &str = "a native asks for something out of turn";
pub(crate) const ALL_ASLEEP: &str = "all goroutines are asleep - deadlock!";
pub(crate) const WAIT_OUTSIDE: &str = "cannot wait outside of a goroutine";
pub(crate) const RUN_LIMIT: &str = "the goroutine ran too long without a wait";
pub(crate) const REFUSED_BINARY: &str = "bad header in precompiled chunk (only what string.dump made is loaded)";
pub(crate) const NO_VALUE: &str = "no value";

/// A control value of a numeric `for` that is no number: "initial", "limit" or "step".
pub(crate) fn for_value(what: &str) -> String {
    if what == "initial" {
        "'for' initial value must be a number".into()
    } else {
        format!("'for' {what} must be a number")
    }
}

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

/// Two values without an order.
pub(crate) fn compare(_: &Vm, x: Value, y: Value) -> String {
    let (p, q) = (Type::of(x).name(), Type::of(y).name());
    if p == q { format!("attempt to compare two {p} values") } else { format!("attempt to compare {p} with {q}") }
}

/// Why a coroutine cannot be resumed.
pub(crate) fn cannot_resume(status: Status) -> &'static str {
    match status {
        Status::Dead => "cannot resume dead coroutine",
        Status::Running => "cannot resume running coroutine",
        Status::Normal => "cannot resume normal coroutine",
        Status::Suspended => "cannot resume coroutine",
    }
}

/// An operation on a value of the wrong type, with the variable that holds it where it is known.
pub(crate) fn operand(operation: &str, variable: Option<(&str, &[u8])>, value: Value) -> Vec<u8> {
    let type_name = Type::of(value).name();
    match variable {
        Some((kind, name)) => {
            let mut text = format!("attempt to {operation} {kind} '").into_bytes();
            text.extend_from_slice(name);
            text.extend_from_slice(format!("' (a {type_name} value)").as_bytes());
            text
        }
        None => format!("attempt to {operation} a {type_name} value").into_bytes(),
    }
}

/// A wrong argument of a native, called by this name.
pub(crate) fn bad_argument(index: usize, name: &[u8], text: &[u8]) -> Vec<u8> {
    [format!("bad argument #{index} to '").as_bytes(), name, b"' (", text, b")"].concat()
}

/// A wrong `self` of a method.
pub(crate) fn bad_self(name: &[u8], text: &[u8]) -> Vec<u8> {
    [b"calling '", name, b"' on bad self (", text, b")"].concat()
}
