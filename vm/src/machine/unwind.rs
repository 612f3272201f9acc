//! Results on their way to a context, errors on their way to a `pcall`, and the end of threads.

use crate::heap::coerce;
use crate::heap::gc;
use crate::heap::string;
use crate::layout::frame::{
    Context, Continuation, MAX_VALUES, OPEN_LIST, call_results, call_slot, constants_of,
    continuation_at, link, unlink,
};
use crate::layout::stack::{EXTRA, ROOT};
use crate::layout::value::Value;
use crate::machine::interpreter::{CALL, CONTINUE};
use crate::machine::native;
use crate::machine::scheduler;
use crate::machine::thread::{self, GrowthError, close_upvalues, grow, grow_or_collect};
use crate::machine::vm::Vm;
use crate::messages::{self, Dialect};
use std::ptr::null_mut;

/// Lists longer than this are work that the budget pays for: a list may be handed down a deep
/// stack, longer every time, and nothing else would stop that.
const LONG_LIST: usize = 250;

/// `count` results from `source` on reach the call word before `pc` in the frame at `base`; that
/// becomes the running context.
///
/// # Safety
/// `base` and `pc` are a context of the running thread. `count` live values are at `source`, in the
/// running thread's stack or elsewhere.
pub(crate) unsafe fn deliver(
    vm: &mut Vm,
    base: *mut Value,
    pc: *const u32,
    source: *const Value,
    count: usize,
) -> u64 {
    vm.base = base;
    vm.pc = pc;
    // SAFETY: a call word precedes the pc of a context, and its callee has a slot in the stack
    // (CONTEXT).
    let (wanted, mut target) = unsafe { (call_results(pc), base.add(call_slot(pc))) };
    if wanted == OPEN_LIST {
        if count > MAX_VALUES {
            // SAFETY: the caller's context has been stored in `vm`.
            return unsafe { throw_text(vm, messages::TOO_MANY_RESULTS_STACK) };
        }
        let mut source = source;
        if target.wrapping_add(count) > vm.stack_end {
            // SAFETY: the caller's context has been stored in `vm`, and `target` is in the stack
            // that grows. `target` is derived from `vm.base` again afterwards, and `source` from
            // the new stack if it was in the old one. Otherwise it is not in a stack that moves
            // (STACK MOVES).
            unsafe {
                // The results may be in the stack that moves.
                let stack = (*vm.current).stack;
                let inside = source >= stack && source < vm.stack_end.add(EXTRA).cast_const();
                let offset = if inside { source.offset_from(stack) } else { 0 };
                if let Err(error) = grow(vm, target, count + 2) {
                    return error.throw_as(vm, messages::TOO_MANY_RESULTS_STACK);
                }
                if inside {
                    source = (*vm.current).stack.offset(offset);
                }
                target = vm.base.add(call_slot(pc));
            }
        }
        // SAFETY: `count` live values are at `source`, as the caller asserts, and the slots from
        // `target` on reach that far: up to `stack_end`, or beyond it as far as the stack has
        // grown.
        unsafe {
            std::ptr::copy(source, target, count);
            vm.top = target.add(count);
        }
        if count > LONG_LIST {
            gc::charge(&mut vm.fuel, count);
            if vm.fuel < 0 {
                // SAFETY: the context in `vm` is that of the caller, and has just received its list
                // up to `vm.top`.
                unsafe {
                    vm.k = constants_of(vm.base);
                    return scheduler::results_out_of_budget(vm);
                }
            }
        }
    } else {
        let wanted = wanted as usize - 1;
        // SAFETY: `count` live values are at `source`, as the caller asserts. A Lua frame has
        // registers for all values that its call word expects (CODE), and a continuation's call
        // word that expects a fixed number expects one at most, for the callee's slot.
        unsafe {
            std::ptr::copy(source, target, count.min(wanted));
            for i in count..wanted {
                *target.add(i) = Value::NIL;
            }
        }
    }
    // SAFETY: `base` is that of a context, as the caller asserts, wherever the stack is now.
    vm.k = unsafe { constants_of(vm.base) };
    CONTINUE
}

