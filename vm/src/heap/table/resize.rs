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
///
/// # Safety
/// The table does not have the key, which is a valid one. `node` is one of the table's, and the key
/// is reachable there from its home.
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
    // SAFETY: table, key and value are alive, as the caller asserts, and the node is null or one of
    // the table's. The table does not have the key: a node is inserted only if `append` has not
    // stored it.
    unsafe {
        if !node.is_null() && hash::revive(table, node, key) {
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
    }
    Ok(())
}

/// # Safety
/// The table does not have the key.
unsafe fn insert(heap: &mut Heap, table: *mut Table, key: Value, value: Value) -> bool {
    heap.moved(table);
    let mut moved = ptr::null_mut();
    // SAFETY: table, key and value are alive, as the caller asserts, and the table does not have
    // the key.
    let inserted = unsafe { hash::insert(table, key, value, &mut moved) };
    if !moved.is_null() {
        // It may have moved to a position that an incremental scan has already passed.
        // SAFETY: the node is one of the table's, and has a value, so its key is alive.
        unsafe {
            heap.barrier_back(table, (*moved).key);
            heap.barrier_back(table, (*moved).value);
        }
    }
    inserted
}

/// The array slot of a key, if it has one.
unsafe fn slot_of(table: *mut Table, key: Value) -> Option<*mut Value> {
    let integer = array_key(key)?;
    // SAFETY: the table is alive, as the caller asserts, and has a slot for an index up to
    // `array_size` (PARTS).
    unsafe { (integer <= (*table).array_size as usize).then(|| (*table).array.add(integer)) }
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
    // SAFETY: the table is alive, as the caller asserts.
    let slots = unsafe { (*table).array_size as usize };
    if array_key(key) != Some(slots + 1) {
        return Ok(false);
    }
    // SAFETY: the table has these slots (PARTS).
    let is_used = |&index: &usize| unsafe { !(*(*table).array.add(index)).is_nil() };
    let used = (1..=slots).filter(is_used).count();
    let size = array::round_up(MIN_SLOTS.max(2 * slots));
    if 2 * used < slots || size > MAX_SLOTS {
        return Ok(false);
    }
    // SAFETY: the new size is within the limit and more than `slots`: `round_up` only makes it
    // larger.
    unsafe {
        grow_array(heap, table, size)?;
        *(*table).array.add(slots + 1) = value;
    }
    Ok(true)
}

/// Lets the array part reach to the key `last`, if it may be that large: a list will be stored
/// there.
///
/// # Safety
/// The array part does not hold the key `last`.
pub(super) unsafe fn extend(
    heap: &mut Heap,
    table: *mut Table,
    last: usize,
) -> Result<(), KeyError> {
    let size = array::round_up(last);
    if size > MAX_SLOTS {
        return Ok(());
    }
    // SAFETY: the table is alive, and `size` is at least `last`, so it is more than the table has,
    // as the caller asserts, and within the limit.
    unsafe { grow_array(heap, table, size) }
}

/// Gives the array part more slots. Keys that belong there now move over from the hash part (ONE
/// PLACE).
///
/// # Safety
/// `size` is more than the array part has, and at most [`MAX_SLOTS`].
unsafe fn grow_array(heap: &mut Heap, table: *mut Table, size: usize) -> Result<(), KeyError> {
    // SAFETY: the table is alive, as the caller asserts. No values are beyond the new size, which
    // is larger, and the keys that now belong to the array part move over here. The nodes are those
    // that the table has (PARTS).
    unsafe {
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
    }
    Ok(())
}

/// Moves a node's value to the array part if its key belongs there now.
///
/// # Safety
/// The node is null or one of the table's.
unsafe fn take_from_hash(table: *mut Table, node: *mut Node) {
    // SAFETY: the table is alive, and the node is null or one of its nodes, as the caller asserts.
    unsafe {
        if !node.is_null()
            && !(*node).value.is_nil()
            && let Some(slot) = slot_of(table, (*node).key)
        {
            *slot = (*node).value;
            (*node).value = Value::NIL;
        }
    }
}

