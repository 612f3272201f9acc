//! A function's constant pool during its construction. Each number (compared by its bits, so 0 and
//! -0 differ) and each string is in it once; a string that names a field or a global is followed by
//! its hash, a divisor of a remainder by its reciprocal.

use crate::bytecode::{Constant, is_divisor};
use hashbrown::HashMap;
use std::sync::Arc;

/// The largest index that fits the operand B or C.
const MAX_SMALL: usize = u8::MAX as usize;

#[derive(Default)]
pub(super) struct ConstantPool {
    entries: Vec<Constant>,
    numbers: HashMap<u64, usize>,
    strings: HashMap<Arc<[u8]>, usize>,
    fields: HashMap<Arc<[u8]>, usize>,
    divisors: HashMap<u64, usize>,
}

impl ConstantPool {
    pub(super) fn number(&mut self, value: f64) -> usize {
        *self
            .numbers
            .entry(value.to_bits())
            .or_insert_with(|| push(&mut self.entries, Constant::Number(value)))
    }

    /// The number's index, if it is or can become one of the first 256 constants.
    pub(super) fn small_number(&mut self, value: f64) -> Option<u8> {
        let known = self.numbers.get(&value.to_bits()).copied();
        let index = match known {
            None if self.entries.len() <= MAX_SMALL => self.number(value),
            None => return None,
            Some(index) => index,
        };
        u8::try_from(index).ok()
    }

    /// The index of a number with its reciprocal after it, if it is a divisor of `ModuloVK` and is
    /// or can become one of the first 256 constants.
    pub(super) fn small_divisor(&mut self, value: f64) -> Option<u8> {
        let known = self.divisors.get(&value.to_bits()).copied();
        let index = match known {
            None if self.entries.len() <= MAX_SMALL && is_divisor(value) => {
                let index = push(&mut self.entries, Constant::Number(value));
                self.entries.push(Constant::Number(1.0 / value));
                self.divisors.insert(value.to_bits(), index);
                index
            }
            None => return None,
            Some(index) => index,
        };
        u8::try_from(index).ok()
    }

    pub(super) fn string(&mut self, text: &Arc<[u8]>) -> usize {
        if let Some(&index) = self.fields.get(text) {
            return index;
        }
        let push = || push(&mut self.entries, Constant::String(text.clone()));
        *self.strings.entry(text.clone()).or_insert_with(push)
    }

    /// The index of a string with its hash after it.
    pub(super) fn field(&mut self, text: &Arc<[u8]>) -> usize {
        let push = || {
            let index = push(&mut self.entries, Constant::String(text.clone()));
            self.entries.push(Constant::Hash);
            index
        };
        *self.fields.entry(text.clone()).or_insert_with(push)
    }

    /// The field's index, if it is or can become one of the first 256 constants.
    pub(super) fn small_field(&mut self, text: &Arc<[u8]>) -> Option<u8> {
        let known = self.fields.get(text).copied();
        let index = match known {
            None if self.entries.len() <= MAX_SMALL => self.field(text),
            None => return None,
            Some(index) => index,
        };
        u8::try_from(index).ok()
    }

    pub(super) fn finish(&mut self) -> Box<[Constant]> {
        std::mem::take(&mut self.entries).into()
    }
}

fn push(entries: &mut Vec<Constant>, constant: Constant) -> usize {
    entries.push(constant);
    entries.len() - 1
}
