//! The hash part: nodes in chained scatter (Brent's variation).
//!
//! A key's home is the node numbered by the upper bits of its hash. A key that finds its home taken
//! goes to a free node, unless the one at its home is not at home itself, which then moves.
//!
//! Invariant (CHAINS): every key whose node has a value is reachable from its home along `next`.
//! All nodes of a chain are of the same hash part, and no chain is a cycle.
//!
//! Invariant (DEAD KEYS): the key of a node whose value is nil is compared with other keys by its
//! bits only and never followed: what it refers to may be gone. If its bits come to denote a new
//! object that is not a string, its hash is that of the bits, so the node is in a chain of that
//! object's home, and may be used for it. The hash of a string is not: see [`revive`].
//! Invariant (FREE NODES): a node that never had a key has a nil key, and none at or above `free`
//! of node 0 is free.

use crate::heap::string;
use crate::heap::string::hash::hash_word;
use crate::layout::object::{Kind, Node, Str, Table};
use crate::layout::value::Value;
use std::ptr::null_mut;

/// `Table::shift` of a single node, and without a hash part: every hash gives node 0.
pub(crate) const ONE_NODE: u8 = 32;
/// A hash part has at most `1 << MAX_LOG2` nodes, so that distances fit `Node::next`.
pub(crate) const MAX_LOG2: u32 = 26;

static EMPTY: Node = Node { key: Value::NIL, value: Value::NIL, next: 0, free: 0 };

/// The node of all tables without a hash part. It is never written to.
#[inline(always)]
pub(crate) fn empty() -> *mut Node {
    &raw const EMPTY as *mut Node
}

/// The bytes of a hash part.
pub(crate) fn payload_size(nodes: usize) -> usize {
    size_of::<Node>() * nodes
}

/// The size of a hash part for so many keys, as [`Heap::new_table`](crate::heap::gc::Heap) takes
/// it: 0, or the logarithm of the number of nodes, plus 1. It is a hint: what does not fit grows.
pub(crate) fn size_hint(keys: usize) -> u32 {
    match keys.min(1 << MAX_LOG2) {
        0 => 0,
        keys => keys.next_power_of_two().trailing_zeros() + 1,
    }
}

/// The number of nodes.
///
/// # Safety
/// The table is alive.
#[inline(always)]
pub(crate) unsafe fn node_count(table: *const Table) -> usize {
    // SAFETY: the table is alive, as the caller asserts.
    unsafe { if (*table).nodes == empty() { 0 } else { 1 << (ONE_NODE - (*table).shift) } }
}

/// Makes nodes free.
///
/// # Safety
/// `nodes` has room for `count`, which is not 0.
#[inline]
pub(crate) unsafe fn clear(nodes: *mut Node, count: usize) {
    // SAFETY: there is room for `count` nodes, at least one, as the caller asserts.
    unsafe {
        for index in 0..count {
            nodes.add(index).write(EMPTY);
        }
        (*nodes).free = count as u32;
    }
}

#[inline(always)]
unsafe fn home(table: *const Table, hash: u32) -> *mut Node {
    // SAFETY: the table is alive, as the caller asserts, and has a node of this number (PARTS).
    unsafe { (*table).nodes.add((hash as u64 >> (*table).shift) as usize) }
}

/// # Safety
/// The node is one of a table that is alive.
#[inline(always)]
unsafe fn next(node: *mut Node) -> *mut Node {
    // SAFETY: the node is one of a table, as the caller asserts, and so is the next one of its
    // chain (CHAINS).
    unsafe { if (*node).next == 0 { null_mut() } else { node.byte_offset((*node).next as isize) } }
}

/// The value of a node that was searched for; nil for null.
///
/// # Safety
/// The node is null, or one of a table that is alive.
#[inline(always)]
pub(super) unsafe fn value_of(node: *const Node) -> Value {
    // SAFETY: the node is null or one of a table, as the caller asserts.
    unsafe { if node.is_null() { Value::NIL } else { (*node).value } }
}

/// The hash of a key that is alive.
unsafe fn hash_of(key: Value) -> u32 {
    match key.to_string() {
        // SAFETY: the key is alive, as the caller asserts.
        Some(string) => unsafe { string::hash(string) },
        None => hash_word(key.0),
    }
}

/// The node of a key with this hash, dead or alive; null if there is none.
#[inline(always)]
unsafe fn find_in_chain(table: *const Table, key: Value, hash: u32) -> *mut Node {
    // SAFETY: the table is alive, as the caller asserts, and a chain has nodes of the table only
    // (CHAINS). The keys are compared by their bits.
    unsafe {
        let mut node = home(table, hash);
        while (*node).key != key {
            node = next(node);
            if node.is_null() {
                break;
            }
        }
        node
    }
}

/// The node of a key that is not a string and not -0, dead or alive; null if there is none.
#[inline(always)]
pub(super) unsafe fn find_bits(table: *const Table, key: Value) -> *mut Node {
    // SAFETY: the table is alive, as the caller asserts, and this is the hash of a key that is not
    // a string.
    unsafe { find_in_chain(table, key, hash_word(key.0)) }
}

/// The node of a short string, dead or alive; null if there is none.
///
/// # Safety
/// The string is short.
#[inline(always)]
pub(crate) unsafe fn find_short_string(table: *const Table, string: *mut Str) -> *mut Node {
    // SAFETY: table and string are alive, as the caller asserts, and a short string has its hash.
    unsafe { find_in_chain(table, Value::from_string(string), (*string).hash) }
}

