//! Lua threads: a stack, the context in which it continues, and the thread that resumed it.
//!
//! **Invariants.**
//! - STACK MOVES: only [`grow`] moves the running thread's stack, and only that of the running
//!   thread moves. `vm.base`, `vm.top` and open upvalues follow; no other code keeps an address in
//!   it across a call that may grow it.
//! - LIVE END: everything that a thread that is not running needs is below [`live_end`], the rest
//!   of its stack is cleared by the collector. A thread that stops stores in `top` what is above
//!   its frame: arguments still to be taken, an open list, the thread that it has resumed.
//! - RESUMER: a suspended thread has none, a dead one is `DEAD` (it has a stack only if it failed:
//!   for tracebacks); a running one and those that wait for it form a chain up to the goroutine's
//!   first thread. A thread keeps its resumer alive, and the resumer's live slots the thread.

use crate::account::OutOfMemory;
use crate::heap::gc::{self, Heap};
use crate::layout::frame::{self, Context};
use crate::layout::object::{Thread, Upvalue};
use crate::layout::stack::{DEAD, EXTRA};
use crate::layout::value::Value;
use crate::machine::unwind;
use crate::machine::vm::Vm;
use crate::messages;
use solvm_compiler::bytecode::{Instruction, Opcode};
use std::ptr::null_mut;

/// The maximum number of slots of a thread's stack, whatever the depth of calls.
pub(crate) const MAX_SLOTS: usize = 8_000_000;
/// Slots above the limit that error handlers may use.
pub(crate) const RESERVE: usize = 400;
/// Nested calls of Lua functions in a thread.
pub(crate) const MAX_DEPTH: usize = 200_000;
/// Stacks larger than this grow in such steps, each of which counts the depth of calls.
const GROWTH_STEP: usize = 1 << 16;

/// A new suspended thread that will call `function` with the arguments of its first resume.
///
/// # Safety
/// The function is alive. The thread is published before the next safepoint.
pub(crate) unsafe fn new_thread(vm: &mut Vm, function: Value, arguments: usize) -> *mut Thread {
    let frame_size = match function.to_lua_function() {
        // SAFETY: the function is alive, as the caller asserts, and its prototype with it.
        Some(closure) => unsafe { (*(*closure).prototype).frame_size as usize },
        None => 4,
    };
    // SAFETY: the thread is published as the caller asserts.
    let thread = unsafe { vm.heap.new_thread(4 + frame_size + arguments) };
    // SAFETY: the thread is new and has at least eight slots: of a dummy function and a link, then
    // of the function, its link and its frame. The running thread, if any, is alive.
    unsafe {
        let stack = (*thread).stack;
        *stack = vm.dummy_function;
        *stack.add(1) = Value(0);
        *stack.add(2) = function;
        (*thread).pc = frame::thread_start();
        (*thread).base = stack.add(2);
        (*thread).top = stack.add(4);
        (*thread).resumer = null_mut();
        (*thread).globals = if vm.current.is_null() { vm.globals } else { (*vm.current).globals };
    }
    thread
}

/// The function that a thread was created for, nil if it has ended.
///
/// # Safety
/// The thread is alive.
pub(crate) unsafe fn first_function(thread: *const Thread) -> Value {
    // SAFETY: the thread is alive, as the caller asserts. A stack starts with the slots that
    // `new_thread` fills, and a thread that has ended has none or still has those.
    unsafe { if (*thread).stack.is_null() { Value::NIL } else { *(*thread).stack.add(2) } }
}

/// Stores the running context into the current thread, so that others can read its position.
///
/// # Safety
/// CONTEXT holds for the running thread (see [`frame`]); the part of its stack that must survive is
/// below `top`, or in the running Lua frame.
pub(crate) unsafe fn save(vm: &mut Vm, top: *mut Value) {
    let thread = vm.current;
    // SAFETY: a thread is running, as the caller asserts, and so it is alive.
    unsafe {
        (*thread).pc = vm.pc;
        (*thread).base = vm.base;
        (*thread).top = top;
    }
}

/// Makes `thread` the running one, in its own context.
///
/// # Safety
/// The thread is alive, has a stack and is not running, so that its context has been stored; the
/// one that ran has been saved or is done.
pub(crate) unsafe fn switch_to(vm: &mut Vm, thread: *mut Thread) {
    // SAFETY: the thread is alive and its context was stored, as the caller asserts, so that two
    // slots precede its base. The pc of a context follows a word, the instruction that is still to
    // run if the thread was preempted.
    unsafe {
        vm.current = thread;
        vm.stack_end = (*thread).stack_end;
        vm.base = (*thread).base;
        vm.top = (*thread).top;
        vm.pc = (*thread).pc;
        vm.k = frame::constants_of(vm.base);
        if (*thread).preempted != 0 {
            (*thread).preempted = 0;
            vm.pc = vm.pc.sub(1);
        }
        vm.heap.thread_resumed(thread);
    }
}

