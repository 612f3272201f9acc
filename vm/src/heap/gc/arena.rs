//! Arenas: the memory that cells are cut from.
//!
//! An arena is 4 MiB at an address that is a multiple of 4 MiB, so the arena of any cell is found
//! by masking the cell's address. It starts with one mark bit for every 8 bytes and with a
//! descriptor for each of its 32 KiB blocks; the blocks follow. All cells of a block have one size
//! and belong to one [`Space`].
//!
//! Invariant (CELL BITS): only the bit of a cell's first 8 bytes is ever set.
//! Invariant (BLOCKS): an arena exists as long as one of its blocks is in use, and the bits and the
//! descriptor of a block in use are initialised. Arenas in [`Arenas::all`] exist; of their headers,
//! `free`, `index` and `shared` are always initialised.

use super::allocate::Run;
use super::budget::Shared;
use crate::reserve;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr;

const ARENA_SIZE: usize = 4 << 20;
const ARENA_MASK: usize = !(ARENA_SIZE - 1);
/// The bytes of a block.
pub(super) const BLOCK_SIZE: usize = 32 << 10;
const BLOCKS: usize = ARENA_SIZE / BLOCK_SIZE;
const BITMAP_WORDS: usize = ARENA_SIZE / 8 / 64;
/// The words of the bitmap that describe one block.
pub(super) const BLOCK_WORDS: usize = BLOCK_SIZE / 8 / 64;
/// The first block after the arena's own header.
const FIRST_BLOCK: usize = size_of::<Arena>().div_ceil(BLOCK_SIZE);
const ALL_FREE: u128 = u128::MAX << FIRST_BLOCK;
const LAYOUT: Layout = match Layout::from_size_align(ARENA_SIZE, ARENA_SIZE) {
    Ok(layout) => layout,
    Err(_) => panic!(),
};

/// What kind of cells a block holds.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// Cells that start with an object header, short strings excepted.
    Objects,
    /// Short strings: nothing to scan, so marking one is setting its bit.
    Strings,
    /// What objects own: array parts, hash parts, stacks, string buffers. Marked by their owner.
    Payloads,
}

/// The descriptor of a block.
pub(super) struct Block {
    pub(super) start: *mut u8,
    pub(super) cell_size: u32,
    /// Bytes of cells that are alive, or that were handed out in runs since the block was swept.
    pub(super) used: u32,
    /// The index of the size class, space included.
    pub(super) class: u8,
    pub(super) space: Space,
    /// The free runs that sweeping found; taken by the class when it allocates from the block.
    pub(super) runs: *mut Run,
}

impl Block {
    /// One past the last cell.
    pub(super) fn end(&self) -> *mut u8 {
        let size = self.cell_size as usize;
        self.start.wrapping_add(BLOCK_SIZE / size * size)
    }

    /// The part of the bitmap that describes the block.
    ///
    /// # Safety
    /// The block belongs to a living arena, and no other reference to its bits exists.
    pub(super) unsafe fn bits<'a>(&self) -> &'a mut [u64; BLOCK_WORDS] {
        // SAFETY: the bits of the block start at that of its first cell, are BLOCK_WORDS words and
        // are initialised (BLOCKS). The caller asserts that there is no other reference to them.
        unsafe { &mut *(bit(self.start).0 as *mut [u64; BLOCK_WORDS]) }
    }
}

/// The bits and the descriptor of a block that was never taken are not initialised: their pages
/// need not exist yet.
#[repr(C)]
struct Arena {
    bits: [u64; BITMAP_WORDS],
    /// Bit b is set if block b is free.
    free: u128,
    /// Its place in [`Arenas::all`].
    index: usize,
    shared: *const Shared,
    blocks: [Block; BLOCKS],
}

/// The word and the mask of a cell's mark bit.
///
/// # Safety
/// `cell` is in a live arena.
#[inline(always)]
pub(super) unsafe fn bit<T>(cell: *const T) -> (*mut u64, u64) {
    let address = cell as usize;
    let index = (address & !ARENA_MASK) >> 3;
    // SAFETY: the cell is in an arena that exists, as the caller asserts, so the masked address is
    // that of its bitmap, and the word with the bit of any address in the arena is in the bitmap.
    unsafe { (((address & ARENA_MASK) as *mut u64).add(index >> 6), 1 << (index & 63)) }
}

