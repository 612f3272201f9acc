//! Handlers of continuations, and of the natives that the interpreter itself carries out: calling a
//! native, `pcall`, `xpcall`, `coroutine.resume`, `yield` and what `coroutine.wrap` returns.
//!
//! A native's handler is entered with the caller's registers: `pc` after the call word, `a` the
//! callee's slot, C(d) the number of arguments.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::call::DoCall;
use super::compare::is_negated;
use super::concat::concatenate_from;
use super::dispatch::{CALL, cold_functions, dispatch, handlers, keep_loop};
use super::operand::{c, jump_target};
use crate::layout::frame::{self, call_results, call_slot, constants_of, prototype_of, unlink};
use crate::layout::object::{NativeFunction, Thread};
use crate::layout::stack::DEAD;
use crate::layout::value::{NATIVE_FUNCTION, THREAD, Value, is_pointer};
use crate::machine::native;
use crate::machine::thread::{self, Status};
use crate::machine::unwind::{self, deliver};
use crate::machine::vm::Vm;
use crate::messages;
use solvm_compiler::bytecode::{Instruction, OPEN};

const ALL: u64 = OPEN as u64;

/// The native function of the current call.
///
/// # Safety
/// `base[a]` is a native function.
#[inline(always)]
unsafe fn callee(base: *mut Value, a: u64) -> *mut NativeFunction {
    (*base.add(a as usize)).untag(NATIVE_FUNCTION) as *mut NativeFunction
}

/// The saved context below a continuation with `Discard`-like frames: its base and pc.
///
/// # Safety
/// `base` is that of a continuation that interrupted an instruction.
#[inline(always)]
unsafe fn interrupted(base: *mut Value) -> (*mut Value, *const u32) {
    let (distance, pc) = unlink(*base.sub(1));
    (base.sub(distance), pc)
}

/// A native from a number to a number, if it is called in the ordinary way.
///
/// # Safety
/// As for handlers; F is that of the callee's definition.
pub(crate) unsafe fn call_number_function<F: Fn(f64) -> f64 + Copy>(
    pc: *const u32,
    base: *mut Value,
    d: u64,
    a: u64,
    k: *const Value,
    vm: *mut Vm,
) -> u64 {
    let slot = base.add(a as usize);
    // Without an argument this is an arbitrary slot: read, not used.
    let x = *slot.add(2);
    if (c(d) == 0) | !x.is_number() | (call_results(pc) != 2) {
        return call_native(pc, base, d, a, k, vm);
    }
    *slot = Value::number(native::the_function::<F>()(x.as_f64()));
    dispatch!(pc, base, k, vm)
}

