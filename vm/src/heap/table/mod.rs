//! Tables: what `t[k]` means without metamethods.
//!
//! A table has an array part for the keys 1..=`array_size` ([`mod@array`]) and a hash part for the
//! others ([`hash`]). Invariant (ONE PLACE): an integral key from 1 to `array_size` is never in the
//! hash part. How large the parts are is decided when a new key finds no room ([`resize`]).
//!
//! -0 and 0 are one key. Nil and NaN are not valid keys: reading them returns nil, storing is an
//! error. Storing nil removes.
//!
//! Invariant (PARTS): the words `array[1]` to `array[array_size]` and the nodes 0 to `node_count -
//! 1` exist and are initialised, each part in the table's cell or in a payload of exactly this
//! size; an array part in a payload also has `array[0]`. Without a hash part, node 0 is the empty
//! node, which may be read. `hash >> shift` is less than the number of nodes, or 0.
//!
//! # Safety
//! All `unsafe` functions of this module and its children expect that the tables, keys and values
//! that they are given are alive, as [`crate::heap::gc`] defines it, and belong to `heap` where
//! they take one. (To the collector, which reads tables too, not swept is enough.) Further
//! conditions are stated at each. Nothing else reads or writes a table while one of its functions
//! runs.

pub(crate) mod array;
pub(crate) mod hash;
pub(crate) mod iterate;
mod resize;
mod watch;

#[cfg(test)]
mod tests;

use crate::heap::gc::Heap;
use crate::layout::metamethod::Metamethod;
use crate::layout::object::{Kind, Str, Table};
use crate::layout::value::Value;
use crate::messages;
use crate::number::truncate;
pub(crate) use watch::Watched;

/// Why a value cannot be stored under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyError {
    /// The key is nil.
    Nil,
    /// The key is not a number.
    NaN,
    /// The table would have too many slots.
    Overflow,
    /// The table cannot grow within the memory limit; after a collection it may.
    Memory,
}

impl KeyError {
    /// Why no table can have a key.
    pub(crate) fn of(key: Value) -> Option<KeyError> {
        match key {
            _ if key.is_nil() => Some(KeyError::Nil),
            _ if key.is_number() && key.as_f64().is_nan() => Some(KeyError::NaN),
            _ => None,
        }
    }

    /// The message about it.
    pub(crate) fn message(self) -> &'static str {
        match self {
            KeyError::Nil => "table index is nil",
            KeyError::NaN => "table index is NaN",
            KeyError::Overflow => "table overflow",
            KeyError::Memory => messages::NOT_ENOUGH_MEMORY,
        }
    }
}

/// The integer that a number is equal to, if there is one.
#[inline(always)]
fn to_integer(number: f64) -> Option<i64> {
    let integer = truncate(number);
    (integer as f64 == number).then_some(integer)
}

/// The value of any key; nil if there is none.
///
/// # Safety
/// Table and key are alive.
#[inline]
pub(crate) unsafe fn get(table: *const Table, key: Value) -> Value {
    // SAFETY: table and key are alive, as the caller asserts; a node that was found exists.
    unsafe {
        if let Some(string) = key.to_string() {
            return get_string(table, string);
        }
        if key.is_number() {
            return match to_integer(key.as_f64()) {
                Some(integer) => get_integer(table, integer),
                None => hash::value_of(hash::find_bits(table, key)),
            };
        }
        hash::value_of(hash::find_bits(table, key))
    }
}

/// The value of a string key; nil if there is none.
///
/// # Safety
/// Table and string are alive.
#[inline(always)]
pub(crate) unsafe fn get_string(table: *const Table, string: *mut Str) -> Value {
    // SAFETY: table and string are alive, as the caller asserts; a node that was found exists.
    unsafe { hash::value_of(hash::find_string(table, string)) }
}

/// The value of an integer key; nil if there is none.
///
/// # Safety
/// The table is alive.
#[inline(always)]
pub(crate) unsafe fn get_integer(table: *const Table, key: i64) -> Value {
    // SAFETY: the table is alive, as the caller asserts. A key that the array part holds has a slot
    // (PARTS); a node that was found exists.
    unsafe {
        if array::holds(table, key) {
            *(*table).array.add(key as usize)
        } else {
            hash::value_of(hash::find_bits(table, Value::number(key as f64)))
        }
    }
}

