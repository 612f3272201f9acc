//! The functions of `lpeg`.

use crate::matching::{match_pattern, set_max_stack};
use crate::operand::{not_a_pattern, operand};
use crate::pattern::{Draft, pattern_of};
use crate::set::ByteSet;
use crate::tree::{Kind, Node, Tree};
use crate::utf8::code_points;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Library, Rest};
use solvm_vm::{Call, Error, Function, LuaString, Table, Userdata, Value};
use std::borrow::Cow;

/// The library `lpeg`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "lpeg" {
    "B" => behind,
    "C" => simple,
    "Carg" => argument,
    "Cb" => back,
    "Cc" => constant,
    "Cf" => fold,
    "Cg" => group,
    "Cmt" => run_time,
    "Cp" => position,
    "Cs" => substitution,
    "Ct" => table,
    "P" => pattern,
    "R" => range,
    "S" => set,
    "V" => variable,
    "locale" => locale,
    "match" => match_pattern,
    "pcode" => listing,
    "ptree" => listing,
    "setmaxstack" => set_max_stack,
    "type" => pattern_type,
    "utfR" => utf8_range,
    "version" => text "LPeg 1.1.0",
});

type Answer<'c> = Result<Userdata<'c>, Error>;

/// The longest pattern that can be looked for behind the current position.
const MAX_BEHIND: u32 = 255;

/// `lpeg.P(value)`: converts a value to a pattern.
fn pattern<'c>(call: &mut Call<'c>, value: Option<Value<'c>>) -> Answer<'c> {
    if call.argument_count() == 0 {
        return Err(Error::argument(1, "value expected"));
    }
    let value = value.unwrap_or(Value::NIL);
    match Userdata::from_value(value).filter(|_| pattern_of(value).is_some()) {
        Some(pattern) => Ok(pattern),
        None => operand(call, 1)?.finish(call),
    }
}

/// `lpeg.type(value)`: returns "pattern" or nil.
fn pattern_type<'c>(_: &mut Call<'c>, value: Option<Value<'c>>) -> Option<&'static str> {
    pattern_of(value?).map(|_| "pattern")
}

/// `lpeg.B(pattern)`: the pattern matches before the current position.
fn behind<'c>(call: &mut Call<'c>, _pattern: Option<Value<'c>>) -> Answer<'c> {
    let draft = operand(call, 1)?;
    let facts = draft.tree.facts;
    let Some(length) = facts.length else {
        return Err(Error::argument(1, "pattern may not have fixed length"));
    };
    if facts.captures {
        return Err(Error::argument(1, "pattern have captures"));
    }
    if length > MAX_BEHIND {
        return Err(Error::argument(1, "pattern too long to look behind"));
    }
    draft.under(call, Node::Behind(length))?.finish(call)
}

/// `lpeg.S(string)`: a byte of the string.
fn set<'c>(call: &mut Call<'c>, text: LuaString<'c>) -> Answer<'c> {
    let mut set = ByteSet::EMPTY;
    for &byte in text.bytes() {
        set.insert(byte);
    }
    Draft::new(Tree::set(set)).finish(call)
}

/// `lpeg.R(...)`: a byte of one of the ranges.
fn range<'c>(call: &mut Call<'c>, ranges: Rest) -> Answer<'c> {
    let mut set = ByteSet::EMPTY;
    let ranges: Vec<Value<'c>> = ranges.values(call).collect();
    call.charge(ranges.len() * 4);
    for (index, range) in ranges.into_iter().enumerate() {
        let text = call.coerced_string(range).ok_or_else(|| {
            let got = range.type_name();
            Error::argument(index + 1, format!("string expected, got {got}"))
        })?;
        let &[first, last] = text.bytes() else {
            return Err(Error::argument(index + 1, "range must have two characters"));
        };
        for byte in first..=last {
            set.insert(byte);
        }
    }
    Draft::new(Tree::set(set)).finish(call)
}

/// `lpeg.utfR(first, last)`: a code point in UTF-8.
fn utf8_range<'c>(
    call: &mut Call<'c>,
    Truncated(first): Truncated,
    Truncated(last): Truncated,
) -> Answer<'c> {
    if first > last {
        return Err(Error::argument(2, "empty range"));
    }
    if last > 0x10_FFFF {
        return Err(Error::argument(2, "invalid code point"));
    }
    // What is negative is as large a number as none is.
    let Ok(first) = u32::try_from(first) else {
        return Err(Error::argument(2, "empty range"));
    };
    Draft::new(code_points(first, last as u32)?).finish(call)
}

/// `lpeg.V(name)`: a rule of the grammar that will enclose it.
fn variable<'c>(call: &mut Call<'c>, name: Option<Value<'c>>) -> Answer<'c> {
    let name = name
        .filter(|name| !name.is_nil())
        .ok_or_else(|| Error::argument(1, "non-nil value expected"))?;
    let mut draft = Draft::leaf(Node::Empty);
    let key = draft.add(call, &[name])?;
    draft.tree = Cow::Owned(Tree::leaf(Node::OpenCall(key)));
    draft.finish(call)
}

/// A capture of argument 1 without a value of its own.
fn capture<'c>(call: &mut Call<'c>, kind: Kind) -> Answer<'c> {
    operand(call, 1)?.under(call, Node::Capture(kind, 0))?.finish(call)
}

/// `lpeg.C(pattern)`: the text, and all captures in it.
fn simple<'c>(call: &mut Call<'c>, _pattern: Option<Value<'c>>) -> Answer<'c> {
    capture(call, Kind::Simple)
}

/// `lpeg.Cs(pattern)`: the text with its captures replaced by their values.
fn substitution<'c>(call: &mut Call<'c>, _pattern: Option<Value<'c>>) -> Answer<'c> {
    capture(call, Kind::Substitution)
}

