//! Marking: from the roots to everything reachable, in slices.
//!
//! Unmarked objects are white; marked ones on the gray stack (or sliced, or queued to be scanned
//! again) are gray; marked ones whose references have been followed are black. The gray stack is
//! explicit, so nesting costs no host stack; its entries have the object's kind, so the object
//! itself is touched only when it is scanned, by which time it has been prefetched.
//!
//! # Safety
//! For the objects and values that the functions of this file are given, not swept is enough.
//! Nothing has been swept since the cycle started, and the contexts of threads are stored. The tag
//! of a [`Gray`] is that of its object's kind; `start..end` is a range of a table's slots or nodes.

use super::arena::{Space, block_of, same_block, set_mark};
use super::weak::{LISTED, Mode};
use super::{Heap, Phase, Roots};
use crate::heap::string::buffer;
use crate::heap::table;
use crate::heap::userdata::Userdata;
use crate::layout::object::{
    Header, Kind, LongString, LuaFunction, NativeFunction, Node, Prototype, Str, Table, Thread,
    Upvalue,
};
use crate::layout::stack;
use crate::layout::unit::RootKind;
use crate::layout::value::{self, Value};

/// Tables with more slots or nodes than this are scanned incrementally, and their stores mark the
/// value at once.
pub(super) const LARGE_TABLE: usize = 1024;
/// Slots or nodes of one part.
const SLICE: usize = 512;
/// From this size on the heap is larger than the caches, and the marker prefetches.
const PREFETCH_FROM: usize = 12 << 20;
/// Another round of marking is worth while if the last did at least this much work.
const ROUND_WORK: usize = 128 << 10;
const MAX_ROUNDS: u32 = 12;
/// Threads of one look at those that ran.
const THREADS: usize = 64;

/// Types of objects that the collector marks.
pub(crate) trait Object {
    /// A tag for [`Gray`]; that of values of the type, if it has values.
    const TAG: u64;
}

macro_rules! objects {
    ($($kind:ident $tag:expr;)*) => { $(impl Object for $kind { const TAG: u64 = $tag; })* };
}
const UPVALUE: u64 = 1;
const PROTOTYPE: u64 = 2;
objects! {
    Table value::TABLE;
    Str value::STRING;
    LuaFunction value::LUA_FUNCTION;
    NativeFunction value::NATIVE_FUNCTION;
    Thread value::THREAD;
    Userdata value::USERDATA;
    Upvalue UPVALUE;
    Prototype PROTOTYPE;
}

/// An object to scan: its address below a tag, as in a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Gray(u64);

impl Gray {
    const NONE: Gray = Gray(0);

    pub(super) fn new<T: Object>(object: *mut T) -> Gray {
        Gray(T::TAG << 48 | object as u64)
    }

    /// The entry of an object of any kind.
    pub(super) unsafe fn from_header(object: *mut Header) -> Gray {
        // SAFETY: every object starts with a header.
        let tag = match unsafe { (*object).kind } {
            Kind::Table => value::TABLE,
            Kind::ShortString | Kind::LongString => value::STRING,
            Kind::LuaFunction => value::LUA_FUNCTION,
            Kind::NativeFunction => value::NATIVE_FUNCTION,
            Kind::Upvalue => UPVALUE,
            Kind::Thread => value::THREAD,
            Kind::Userdata => value::USERDATA,
            Kind::Prototype => PROTOTYPE,
        };
        Gray(tag << 48 | object as u64)
    }

    fn address(self) -> *mut u8 {
        (self.0 & ((1 << 48) - 1)) as *mut u8
    }
}

/// A large table and the next position to scan: array slots first, then nodes.
pub(super) struct Slice {
    pub(super) table: *mut Table,
    pub(super) position: usize,
    mode: Mode,
}

/// The collector's face towards roots and objects that hold values.
pub struct Marker<'h> {
    heap: &'h mut Heap,
}

impl<'h> Marker<'h> {
    pub(super) fn new(heap: &'h mut Heap) -> Marker<'h> {
        Marker { heap }
    }

    /// Reports a value that is held.
    #[inline]
    pub fn value(&mut self, value: Value) {
        // SAFETY: values refer to objects of the heap that are alive until the next sweep at least.
        unsafe { self.heap.mark_value(value) }
    }

    /// Reports the running thread: its stack changes without barriers, so it is scanned again at
    /// the end.
    ///
    /// # Safety
    /// `thread` is a living thread, and its stored context is up to date.
    pub(crate) unsafe fn running_thread(&mut self, thread: *mut Thread) {
        // SAFETY: the thread is alive, as the caller asserts.
        unsafe {
            self.heap.thread_resumed(thread);
            self.heap.mark_object(thread);
        }
    }
}

#[inline(always)]
fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: prefetching has no effect on memory, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address as *const i8);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

