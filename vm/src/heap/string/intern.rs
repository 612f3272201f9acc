//! The table of short strings.
//!
//! Extendible hashing: the upper bits of a hash select a shard through a directory, and a shard
//! that fills up is split in two, so the table grows without ever being rehashed as a whole. A
//! shard is an open-addressed array of words: the lower 16 bits of the hash above the string's
//! address. The home of an entry is in those bits, so neither probing past an entry nor rebuilding
//! a shard reads the string.
//!
//! Invariant (SHARDS): the directory has `1 << depth` slots, each with a shard from [`Shard::new`];
//! so has `overflow`, if it is not null. Shards are freed when no slot and no shard has them any
//! more. A shard has at most [`FULL`] strings, so some of its entries are free.
//! Invariant (ENTRIES): an entry that is not free has the address of a short string that is not
//! swept, below the lower 16 bits of its hash.
//!
//! The table does not keep strings alive. The purge rebuilds each shard from the marked ones, and
//! merges neighbours that have become small; a string found before its shard's turn is marked by
//! [`Heap::intern`].

use super::hash;
use crate::heap::gc::Heap;
use crate::layout::object::{Header, Kind, MAX_SHORT, SHORT_BYTES, Str};
use std::ptr::null_mut;

/// The entries of a shard, free ones included.
const SHARD_SIZE: usize = 1024;
/// A shard with this many strings is full: beyond it, looking for a string that is new takes more
/// than four entries.
const FULL: usize = SHARD_SIZE / 8 * 5;
/// Two shards that were one are merged if they have no more strings than this together, in a table
/// that is far too large.
const MERGE: usize = SHARD_SIZE / 4;
/// The directory has at most this many times more slots than there are shards. If hashes agree in
/// so many of their upper bits that it would need more, another shard is chained to a full one
/// instead of a split.
const MAX_SKEW: usize = 64;
const ADDRESS: u64 = (1 << 48) - 1;

struct Shard {
    /// 0 is a free entry.
    entries: [u64; SHARD_SIZE],
    live: usize,
    /// The number of upper hash bits that all of its strings share.
    depth: u32,
    /// Strings that found no room; null if there are none.
    overflow: *mut Shard,
}

impl Shard {
    fn new(depth: u32) -> *mut Shard {
        Box::into_raw(Box::new(Shard {
            entries: [0; SHARD_SIZE],
            live: 0,
            depth,
            overflow: null_mut(),
        }))
    }

    /// Adds an entry to a shard that is not full.
    #[inline(always)]
    fn insert(&mut self, entry: u64) {
        let mut index = home(entry);
        while self.entries[index] != 0 {
            index = (index + 1) % SHARD_SIZE;
        }
        self.entries[index] = entry;
        self.live += 1;
    }

    /// Keeps the entries whose string is alive.
    fn retain(&mut self, is_alive: impl Fn(*mut Str) -> bool) {
        let old = std::mem::replace(&mut self.entries, [0; SHARD_SIZE]);
        self.live = 0;
        old.into_iter()
            .filter(|&entry| entry != 0 && is_alive(string_of(entry)))
            .for_each(|entry| self.insert(entry));
    }

    fn strings(&self) -> impl Iterator<Item = u64> + '_ {
        self.entries.iter().copied().filter(|&entry| entry != 0)
    }
}

#[inline(always)]
fn home(entry: u64) -> usize {
    (entry >> 48) as usize % SHARD_SIZE
}

#[inline(always)]
fn string_of(entry: u64) -> *mut Str {
    (entry & ADDRESS) as *mut Str
}

/// Whether a short string has these bytes. They are mostly few, and the same: not worth a call of
/// `memcmp`.
///
/// # Safety
/// The string is short and not swept.
#[inline(always)]
unsafe fn is_short_text(string: *const Str, bytes: &[u8]) -> bool {
    // SAFETY: the string is not swept, as the caller asserts.
    if unsafe { (*string).length as usize != bytes.len() } {
        return false;
    }
    // SAFETY: a short string's bytes are there (BYTES of [`super`]), and have this length.
    let text =
        unsafe { std::slice::from_raw_parts((string as *const u8).add(SHORT_BYTES), bytes.len()) };
    if bytes.len() <= 16 {
        return hash::words_of_few(text) == hash::words_of_few(bytes);
    }
    text == bytes
}

pub(crate) struct InternTable {
    seed: u64,
    /// For each value of the upper `depth` bits of a hash, its shard. The slots of a shard are
    /// adjacent; their number is a power of two, and so is the alignment of the first.
    directory: Vec<*mut Shard>,
    depth: u32,
    shards: usize,
    /// The directory slots before this one are purged.
    purged: usize,
    /// The strings, dead ones included, that this purge found.
    found: usize,
    /// Whether this purge merges shards: they were much too many for what the last purge found.
    merges: bool,
    /// The strings of one byte that were used since the last purge started, and so are alive until
    /// the next one; null for the others. Programs that parse strings create mostly these.
    single: [*mut Str; 256],
}

