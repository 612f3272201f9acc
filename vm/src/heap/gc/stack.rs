//! Threads' stacks, and the upvalues that point into them.

use super::arena::Space;
use super::{Heap, OutOfMemory};
use crate::layout::object::{Header, Kind, Thread, Upvalue};
use crate::layout::stack::EXTRA;
use crate::layout::value::Value;
use crate::reserve;
use std::ptr::{self, null_mut};

/// The bytes of a thread's stack.
///
/// # Safety
/// `thread` is not swept, and has a stack.
pub(super) unsafe fn payload_size(thread: *const Thread) -> usize {
    // SAFETY: the stack has EXTRA slots after its end for ordinary frames.
    unsafe { (*thread).stack_end.add(EXTRA) as usize - (*thread).stack as usize }
}

/// 1/`STACKS_SHARE` of the memory limit is available to stacks beyond the limit.
const STACKS_SHARE: usize = 8;
/// A stack of this size is always granted: a goroutine that was started can run.
const FIRST_FRAMES: usize = 1 << 9;

impl Heap {
    /// A suspended thread with an empty stack of `slots` slots for ordinary frames.
    ///
    /// # Safety
    /// It is published before the next safepoint.
    pub(crate) unsafe fn new_thread(&mut self, slots: usize) -> *mut Thread {
        let size = 8 * (slots + EXTRA);
        let stack = self.allocate_payload(size) as *mut Value;
        // Nil is all ones.
        // SAFETY: the payload is new and has this size.
        unsafe { ptr::write_bytes(stack as *mut u8, 0xFF, size) };
        // SAFETY: a thread fits in a cell, which is new and aligned for it. The stack has `slots`
        // slots, and more.
        unsafe {
            let thread = self.allocate(Space::Objects, size_of::<Thread>()) as *mut Thread;
            thread.write(Thread {
                // See `Heap::thread_resumed`.
                header: Header { barrier: 1, kind: Kind::Thread },
                is_wrap: 0,
                preempted: 0,
                goroutine: 0,
                pc: crate::layout::frame::thread_start(),
                base: stack,
                top: stack,
                resumer: null_mut(),
                stack,
                stack_end: stack.add(slots),
                open_upvalues: null_mut(),
                globals: null_mut(),
                hook: null_mut(),
            });
            self.threads.push(thread);
            thread
        }
    }

    /// Gives a thread a stack of `slots` slots for ordinary frames, more than it has. `base`, `top`
    /// and open upvalues move along; any other address into the old stack is invalid. On failure
    /// nothing has happened.
    ///
    /// # Safety
    /// The thread is alive and has a stack, smaller than `slots` slots, and `base` and `top` point
    /// into it.
    pub(crate) unsafe fn grow_stack(
        &mut self,
        thread: *mut Thread,
        slots: usize,
    ) -> Result<(), OutOfMemory> {
        // SAFETY: the thread is alive and has a stack, as the caller asserts.
        let (old, old_size) = unsafe {
            self.thread_resumed(thread);
            ((*thread).stack, payload_size(thread))
        };
        let size = 8 * (slots + EXTRA);
        // Stacks may grow where nothing is collected. Up to here they may exceed the limit until
        // the next safepoint.
        let margin = self.limit() / STACKS_SHARE;
        let more = (size - old_size).saturating_sub(margin);
        if reserve::is_short() || size > FIRST_FRAMES && self.would_exceed(more) {
            return Err(OutOfMemory);
        }
        // SAFETY: the stack is a payload of `old_size` bytes (PAYLOADS), and `size` is more, as the
        // caller asserts. The slots beyond the old size are new. `base`, `top` and the slots of
        // open upvalues are in the old stack, so they are in the new one at the same distance from
        // its start. The upvalues in the list of a thread that is alive are alive.
        unsafe {
            let stack = self.grow_payload(old as *mut u8, old_size, size)? as *mut Value;
            ptr::write_bytes((stack as *mut u8).add(old_size), 0xFF, size - old_size);
            let moved = |address: *mut Value| stack.byte_add(address as usize - old as usize);
            (*thread).base = moved((*thread).base);
            (*thread).top = moved((*thread).top);
            (*thread).stack = stack;
            (*thread).stack_end = stack.add(slots);
            self.moves += 1;
            let mut upvalue = (*thread).open_upvalues;
            while !upvalue.is_null() {
                (*upvalue).slot = moved((*upvalue).slot);
                upvalue = (*upvalue).closed.0 as *mut Upvalue;
            }
        }
        Ok(())
    }

    /// Takes the stack of a thread that has ended; its upvalues are closed.
    ///
    /// # Safety
    /// The thread is alive, and nothing refers into its stack any more.
    pub(crate) unsafe fn free_stack(&mut self, thread: *mut Thread) {
        // SAFETY: the thread is alive, as the caller asserts. Its stack is a payload of this size
        // (PAYLOADS), which nothing refers into.
        unsafe {
            debug_assert!((*thread).open_upvalues.is_null());
            if !(*thread).stack.is_null() {
                self.free_payload((*thread).stack as *mut u8, payload_size(thread));
                (*thread).stack = null_mut();
                (*thread).stack_end = null_mut();
                (*thread).base = null_mut();
                (*thread).top = null_mut();
            }
        }
    }

    /// An open upvalue for a stack slot. The caller links it into its thread's list, through
    /// `closed`, at once.
    ///
    /// # Safety
    /// `slot` is in a thread's stack, or the upvalue is closed at once.
    #[inline]
    pub(crate) unsafe fn new_open_upvalue(&mut self, slot: *mut Value) -> *mut Upvalue {
        // SAFETY: an upvalue fits in a cell, which is new and aligned for it.
        unsafe {
            let upvalue = self.allocate(Space::Objects, size_of::<Upvalue>()) as *mut Upvalue;
            upvalue.write(Upvalue {
                header: Header { barrier: 0, kind: Kind::Upvalue },
                is_open: 1,
                slot,
                closed: Value(0),
            });
            upvalue
        }
    }

    /// Closes an upvalue: it takes its value over from the stack. The caller has unlinked it.
    ///
    /// # Safety
    /// It is alive and open, and its slot is valid.
    #[inline]
    pub(crate) unsafe fn close_upvalue(&mut self, upvalue: *mut Upvalue) {
        // SAFETY: the upvalue is alive and its slot valid, as the caller asserts; the value is
        // alive, since the slot holds it.
        unsafe {
            let value = *(*upvalue).slot;
            self.moved(upvalue);
            (*upvalue).closed = value;
            (*upvalue).slot = &raw mut (*upvalue).closed;
            (*upvalue).is_open = 0;
            self.barrier_forward(upvalue, value);
        }
    }
}
