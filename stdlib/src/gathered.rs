//! Text that is gathered outside of the heap and becomes a string at the end.

use solvm_vm::{Call, Error};

/// Fails if the memory limit does not allow a text to grow by so many bytes: it is not counted
/// while it is gathered, and at the end it is there twice.
#[inline]
pub(crate) fn check_growth(call: &mut Call, text: &Vec<u8>, more: usize) -> Result<(), Error> {
    let length = text.len().saturating_add(more);
    if length > text.capacity() { call.check_memory(length.saturating_mul(2)) } else { Ok(()) }
}
