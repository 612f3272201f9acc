//! The table of short strings.
//!
//! Extendible hashing: the upper bits of a hash select a shard through a directory, and a shard that fills up is split in
//! two, so the table grows without ever rehashing as a whole. A shard is an open-addressed array of words: the lower 16
//! bits of the hash above the string's address. The home of an entry is in those bits, so neither probing past an entry nor
//! rebuilding a shard reads the string.
//!
//! The table does not keep strings alive. The purge rebuilds each shard from the marked ones; a string found before its
//! shard's turn is marked by [`Heap::intern`].

use super::hash;
use crate::gc::Heap;
use crate::object::{Header, Kind, SHORT_BYTES, Str};
use std::ptr::{self, null_mut};

/// The entries of a new shard.
const SHARD_SIZE: usize = 1024;
const ADDRESS: u64 = (1 << 48) - 1;
/// The directory may have this many times more slots than evenly filled shards need, before shards grow instead of being
/// split: hashes that agree in all of the upper bits shall not blow it up.
const MAX_SKEW: usize = 64;

struct Shard {
    /// A power of two of words; 0 is a free one.
    entries: Box<[u64]>,
    live: usize,
    /// The number of upper hash bits that all of its strings share.
    depth: u32,
}

impl Shard {
    fn new(size: usize, depth: u32) -> Shard {
        Shard { entries: vec![0; size].into_boxed_slice(), live: 0, depth }
    }

    #[inline(always)]
    fn home(&self, entry: u64) -> usize {
        (entry >> 48) as usize & (self.entries.len() - 1)
    }

    #[inline(always)]
    fn insert(&mut self, entry: u64) {
        let mask = self.entries.len() - 1;
        let mut index = self.home(entry);
        while self.entries[index & mask] != 0 {
            index += 1;
        }
        self.entries[index & mask] = entry;
        self.live += 1;
    }

    fn is_full(&self) -> bool {
        self.live >= self.entries.len() / 4 * 3
    }
}

pub(crate) struct InternTable {
    seed: u64,
    /// For each value of the upper `depth` bits of a hash, the index of its shard.
    directory: Vec<u32>,
    depth: u32,
    shards: Vec<Shard>,
    /// The directory slots before this one are purged.
    purged: usize,
}

impl InternTable {
    pub(crate) fn new(seed: u64) -> InternTable {
        InternTable { seed, directory: vec![0], depth: 0, shards: vec![Shard::new(SHARD_SIZE, 0)], purged: 0 }
    }

    #[inline(always)]
    fn slot_of(&self, hash: u32) -> usize {
        (hash as u64 >> (32 - self.depth)) as usize
    }

    #[inline(always)]
    unsafe fn find(&self, bytes: &[u8], hash: u32) -> *mut Str {
        let shard = self.shards.get_unchecked(*self.directory.get_unchecked(self.slot_of(hash)) as usize);
        let tag = (hash as u64) << 48;
        let mask = shard.entries.len() - 1;
        let mut index = shard.home(tag);
        loop {
            let entry = *shard.entries.get_unchecked(index & mask);
            if entry == 0 {
                return null_mut();
            }
            if (entry ^ tag) >> 48 == 0 {
                let string = (entry & ADDRESS) as *mut Str;
                if (*string).hash == hash && super::bytes(string) == bytes {
                    return string;
                }
            }
            index += 1;
        }
    }

    unsafe fn insert(&mut self, string: *mut Str, hash: u32) {
        let mut index = self.directory[self.slot_of(hash)] as usize;
        while self.shards[index].is_full() {
            self.make_room(hash);
            index = self.directory[self.slot_of(hash)] as usize;
        }
        self.shards[index].insert((hash as u64) << 48 | string as u64);
    }

    /// Splits the full shard that `hash` belongs to, or doubles it.
    #[cold]
    #[inline(never)]
    unsafe fn make_room(&mut self, hash: u32) {
        let index = self.directory[self.slot_of(hash)] as usize;
        let depth = self.shards[index].depth;
        if depth == self.depth {
            if depth == 32 || self.directory.len() >= MAX_SKEW * self.shards.len() {
                let shard = &mut self.shards[index];
                let mut larger = Shard::new(2 * shard.entries.len(), depth);
                shard.entries.iter().filter(|&&entry| entry != 0).for_each(|&entry| larger.insert(entry));
                *shard = larger;
                return;
            }
            self.directory = self.directory.iter().flat_map(|&shard| [shard, shard]).collect();
            self.depth += 1;
            self.purged *= 2;
        }
        let size = self.shards[index].entries.len();
        let (mut low, mut high) = (Shard::new(size, depth + 1), Shard::new(size, depth + 1));
        for &entry in self.shards[index].entries.iter().filter(|&&entry| entry != 0) {
            let string = (entry & ADDRESS) as *mut Str;
            let half = if (*string).hash >> (31 - depth) & 1 == 0 { &mut low } else { &mut high };
            half.insert(entry);
        }
        self.shards[index] = low;
        let new_index = self.shards.len() as u32;
        self.shards.push(high);
        // The slots of a shard are adjacent; the second half of them is the new shard's.
        let width = 1 << (self.depth - depth);
        let start = self.slot_of(hash) & !(width - 1);
        self.directory[start + width / 2..start + width].fill(new_index);
    }

    pub(crate) fn begin_purge(&mut self) {
        self.purged = 0;
    }

    /// Rebuilds up to `count` shards without the strings that are not alive; true if that were the last.
    pub(crate) unsafe fn purge(&mut self, count: usize, is_alive: impl Fn(*mut Str) -> bool) -> bool {
        for _ in 0..count {
            let Some(&index) = self.directory.get(self.purged) else { break };
            let shard = &mut self.shards[index as usize];
            let mut rebuilt = Shard::new(shard.entries.len(), shard.depth);
            for &entry in shard.entries.iter() {
                if entry != 0 && is_alive((entry & ADDRESS) as *mut Str) {
                    rebuilt.insert(entry);
                }
            }
            *shard = rebuilt;
            self.purged += 1 << (self.depth - shard.depth);
        }
        self.purged >= self.directory.len()
    }

    /// Every string of the table.
    #[cfg(any(debug_assertions, feature = "gc-stress"))]
    pub(crate) fn strings(&self) -> impl Iterator<Item = *mut Str> + '_ {
        let entries = self.shards.iter().flat_map(|shard| shard.entries.iter());
        entries.filter(|&&entry| entry != 0).map(|&entry| (entry & ADDRESS) as *mut Str)
    }

    /// The bytes that the table takes outside the heap.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        self.shards.iter().map(|shard| 8 * shard.entries.len()).sum::<usize>() + 4 * self.directory.len()
    }
}

impl Heap {
    /// The one string with these bytes, at most [`MAX_SHORT`](crate::object::MAX_SHORT).
    #[inline]
    pub(crate) unsafe fn intern(&mut self, bytes: &[u8]) -> *mut Str {
        debug_assert!(bytes.len() <= crate::object::MAX_SHORT);
        let hash = hash::hash(bytes, self.strings.seed);
        let found = self.strings.find(bytes, hash);
        if !found.is_null() {
            self.keep_interned(found);
            return found;
        }
        let string = self.allocate_short_string(bytes.len());
        string.write(Str {
            header: Header { barrier: 0, kind: Kind::ShortString },
            hashed: 1,
            is_built: 0,
            hash,
            length: bytes.len() as u32,
        });
        ptr::copy_nonoverlapping(bytes.as_ptr(), (string as *mut u8).add(SHORT_BYTES), bytes.len());
        self.strings.insert(string, hash);
        string
    }
}
