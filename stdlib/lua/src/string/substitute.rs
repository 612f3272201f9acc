//! `gsub`: replaces matches by a string, a table's value or a function's result.

use super::pattern::{Anchor, Matcher, Progress};
use super::search::{advance, capture, captures, compiled};
use super::text_argument;
use smallvec::smallvec;
use solvm_runtime::buffer::AccountedBuffer;
use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Either, Indexed, Start, Step, Steps, Unread, Values, Wanted};
use solvm_vm::number::NumberText;
use solvm_vm::{Call, Dialect, Error, LuaString, Type, Value};
use std::ops::Range;

/// A substitution in progress.
pub(super) struct Substitution {
    matcher: Matcher,
    /// The output for the subject up to `source`.
    text: AccountedBuffer,
    source: usize,
    /// The number of replacements, and the maximum.
    count: usize,
    limit: usize,
    /// The match whose replacement is being computed.
    pending: Option<Range<usize>>,
    finished: bool,
}

/// The state of a substitution.
enum Advance<'c> {
    Finished,
    /// This call returns the replacement.
    Call(Value<'c>, Values<'c>),
    OutOfBudget,
}

/// The output and the number of replacements, at once or later.
type Substituted = Either<(AccountedBuffer, usize), Start<Substitution>>;

pub(super) fn global_substitute<'c>(
    call: &mut Call<'c>,
    Unread(subject): Unread<'c>,
    pattern: LuaString<'c>,
    replacement: Option<Value<'c>>,
    limit: Option<Truncated>,
) -> Result<Substituted, Error> {
    let replacement = replacement.unwrap_or(Value::NIL);
    if !matches!(replacement.kind(), Type::Number | Type::String | Type::Table | Type::Function) {
        return Err(Error::argument(3, "string/function/table expected"));
    }
    let pattern = compiled(call, pattern, Anchor::Honoured)?;
    let mut substitution = Substitution {
        matcher: Matcher::new(pattern),
        text: AccountedBuffer::default(),
        source: 0,
        count: 0,
        limit: limit.map_or(usize::MAX, |Truncated(limit)| usize::try_from(limit).unwrap_or(0)),
        pending: None,
        finished: false,
    };
    if replacement.kind() != Type::Function
        && call.metatable(replacement).is_none_or(|_| replacement.kind() == Type::String)
    {
        // Without calls it usually ends at once.
        if let Advance::Finished = substitution.advance(call, subject.bytes(), replacement)? {
            return Ok(Either::Now((substitution.text, substitution.count)));
        }
    }
    Ok(Either::Later(Start::new(substitution)))
}

impl Substitution {
    /// Continues until the end, a call, or the end of the budget.
    fn advance<'c>(
        &mut self,
        call: &mut Call<'c>,
        subject: &[u8],
        replacement: Value<'c>,
    ) -> Result<Advance<'c>, Error> {
        while !self.finished && self.count < self.limit {
            let found = match advance(call, &mut self.matcher, subject, self.source)? {
                Progress::Match(found) => found,
                Progress::NoMatch => break,
                Progress::OutOfSteps => return Ok(Advance::OutOfBudget),
            };
            self.count += 1;
            self.add(call, &subject[self.source..found.start])?;
            match replacement.kind() {
                Type::Function => {
                    let mut arguments = Values::new();
                    captures(call, &self.matcher, subject, &mut arguments)?;
                    self.pending = Some(found);
                    return Ok(Advance::Call(replacement, arguments));
                }
                Type::Table => {
                    let key = capture(call, &self.matcher, subject, 0)?;
                    match call.index(replacement, key)? {
                        Indexed::Value(value) => self.add_value(call, value, &found, subject)?,
                        Indexed::Call(method, object) => {
                            self.pending = Some(found);
                            return Ok(Advance::Call(method, smallvec![object, key]));
                        }
                    }
                }
                _ => self.add_text(call, replacement, &found, subject)?,
            }
            self.pass(call, &found, subject)?;
            if call.budget() == 0 && !self.finished {
                return Ok(Advance::OutOfBudget);
            }
        }
        self.add(call, subject.get(self.source..).unwrap_or(&[]))?;
        Ok(Advance::Finished)
    }

    /// Appends to the output within the memory limit, and charges for the bytes.
    fn add(&mut self, call: &mut Call, piece: &[u8]) -> Result<(), Error> {
        call.charge_bytes(piece.len());
        self.text.push(call, piece)
    }

    /// Continues after a match; after an empty one with the next byte.
    fn pass(&mut self, call: &mut Call, found: &Range<usize>, subject: &[u8]) -> Result<(), Error> {
        self.source = found.end;
        if found.is_empty() {
            match subject.get(found.end) {
                Some(&byte) => {
                    self.text.push(call, &[byte])?;
                    self.source += 1;
                }
                None => self.finished = true,
            }
        }
        self.finished |= self.matcher.pattern().is_anchored();
        Ok(())
    }

    /// Appends a table's value or a function's result; nil and false keep the match.
    fn add_value(
        &mut self,
        call: &mut Call,
        value: Value<'_>,
        found: &Range<usize>,
        subject: &[u8],
    ) -> Result<(), Error> {
        if !value.is_truthy() {
            self.add(call, &subject[found.clone()])
        } else if let Some(text) = LuaString::from_value(value) {
            self.add(call, text.bytes())
        } else if let Some(x) = value.as_number() {
            self.add(call, &NumberText::new(x))
        } else {
            Err(Error::text(format!("invalid replacement value (a {})", value.type_name())))
        }
    }

    /// Appends a replacement string, with `%n` for capture n and `%0` for the match.
    fn add_text<'c>(
        &mut self,
        call: &mut Call<'c>,
        replacement: Value<'c>,
        found: &Range<usize>,
        subject: &[u8],
    ) -> Result<(), Error> {
        let Some(text) = LuaString::from_value(replacement) else {
            return self.add_value(call, replacement, found, subject);
        };
        let mut rest = text.bytes();
        // Many short parts cost more than their bytes.
        call.charge(rest.len() / 16);
        while let Some(at) = memchr::memchr(b'%', rest) {
            self.add(call, &rest[..at])?;
            match rest.get(at + 1) {
                Some(b'0') => self.add(call, &subject[found.clone()])?,
                Some(digit @ b'1'..=b'9') => {
                    let value = capture(call, &self.matcher, subject, usize::from(digit - b'1'))?;
                    self.add_value(call, value, found, subject)?;
                }
                Some(&byte) if byte != b'%' && call.dialect() == Dialect::GopherLua => {
                    self.add(call, &[b'%', byte])?
                }
                Some(&byte) => self.add(call, &[byte])?,
                // PUC Lua copies the terminating zero byte.
                None => self.add(call, &[0])?,
            }
            rest = rest.get(at + 2..).unwrap_or(&[]);
        }
        self.add(call, rest)
    }
}

impl Steps for Substitution {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let subject = text_argument(call, 0);
        let replacement = call.argument(2).unwrap_or(Value::NIL);
        if let Some(found) = self.pending.take() {
            let value = call.returned(0);
            self.add_value(call, value, &found, subject)?;
            self.pass(call, &found, subject)?;
        }
        match self.advance(call, subject, replacement)? {
            Advance::Finished => {
                let text = std::mem::take(&mut self.text);
                call.finish((text, self.count))
            }
            Advance::Call(function, arguments) => call.call(function, &arguments, Wanted::One),
            Advance::OutOfBudget => call.again(),
        }
    }
}
