//! What does not fit in cells: large payloads, and objects that own something outside the heap.
//!
//! A payload of more than [`MAX_CELL`] bytes comes from the OS's allocator. It has its own mark
//! (the number of the cycle that marked it last) in a header before its address, and is listed so
//! that a purge finds the unmarked ones. Objects that own something (a thread's upvalues, a
//! userdata's box, a prototype's box) are listed, too, in the order of their creation.

use super::allocate::MAX_CELL;
use super::arena::{Space, set_mark};
use super::{Heap, OutOfMemory, Phase};
use crate::layout::object::Prototype;
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
///
/// Invariant: each header in the list is that of memory from the OS's allocator, with the layout
/// for `size`, and its `index` is its place.
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

/// # Safety
/// `payload` is a large payload.
unsafe fn header_of(payload: *mut u8) -> *mut LargeHeader {
    // SAFETY: a large payload follows its header.
    unsafe { payload.sub(LARGE_HEADER) as *mut LargeHeader }
}

impl LargePayloads {
    /// Lists memory of `LARGE_HEADER + size` bytes and returns the payload's address.
    ///
    /// # Safety
    /// The memory was allocated with the layout for `size`, and nothing else uses it.
    unsafe fn adopt(&mut self, header: *mut LargeHeader, size: usize, is_marked: bool) -> *mut u8 {
        let cycle = if is_marked { self.cycle } else { self.cycle.wrapping_sub(1) };
        // SAFETY: the memory starts with room for a header, as the caller asserts.
        unsafe { header.write(LargeHeader { index: self.all.len() as u32, cycle, size }) };
        self.all.push(header);
        self.size += size;
        // SAFETY: the payload follows the header.
        unsafe { header.add(1) as *mut u8 }
    }

    /// # Safety
    /// The header is in the list, and nothing uses its payload any more.
    unsafe fn release(&mut self, header: *mut LargeHeader) -> usize {
        // SAFETY: the header is in the list, as the caller asserts.
        let index = unsafe { (*header).index as usize };
        self.all.swap_remove(index);
        if let Some(&moved) = self.all.get(index) {
            // SAFETY: headers of the list are valid.
            unsafe { (*moved).index = index as u32 };
        }
        self.unpurged = self.unpurged.min(self.all.len());
        // SAFETY: its memory still exists.
        let size = unsafe { (*header).size };
        self.size -= size;
        if let Some(layout) = layout(size) {
            // SAFETY: the memory was allocated with this layout. It is not in the list any more,
            // and not used, as the caller asserts.
            unsafe { dealloc(header as *mut u8, layout) };
        }
        size
    }

    pub(super) fn begin_purge(&mut self) {
        self.unpurged = self.all.len();
    }