impl Heap {
    /// Starts a cycle.
    ///
    /// # Safety
    /// As [`Heap::step`]. Nothing is marked.
    pub(super) unsafe fn begin_marking(&mut self, roots: &mut dyn Roots) {
        debug_assert!(self.gray.is_empty() && self.weak.is_empty() && self.resumed.is_empty());
        self.phase = Phase::Mark;
        self.marking = true;
        self.rounds = 0;
        self.last_round_work = usize::MAX;
        self.round_work = 0;
        // SAFETY: the VM is at a safepoint, as the caller asserts.
        unsafe { self.trace_roots(roots) };
    }

    /// Clears all marks, to start again.
    ///
    /// # Safety
    /// The phase is [`Phase::Mark`] or [`Phase::Survey`].
    pub(super) unsafe fn abandon_marking(&mut self) {
        self.gray.clear();
        self.gray_again.clear();
        self.slices.clear();
        self.forget_weak();
        self.suspects.clear();
        self.surveyed = 0;
        for thread in self.resumed.drain(..).chain(self.looked_at_again.drain(..)) {
            // SAFETY: threads that ran are not swept (LISTS).
            unsafe { (*thread).header.barrier = 1 };
        }
        // SAFETY: while marking, only the marker's own lists rely on marks, and these are empty
        // now.
        unsafe { self.arenas.clear_marks() };
        self.large.forget_marks();
        self.marking = false;
        self.phase = Phase::Idle;
    }

    /// The gray stack is empty. Objects that changed in the meantime must be scanned again; if that
    /// may be much, it is done in slices as well (true), so that the atomic phase is short. A round
    /// that was hardly shorter than the one before has reached the program's constant rate of
    /// changes: another one would leave as much.
    ///
    /// # Safety
    /// As [`Heap::step`].
    pub(super) unsafe fn begin_round(&mut self, roots: &mut dyn Roots) -> bool {
        let is_shorter = self.round_work < self.last_round_work / 4 * 3;
        if self.round_work < ROUND_WORK || self.rounds == MAX_ROUNDS || !is_shorter {
            return false;
        }
        self.rounds += 1;
        self.last_round_work = self.round_work;
        self.round_work = 0;
        self.rescan();
        // SAFETY: the VM is at a safepoint, as the caller asserts.
        unsafe { self.trace_roots(roots) };
        true
    }

    /// # Safety
    /// As [`Heap::step`].
    pub(super) unsafe fn trace_roots(&mut self, roots: &mut dyn Roots) {
        // SAFETY: every cycle marks the names here; queued userdata are not swept (LISTS).
        unsafe {
            self.mark_object(self.mode_name);
            self.mark_object(self.finalizer_name);
            self.mark_finalizers();
        }
        roots.trace(&mut Marker::new(self));
    }

    /// Makes objects that were stored into gray again, and queues the threads that ran for another
    /// scan.
    pub(super) fn rescan(&mut self) {
        self.gray.append(&mut self.gray_again);
        self.looked_at_again.append(&mut self.resumed);
    }

    #[inline(always)]
    pub(super) unsafe fn mark_value(&mut self, value: Value) {
        if value.is_object() {
            // SAFETY: the object is not swept, as the caller asserts; the tags are the same.
            unsafe { self.mark_gray(Gray(value.0)) };
        }
    }

    #[inline(always)]
    pub(super) unsafe fn mark_object<T: Object>(&mut self, object: *mut T) {
        if !object.is_null() {
            // SAFETY: the object is not swept, as the caller asserts, and of this type.
            unsafe { self.mark_gray(Gray::new(object)) };
        }
    }

    #[inline(always)]
    unsafe fn mark_gray(&mut self, gray: Gray) {
        // SAFETY: the cell of an object that is not swept is in use, so it has a mark and a block
        // (BLOCKS). A string that is not in a block of short strings is a long one.
        unsafe {
            if set_mark(gray.address()) {
                self.verify_marked(false);
                if gray.0 >> 48 == value::STRING {
                    // Strings refer to no objects, so they are black at once.
                    if (*block_of(gray.address())).space != Space::Strings {
                        self.mark_buffer(gray.address() as *mut LongString);
                    }
                } else {
                    self.gray.push(gray);
                }
            }
        }
    }

