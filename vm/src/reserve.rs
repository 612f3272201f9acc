//! Memory kept in reserve for a system that refuses more.
//!
//! Most code that allocates cannot fail: a `Vec` grows, or the process ends. If the OS sets a limit
//! (`ulimit -v`, strict overcommit), the first refusal releases a part of the reserve instead, and
//! memory is *short* from then on: the VM collects at its next safepoint, and raises "not enough
//! memory" if the reserve cannot be restored. A command that runs scripts makes
//! [`ReservingAllocator`] its global allocator; the heap uses the reserve in any case.
//!
//! Invariant: a part is in `RESERVE` or was given up, never both; it takes address space, but its
//! pages do not exist.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// Enough for what is allocated until the next safepoint. One part must be large enough for an
/// arena of the heap.
const PARTS: usize = 4;
const PART_SIZE: usize = 8 << 20;

static RESERVE: Reserve = Reserve::new();

struct Reserve {
    parts: [AtomicPtr<u8>; PARTS],
    /// The system has refused memory, and nothing was restored since.
    is_short: AtomicBool,
}

/// The OS's allocator, with a reserve for when it refuses memory.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: solvm_vm::ReservingAllocator = solvm_vm::ReservingAllocator;
/// ```
pub struct ReservingAllocator;

/// Calls `allocate`, which requests `size` bytes from the OS, until it succeeds or no reserve is
/// left.
#[inline(always)]
pub(crate) fn with_reserve(size: usize, mut allocate: impl FnMut() -> *mut u8) -> *mut u8 {
    let pointer = allocate();
    if !pointer.is_null() {
        return pointer;
    }
    RESERVE.retry(size, &mut allocate)
}

/// Whether the OS has refused memory and the reserve was not restored since.
#[inline(always)]
pub(crate) fn is_short() -> bool {
    RESERVE.is_short.load(Ordering::Relaxed)
}

/// Requests the missing part of the reserve from the OS. Memory is not short any more if some of it
/// was restored.
pub(crate) fn restore() {
    RESERVE.restore();
}

impl Reserve {
    const fn new() -> Reserve {
        Reserve {
            parts: [const { AtomicPtr::new(null_mut()) }; PARTS],
            is_short: AtomicBool::new(false),
        }
    }

    #[cold]
    #[inline(never)]
    fn retry(&self, size: usize, allocate: &mut dyn FnMut() -> *mut u8) -> *mut u8 {
        while size <= PARTS * PART_SIZE && self.give_up() {
            let pointer = allocate();
            if !pointer.is_null() {
                return pointer;
            }
        }
        null_mut()
    }

    /// Returns a part to the OS. False if there is none.
    fn give_up(&self) -> bool {
        self.is_short.store(true, Ordering::Relaxed);
        for part in &self.parts {
            let taken = part.swap(null_mut(), Ordering::AcqRel);
            if !taken.is_null() {
                // SAFETY: `restore` took it, and only one caller took it out of the list.
                unsafe { part::give_back(taken) };
                return true;
            }
        }
        false
    }

    fn restore(&self) {
        for part in &self.parts {
            if !part.load(Ordering::Relaxed).is_null() {
                continue;
            }
            let Some(pointer) = part::take() else { return };
            let kept =
                part.compare_exchange(null_mut(), pointer, Ordering::AcqRel, Ordering::Relaxed);
            if kept.is_err() {
                // SAFETY: taken above; another thread was faster.
                unsafe { part::give_back(pointer) };
            }
            self.is_short.store(false, Ordering::Relaxed);
        }
    }
}

/// Parts of the reserve, as pages that nothing touches: the allocator would write a header into
/// each.
#[cfg(all(unix, not(miri)))]
mod part {
    use super::PART_SIZE;
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
    use std::ptr::null_mut;

    pub(super) fn take() -> Option<*mut u8> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the OS chooses the address, so nothing is replaced.
        let pages = unsafe { mmap_anonymous(null_mut(), PART_SIZE, access, MapFlags::PRIVATE) };
        pages.ok().map(|pages| pages.cast())
    }

    /// # Safety
    /// `take` has returned it, and nothing uses it any more.
    pub(super) unsafe fn give_back(part: *mut u8) {
        // The system cannot refuse: the range is one that it gave.
        // SAFETY: `take` has mapped these pages, and nothing uses them, as the caller asserts.
        let _ = unsafe { munmap(part.cast(), PART_SIZE) };
    }
}

#[cfg(not(all(unix, not(miri))))]
mod part {
    use super::PART_SIZE;
    use std::alloc::{GlobalAlloc, Layout, System};

    const PART: Layout = match Layout::from_size_align(PART_SIZE, 16) {
        Ok(layout) => layout,
        Err(_) => panic!("not a layout"),
    };

    pub(super) fn take() -> Option<*mut u8> {
        // SAFETY: the layout has a size.
        let pointer = unsafe { System.alloc(PART) };
        (!pointer.is_null()).then_some(pointer)
    }

    /// # Safety
    /// `take` has returned it, and nothing uses it any more.
    pub(super) unsafe fn give_back(part: *mut u8) {
        // SAFETY: `take` has allocated it with this layout, and nothing uses it, as the caller
        // asserts.
        unsafe { System.dealloc(part, PART) };
    }
}

// SAFETY: everything is passed to the OS's allocator unchanged, perhaps more than once, but not
// after it has succeeded.
unsafe impl GlobalAlloc for ReservingAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller fulfils the contract of `GlobalAlloc`, which is the same there.
        with_reserve(layout.size(), || unsafe { System.alloc(layout) })
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller fulfils the contract of `GlobalAlloc`, which is the same there.
        unsafe { System.dealloc(pointer, layout) };
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller fulfils the contract of `GlobalAlloc`, which is the same there.
        with_reserve(layout.size(), || unsafe { System.alloc_zeroed(layout) })
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller fulfils the contract of `GlobalAlloc`, which is the same there. A
        // refusal leaves the memory as it was, so it may be requested again.
        with_reserve(size, || unsafe { System.realloc(pointer, layout, size) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a system that refuses `refusals` times: whether it gave memory, how often it was asked.
    fn ask(reserve: &Reserve, size: usize, refusals: usize) -> (bool, usize) {
        let mut asked = 0;
        let pointer = reserve.retry(size, &mut || {
            asked += 1;
            if asked > refusals { std::ptr::dangling_mut() } else { null_mut() }
        });
        (!pointer.is_null(), asked)
    }

    #[test]
    fn a_refusal_gives_up_parts_until_one_is_enough() {
        let reserve = Reserve::new();
        reserve.restore();
        assert!(!reserve.is_short.load(Ordering::Relaxed));
        assert_eq!(ask(&reserve, 1000, 1), (true, 2));
        assert!(reserve.is_short.load(Ordering::Relaxed));
        assert_eq!(ask(&reserve, 1000, usize::MAX), (false, PARTS - 2), "what was left");
        assert_eq!(ask(&reserve, 1000, 0), (false, 0), "nothing is left");
        reserve.restore();
        assert!(!reserve.is_short.load(Ordering::Relaxed));
        while reserve.give_up() {}
    }

    #[test]
    fn what_is_larger_than_the_reserve_leaves_it_alone() {
        let reserve = Reserve::new();
        reserve.restore();
        assert_eq!(ask(&reserve, usize::MAX, 0), (false, 0));
        assert!(!reserve.is_short.load(Ordering::Relaxed));
        while reserve.give_up() {}
    }
}
