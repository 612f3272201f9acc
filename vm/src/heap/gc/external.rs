//! What does not fit in cells: large payloads, and objects that own something outside the heap.
//!
//! A payload of more than [`MAX_CELL`] bytes comes from the OS's allocator. It has its own mark
//! (the number of the cycle that marked it last) in a header before its address, and is listed so
//! that a purge finds the unmarked ones. Objects that own something (a thread's upvalues, a
//! userdata's box, a prototype's box) are listed, too, in the order of their creation.

use super::allocate::MAX_CELL;
use super::arena::{Space, set_mark};
use super::{Heap, OutOfMemory, Phase};
use crate::reserve;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr;

/// The bytes before a large payload.
pub(crate) const LARGE_HEADER: usize = size_of::<LargeHeader>();
const ALIGN: usize = 16;
/// Freeing this number of bytes takes the OS about as long as the purge takes for an entry.
const BYTES_PER_LOOK: usize = 4096;

/// What precedes a large payload.
#[repr(C)]
struct LargeHeader {
    /// Its place in [`LargePayloads::all`].
    index: u32,
    /// The cycle that marked it last.
    cycle: u32,
    /// Without the header.
    size: usize,
}

/// All payloads that are too large for a cell.
#[derive(Default)]
pub(super) struct LargePayloads {
    all: Vec<*mut LargeHeader>,
    size: usize,
    /// The number of the current cycle, or of the next if none is in progress.
    cycle: u32,
    /// The purge has still to visit the entries before this one.
    unpurged: usize,
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(LARGE_HEADER)?, ALIGN).ok()
}

unsafe fn header_of(payload: *mut u8) -> *mut LargeHeader {
    payload.sub(LARGE_HEADER) as *mut LargeHeader
}

impl LargePayloads {
    /// Lists memory of `LARGE_HEADER + size` bytes and returns the payload's address.
    unsafe fn adopt(&mut self, header: *mut LargeHeader, size: usize, is_marked: bool) -> *mut u8 {
        let cycle = if is_marked { self.cycle } else { self.cycle.wrapping_sub(1) };
        header.write(LargeHeader { index: self.all.len() as u32, cycle, size });
        self.all.push(header);
        self.size += size;
        header.add(1) as *mut u8
    }

    unsafe fn release(&mut self, header: *mut LargeHeader) -> usize {
        let index = (*header).index as usize;
        self.all.swap_remove(index);
        if let Some(&moved) = self.all.get(index) {
            (*moved).index = index as u32;
        }
        self.unpurged = self.unpurged.min(self.all.len());
        let size = (*header).size;
        self.size -= size;
        if let Some(layout) = layout(size) {
            dealloc(header as *mut u8, layout);
        }
        size
    }

    pub(super) fn begin_purge(&mut self) {
        self.unpurged = self.all.len();
    }

    /// Visits the next `count` entries, or fewer if there is much to free, and frees those that are
    /// unmarked. Last first: the entry that replaces a freed one was already visited. Returns the
    /// bytes freed.
    pub(super) unsafe fn purge(&mut self, mut count: usize) -> usize {
        let mut freed = 0;
        while count > 0
            && let Some(last) = self.unpurged.checked_sub(1)
        {
            let header = self.all[last];
            let most = count.saturating_mul(BYTES_PER_LOOK);
            if (*header).cycle == self.cycle {
                self.unpurged = last;
                count -= 1;
            } else if (*header).size > most {
                freed += self.release_end(header, most);
                count = 0;
            } else {
                self.unpurged = last;
                count = count.saturating_sub(1 + (*header).size / BYTES_PER_LOOK);
                freed += self.release(header);
            }
        }
        freed
    }

    /// Returns the last `bytes` bytes of an unowned payload to the OS; all of it if the allocator
    /// cannot shorten it.
    unsafe fn release_end(&mut self, header: *mut LargeHeader, bytes: usize) -> usize {
        let old_size = (*header).size;
        let size = old_size - bytes;
        if let (Some(old_layout), Some(layout)) = (layout(old_size), layout(size)) {
            let shorter = realloc(header as *mut u8, old_layout, layout.size()) as *mut LargeHeader;
            if !shorter.is_null() {
                (*shorter).size = size;
                self.all[(*shorter).index as usize] = shorter;
                self.size -= bytes;
                return bytes;
            }
        }
        self.release(header)
    }

    /// Ends the purge if no entry is left to visit: marked entries count as unmarked from now on.
    pub(super) fn end_purge(&mut self) -> bool {
        if self.unpurged == 0 {
            self.forget_marks();
        }
        self.unpurged == 0
    }

    pub(super) fn forget_marks(&mut self) {
        self.cycle = self.cycle.wrapping_add(1);
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) unsafe fn release_all(&mut self) {
        while let Some(&header) = self.all.last() {
            self.release(header);
        }
    }

    pub(super) unsafe fn is_marked(&self, payload: *mut u8) -> bool {
        (*header_of(payload)).cycle == self.cycle
    }
}

impl Heap {
    /// Uninitialised memory that an object is about to own. Reaching the memory limit does not stop
    /// it (see [`Heap::try_allocate_payload`]), only the OS does.
    pub(crate) unsafe fn allocate_payload(&mut self, size: usize) -> *mut u8 {
        match self.allocate_from_system(size) {
            Some(payload) => payload,
            None => handle_alloc_error(layout(size).unwrap_or(Layout::new::<LargeHeader>())),
        }
    }