/// Reads the values of `count` integer keys from `first` on.
///
/// # Safety
/// The table is alive. There is room for `count` values at `target`, outside the table.
pub(crate) unsafe fn get_list(table: *const Table, first: i64, target: *mut Value, count: usize) {
    // SAFETY: the table is alive, and `count` values have room at `target`, outside it, as the
    // caller asserts. If the first and the last key have slots, all of them have (PARTS).
    unsafe {
        if count > 0
            && array::holds(table, first)
            && array::holds(table, first.saturating_add_unsigned(count as u64 - 1))
        {
            return std::ptr::copy_nonoverlapping(
                (*table).array.add(first as usize),
                target,
                count,
            );
        }
        for i in 0..count {
            *target.add(i) = get_integer(table, first.wrapping_add_unsigned(i as u64));
        }
    }
}

/// Stores under any key, without metamethods.
///
/// # Errors
/// The key is nil or NaN, or the table cannot grow; it is as before then.
///
/// # Safety
/// Table, key and value are alive and belong to `heap`.
#[inline]
pub(crate) unsafe fn set(
    heap: &mut Heap,
    table: *mut Table,
    key: Value,
    value: Value,
) -> Result<(), KeyError> {
    if let Some(string) = key.to_string() {
        // SAFETY: table, key and value are alive, as the caller asserts.
        return unsafe { set_string(heap, table, string, value) };
    }
    if key.is_number()
        && let Some(integer) = to_integer(key.as_f64())
    {
        // SAFETY: as above.
        return unsafe { set_integer(heap, table, integer, value) };
    }
    if let Some(error) = KeyError::of(key) {
        return Err(error);
    }
    // SAFETY: as above. The node is the one of the key, which is neither nil, NaN nor an integer.
    unsafe { set_node(heap, table, hash::find_bits(table, key), key, value) }
}

/// Stores under a string key, without metamethods.
///
/// # Errors
/// The table cannot grow; it is as before then.
///
/// # Safety
/// Table, key and value are alive and belong to `heap`.
#[inline]
pub(crate) unsafe fn set_string(
    heap: &mut Heap,
    table: *mut Table,
    string: *mut Str,
    value: Value,
) -> Result<(), KeyError> {
    // SAFETY: table, key and value are alive, as the caller asserts. The node is the one of the
    // key.
    unsafe {
        set_node(heap, table, hash::find_string(table, string), Value::from_string(string), value)
    }
}

/// Stores under an integer key, without metamethods.
///
/// # Errors
/// The table cannot grow; it is as before then.
///
/// # Safety
/// Table and value are alive and belong to `heap`.
#[inline]
pub(crate) unsafe fn set_integer(
    heap: &mut Heap,
    table: *mut Table,
    key: i64,
    value: Value,
) -> Result<(), KeyError> {
    // SAFETY: table and value are alive, as the caller asserts. A key that the array part holds has
    // a slot (PARTS); otherwise the node is the one of the key.
    unsafe {
        if array::holds(table, key) {
            *(*table).array.add(key as usize) = value;
            heap.barrier_back(table, value);
            return Ok(());
        }
        let key = Value::number(key as f64);
        set_node(heap, table, hash::find_bits(table, key), key, value)
    }
}

/// Stores `count` values under the integer keys from `first` on, without metamethods.
///
/// # Errors
/// The table cannot grow; some of the values may be stored then.
///
/// # Safety
/// Table and values are alive and belong to `heap`; the values are at `values`, outside the table.
/// `first` is not 0.
pub(crate) unsafe fn set_list(
    heap: &mut Heap,
    table: *mut Table,
    first: usize,
    values: *const Value,
    count: usize,
) -> Result<(), KeyError> {
    debug_assert!(first > 0);
    let last = first + count - 1;
    // SAFETY: the table and the values are alive, and there are `count` of them at `values`,
    // outside the table, as the caller asserts. `first` is not 0, so if the last key has a slot,
    // all of them have (PARTS).
    unsafe {
        if count > 1
            && last > (*table).array_size as usize
            && first <= (*table).array_size as usize + 1
        {
            resize::extend(heap, table, last)?;
        }
        if last <= (*table).array_size as usize {
            std::ptr::copy_nonoverlapping(values, (*table).array.wrapping_add(first), count);
            for i in 0..count {
                heap.barrier_back(table, *values.add(i));
            }
            return Ok(());
        }
        for i in 0..count {
            set_integer(heap, table, (first + i) as i64, *values.add(i))?;
        }
    }
    Ok(())
}

