//! Long strings, and how they grow.
//!
//! A long string is a window on the start of a buffer. Multiple strings may share one: `s = s .. x`
//! writes `x` after the bytes of `s`, if `s` is the newest string of its buffer and there is room,
//! and creates a longer window; `s` itself does not change. Buffers for such a result have spare
//! room, so building a string incrementally copies each byte a constant number of times on average.
//!
//! Invariant (WINDOWS): bytes of a buffer before `used` never change, and no string's window ends
//! after `used`, which is at most `capacity`; `capacity` bytes follow the header.

use super::{MAX_LENGTH, NoString, copy_few};
use crate::heap::gc::{Heap, MAX_CELL, cell_size};
use crate::layout::object::{Buffer, Header, Kind, LongString, MAX_SHORT, Str};
use std::ptr;

/// The bytes of a buffer.
///
/// # Safety
/// `buffer` is alive.
#[inline(always)]
pub(crate) unsafe fn data(buffer: *mut Buffer) -> *mut u8 {
    // SAFETY: the bytes follow the header.
    unsafe { buffer.add(1) as *mut u8 }
}

/// The bytes that a buffer takes.
///
/// # Safety
/// `buffer` is alive.
#[inline(always)]
pub(crate) unsafe fn payload_size(buffer: *const Buffer) -> usize {
    // SAFETY: the buffer is alive, as the caller asserts.
    unsafe { size_of::<Buffer>() + (*buffer).capacity }
}

impl Heap {
    /// An empty buffer with room for `capacity` bytes or some more.
    fn new_buffer(&mut self, capacity: usize) -> Result<*mut Buffer, NoString> {
        let size = size_of::<Buffer>() + capacity;
        let size = if size <= MAX_CELL { cell_size(size) } else { size.next_multiple_of(8) };
        let payload = self.allocate_from_system(size).ok_or(NoString::OutOfMemory)?;
        let buffer = payload as *mut Buffer;
        // SAFETY: the payload is new, has `size` bytes and is aligned for a buffer.
        unsafe { buffer.write(Buffer { used: 0, capacity: size - size_of::<Buffer>() }) };
        Ok(buffer)
    }

    /// A window on the whole of a buffer, which has more than [`MAX_SHORT`] and at most
    /// [`MAX_LENGTH`] bytes.
    ///
    /// # Safety
    /// The buffer is alive.
    pub(super) unsafe fn new_window(&mut self, buffer: *mut Buffer, is_built: bool) -> *mut Str {
        // SAFETY: the buffer is alive, as the caller asserts. The cell is new and aligned for a
        // long string.
        unsafe {
            debug_assert!((*buffer).used > MAX_SHORT && (*buffer).used <= MAX_LENGTH);
            let string = self.allocate_long_string();
            string.write(LongString {
                string: Str {
                    header: Header { barrier: 0, kind: Kind::LongString },
                    hashed: 0,
                    is_built: is_built as u8,
                    hash: 0,
                    length: (*buffer).used as u32,
                },
                buffer,
            });
            string as *mut Str
        }
    }

    /// A long string built from parts, which have more than [`MAX_SHORT`] and at most
    /// [`MAX_LENGTH`] bytes.
    ///
    /// # Safety
    /// `length` is the sum of their lengths.
    pub(super) unsafe fn long_string(
        &mut self,
        pieces: &[&[u8]],
        length: usize,
        is_built: bool,
    ) -> Result<*mut Str, NoString> {
        self.charge_bytes(length);
        let buffer = self.new_buffer(length)?;
        // SAFETY: the new buffer is alive and has room for all parts, which have `length` bytes, as
        // the caller asserts.
        unsafe {
            append(buffer, pieces);
            Ok(self.new_window(buffer, is_built))
        }
    }

