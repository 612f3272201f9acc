//! Checking the heap after an atomic phase, in debug builds and with `gc-stress`.
//!
//! At that time every marked object must be black: scanning it again must find nothing unmarked.
//! That checks the barriers, and the `trace` methods of natives' data, too. And no free run may
//! contain a marked cell.

use super::Heap;
use super::allocate::Run;
use super::arena::{Block, Space, is_marked};
use super::mark::Gray;
use crate::layout::object::Header;

impl Heap {
    pub(super) unsafe fn verify(&mut self) {
        self.verifying = true;
        for block in self.arenas.blocks_in_use() {
            for cell in marked_cells(block) {
                if (*block).space == Space::Objects {
                    self.verify_object(cell as *mut Header);
                }
            }
        }
        self.forget_weak();
        self.verifying = false;
        for (cursor, class) in self.cursors.iter().zip(&self.classes) {
            verify_free(cursor.bump, cursor.limit);
            verify_runs(class.runs.map_or(std::ptr::null_mut(), |run| run.as_ptr()));
            for &block in &class.ready {
                verify_runs((*block).runs);
            }
        }
    }

    unsafe fn verify_object(&mut self, object: *mut Header) {
        let barrier = (*object).barrier;
        self.scan(Gray::from_header(object));
        while !self.slices.is_empty() {
            self.scan_slice();
        }
        assert!(self.gray.is_empty());
        (*object).barrier = barrier;
    }
}

unsafe fn marked_cells(block: *mut Block) -> impl Iterator<Item = *mut u8> {
    let size = (*block).cell_size as usize;
    let start = (*block).start;
    let count = ((*block).end() as usize - start as usize) / size;
    (0..count).map(move |index| start.wrapping_add(index * size)).filter(|&cell| is_marked(cell))
}

unsafe fn verify_runs(mut run: *mut Run) {
    while !run.is_null() {
        verify_free(run as *mut u8, (*run).end);
        run = (*run).next;
    }
}

unsafe fn verify_free(start: *mut u8, end: *mut u8) {
    let mut word = start;
    while word < end {
        assert!(!is_marked_word(word), "a free run contains a marked cell");
        word = word.add(8);
    }
}

unsafe fn is_marked_word(word: *mut u8) -> bool {
    let (bits, mask) = super::arena::bit(word);
    *bits & mask != 0
}