/// Stores into a node that was found for the key, or into a new one.
///
/// # Safety
/// The key is a valid one that the array part does not hold. `node` is null, or what a search for
/// the key has found.
#[inline(always)]
unsafe fn set_node(
    heap: &mut Heap,
    table: *mut Table,
    node: *mut crate::layout::object::Node,
    key: Value,
    value: Value,
) -> Result<(), KeyError> {
    // SAFETY: the node, if there is one, is the one of the key, as the caller asserts; table, key
    // and value are alive.
    unsafe {
        if !node.is_null() && !(*node).value.is_nil() {
            (*node).value = value;
            heap.barrier_back(table, value);
            return Ok(());
        }
        resize::set_new(heap, table, node, key, value)
    }
}

/// Replaces the metatable; null removes it.
///
/// # Safety
/// The table is alive, the metatable null or alive, and both belong to `heap`.
pub(crate) unsafe fn set_metatable(heap: &mut Heap, table: *mut Table, metatable: *mut Table) {
    heap.moved(table);
    // SAFETY: both are alive, as the caller asserts.
    unsafe {
        (*table).metatable = metatable;
        if !metatable.is_null() {
            heap.barrier_forward(table, Value::from_table(metatable));
        }
    }
}

/// The value of a metatable (null: none) for an event, whose name is `name`. The absence of the
/// first eight events is cached in the metatable until a key is created in it.
///
/// # Safety
/// The metatable is null or alive; `name` is alive, and short.
#[inline(always)]
pub(crate) unsafe fn metamethod(metatable: *mut Table, event: Metamethod, name: *mut Str) -> Value {
    // SAFETY: the metatable is null or alive and the name is a short string, as the caller asserts.
    unsafe {
        if metatable.is_null() || (event as u8) < 8 && (*metatable).absent & (1 << event as u8) != 0
        {
            return Value::NIL;
        }
        metamethod_lookup(metatable, event, name)
    }
}

/// As [`metamethod`], without the check for absence: for the fast paths of metamethods that
/// probably exist.
///
/// # Safety
/// The metatable is null or alive; `name` is alive, and short.
#[inline(always)]
pub(crate) unsafe fn operator(metatable: *mut Table, name: *mut Str) -> Value {
    // SAFETY: the metatable is null or alive and the name is a short string, as the caller asserts;
    // a node that was found exists.
    unsafe {
        if metatable.is_null() {
            Value::NIL
        } else {
            hash::value_of(hash::find_short_string(metatable, name))
        }
    }
}

/// # Safety
/// The name is short.
#[inline(never)]
unsafe fn metamethod_lookup(metatable: *mut Table, event: Metamethod, name: *mut Str) -> Value {
    // SAFETY: metatable and name are alive and the name is a short string, as the caller asserts; a
    // node that was found exists.
    unsafe {
        debug_assert!((*name).header.kind == Kind::ShortString);
        let value = hash::value_of(hash::find_short_string(metatable, name));
        if value.is_nil() && (event as u8) < 8 {
            (*metatable).absent |= 1 << event as u8;
        }
        value
    }
}

/// A border: an index n with `t[n]` not nil (or n = 0) and `t[n + 1]` nil. For a sequence it is the
/// length.
///
/// # Safety
/// The table is alive.
#[inline]
pub(crate) unsafe fn length(table: *const Table) -> u64 {
    // SAFETY: the table is alive, as the caller asserts. Slot `size` is the last one (PARTS), and
    // `border` is called if it is nil.
    unsafe {
        let size = (*table).array_size as u64;
        if size > 0 && (*(*table).array.add(size as usize)).is_nil() {
            return array::border(table);
        }
        if hash::node_count(table) == 0 { size } else { border_beyond(table, size) }
    }
}

/// A border at or after `low`, of which it is known to be 0 or the index of a value.
#[cold]
unsafe fn border_beyond(table: *const Table, mut low: u64) -> u64 {
    // SAFETY: the table is alive, as the caller asserts.
    unsafe {
        let mut high = low + 1;
        while !get_integer(table, high as i64).is_nil() {
            low = high;
            if high > 1 << 50 {
                // The table was built to mislead a doubling search.
                return (1..)
                    .take_while(|&index| !get_integer(table, index).is_nil())
                    .last()
                    .unwrap_or(0) as u64;
            }
            high *= 2;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if get_integer(table, middle as i64).is_nil() { high = middle } else { low = middle }
        }
        low
    }
}