/// False and an error reach the call word before `pc` in the frame at `base`; that becomes the
/// running context.
///
/// # Safety
/// `base` and `pc` are a context of the running thread, whose call word called a native: its callee
/// and the slot after that exist.
pub(crate) unsafe fn deliver_failure(
    vm: &mut Vm,
    base: *mut Value,
    pc: *const u32,
    error: Value,
) -> u64 {
    // SAFETY: a call word precedes `pc`, and its callee has a slot and another one above it, as the
    // caller asserts. A Lua frame has registers for all values that the call word expects (CODE),
    // and a continuation's call word expects one at most or an open list.
    unsafe {
        let target = base.add(call_slot(pc));
        *target = Value::FALSE;
        *target.add(1) = error;
        let wanted = call_results(pc);
        if wanted == OPEN_LIST {
            vm.top = target.add(2);
        } else {
            for i in 3..wanted as usize {
                *target.add(i - 1) = Value::NIL;
            }
        }
        vm.base = base;
        vm.pc = pc;
        vm.k = constants_of(base);
        CONTINUE
    }
}

/// Raises a message, with the position of the running function before it if that is a Lua function.
///
/// # Safety
/// As [`throw`].
#[cold]
pub(crate) unsafe fn throw_text(vm: &mut Vm, text: impl AsRef<[u8]>) -> u64 {
    // SAFETY: CONTEXT holds, as the caller asserts. The message is alive: it was just created.
    unsafe {
        let mut message = crate::machine::debug_info::running_position(vm);
        message.extend_from_slice(text.as_ref());
        let value = vm.heap.string_value(&message);
        throw(vm, value)
    }
}

/// Raises "not enough memory". The message uses memory that the limit reserves for this.
///
/// # Safety
/// As [`throw`].
#[cold]
pub(crate) unsafe fn throw_out_of_memory(vm: &mut Vm) -> u64 {
    vm.retried = null_mut();
    let value = vm.heap.string_value(messages::NOT_ENOUGH_MEMORY.as_bytes());
    // SAFETY: CONTEXT holds, as the caller asserts. The message is alive: it was just created.
    unsafe { throw(vm, value) }
}

/// Raises an error in the running context: the stack is unwound to the innermost protected call,
/// threads included. The handler of an `xpcall` runs on top of the stack that failed, so that it
/// sees all frames.
///
/// # Safety
/// `vm.base` and `vm.pc` are a context of the running thread (invariant CONTEXT of
/// [`crate::layout::frame`]). The error is alive.
pub(crate) unsafe fn throw(vm: &mut Vm, error: Value) -> u64 {
    let mut context = Context { base: vm.base, pc: vm.pc };
    // SAFETY: the first context is that of the running thread, and no frame changes in between.
    while let (None, Some(caller)) = unsafe { (context.continuation(), context.caller()) } {
        context = caller;
    }
    // SAFETY: the context was reached from that in `vm`. That of a `pcall` has the start of its
    // frame as its base. The error is alive, as the caller asserts.
    unsafe {
        match context.continuation() {
            Some(Continuation::ProtectedCall) => fail_protected_call(vm, context.base, error),
            _ => unwind(vm, context, error),
        }
    }
}