/// Gives the array part `slots` slots. Values beyond them must have been moved already, keys that
/// now belong to it must still be.
///
/// # Safety
/// `slots` is at most [`MAX_SLOTS`]. The caller calls [`Heap::table_resized`] before the next
/// safepoint.
unsafe fn set_array_size(heap: &mut Heap, table: *mut Table, slots: usize) -> Result<(), KeyError> {
    // SAFETY: the table is alive, as the caller asserts.
    let old_slots = unsafe { (*table).array_size as usize };
    if slots == old_slots {
        return Ok(());
    }
    // SAFETY: as above.
    let old = unsafe { (*table).array };
    let old_size = array::payload_size(old_slots);
    let size = array::payload_size(slots);
    // SAFETY: with slots, there is a first one (PARTS).
    let is_payload = old_slots > 0 && unsafe { !heap.is_coallocated(table, old.add(1)) };
    let array = if is_payload && slots > old_slots {
        // SAFETY: the old array part is a payload of this size (PARTS), smaller than the new one,
        // and is replaced below.
        unsafe { heap.grow_payload(old as *mut u8, old_size, size)? as *mut Value }
    } else {
        let array = match slots {
            0 => ptr::dangling_mut(),
            // Shrinking must not fail.
            _ if slots < old_slots => heap.allocate_payload(size) as *mut Value,
            _ => heap.try_allocate_payload(size)? as *mut Value,
        };
        if slots > 0 {
            // SAFETY: the new payload has room for a word and `slots` slots; as many are copied as
            // both have.
            unsafe {
                *array = Value(0);
                ptr::copy_nonoverlapping(old.wrapping_add(1), array.add(1), slots.min(old_slots));
            }
        }
        if is_payload {
            // SAFETY: the old array part is a payload of this size (PARTS), and is replaced below.
            unsafe { heap.free_payload(old as *mut u8, old_size) };
        }
        array
    };
    for index in old_slots + 1..=slots {
        // SAFETY: the new array part has `slots` slots.
        unsafe { *array.add(index) = Value::NIL };
    }
    // SAFETY: the table is alive, as the caller asserts. All slots are initialised.
    unsafe {
        (*table).array = array;
        (*table).array_size = slots as u32;
    }
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
    // SAFETY: the table is alive, as the caller asserts.
    let old_nodes = unsafe { hash::node_count(table) };
    for index in 0..old_nodes {
        // SAFETY: the table has these nodes (PARTS).
        unsafe {
            let node = (*table).nodes.add(index);
            if !(*node).value.is_nil() {
                census.count((*node).key);
            }
        }
    }
    // SAFETY: the table is alive, as the caller asserts.
    let old_slots = unsafe { (*table).array_size as usize };
    // Without such keys outside the array part, its size is as good as it was.
    let (slots, in_nodes) = if census.has_array_keys() {
        let mut log2 = 0;
        for index in 1..=old_slots {
            while index > 1 << log2 {
                log2 += 1;
            }
            // SAFETY: the table has these slots (PARTS).
            if unsafe { !(*(*table).array.add(index)).is_nil() } {
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
    // SAFETY: the table is alive. The array keys that were counted are those that an array part of
    // `slots` slots can hold, and the hash part has a node for each of the others.
    unsafe { resize(heap, table, slots, nodes) }
}

/// Gives both parts new sizes, in which all keys have room.
///
/// # Safety
/// `slots` is at most [`MAX_SLOTS`], `nodes` is 0 or a power of two, and all keys have room.
unsafe fn resize(
    heap: &mut Heap,
    table: *mut Table,
    slots: usize,
    nodes: usize,
) -> Result<(), KeyError> {
    if nodes > 1 << MAX_LOG2 {
        return Err(KeyError::Overflow);
    }
    // SAFETY: the table is alive, as the caller asserts.
    let (old_slots, old_nodes, old_count) =
        unsafe { ((*table).array_size as usize, (*table).nodes, hash::node_count(table)) };
    // Whatever can fail comes first.
    let new_nodes = if nodes == 0 {
        hash::empty()
    } else {
        heap.try_allocate_payload(hash::payload_size(nodes))? as *mut Node
    };
    if slots > old_slots
        // SAFETY: the table is alive, and no values are beyond the new size, which is larger.
        && let Err(error) = unsafe { set_array_size(heap, table, slots) }
    {
        if nodes > 0 {
            // SAFETY: it was allocated above in this size, and the table does not have it yet.
            unsafe { heap.free_payload(new_nodes as *mut u8, hash::payload_size(nodes)) };
        }
        return Err(error);
    }
    if nodes > 0 {
        // SAFETY: the payload has room for as many.
        unsafe { hash::clear(new_nodes, nodes) };
    }
    heap.moved(table);
    // SAFETY: the table is alive; the nodes are initialised, or there are none.
    unsafe {
        (*table).nodes = new_nodes;
        (*table).shift = ONE_NODE - nodes.max(1).trailing_zeros() as u8;
    }
    // SAFETY: the table is alive. Its parts are those of the new sizes, or the array part is still
    // larger. Key and value were in the table, and neither part of it has the key yet.
    let put = |key: Value, value: Value| unsafe {
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
        // SAFETY: the array part still has its old slots.
        let value = unsafe { *(*table).array.add(index) };
        if !value.is_nil() {
            put(Value::number(index as f64), value);
        }
    }
    for index in (0..old_count).rev() {
        // SAFETY: the old nodes exist until they are freed below.
        unsafe {
            let node = old_nodes.add(index);
            if !(*node).value.is_nil() {
                put((*node).key, (*node).value);
            }
        }
    }
    if old_count > 0 && !heap.is_coallocated(table, old_nodes) {
        // SAFETY: nodes outside the table's cell are a payload of this size (PARTS), which the
        // table does not have any more.
        unsafe { heap.free_payload(old_nodes as *mut u8, hash::payload_size(old_count)) };
    }
    // SAFETY: the table is alive, and the values beyond the new slots have been moved.
    unsafe {
        let shrunk = if slots < old_slots { set_array_size(heap, table, slots) } else { Ok(()) };
        heap.table_resized(table);
        shrunk
    }
}