handlers! { (pc, base, d, a, k, vm)
    /// An opcode number without meaning. Compiled code never holds one.
    unused { cold!(unused_opcode) }

    // Continuations. The results start at `base`; those of an open call end at `vm.top`.
    result {
        let value = *base;
        (base, pc) = interrupted(base);
        *base.add(call_slot(pc)) = value;
    }
    boolean {
        let value = *base;
        (base, pc) = interrupted(base);
        *base.add(call_slot(pc)) = Value::boolean(value.is_truthy());
    }
    inverted_boolean {
        let value = *base;
        (base, pc) = interrupted(base);
        *base.add(call_slot(pc)) = Value::boolean(!value.is_truthy());
    }
    condition {
        let holds = (*base).is_truthy();
        (base, pc) = interrupted(base);
        k = constants_of(base);
        pc = if holds != is_negated(*pc.sub(1)) { jump_target(pc) } else { pc.add(1) };
    }
    inverted_condition {
        let holds = !(*base).is_truthy();
        (base, pc) = interrupted(base);
        k = constants_of(base);
        pc = if holds != is_negated(*pc.sub(1)) { jump_target(pc) } else { pc.add(1) };
    }
    discard {
        (base, pc) = interrupted(base);
    }
    concatenation { cold!(resume_concatenation) }
    protected_call_returned {
        let slot = base.sub(2);
        let (_, caller) = unlink(*base.sub(1));
        let wanted = call_results(caller);
        if wanted == 3 {
            let first = if (*vm).top > base { *base } else { Value::NIL };
            *slot = Value::TRUE;
            *slot.add(1) = first;
        } else if wanted == 2 {
            *slot = Value::TRUE;
        } else if wanted != 1 {
            cold!(protected_call_delivers);
        }
        pc = caller;
        base = slot.sub(call_slot(caller));
        k = constants_of(base);
    }
    protected_call_with_handler_returned { cold!(protected_call_with_handler_delivers) }
    error_handler_returned { cold!(error_handler_answers) }
    native_called_back {
        (*vm).pc = pc;
        (*vm).base = base;
        (*vm).outcome = native::resume(vm);
        pc = (*vm).pc;
        base = (*vm).base;
        k = (*vm).k;
        if (*vm).outcome == native::CALLING {
            jump!(issue_prepared_call, 0, 0);
        }
        jump!(native_answered, 0, 0);
    }
    /// Issues the call that a native has prepared after the call word before `pc`, its arguments up
    /// to `vm.top`. Callees may be too short to charge the budget themselves: a native that never
    /// ends is stopped here. The call word restarts as any other does.
    issue_prepared_call {
        charge!();
        let arguments = ((*vm).top as u64).wrapping_sub(base.add(2) as u64) >> 3;
        jump!(DoCall, call_results(pc) | arguments << 8, 0);
    }
    /// The first resume's arguments start at `base[2]`, the thread's function is in `base[0]`.
    thread_start {
        pc = frame::thread_end();
        let arguments = ((*vm).top as u64).wrapping_sub(base.add(2) as u64) >> 3;
        jump!(DoCall, ALL | arguments << 8, 0);
    }
    thread_end { cold!(thread_ended) }
    schedule { cold!(pick_goroutine) }

    // Natives.
    call_native {
        let slot = base.add(a as usize);
        (*vm).base = base;
        (*vm).k = k;
        (*vm).pc = pc;
        let outcome = native::run(vm, callee(base, a), slot.add(2), c(d));
        pc = (*vm).pc;
        base = (*vm).base;
        k = (*vm).k;
        // Results are in place, and more than expected do no harm. An open list may have more than
        // an outcome can represent.
        if outcome + 1 < call_results(pc) as i64 {
            (*vm).outcome = outcome;
            jump!(native_answered, 0, 0);
        }
    }
    /// A native has returned `Vm::outcome`: its results are adjusted to the expected number, if it
    /// has any.
    native_answered {
        let count = (*vm).outcome;
        let results = base.add(call_slot(pc));
        let end = results.wrapping_offset(count as isize);
        if (count < 0) | (end > (*vm).stack_end) {
            cold!(native_outcome);
        }
        if call_results(pc) == ALL {
            (*vm).top = end;
        } else {
            let mut i = count as usize;
            while i + 1 < call_results(pc) as usize {
                *results.add(i) = Value::NIL;
                keep_loop!();
                i += 1;
            }
        }
    }
    /// `error(value)`, unless the message needs a position or a level is given.
    raise {
        let message = if c(d) > 0 { *base.add(a as usize + 2) } else { Value::NIL };
        if c(d) > 1 || message.is_number() || message.is_string() {
            jump!(call_native, d, a);
        }
        (*vm).error = message;
        cold!(throw_error);
    }
    /// `pcall(f, ...)`: the callee and its arguments are already in place except the link between
    /// them.
    protected_call {
        let frame = base.add(a as usize + 2);
        let count = c(d);
        if count == 0 {
            cold!(missing_function);
        }
        if frame.add(count + 1) > (*vm).stack_end {
            (*vm).top = frame.add(count);
            cold!(grow_for_protected_call);
        }
        *frame.sub(1) = Value(pc as u64);
        let mut i = count - 1;
        while i > 0 {
            *frame.add(1 + i) = *frame.add(i);
            keep_loop!();
            i -= 1;
        }
        base = frame;
        pc = frame::protected_call();
        jump!(DoCall, ALL | ((count - 1) as u64) << 8, 0);
    }
    /// `xpcall(f, h, ...)`: `[f][h][args]` becomes `[h][-][link][f][-][args]`.
    protected_call_with_handler {
        let frame = base.add(a as usize + 2);
        let count = c(d);
        if count < 2 {
            cold!(missing_handler);
        }
        if frame.add(count + 3) > (*vm).stack_end {
            (*vm).top = frame.add(count);
            cold!(grow_for_protected_call);
        }
        *frame.sub(1) = Value(pc as u64);
        let mut i = count - 2;
        while i > 0 {
            *frame.add(4 + i) = *frame.add(1 + i);
            keep_loop!();
            i -= 1;
        }
        let function = *frame;
        *frame = *frame.add(1);
        *frame.add(1) = Value::NIL;
        *frame.add(2) = frame::link(3, std::ptr::null());
        *frame.add(3) = function;
        base = frame.add(3);
        pc = frame::protected_call_with_handler();
        jump!(DoCall, ALL | ((count - 2) as u64) << 8, 0);
    }
    /// `coroutine.resume(thread, ...)`.
    resume {
        let slot = base.add(a as usize);
        let thread = (*slot.add(2)).untag(THREAD);
        if (c(d) < 1) | !is_pointer(thread) {
            cold!(missing_thread);
        }
        let thread = thread as *mut Thread;
        if !(*thread).resumer.is_null() {
            cold!(cannot_resume);
        }
        let current = (*vm).current;
        (*current).pc = pc;
        (*current).base = base;
        // The thread stays reachable from the one that resumed it, through the argument.
        (*current).top = slot.add(3);
        (*thread).resumer = current;
        (*thread).is_wrap = 0;
        (*vm).current = thread;
        (*vm).stack_end = (*thread).stack_end;
        if (*vm).heap.is_marking() {
            (*vm).arrive(slot.add(3), c(d) - 1);
            cold!(thread_needs_barrier);
        }
        let target_pc = (*thread).pc;
        let target_base = (*thread).base;
        let wanted = call_results(target_pc);
        // A caller that expects one value or none has a Lua function (or the dummy) below its base:
        // see `frame`.
        if wanted == 2 {
            *target_base.add(call_slot(target_pc)) =
                if c(d) > 1 { *slot.add(3) } else { Value::NIL };
        } else if wanted != 1 {
            (*vm).arrive(slot.add(3), c(d) - 1);
            return deliver_arrived::leave(target_pc, target_base, 0, 0, k, vm);
        }
        dispatch!(target_pc, target_base, (*prototype_of(target_base)).constants, vm)
    }
    /// What `coroutine.wrap` returned: resumes its thread, errors pass through.
    resume_wrapped {
        let slot = base.add(a as usize);
        let upvalue = (&raw const (*callee(base, a)).upvalues).cast::<Value>();
        let thread = (*upvalue).address() as *mut Thread;
        if !(*thread).resumer.is_null() {
            cold!(cannot_resume);
        }
        let current = (*vm).current;
        (*current).pc = pc;
        (*current).base = base;
        (*current).top = slot.add(2);
        (*thread).resumer = current;
        (*thread).is_wrap = 1;
        (*vm).current = thread;
        (*vm).stack_end = (*thread).stack_end;
        if (*vm).heap.is_marking() {
            (*vm).arrive(slot.add(2), c(d));
            cold!(thread_needs_barrier);
        }
        let target_pc = (*thread).pc;
        let target_base = (*thread).base;
        let wanted = call_results(target_pc);
        // A caller that expects one value or none has a Lua function (or the dummy) below its base:
        // see `frame`.
        if wanted == 2 {
            *target_base.add(call_slot(target_pc)) =
                if c(d) > 0 { *slot.add(2) } else { Value::NIL };
        } else if wanted != 1 {
            (*vm).arrive(slot.add(2), c(d));
            return deliver_arrived::leave(target_pc, target_base, 0, 0, k, vm);
        }
        dispatch!(target_pc, target_base, (*prototype_of(target_base)).constants, vm)
    }
    /// `coroutine.yield(...)`.
    yield_values {
        let slot = base.add(a as usize);
        let count = c(d);
        let current = (*vm).current;
        let resumer = (*current).resumer;
        if resumer as usize <= DEAD as usize {
            cold!(cannot_yield);
        }
        (*current).pc = pc;
        (*current).base = base;
        (*current).top = slot.add(2);
        (*current).resumer = std::ptr::null_mut();
        (*vm).current = resumer;
        (*vm).stack_end = (*resumer).stack_end;
        let target_pc = (*resumer).pc;
        let target_base = (*resumer).base;
        let mut wanted = call_results(target_pc);
        // A caller that expects two values or fewer has a Lua function (or the dummy) below its
        // base: see `frame`.
        if (*vm).heap.is_marking() | (wanted > 3) {
            (*vm).arrive(slot.add(2), count);
            (*vm).outcome = i64::from((*current).is_wrap);
            return deliver_yielded::leave(target_pc, target_base, 0, 0, k, vm);
        }
        let mut target = target_base.add(call_slot(target_pc));
        if ((*current).is_wrap == 0) & (wanted > 1) {
            *target = Value::TRUE;
            target = target.add(1);
            wanted -= 1;
        }
        if wanted > 1 {
            *target = if count > 0 { *slot.add(2) } else { Value::NIL };
            if wanted == 3 {
                *target.add(1) = if count > 1 { *slot.add(3) } else { Value::NIL };
            }
        }
        dispatch!(target_pc, target_base, (*prototype_of(target_base)).constants, vm)
    }
}

