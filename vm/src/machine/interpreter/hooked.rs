//! The way of instructions while some thread has a debug hook, or calls are traced: see
//! [`crate::machine::hook`]. Otherwise nothing here is reached.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{CALL, CONTINUE, cold_functions, dispatch, handler_of, handlers};
use crate::layout::frame::{self, constants_of, unlink};
use crate::layout::value::Value;
use crate::machine::hook;
use crate::machine::thread::{grow_or_collect, takes_open_list};
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::{Instruction, Opcode};

/// Slots of a hook's frame below its callee.
const BELOW_CALLEE: usize = 4;

handlers! { (pc, base, d, a, k, vm)
    /// Replaces every opcode's handler.
    hooked {
        let hook = (*(*vm).current).hook;
        // The call word of a continuation belongs to no function that events could be about.
        if frame::continuation_at(pc).is_some() {
        } else if hook.is_null() {
            if (*vm).tracer.is_some() {
                cold!(look_for_event);
            }
        } else if !(*hook).is_running {
            if !(*hook).passes {
                cold!(look_for_event);
            }
            (*hook).passes = false;
        }
        // Of entry words, the instruction that they were.
        let number = *pc.sub(1) as u8;
        let number = Opcode::of_number(number).map_or(number, |opcode| opcode as u8);
        let handler = handler_of((*vm).dialect, number.into());
        return handler(pc, base, d, a, k, vm);
    }
    hook_returned { cold!(return_from_hook) }
}

cold_functions! {
    /// Runs the instruction, or calls the hook function before it. Its frame is above the running
    /// one and an open list on its way: the native that the event is about, the length of the list,
    /// a Lua function, the link, the callee.
    fn look_for_event(vm, _instruction) {
        let Some(event) = hook::next_wanted_event(vm) else {
            (*(*vm.current).hook).passes = true;
            vm.pc = vm.pc.sub(1);
            return CONTINUE;
        };
        let mut end = (*frame::prototype_of(vm.base)).frame_size as usize;
        let mut open = 0;
        if takes_open_list(vm.pc) {
            open = vm.top.offset_from(vm.base) as usize;
            end = end.max(open);
        }
        let position = vm.base.add(end);
        if let Err(error) = grow_or_collect(vm, position, 2 * BELOW_CALLEE) {
            (*(*vm.current).hook).reset();
            return error.throw(vm);
        }
        let callee = vm.base.add(end + BELOW_CALLEE);
        *callee.sub(4) = event.native;
        *callee.sub(3) = Value(open as u64);
        *callee.sub(2) = vm.dummy_function;
        *callee.sub(1) = frame::link(end + BELOW_CALLEE, vm.pc);
        *callee = (*(*vm.current).hook).function;
        *callee.add(2) = vm.heap.string_value(event.name.as_bytes());
        *callee.add(3) = event.line.map_or(Value::NIL, |line| Value::number(f64::from(line)));
        vm.top = callee.add(4);
        vm.base = callee;
        vm.pc = frame::hook();
        (*(*vm.current).hook).is_running = true;
        CALL
    }
    /// The hook function has returned: the interrupted instruction is tried again.
    fn return_from_hook(vm, _instruction) {
        let open = (*vm.base.sub(3)).0 as usize;
        let (distance, pc) = unlink(*vm.base.sub(1));
        vm.base = vm.base.sub(distance);
        vm.k = constants_of(vm.base);
        vm.top = vm.base.add(open);
        vm.pc = pc.sub(1);
        (*(*vm.current).hook).is_running = false;
        CONTINUE
    }
}
