//! What the evaluation of captures works on: the call, the list, the subject, the values.

use crate::machine::{Capture, OPEN};
use crate::tree::Kind;
use solvm_vm::{Call, Error, Held, LuaString, Table, Value};
use std::collections::HashSet;

/// More values than this are an error.
const MAX_VALUES: usize = 1 << 20;
/// Memory up to this size is not accounted for.
const FREE: usize = 4096;

/// One step of an evaluation.
pub(crate) struct Context<'a, 'c> {
    /// The call of `match`.
    pub(crate) call: &'a mut Call<'c>,
    /// The list.
    pub(crate) captures: &'a [Capture],
    /// The subject.
    pub(crate) subject: LuaString<'c>,
    /// The Lua values of the pattern.
    pub(crate) keys: Option<Table<'c>>,
    /// The stack of values.
    pub(crate) values: &'a mut Vec<Value<'c>>,
    /// The memory of that stack.
    pub(crate) held: &'a mut Option<Held>,
}

impl<'c> Context<'_, 'c> {
    /// The Lua value with this key.
    pub(crate) fn key(&self, key: u16) -> Value<'c> {
        self.keys.map_or(Value::NIL, |keys| keys.get(usize::from(key)))
    }

    /// The name with this key, for messages.
    pub(crate) fn name_of(&self, key: u16) -> Vec<u8> {
        shown(self.key(key))
    }

    /// A part of the subject.
    pub(crate) fn text(&self, start: u32, end: u32) -> &'c [u8] {
        self.subject.bytes().get(start as usize..end as usize).unwrap_or_default()
    }

    /// Adds a value to the stack.
    #[inline]
    pub(crate) fn push(&mut self, value: Value<'c>) -> Result<(), Error> {
        if self.values.len() == self.values.capacity() {
            self.grow()?;
        }
        self.values.push(value);
        Ok(())
    }

    #[cold]
    fn grow(&mut self) -> Result<(), Error> {
        let more = self.values.len().max(16);
        if more > MAX_VALUES {
            return Err(Error::text("too many captures"));
        }
        let bytes = more.saturating_mul(2 * size_of::<Value<'_>>());
        if bytes > FREE {
            self.call.check_memory(bytes)?;
            let held = self.held.get_or_insert_with(|| self.call.account().hold_nothing());
            held.grow_to(bytes)?;
        }
        self.values.try_reserve_exact(more).map_err(|_| Error::out_of_memory())
    }

    /// Adds a part of the subject to the stack.
    pub(crate) fn push_text(&mut self, start: u32, end: u32) -> Result<(), Error> {
        let text = self.text(start, end);
        self.call.charge_bytes(text.len());
        let string = self.call.string(text)?;
        self.push(string.value())
    }

    /// The capture after this one and all that it contains.
    pub(crate) fn after(&mut self, index: usize) -> usize {
        match self.captures.get(index) {
            Some(capture) if capture.end != OPEN => {
                return index + if capture.kind == Kind::Values { 2 } else { 1 };
            }
            _ => {}
        }
        let mut depth = 0;
        let mut next = index;
        while let Some(capture) = self.captures.get(next) {
            next += 1;
            if capture.kind == Kind::Close {
                depth -= 1;
            } else if capture.end == OPEN {
                depth += 1;
            }
            if depth == 0 {
                break;
            }
        }
        self.call.charge((next - index) / 16);
        next
    }

    /// The last complete group before a capture that has this name, unless it is in another capture
    /// that is complete, too.
    pub(crate) fn find_group(&mut self, before: usize, key: u16) -> Option<usize> {
        let name = self.key(key);
        let mut index = before;
        let mut found = None;
        // Names may be long: each is compared once.
        let mut others = HashSet::new();
        while let Some(previous) = index.checked_sub(1) {
            index = previous;
            let Some(mut capture) = self.captures.get(index) else { break };
            if capture.kind == Kind::Close {
                index = open_of(self.captures, index)?;
                capture = self.captures.get(index)?;
            } else if capture.end == OPEN {
                continue;
            }
            let is_named = capture.kind == Kind::Group && capture.key != 0;
            if !is_named || others.contains(&capture.key) {
                continue;
            }
            if capture.key == key || self.key(capture.key).raw_equal(name) {
                found = Some(index);
                break;
            }
            others.insert(capture.key);
        }
        self.call.charge((before - index) / 8);
        found
    }
}

/// The capture that ends with a `Close`.
pub(crate) fn open_of(captures: &[Capture], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut index = close;
    loop {
        let capture = captures.get(index)?;
        if capture.kind == Kind::Close {
            depth += 1;
        } else if capture.end == OPEN {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
        index = index.checked_sub(1)?;
    }
}

/// A value in a message: a string as it is, a number as text, anything else as its type.
pub(crate) fn shown(value: Value<'_>) -> Vec<u8> {
    if let Some(text) = LuaString::from_value(value) {
        return solvm_vm::messages::shorten(text.bytes()).into_owned();
    }
    match value.as_number() {
        Some(number) => solvm_vm::number::NumberText::new(number).to_vec(),
        None => format!("(a {})", value.type_name()).into_bytes(),
    }
}
