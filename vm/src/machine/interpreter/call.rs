//! Calls, returns and extra arguments. See [`crate::layout::frame`] for the layout that these
//! handlers build.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{CALL, CONTINUE, cold_functions, dispatch, handlers, keep_loop};
use super::index::find_metamethod;
use super::operand::{b, c};
use crate::layout::frame::{
    self, LINK_MASK, MAX_VALUES, call_results, call_slot, constants_of, function_of,
};
use crate::layout::metamethod::Metamethod;
use crate::layout::object::{LuaFunction, NativeFunction, VARARG};
use crate::layout::value::{LUA_FUNCTION, NATIVE_FUNCTION, Value, is_pointer};
use crate::machine::debug_info;
use crate::machine::thread::grow_or_collect;
use crate::machine::unit;
use crate::machine::unwind::{deliver, throw_text};
use crate::machine::vm::Vm;
use crate::messages;
use solvm_compiler::bytecode::{Instruction, OPEN, Opcode};

/// The budget may fall so low in one chain of `__call` metamethods. If one of them is `pcall`, the
/// chain has no end and nothing in it at which the scheduler could take over.
const UNCHECKED_WORK: i64 = -500_000;

handlers! { (pc, base, d, a, k, vm)
    Call {
        charge!();
        let function = (*base.add(a as usize)).untag(LUA_FUNCTION);
        if !is_pointer(function) {
            jump!(call_other, d, a);
        }
        let prototype = (*(function as *const LuaFunction)).prototype;
        let frame = base.add(a as usize + 2);
        if frame.add((*prototype).frame_size as usize) > (*vm).stack_end {
            cold!(grow_for_call);
        }
        *frame.sub(1) = Value(pc as u64);
        if d < (*prototype).simple_call {
            jump!(fix_arguments, d, a);
        }
        base = frame;
        k = (*prototype).constants;
        pc = (*prototype).start;
    }
    /// The word that represents the units of a function which has just been called.
    function_entry {
        jump!(unit::enter_function, 0, 0);
    }
    CallOpen {
        charge!();
        let arguments = ((*vm).top as u64).wrapping_sub(base.add(a as usize + 2) as u64) >> 3;
        jump!(DoCall, (d & 0xff) | arguments << 8, a);
    }
    /// A call with any number of arguments (C, here more than 8 bits), its budget charged before.
    DoCall {
        let slot = base.add(a as usize);
        let function = (*slot).untag(LUA_FUNCTION);
        if !is_pointer(function) {
            jump!(call_other, d, a);
        }
        debug_assert!(c(d) < 1 << 32, "arguments begin above their callee");
        let prototype = (*(function as *const LuaFunction)).prototype;
        let frame = slot.add(2);
        if frame.add(c(d) + (*prototype).frame_size as usize) > (*vm).stack_end {
            (*vm).top = frame.add(c(d));
            cold!(grow_for_open_call);
        }
        *frame.sub(1) = Value(pc as u64);
        if d < (*prototype).simple_call {
            jump!(fix_arguments, d, a);
        }
        base = frame;
        k = (*prototype).constants;
        pc = (*prototype).start;
    }
    /// Missing arguments become nil; a vararg function gets a new frame above its arguments.
    fix_arguments {
        let frame = base.add(a as usize + 2);
        let prototype = (*function_of(frame)).prototype;
        let arguments = c(d);
        let parameters = (*prototype).parameters as usize;
        if (*prototype).simple_call != VARARG {
            let mut i = arguments;
            while i < parameters {
                *frame.add(i) = Value::NIL;
                keep_loop!();
                i += 1;
            }
            base = frame;
        } else {
            (*vm).top = frame.add(arguments);
            if (arguments > MAX_VALUES)
                | (frame.add(arguments + 2 + (*prototype).frame_size as usize) > (*vm).stack_end)
            {
                cold!(grow_for_vararg);
            }
            let shifted = frame.add(arguments + 2);
            *shifted.sub(2) = *frame.sub(2);
            *shifted.sub(1) = Value((*frame.sub(1)).0 | ((arguments + 2) as u64) << 48);
            let mut i = 0;
            while i < parameters {
                *shifted.add(i) = if i < arguments { *frame.add(i) } else { Value::NIL };
                keep_loop!();
                i += 1;
            }
            base = shifted;
        }
        k = (*prototype).constants;
        pc = (*prototype).start;
    }
    /// A callee that is not a Lua function.
    call_other {
        let function = (*base.add(a as usize)).untag(NATIVE_FUNCTION);
        if !is_pointer(function) {
            (*vm).top = base.add(a as usize + 2 + c(d));
            cold!(call_metamethod);
        }
        jump!((*(function as *const NativeFunction)).handler(), d, a);
    }
    /// Undoes a vararg frame's shift, moves callee and arguments down, issues the caller's call
    /// word again. Only a Lua function takes over the frame; anything else is called in the
    /// ordinary way, and the return that follows forwards its results.
    TailCall {
        charge!();
        let source = base.add(a as usize);
        let arguments = c(d);
        if !is_pointer((*source).untag(LUA_FUNCTION)) {
            jump!(call_other, d, a);
        }
        let mut link = (*base.sub(1)).0;
        if link > LINK_MASK {
            base = base.sub((link >> 48) as usize);
            link = (*base.sub(1)).0;
        }
        *base.sub(2) = *source;
        let mut i = 0;
        while i < arguments {
            *base.add(i) = *source.add(2 + i);
            keep_loop!();
            i += 1;
        }
        pc = link as *const u32;
        let slot = call_slot(pc);
        base = base.sub(2 + slot);
        jump!(DoCall, call_results(pc) | (arguments as u64) << 8, slot as u64);
    }
    TailCallOpen {
        let arguments = ((*vm).top as u64).wrapping_sub(base.add(a as usize + 2) as u64) >> 3;
        jump!(TailCall, (d & 0xff) | arguments << 8, a);
    }
    Return0 {
        pc = (*base.sub(1)).0 as *const u32;
        if call_results(pc) != 1 {
            jump!(return_nothing, d, a);
        }
        base = base.sub(2 + call_slot(pc));
        k = constants_of(base);
    }
    /// No value, for a call word that expects some, or an open list. `pc` is the caller's.
    return_nothing {
        let target = base.sub(2);
        let wanted = call_results(pc);
        if wanted == u64::from(OPEN) {
            (*vm).top = target;
        } else {
            let mut i = 0;
            while i + 1 < wanted as usize {
                *target.add(i) = Value::NIL;
                keep_loop!();
                i += 1;
            }
        }
        base = target.sub(call_slot(pc));
        k = constants_of(base);
    }
    Return1 {
        let value = *base.add(a as usize);
        pc = (*base.sub(1)).0 as *const u32;
        if call_results(pc) > 2 {
            (*vm).returned = value;
            jump!(return_to_many, 0, 0);
        }
        *base.sub(2) = value;
        base = base.sub(2 + call_slot(pc));
        k = (*(*function_of(base)).prototype).constants;
    }
    /// One value, `Vm::returned`, for a call word that expects an open list or multiple results.
    /// `pc` is the caller's.
    return_to_many {
        let target = base.sub(2);
        *target = (*vm).returned;
        let wanted = call_results(pc);
        if wanted == u64::from(OPEN) {
            (*vm).top = target.add(1);
        } else {
            let mut i = 1;
            while i + 1 < wanted as usize {
                *target.add(i) = Value::NIL;
                keep_loop!();
                i += 1;
            }
        }
        base = target.sub(call_slot(pc));
        k = constants_of(base);
    }
    Return {
        let source = base.add(a as usize);
        let target = base.sub(((*base.sub(1)).0 >> 48) as usize + 2);
        pc = (*target.add(1)).0 as *const u32;
        let (count, wanted) = (d as usize, call_results(pc));
        let mut i = 0;
        while i < count {
            *target.add(i) = *source.add(i);
            keep_loop!();
            i += 1;
        }
        if wanted == u64::from(OPEN) {
            (*vm).top = target.add(count);
        } else {
            while i + 1 < wanted as usize {
                *target.add(i) = Value::NIL;
                keep_loop!();
                i += 1;
            }
        }
        base = target.sub(call_slot(pc));
        k = constants_of(base);
    }
    ReturnOpen {
        let source = base.add(a as usize);
        let target = base.sub(((*base.sub(1)).0 >> 48) as usize + 2);
        let caller = (*target.add(1)).0 as *const u32;
        let count = ((*vm).top as u64).wrapping_sub(source as u64) as usize >> 3;
        let wanted = call_results(caller) as usize;
        if (wanted > 3) | (count > 2) {
            cold!(return_open);
        }
        let first = if count > 0 { *source } else { Value::NIL };
        let second = if count > 1 { *source.add(1) } else { Value::NIL };
        *target = first;
        if wanted == 3 {
            *target.add(1) = second;
        }
        pc = caller;
        base = target.sub(call_slot(caller));
        k = constants_of(base);
    }
    Vararg {
        let distance = ((*base.sub(1)).0 >> 48) as usize;
        let parameters = (*(*function_of(base)).prototype).parameters as usize;
        let extra = (distance - 2).saturating_sub(parameters);
        let source = base.sub(distance).add(parameters);
        let target = base.add(a as usize);
        let wanted = b(d);
        if wanted as u64 == u64::from(OPEN) {
            if target.add(extra) > (*vm).stack_end {
                cold!(grow_for_extra);
            }
            let mut i = 0;
            while i < extra {
                *target.add(i) = *source.add(i);
                keep_loop!();
                i += 1;
            }
            (*vm).top = target.add(extra);
            (*vm).fuel -= (extra >> 4) as i64;
        } else {
            let mut i = 0;
            while i + 1 < wanted {
                *target.add(i) = if i < extra { *source.add(i) } else { Value::NIL };
                keep_loop!();
                i += 1;
            }
        }
    }
    VarargTable { cold!(vararg_table) }
}

