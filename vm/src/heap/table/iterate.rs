//! Traversal, in the order of positions: first the array part's slots, then the nodes.
//!
//! A traversal may store into existing fields, nil included: neither moves a node.

use super::{array, hash, to_integer};
use crate::layout::object::Table;
use crate::layout::value::Value;

/// A key given to `next` is not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidKey;

/// The first entry at or after a position, and the position to continue from.
///
/// # Safety
/// The table is alive.
#[inline(always)]
pub(crate) unsafe fn next_from(table: *const Table, position: u64) -> Option<(u64, Value, Value)> {
    // SAFETY: the table is alive, as the caller asserts. Positions up to the number of slots are
    // those of slots, the following ones those of nodes (PARTS).
    unsafe {
        let slots = (*table).array_size as u64;
        let mut position = position;
        while position < slots {
            position += 1;
            let value = *(*table).array.add(position as usize);
            if !value.is_nil() {
                return Some((position, Value::arithmetic(position as f64), value));
            }
        }
        let nodes = hash::node_count(table) as u64;
        while position - slots < nodes {
            let node = (*table).nodes.add((position - slots) as usize);
            position += 1;
            if !(*node).value.is_nil() {
                return Some((position, (*node).key, (*node).value));
            }
        }
        None
    }
}

/// The key of the entry before a position, nil at the beginning. None if that entry has been
/// removed.
///
/// # Safety
/// The table is alive.
pub(crate) unsafe fn key_before(table: *const Table, position: u64) -> Option<Value> {
    // SAFETY: the table is alive, as the caller asserts.
    let slots = u64::from(unsafe { (*table).array_size });
    let Some(before) = position.checked_sub(1) else { return Some(Value::NIL) };
    if before < slots {
        return Some(Value::number(position as f64));
    }
    // SAFETY: the table is alive, as the caller asserts, and has the node if the check succeeds
    // (PARTS).
    unsafe {
        if before - slots >= hash::node_count(table) as u64 {
            return None;
        }
        let node = (*table).nodes.add((before - slots) as usize);
        (!(*node).value.is_nil()).then_some((*node).key)
    }
}

/// How many positions there are: a traversal takes time in proportion to them.
///
/// # Safety
/// The table is alive.
pub(crate) unsafe fn positions(table: *const Table) -> u64 {
    // SAFETY: the table is alive, as the caller asserts.
    unsafe { u64::from((*table).array_size) + hash::node_count(table) as u64 }
}

/// What [`next`] has found.
#[derive(PartialEq, Eq)]
pub(crate) struct Next {
    /// A key and its value; None at the end.
    pub(crate) entry: Option<(Value, Value)>,
    /// How many positions it took to get there.
    pub(crate) passed: u64,
}

/// The entry after a key; the first one after nil.
///
/// # Errors
/// The key is not in the table.
///
/// # Safety
/// Table and key are alive.
pub(crate) unsafe fn next(table: *const Table, key: Value) -> Result<Next, InvalidKey> {
    // SAFETY: table and key are alive, as the caller asserts.
    unsafe {
        let position = position_after(table, key)?;
        Ok(match next_from(table, position) {
            Some((end, key, value)) => Next { entry: Some((key, value)), passed: end - position },
            None => Next { entry: None, passed: positions(table) - position },
        })
    }
}

unsafe fn position_after(table: *const Table, key: Value) -> Result<u64, InvalidKey> {
    if key.is_nil() {
        return Ok(0);
    }
    // SAFETY: table and key are alive, as the caller asserts.
    let node = unsafe {
        if let Some(string) = key.to_string() {
            hash::find_string(table, string)
        } else if key.is_number()
            && let Some(integer) = to_integer(key.as_f64())
        {
            if array::holds(table, integer) {
                return Ok(integer as u64);
            }
            hash::find_bits(table, Value::number(integer as f64))
        } else {
            hash::find_bits(table, key)
        }
    };
    if node.is_null() {
        return Err(InvalidKey);
    }
    // SAFETY: the node that was found is one of the table's.
    Ok(unsafe { (*table).array_size as u64 + node.offset_from((*table).nodes) as u64 + 1 })
}
