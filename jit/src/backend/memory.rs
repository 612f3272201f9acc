//! Executable memory.
//!
//! An [`Arena`] maps memory in chunks and packs units into their pages. A page is writable or
//! executable, and never both: while a unit is copied, its pages are not executable, so no unit of
//! the same arena may run then. Except during a copy, all pages of a chunk have one protection,
//! since each change of protection inside it costs the operating system a mapping.
//!
//! A freed range is used again. Pages without a unit are returned to the operating system, and so
//! are chunks. A refusal by the operating system is an error, after which the arena can be used as
//! before, except after [`Refused::Lost`].
#![allow(unsafe_code, reason = "machine code is mapped, written and called")]

use super::Machine;

/// The size of a chunk, unless a unit needs a larger one.
const CHUNK: usize = 64 << 10;
/// Units start at multiples of this.
const ALIGNMENT: usize = 16;

/// Why a unit was not installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// This machine cannot run the code.
    Unsupported,
    /// The limit of the arena would be exceeded.
    Limit,
    /// The operating system has refused memory, or its protection.
    System,
    /// Units that were installed before cannot be made executable again. No unit of the arena may
    /// be run from now on.
    Lost,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Refused::Unsupported => "machine code is not supported here",
            Refused::Limit => "the limit of memory for code is exceeded",
            Refused::System => "the operating system refused executable memory",
            Refused::Lost => "memory for code cannot be made executable again",
        })
    }
}

impl std::error::Error for Refused {}

/// How an arena is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The bytes that are mapped.
    pub mapped: usize,
    /// The bytes of installed units.
    pub used: usize,
    /// The number of installed units.
    pub units: usize,
    /// How many pages without a unit were returned while their chunk stayed mapped.
    pub returned_pages: usize,
}

/// A unit of machine code in executable memory. It is freed with [`Arena::free`] or its arena.
#[derive(Debug)]
pub struct Unit {
    address: usize,
    length: usize,
}

impl Unit {
    /// The address of its code, which a `Tail` of another unit may use.
    pub fn address(&self) -> u64 {
        self.address as u64
    }

    /// Runs the unit and returns the result of its exit or `Return`.
    ///
    /// # Safety
    /// The arena that installed the unit exists and has not refused with [`Refused::Lost`]. While
    /// the unit runs, the arena installs no other unit, and frees neither this one nor those in
    /// which it continues. `base` and `context` point to what the unit's function reads and writes.
    /// The functions that it calls are `extern "C"` functions that do not unwind.
    pub unsafe fn run(&self, base: *mut u64, context: *mut u8) -> u64 {
        // SAFETY: the address is that of an installed unit; the rest is the caller's promise.
        unsafe { run(base, context, self.address()) }
    }
}

/// The same, given the address of a unit.
///
/// # Safety
/// As [`Unit::run`]; the unit at the address is installed.
pub unsafe fn run(base: *mut u64, context: *mut u8, address: u64) -> u64 {
    #[cfg(all(target_arch = "x86_64", unix))]
    // SAFETY: as the caller asserts.
    return unsafe { super::x64::enter(base, context, address as usize) };
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    {
        let _ = (base, context, address);
        debug_assert!(false, "no unit can be installed here");
        0
    }
}

/// Free bytes of a chunk, from an offset.
#[derive(Clone, Copy)]
struct Free {
    start: usize,
    end: usize,
}

/// Contiguous pages.
struct Chunk {
    address: usize,
    length: usize,
    /// In ascending order; no two of them are adjacent.
    free: Vec<Free>,
}

impl Chunk {
    /// Takes the first free range of a length.
    fn take(&mut self, length: usize) -> Option<usize> {
        let index = self.free.iter().position(|free| free.end - free.start >= length)?;
        let free = &mut self.free[index];
        let start = free.start;
        free.start += length;
        if free.start == free.end {
            self.free.remove(index);
        }
        Some(start)
    }

    /// Adds a free range and returns the one that now contains it.
    fn give_back(&mut self, start: usize, end: usize) -> Free {
        let index = self.free.partition_point(|free| free.start < start);
        let mut merged = Free { start, end };
        let mut replaced = index..index;
        if let Some(next) = self.free.get(index).filter(|next| next.start == end) {
            merged.end = next.end;
            replaced.end += 1;
        }
        if let Some(before) = index.checked_sub(1)
            && self.free[before].end == start
        {
            merged.start = self.free[before].start;
            replaced.start = before;
        }
        self.free.splice(replaced, [merged]);
        merged
    }