/// As [`throw`], from a context on that the error has reached.
///
/// # Safety
/// As [`throw`]; `reached` is that context or one of its callers.
#[inline(never)]
unsafe fn unwind(vm: &mut Vm, reached: Context, error: Value) -> u64 {
    let (mut context, mut error) = (reached, error);
    let mut in_handler = false;
    loop {
        match context.continuation() {
            // SAFETY: the frame is left for good.
            Some(Continuation::Native) => unsafe { native::abandon(context.base) },
            // SAFETY: a thread is running, since CONTEXT holds.
            Some(Continuation::Hook) => unsafe { crate::machine::hook::abandon(vm) },
            Some(Continuation::ErrorHandler) => {
                in_handler = true;
                error = vm.heap.string_value(messages::ERROR_IN_ERROR_HANDLING.as_bytes());
            }
            Some(Continuation::ProtectedCallWithHandler) => {
                if !in_handler {
                    // SAFETY: CONTEXT holds of the running thread. The frame of an `xpcall` starts
                    // three slots below the base of its continuation, with the handler. The error
                    // is alive.
                    let called = unsafe { call_error_handler(vm, *context.base.sub(3), error) };
                    let message = match called {
                        Ok(()) => return CALL,
                        Err(GrowthError::Overflow) => messages::ERROR_IN_ERROR_HANDLING,
                        Err(GrowthError::Memory) => messages::NOT_ENOUGH_MEMORY,
                    };
                    error = vm.heap.string_value(message.as_bytes());
                    context = Context { base: vm.base, pc: vm.pc };
                    in_handler = true;
                    continue;
                }
                // SAFETY: there its frame starts; the error is alive.
                return unsafe { fail_protected_call(vm, context.base.sub(3), error) };
            }
            Some(Continuation::ProtectedCall) => {
                // SAFETY: the base is the start of its frame; the error is alive.
                return unsafe { fail_protected_call(vm, context.base, error) };
            }
            Some(Continuation::ThreadEnd | Continuation::ThreadStart) => {
                let current = vm.current;
                // SAFETY: the running thread is alive.
                let (resumer, is_seen) = unsafe { ((*current).resumer, (*current).is_wrap == 0) };
                if resumer == ROOT {
                    // SAFETY: the running thread is the first one of its goroutine (RESUMER), and
                    // CONTEXT still holds of it, for the traceback. It has no protected call, so
                    // that nothing of its stack is used any more.
                    unsafe {
                        vm.last_traceback = crate::machine::traceback::traceback(vm, current, 0);
                        close_upvalues(&mut vm.heap, current, (*current).stack);
                        return scheduler::goroutine_failed(vm, error);
                    }
                }
                // SAFETY: CONTEXT holds of the running thread, whose stack nothing uses any more:
                // `context` is replaced, and the error is a value. Its resumer waits for it in a
                // stored context (RESUMER).
                unsafe {
                    if is_seen {
                        thread::fail(vm);
                    } else {
                        thread::kill(vm, current);
                    }
                    thread::switch_to(vm, resumer);
                }
                if is_seen {
                    let (base, pc) = (vm.base, vm.pc);
                    // SAFETY: the resumer stopped where its call word called `coroutine.resume`.
                    return unsafe { deliver_failure(vm, base, pc, error) };
                }
                // Through `wrap` the error continues in the resumer.
                context = Context { base: vm.base, pc: vm.pc };
                // SAFETY: CONTEXT holds of the resumer, which runs now. The error is alive.
                error = unsafe { with_position(vm, error) };
                in_handler = false;
                continue;
            }
            _ => {}
        }
        // SAFETY: the context was reached from that of the running thread, whose frames have not
        // changed since.
        match unsafe { context.caller() } {
            Some(caller) => context = caller,
            None => {
                debug_assert!(false, "a stack without a bottom");
                // SAFETY: this is not reached: only the continuations of a thread's ends, which are
                // treated above, have no caller.
                return unsafe { scheduler::goroutine_failed(vm, error) };
            }
        }
    }
}

/// A message of this many bytes grows no more: nested coroutines, unlike PUC Lua's, may be many.
const LONG_MESSAGE: usize = 1000;

/// An error that has passed through `coroutine.wrap`: a text gets the position of the call before
/// it, as in PUC Lua.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::layout::frame`]), and `error` is alive.
unsafe fn with_position(vm: &mut Vm, error: Value) -> Value {
    let mut error = error;
    // SAFETY: the slot is a local variable with a value that is alive.
    let make_string = |heap, slot| unsafe { coerce::make_string(heap, slot) };
    if vm.dialect != Dialect::Lua || !make_string(&mut vm.heap, &raw mut error) {
        return error;
    }
    let Some(text) = error.to_string() else { return error };
    // SAFETY: the string is alive, and nothing is collected before the next safepoint.
    let text = unsafe { string::bytes(text) };
    if text.len() > LONG_MESSAGE {
        return error;
    }
    // SAFETY: CONTEXT holds of the running thread, as the caller asserts.
    let mut message = unsafe { crate::machine::debug_info::running_position(vm) };
    message.extend_from_slice(text);
    vm.heap.string_value(&message)
}