/// The opcode of the instruction that a continuation interrupted, which is the word before `pc`.
///
/// # Safety
/// `pc` is that of a Lua frame.
unsafe fn interrupted_instruction(pc: *const u32) -> Instruction {
    Instruction(*pc.sub(1))
}

cold_functions! {
    fn unused_opcode(vm, _instruction) {
        unwind::throw_text(vm, messages::BAD_BYTECODE)
    }
    fn resume_concatenation(vm, _instruction) {
        let value = *vm.base;
        let index = (*vm.base.sub(3)).0 as usize;
        (vm.base, vm.pc) = interrupted(vm.base);
        *vm.base.add(index) = value;
        concatenate_from(vm, interrupted_instruction(vm.pc), index)
    }
    fn protected_call_delivers(vm, _instruction) {
        let results = vm.base;
        let count = vm.top.offset_from(results) as usize;
        let (_, caller) = unlink(*results.sub(1));
        *results.sub(1) = Value::TRUE;
        deliver(vm, results.sub(2 + call_slot(caller)), caller, results.sub(1), count + 1)
    }
    fn protected_call_with_handler_delivers(vm, _instruction) {
        let results = vm.base;
        let count = vm.top.offset_from(results) as usize;
        let slot = results.sub(5);
        let (_, caller) = unlink(*slot.add(1));
        *results.sub(1) = Value::TRUE;
        deliver(vm, slot.sub(call_slot(caller)), caller, results.sub(1), count + 1)
    }
    fn error_handler_answers(vm, _instruction) {
        let value = *vm.base;
        unwind::leave_error_handler(vm, value)
    }
    fn native_outcome(vm, _instruction) {
        native::finish(vm)
    }
    fn throw_error(vm, _instruction) {
        let error = std::mem::replace(&mut vm.error, Value::NIL);
        // It is not about what an earlier error was about.
        vm.culprit.set(None);
        unwind::throw(vm, error)
    }
    /// The stack ends too early for the arguments of a protected call (up to `vm.top`), which are
    /// moved up: if such calls nest, by any distance.
    fn grow_for_protected_call(vm, _instruction) {
        let top = vm.top;
        match thread::grow_or_collect(vm, top, 3) {
            Ok(()) => CALL,
            Err(error) => error.throw(vm),
        }
    }
    fn missing_function(vm, _instruction) {
        native::throw_bad_argument(vm, 1, messages::VALUE_EXPECTED)
    }
    fn missing_handler(vm, _instruction) {
        native::throw_bad_argument(vm, 2, messages::VALUE_EXPECTED)
    }
    fn missing_thread(vm, _instruction) {
        native::throw_bad_argument(vm, 1, messages::COROUTINE_EXPECTED)
    }
    /// Resumes a thread that runs, has resumed another, or has ended.
    fn cannot_resume(vm, _instruction) {
        let slot = vm.base.add(call_slot(vm.pc));
        let function = (*slot).untag(NATIVE_FUNCTION) as *const NativeFunction;
        let wrapped = (*function).upvalue_count > 0;
        let thread = if wrapped {
            (*(&raw const (*function).upvalues).cast::<Value>()).address()
        } else {
            (*slot.add(2)).address()
        } as *const Thread;
        let text = match thread::status(vm, thread) {
            Status::Dead => messages::RESUME_DEAD,
            Status::Normal => messages::RESUME_NORMAL,
            Status::Running | Status::Suspended => messages::RESUME_RUNNING,
        }
        .of(vm.dialect);
        if wrapped {
            return unwind::throw_text(vm, text);
        }
        let message = vm.heap.string_value(text.as_ref());
        let (base, pc) = (vm.base, vm.pc);
        unwind::deliver_failure(vm, base, pc, message)
    }
    fn cannot_yield(vm, _instruction) {
        unwind::throw_text(vm, messages::YIELD_OUTSIDE.of(vm.dialect))
    }
    /// The thread that was just resumed may be marked already: its stack must be scanned again.
    fn thread_needs_barrier(vm, _instruction) {
        let current = vm.current;
        vm.heap.thread_resumed(current);
        vm.pc = (*current).pc;
        vm.base = (*current).base;
        deliver_arrived::run(vm, Instruction(0))
    }
    /// The values of a resume reach the thread's call word.
    fn deliver_arrived(vm, _instruction) {
        let (source, count) = vm.arrived;
        let (base, pc) = (vm.base, vm.pc);
        deliver(vm, base, pc, source, count)
    }
    /// The values of a yield reach the resumer's call word.
    fn deliver_yielded(vm, _instruction) {
        let (source, count) = vm.arrived;
        let current = vm.current;
        vm.heap.thread_resumed(current);
        let (base, pc) = (vm.base, vm.pc);
        if vm.outcome != 0 {
            return deliver(vm, base, pc, source, count);
        }
        // The slot before the values is the link of the yield's own call, which has been used up.
        *source.sub(1).cast_mut() = Value::TRUE;
        deliver(vm, base, pc, source.sub(1), count + 1)
    }
    fn pick_goroutine(vm, _instruction) {
        crate::machine::scheduler::pick_next(vm)
    }
    fn thread_ended(vm, _instruction) {
        let results = vm.base;
        let count = vm.top.offset_from(results) as usize;
        unwind::finish_thread(vm, results, count)
    }
}