    fn is_free(&self) -> bool {
        matches!(self.free[..], [Free { start: 0, end }] if end == self.length)
    }

    fn contains(&self, address: usize) -> bool {
        (self.address..self.address + self.length).contains(&address)
    }
}

/// Executable memory of one owner.
pub struct Arena {
    limit: usize,
    system: System,
    chunks: Vec<Chunk>,
    statistics: Statistics,
    is_lost: bool,
}

impl Arena {
    /// An arena that maps at most `limit` bytes.
    pub fn new(limit: usize) -> Arena {
        Arena {
            limit,
            system: System::new(),
            chunks: Vec::new(),
            statistics: Statistics::default(),
            is_lost: false,
        }
    }

    /// How the arena is used.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Copies a function's code to executable memory.
    pub fn install(&mut self, machine: &Machine) -> Result<Unit, Refused> {
        if !super::is_supported() {
            return Err(Refused::Unsupported);
        }
        if self.is_lost {
            return Err(Refused::Lost);
        }
        let length = machine.bytes.len().max(1).next_multiple_of(ALIGNMENT);
        let (index, start) = self.find(length)?;
        let chunk = &self.chunks[index];
        let address = chunk.address + start;
        let page = self.system.page;
        let first = start / page * page;
        let last = (start + length).next_multiple_of(page);
        let result = self
            .system
            .protect(chunk.address + first, last - first, Protection::Write)
            .map(|()| {
                // SAFETY: the range is free, inside the chunk, and its pages are writable.
                unsafe {
                    std::ptr::copy_nonoverlapping(
                        machine.bytes.as_ptr(),
                        address as *mut u8,
                        machine.bytes.len(),
                    );
                }
            })
            .and_then(|()| self.system.protect(chunk.address, chunk.length, Protection::Execute));
        if result.is_err() {
            return Err(self.recover(index, start, length));
        }
        self.statistics.used += length;
        self.statistics.units += 1;
        Ok(Unit { address, length })
    }

    /// Frees a unit of this arena, which must not be running.
    pub fn free(&mut self, unit: Unit) {
        let Some(index) = self.chunks.iter().position(|chunk| chunk.contains(unit.address)) else {
            debug_assert!(false, "a unit of another arena");
            return;
        };
        self.statistics.used -= unit.length;
        self.statistics.units -= 1;
        let chunk = &mut self.chunks[index];
        let start = unit.address - chunk.address;
        let merged = chunk.give_back(start, start + unit.length);
        if chunk.is_free() {
            return self.unmap(index);
        }
        // Of the pages of the unit, those that are free as a whole.
        let page = self.system.page;
        let first = (start / page * page).max(merged.start.next_multiple_of(page));
        let last = (start + unit.length).next_multiple_of(page).min(merged.end / page * page);
        if first < last && self.system.discard(chunk.address + first, last - first).is_ok() {
            self.statistics.returned_pages += (last - first) / page;
        }
    }

    /// Refuses the next calls of the operating system with these numbers, from 0.
    #[cfg(test)]
    pub(super) fn refuse(&mut self, calls: std::ops::Range<usize>) {
        self.system.calls = 0;
        self.system.refused = calls;
    }

    /// Reserves a range; returns the index of its chunk, and the offset there.
    fn find(&mut self, length: usize) -> Result<(usize, usize), Refused> {
        for (index, chunk) in self.chunks.iter_mut().enumerate() {
            if let Some(start) = chunk.take(length) {
                return Ok((index, start));
            }
        }
        let room = self.limit.saturating_sub(self.statistics.mapped);
        let needed = length.next_multiple_of(self.system.page);
        // A smaller chunk if there is only room for that.
        let size = CHUNK.min(room / self.system.page * self.system.page).max(needed);
        if size > room {
            return Err(Refused::Limit);
        }
        let address = self.system.map(size).map_err(|Failed| Refused::System)?;
        let free = vec![Free { start: length, end: size }];
        let free = if length == size { Vec::new() } else { free };
        self.chunks.push(Chunk { address, length: size, free });
        self.statistics.mapped += size;
        Ok((self.chunks.len() - 1, 0))
    }

