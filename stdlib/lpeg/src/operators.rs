//! The operators on patterns: the fields of their metatable.

use crate::operand::operand;
use crate::pattern::{Draft, Made, pattern_of};
use crate::set::ByteSet;
use crate::tree::{Facts, Kind, MAX_NODES, Node, TooLarge, Tree};
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::Library;
use solvm_vm::{Call, Error, Function, LuaString, Table, Userdata, Value};
use std::borrow::Cow;

/// The metamethods of patterns.
pub(crate) static METHODS: Library = solvm_vm::library!(lazy "" {
    "__add" => choice,
    "__div" => divide,
    "__len" => ahead,
    "__mod" => accumulate,
    "__mul" => sequence,
    "__pow" => repeat,
    "__sub" => difference,
    "__unm" => not,
});

type Answer<'c> = Result<Userdata<'c>, Error>;

/// The operand as the result: itself, if it is a pattern.
fn unchanged<'c>(call: &mut Call<'c>, index: usize, draft: Draft<'c>) -> Answer<'c> {
    let value = call.argument(index - 1).unwrap_or(Value::NIL);
    match Userdata::from_value(value).filter(|_| pattern_of(value).is_some()) {
        Some(userdata) => Ok(userdata),
        None => draft.finish(call),
    }
}

/// The sets of two patterns that both match one byte of a set.
fn sets(left: &Draft<'_>, right: &Draft<'_>) -> Option<(ByteSet, ByteSet)> {
    left.tree.as_set().zip(right.tree.as_set())
}

/// `a * b`: one pattern, then the other.
fn sequence<'c>(call: &mut Call<'c>, _a: Value<'c>, _b: Option<Value<'c>>) -> Answer<'c> {
    let (left, right) = (operand(call, 1)?, operand(call, 2)?);
    match (left.tree.root(), right.tree.root()) {
        (Node::Fail, _) | (_, Node::Empty) => unchanged(call, 1, left),
        (Node::Empty, _) => unchanged(call, 2, right),
        _ => left.join(call, Node::Sequence, &right)?.finish(call),
    }
}

/// `a + b`: one pattern or the other.
fn choice<'c>(call: &mut Call<'c>, _a: Value<'c>, _b: Option<Value<'c>>) -> Answer<'c> {
    let (left, right) = (operand(call, 1)?, operand(call, 2)?);
    if let Some((left, right)) = sets(&left, &right) {
        return Draft::new(Tree::set(left.union(right))).finish(call);
    }
    if left.tree.facts.infallible || right.tree.root() == Node::Fail {
        unchanged(call, 1, left)
    } else if left.tree.root() == Node::Fail {
        unchanged(call, 2, right)
    } else {
        left.join(call, Node::Choice, &right)?.finish(call)
    }
}

/// `a - b`: the first pattern, if the second one does not match.
fn difference<'c>(call: &mut Call<'c>, _a: Value<'c>, _b: Option<Value<'c>>) -> Answer<'c> {
    let (left, right) = (operand(call, 1)?, operand(call, 2)?);
    if let Some((left, right)) = sets(&left, &right) {
        return Draft::new(Tree::set(left.difference(right))).finish(call);
    }
    let not = right.under(call, Node::Not)?;
    not.join(call, Node::Sequence, &left)?.finish(call)
}

/// `-a`: the pattern does not match.
fn not<'c>(call: &mut Call<'c>, _a: Value<'c>) -> Answer<'c> {
    operand(call, 1)?.under(call, Node::Not)?.finish(call)
}

/// `#a`: the pattern matches, and nothing is consumed.
fn ahead<'c>(call: &mut Call<'c>, _a: Value<'c>) -> Answer<'c> {
    operand(call, 1)?.under(call, Node::And)?.finish(call)
}

/// `a ^ n`: at least n times; for a negative number, at most -n times.
fn repeat<'c>(call: &mut Call<'c>, _a: Value<'c>, Truncated(count): Truncated) -> Answer<'c> {
    let body = operand(call, 1)?;
    let times = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let nodes = times.saturating_add(1).saturating_mul(body.tree.nodes.len() + 2);
    if nodes > MAX_NODES {
        return Err(TooLarge.into());
    }
    call.charge(nodes / 4);
    call.check_memory(nodes.saturating_mul(size_of::<Node>()).saturating_add(body.tree.size()))?;
    if count >= 0 && body.tree.facts.nullable {
        return Err(Error::text("loop body may accept empty string"));
    }
    // The copies of the body refer to the same bytes and sets.
    let mut tree = Tree { nodes: Vec::with_capacity(nodes), ..body.tree.extended(0, None) };
    let facts = body.tree.facts;
    for _ in 0..times {
        tree.nodes.extend_from_slice(&body.tree.nodes);
    }
    if count >= 0 {
        tree.nodes.extend_from_slice(&body.tree.nodes);
        tree.nodes.push(Node::Repeat);
        tree.nodes.extend(std::iter::repeat_n(Node::Sequence, times));
        let rest = Facts::of_unary(Node::Repeat, facts);
        tree.facts = if times > 0 { facts.then(rest) } else { rest };
    } else {
        // p (p (p)?)?: each one only after the one before.
        tree.nodes.extend([Node::Empty, Node::Choice]);
        for _ in 1..times {
            tree.nodes.extend([Node::Sequence, Node::Empty, Node::Choice]);
        }
        tree.facts = facts.or(Facts::of_leaf(Node::Empty));
    }
    Draft { tree: Cow::Owned(tree), ..body }.finish(call)
}

/// It is read as a whole for each capture.
const LONGEST_TEMPLATE: usize = 1 << 20;

/// `a / x`: what a function, a table, a string or a number makes of the captures.
fn divide<'c>(call: &mut Call<'c>, _a: Value<'c>, by: Option<Value<'c>>) -> Answer<'c> {
    let body = operand(call, 1)?;
    let by = by.unwrap_or(Value::NIL);
    let kind = if Function::from_value(by).is_some() {
        Kind::Function
    } else if Table::from_value(by).is_some() {
        Kind::Query
    } else if let Some(template) = LuaString::from_value(by) {
        if template.bytes().len() > LONGEST_TEMPLATE {
            return Err(Error::text("the string after LPeg '/' is longer than 1 MiB"));
        }
        Kind::Text
    } else if let Some(number) = by.as_number() {
        return numbered(call, body, number)?.finish(call);
    } else {
        let got = by.type_name();
        return Err(Error::text(format!("unexpected {got} as 2nd operand to LPeg '/'")));
    };
    body.under_value(call, by, |key| Node::Capture(kind, key))?.finish(call)
}

fn numbered<'c>(call: &mut Call<'c>, body: Draft<'c>, number: f64) -> Made<'c> {
    let number = number.trunc();
    if !(0.0..=f64::from(i16::MAX)).contains(&number) {
        return Err(Error::argument(1, "invalid number"));
    }
    body.under(call, Node::Capture(Kind::Numbered, number as u16))
}

/// `a % f`: changes the value before by a function.
fn accumulate<'c>(call: &mut Call<'c>, _a: Value<'c>, function: Option<Value<'c>>) -> Answer<'c> {
    let body = operand(call, 1)?;
    let function = function.unwrap_or(Value::NIL);
    body.under_value(call, function, |key| Node::Capture(Kind::Accumulator, key))?.finish(call)
}
