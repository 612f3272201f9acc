//! Handlers that make closures and close their upvalues.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{CONTINUE, cold_functions, dispatch, handlers};
use crate::layout::frame::{function_of, prototype_of};
use crate::layout::object::{PrototypeData, Upvalue};
use crate::layout::value::Value;
use crate::machine::scheduler;
use crate::machine::thread::{close_upvalues, find_upvalue};
use crate::machine::unwind::throw_out_of_memory;
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::{Capture, Instruction};

handlers! { (pc, base, d, a, k, vm)
    Closure { cold!(closure) }
    Close { cold!(close) }
}

cold_functions! {
    fn closure(vm, instruction) {
        if !scheduler::safepoint(vm) {
            return throw_out_of_memory(vm);
        }
        let enclosing = function_of(vm.base);
        let prototype = (&(*prototype_of(vm.base)).cold.children)[instruction.d() as usize];
        let data: &PrototypeData = &(*prototype).cold;
        let captures = &data.compiled.upvalues;
        let environment = (*enclosing).environment;
        let function = vm.heap.new_lua_function(prototype, environment, captures.len() as u8);
        let upvalues: *mut *mut Upvalue = (&raw mut (*function).upvalues).cast();
        for (i, info) in captures.iter().enumerate() {
            *upvalues.add(i) = match info.capture {
                Capture::Register(register) => {
                    find_upvalue(&mut vm.heap, vm.current, vm.base.add(register as usize))
                }
                Capture::Upvalue(index) => {
                    *(&raw const (*enclosing).upvalues).cast::<*mut Upvalue>().add(index as usize)
                }
            };
        }
        *vm.base.add(instruction.a() as usize) = Value::from_lua_function(function);
        CONTINUE
    }
    fn close(vm, instruction) {
        close_upvalues(&mut vm.heap, vm.current, vm.base.add(instruction.a() as usize));
        CONTINUE
    }
}
