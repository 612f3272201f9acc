//! Weak tables (Lua 5.1 manual, section 2.10.2).
//!
//! A table whose metatable has a `__mode` is listed when it is scanned, and its weak references are
//! not followed. In the atomic phase, when everything alive is marked, entries that refer to
//! unmarked objects are removed. To avoid visiting every entry, a survey lists beforehand, in
//! slices, those that refer to unmarked objects: marked objects stay marked, and values stored
//! later are marked by the barrier, or their table is scanned, and thereby listed, again. Strings
//! count as values, not as objects: they are never removed. Weak keys do not depend on their values
//! (no ephemerons in Lua 5.1): a strong value keeps its own key alive.

use super::Heap;
use super::arena::{Space, block_of, is_marked};
use crate::heap::string;
use crate::heap::table;
use crate::heap::userdata::Userdata;
use crate::layout::metamethod::Metamethod;
use crate::layout::object::{Node, Table};
use crate::layout::value::{self, Value};

/// Which references of a table are weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) keys: bool,
    pub(super) values: bool,
}

impl Mode {
    pub(super) const STRONG: Mode = Mode { keys: false, values: false };
}

/// A weak table, and the mode in which it was scanned.
#[derive(Clone, Copy)]
pub(super) struct WeakTable {
    pub(super) table: *mut Table,
    pub(super) mode: Mode,
}

/// The barrier byte of a table that was scanned as a weak one, which it need not be any longer.
pub(super) const LISTED: u8 = 2;

/// Adjacent entries of a weak table of which some referred to something unmarked when the survey
/// looked. Places are those of the slots, then those of the nodes.
pub(super) struct WeakEntries {
    table: *mut Table,
    first: u32,
    mode: Mode,
    /// Bit b is set if it was the entry at `first + b`.
    suspects: u8,
}

const ADJACENT: usize = u8::BITS as usize;

impl Heap {
    /// The mode that a metatable (or none) gives to its table.
    ///
    /// # Safety
    /// The metatable is null or not swept.
    #[inline(always)]
    pub(super) unsafe fn weak_mode(&self, metatable: *mut Table) -> Mode {
        // SAFETY: the metatable is null or not swept, as the caller asserts.
        unsafe {
            if metatable.is_null() || (*metatable).absent & (1 << Metamethod::Mode as u8) != 0 {
                return Mode::STRONG;
            }
            self.declared_mode(metatable)
        }
    }

    /// # Safety
    /// The metatable is not swept.
    #[cold]
    unsafe fn declared_mode(&self, metatable: *mut Table) -> Mode {
        // SAFETY: the metatable is not swept, as the caller asserts. The name is alive, and short.
        let mode = unsafe { table::metamethod(metatable, Metamethod::Mode, self.mode_name) };
        match mode.to_string() {
            Some(mode) => {
                // SAFETY: the metatable refers to the string (REFERENCES), and is not changed here.
                let mode = unsafe { string::bytes(mode) };
                Mode { keys: mode.contains(&b'k'), values: mode.contains(&b'v') }
            }
            None => Mode::STRONG,
        }
    }

    /// Scans those weak tables again whose mode changed since they were scanned: they are listed
    /// with the new one. True if there were any.
    ///
    /// # Safety
    /// It is a part of the atomic phase.
    pub(super) unsafe fn rescan_changed_weak(&mut self) -> bool {
        let mut any = false;
        let mut index = 0;
        while let Some(&WeakTable { table, mode }) = self.weak.get(index) {
            // SAFETY: listed tables are not swept (LISTS), nor are their metatables (REFERENCES).
            unsafe {
                if self.weak_mode((*table).metatable) != mode {
                    any = true;
                    self.scan_table(table);
                    self.drain(usize::MAX);
                }
            }
            index += 1;
        }
        any
    }

    /// Lists the entries of weak tables that may refer to dead objects, reading about `budget`
    /// bytes; true if all were visited.
    ///
    /// # Safety
    /// The phase is the survey.
    pub(super) unsafe fn survey_weak(&mut self, mut budget: usize) -> bool {
        while let Some(&WeakTable { table, mode }) = self.weak.get(self.weak_surveyed) {
            // SAFETY: listed tables are not swept (LISTS).
            let end = unsafe { places(table) };
            while self.weak_place < end {
                if budget == 0 {
                    return false;
                }
                budget = budget.saturating_sub(ADJACENT * size_of::<Node>());
                let first = self.weak_place;
                self.weak_place += ADJACENT;
                let mut suspects = 0;
                for place in first..end.min(first + ADJACENT) {
                    // SAFETY: as above; the table has the place.
                    let is_suspect = unsafe { self.refers_to_dead(table, mode, place) };
                    suspects |= u8::from(is_suspect) << (place - first);
                }
                if suspects != 0 {
                    self.weak_suspects.push(WeakEntries {
                        table,
                        first: first as u32,
                        mode,
                        suspects,
                    });
                }
            }
            self.weak_place = 0;
            self.weak_surveyed += 1;
        }
        true
    }