/// Unwinds the running goroutine past every protected call, down to its first thread: the states of
/// its natives are dropped, its coroutines end. Then it can be released.
///
/// # Safety
/// As [`throw`].
pub(crate) unsafe fn discard(vm: &mut Vm) {
    // SAFETY: the contexts are those that CONTEXT asserts of the running thread, or the one in
    // which its resumer waits for it (RESUMER), and their callers. What is left is not used any
    // more: neither the states of natives nor, after `kill`, the thread's stack.
    unsafe {
        loop {
            let mut context = Context { base: vm.base, pc: vm.pc };
            loop {
                if context.continuation() == Some(Continuation::Native) {
                    native::abandon(context.base);
                }
                match context.caller() {
                    Some(caller) => context = caller,
                    None => break,
                }
            }
            let current = vm.current;
            let resumer = (*current).resumer;
            if resumer == ROOT {
                return close_upvalues(&mut vm.heap, current, (*current).stack);
            }
            thread::kill(vm, current);
            thread::switch_to(vm, resumer);
        }
    }
}

/// Unwinds the running goroutine past every protected call because of an error: how it has ended.
///
/// # Safety
/// As [`throw`].
pub(crate) unsafe fn fail(vm: &mut Vm, text: &str) -> scheduler::Ended {
    // SAFETY: CONTEXT holds of the running thread, as the caller asserts.
    let mut message = unsafe { crate::machine::debug_info::running_position(vm) };
    message.extend_from_slice(text.as_bytes());
    let value = vm.heap.string_value(&message);
    let current = vm.current;
    // SAFETY: as above.
    let traceback = unsafe { crate::machine::traceback::traceback(vm, current, 0) };
    // SAFETY: as above: a traceback changes no frame.
    unsafe { discard(vm) };
    scheduler::Ended::Failed(value, traceback)
}

/// Prepares the call of an `xpcall` handler above the frame that failed. Fails if there is no room
/// for it.
///
/// # Safety
/// `vm.base` and `vm.pc` are a context of the running thread (invariant CONTEXT of
/// [`crate::layout::frame`]). Handler and error are alive; the handler is in the stack.
unsafe fn call_error_handler(vm: &mut Vm, handler: Value, error: Value) -> Result<(), GrowthError> {
    // A native's arguments may reach further than its caller's frame; they are not needed any more.
    let frame_end = match continuation_at(vm.pc) {
        // SAFETY: a context without a continuation is that of a Lua frame.
        None => unsafe { (*crate::layout::frame::prototype_of(vm.base)).frame_size as usize },
        Some(_) => 4,
    };
    vm.handling_overflow = true;
    // SAFETY: a Lua frame has that many registers, and a few slots follow the callee of a
    // continuation (FRAME ROOM).
    let position = unsafe { vm.base.add(frame_end) };
    // The error is stored nowhere else in the meantime.
    vm.error = error;
    // SAFETY: CONTEXT holds, as the caller asserts. What is alive is below the position, the
    // handler included, or `vm.error`.
    let room = unsafe { grow_or_collect(vm, position, 60) };
    vm.handling_overflow = false;
    vm.error = Value::NIL;
    room?;
    // SAFETY: there is room for 60 values from that position on in the stack, where it is now.
    unsafe {
        let above = vm.base.add(frame_end);
        *above = vm.dummy_function;
        *above.add(1) = link(frame_end + 2, vm.pc);
        *above.add(2) = handler;
        *above.add(4) = error;
        vm.top = above.add(5);
        vm.base = above.add(2);
    }
    vm.pc = crate::layout::frame::error_handler();
    Ok(())
}

/// The `xpcall` handler has returned `value`: unwinds to its `xpcall`, which fails with it.
///
/// # Safety
/// The state in `vm` is that of the handler of an error handler's continuation. The value is alive.
pub(crate) unsafe fn leave_error_handler(vm: &mut Vm, value: Value) -> u64 {
    // The cold function's pc is after the receiving word.
    // SAFETY: the receiving word precedes the pc, as the caller asserts.
    let mut context = Context { base: vm.base, pc: unsafe { vm.pc.sub(1) } };
    debug_assert_eq!(context.continuation(), Some(Continuation::ErrorHandler));
    // SAFETY: the first context is that of the running thread, whose frames do not change here.
    while let Some(caller) = unsafe { context.caller() } {
        context = caller;
        match context.continuation() {
            // SAFETY: the frame is left for good.
            Some(Continuation::Native) => unsafe { native::abandon(context.base) },
            // SAFETY: a thread is running, since CONTEXT holds.
            Some(Continuation::Hook) => unsafe { crate::machine::hook::abandon(vm) },
            Some(Continuation::ProtectedCallWithHandler) => {
                // SAFETY: the frame of an `xpcall` starts three slots below the base of its
                // continuation. The value is alive, as the caller asserts.
                return unsafe { fail_protected_call(vm, context.base.sub(3), value) };
            }
            _ => {}
        }
    }
    debug_assert!(false, "an error handler without its xpcall");
    CONTINUE
}

