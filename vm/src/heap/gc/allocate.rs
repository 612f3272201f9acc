//! Allocation: size classes, and bumping a pointer inside a free run.
//!
//! Each class (a cell size within a space) owns blocks. A swept block's free cells form runs; the
//! class takes one run at a time and allocates its cells by moving a pointer. All other work
//! (accounting, the decision to collect, lazy sweeping) happens when a run is exhausted, in
//! [`Heap::refill`]. A class that has no block yet takes its first few cells from the runs of
//! larger ones. Allocation never collects.
//!
//! Invariant (RUNS): a run never overlaps a live cell, and a run in use is in a swept block.
//! Invariant (BLACK RUNS): from the atomic phase to the end of the purge every cell of a run in use
//! is marked in advance, so a mark bit also means "alive" for objects created in that time.

use super::arena::{Block, Space, bit, block_of};
use super::{Heap, Phase};
use std::ptr::{self, null_mut};

/// The sizes of cells.
const SIZES: [u32; 30] = [
    16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768,
    896, 1024, 1280, 1536, 2048, 2720, 4096, 5456, 8192,
];
/// The largest cell. Larger payloads come from the OS's allocator.
pub(crate) const MAX_CELL: usize = 8192;
/// The number of classes: every size in every space.
pub(super) const CLASSES: usize = SIZES.len() * 3;
/// How many bytes a class takes from larger ones before it has its own block.
const BORROWED_BYTES: usize = 2048;
/// How many blocks one refill sweeps at most before it takes a fresh block.
const SWEEP_LIMIT: usize = 8;

/// For a size in units of 8 bytes, the index of the smallest size that holds it.
static SIZE_INDEX: [u8; MAX_CELL / 8 + 1] = {
    let mut table = [0; MAX_CELL / 8 + 1];
    let (mut units, mut index) = (0, 0);
    while units < table.len() {
        if units * 8 > SIZES[index] as usize {
            index += 1;
        }
        table[units] = index as u8;
        units += 1;
    }
    table
};

/// The head of a free run, stored in its first cell.
pub(super) struct Run {
    pub(super) next: *mut Run,
    pub(super) end: *mut u8,
}

/// The rest of the run that a class allocates from.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    pub(super) bump: *mut u8,
    pub(super) limit: *mut u8,
}

impl Cursor {
    pub(super) const EMPTY: Cursor = Cursor { bump: null_mut(), limit: null_mut() };
}

/// The memory that a class owns.
#[derive(Default)]
pub(super) struct Class {
    /// Further free runs of the block in use.
    pub(super) runs: Option<ptr::NonNull<Run>>,
    /// The blocks that are swept (or new), the one in use included.
    pub(super) swept: Vec<*mut Block>,
    /// Those of them that have free runs and are not in use.
    pub(super) ready: Vec<*mut Block>,
    /// The blocks that are still to be swept in this cycle.
    pub(super) unswept: Vec<*mut Block>,
    /// The bytes that it took from larger classes.
    borrowed: usize,
}

/// The class of cells for `size` bytes, at most [`MAX_CELL`].
///
/// # Safety
/// `size` is at most [`MAX_CELL`].
#[inline(always)]
unsafe fn class_of(space: Space, size: usize) -> usize {
    debug_assert!(size <= MAX_CELL);
    // SAFETY: the table has an entry for each number of units up to that of MAX_CELL, which `size`
    // does not exceed, as the caller asserts.
    unsafe { space as usize * SIZES.len() + *SIZE_INDEX.get_unchecked(size.div_ceil(8)) as usize }
}

#[inline(always)]
fn size_of_class(class: usize) -> usize {
    SIZES[class % SIZES.len()] as usize
}

/// The size of the cell that holds `size` bytes, at most [`MAX_CELL`].
pub(crate) fn cell_size(size: usize) -> usize {
    SIZES[SIZE_INDEX[size.div_ceil(8)] as usize] as usize
}