    unsafe fn mark_buffer(&mut self, string: *mut LongString) {
        // SAFETY: the string is not swept, as the caller asserts, and so is its buffer (PAYLOADS).
        unsafe {
            let buffer = (*string).buffer;
            self.mark_payload(buffer as *mut u8, buffer::payload_size(buffer));
        }
    }

    /// In a verify pass everything that is marked must have been before.
    #[inline(always)]
    pub(super) fn verify_marked(&self, was_marked: bool) {
        if cfg!(any(debug_assertions, feature = "gc-stress")) {
            assert!(was_marked || !self.verifying, "a marked object refers to an unmarked one");
        }
    }

    /// Scans gray objects until `budget` bytes have been read; true if none is left.
    pub(super) unsafe fn drain(&mut self, budget: usize) -> bool {
        let mut work = 0;
        // SAFETY: no object of the gray stack, no large table and no thread that ran is swept
        // (LISTS).
        unsafe {
            while work < budget {
                if self.gray.is_empty() {
                    if !self.slices.is_empty() {
                        work += self.scan_slice();
                    } else if !self.looked_at_again.is_empty() {
                        work += self.look_again();
                    } else {
                        break;
                    }
                } else if self.account.used > PREFETCH_FROM {
                    work += self.drain_prefetching(budget - work);
                } else if let Some(gray) = self.gray.pop() {
                    work += self.scan(gray);
                }
            }
        }
        self.round_work = self.round_work.saturating_add(work);
        self.gray.is_empty() && self.slices.is_empty() && self.looked_at_again.is_empty()
    }

    /// Scans the gray stack through a queue of eight: between an object's prefetch and its scan are
    /// eight others.
    unsafe fn drain_prefetching(&mut self, budget: usize) -> usize {
        let mut queue = [Gray::NONE; 8];
        let mut turn = 0;
        let mut empty_turns = 0;
        let mut work = 0;
        while work < budget && empty_turns < queue.len() {
            let next = match self.gray.pop() {
                Some(gray) => {
                    empty_turns = 0;
                    prefetch(gray.address());
                    gray
                }
                None => {
                    empty_turns += 1;
                    Gray::NONE
                }
            };
            let gray = std::mem::replace(&mut queue[turn & 7], next);
            turn += 1;
            if gray != Gray::NONE {
                // SAFETY: it was on the gray stack, so it is not swept (LISTS).
                work += unsafe { self.scan(gray) };
            }
        }
        self.gray.extend(queue.into_iter().filter(|&gray| gray != Gray::NONE));
        work
    }

    /// Follows an object's references; returns the bytes read.
    pub(super) unsafe fn scan(&mut self, gray: Gray) -> usize {
        let address = gray.address();
        // SAFETY: the object is not swept, as the caller asserts, and the tag says of which kind it
        // is (of strings only long ones come here). What it refers to is not swept either
        // (REFERENCES). A function is followed by as many upvalues as it counts. An open upvalue's
        // slot is in the stack of a thread that has not been purged, since the purge closes those
        // of a dead one.
        unsafe {
            match gray.0 >> 48 {
                value::TABLE => self.scan_table(address as *mut Table),
                value::LUA_FUNCTION => {
                    let function = address as *mut LuaFunction;
                    (*function).header.barrier = 1;
                    self.mark_object((*function).prototype);
                    self.mark_object((*function).environment);
                    let upvalues = &raw const (*function).upvalues as *const *mut Upvalue;
                    let count = (*function).upvalue_count as usize;
                    for index in 0..count {
                        self.mark_object(*upvalues.add(index));
                    }
                    24 + 8 * count
                }
                UPVALUE => {
                    let upvalue = address as *mut Upvalue;
                    (*upvalue).header.barrier = 1;
                    self.mark_value(*(*upvalue).slot);
                    24
                }
                value::THREAD => self.scan_thread(address as *mut Thread),
                value::USERDATA => {
                    let userdata = address as *mut Userdata;
                    (*userdata).header.barrier = 1;
                    self.mark_object((*userdata).metatable);
                    self.mark_object((*userdata).environment);
                    if let Some(data) = &(*userdata).data {
                        data.trace(&mut Marker { heap: self });
                    }
                    64
                }
                value::STRING => {
                    debug_assert!(self.verifying, "strings are never gray");
                    self.mark_buffer(address as *mut LongString);
                    24
                }
                value::NATIVE_FUNCTION => {
                    let function = address as *mut NativeFunction;
                    (*function).header.barrier = 1;
                    self.mark_object((*function).environment);
                    let upvalues = &raw const (*function).upvalues as *const Value;
                    let count = (*function).upvalue_count as usize;
                    for index in 0..count {
                        self.mark_value(*upvalues.add(index));
                    }
                    32 + 8 * count
                }
                tag => {
                    debug_assert!(tag == PROTOTYPE);
                    let prototype = address as *mut Prototype;
                    (*prototype).header.barrier = 1;
                    let data = &*(*prototype).cold;
                    data.constants.iter().for_each(|&constant| self.mark_value(constant));
                    data.templates.iter().for_each(|&template| self.mark_object(template));
                    data.children.iter().for_each(|&child| self.mark_object(child));
                    for root in data.units().flat_map(|unit| &unit.roots) {
                        match *root {
                            RootKind::Value(value) => self.mark_value(value),
                            RootKind::Prototype(prototype) => self.mark_object(prototype),
                        }
                    }
                    32 + 8 * (data.constants.len() + data.templates.len() + data.children.len())
                }
            }
        }
    }

