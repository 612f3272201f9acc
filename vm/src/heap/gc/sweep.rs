//! Sweeping: free runs from the mark bits alone.
//!
//! A dead cell is never read, so work that needs its contents (unlinking a string, dropping a Rust
//! value) must be done before sweeping starts: that is the task of the purge. Blocks are swept
//! lazily, by allocation when it needs a run and by the collector's slices for the rest. Sweeping a
//! block clears its marks.

use super::allocate::{Run, poison};
use super::arena::{BLOCK_WORDS, Block};
use super::{Heap, Phase};
use std::ptr::null_mut;

impl Heap {
    /// Starts sweeping: everything that is unmarked now is free.
    ///
    /// # Safety
    /// The purge has ended: nothing that is alive refers to an unmarked cell.
    pub(super) unsafe fn begin_sweep(&mut self) {
        // SAFETY: no block is unswept: the last cycle has swept them all (CLEAN START). Cells are
        // allocated from runs of swept blocks only from here on, since the runs in use are
        // abandoned.
        unsafe {
            self.retire_runs();
        }
        self.phase = Phase::Sweep;
        self.sweep_class = 0;
    }

    /// Sweeps up to `count` blocks; true if none is left.
    ///
    /// # Safety
    /// The phase is [`Phase::Sweep`].
    pub(super) unsafe fn sweep(&mut self, mut count: usize) -> bool {
        while self.sweep_class < self.classes.len() {
            let Some(block) = self.classes[self.sweep_class].unswept.pop() else {
                self.sweep_class += 1;
                continue;
            };
            // SAFETY: an unswept block of a class exists (BLOCKS), and its unmarked cells are free
            // since the end of the purge. Without a cell that is in use it is in no other list, so
            // it may be given back.
            unsafe {
                self.sweep_block(block);
                let class = &mut self.classes[self.sweep_class];
                if (*block).used == 0 {
                    self.arenas.free_block(block);
                } else {
                    class.swept.push(block);
                    if !(*block).runs.is_null() {
                        class.ready.push(block);
                    }
                }
            }
            count -= 1;
            if count == 0 {
                return false;
            }
        }
        true
    }

    /// Turns the unmarked cells of a block into runs, clears the marks and counts what is alive.
    ///
    /// # Safety
    /// The phase is [`Phase::Sweep`]; the block was unswept and is in no list of its class.
    pub(super) unsafe fn sweep_block(&mut self, block: *mut Block) {
        // SAFETY: the block exists, and nothing else uses it, its bits or its free cells: a free
        // cell is neither referred to nor part of a run in use (RUNS). Cells and runs are from
        // `start` to `end`, so their bits are among the block's (CELL BITS), and `link` is `first`
        // or the head of a run that was just written into a free cell, the smallest of which has
        // room for one.
        unsafe {
            let bits = (*block).bits();
            let size = (*block).cell_size as usize;
            let end = (*block).end();
            let mut live = 0;
            let mut first: *mut Run = null_mut();
            let mut link = &raw mut first;
            let mut close = |start: *mut u8, end: *mut u8| {
                poison(start, end);
                let run = start as *mut Run;
                run.write(Run { next: null_mut(), end });
                *link = run;
                link = &raw mut (*run).next;
            };
            if bits.iter().all(|&word| word == 0) {
                close((*block).start, end);
            } else {
                let mut cell = (*block).start;
                let mut unit = 0;
                let mut run_start: *mut u8 = null_mut();
                while cell < end {
                    debug_assert!(unit >> 6 < BLOCK_WORDS);
                    if bits.get_unchecked(unit >> 6) >> (unit & 63) & 1 == 0 {
                        if run_start.is_null() {
                            run_start = cell;
                        }
                    } else {
                        live += size;
                        if !run_start.is_null() {
                            close(run_start, cell);
                            run_start = null_mut();
                        }
                    }
                    cell = cell.add(size);
                    unit += size / 8;
                }
                if !run_start.is_null() {
                    close(run_start, end);
                }
                bits.fill(0);
            }
            (*block).runs = first;
            self.account.used = self.account.used - (*block).used as usize + live;
            (*block).used = live as u32;
        }
    }
}
