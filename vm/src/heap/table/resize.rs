//! New keys, and the sizes of a table's parts.
//!
//! A key just beyond the array part makes that grow, if more than half of it is in use. Any other
//! new key takes a node; if none is free, the keys are counted and both parts get new sizes: the
//! array part the largest power of two of which more than half would be in use, the hash part what
//! the other keys need. So tables also shrink, when a key is added.

use super::array::{self, MAX_SLOTS};
use super::hash::{self, MAX_LOG2, ONE_NODE};
use super::{KeyError, to_integer};
use crate::account::OutOfMemory;
use crate::heap::gc::Heap;
use crate::layout::object::{Node, Table};
use crate::layout::value::Value;
use std::ptr;

/// An array part that grows by appending has at least this many slots.
const MIN_SLOTS: usize = 4;
/// A hash part of this many nodes or more is not rebuilt in the same size unless a quarter becomes
/// free: keys that come and go in a nearly full table shall not have it rebuilt each time.
const SLACK_FROM: usize = 8;

impl From<OutOfMemory> for KeyError {
    fn from(_: OutOfMemory) -> KeyError {
        KeyError::Memory
    }
}

/// Stores under a key that the table does not have. `node` is null, or the dead node that bears the
/// key.
#[cold]
#[inline(never)]
pub(super) unsafe fn set_new(
    heap: &mut Heap,
    table: *mut Table,
    node: *mut Node,
    key: Value,
    value: Value,
) -> Result<(), KeyError> {
    if value.is_nil() {
        return Ok(());
    }
    if !node.is_null() {
        (*node).value = value;
    } else if !append(heap, table, key, value)? && !insert(heap, table, key, value) {
        rehash(heap, table, key)?;
        match slot_of(table, key) {
            Some(slot) => *slot = value,
            None => {
                let inserted = insert(heap, table, key, value);
                debug_assert!(inserted, "a rehash makes room for its key");
            }
        }
    }
    (*table).absent = 0;
    heap.barrier_back(table, key);
    heap.barrier_back(table, value);
    Ok(())
}

unsafe fn insert(heap: &mut Heap, table: *mut Table, key: Value, value: Value) -> bool {
    let mut moved = ptr::null_mut();
    let inserted = hash::insert(table, key, value, &mut moved);
    if !moved.is_null() {
        // It may have moved to a position that an incremental scan has already passed.
        heap.barrier_back(table, (*moved).key);
        heap.barrier_back(table, (*moved).value);
    }
    inserted
}

/// The array slot of a key, if it has one.
unsafe fn slot_of(table: *mut Table, key: Value) -> Option<*mut Value> {
    let integer = array_key(key)?;
    (integer <= (*table).array_size as usize).then(|| (*table).array.add(integer))
}

/// The key as an index, if an array part may have it.
fn array_key(key: Value) -> Option<usize> {
    let integer = to_integer(key.is_number().then(|| key.as_f64())?)?;
    usize::try_from(integer).ok().filter(|integer| (1..=MAX_SLOTS).contains(integer))
}

/// Grows the array part for the key just beyond it, if it is dense.
unsafe fn append(
    heap: &mut Heap,
    table: *mut Table,
    key: Value,
    value: Value,
) -> Result<bool, KeyError> {
    let slots = (*table).array_size as usize;
    if array_key(key) != Some(slots + 1) {
        return Ok(false);
    }
    let used = (1..=slots).filter(|&index| !(*(*table).array.add(index)).is_nil()).count();
    let size = array::round_up(MIN_SLOTS.max(2 * slots));
    if 2 * used < slots || size > MAX_SLOTS {
        return Ok(false);
    }
    grow_array(heap, table, size)?;
    *(*table).array.add(slots + 1) = value;
    Ok(true)
}

/// Lets the array part reach to the key `last`, if it may be that large: a list will be stored
/// there.
pub(super) unsafe fn extend(
    heap: &mut Heap,
    table: *mut Table,
    last: usize,
) -> Result<(), KeyError> {
    let size = array::round_up(last);
    if size > MAX_SLOTS { Ok(()) } else { grow_array(heap, table, size) }
}

/// Gives the array part more slots. Keys that belong there now move over from the hash part (ONE
/// PLACE).
unsafe fn grow_array(heap: &mut Heap, table: *mut Table, size: usize) -> Result<(), KeyError> {
    let old = (*table).array_size as usize;
    set_array_size(heap, table, size)?;
    let nodes = hash::node_count(table);
    if nodes > size {
        for index in old + 1..=size {
            take_from_hash(table, hash::find_bits(table, Value::number(index as f64)));
        }
    } else {
        for index in 0..nodes {
            take_from_hash(table, (*table).nodes.add(index));
        }
    }
    heap.table_resized(table);
    Ok(())
}

/// Moves a node's value to the array part if its key belongs there now.
unsafe fn take_from_hash(table: *mut Table, node: *mut Node) {
    if !node.is_null()
        && !(*node).value.is_nil()
        && let Some(slot) = slot_of(table, (*node).key)
    {
        *slot = (*node).value;
        (*node).value = Value::NIL;
    }
}

