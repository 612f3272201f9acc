//! Weak tables (Lua 5.1 manual, section 2.10.2).
//!
//! A table whose metatable has a `__mode` is listed when it is scanned, and its weak references are not followed. In the
//! atomic phase, when everything alive is marked, entries that refer to unmarked objects are removed. Strings count as
//! values, not as objects: they are never removed. Weak keys do not depend on their values (no ephemerons in Lua 5.1): a
//! strong value keeps its own key alive.

use super::Heap;
use super::arena::{Space, block_of, is_marked};
use crate::metamethod::Metamethod;
use crate::object::{Table, Userdata};
use crate::string;
use crate::table;
use crate::value::{self, Value};

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

impl Heap {
    /// The mode that a metatable (or none) gives to its table.
    #[inline(always)]
    pub(super) unsafe fn weak_mode(&self, metatable: *mut Table) -> Mode {
        if metatable.is_null() || (*metatable).absent & (1 << Metamethod::Mode as u8) != 0 {
            return Mode::STRONG;
        }
        self.declared_mode(metatable)
    }

    #[cold]
    unsafe fn declared_mode(&self, metatable: *mut Table) -> Mode {
        match table::metamethod(metatable, Metamethod::Mode, self.mode_name).to_string() {
            Some(mode) => {
                let mode = string::bytes(mode);
                Mode { keys: mode.contains(&b'k'), values: mode.contains(&b'v') }
            }
            None => Mode::STRONG,
        }
    }

    /// Scans those weak tables again whose mode changed since they were scanned.
    pub(super) unsafe fn rescan_changed_weak(&mut self) {
        let mut index = 0;
        while let Some(&WeakTable { table, mode }) = self.weak.get(index) {
            if self.weak_mode((*table).metatable) != mode {
                self.scan_table(table);
                self.drain(usize::MAX);
            }
            index += 1;
        }
    }

    /// Removes the entries of weak tables that refer to dead objects.
    pub(super) unsafe fn clear_weak(&mut self) {
        while let Some(WeakTable { table, mode }) = self.weak.pop() {
            if self.weak_mode((*table).metatable) != mode {
                continue;
            }
            if mode.values {
                for index in 1..=(*table).array_size as usize {
                    let slot = (*table).array.add(index);
                    if self.is_dead(*slot) || is_finalized(*slot) {
                        *slot = Value::NIL;
                    }
                }
            }
            for index in 0..table::hash::node_count(table) {
                let node = (*table).nodes.add(index);
                if (*node).value.is_nil() {
                    continue;
                }
                // Both are looked at in any case, since that also marks strings.
                let key_is_dead = mode.keys && self.is_dead((*node).key);
                let value_is_dead = mode.values && (self.is_dead((*node).value) || is_finalized((*node).value));
                if key_is_dead || value_is_dead {
                    (*node).value = Value::NIL;
                }
            }
        }
    }

    /// Whether a weak reference is to be removed. A string is kept instead.
    unsafe fn is_dead(&mut self, value: Value) -> bool {
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

/// Whether a value is a userdata whose finalizer was queued: it is removed from weak values before the finalizer runs, but
/// stays as a weak key until it is freed.
unsafe fn is_finalized(value: Value) -> bool {
    value.to_userdata().is_some_and(|userdata: *mut Userdata| (*userdata).has_finalizer == 0)
}
