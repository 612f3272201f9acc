//! Messages about values of the wrong type, in both dialects.

use crate::heap::string;
use crate::layout::metamethod::Metamethod;
use crate::layout::types::Type;
use crate::layout::value::Value;
use crate::messages::Dialect;
use crate::number::NumberText;

/// Two values without an order.
pub(crate) fn compare(dialect: Dialect, x: Value, y: Value) -> String {
    let (p, q) = (Type::of(x).name(), Type::of(y).name());
    if p == q && dialect == Dialect::Lua {
        format!("attempt to compare two {p} values")
    } else {
        format!("attempt to compare {p} with {q}")
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