    /// After a refusal: frees the range and restores the protection of the chunk.
    fn recover(&mut self, index: usize, start: usize, length: usize) -> Refused {
        let chunk = &mut self.chunks[index];
        chunk.give_back(start, start + length);
        if chunk.is_free() {
            self.unmap(index);
            return Refused::System;
        }
        if self.system.protect(chunk.address, chunk.length, Protection::Execute).is_ok() {
            return Refused::System;
        }
        self.is_lost = true;
        Refused::Lost
    }

    fn unmap(&mut self, index: usize) {
        let chunk = self.chunks.swap_remove(index);
        self.statistics.mapped -= chunk.length;
        self.system.unmap(chunk.address, chunk.length);
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        while let Some(last) = self.chunks.len().checked_sub(1) {
            self.unmap(last);
        }
    }
}

/// The operating system has refused.
struct Failed;

#[derive(Clone, Copy)]
enum Protection {
    Write,
    Execute,
}

/// The operating system's memory; on systems other than Unix, it refuses everything.
struct System {
    page: usize,
    /// The number of calls, and the numbers of those to refuse.
    #[cfg(test)]
    calls: usize,
    #[cfg(test)]
    refused: std::ops::Range<usize>,
}

impl System {
    fn allow(&mut self) -> Result<(), Failed> {
        #[cfg(test)]
        {
            self.calls += 1;
            if self.refused.contains(&(self.calls - 1)) {
                return Err(Failed);
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
impl System {
    fn new() -> System {
        // SAFETY: sysconf has no requirements.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        System {
            page: usize::try_from(page).unwrap_or(4096),
            #[cfg(test)]
            calls: 0,
            #[cfg(test)]
            refused: 0..0,
        }
    }

    /// Maps pages that cannot be accessed yet.
    fn map(&mut self, length: usize) -> Result<usize, Failed> {
        self.allow()?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
        // SAFETY: a new mapping, which replaces no other one.
        let address =
            unsafe { libc::mmap(std::ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
        if address == libc::MAP_FAILED { Err(Failed) } else { Ok(address as usize) }
    }

    fn protect(
        &mut self,
        address: usize,
        length: usize,
        protection: Protection,
    ) -> Result<(), Failed> {
        self.allow()?;
        let protection = match protection {
            Protection::Write => libc::PROT_READ | libc::PROT_WRITE,
            Protection::Execute => libc::PROT_READ | libc::PROT_EXEC,
        };
        // SAFETY: pages of a chunk, which only the arena refers to.
        let result = unsafe { libc::mprotect(address as *mut libc::c_void, length, protection) };
        if result == 0 { Ok(()) } else { Err(Failed) }
    }

    /// Returns the memory of pages that contain no unit.
    fn discard(&mut self, address: usize, length: usize) -> Result<(), Failed> {
        self.allow()?;
        // SAFETY: pages of a chunk that contain no unit.
        let result =
            unsafe { libc::madvise(address as *mut libc::c_void, length, libc::MADV_DONTNEED) };
        if result == 0 { Ok(()) } else { Err(Failed) }
    }

    fn unmap(&mut self, address: usize, length: usize) {
        // SAFETY: a chunk without units, or that of an arena that is dropped.
        let result = unsafe { libc::munmap(address as *mut libc::c_void, length) };
        debug_assert_eq!(result, 0);
    }
}

#[cfg(not(unix))]
impl System {
    fn new() -> System {
        System {
            page: 4096,
            #[cfg(test)]
            calls: 0,
            #[cfg(test)]
            refused: 0..0,
        }
    }

    fn map(&mut self, _: usize) -> Result<usize, Failed> {
        self.allow().and(Err(Failed))
    }

    fn protect(&mut self, _: usize, _: usize, _: Protection) -> Result<(), Failed> {
        self.allow().and(Err(Failed))
    }

    fn discard(&mut self, _: usize, _: usize) -> Result<(), Failed> {
        self.allow().and(Err(Failed))
    }

    fn unmap(&mut self, _: usize, _: usize) {}
}