    /// A string of this number of bytes ([`MAX_LENGTH`] at most): a repeated pattern, the last time
    /// truncated.
    pub(crate) fn repeated_string(
        &mut self,
        pattern: &[u8],
        length: usize,
    ) -> Result<*mut Str, NoString> {
        debug_assert!(!pattern.is_empty() && length <= MAX_LENGTH);
        if length <= MAX_SHORT {
            let mut bytes = [0; MAX_SHORT];
            for (byte, source) in bytes.iter_mut().zip(pattern.iter().cycle()) {
                *byte = *source;
            }
            return Ok(self.string(&bytes[..length]));
        }
        self.charge_bytes(length);
        // SAFETY: the buffer has room for `length` bytes, of which `used` are written at any time.
        unsafe {
            let buffer = self.new_buffer(length)?;
            append(buffer, &[&pattern[..pattern.len().min(length)]]);
            while (*buffer).used < length {
                let used = (*buffer).used;
                let count = used.min(length - used);
                ptr::copy_nonoverlapping(data(buffer), data(buffer).add(used), count);
                (*buffer).used += count;
            }
            Ok(self.new_window(buffer, false))
        }
    }

    /// The concatenation of parts. `first` is the string whose bytes the first part is, or null if
    /// there is none: if it is the newest of its buffer, the others are appended to it in place.
    ///
    /// # Errors
    /// The result would have more than [`MAX_LENGTH`] bytes, or the OS has no memory for it.
    ///
    /// # Safety
    /// `first` is null, or alive and the string whose bytes are `pieces[0]`. The parts stay where
    /// they are: they are not in the part of a buffer after its `used` bytes.
    pub(crate) unsafe fn concatenate(
        &mut self,
        first: *const Str,
        pieces: &[&[u8]],
    ) -> Result<*mut Str, NoString> {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        if length > MAX_LENGTH {
            return Err(NoString::TooLong);
        }
        if length <= MAX_SHORT {
            let mut bytes = [0; MAX_SHORT];
            let mut end = 0;
            for piece in pieces {
                debug_assert!(end + piece.len() <= length);
                // SAFETY: the parts have `length` bytes together, which is at most MAX_SHORT.
                unsafe { copy_few(piece.as_ptr(), bytes.as_mut_ptr().add(end), piece.len()) };
                end += piece.len();
            }
            // SAFETY: there are at most MAX_SHORT bytes.
            return Ok(unsafe { self.intern(&bytes[..length]) });
        }
        // SAFETY: `first` is null or alive, as the caller asserts.
        if first.is_null() || unsafe { (*first).header.kind != Kind::LongString } {
            // SAFETY: the length is that of all parts.
            return unsafe { self.long_string(pieces, length, true) };
        }
        // SAFETY: `first` is alive and a long string, so its buffer is alive (BYTES). If the buffer
        // is extended, it has room: of `length` bytes it has `used` already, those of the first
        // part, as the caller asserts. A new buffer has room for all parts.
        unsafe {
            let mut buffer = (*(first as *const LongString)).buffer;
            let used = (*first).length as usize;
            debug_assert!(pieces[0].len() == used);
            if (*buffer).used == used && (*buffer).capacity >= length {
                self.charge_bytes(length - used);
                append(buffer, &pieces[1..]);
            } else {
                // A string that is itself a concatenation is likely to be extended again.
                let spare = if (*first).is_built != 0 { length } else { 0 };
                self.charge_bytes(length);
                buffer = self.new_buffer((length + spare).min(MAX_LENGTH))?;
                append(buffer, pieces);
            }
            Ok(self.new_window(buffer, true))
        }
    }
}

/// Writes parts after the contents of a buffer.
///
/// # Safety
/// The buffer is alive and has room for them; no part is in that room.
unsafe fn append(buffer: *mut Buffer, pieces: &[&[u8]]) {
    for piece in pieces {
        // SAFETY: the buffer is alive and has room for the part after its `used` bytes, where the
        // part is not, as the caller asserts.
        unsafe {
            debug_assert!((*buffer).capacity - (*buffer).used >= piece.len());
            ptr::copy_nonoverlapping(piece.as_ptr(), data(buffer).add((*buffer).used), piece.len());
            (*buffer).used += piece.len();
        }
    }
}
