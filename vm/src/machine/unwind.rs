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
    let wanted = call_results(pc);
    let mut target = base.add(call_slot(pc));
    if wanted == OPEN_LIST {
        if count > MAX_VALUES {
            return throw_text(vm, messages::TOO_MANY_RESULTS_STACK);
        }
        let mut source = source;
        if target.add(count) > vm.stack_end {
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
        std::ptr::copy(source, target, count);
        vm.top = target.add(count);
        if count > LONG_LIST {
            gc::charge(&mut vm.fuel, count);
            if vm.fuel < 0 {
                vm.k = constants_of(vm.base);
                return scheduler::results_out_of_budget(vm);
            }
        }
    } else {
        let wanted = wanted as usize - 1;
        std::ptr::copy(source, target, count.min(wanted));
        for i in count..wanted {
            *target.add(i) = Value::NIL;
        }
    }
    vm.k = constants_of(vm.base);
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

/// Raises a message, with the position of the running function before it if that is a Lua function.
///
/// # Safety
/// As [`throw`].
#[cold]
pub(crate) unsafe fn throw_text(vm: &mut Vm, text: impl AsRef<[u8]>) -> u64 {
    let mut message = crate::machine::debug_info::running_position(vm);
    message.extend_from_slice(text.as_ref());
    let value = vm.heap.string_value(&message);
    throw(vm, value)
}

/// Raises "not enough memory". The message uses memory that the limit reserves for this.
///
/// # Safety
/// As [`throw`].
#[cold]
pub(crate) unsafe fn throw_out_of_memory(vm: &mut Vm) -> u64 {
    vm.retried = null_mut();
    let value = vm.heap.string_value(messages::NOT_ENOUGH_MEMORY.as_bytes());
    throw(vm, value)
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
    while let (None, Some(caller)) = (context.continuation(), context.caller()) {
        context = caller;
    }
    match context.continuation() {
        Some(Continuation::ProtectedCall) => fail_protected_call(vm, context.base, error),
        _ => unwind(vm, context, error),
    }
}

/// As [`throw`], from a context on that the error has reached.
///
/// # Safety
/// As [`throw`].
#[inline(never)]
unsafe fn unwind(vm: &mut Vm, reached: Context, error: Value) -> u64 {
    let (mut context, mut error) = (reached, error);
    let mut in_handler = false;
    loop {
        match context.continuation() {
            Some(Continuation::Native) => native::abandon(context.base),
            Some(Continuation::Hook) => crate::machine::hook::abandon(vm),
            Some(Continuation::ErrorHandler) => {
                in_handler = true;
                error = vm.heap.string_value(messages::ERROR_IN_ERROR_HANDLING.as_bytes());
            }
            Some(Continuation::ProtectedCallWithHandler) => {
                if !in_handler {
                    let message = match call_error_handler(vm, *context.base.sub(3), error) {
                        Ok(()) => return CALL,
                        Err(GrowthError::Overflow) => messages::ERROR_IN_ERROR_HANDLING,
                        Err(GrowthError::Memory) => messages::NOT_ENOUGH_MEMORY,
                    };
                    error = vm.heap.string_value(message.as_bytes());
                    context = Context { base: vm.base, pc: vm.pc };
                    in_handler = true;
                    continue;
                }
                return fail_protected_call(vm, context.base.sub(3), error);
            }
            Some(Continuation::ProtectedCall) => {
                return fail_protected_call(vm, context.base, error);
            }
            Some(Continuation::ThreadEnd | Continuation::ThreadStart) => {
                let current = vm.current;
                let resumer = (*current).resumer;
                if resumer == ROOT {
                    vm.last_traceback = crate::machine::traceback::traceback(vm, current, 0);
                    close_upvalues(&mut vm.heap, current, (*current).stack);
                    return scheduler::goroutine_failed(vm, error);
                }
                let is_seen = (*current).is_wrap == 0;
                if is_seen {
                    thread::fail(vm);
                } else {
                    thread::kill(vm, current);
                }
                thread::switch_to(vm, resumer);
                if is_seen {
                    let (base, pc) = (vm.base, vm.pc);
                    return deliver_failure(vm, base, pc, error);
                }
                // Through `wrap` the error continues in the resumer.
                context = Context { base: vm.base, pc: vm.pc };
                error = with_position(vm, error);
                in_handler = false;
                continue;
            }
            _ => {}
        }
        match context.caller() {
            Some(caller) => context = caller,
            None => {
                debug_assert!(false, "a stack without a bottom");
                return scheduler::goroutine_failed(vm, error);
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
    if vm.dialect != Dialect::Lua || !coerce::make_string(&mut vm.heap, &raw mut error) {
        return error;
    }
    let Some(text) = error.to_string().map(|text| string::bytes(text)) else { return error };
    if text.len() > LONG_MESSAGE {
        return error;
    }
    let mut message = crate::machine::debug_info::running_position(vm);
    message.extend_from_slice(text);
    vm.heap.string_value(&message)
}

/// Unwinds the running goroutine past every protected call, down to its first thread: the states of
/// its natives are dropped, its coroutines end. Then it can be released.
///
/// # Safety
/// As [`throw`].
pub(crate) unsafe fn discard(vm: &mut Vm) {
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

/// Unwinds the running goroutine past every protected call because of an error: how it has ended.
///
/// # Safety
/// As [`throw`].
pub(crate) unsafe fn fail(vm: &mut Vm, text: &str) -> scheduler::Ended {
    let mut message = crate::machine::debug_info::running_position(vm);
    message.extend_from_slice(text.as_bytes());
    let value = vm.heap.string_value(&message);
    let current = vm.current;
    let traceback = crate::machine::traceback::traceback(vm, current, 0);
    discard(vm);
    scheduler::Ended::Failed(value, traceback)
}

/// Prepares the call of an `xpcall` handler above the frame that failed. Fails if there is no room
/// for it.
///
/// # Safety
/// `vm.base` and `vm.pc` are a context of the running thread (invariant CONTEXT of
/// [`crate::layout::frame`]). Handler and error are alive.
unsafe fn call_error_handler(vm: &mut Vm, handler: Value, error: Value) -> Result<(), GrowthError> {
    // A native's arguments may reach further than its caller's frame; they are not needed any more.
    let frame_end = match continuation_at(vm.pc) {
        None => (*crate::layout::frame::prototype_of(vm.base)).frame_size as usize,
        Some(_) => 4,
    };
    vm.handling_overflow = true;
    let position = vm.base.add(frame_end);
    // The error is stored nowhere else in the meantime.
    vm.error = error;
    let room = grow_or_collect(vm, position, 60);
    vm.handling_overflow = false;
    vm.error = Value::NIL;
    room?;
    let above = vm.base.add(frame_end);
    *above = vm.dummy_function;
    *above.add(1) = link(frame_end + 2, vm.pc);
    *above.add(2) = handler;
    *above.add(4) = error;
    vm.top = above.add(5);
    vm.base = above.add(2);
    vm.pc = crate::layout::frame::error_handler();
    Ok(())
}

/// The `xpcall` handler has returned `value`: unwinds to its `xpcall`, which fails with it.
///
/// # Safety
/// The state in `vm` is that of the handler of an error handler's continuation.
pub(crate) unsafe fn leave_error_handler(vm: &mut Vm, value: Value) -> u64 {
    // The cold function's pc is after the receiving word.
    let mut context = Context { base: vm.base, pc: vm.pc.sub(1) };
    debug_assert_eq!(context.continuation(), Some(Continuation::ErrorHandler));
    while let Some(caller) = context.caller() {
        context = caller;
        match context.continuation() {
            Some(Continuation::Native) => native::abandon(context.base),
            Some(Continuation::Hook) => crate::machine::hook::abandon(vm),
            Some(Continuation::ProtectedCallWithHandler) => {
                return fail_protected_call(vm, context.base.sub(3), value);
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
    close_upvalues(&mut vm.heap, vm.current, frame);
    let (_, caller) = unlink(*frame.sub(1));
    let answer = deliver_failure(vm, frame.sub(2 + call_slot(caller)), caller, error);
    if vm.heap.is_nearly_full() {
        clear_free_registers(vm);
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
    let frame_size = (*crate::layout::frame::prototype_of(vm.base)).frame_size as usize;
    for slot in call_slot(vm.pc) + 2..frame_size {
        *vm.base.add(slot) = Value::NIL;
    }
}

/// The function of the running thread has returned `count` values from `results` on.
///
/// # Safety
/// The function of the running thread has returned; its results are all that is used of its stack.
pub(crate) unsafe fn finish_thread(vm: &mut Vm, results: *mut Value, count: usize) -> u64 {
    let current = vm.current;
    let resumer = (*current).resumer;
    if resumer == ROOT {
        return scheduler::goroutine_finished(vm, results, count);
    }
    thread::switch_to(vm, resumer);
    // Delivering may fail, and the handler of that error may need a collection.
    vm.returned = Value::from_thread(current);
    let (base, pc) = (vm.base, vm.pc);
    let answer = if (*current).is_wrap != 0 {
        deliver(vm, base, pc, results, count)
    } else {
        // The slot below is the link, used up.
        *results.sub(1) = Value::TRUE;
        deliver(vm, base, pc, results.sub(1), count + 1)
    };
    thread::kill(vm, current);
    vm.returned = Value::NIL;
    answer
}