/// Ends a thread: its upvalues are closed, its stack goes back.
///
/// # Safety
/// The thread is alive and has a stack, which nothing but open upvalues refers to.
pub(crate) unsafe fn kill(vm: &mut Vm, thread: *mut Thread) {
    // SAFETY: the thread is alive and has a stack, as the caller asserts. From the start of the
    // stack up, all of its open upvalues are closed, so that nothing refers to it any more.
    unsafe {
        close_upvalues(&mut vm.heap, thread, (*thread).stack);
        vm.heap.free_stack(thread);
        (*thread).resumer = DEAD;
    }
}

/// Ends the running thread with an error: its upvalues are closed, but its frames stay as they are,
/// so that a traceback shows where it failed. They go with the thread.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`frame`]); another one is switched to next.
pub(crate) unsafe fn fail(vm: &mut Vm) {
    let thread = vm.current;
    // SAFETY: the running thread is alive, and has a stack since CONTEXT holds of it. The context
    // that is stored is that in `vm`, and what a traceback needs is in its frames.
    unsafe {
        close_upvalues(&mut vm.heap, thread, (*thread).stack);
        let top = vm.base;
        save(vm, top);
        (*thread).resumer = DEAD;
    }
}

/// Why a stack does not grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrowthError {
    /// The limit of slots or of nested calls is reached.
    Overflow,
    /// The memory limit forbids it.
    Memory,
}

impl From<OutOfMemory> for GrowthError {
    fn from(_: OutOfMemory) -> GrowthError {
        GrowthError::Memory
    }
}

impl GrowthError {
    /// Raises "not enough memory" or "stack overflow".
    ///
    /// # Safety
    /// As [`unwind::throw`].
    #[cold]
    pub(crate) unsafe fn throw(self, vm: &mut Vm) -> u64 {
        // SAFETY: as the caller asserts.
        unsafe { self.throw_as(vm, messages::STACK_OVERFLOW) }
    }

    /// As [`GrowthError::throw`], with another message for an overflow.
    ///
    /// # Safety
    /// As [`unwind::throw`].
    #[cold]
    pub(crate) unsafe fn throw_as(self, vm: &mut Vm, overflow: &str) -> u64 {
        // SAFETY: as the caller asserts.
        unsafe {
            match self {
                GrowthError::Overflow => unwind::throw_text(vm, overflow),
                GrowthError::Memory => unwind::throw_out_of_memory(vm),
            }
        }
    }
}

/// Room for `need` slots from `position` on, in the running thread. May move the stack; `vm.base`
/// and `vm.top` follow.
///
/// # Safety
/// CONTEXT holds for the running thread (see [`frame`]); `position` is in its stack. Afterwards the
/// caller uses only addresses in that stack that are derived from `vm.base` and `vm.top` again.
pub(crate) unsafe fn grow(
    vm: &mut Vm,
    position: *mut Value,
    need: usize,
) -> Result<(), GrowthError> {
    let thread = vm.current;
    // SAFETY: the running thread is alive and has a stack, of which `stack_end` is a part. So is
    // the position, as the caller asserts.
    let (used, size) = unsafe {
        let stack = (*thread).stack;
        (position.offset_from(stack) as usize, (*thread).stack_end.offset_from(stack) as usize)
    };
    if used + need <= size {
        return Ok(());
    }
    let limit = MAX_SLOTS + if vm.handling_overflow { RESERVE } else { 0 };
    if used + need > limit {
        return Err(GrowthError::Overflow);
    }
    if size > GROWTH_STEP && !vm.handling_overflow {
        // SAFETY: CONTEXT holds, as the caller asserts.
        let depth = unsafe { depth(vm) };
        // Code that catches the error may come here again and again.
        gc::charge(&mut vm.fuel, depth);
        if depth > MAX_DEPTH {
            return Err(GrowthError::Overflow);
        }
    }
    let wanted = if size < GROWTH_STEP { size * 2 } else { size + GROWTH_STEP };
    let new_size = wanted.max(used + need).min(limit);
    // SAFETY: the new size is more than the old one: `used + need` is, and so is the limit, which
    // is at least that. `base` is in the old stack (CONTEXT), and so are the stored `base` and
    // `top` since the thread's creation. What is derived from the old stack is not used after it
    // has moved; `top` moves along only if it was in it.
    unsafe {
        // The old stack is gone once it has grown.
        let old = (*thread).stack;
        let base = vm.base.offset_from(old);
        let has_top = vm.top >= old && vm.top <= old.add(size + EXTRA);
        let top = has_top.then(|| vm.top.offset_from(old));
        vm.heap.grow_stack(thread, new_size)?;
        if let Some(top) = top {
            vm.top = (*thread).stack.offset(top);
        }
        vm.base = (*thread).stack.offset(base);
        vm.stack_end = (*thread).stack_end;
    }
    Ok(())
}