    /// Removes the entries of weak tables that refer to dead objects. A table that has changed
    /// since the survey is listed again after the surveyed ones; the positions of its suspects have
    /// changed, but checking them costs little. If modes have changed, entries listed with an old
    /// one are ignored.
    ///
    /// # Safety
    /// It is a part of the atomic phase, after everything alive has been marked.
    pub(super) unsafe fn clear_weak(&mut self, modes_changed: bool) {
        while let Some(WeakEntries { table, first, mode, suspects }) = self.weak_suspects.pop() {
            // SAFETY: listed tables are not swept (LISTS), nor are their metatables (REFERENCES).
            // The places are among those that the table has now.
            unsafe {
                if !modes_changed || self.weak_mode((*table).metatable) == mode {
                    let first = first as usize;
                    let places = first..places(table).min(first + ADJACENT);
                    let suspects = places.filter(|place| suspects >> (place - first) & 1 != 0);
                    suspects.for_each(|place| self.clear_entry(table, mode, place));
                }
            }
        }
        for index in self.weak_surveyed..self.weak.len() {
            let WeakTable { table, mode } = self.weak[index];
            // SAFETY: as above.
            unsafe {
                if !modes_changed || self.weak_mode((*table).metatable) == mode {
                    (0..places(table)).for_each(|place| self.clear_entry(table, mode, place));
                }
            }
        }
        self.forget_weak();
    }

    /// Removes the entry at a place if it refers to something dead.
    ///
    /// # Safety
    /// The table is not swept, and has the place.
    unsafe fn clear_entry(&mut self, table: *mut Table, mode: Mode, place: usize) {
        // SAFETY: the table is not swept and has the place, as the caller asserts, which is a slot
        // or, after them, a node (PARTS).
        unsafe {
            if self.refers_to_dead(table, mode, place) {
                match place.checked_sub((*table).array_size as usize) {
                    None => *(*table).array.add(1 + place) = Value::NIL,
                    Some(index) => (*(*table).nodes.add(index)).value = Value::NIL,
                }
            }
        }
    }

    pub(super) fn forget_weak(&mut self) {
        self.weak.clear();
        self.weak_suspects.clear();
        self.weak_surveyed = 0;
        self.weak_place = 0;
    }

    /// Whether the entry at a place refers, weakly, to an object that is not marked or that has
    /// been finalized.
    ///
    /// # Safety
    /// The table is not swept, and has the place. Nothing has been swept since the cycle started.
    #[inline(always)]
    unsafe fn refers_to_dead(&mut self, table: *mut Table, mode: Mode, place: usize) -> bool {
        // SAFETY: the table is not swept, as the caller asserts.
        let Some(index) = place.checked_sub(unsafe { (*table).array_size as usize }) else {
            // SAFETY: the place is a slot (PARTS), whose value is not swept (REFERENCES).
            return unsafe {
                let value = *(*table).array.add(1 + place);
                mode.values && (self.is_dead(value) || is_finalized(value))
            };
        };
        // SAFETY: the place is a node (PARTS).
        let Node { key, value, .. } = unsafe { *(*table).nodes.add(index) };
        if value.is_nil() {
            return false;
        }
        // Both are visited in any case, since that also marks strings.
        // SAFETY: key and value of a node that has a value are not swept (REFERENCES).
        unsafe {
            let key_is_dead = mode.keys && self.is_dead(key);
            let value_is_dead = mode.values && (self.is_dead(value) || is_finalized(value));
            key_is_dead || value_is_dead
        }
    }

    /// Whether a weak reference is to be removed. A string is kept instead.
    ///
    /// # Safety
    /// If the value refers to an object, that is not swept.
    unsafe fn is_dead(&mut self, value: Value) -> bool {
        // SAFETY: an object that is not swept, as the caller asserts, has a mark and a block
        // (BLOCKS).
        unsafe {
            if !value.is_object() || is_marked(value.address()) {
                return false;
            }
            if value.tag() == value::STRING {
                self.mark_value(value);
                debug_assert!((*block_of(value.address())).space != Space::Payloads);
                return false;
            }
            true
        }
    }
}

/// The slots and nodes of a table.
///
/// # Safety
/// The table is not swept.
unsafe fn places(table: *const Table) -> usize {
    // SAFETY: the table is not swept, as the caller asserts.
    unsafe { (*table).array_size as usize + table::hash::node_count(table) }
}

/// Whether a value is a userdata whose finalizer was queued: it is removed from weak values before
/// the finalizer runs, but stays as a weak key until it is freed.
///
/// # Safety
/// If the value refers to an object, that is not swept.
unsafe fn is_finalized(value: Value) -> bool {
    // SAFETY: the userdata is not swept, as the caller asserts.
    unsafe {
        value.to_userdata().is_some_and(|userdata: *mut Userdata| (*userdata).has_finalizer == 0)
    }
}
