//! The conversions between strings and numbers (manual, section 2.2.1).

use crate::heap::gc::{Heap, charge_bytes_at};
use crate::heap::string;
use crate::layout::value::Value;
use crate::number::NumberText;

/// Converts a number or a numeric string to a number.
#[inline(always)]
pub(crate) fn to_number(value: Value) -> Option<f64> {
    if value.is_number() { Some(value.as_f64()) } else { read_number(value) }
}

/// Converts a numeric string to a number. Not inlined: it would be a part of every native that
/// takes a number.
#[cold]
#[inline(never)]
fn read_number(value: Value) -> Option<f64> {
    /// The bytes that are copied in the time in which a digit is read.
    const BYTES_PER_DIGIT: usize = 4;
    let text = value.to_string()?;
    // SAFETY: the value is live.
    let bytes = unsafe {
        charge_bytes_at(text, ((*text).length as usize).saturating_mul(BYTES_PER_DIGIT));
        string::bytes(text)
    };
    solvm_compiler::numeral::read_trimmed(bytes)
}

/// Whether concatenation takes the value as it is.
pub(crate) fn is_string_or_number(value: Value) -> bool {
    value.is_number() || value.is_string()
}

/// The string that a number is written as (`%.14g`).
pub(crate) fn number_to_string(heap: &mut Heap, x: f64) -> Value {
    heap.string_value(&NumberText::new(x))
}

/// Makes a number in a slot a string. False if the value is neither.
///
/// # Safety
/// The slot is live.
pub(crate) unsafe fn make_string(heap: &mut Heap, slot: *mut Value) -> bool {
    // SAFETY: the slot is live, as the caller asserts.
    let value = unsafe { *slot };
    if value.is_number() {
        // SAFETY: as above; making a string neither collects nor moves the slot.
        unsafe { *slot = number_to_string(heap, value.as_f64()) };
        return true;
    }
    value.is_string()
}

impl Heap {
    /// A string with these bytes, as a value.
    pub(crate) fn string_value(&mut self, bytes: &[u8]) -> Value {
        Value::from_string(self.string(bytes))
    }
}