/// The node of a string, dead or alive; null if there is none.
#[inline(always)]
pub(super) unsafe fn find_string(table: *const Table, string: *mut Str) -> *mut Node {
    // SAFETY: table and string are alive, as the caller asserts.
    unsafe {
        if (*string).header.kind == Kind::ShortString {
            find_short_string(table, string)
        } else {
            find_long_string(table, string)
        }
    }
}

/// # Safety
/// The string is long.
#[cold]
#[inline(never)]
unsafe fn find_long_string(table: *const Table, string: *mut Str) -> *mut Node {
    // SAFETY: table and string are alive, as the caller asserts, and a chain has nodes of the table
    // only (CHAINS). The key of a node that has a value is alive (REFERENCES of
    // [`crate::heap::gc`]).
    unsafe {
        let key = Value::from_string(string);
        let mut node = home(table, string::hash(string));
        let mut same = null_mut();
        while !node.is_null() {
            if (*node).key == key {
                same = node;
            }
            // DEAD KEYS: only a living key may be looked into.
            if !(*node).value.is_nil()
                && let Some(other) = (*node).key.to_string()
                && string::equal(string, other)
            {
                return node;
            }
            node = next(node);
        }
        same
    }
}

/// Takes a dead node, whose key has the bits of a living key, for that key. False if it cannot be
/// taken: a string may have got the address of a dead one with another hash, and in the node it
/// would be in a chain of another home, which may be cut before it.
///
/// # Safety
/// The node is one of the table's, its value is nil and its key has the bits of `key`.
pub(super) unsafe fn revive(table: *const Table, node: *mut Node, key: Value) -> bool {
    let Some(string) = key.to_string() else { return true };
    // SAFETY: table and key are alive, as the caller asserts, and the node is one of the table's.
    unsafe {
        let hash = string::hash(string);
        if node == home(table, hash) {
            note_hash(table, node, hash);
            return true;
        }
        node != (*table).nodes && (*node).free == hash
    }
}

/// Notes the hash of a node's key, for [`revive`]. Node 0 has no room for it.
///
/// # Safety
/// The node is one of the table's, which has nodes of its own.
#[inline(always)]
unsafe fn note_hash(table: *const Table, node: *mut Node, hash: u32) {
    // SAFETY: the node is one of the table's, as the caller asserts.
    unsafe {
        if node != (*table).nodes {
            (*node).free = hash;
        }
    }
}

/// Gives a key that is in no node one, and its value. False if there is none free. Returns the key
/// that was moved to another node through `moved`, if one was.
///
/// # Safety
/// The key is in no node with a value.
pub(super) unsafe fn insert(
    table: *mut Table,
    key: Value,
    value: Value,
    moved: &mut *mut Node,
) -> bool {
    // SAFETY: the table is alive, as the caller asserts, and has nodes of its own, or the first
    // check would have returned. The key at `main` has a value, where it is looked into, so it is
    // alive, and the search for the node before it ends there: it is reachable from its home, which
    // is another node (CHAINS).
    unsafe {
        if (*table).nodes == empty() {
            return false;
        }
        let hash = hash_of(key);
        let main = home(table, hash);
        if (*main).value.is_nil() {
            // Free or dead: the node stays in the chain that it may be part of.
            (*main).key = key;
            (*main).value = value;
            note_hash(table, main, hash);
            return true;
        }
        let free = take_free(table);
        if free.is_null() {
            return false;
        }
        let hash_of_other = hash_of((*main).key);
        let mut previous = home(table, hash_of_other);
        let (node, rest) = if previous == main {
            // The other key is at home: the new one goes to the free node, after it in the chain.
            (free, next(main))
        } else {
            // The other key moves to the free node, and the new one takes its home.
            while next(previous) != main {
                previous = next(previous);
            }
            (*free).key = (*main).key;
            (*free).value = (*main).value;
            note_hash(table, free, hash_of_other);
            link(free, next(main));
            link(previous, free);
            *moved = free;
            (main, null_mut())
        };
        if node == free {
            link(free, rest);
            link(main, free);
        } else {
            link(main, null_mut());
        }
        (*node).key = key;
        (*node).value = value;
        note_hash(table, node, hash);
        true
    }
}

/// Checks that every key with a value is found, and that its hash is noted.
///
/// # Safety
/// The table is alive.
pub(crate) unsafe fn verify(table: *const Table) {
    // SAFETY: the table is alive, as the caller asserts, and so is a key that has a value. A chain
    // has nodes of the table only (CHAINS).
    unsafe {
        for index in 0..node_count(table) {
            let node = (*table).nodes.add(index);
            if (*node).value.is_nil() {
                continue;
            }
            let hash = hash_of((*node).key);
            assert!(index == 0 || (*node).free == hash, "a node has the hash of another key");
            let mut at = home(table, hash);
            while at != node {
                at = next(at);
                assert!(!at.is_null(), "a key is not reachable from its home");
            }
        }
    }
}

/// # Safety
/// Both are nodes of one hash part; `next` may be null.
unsafe fn link(node: *mut Node, next: *mut Node) {
    // SAFETY: the node is one of a table, as the caller asserts.
    unsafe {
        (*node).next = if next.is_null() { 0 } else { (next as isize - node as isize) as i32 }
    };
}

/// # Safety
/// The table has nodes of its own.
unsafe fn take_free(table: *mut Table) -> *mut Node {
    // SAFETY: the table has nodes of its own, as the caller asserts, and `free` is at most their
    // number (FREE NODES).
    unsafe {
        let nodes = (*table).nodes;
        while (*nodes).free > 0 {
            (*nodes).free -= 1;
            let node = nodes.add((*nodes).free as usize);
            if (*node).key.is_nil() {
                return node;
            }
        }
        null_mut()
    }
}