    pub(super) unsafe fn scan_table(&mut self, table: *mut Table) -> usize {
        // SAFETY: the table is not swept, as the caller asserts, nor is its metatable (REFERENCES).
        // Its parts have as many slots and nodes as it says (PARTS). Those in blocks of their own
        // are payloads of these sizes (PAYLOADS).
        unsafe {
            (*table).header.barrier = 1;
            self.mark_object((*table).metatable);
            let mode = self.weak_mode((*table).metatable);
            if mode != Mode::STRONG {
                (*table).header.barrier = LISTED;
                self.weak.push(super::weak::WeakTable { table, mode });
            }
            let slots = (*table).array_size as usize;
            let nodes = table::hash::node_count(table);
            if slots > 0 && !same_block(table, (*table).array.add(1)) {
                self.mark_payload((*table).array as *mut u8, table::array::payload_size(slots));
            }
            if nodes > 0 && !same_block(table, (*table).nodes) {
                self.mark_payload((*table).nodes as *mut u8, table::hash::payload_size(nodes));
            }
            if slots.max(nodes) > LARGE_TABLE {
                self.slices.push(Slice { table, position: 0, mode });
                return size_of::<Table>();
            }
            self.scan_slots(table, mode, 0, slots);
            self.scan_nodes(table, mode, 0, nodes);
            size_of::<Table>() + 8 * slots + 24 * nodes
        }
    }

    #[inline(always)]
    unsafe fn scan_slots(&mut self, table: *mut Table, mode: Mode, start: usize, end: usize) {
        if !mode.values {
            for index in start..end {
                // SAFETY: the slot exists, as the caller asserts, and its value is not swept
                // (REFERENCES).
                unsafe { self.mark_value(*(*table).array.add(1 + index)) };
            }
        }
    }

    #[inline(always)]
    unsafe fn scan_nodes(&mut self, table: *mut Table, mode: Mode, start: usize, end: usize) {
        // SAFETY: as the caller asserts.
        unsafe {
            if mode == Mode::STRONG {
                self.scan_nodes_in_mode(table, Mode::STRONG, start, end);
            } else {
                self.scan_weak_nodes(table, mode, start, end);
            }
        }
    }

    #[cold]
    unsafe fn scan_weak_nodes(&mut self, table: *mut Table, mode: Mode, start: usize, end: usize) {
        // SAFETY: as the caller asserts.
        unsafe { self.scan_nodes_in_mode(table, mode, start, end) };
    }

    #[inline(always)]
    unsafe fn scan_nodes_in_mode(
        &mut self,
        table: *mut Table,
        mode: Mode,
        start: usize,
        end: usize,
    ) {
        for index in start..end {
            // SAFETY: the node exists, as the caller asserts. If it has a value, neither that nor
            // the key is swept (REFERENCES).
            unsafe {
                let Node { key, value, .. } = *(*table).nodes.add(index);
                // Invariant (DEAD KEYS): the key of a node without a value is not marked, and is
                // never followed.
                if !value.is_nil() {
                    if !mode.keys {
                        self.mark_value(key);
                    }
                    if !mode.values {
                        self.mark_value(value);
                    }
                }
            }
        }
    }