/// The protected call whose frame starts at `frame` returns false and the error.
///
/// # Safety
/// `frame` is the start of the frame of a `pcall` or `xpcall` of the running thread. The error is
/// alive.
unsafe fn fail_protected_call(vm: &mut Vm, frame: *mut Value, error: Value) -> u64 {
    // SAFETY: the frame is in the stack of the running thread, and the link before it is the pc of
    // the caller's context, whose call word called the native in the slot before that.
    let answer = unsafe {
        close_upvalues(&mut vm.heap, vm.current, frame);
        let (_, caller) = unlink(*frame.sub(1));
        deliver_failure(vm, frame.sub(2 + call_slot(caller)), caller, error)
    };
    if vm.heap.is_nearly_full() {
        // SAFETY: `deliver_failure` has just reached the context in `vm`.
        unsafe { clear_free_registers(vm) };
    }
    answer
}

/// Clears the registers of the running frame after false and an error. The failed code has left
/// values there, which would be kept as long as nothing overwrites them: too long if they are what
/// fills the heap.
///
/// # Safety
/// [`deliver_failure`] has just reached the context in `vm`.
#[cold]
unsafe fn clear_free_registers(vm: &mut Vm) {
    if continuation_at(vm.pc).is_some() {
        return;
    }
    // SAFETY: the context is that of a Lua frame, since it has no continuation, and the slots are
    // registers of that frame. Its call word was that of a protected call, which had two registers
    // or more from its slot on: what is above false and the error is used by no code before it is
    // written again.
    unsafe {
        let frame_size = (*crate::layout::frame::prototype_of(vm.base)).frame_size as usize;
        for slot in call_slot(vm.pc) + 2..frame_size {
            *vm.base.add(slot) = Value::NIL;
        }
    }
}

/// The function of the running thread has returned `count` values from `results` on.
///
/// # Safety
/// The function of the running thread has returned; its results are all that is used of its stack,
/// in which they are, above at least one slot. The thread's stored context is in its stack.
pub(crate) unsafe fn finish_thread(vm: &mut Vm, results: *mut Value, count: usize) -> u64 {
    let current = vm.current;
    // SAFETY: the running thread is alive.
    let resumer = unsafe { (*current).resumer };
    if resumer == ROOT {
        // SAFETY: the running thread is the first one of its goroutine (RESUMER), and the results
        // are as the caller asserts.
        return unsafe { scheduler::goroutine_finished(vm, results, count) };
    }
    // SAFETY: the resumer waits for this thread in a stored context (RESUMER), and this thread is
    // done.
    unsafe { thread::switch_to(vm, resumer) };
    // Delivering may fail, and the handler of that error may need a collection.
    vm.returned = Value::from_thread(current);
    let (base, pc) = (vm.base, vm.pc);
    // SAFETY: the context in `vm` is that of the resumer, which runs now. The results are in the
    // stack of another thread, which lives on by way of `vm.returned` until it is killed below.
    let answer = unsafe {
        if (*current).is_wrap != 0 {
            deliver(vm, base, pc, results, count)
        } else {
            // The slot below is the link, used up.
            *results.sub(1) = Value::TRUE;
            deliver(vm, base, pc, results.sub(1), count + 1)
        }
    };
    // SAFETY: the thread is alive (`vm.returned`) and has its stack, of which nothing is used any
    // more: the results have been copied, or an error has replaced them.
    unsafe { thread::kill(vm, current) };
    vm.returned = Value::NIL;
    answer
}
