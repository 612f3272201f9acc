//! The array part: a slot for each of the keys 1..=`array_size`, nil where there is no value.
//!
//! It is in the table's own cell, if it was created with the table and is small, or is a payload. A
//! payload has one word before its first slot (so key i is word i): the border that was found last.
//! Programs that append with `t[#t + 1] = x` then find it at once, where bisecting would cause a
//! cache miss for each of many steps.
//!
//! Invariant (HINT): the word is less than `array_size`. It need not be a border any more. An array
//! part of more than [`MAX_OWN_SLOTS`] slots is a payload, so it has this word.

use super::KeyError;
use crate::heap::gc::{Heap, MAX_CELL, cell_size};
use crate::layout::object::Table;
use crate::layout::value::Value;
use std::ptr;

/// The most slots that an array part may have.
pub(crate) const MAX_SLOTS: usize = 1 << 28;
/// The most slots that a table's own cell may have.
pub(crate) const MAX_OWN_SLOTS: usize = 16;

/// The bytes of an array part that is a payload.
pub(crate) fn payload_size(slots: usize) -> usize {
    8 * (slots + 1)
}

/// The most slots that fit where `slots` do: the rest of a cell need not be wasted.
pub(super) fn round_up(slots: usize) -> usize {
    match payload_size(slots) {
        size if size <= MAX_CELL && slots > 0 => cell_size(size) / 8 - 1,
        _ => slots,
    }
}

/// Whether a key's place is in the array part.
#[inline(always)]
pub(super) unsafe fn holds(table: *const Table, key: i64) -> bool {
    // SAFETY: the table is alive, as the caller asserts.
    unsafe { (key as u64).wrapping_sub(1) < (*table).array_size as u64 }
}

/// A border within the array part.
///
/// # Safety
/// The table is alive. Its array part has a last slot, with nil in it.
#[inline(always)]
pub(crate) unsafe fn border(table: *const Table) -> u64 {
    // SAFETY: the table is alive, as the caller asserts.
    let (array, size) = unsafe { ((*table).array, (*table).array_size as usize) };
    // SAFETY: no index is more than `size`, so each is 0 or has a slot (PARTS): the hint is less
    // (HINT), and so is an index that has a value, since there is nil at `size`.
    let is_value = |index: usize| index == 0 || unsafe { !(*array.add(index)).is_nil() };
    // Below: 0 or a value at `low`, nil at `high`.
    let (mut low, mut high) = (0, size);
    let has_hint = size > MAX_OWN_SLOTS;
    if has_hint {
        // SAFETY: an array part with a hint has a word for it (HINT).
        let hint = unsafe { (*array).0 as usize };
        debug_assert!(hint < size);
        if is_value(hint) {
            low = hint;
            if !is_value(low + 1) {
                return low as u64;
            }
            low += 1;
            if !is_value(low + 1) {
                high = low + 1;
            }
        } else {
            high = hint;
            if is_value(high - 1) {
                low = high - 1;
            }
        }
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_value(middle) { low = middle } else { high = middle }
    }
    if has_hint {
        // SAFETY: as above; `low` is less than `size`.
        unsafe { *array = Value(low as u64) };
    }
    low as u64
}

/// Moves the values of `position..=length` up by one and stores `value` at `position`, as
/// `table.insert` does.
///
/// # Errors
/// The table cannot grow; it is as before then.
///
/// # Safety
/// Table and value are alive and belong to `heap`. `1 <= position <= length + 1`.
pub(crate) unsafe fn insert(
    heap: &mut Heap,
    table: *mut Table,
    position: u64,
    length: u64,
    value: Value,
) -> Result<(), KeyError> {
    // SAFETY: table and value are alive, as the caller asserts, and so are the values of the table.
    // If the array part holds the key `length`, it also holds those from `position`, which is not
    // 0, on (PARTS), and `length - position` slots are moved up to at most `length`.
    unsafe {
        if position > length {
            return super::set_integer(heap, table, position as i64, value);
        }
        let last = super::get_integer(table, length as i64);
        super::set_integer(heap, table, length as i64 + 1, last)?;
        if length <= (*table).array_size as u64 {
            let slot = (*table).array.add(position as usize);
            ptr::copy(slot, slot.add(1), (length - position) as usize);
            heap.array_moved(table, 0);
        } else {
            for index in (position..length).rev() {
                let moved = super::get_integer(table, index as i64);
                super::set_integer(heap, table, index as i64 + 1, moved)?;
            }
        }
        super::set_integer(heap, table, position as i64, value)
    }
}

/// Takes the value at `position` out and moves those of `position + 1..=length` down by one, as
/// `table.remove` does.
///
/// # Errors
/// The table cannot grow, which it has to only if some of the values are nil.
///
/// # Safety
/// The table is alive and belongs to `heap`. `1 <= position <= length`.
pub(crate) unsafe fn remove(
    heap: &mut Heap,
    table: *mut Table,
    position: u64,
    length: u64,
) -> Result<Value, KeyError> {
    // SAFETY: the table is alive, as the caller asserts, and so are its values. If the array part
    // holds the key `length`, it also holds those from `position`, which is not 0, on (PARTS), and
    // the slots after `position` up to `length` are moved down.
    unsafe {
        let value = super::get_integer(table, position as i64);
        if length <= (*table).array_size as u64 {
            let slot = (*table).array.add(position as usize);
            ptr::copy(slot.add(1), slot, (length - position) as usize);
            heap.array_moved(table, 1);
        } else {
            for index in position..length {
                let moved = super::get_integer(table, index as i64 + 1);
                super::set_integer(heap, table, index as i64, moved)?;
            }
        }
        super::set_integer(heap, table, length as i64, Value::NIL)?;
        Ok(value)
    }
}