    /// Visits the next `count` entries, or fewer if there is much to free, and frees those that are
    /// unmarked. Last first: the entry that replaces a freed one was already visited. Returns the
    /// bytes freed.
    ///
    /// # Safety
    /// Nothing uses a payload that is not marked any more.
    pub(super) unsafe fn purge(&mut self, mut count: usize) -> usize {
        let mut freed = 0;
        while count > 0
            && let Some(last) = self.unpurged.checked_sub(1)
        {
            let header = self.all[last];
            let most = count.saturating_mul(BYTES_PER_LOOK);
            // SAFETY: the header is in the list. If it is not marked, nothing uses its payload, as
            // the caller asserts.
            unsafe {
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
        }
        freed
    }

    /// Returns the last `bytes` bytes of an unowned payload to the OS; all of it if the allocator
    /// cannot shorten it.
    ///
    /// # Safety
    /// As [`LargePayloads::release`]; the payload has more than `bytes` bytes.
    unsafe fn release_end(&mut self, header: *mut LargeHeader, bytes: usize) -> usize {
        // SAFETY: the header is in the list, as the caller asserts.
        let old_size = unsafe { (*header).size };
        let size = old_size - bytes;
        if let (Some(old_layout), Some(layout)) = (layout(old_size), layout(size)) {
            // SAFETY: the memory was allocated with the old layout, and nothing uses the payload,
            // as the caller asserts. The new size includes the header.
            let shorter = unsafe { realloc(header as *mut u8, old_layout, layout.size()) }
                as *mut LargeHeader;
            if !shorter.is_null() {
                // SAFETY: the header was copied if the memory moved; its place in the list is the
                // same.
                unsafe {
                    (*shorter).size = size;
                    self.all[(*shorter).index as usize] = shorter;
                }
                self.size -= bytes;
                return bytes;
            }
        }
        // SAFETY: as the caller asserts; `realloc` has failed, so the memory is as before.
        unsafe { self.release(header) }
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

    /// # Safety
    /// Nothing uses a large payload any more.
    pub(super) unsafe fn release_all(&mut self) {
        while let Some(&header) = self.all.last() {
            // SAFETY: the header is in the list; nothing uses its payload, as the caller asserts.
            unsafe { self.release(header) };
        }
    }

    /// # Safety
    /// `payload` is a large payload that is listed here.
    pub(super) unsafe fn is_marked(&self, payload: *mut u8) -> bool {
        // SAFETY: the header of a large payload precedes it, and is valid as long as it is listed.
        unsafe { (*header_of(payload)).cycle == self.cycle }
    }
}

impl Heap {
    /// Uninitialised memory that an object is about to own. Reaching the memory limit does not stop
    /// it (see [`Heap::try_allocate_payload`]), only the OS does.
    pub(crate) fn allocate_payload(&mut self, size: usize) -> *mut u8 {
        match self.allocate_from_system(size) {
            Some(payload) => payload,
            None => handle_alloc_error(layout(size).unwrap_or(Layout::new::<LargeHeader>())),
        }
    }

    /// As [`Heap::allocate_payload`]; None if the OS has no memory for a large payload.
    pub(crate) fn allocate_from_system(&mut self, size: usize) -> Option<*mut u8> {
        if size <= MAX_CELL {
            // SAFETY: the size is that of a cell.
            return Some(unsafe { self.allocate(Space::Payloads, size) });
        }
        self.allocate_large(size)
    }

    /// As [`Heap::allocate_payload`], but a large payload is refused if the memory limit forbids it
    /// or there is none.
    pub(crate) fn try_allocate_payload(&mut self, size: usize) -> Result<*mut u8, OutOfMemory> {
        if size > MAX_CELL && self.would_exceed(size) {
            return Err(OutOfMemory);
        }
        self.allocate_from_system(size).ok_or(OutOfMemory)
    }

    #[cold]
    fn allocate_large(&mut self, size: usize) -> Option<*mut u8> {
        let layout = layout(size)?;
        // SAFETY: the layout has a size, that of the header at least.
        let memory = reserve::with_reserve(layout.size(), || unsafe { alloc(layout) });
        if memory.is_null() {
            return None;
        }
        // SAFETY: the memory was allocated for this size, and is not used otherwise.
        Some(unsafe { self.adopt_large(memory, size) })
    }

    /// Makes memory of `LARGE_HEADER + size` bytes, which the caller has allocated, a large
    /// payload.
    ///
    /// # Safety
    /// It was allocated with the layout for `size` by the OS's allocator, and nothing else uses it.
    pub(crate) unsafe fn adopt_large(&mut self, memory: *mut u8, size: usize) -> *mut u8 {
        let is_marked = self.phase == Phase::Purge;
        // SAFETY: the memory is for this size and not used otherwise, as the caller asserts.
        let payload = unsafe { self.large.adopt(memory as *mut LargeHeader, size, is_marked) };
        self.account_allocation(size);
        payload
    }

    /// Gives a payload back that nothing refers to any more.
    ///
    /// # Safety
    /// It was allocated by this heap, in this size, and nothing uses it any more.
    pub(crate) unsafe fn free_payload(&mut self, payload: *mut u8, size: usize) {
        // SAFETY: the payload was allocated in this size, as the caller asserts: as a cell, or with
        // a header that is listed. Nothing uses it any more.
        unsafe {
            if size <= MAX_CELL {
                self.unallocate(Space::Payloads, payload, size);
            } else {
                let size = self.large.release(header_of(payload));
                self.account_release(size);
            }
        }
    }

    /// Makes a payload larger; the content stays, the address may change, and the old one is free.
    /// On failure nothing happens.
    ///
    /// # Safety
    /// `old` was allocated by this heap in the size `old_size`, which is less than `size`. Nothing
    /// uses its address afterwards, unless this fails.
    pub(crate) unsafe fn grow_payload(
        &mut self,
        old: *mut u8,
        old_size: usize,
        size: usize,
    ) -> Result<*mut u8, OutOfMemory> {
        debug_assert!(size > old_size);
        if old_size <= MAX_CELL {
            let payload = self.try_allocate_payload(size)?;
            // SAFETY: the new payload is larger than the old one, and both exist. The old one is a
            // cell of this size, as the caller asserts, which nothing uses any more.
            unsafe {
                ptr::copy_nonoverlapping(old, payload, old_size);
                self.unallocate(Space::Payloads, old, old_size);
            }
            return Ok(payload);
        }
        if self.would_exceed(size - old_size) {
            return Err(OutOfMemory);
        }
        let (Some(old_layout), Some(layout)) = (layout(old_size), layout(size)) else {
            return Err(OutOfMemory);
        };
        // SAFETY: a payload of more than MAX_CELL bytes is a large one, whose memory was allocated
        // with the layout for its size. The new size includes the header.
        let header = unsafe { realloc(header_of(old) as *mut u8, old_layout, layout.size()) }
            as *mut LargeHeader;
        if header.is_null() {
            return Err(OutOfMemory);
        }
        // SAFETY: the header was copied if the memory moved; its place in the list is the same.
        unsafe {
            (*header).size = size;
            self.large.all[(*header).index as usize] = header;
        }
        self.large.size += size - old_size;
        self.account_allocation(size - old_size);
        // SAFETY: the payload follows the header.
        Ok(unsafe { header.add(1) as *mut u8 })
    }

    /// # Safety
    /// The payload was allocated by this heap, in this size, and its owner is not swept.
    #[inline(always)]
    pub(super) unsafe fn mark_payload(&mut self, payload: *mut u8, size: usize) {
        if size <= MAX_CELL {
            // SAFETY: a payload of this size is a cell, which is in use as long as its owner is.
            let was_marked = unsafe { !set_mark(payload) };
            self.verify_marked(was_marked);
        } else {
            // SAFETY: a payload of this size is a large one; its owner keeps it in the list.
            unsafe {
                self.verify_marked(self.large.is_marked(payload));
                (*header_of(payload)).cycle = self.large.cycle;
            }
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

impl Heap {
    /// All prototypes that are not swept.
    pub(crate) fn prototypes(&self) -> impl Iterator<Item = *mut Prototype> + '_ {
        self.prototypes.entries().map(|owned| owned.object)
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