    /// Scans the next part of a large table. The table may have changed its size since the last:
    /// moved values are scanned again, because [`Heap::table_resized`] made the table gray.
    pub(super) unsafe fn scan_slice(&mut self) -> usize {
        let Some(slice) = self.slices.last_mut() else { return 0 };
        let (table, start, mode) = (slice.table, slice.position, slice.mode);
        // SAFETY: a table that is being scanned is not swept (LISTS).
        let (slots, nodes) =
            unsafe { ((*table).array_size as usize, table::hash::node_count(table)) };
        let all = slots + nodes;
        let end = (start + SLICE).min(all);
        slice.position = end;
        if end >= all {
            self.slices.pop();
        }
        if self.account.used > PREFETCH_FROM {
            for index in start..end.min(slots) {
                // SAFETY: the table has the slot (PARTS); what a value refers to is in an arena.
                unsafe {
                    let value = *(*table).array.add(1 + index);
                    if value.is_object() {
                        prefetch(super::arena::bit(value.address()).0 as *const u8);
                    }
                }
            }
        }
        // SAFETY: `end` is at most the number of both together, so neither end exceeds its part.
        unsafe {
            self.scan_slots(table, mode, start.min(slots), end.min(slots));
            self.scan_nodes(table, mode, start.max(slots) - slots, end.max(slots) - slots);
        }
        16 * end.saturating_sub(start)
    }

    /// A suspended or running thread's stack and what hangs on it. Slots above the live ones are
    /// cleared: a later frame may cover them without initialising them, and what they refer to is
    /// about to be freed.
    pub(super) unsafe fn scan_thread(&mut self, thread: *mut Thread) -> usize {
        // SAFETY: the thread is not swept, as the caller asserts, and neither are its environment,
        // its resumer and what its hook refers to (REFERENCES). The hook is a box that the thread
        // owns. Of a thread that is not being purged, every open upvalue is in its list and not
        // swept.
        let stack = unsafe {
            self.mark_object((*thread).globals);
            if (*thread).resumer > stack::DEAD {
                self.mark_object((*thread).resumer);
            }
            if !(*thread).hook.is_null() {
                (*(*thread).hook).values().for_each(|value| self.mark_value(value));
            }
            let mut upvalue = (*thread).open_upvalues;
            while !upvalue.is_null() {
                self.mark_object(upvalue);
                upvalue = (*upvalue).closed.0 as *mut Upvalue;
            }
            (*thread).stack
        };
        if stack.is_null() {
            return size_of::<Thread>();
        }
        // SAFETY: the stack is a payload of this size (PAYLOADS). It has EXTRA slots after its end
        // for ordinary frames, and all of them are initialised. Those below the live end refer to
        // objects that are not swept (REFERENCES); the context is up to date, as the caller
        // asserts.
        unsafe {
            self.mark_payload(stack as *mut u8, super::stack::payload_size(thread));
            let end = (*thread).stack_end.add(stack::EXTRA);
            let live = stack::live_end(thread);
            debug_assert!((stack..=end).contains(&live));
            let mut slot = stack;
            while slot < live {
                self.mark_value(*slot);
                slot = slot.add(1);
            }
            while slot < end {
                *slot = Value::NIL;
                slot = slot.add(1);
            }
            size_of::<Thread>() + super::stack::payload_size(thread)
        }
    }

    /// Some of the threads that ran since their last scan become gray again; returns the bytes
    /// read.
    unsafe fn look_again(&mut self) -> usize {
        let first = self.looked_at_again.len().saturating_sub(THREADS);
        for index in first..self.looked_at_again.len() {
            let thread = self.looked_at_again[index];
            // SAFETY: a thread that ran is not swept (LISTS). Its open upvalues may be dead, but
            // were not purged, so they are not swept either, and their slots are in its stack.
            unsafe {
                (*thread).header.barrier = 1;
                if super::arena::is_marked(thread) {
                    self.gray.push(Gray::new(thread));
                } else {
                    // Variables that living closures share with it changed without a barrier.
                    let mut upvalue = (*thread).open_upvalues;
                    while !upvalue.is_null() {
                        if super::arena::is_marked(upvalue) {
                            self.mark_value(*(*upvalue).slot);
                        }
                        upvalue = (*upvalue).closed.0 as *mut Upvalue;
                    }
                }
            }
        }
        let count = self.looked_at_again.len() - first;
        self.looked_at_again.truncate(first);
        count * size_of::<Thread>()
    }
}