/// Gives the array part `slots` slots. Values beyond them must have been moved already, keys that
/// now belong to it must still be.
unsafe fn set_array_size(heap: &mut Heap, table: *mut Table, slots: usize) -> Result<(), KeyError> {
    let old_slots = (*table).array_size as usize;
    if slots == old_slots {
        return Ok(());
    }
    let old = (*table).array;
    let old_size = array::payload_size(old_slots);
    let size = array::payload_size(slots);
    let is_payload = old_slots > 0 && !heap.is_coallocated(table, old.add(1));
    let array = if is_payload && slots > old_slots {
        heap.grow_payload(old as *mut u8, old_size, size)? as *mut Value
    } else {
        let array = match slots {
            0 => ptr::dangling_mut(),
            // Shrinking must not fail.
            _ if slots < old_slots => heap.allocate_payload(size) as *mut Value,
            _ => heap.try_allocate_payload(size)? as *mut Value,
        };
        if slots > 0 {
            *array = Value(0);
            ptr::copy_nonoverlapping(old.wrapping_add(1), array.add(1), slots.min(old_slots));
        }
        if is_payload {
            heap.free_payload(old as *mut u8, old_size);
        }
        array
    };
    for index in old_slots + 1..=slots {
        *array.add(index) = Value::NIL;
    }
    (*table).array = array;
    (*table).array_size = slots as u32;
    Ok(())
}

/// How many keys there are, and how many of them an array part could have, by size.
struct Census {
    total: usize,
    /// The number of array keys k with `2^(i-1) < k <= 2^i`.
    array_keys: [u32; 30],
}

impl Census {
    fn count(&mut self, key: Value) {
        self.total += 1;
        if let Some(index) = array_key(key) {
            self.array_keys[index.next_power_of_two().trailing_zeros() as usize] += 1;
        }
    }

    fn has_array_keys(&self) -> bool {
        self.array_keys.iter().any(|&count| count > 0)
    }

    /// The best size of the array part, and the number of keys that would be in it.
    fn array_size(&self) -> (usize, usize) {
        let (mut size, mut in_array) = (0, 0);
        let mut up_to = 0;
        for (log2, &count) in self.array_keys.iter().enumerate() {
            up_to += count as usize;
            if up_to > (1 << log2) / 2 {
                (size, in_array) = (1 << log2, up_to);
            }
        }
        (size, in_array)
    }
}

/// Makes room for a new key.
unsafe fn rehash(heap: &mut Heap, table: *mut Table, key: Value) -> Result<(), KeyError> {
    let mut census = Census { total: 0, array_keys: [0; 30] };
    census.count(key);
    let old_nodes = hash::node_count(table);
    for index in 0..old_nodes {
        let node = (*table).nodes.add(index);
        if !(*node).value.is_nil() {
            census.count((*node).key);
        }
    }
    let old_slots = (*table).array_size as usize;
    // Without such keys outside the array part, its size is as good as it was.
    let (slots, in_nodes) = if census.has_array_keys() {
        let mut log2 = 0;
        for index in 1..=old_slots {
            while index > 1 << log2 {
                log2 += 1;
            }
            if !(*(*table).array.add(index)).is_nil() {
                census.array_keys[log2] += 1;
                census.total += 1;
            }
        }
        let (size, in_array) = census.array_size();
        let rounded = array::round_up(size);
        (
            if (size..=rounded).contains(&old_slots) { old_slots } else { rounded },
            census.total - in_array,
        )
    } else {
        (old_slots, census.total)
    };
    let mut nodes = if in_nodes == 0 { 0 } else { in_nodes.next_power_of_two() };
    if nodes == old_nodes && nodes >= SLACK_FROM && in_nodes > nodes / 4 * 3 {
        nodes *= 2;
    }
    resize(heap, table, slots, nodes)
}

/// Gives both parts new sizes, in which all keys have room.
unsafe fn resize(
    heap: &mut Heap,
    table: *mut Table,
    slots: usize,
    nodes: usize,
) -> Result<(), KeyError> {
    if nodes > 1 << MAX_LOG2 {
        return Err(KeyError::Overflow);
    }
    let old_slots = (*table).array_size as usize;
    let old_nodes = (*table).nodes;
    let old_count = hash::node_count(table);
    // Whatever can fail comes first.
    let new_nodes = if nodes == 0 {
        hash::empty()
    } else {
        heap.try_allocate_payload(hash::payload_size(nodes))? as *mut Node
    };
    if slots > old_slots
        && let Err(error) = set_array_size(heap, table, slots)
    {
        if nodes > 0 {
            heap.free_payload(new_nodes as *mut u8, hash::payload_size(nodes));
        }
        return Err(error);
    }
    if nodes > 0 {
        hash::clear(new_nodes, nodes);
    }
    (*table).nodes = new_nodes;
    (*table).shift = ONE_NODE - nodes.max(1).trailing_zeros() as u8;
    let put = |key: Value, value: Value| {
        if let Some(slot) =
            slot_of(table, key).filter(|_| array_key(key).is_some_and(|index| index <= slots))
        {
            *slot = value;
        } else {
            let inserted = hash::insert(table, key, value, &mut ptr::null_mut());
            debug_assert!(inserted, "the hash part has room for every key");
        }
    };
    for index in slots + 1..=old_slots {
        let value = *(*table).array.add(index);
        if !value.is_nil() {
            put(Value::number(index as f64), value);
        }
    }
    for index in (0..old_count).rev() {
        let node = old_nodes.add(index);
        if !(*node).value.is_nil() {
            put((*node).key, (*node).value);
        }
    }
    if old_count > 0 && !heap.is_coallocated(table, old_nodes) {
        heap.free_payload(old_nodes as *mut u8, hash::payload_size(old_count));
    }
    let shrunk = if slots < old_slots { set_array_size(heap, table, slots) } else { Ok(()) };
    heap.table_resized(table);
    shrunk
}