/// Whether a cell is marked.
///
/// # Safety
/// `cell` is the start of a cell in a living arena.
#[inline(always)]
pub(super) unsafe fn is_marked<T>(cell: *const T) -> bool {
    // SAFETY: the cell is in use, so its bit is initialised (BLOCKS).
    unsafe {
        let (word, mask) = bit(cell);
        *word & mask != 0
    }
}

/// Marks a cell and returns whether it was unmarked before.
///
/// # Safety
/// `cell` is the start of a cell in a living arena.
#[inline(always)]
pub(super) unsafe fn set_mark<T>(cell: *const T) -> bool {
    // SAFETY: the cell is in use, so its bit and the descriptor of its block are initialised
    // (BLOCKS), and so is the rest of the word: it describes 512 bytes of the same block.
    unsafe {
        debug_assert!(
            (cell as usize - (*block_of(cell)).start as usize)
                .is_multiple_of((*block_of(cell)).cell_size as usize)
        );
        let (word, mask) = bit(cell);
        // Most references lead to marked objects; a store each time would delay the next read of
        // the word.
        let is_white = *word & mask == 0;
        if is_white {
            *word |= mask;
        }
        is_white
    }
}

/// The block of a cell.
///
/// # Safety
/// `cell` is in a live arena.
#[inline(always)]
pub(super) unsafe fn block_of<T>(cell: *const T) -> *mut Block {
    let address = cell as usize;
    let arena = (address & ARENA_MASK) as *mut Arena;
    // SAFETY: the cell is in an arena that exists, as the caller asserts, and the masked address is
    // its start. Nothing is read: only the address of a descriptor is computed.
    unsafe { &raw mut (*arena).blocks[(address & !ARENA_MASK) / BLOCK_SIZE] }
}

/// The data that a cell's heap shares with all its arenas.
///
/// # Safety
/// `cell` is in a live arena.
pub(super) unsafe fn shared_of<T>(cell: *const T) -> *const Shared {
    // SAFETY: the cell is in an arena that exists, as the caller asserts; `shared` is always
    // initialised.
    unsafe { (*((cell as usize & ARENA_MASK) as *const Arena)).shared }
}

/// The hash seed of the heap that a cell belongs to.
///
/// # Safety
/// `cell` is in a live arena.
pub(crate) unsafe fn hash_seed_of<T>(cell: *const T) -> u64 {
    // SAFETY: the cell is in an arena that exists, as the caller asserts, and the data that a heap
    // shares lives longer than its arenas.
    unsafe { (*shared_of(cell)).hash_seed }
}

/// Whether two addresses are in the same block.
#[inline(always)]
pub(super) fn same_block<T, U>(a: *const T, b: *const U) -> bool {
    (a as usize ^ b as usize) < BLOCK_SIZE
}

/// All arenas of a heap.
pub(super) struct Arenas {
    all: Vec<*mut Arena>,
    /// No arena before this index has a free block.
    first_free: usize,
    /// In a box, where it stays when the heap moves.
    pub(super) shared: Box<Shared>,
}

impl Arenas {
    pub(super) fn new(hash_seed: u64) -> Arenas {
        let shared = Shared { hash_seed, budget: Cell::new(ptr::null_mut()) };
        reserve::restore();
        Arenas { all: Vec::new(), first_free: 0, shared: Box::new(shared) }
    }

    /// A free block. Only its address and its clear mark bits matter.
    pub(super) fn take_block(&mut self) -> *mut Block {
        while let Some(&arena) = self.all.get(self.first_free) {
            // SAFETY: the arena exists (BLOCKS). A set bit of `free` is the number of one of its
            // blocks, which nothing uses, so its descriptor and its bits may be written.
            unsafe {
                if (*arena).free != 0 {
                    let index = (*arena).free.trailing_zeros() as usize;
                    (*arena).free &= (*arena).free - 1;
                    let block = &raw mut (*arena).blocks[index];
                    let start = (arena as *mut u8).add(index * BLOCK_SIZE);
                    let runs = ptr::null_mut();
                    block.write(Block {
                        start,
                        cell_size: 0,
                        used: 0,
                        class: 0,
                        space: Space::Objects,
                        runs,
                    });
                    ptr::write_bytes(bit(start).0, 0, BLOCK_WORDS);
                    return block;
                }
            }
            self.first_free += 1;
        }
        self.add_arena();
        self.take_block()
    }