/// As [`grow`], at a safepoint: if memory is short, the collector runs.
///
/// # Safety
/// As [`grow`]; the running context has been stored in `vm`. Everything alive in the stack is below
/// `position` or in the running Lua frame, and everything else is reachable from a root.
pub(crate) unsafe fn grow_or_collect(
    vm: &mut Vm,
    position: *mut Value,
    need: usize,
) -> Result<(), GrowthError> {
    // SAFETY: as the caller asserts.
    let grown = unsafe { grow(vm, position, need) };
    if grown != Err(GrowthError::Memory) {
        return grown;
    }
    // SAFETY: the position is the end of what must survive, as the caller asserts, so that this is
    // a safepoint. A failed `grow` and a collection move no stack: the position is still in it.
    unsafe {
        save(vm, position);
        crate::machine::scheduler::collect(vm);
        grow(vm, position, need)
    }
}

/// The number of calls that are active in the running thread.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`frame`]).
unsafe fn depth(vm: &Vm) -> usize {
    let mut context = Context { base: vm.base, pc: vm.pc };
    let mut depth = 0;
    // SAFETY: the first context is that of the running thread (CONTEXT), and no frame changes here.
    while let Some(caller) = unsafe { context.caller() } {
        context = caller;
        depth += 1;
    }
    depth
}

/// The open upvalue of a slot of `thread`, created if there is none.
///
/// # Safety
/// `slot` is in the stack of `thread`, which is running. A new upvalue is published before the next
/// safepoint.
pub(crate) unsafe fn find_upvalue(
    heap: &mut Heap,
    thread: *mut Thread,
    slot: *mut Value,
) -> *mut Upvalue {
    let mut previous: *mut Upvalue = null_mut();
    // SAFETY: the running thread is alive, and so are the upvalues in its list, which are open and
    // ordered by their slots.
    unsafe {
        let mut current = (*thread).open_upvalues;
        while !current.is_null() && (*current).slot > slot {
            previous = current;
            current = next_open(current);
        }
        if !current.is_null() && (*current).slot == slot {
            return current;
        }
        // The slot is in the thread's stack, as the caller asserts, and the new upvalue gets its
        // place in the list at once.
        let upvalue = heap.new_open_upvalue(slot);
        (*upvalue).closed = Value(current as u64);
        if previous.is_null() {
            (*thread).open_upvalues = upvalue;
        } else {
            (*previous).closed = Value(upvalue as u64);
        }
        upvalue
    }
}

/// The next open upvalue of the same thread, lower in its stack.
///
/// # Safety
/// The upvalue is alive and open.
pub(crate) unsafe fn next_open(upvalue: *mut Upvalue) -> *mut Upvalue {
    // SAFETY: the upvalue is alive, as the caller asserts.
    unsafe {
        debug_assert!((*upvalue).is_open != 0);
        (*upvalue).closed.0 as *mut Upvalue
    }
}

/// Closes the open upvalues of `thread` from `level` up.
///
/// # Safety
/// The thread is alive, and `level` is in its stack.
pub(crate) unsafe fn close_upvalues(heap: &mut Heap, thread: *mut Thread, level: *mut Value) {
    // SAFETY: the upvalues in the list of a thread that is alive are alive and open, and their
    // slots are in its stack. Each is taken out of the list before it is closed.
    unsafe {
        while !(*thread).open_upvalues.is_null() && (*(*thread).open_upvalues).slot >= level {
            let upvalue = (*thread).open_upvalues;
            (*thread).open_upvalues = next_open(upvalue);
            heap.close_upvalue(upvalue);
        }
    }
}

/// The state of a thread, as `coroutine.status` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is the one that asks.
    Running,
    /// It may be resumed.
    Suspended,
    /// It has resumed another one.
    Normal,
    /// It has ended.
    Dead,
}

/// The state of `thread` as seen from the running one.
///
/// # Safety
/// The thread is alive.
pub(crate) unsafe fn status(vm: &Vm, thread: *const Thread) -> Status {
    // SAFETY: the thread is alive, as the caller asserts.
    let resumer = unsafe { (*thread).resumer };
    if std::ptr::eq(thread, vm.current) {
        Status::Running
    } else if resumer == DEAD {
        Status::Dead
    } else if resumer.is_null() {
        Status::Suspended
    } else {
        Status::Normal
    }
}

/// Whether the instruction before `pc` takes values up to `top`.
///
/// # Safety
/// `pc` is after an instruction.
pub(crate) unsafe fn takes_open_list(pc: *const u32) -> bool {
    // SAFETY: an instruction precedes `pc`, as the caller asserts.
    let instruction = unsafe { Instruction(*pc.sub(1)) };
    match instruction.opcode() {
        Some(Opcode::CallOpen | Opcode::TailCallOpen | Opcode::ReturnOpen) => true,
        Some(Opcode::SetList) => instruction.d() == u16::MAX,
        _ => false,
    }
}