impl InternTable {
    pub(crate) fn new(seed: u64) -> InternTable {
        InternTable {
            seed,
            directory: vec![Shard::new(0)],
            depth: 0,
            shards: 1,
            purged: 0,
            found: usize::MAX,
            merges: false,
            single: [null_mut(); 256],
        }
    }

    /// The bytes that the table takes.
    pub(crate) fn size(&self) -> usize {
        self.shards * size_of::<Shard>() + self.directory.len() * size_of::<*mut Shard>()
    }

    #[inline(always)]
    fn slot_of(&self, hash: u32) -> usize {
        (hash as u64 >> (32 - self.depth)) as usize
    }

    #[inline(always)]
    fn shard_of(&self, hash: u32) -> *mut Shard {
        debug_assert!(self.slot_of(hash) < self.directory.len());
        // SAFETY: the upper `depth` bits of a hash are less than the number of slots (SHARDS).
        unsafe { *self.directory.get_unchecked(self.slot_of(hash)) }
    }

    #[inline(always)]
    fn find(&self, bytes: &[u8], hash: u32) -> *mut Str {
        let tag = (hash as u64) << 48;
        let mut shard = self.shard_of(hash);
        // SAFETY: the shard of a slot exists, and so does the one chained to it (SHARDS). The
        // string of an entry is short and not swept (ENTRIES).
        unsafe {
            loop {
                let mut index = home(tag);
                loop {
                    let entry = (*shard).entries[index];
                    if entry == 0 {
                        break;
                    }
                    if (entry ^ tag) >> 48 == 0 {
                        let string = string_of(entry);
                        if (*string).hash == hash && is_short_text(string, bytes) {
                            return string;
                        }
                    }
                    index = (index + 1) % SHARD_SIZE;
                }
                shard = (*shard).overflow;
                if shard.is_null() {
                    return null_mut();
                }
            }
        }
    }

    /// A shard for a string with this hash that is not full.
    #[inline(always)]
    fn room_for(&mut self, hash: u32) -> *mut Shard {
        let shard = self.shard_of(hash);
        // SAFETY: the shard of a slot exists (SHARDS).
        unsafe { if (*shard).live < FULL { shard } else { self.make_room(hash) } }
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, hash: u32) -> *mut Shard {
        let mut shard = self.shard_of(hash);
        // SAFETY: the shard of a slot exists, and so does the one chained to it (SHARDS).
        unsafe {
            while (*shard).live >= FULL && (*shard).overflow.is_null() && self.split(hash) {
                shard = self.shard_of(hash);
            }
            while (*shard).live >= FULL {
                if (*shard).overflow.is_null() {
                    (*shard).overflow = Shard::new((*shard).depth);
                    self.shards += 1;
                }
                shard = (*shard).overflow;
            }
        }
        shard
    }

    /// Splits the shard of `hash`, which has no overflow; false if that would make the directory
    /// too large.
    fn split(&mut self, hash: u32) -> bool {
        let shard = self.shard_of(hash);
        // SAFETY: the shard of a slot exists (SHARDS).
        let depth = unsafe { (*shard).depth };
        if depth == self.depth {
            if depth == 32 || self.directory.len() >= MAX_SKEW * self.shards {
                return false;
            }
            self.directory = self.directory.iter().flat_map(|&shard| [shard, shard]).collect();
            self.depth += 1;
            self.purged *= 2;
        }
        let second = Shard::new(depth + 1);
        self.shards += 1;
        // SAFETY: both shards exist and are different ones, and no other reference to them is used.
        // The string of an entry is not swept (ENTRIES).
        unsafe {
            (*shard).depth = depth + 1;
            let is_second = |entry| (*string_of(entry)).hash >> (31 - depth) & 1 != 0;
            (*shard)
                .strings()
                .filter(|&entry| is_second(entry))
                .for_each(|entry| (*second).insert(entry));
            (*shard).retain(|string| (*string).hash >> (31 - depth) & 1 == 0);
        }
        let width = 1 << (self.depth - depth);
        let start = self.slot_of(hash) & !(width - 1);
        self.directory[start + width / 2..start + width].fill(second);
        true
    }

    pub(crate) fn begin_purge(&mut self) {
        self.purged = 0;
        self.merges = self.found < self.shards * MERGE / 2;
        self.found = 0;
    }

    /// To be called before any string may be found dead.
    pub(crate) fn forget_single(&mut self) {
        self.single = [null_mut(); 256];
    }

