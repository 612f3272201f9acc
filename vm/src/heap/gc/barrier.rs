//! Write barriers: what a store must do so that marking in slices misses nothing.
//!
//! Invariant (TRICOLOR): while marking, no black object refers to a white one. A store that would
//! break this is repaired in one of two ways. *Back*: the owner becomes gray and is scanned again
//! (small tables and userdata, which are written often). *Forward*: the value is marked at once
//! (everything else, and large tables, which take too long to scan twice). An object that becomes
//! gray again counts like an allocation ([`Heap::account_change`]). Scanning sets an object's
//! `barrier` byte, so a store tests only that byte. A byte left over from an earlier cycle costs
//! one call, which clears it.
//!
//! Writes to stacks have no barrier. For a thread the byte means "has not run since the last scan".
//! Code that switches to a thread or writes to its stack must call [`Heap::thread_resumed`].

use super::arena::is_marked;
use super::mark::{Gray, LARGE_TABLE, Object};
use super::weak::LISTED;
use super::{Heap, Phase};
use crate::heap::table;
use crate::heap::userdata::Userdata;
use crate::layout::object::{Header, Prototype, Table, Thread};
use crate::layout::value::Value;

/// The cost of a change of a small object or of a thread: a quarter of the work that it causes, or
/// more.
const CHANGED_OBJECT: usize = 128;
const CHANGED_THREAD: usize = 256;

impl Heap {
    /// To be called after `value` was stored into `table`, as key or value.
    ///
    /// # Safety
    /// Both belong to this heap and are alive.
    #[inline(always)]
    pub(crate) unsafe fn barrier_back(&mut self, table: *mut Table, value: Value) {
        // SAFETY: table and value are alive, as the caller asserts.
        unsafe {
            if (*table).header.barrier != 0 {
                self.barrier_back_cold(table, value);
            }
        }
    }

    /// The slow path of [`Heap::barrier_back`].
    ///
    /// # Safety
    /// As there.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn barrier_back_cold(&mut self, table: *mut Table, value: Value) {
        // SAFETY: table and value are alive, as the caller asserts.
        unsafe {
            if !self.marking || !is_marked(table) {
                (*table).header.barrier = 0;
            } else if (*table).array_size as usize > LARGE_TABLE
                || table::hash::node_count(table) > LARGE_TABLE
            {
                self.mark_value(value);
            } else {
                (*table).header.barrier = 0;
                self.gray_again.push(Gray::new(table));
                self.account_change(CHANGED_OBJECT);
            }
        }
    }

    /// To be called after the values that a userdata's data holds have changed, or before its data
    /// is handed out to be changed with no collection in between.
    ///
    /// # Safety
    /// `userdata` belongs to this heap and is alive.
    #[inline(always)]
    pub(crate) unsafe fn barrier_userdata(&mut self, userdata: *mut Userdata) {
        // SAFETY: the userdata is alive, as the caller asserts.
        unsafe {
            if (*userdata).header.barrier != 0 {
                self.barrier_userdata_cold(userdata);
            }
        }
    }

    /// # Safety
    /// As [`Heap::barrier_userdata`].
    #[cold]
    #[inline(never)]
    unsafe fn barrier_userdata_cold(&mut self, userdata: *mut Userdata) {
        // SAFETY: the userdata is alive, as the caller asserts.
        unsafe {
            (*userdata).header.barrier = 0;
            if self.marking && is_marked(userdata) {
                self.gray_again.push(Gray::new(userdata));
                self.account_change(CHANGED_OBJECT);
            }
        }
    }

    /// To be called after a unit was attached to a prototype.
    ///
    /// # Safety
    /// The prototype and what its units refer to belong to this heap and are alive.
    #[cold]
    pub(crate) unsafe fn barrier_prototype(&mut self, prototype: *mut Prototype) {
        // SAFETY: the prototype is alive, as the caller asserts.
        unsafe {
            (*prototype).header.barrier = 0;
            if self.marking && is_marked(prototype) {
                self.gray_again.push(Gray::new(prototype));
                self.account_change(CHANGED_OBJECT);
            }
        }
    }

    /// To be called after `value` was stored into `owner` (an upvalue, a function, a metatable
    /// field).
    ///
    /// # Safety
    /// Both belong to this heap and are alive; `owner` is not a thread.
    #[inline(always)]
    pub(crate) unsafe fn barrier_forward<T: Object>(&mut self, owner: *mut T, value: Value) {
        let header = owner as *mut Header;
        // SAFETY: owner and value are alive, as the caller asserts; every object starts with a
        // header.
        unsafe {
            if (*header).barrier != 0 {
                self.barrier_forward_cold(header, value);
            }
        }
    }

    /// The slow path of [`Heap::barrier_forward`].
    ///
    /// # Safety
    /// As there.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn barrier_forward_cold(&mut self, owner: *mut Header, value: Value) {
        // SAFETY: owner and value are alive, as the caller asserts.
        unsafe {
            if self.marking && is_marked(owner) {
                self.mark_value(value);
            } else {
                (*owner).barrier = 0;
            }
        }
    }

    /// Whether the functions of this module currently do anything. (A thread's byte is not zero
    /// outside marking either, so code that switches threads tests this instead.)
    #[inline(always)]
    pub(crate) fn is_marking(&self) -> bool {
        self.marking
    }

    /// To be called when a thread is switched to, and before anything is written to the stack of a
    /// thread that is not running.
    ///
    /// # Safety
    /// `thread` belongs to this heap and is alive.
    #[inline(always)]
    pub(crate) unsafe fn thread_resumed(&mut self, thread: *mut Thread) {
        // SAFETY: the thread is alive, as the caller asserts.
        unsafe {
            if self.is_marking() && (*thread).header.barrier != 0 {
                self.thread_changes(thread);
            }
        }
    }

    /// # Safety
    /// As [`Heap::thread_resumed`].
    #[cold]
    #[inline(never)]
    unsafe fn thread_changes(&mut self, thread: *mut Thread) {
        // SAFETY: the thread is alive, as the caller asserts.
        unsafe { (*thread).header.barrier = 0 };
        self.resumed.push(thread);
        self.account_change(CHANGED_THREAD);
    }

    /// To be called after a table's payloads were replaced: they are unmarked, and their contents
    /// have moved.
    ///
    /// # Safety
    /// The table is alive.
    pub(crate) unsafe fn table_resized(&mut self, table: *mut Table) {
        // SAFETY: the table is alive, as the caller asserts.
        unsafe {
            if (*table).header.barrier != 0 {
                (*table).header.barrier = 0;
                if self.marking && is_marked(table) {
                    self.gray.push(Gray::new(table));
                }
            }
        }
    }

    /// Must be called after values of a table's array part moved without barriers: `down` slots
    /// down, or up if that is 0. They may have moved below the position that an incremental scan
    /// has reached; and the survey records weak references by their positions, even those of a
    /// table that is currently not weak.
    ///
    /// # Safety
    /// The table is alive.
    pub(crate) unsafe fn array_moved(&mut self, table: *mut Table, down: usize) {
        for slice in &mut self.slices {
            if slice.table == table {
                slice.position = slice.position.saturating_sub(down);
            }
        }
        // SAFETY: the table is alive, as the caller asserts.
        unsafe {
            if self.phase == Phase::Survey && (*table).header.barrier == LISTED && is_marked(table)
            {
                (*table).header.barrier = 0;
                self.gray_again.push(Gray::new(table));
            }
        }
    }
}
