//! Strings: bytes of any value, immutable.
//!
//! A string of up to 40 bytes is interned: equal text is the same object, so comparing two is
//! comparing pointers, and its hash is known. A longer one is a window on a
//! [`Buffer`](crate::layout::object::Buffer) (see [`buffer`]); equal long strings may be different
//! objects, compared by content, and its hash is computed when it is first used as a key.
//!
//! Invariant (BYTES): a short string's cell has its `length` bytes from [`SHORT_BYTES`] on; a long
//! string's buffer is alive as long as the string is, and has at least `length` bytes (WINDOWS of
//! [`buffer`]). They never change.
//!
//! # Safety
//! All `unsafe` functions of this module and its children expect that the strings that they are
//! given are alive, as [`crate::heap::gc`] defines it. Further conditions are stated at each.

pub(crate) mod buffer;
pub(crate) mod hash;
pub(crate) mod intern;

#[cfg(test)]
mod tests;

use crate::heap::gc::{Heap, charge_bytes_at, hash_seed_of};
use crate::layout::object::{Kind, LongString, MAX_SHORT, SHORT_BYTES, Str};
use std::alloc::{Layout, handle_alloc_error};
use std::cmp::Ordering;
use std::slice;

/// The most bytes that a string may have.
pub(crate) const MAX_LENGTH: usize = u32::MAX as usize;

/// Why a string was not created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoString {
    /// It would have more than [`MAX_LENGTH`] bytes.
    TooLong,
    /// The system has no memory for it.
    OutOfMemory,
}

/// A string's bytes. They stay where they are as long as the string is alive.
///
/// # Safety
/// `string` is alive, and so it stays while the slice is used.
#[inline(always)]
pub(crate) unsafe fn bytes<'a>(string: *const Str) -> &'a [u8] {
    // SAFETY: the string is alive as long as the slice is used, as the caller asserts, and has its
    // bytes (BYTES).
    unsafe {
        let length = (*string).length as usize;
        if (*string).header.kind == Kind::ShortString {
            slice::from_raw_parts((string as *const u8).add(SHORT_BYTES), length)
        } else {
            slice::from_raw_parts(buffer::data((*(string as *const LongString)).buffer), length)
        }
    }
}

/// Copies bytes that are mostly few, and then not worth a call of `memcpy`: the first and the last
/// ones, which may overlap.
///
/// # Safety
/// As for `ptr::copy_nonoverlapping`.
#[inline(always)]
pub(crate) unsafe fn copy_few(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: `count` bytes can be read and written, as the caller asserts. In each case all
    // offsets are from 0 to the last one at which as many bytes as are copied there end at `count`
    // or before.
    unsafe {
        match count {
            0 => {}
            1..4 => {
                let (first, middle, last) = (*from, *from.add(count / 2), *from.add(count - 1));
                *to = first;
                *to.add(count / 2) = middle;
                *to.add(count - 1) = last;
            }
            4..8 => {
                let (first, last) = (
                    from.cast::<u32>().read_unaligned(),
                    from.add(count - 4).cast::<u32>().read_unaligned(),
                );
                to.cast::<u32>().write_unaligned(first);
                to.add(count - 4).cast::<u32>().write_unaligned(last);
            }
            8..=16 => {
                let (first, last) = (
                    from.cast::<u64>().read_unaligned(),
                    from.add(count - 8).cast::<u64>().read_unaligned(),
                );
                to.cast::<u64>().write_unaligned(first);
                to.add(count - 8).cast::<u64>().write_unaligned(last);
            }
            _ => std::ptr::copy_nonoverlapping(from, to, count),
        }
    }
}

/// A string's hash.
///
/// # Safety
/// `string` is alive.
#[inline(always)]
pub(crate) unsafe fn hash(string: *mut Str) -> u32 {
    // SAFETY: the string is alive, as the caller asserts.
    unsafe {
        if (*string).hashed == 0 {
            compute_hash(string);
        }
        (*string).hash
    }
}

/// # Safety
/// The string is long.
#[cold]
#[inline(never)]
unsafe fn compute_hash(string: *mut Str) {
    // SAFETY: the string is alive, as the caller asserts, and in an arena.
    unsafe {
        charge_bytes_at(string, (*string).length as usize);
        (*string).hash = hash::hash(bytes(string), hash_seed_of(string));
        (*string).hashed = 1;
    }
}

/// Whether two strings have the same bytes.
///
/// # Safety
/// Both are alive.
#[inline(always)]
pub(crate) unsafe fn equal(a: *const Str, b: *const Str) -> bool {
    // SAFETY: both are alive, as the caller asserts, and the first one is long where that is
    // required.
    unsafe { a == b || (*a).header.kind == Kind::LongString && equal_long(a, b) }
}

/// As [`equal`], for two objects of which the first is a long string.
///
/// # Safety
/// Both are alive; the first is a long string.
#[cold]
#[inline(never)]
pub(crate) unsafe fn equal_long(a: *const Str, b: *const Str) -> bool {
    // SAFETY: both are alive, as the caller asserts, and in an arena.
    unsafe {
        (*b).header.kind == Kind::LongString
            && (*a).length == (*b).length
            && ((*a).hashed & (*b).hashed == 0 || (*a).hash == (*b).hash)
            && {
                charge_bytes_at(a, (*a).length as usize);
                bytes(a) == bytes(b)
            }
    }
}

/// The order of two strings, byte by byte.
///
/// # Safety
/// Both are alive.
pub(crate) unsafe fn order(a: *const Str, b: *const Str) -> Ordering {
    // SAFETY: both are alive, as the caller asserts, and in an arena.
    unsafe {
        charge_bytes_at(a, (*a).length.min((*b).length) as usize);
        order_of(bytes(a), bytes(b))
    }
}

/// The order of two strings, byte by byte. Mostly the first few decide, and save a call of
/// `memcmp`.
#[inline(always)]
pub(crate) fn order_of(a: &[u8], b: &[u8]) -> Ordering {
    if let (Some(first), Some(second)) = (a.first_chunk(), b.first_chunk()) {
        let order = u64::from_be_bytes(*first).cmp(&u64::from_be_bytes(*second));
        if order.is_ne() {
            return order;
        }
    }
    a.cmp(b)
}

impl Heap {
    /// A string with the given bytes, of which there are [`MAX_LENGTH`] at most. They are few: the
    /// process ends if the OS has no memory for them (see [`Heap::try_string`]).
    #[inline]
    pub(crate) fn string(&mut self, bytes: &[u8]) -> *mut Str {
        match self.try_string(bytes) {
            Ok(string) => string,
            Err(_) => handle_alloc_error(Layout::for_value(bytes)),
        }
    }

    /// A string with the given bytes, of which there are [`MAX_LENGTH`] at most. Fails if the OS
    /// has no memory for them.
    #[inline]
    pub(crate) fn try_string(&mut self, bytes: &[u8]) -> Result<*mut Str, NoString> {
        // SAFETY: bytes to be interned are at most MAX_SHORT, and the others are one part of this
        // length.
        unsafe {
            if bytes.len() <= MAX_SHORT {
                Ok(self.intern(bytes))
            } else {
                self.long_string(&[bytes], bytes.len(), false)
            }
        }
    }
}
