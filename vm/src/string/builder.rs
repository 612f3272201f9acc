//! Building a long string in the memory that it will live in.

use super::{MAX_LENGTH, StringTooLong};
use crate::gc::{self, Heap, LARGE_HEADER, MAX_CELL};
use crate::object::{Buffer, Str};
use std::ptr::{self, null_mut};
use std::{fmt, io, slice};

/// Headers before the bytes, once they are a large payload.
const PREFIX: usize = LARGE_HEADER + size_of::<Buffer>();

/// Bytes that will be a string. A large result becomes one without being copied.
pub(crate) struct StringBuilder {
    /// Memory for a large payload of `size_of::<Buffer>() + capacity` bytes; null if `capacity` is 0.
    memory: *mut u8,
    length: usize,
    capacity: usize,
}

impl StringBuilder {
    /// An empty one.
    pub(crate) fn new() -> StringBuilder {
        StringBuilder { memory: null_mut(), length: 0, capacity: 0 }
    }

    /// An empty one with room for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> StringBuilder {
        let mut builder = StringBuilder::new();
        builder.reserve(capacity);
        builder
    }

    /// The bytes so far.
    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: `length` bytes behind the prefix were written; without memory there are none.
        unsafe {
            match self.capacity {
                0 => &[],
                _ => slice::from_raw_parts(self.memory.add(PREFIX), self.length),
            }
        }
    }

    /// The number of bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Makes room for `additional` more bytes.
    pub(crate) fn reserve(&mut self, additional: usize) {
        let needed = self.length.saturating_add(additional);
        if needed > self.capacity {
            self.grow(needed.max(2 * self.capacity).max(64).next_multiple_of(8));
        }
    }

    #[cold]
    fn grow(&mut self, capacity: usize) {
        let size = size_of::<Buffer>() + capacity;
        // SAFETY: `memory` came from here with the old size.
        let memory = unsafe {
            match self.capacity {
                0 => gc::allocate_outside(size),
                old => gc::reallocate_outside(self.memory, size_of::<Buffer>() + old, size),
            }
        };
        if memory.is_null() {
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<u8>());
        }
        self.memory = memory;
        self.capacity = capacity;
    }

    /// Appends a byte.
    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    /// Appends bytes.
    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        // SAFETY: there is room now, and the bytes are not the builder's own, which is borrowed mutably.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.memory.add(PREFIX + self.length), bytes.len()) };
        self.length += bytes.len();
    }

    /// The string.
    ///
    /// # Errors
    /// It would have more than [`MAX_LENGTH`] bytes.
    pub(crate) fn finish(mut self, heap: &mut Heap) -> Result<*mut Str, StringTooLong> {
        if self.length > MAX_LENGTH {
            return Err(StringTooLong);
        }
        let size = size_of::<Buffer>() + self.capacity;
        if size <= MAX_CELL || self.length < self.capacity / 2 {
            return Ok(heap.string(self.as_slice()));
        }
        // SAFETY: the memory was made for this; it is the heap's from here on.
        unsafe {
            let buffer = heap.adopt_large(self.memory, size) as *mut Buffer;
            buffer.write(Buffer { used: self.length, capacity: self.capacity });
            self.capacity = 0;
            Ok(heap.new_window(buffer, false))
        }
    }
}

impl Drop for StringBuilder {
    fn drop(&mut self) {
        if self.capacity > 0 {
            // SAFETY: not handed over to the heap, so still our own.
            unsafe { gc::free_outside(self.memory, size_of::<Buffer>() + self.capacity) };
        }
    }
}

impl io::Write for StringBuilder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for StringBuilder {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend(text.as_bytes());
        Ok(())
    }
}