/// `lpeg.Ct(pattern)`: a table of all captures.
fn table<'c>(call: &mut Call<'c>, _pattern: Option<Value<'c>>) -> Answer<'c> {
    capture(call, Kind::Table)
}

/// `lpeg.Cg(pattern[, name])`: the captures as one, or under a name.
fn group<'c>(
    call: &mut Call<'c>,
    _pattern: Option<Value<'c>>,
    name: Option<Value<'c>>,
) -> Answer<'c> {
    match name.filter(|name| !name.is_nil()) {
        Some(name) => {
            let body = operand(call, 1)?;
            body.under_value(call, name, |key| Node::Capture(Kind::Group, key))?.finish(call)
        }
        None => capture(call, Kind::Group),
    }
}

/// `lpeg.Cf(pattern, function)`: the captures combined by a function, from left to right.
fn fold<'c>(
    call: &mut Call<'c>,
    _pattern: Option<Value<'c>>,
    function: Function<'c>,
) -> Answer<'c> {
    let body = operand(call, 1)?;
    body.under_value(call, function.value(), |key| Node::Capture(Kind::Fold, key))?.finish(call)
}

/// `lpeg.Cmt(pattern, function)`: the function is called during the match and decides.
fn run_time<'c>(
    call: &mut Call<'c>,
    _pattern: Option<Value<'c>>,
    function: Function<'c>,
) -> Answer<'c> {
    operand(call, 1)?.under_value(call, function.value(), Node::RunTime)?.finish(call)
}

/// A capture of the empty string.
fn empty<'c>(call: &mut Call<'c>, kind: Kind, key: u16) -> Answer<'c> {
    Draft::leaf(Node::Empty).under(call, Node::Capture(kind, key))?.finish(call)
}

/// `lpeg.Cp()`: the current position.
fn position<'c>(call: &mut Call<'c>) -> Answer<'c> {
    empty(call, Kind::Position, 0)
}

/// `lpeg.Carg(n)`: an extra argument of `match`.
fn argument<'c>(call: &mut Call<'c>, Truncated(number): Truncated) -> Answer<'c> {
    if !(1..=i64::from(i16::MAX)).contains(&number) {
        return Err(Error::argument(1, "invalid argument index"));
    }
    empty(call, Kind::Argument, number as u16)
}

/// `lpeg.Cb(name)`: the values of the last group with that name.
fn back<'c>(call: &mut Call<'c>, name: Option<Value<'c>>) -> Answer<'c> {
    if call.argument_count() == 0 {
        return Err(Error::argument(1, "value expected"));
    }
    let name = name.unwrap_or(Value::NIL);
    let body = Draft::leaf(Node::Empty);
    body.under_value(call, name, |key| Node::Capture(Kind::Back, key))?.finish(call)
}

/// `lpeg.Cc(...)`: values.
fn constant<'c>(call: &mut Call<'c>, values: Rest) -> Answer<'c> {
    let values: Vec<Value<'c>> = values.values(call).collect();
    call.charge(values.len());
    let mut draft = Draft::leaf(Node::Empty);
    if values.is_empty() {
        return draft.finish(call);
    }
    let first = draft.add(call, &values)?;
    let mut tree = Tree::leaf(Node::Empty);
    tree.nodes.clear();
    for key in first..=draft.keys {
        tree.push(Node::Empty)?;
        tree.push_unary(Node::Capture(Kind::Constant, key))?;
    }
    if values.len() > 1 {
        tree.nodes.extend(std::iter::repeat_n(Node::Sequence, values.len() - 1));
        tree.push_unary(Node::Capture(Kind::Group, 0))?;
    }
    draft.tree = Cow::Owned(tree);
    draft.finish(call)
}

/// A class of characters.
type Class = (&'static str, fn(u8) -> bool);

/// The classes of the locale "C", the only one there is.
const CLASSES: [Class; 11] = [
    ("alnum", |byte| byte.is_ascii_alphanumeric()),
    ("alpha", |byte| byte.is_ascii_alphabetic()),
    ("cntrl", |byte| byte.is_ascii_control()),
    ("digit", |byte| byte.is_ascii_digit()),
    ("graph", |byte| byte.is_ascii_graphic()),
    ("lower", |byte| byte.is_ascii_lowercase()),
    ("print", |byte| byte.is_ascii_graphic() || byte == b' '),
    ("punct", |byte| byte.is_ascii_punctuation()),
    ("space", |byte| byte.is_ascii_whitespace() || byte == 0x0B),
    ("upper", |byte| byte.is_ascii_uppercase()),
    ("xdigit", |byte| byte.is_ascii_hexdigit()),
];

/// `lpeg.locale([table])`: fills a table with patterns for classes of characters.
fn locale<'c>(call: &mut Call<'c>, table: Option<Table<'c>>) -> Result<Table<'c>, Error> {
    call.charge(CLASSES.len() * 50);
    let table = match table {
        Some(table) => table,
        None => call.table(0, CLASSES.len())?,
    };
    for (name, is_in) in CLASSES {
        let mut set = ByteSet::EMPTY;
        for byte in (0..=u8::MAX).filter(|&byte| is_in(byte)) {
            set.insert(byte);
        }
        let pattern = Draft::new(Tree::set(set)).finish(call)?;
        table.set_field(call, name, pattern)?;
    }
    Ok(table)
}

/// `lpeg.ptree`, `lpeg.pcode`: as in LPeg that was not built for debugging.
fn listing<'c>(call: &mut Call<'c>, value: Option<Value<'c>>) -> Result<(), Error> {
    if value.and_then(pattern_of).is_none() {
        return Err(not_a_pattern(call, 1));
    }
    Err(Error::text("function only implemented in debug mode"))
}