/// The target of a cold function's result [`CALL`].
pub(crate) use DoCall as issue_call;

cold_functions! {
    /// The stack ends too early for the frame of a call with arguments in place.
    fn grow_for_call(vm, instruction) {
        vm.top = vm.base.add(call_slot(vm.pc) + 2 + instruction.c() as usize);
        grow_for_open_call::run(vm, instruction)
    }
    /// The stack ends too early for the frame of a call with arguments up to `vm.top`.
    fn grow_for_open_call(vm, _instruction) {
        let function = (*vm.base.add(call_slot(vm.pc))).address() as *const LuaFunction;
        let frame_size = (*(*function).prototype).frame_size as usize;
        let top = vm.top;
        match grow_or_collect(vm, top, frame_size + 2) {
            Ok(()) => CALL,
            Err(error) => error.throw(vm),
        }
    }
    fn grow_for_vararg(vm, instruction) {
        let arguments = vm.top.offset_from(vm.base.add(call_slot(vm.pc) + 2));
        if arguments > MAX_VALUES as isize {
            return throw_text(vm, messages::TOO_MANY_ARGUMENTS);
        }
        grow_for_open_call::run(vm, instruction)
    }
    /// The stack ends too early for the extra arguments: the instruction is restarted.
    fn grow_for_extra(vm, instruction) {
        let extra = ((*vm.base.sub(1)).0 >> 48) as usize;
        let position = vm.base.add(instruction.a() as usize);
        let need = extra + (*frame::prototype_of(vm.base)).frame_size as usize;
        if let Err(error) = grow_or_collect(vm, position, need) {
            return error.throw(vm);
        }
        crate::machine::hook::instruction_restarts(vm);
        vm.pc = vm.pc.sub(1);
        CONTINUE
    }
    /// The callee is not a function: its `__call` metamethod is, with the callee as its first
    /// argument.
    fn call_metamethod(vm, instruction) {
        let top = vm.top;
        let count = top.offset_from(vm.base.add(call_slot(vm.pc) + 2));
        vm.fuel -= 16 + count as i64;
        if vm.fuel < UNCHECKED_WORK {
            return throw_text(vm, messages::STACK_OVERFLOW);
        }
        if let Err(error) = grow_or_collect(vm, top, 1) {
            return error.throw(vm);
        }
        let slot = vm.base.add(call_slot(vm.pc));
        // Looked up after the safepoint: it may be referenced by a weak table only.
        let method = find_metamethod(vm, *slot, Metamethod::Call);
        if !(method.is_lua_function() || method.is_native_function()) {
            let text = debug_info::call_error(vm, *slot);
            return throw_text(vm, text);
        }
        std::ptr::copy(slot.add(2), slot.add(3), count as usize);
        *slot.add(2) = *slot;
        *slot = method;
        vm.top = vm.top.add(1);
        let tail = instruction.opcode().is_some_and(Opcode::is_tail_call);
        if tail && method.is_lua_function() {
            return tail_call(vm);
        }
        CALL
    }
    /// More results than a few, or for a call word that expects more than two.
    fn return_open(vm, instruction) {
        let source = vm.base.add(instruction.a() as usize);
        let count = vm.top.offset_from(source) as usize;
        let distance = ((*vm.base.sub(1)).0 >> 48) as usize;
        let target = vm.base.sub(distance + 2);
        let caller = (*target.add(1)).0 as *const u32;
        deliver(vm, target.sub(call_slot(caller)), caller, source, count)
    }
    fn vararg_table(vm, instruction) {
        if !crate::machine::scheduler::safepoint(vm) {
            return crate::machine::unwind::throw_out_of_memory(vm);
        }
        let distance = ((*vm.base.sub(1)).0 >> 48) as usize;
        let parameters = (*frame::prototype_of(vm.base)).parameters as usize;
        let extra = (distance - 2).saturating_sub(parameters);
        let table = vm.heap.new_table(extra as u32, 1);
        *vm.base.add(instruction.a() as usize) = Value::from_table(table);
        let source = vm.base.sub(distance).add(parameters);
        let name = vm.heap.string_value(b"n");
        // It has room for all of this.
        let count = Value::number(extra as f64);
        let stored = crate::heap::table::set_list(&mut vm.heap, table, 1, source, extra)
            .and_then(|()| crate::heap::table::set(&mut vm.heap, table, name, count));
        match stored {
            Ok(()) => CONTINUE,
            Err(error) => throw_text(vm, error.message()),
        }
    }
}

/// Reissues a tail call whose callee and arguments (up to `vm.top`) have just been replaced by
/// those of `__call`.
///
/// # Safety
/// As for handlers; a tail call is running.
unsafe fn tail_call(vm: &mut Vm) -> u64 {
    let source = vm.base.add(call_slot(vm.pc));
    let count = vm.top.offset_from(source.add(2)) as usize;
    let distance = ((*vm.base.sub(1)).0 >> 48) as usize;
    let frame = vm.base.sub(distance);
    *frame.sub(2) = *source;
    std::ptr::copy(source.add(2), frame, count);
    vm.top = frame.add(count);
    vm.pc = (*frame.sub(1)).0 as *const u32;
    vm.base = frame.sub(2 + call_slot(vm.pc));
    vm.k = constants_of(vm.base);
    CALL
}
