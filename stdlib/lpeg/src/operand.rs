//! Values as patterns: what `lpeg.P` accepts.

use crate::grammar;
use crate::pattern::{Draft, Made, draft_of};
use crate::tree::{Node, Tree};
use solvm_vm::{Call, Error, Function, LuaString, Table, Type, Value};

/// The pattern that argument number `index` (from 1) is, or is converted to.
pub(crate) fn operand<'c>(call: &mut Call<'c>, index: usize) -> Made<'c> {
    let value = call.argument(index - 1).unwrap_or(Value::NIL);
    if let Some(draft) = draft_of(call, value) {
        return Ok(draft);
    }
    if let Some(text) = LuaString::from_value(value) {
        call.charge_bytes(text.bytes().len());
        call.check_memory(text.bytes().len())?;
        return Ok(Draft::new(Tree::literal(text.bytes())));
    }
    if let Some(number) = value.as_number() {
        return any(call, number);
    }
    if let Some(truth) = value.as_boolean() {
        return Ok(Draft::leaf(if truth { Node::Empty } else { Node::Fail }));
    }
    if let Some(table) = Table::from_value(value) {
        return grammar::close(call, table);
    }
    if Function::from_value(value).is_some() {
        return Draft::leaf(Node::Empty).under_value(call, value, Node::RunTime);
    }
    Err(not_a_pattern(call, index))
}

/// That many bytes; for a negative number, not that many.
fn any<'c>(call: &mut Call<'c>, number: f64) -> Made<'c> {
    let count = number.abs().trunc();
    if count.is_nan() || count == 0.0 {
        return Ok(Draft::leaf(Node::Empty));
    }
    // A string cannot be as long as the largest number.
    let some = Draft::leaf(Node::Any(count as u32));
    if number < 0.0 { some.under(call, Node::Not) } else { Ok(some) }
}

/// "bad argument #index to ... (lpeg-pattern expected, got ...)".
pub(crate) fn not_a_pattern(call: &Call<'_>, index: usize) -> Error {
    let got = match call.argument(index - 1) {
        Some(value) if value.kind() != Type::Nil => value.type_name(),
        Some(_) => "nil",
        None => "no value",
    };
    Error::argument(index, format!("lpeg-pattern expected, got {got}"))
}
