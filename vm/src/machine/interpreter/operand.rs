//! Operands of the current instruction, as handlers read them.

use crate::heap::string::hash::hash_word;
use crate::layout::object::{Kind, Node, Str, Table};
use crate::layout::value::{STRING, Value, is_pointer};

/// Operand B of an instruction whose D is given.
#[inline(always)]
pub(crate) fn b(d: u64) -> usize {
    (d & 0xff) as usize
}

/// Operand C of an instruction whose D is given. Call handlers pass more than 8 bits here: a number
/// of arguments.
#[inline(always)]
pub(crate) fn c(d: u64) -> usize {
    (d >> 8) as usize
}

/// A key as an index into an array part, truncated; undefined if it is not a number of 32 bits.
#[inline(always)]
pub(crate) fn cut_off(key: f64) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of the architecture; a value out of range results in i32::MIN.
    unsafe {
        use std::arch::x86_64::{_mm_cvttsd_si32, _mm_set_sd};
        _mm_cvttsd_si32(_mm_set_sd(key)) as u32
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        key as i32 as u32
    }
}

/// Operand D of the instruction before `pc`: read again off the fast path, which has no register
/// left to keep it.
///
/// # Safety
/// An instruction of a Lua frame is running.
#[inline(always)]
pub(crate) unsafe fn operands(pc: *const u32) -> u64 {
    u64::from(*pc.sub(1) >> 16)
}

/// Operand D as a distance.
#[inline(always)]
pub(crate) fn distance(d: u64) -> isize {
    d as i16 as isize
}

/// The target of the Jump word at `pc`.
///
/// # Safety
/// `pc` points to a Jump word of running code.
#[inline(always)]
pub(crate) unsafe fn jump_target(pc: *const u32) -> *const u32 {
    pc.offset(1 + (*pc as i32 >> 8) as isize)
}

/// Whether [`key_node`] finds a key.
///
/// # Safety
/// The key is alive.
#[inline(always)]
pub(crate) unsafe fn is_number_or_short_string(key: Value) -> bool {
    let string = key.untag(STRING);
    if !is_pointer(string) {
        return key.is_number();
    }
    (*(string as *const Str)).header.kind as u8 == Kind::ShortString as u8
}

/// The node of a number or short string in a table's hash part; null if the table lacks the key
/// there.
///
/// # Safety
/// The table is alive, and the key one that [`is_number_or_short_string`] is true of.
#[inline(always)]
pub(crate) unsafe fn key_node(table: *const Table, key: Value) -> *mut Node {
    if key.is_number() {
        // The sum turns -0 into 0, which represents both.
        let key = Value((key.as_f64() + 0.0).to_bits());
        return field_node(table, key, Value(u64::from(hash_word(key.0))));
    }
    let string = key.untag(STRING) as *const Str;
    field_node(table, key, Value(u64::from((*string).hash)))
}

/// The node of a string constant in a table's hash part; null if the table lacks the key.
///
/// # Safety
/// The table is alive, the key a short string and `hash` its hash.
#[inline(always)]
pub(crate) unsafe fn field_node(table: *const Table, key: Value, hash: Value) -> *mut Node {
    let mut node = (*table).nodes.add((u64::from(hash.0 as u32) >> (*table).shift) as usize);
    while (*node).key != key {
        let next = (*node).next as isize;
        if next == 0 {
            return std::ptr::null_mut();
        }
        node = node.byte_offset(next);
    }
    node
}
