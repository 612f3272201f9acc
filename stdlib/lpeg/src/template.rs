//! Strings with numbers of captures, and values as parts of text.

use crate::context::Context;
use solvm_runtime::buffer::AccountedBuffer;
use solvm_vm::number::NumberText;
use solvm_vm::{Error, LuaString, Value};

/// What a number in a string refers to.
#[derive(Clone, Copy)]
pub(crate) enum Piece {
    /// A part of the subject.
    Text(u32, u32),
    /// A value of the stack.
    Value(usize),
    /// A capture without values.
    Nothing,
}

impl<'c> Context<'_, 'c> {
    /// The numbers that a string refers to, as bits.
    pub(crate) fn numbers(&mut self, key: u16) -> u16 {
        let Some(template) = LuaString::from_value(self.key(key)) else { return 0 };
        let template = template.bytes();
        self.call.charge(template.len() / 16);
        let mut numbers = 0;
        let mut at = 0;
        while let Some(found) = memchr::memchr(b'%', template.get(at..).unwrap_or_default()) {
            at += found + 2;
            if let Some(digit @ b'0'..=b'9') = template.get(at - 1) {
                numbers |= 1 << (digit - b'0');
            }
        }
        numbers
    }

    /// Appends a string in which `%` and a digit are replaced by a piece.
    pub(crate) fn fill(
        &mut self,
        key: u16,
        pieces: &[Piece],
        text: &mut AccountedBuffer,
    ) -> Result<(), Error> {
        let Some(template) = LuaString::from_value(self.key(key)) else { return Ok(()) };
        let mut rest = template.bytes();
        self.call.charge(rest.len() / 16);
        while let Some(at) = memchr::memchr(b'%', rest) {
            text.push(self.call, rest.get(..at).unwrap_or_default())?;
            match rest.get(at + 1) {
                Some(digit @ b'0'..=b'9') => {
                    let index = usize::from(digit - b'0');
                    self.fill_piece(index, pieces, text)?;
                }
                Some(&byte) => text.push(self.call, &[byte])?,
                None => text.push(self.call, &[0])?,
            }
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        text.push(self.call, rest)
    }

    fn fill_piece(
        &mut self,
        index: usize,
        pieces: &[Piece],
        text: &mut AccountedBuffer,
    ) -> Result<(), Error> {
        match pieces.get(index) {
            None => Err(Error::text(format!("invalid capture index ({index})"))),
            Some(&Piece::Text(start, end)) => {
                let part = self.text(start, end);
                self.call.charge_bytes(part.len());
                text.push(self.call, part)
            }
            Some(&Piece::Value(slot)) => {
                let value = self.values.get(slot).copied().unwrap_or(Value::NIL);
                self.add_value(value, "capture", text)
            }
            Some(Piece::Nothing) => Err(Error::text(format!("no values in capture index {index}"))),
        }
    }

    /// Appends a value, which must be a string or a number.
    pub(crate) fn add_value(
        &mut self,
        value: Value<'c>,
        what: &str,
        text: &mut AccountedBuffer,
    ) -> Result<(), Error> {
        if let Some(string) = LuaString::from_value(value) {
            self.call.charge_bytes(string.bytes().len());
            text.push(self.call, string.bytes())
        } else if let Some(number) = value.as_number() {
            text.push(self.call, &NumberText::new(number))
        } else {
            let kind = value.type_name();
            Err(Error::text(format!("invalid {what} value (a {kind})")))
        }
    }
}
