//! Checking the heap after an atomic phase, in debug builds and with `gc-stress`.
//!
//! At that time every marked object must be black: scanning it again must find nothing unmarked.
//! That checks the barriers, and the `trace` methods of natives' data, too. No free run may contain
//! a marked cell, and every key of a table must be found.

use super::Heap;
use super::allocate::Run;
use super::arena::{Block, Space, is_marked};
use super::mark::Gray;
use crate::heap::table::hash;
use crate::layout::object::{Header, Kind};

impl Heap {
    /// # Safety
    /// The atomic phase has ended, and the purge has not started.
    pub(super) unsafe fn verify(&mut self) {
        self.verifying = true;
        for block in self.arenas.blocks_in_use() {
            // SAFETY: the block is in use (BLOCKS). Marks are set at the starts of cells that are
            // alive only (CELL BITS), and those of a block for objects start with a header.
            unsafe {
                for cell in marked_cells(block) {
                    if (*block).space == Space::Objects {
                        self.verify_object(cell as *mut Header);
                    }
                }
            }
        }
        self.forget_weak();
        self.verifying = false;
        for (cursor, class) in self.cursors.iter().zip(&self.classes) {
            // SAFETY: runs are in blocks in use, and the heads of those that no cell was taken from
            // are initialised (RUNS, BLOCKS).
            unsafe {
                verify_free(cursor.bump, cursor.limit);
                verify_runs(class.runs.map_or(std::ptr::null_mut(), |run| run.as_ptr()));
                for &block in &class.ready {
                    verify_runs((*block).runs);
                }
            }
        }
    }

    unsafe fn verify_object(&mut self, object: *mut Header) {
        // SAFETY: the object is alive, and so is what it refers to.
        unsafe {
            let barrier = (*object).barrier;
            self.scan(Gray::from_header(object));
            while !self.slices.is_empty() {
                self.scan_slice();
            }
            assert!(self.gray.is_empty());
            (*object).barrier = barrier;
            if (*object).kind == Kind::Table {
                hash::verify(object.cast());
            }
        }
    }
}

/// # Safety
/// The block is in use, as long as the iterator is.
unsafe fn marked_cells(block: *mut Block) -> impl Iterator<Item = *mut u8> {
    // SAFETY: the block is in use, as the caller asserts.
    let (start, end, size) =
        unsafe { ((*block).start, (*block).end(), (*block).cell_size as usize) };
    let count = (end as usize - start as usize) / size;
    // SAFETY: as above; the cells are those of the block.
    let is_marked = |&cell: &*mut u8| unsafe { is_marked(cell) };
    (0..count).map(move |index| start.wrapping_add(index * size)).filter(is_marked)
}

/// # Safety
/// `run` is null, or the head of a free run in a block in use that no cell was taken from, and so
/// are the next ones.
unsafe fn verify_runs(mut run: *mut Run) {
    while !run.is_null() {
        // SAFETY: the head of the run is initialised, as the caller asserts.
        unsafe {
            verify_free(run as *mut u8, (*run).end);
            run = (*run).next;
        }
    }
}

/// # Safety
/// `start` and `end` are equal, or addresses in a block in use.
unsafe fn verify_free(start: *mut u8, end: *mut u8) {
    let mut word = start;
    while word < end {
        // SAFETY: the word is in a block in use, as the caller asserts.
        unsafe {
            assert!(!is_marked_word(word), "a free run contains a marked cell");
            word = word.add(8);
        }
    }
}

/// # Safety
/// The word is in a block in use.
unsafe fn is_marked_word(word: *mut u8) -> bool {
    // SAFETY: the bits of a block in use are initialised (BLOCKS).
    unsafe {
        let (bits, mask) = super::arena::bit(word);
        *bits & mask != 0
    }
}