    /// As [`Heap::allocate_payload`]; None if the OS has no memory for a large payload.
    pub(crate) unsafe fn allocate_from_system(&mut self, size: usize) -> Option<*mut u8> {
        if size <= MAX_CELL {
            return Some(self.allocate(Space::Payloads, size));
        }
        self.allocate_large(size)
    }

    /// As [`Heap::allocate_payload`], but a large payload is refused if the memory limit forbids it
    /// or there is none.
    pub(crate) unsafe fn try_allocate_payload(
        &mut self,
        size: usize,
    ) -> Result<*mut u8, OutOfMemory> {
        if size > MAX_CELL && self.would_exceed(size) {
            return Err(OutOfMemory);
        }
        self.allocate_from_system(size).ok_or(OutOfMemory)
    }

    #[cold]
    unsafe fn allocate_large(&mut self, size: usize) -> Option<*mut u8> {
        let layout = layout(size)?;
        let header = reserve::with_reserve(layout.size(), || alloc(layout)) as *mut LargeHeader;
        if header.is_null() {
            return None;
        }
        Some(self.adopt_large(header as *mut u8, size))
    }

    /// Makes memory of `LARGE_HEADER + size` bytes, which the caller has allocated, a large
    /// payload.
    pub(crate) unsafe fn adopt_large(&mut self, memory: *mut u8, size: usize) -> *mut u8 {
        let payload =
            self.large.adopt(memory as *mut LargeHeader, size, self.phase == Phase::Purge);
        self.account_allocation(size);
        payload
    }

    /// Gives a payload back that nothing refers to any more.
    pub(crate) unsafe fn free_payload(&mut self, payload: *mut u8, size: usize) {
        if size <= MAX_CELL {
            self.unallocate(Space::Payloads, payload, size);
        } else {
            let size = self.large.release(header_of(payload));
            self.account_release(size);
        }
    }

    /// Makes a payload larger; the content stays, the address may change, and the old one is free.
    /// On failure nothing happens.
    pub(crate) unsafe fn grow_payload(
        &mut self,
        old: *mut u8,
        old_size: usize,
        size: usize,
    ) -> Result<*mut u8, OutOfMemory> {
        debug_assert!(size > old_size);
        if old_size <= MAX_CELL {
            let payload = self.try_allocate_payload(size)?;
            ptr::copy_nonoverlapping(old, payload, old_size);
            self.unallocate(Space::Payloads, old, old_size);
            return Ok(payload);
        }
        if self.would_exceed(size - old_size) {
            return Err(OutOfMemory);
        }
        let (Some(old_layout), Some(layout)) = (layout(old_size), layout(size)) else {
            return Err(OutOfMemory);
        };
        let header =
            realloc(header_of(old) as *mut u8, old_layout, layout.size()) as *mut LargeHeader;
        if header.is_null() {
            return Err(OutOfMemory);
        }
        (*header).size = size;
        self.large.all[(*header).index as usize] = header;
        self.large.size += size - old_size;
        self.account_allocation(size - old_size);
        Ok(header.add(1) as *mut u8)
    }

    #[inline(always)]
    pub(super) unsafe fn mark_payload(&mut self, payload: *mut u8, size: usize) {
        if size <= MAX_CELL {
            let was_marked = !set_mark(payload);
            self.verify_marked(was_marked);
        } else {
            self.verify_marked(self.large.is_marked(payload));
            (*header_of(payload)).cycle = self.large.cycle;
        }
    }
}

/// An object and the bytes that were charged for what it owns.
pub(super) struct Owned<T> {
    pub(super) object: *mut T,
    pub(super) charge: usize,
}

impl<T> Clone for Owned<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Owned<T> {}

/// Objects that own something, in the order of their creation. Entries are dropped by the purge
/// only, which keeps the order.
pub(super) struct Registry<T> {
    pub(super) entries: Vec<T>,
    /// The purge's positions: entries before `kept` survived it, those from `unread` on are still
    /// to be visited.
    kept: usize,
    unread: usize,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Registry { entries: Vec::new(), kept: 0, unread: 0 }
    }
}

impl<T: Copy> Registry<T> {
    pub(super) fn push(&mut self, entry: T) {
        self.entries.push(entry);
    }

    /// All entries that a purge has not forgotten.
    pub(super) fn entries(&self) -> impl Iterator<Item = T> + '_ {
        self.entries[..self.kept].iter().chain(&self.entries[self.unread..]).copied()
    }

    /// Visits up to `count` entries and removes those for which `is_alive` is false. True once all
    /// have been visited.
    pub(super) fn purge(&mut self, count: usize, mut is_alive: impl FnMut(T) -> bool) -> bool {
        let end = self.entries.len().min(self.unread.saturating_add(count));
        for index in self.unread..end {
            let entry = self.entries[index];
            if is_alive(entry) {
                self.entries[self.kept] = entry;
                self.kept += 1;
            }
        }
        self.unread = end;
        if end < self.entries.len() {
            return false;
        }
        self.entries.truncate(self.kept);
        (self.kept, self.unread) = (0, 0);
        if self.entries.capacity() > 64 + 4 * self.entries.len() {
            self.entries.shrink_to(2 * self.entries.len());
        }
        true
    }
}