    /// Gives a block back.
    ///
    /// # Safety
    /// `take_block` has returned it, and nothing uses it or a cell of it any more.
    pub(super) unsafe fn free_block(&mut self, block: *mut Block) {
        let arena = (block as usize & ARENA_MASK) as *mut Arena;
        // SAFETY: the block is in use, as the caller asserts, so its arena exists (BLOCKS); the
        // descriptor is in the header of the arena, whose address is therefore the masked one.
        unsafe {
            let index = ((*block).start as usize & !ARENA_MASK) / BLOCK_SIZE;
            debug_assert!((*arena).free & (1 << index) == 0, "a block is freed twice");
            (*arena).free |= 1 << index;
            self.first_free = self.first_free.min((*arena).index);
        }
    }

    fn add_arena(&mut self) {
        // SAFETY: the layout has a size.
        let arena = reserve::with_reserve(ARENA_SIZE, || unsafe { alloc(LAYOUT) }) as *mut Arena;
        if arena.is_null() {
            handle_alloc_error(LAYOUT);
        }
        // SAFETY: the memory is not null, is as large as an arena and aligned to its size; the
        // fields have no destructors that an assignment would run.
        unsafe {
            (*arena).free = ALL_FREE;
            (*arena).index = self.all.len();
            (*arena).shared = &raw const *self.shared;
        }
        self.first_free = self.first_free.min(self.all.len());
        self.all.push(arena);
    }

    /// Returns up to `count` arenas without a used block to the OS, as long as more than `size`
    /// bytes are left. True if there is nothing more to return. (The OS takes about a tenth of a
    /// millisecond for each.)
    pub(super) fn release_free(&mut self, size: usize, mut count: usize) -> bool {
        let mut index = 0;
        while let Some(&arena) = self.all.get(index)
            && self.size() > size
        {
            // SAFETY: arenas of the list exist (BLOCKS).
            if unsafe { (*arena).free != ALL_FREE } {
                index += 1;
            } else if count == 0 {
                return false;
            } else {
                count -= 1;
                self.all.swap_remove(index);
                if let Some(&moved) = self.all.get(index) {
                    // SAFETY: as above.
                    unsafe { (*moved).index = index };
                }
                // SAFETY: `add_arena` has allocated it with this layout. No block is in use, and it
                // is not in the list any more.
                unsafe { dealloc(arena as *mut u8, LAYOUT) };
                self.first_free = 0;
            }
        }
        true
    }

    /// Clears every mark.
    ///
    /// # Safety
    /// No cell is regarded as alive because of its mark.
    pub(super) unsafe fn clear_marks(&mut self) {
        for block in self.blocks_in_use() {
            // SAFETY: the block is in use (BLOCKS), and no other reference to its bits is held.
            unsafe { (*block).bits().fill(0) };
        }
    }

    /// Every block that is not free.
    pub(super) fn blocks_in_use(&self) -> Vec<*mut Block> {
        let mut blocks = Vec::new();
        for &arena in &self.all {
            // SAFETY: arenas of the list exist, and `free` is initialised (BLOCKS). Of the
            // descriptors only the addresses are computed.
            unsafe {
                let used = (FIRST_BLOCK..BLOCKS).filter(|index| (*arena).free >> index & 1 == 0);
                blocks.extend(used.map(|index| &raw mut (*arena).blocks[index]));
            }
        }
        blocks
    }

    /// The bytes of the arenas.
    pub(super) fn size(&self) -> usize {
        self.all.len() * ARENA_SIZE
    }
}

impl Drop for Arenas {
    fn drop(&mut self) {
        for &arena in &self.all {
            // SAFETY: allocated by `add_arena` with the same layout; the heap that used it has been
            // freed.
            unsafe { dealloc(arena as *mut u8, LAYOUT) };
        }
    }
}