    /// Rebuilds up to `count` shards without the strings that are not alive; true if that were the
    /// last.
    pub(crate) fn purge(&mut self, count: usize, is_alive: impl Fn(*mut Str) -> bool) -> bool {
        for _ in 0..count {
            let Some(&shard) = self.directory.get(self.purged) else { break };
            let mut link = shard;
            while !link.is_null() {
                // SAFETY: the shard of a slot exists, and so does the one chained to it (SHARDS). A
                // shard that is freed is a box from `Shard::new`, and was taken out of its chain.
                unsafe {
                    self.found += (*link).live;
                    (*link).retain(&is_alive);
                    let next = (*link).overflow;
                    if !next.is_null() && (*next).live == 0 && (*next).overflow.is_null() {
                        (*link).overflow = null_mut();
                        drop(Box::from_raw(next));
                        self.shards -= 1;
                    }
                    link = (*link).overflow;
                }
            }
            let start = self.purged;
            // SAFETY: the shard of a slot exists (SHARDS).
            self.purged += unsafe { self.width(shard) };
            if self.merges {
                self.merge(start);
            }
        }
        self.purged >= self.directory.len()
    }

    /// The number of a shard's directory slots.
    ///
    /// # Safety
    /// The shard is one of the directory.
    unsafe fn width(&self, shard: *mut Shard) -> usize {
        // SAFETY: the shard exists, as the caller asserts.
        1 << (self.depth - unsafe { (*shard).depth })
    }

    /// Merges the purged shard at a slot with the one before it, as long as they were one once and
    /// are small.
    fn merge(&mut self, mut start: usize) {
        loop {
            let second = self.directory[start];
            // SAFETY: the shard of a slot exists (SHARDS).
            let width = unsafe { self.width(second) };
            if (start / width).is_multiple_of(2) {
                return;
            }
            let first = self.directory[start - width];
            // SAFETY: both exist (SHARDS). They are different ones, since the slots of a shard are
            // aligned to their number, and `start` is the first one of `second`.
            unsafe {
                let is_whole = (*first).depth == (*second).depth;
                let overflows = !(*first).overflow.is_null() || !(*second).overflow.is_null();
                if !is_whole || overflows || (*first).live + (*second).live > MERGE {
                    return;
                }
                (*second).strings().for_each(|entry| (*first).insert(entry));
                (*first).depth -= 1;
            }
            self.directory[start..start + width].fill(first);
            // SAFETY: it is a box from `Shard::new`, and no slot has it any more.
            drop(unsafe { Box::from_raw(second) });
            self.shards -= 1;
            start -= width;
        }
    }
}

impl Drop for InternTable {
    fn drop(&mut self) {
        let mut start = 0;
        while let Some(&shard) = self.directory.get(start) {
            // SAFETY: shards are created by `Shard::new`, and each has its own run of slots.
            unsafe {
                start += self.width(shard);
                let mut link = shard;
                while !link.is_null() {
                    link = Box::from_raw(link).overflow;
                }
            }
        }
    }
}

impl Heap {
    /// The one string with these bytes.
    ///
    /// # Safety
    /// There are at most [`MAX_SHORT`] bytes. The string is published before the next safepoint.
    #[inline]
    pub(crate) unsafe fn intern(&mut self, bytes: &[u8]) -> *mut Str {
        if let &[byte] = bytes {
            // SAFETY: the string is published, as the caller asserts.
            return unsafe { self.intern_byte(byte) };
        }
        // SAFETY: as the caller asserts.
        unsafe { self.intern_any(bytes) }
    }

    /// The one string of one byte.
    ///
    /// # Safety
    /// It is published before the next safepoint.
    #[inline(always)]
    pub(crate) unsafe fn intern_byte(&mut self, byte: u8) -> *mut Str {
        let known = self.strings.single[usize::from(byte)];
        // SAFETY: as the caller asserts.
        if known.is_null() { unsafe { self.meet_byte(byte) } } else { known }
    }

    /// # Safety
    /// As [`Heap::intern_byte`].
    #[cold]
    #[inline(never)]
    unsafe fn meet_byte(&mut self, byte: u8) -> *mut Str {
        // SAFETY: one byte is a short string, which is published, as the caller asserts.
        let string = unsafe { self.intern_any(&[byte]) };
        self.strings.single[usize::from(byte)] = string;
        string
    }

    /// # Safety
    /// As [`Heap::intern`].
    #[inline(never)]
    unsafe fn intern_any(&mut self, bytes: &[u8]) -> *mut Str {
        debug_assert!(bytes.len() <= MAX_SHORT);
        let hash = hash::hash(bytes, self.strings.seed);
        let found = self.strings.find(bytes, hash);
        if found.is_null() {
            // SAFETY: there are at most MAX_SHORT bytes, as the caller asserts, and this is their
            // hash.
            return unsafe { self.add_interned(bytes, hash) };
        }
        // SAFETY: strings of the table are not swept (ENTRIES).
        unsafe { self.keep_interned(found) };
        found
    }