impl Heap {
    /// An uninitialised cell of at least `size` bytes.
    ///
    /// # Safety
    /// `size` is at most [`MAX_CELL`].
    #[inline(always)]
    pub(super) unsafe fn allocate(&mut self, space: Space, size: usize) -> *mut u8 {
        // SAFETY: `size` is at most MAX_CELL, as the caller asserts.
        let class = unsafe { class_of(space, size) };
        // SAFETY: a class is less than CLASSES: the space is one of three, and the index of a size
        // is less than the number of sizes.
        let cursor = unsafe { self.cursors.get_unchecked_mut(class) };
        let cell = cursor.bump;
        let end = cell.wrapping_add(size_of_class(class));
        if end <= cursor.limit {
            cursor.bump = end;
            cell
        } else {
            self.refill(class)
        }
    }

    /// Takes the next free run of a class and its first cell.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, class: usize) -> *mut u8 {
        if let Some(cell) = self.borrow(class) {
            return cell;
        }
        let mut sweeps = 0;
        while self.classes[class].runs.is_none() {
            let block = if let Some(block) = self.classes[class].ready.pop() {
                block
            } else if sweeps < SWEEP_LIMIT
                && let Some(block) = self.classes[class].unswept.pop()
            {
                sweeps += 1;
                // SAFETY: a class has unswept blocks only in the phase that sweeps them, and this
                // one was just taken from the list.
                unsafe { self.sweep_block(block) };
                self.classes[class].swept.push(block);
                block
            } else {
                self.new_block(class)
            };
            // SAFETY: a block of a class exists (BLOCKS).
            unsafe {
                self.classes[class].runs = ptr::NonNull::new((*block).runs);
                (*block).runs = null_mut();
            }
        }
        let run = self.classes[class].runs.map_or(null_mut(), |run| run.as_ptr());
        // SAFETY: the loop above has ended, so there is a run. Its head is still initialised, since
        // none of its cells has been handed out; they are free (RUNS), at least one, and of this
        // class's size. The block that they are in is in use (BLOCKS).
        unsafe {
            self.classes[class].runs = ptr::NonNull::new((*run).next);
            let (start, limit) = (run as *mut u8, (*run).end);
            let bytes = limit as usize - start as usize;
            (*block_of(start)).used += bytes as u32;
            if self.phase == Phase::Purge {
                set_marks(start, limit, size_of_class(class), true);
            }
            self.cursors[class] = Cursor { bump: start.add(size_of_class(class)), limit };
            self.account_allocation(bytes);
            start
        }
    }

    /// A cell from the run of a larger class, for a class without a block. A block's first cell is
    /// the first touch of a page, which takes the OS longer than all that a new VM does with some
    /// classes.
    fn borrow(&mut self, class: usize) -> Option<*mut u8> {
        let Class { swept, unswept, borrowed, .. } = &self.classes[class];
        if !swept.is_empty() || !unswept.is_empty() {
            return None;
        }
        let end_of_space = (class + 1).next_multiple_of(SIZES.len());
        let larger = (class + 1..end_of_space)
            .take_while(|&larger| borrowed + size_of_class(larger) <= BORROWED_BYTES)
            .find(|&larger| self.cursors[larger].bump < self.cursors[larger].limit)?;
        let (cell, size) = (self.cursors[larger].bump, size_of_class(larger));
        // SAFETY: `bump` is before the limit of the run, which consists of cells of this size.
        self.cursors[larger].bump = unsafe { cell.add(size) };
        self.classes[class].borrowed += size;
        Some(cell)
    }

    fn new_block(&mut self, class: usize) -> *mut Block {
        let block = self.arenas.take_block();
        self.recount_intern_table();
        // SAFETY: the block was just taken, and nothing else uses it yet, so its descriptor and its
        // cells may be written. The smallest cell has room for the head of a run.
        unsafe {
            (*block).cell_size = size_of_class(class) as u32;
            (*block).class = class as u8;
            (*block).space = match class / SIZES.len() {
                0 => Space::Objects,
                1 => Space::Strings,
                _ => Space::Payloads,
            };
            (*block).used = 0;
            let run = (*block).start as *mut Run;
            poison((*block).start, (*block).end());
            run.write(Run { next: null_mut(), end: (*block).end() });
            (*block).runs = run;
        }
        self.classes[class].swept.push(block);
        block
    }

    /// Takes a cell back that nothing refers to any more, if it was the last one that its class
    /// handed out; otherwise the next cycle finds it.
    ///
    /// # Safety
    /// [`Heap::allocate`] has returned the cell for this space and size, and nothing refers to it.
    pub(super) unsafe fn unallocate(&mut self, space: Space, cell: *mut u8, size: usize) {
        // SAFETY: `allocate` has returned the cell, so `size` is at most MAX_CELL.
        let class = unsafe { class_of(space, size) };
        let cursor = &mut self.cursors[class];
        let end = cell.wrapping_add(size_of_class(class));
        if end == cursor.bump && super::arena::same_block(cell, cursor.limit.wrapping_sub(1)) {
            // SAFETY: the cell ends where the rest of the run in use starts, and is in the same
            // block, so it is one cell of the class; nothing refers to it, as the caller asserts.
            unsafe {
                poison(cell, end);
                cursor.bump = cell;
                if self.phase != Phase::Purge {
                    set_marks(cell, end, size_of_class(class), false);
                }
            }
        }
    }

    /// Bytes of runs in use that are not handed out yet.
    pub(super) fn unallocated(&self) -> usize {
        self.cursors.iter().map(|cursor| cursor.limit as usize - cursor.bump as usize).sum()
    }

    /// Marks what is left of all runs in use, at the atomic phase: see BLACK RUNS.
    pub(super) fn blacken_runs(&mut self) {
        for (class, cursor) in self.cursors.iter().enumerate() {
            // SAFETY: the rest of a run in use consists of free cells of its class (RUNS), in a
            // block in use (BLOCKS). An empty cursor has none.
            unsafe { set_marks(cursor.bump, cursor.limit, size_of_class(class), true) };
        }
    }

    /// Hands all blocks to the sweeper. Runs in use are abandoned: what is left of them is free
    /// like any unmarked cell.
    ///
    /// # Safety
    /// The purge has ended: nothing that is alive refers to an unmarked cell.
    pub(super) unsafe fn retire_runs(&mut self) {
        for (class, cursor) in self.cursors.iter_mut().enumerate() {
            // SAFETY: the rest of a run in use consists of free cells of its class (RUNS), in a
            // block in use (BLOCKS). An empty cursor has none.
            unsafe { set_marks(cursor.bump, cursor.limit, size_of_class(class), false) };
            *cursor = Cursor::EMPTY;
        }
        for class in &mut self.classes {
            debug_assert!(class.unswept.is_empty());
            class.runs = None;
            class.ready.clear();
            class.unswept.append(&mut class.swept);
        }
    }
}

/// Sets or clears the marks of all cells from `start` to `end`.
///
/// # Safety
/// `start` and `end` are equal, or there are cells of `size` bytes from `start` to `end`, in one
/// block that is in use.
unsafe fn set_marks(start: *mut u8, end: *mut u8, size: usize, marked: bool) {
    let mut cell = start;
    while cell < end {
        // SAFETY: the cell is in a block in use, as the caller asserts, so its bit is initialised
        // (BLOCKS), and its end is in the arena or one past it.
        unsafe {
            let (word, mask) = bit(cell);
            *word = if marked { *word | mask } else { *word & !mask };
            cell = cell.add(size);
        }
    }
}

/// Fills free memory with a pattern that no valid pointer has, in debug builds.
///
/// # Safety
/// The memory from `start` to `end` belongs to free cells.
#[inline(always)]
pub(super) unsafe fn poison(start: *mut u8, end: *mut u8) {
    if cfg!(debug_assertions) {
        // SAFETY: the memory is free, as the caller asserts.
        unsafe { ptr::write_bytes(start, 0xDD, end as usize - start as usize) };
    }
}
