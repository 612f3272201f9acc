//! The array part: a slot for each of the keys 1..=`array_size`, nil where there is no value.

use super::KeyError;
use crate::gc::Heap;
use crate::object::Table;
use crate::value::Value;
use std::ptr;

/// The most slots that an array part may have.
pub(crate) const MAX_SLOTS: usize = 1 << 28;

/// The bytes of an array part.
pub(crate) fn payload_size(slots: usize) -> usize {
    8 * slots
}

/// Whether a key's place is in the array part.
#[inline(always)]
pub(super) unsafe fn holds(table: *const Table, key: i64) -> bool {
    (key as u64).wrapping_sub(1) < (*table).array_size as u64
}

/// A border within the array part, whose last slot is nil.
pub(super) unsafe fn border(table: *const Table) -> u64 {
    let (mut low, mut high) = (0, (*table).array_size as usize);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if (*(*table).array.add(middle)).is_nil() { high = middle } else { low = middle }
    }
    low as u64
}

/// Moves the values of `position..=length` up by one and stores `value` at `position`, as `table.insert` does.
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
    if position > length {
        return super::set_integer(heap, table, position as i64, value);
    }
    let last = super::get_integer(table, length as i64);
    super::set_integer(heap, table, length as i64 + 1, last)?;
    if length <= (*table).array_size as u64 {
        let slot = (*table).array.add(position as usize);
        ptr::copy(slot, slot.add(1), (length - position) as usize);
    } else {
        for index in (position..length).rev() {
            let moved = super::get_integer(table, index as i64);
            super::set_integer(heap, table, index as i64 + 1, moved)?;
        }
    }
    super::set_integer(heap, table, position as i64, value)
}

/// Takes the value at `position` out and moves those of `position + 1..=length` down by one, as `table.remove` does.
///
/// # Errors
/// The table cannot grow, which it has to only if some of the values are nil.
///
/// # Safety
/// The table is alive and belongs to `heap`. `1 <= position <= length`.
pub(crate) unsafe fn remove(heap: &mut Heap, table: *mut Table, position: u64, length: u64) -> Result<Value, KeyError> {
    let value = super::get_integer(table, position as i64);
    if length <= (*table).array_size as u64 {
        let slot = (*table).array.add(position as usize);
        ptr::copy(slot.add(1), slot, (length - position) as usize);
        heap.array_moved_down(table, 1);
    } else {
        for index in position..length {
            let moved = super::get_integer(table, index as i64 + 1);
            super::set_integer(heap, table, index as i64, moved)?;
        }
    }
    super::set_integer(heap, table, length as i64, Value::NIL)?;
    Ok(value)
}