    /// A new short string. Separate from the search for an existing one, which needs fewer
    /// registers this way.
    ///
    /// # Safety
    /// As [`Heap::intern`]. The table does not have the string, whose hash is `hash`.
    #[inline(never)]
    unsafe fn add_interned(&mut self, bytes: &[u8], hash: u32) -> *mut Str {
        // SAFETY: there are at most MAX_SHORT bytes, as the caller asserts. The cell is new,
        // aligned for the header and has room for the bytes after it. The shard exists, has room
        // and is not referred to otherwise.
        unsafe {
            let string = self.allocate_short_string(bytes.len());
            string.write(Str {
                header: Header { barrier: 0, kind: Kind::ShortString },
                hashed: 1,
                is_built: 0,
                hash,
                length: bytes.len() as u32,
            });
            super::copy_few(bytes.as_ptr(), (string as *mut u8).add(SHORT_BYTES), bytes.len());
            (*self.strings.room_for(hash)).insert((hash as u64) << 48 | string as u64);
            string
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::gc::tests::{TestRoots, heap};
    use crate::heap::string;
    use crate::layout::value::Value;

    #[test]
    fn equal_text_is_the_same_object() {
        unsafe {
            let mut heap = heap();
            for index in 0..50_000 {
                let text = format!("{index}");
                let first = heap.intern(text.as_bytes());
                assert!(heap.intern(text.as_bytes()) == first);
                assert!(string::bytes(first) == text.as_bytes());
            }
        }
    }

    /// The table's cached strings of one byte are not kept alive by it, and do not outlive a purge
    /// in it.
    #[test]
    fn texts_of_one_byte_die() {
        unsafe {
            let mut heap = heap();
            let mut roots = TestRoots::new();
            roots.values.push(Value::from_string(heap.intern(b"k")));
            (0..=255).for_each(|byte| assert!(string::bytes(heap.intern(&[byte])) == [byte]));
            let used = heap.used();
            heap.collect(&mut roots);
            assert!(heap.used() < used);
            assert!(Value::from_string(heap.intern(b"k")) == roots.values[0]);
            // Their cells are taken by other strings now.
            (0..1000).for_each(|index| _ = heap.intern(format!("{index}").as_bytes()));
            for byte in 0..=255 {
                assert!(string::bytes(heap.intern(&[byte])) == [byte]);
            }
        }
    }

    #[test]
    fn grows_and_shrinks() {
        unsafe {
            let mut heap = heap();
            let mut roots = TestRoots::new();
            let small = heap.strings.size();
            for index in 0..200_000 {
                let string = heap.intern(format!("{index}").as_bytes());
                if index % 1000 == 0 {
                    roots.values.push(Value::from_string(string));
                }
            }
            assert!(heap.strings.size() < 200_000 * 24);
            // That it is far too large shows in the cycle after one with few strings.
            (0..3).for_each(|_| heap.collect(&mut roots));
            assert!(heap.strings.size() < small * 40, "{} bytes", heap.strings.size());
            for (index, &value) in roots.values.iter().enumerate() {
                assert!(
                    Value::from_string(heap.intern(format!("{}", index * 1000).as_bytes()))
                        == value
                );
            }
        }
    }

    /// Strings whose hashes agree neither make the directory explode nor get lost.
    #[test]
    fn equal_hashes() {
        let mut table = InternTable::new(0);
        let mut strings = Vec::new();
        for index in 0..5000_u32 {
            let hash = if index % 2 == 0 { 0xDEAD_BEEF } else { 0xDEAD_0000 + index };
            let mut cell = Box::new([0_u64; 3]);
            let string = cell.as_mut_ptr() as *mut Str;
            unsafe {
                string.write(Str {
                    header: Header { barrier: 0, kind: Kind::ShortString },
                    hashed: 1,
                    is_built: 0,
                    hash,
                    length: 4,
                });
                (string as *mut u8).add(SHORT_BYTES).cast::<u32>().write_unaligned(index);
                (*table.room_for(hash)).insert((hash as u64) << 48 | string as u64);
            }
            strings.push((hash, cell));
        }
        assert!(table.directory.len() < 10_000);
        unsafe {
            for (index, (hash, cell)) in strings.iter().enumerate() {
                assert!(
                    table.find(&(index as u32).to_ne_bytes(), *hash) as *const u64 == cell.as_ptr()
                );
            }
            table.begin_purge();
            while !table.purge(1, |string| (*string).hash != 0xDEAD_BEEF) {}
            for (index, (hash, _)) in strings.iter().enumerate() {
                let found = table.find(&(index as u32).to_ne_bytes(), *hash);
                assert_eq!(found.is_null(), index % 2 == 0);
            }
        }
        table.begin_purge();
        while !table.purge(1, |_| true) {}
        assert!(table.shards < 50, "{} shards", table.shards);
    }
}
