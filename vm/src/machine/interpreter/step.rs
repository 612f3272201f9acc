//! Single instructions for machine code: the slow path of an instruction, which does all of it, as
//! a function that returns.
//!
//! Safety: the contract of handlers in [`super::dispatch`], the state in `vm`.

use super::dispatch::{CALL, CONTINUE, dispatch};
use super::{arithmetic, call, closure, concat, field, table_access};
use crate::layout::frame::{call_results, call_slot};
use crate::layout::value::Value;
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::{Instruction, Opcode};

/// Does the instruction before `pc` in the frame at `base`, whose constants are `vm.k`. 0 if it is
/// complete, and the frame and the instruction after it are the context. Otherwise [`after_step`]
/// continues.
pub(crate) type Step = unsafe extern "C" fn(vm: *mut Vm, base: *mut Value, pc: *const u32) -> u64;

macro_rules! steps {
    ($($opcode:ident: $module:ident::$function:ident),* $(,)?) => {
        /// The slow path of an opcode.
        pub(crate) fn step_of(opcode: Opcode) -> Option<Step> {
            match opcode {
                $(Opcode::$opcode => {
                    unsafe extern "C" fn step(
                        vm: *mut Vm,
                        base: *mut Value,
                        pc: *const u32,
                    ) -> u64 {
                        let vm = &mut *vm;
                        (vm.base, vm.pc) = (base, pc);
                        let budget = vm.fuel;
                        let answer = $module::$function::run(vm, Instruction(*pc.sub(1)));
                        vm.charged_by_calls += budget - vm.fuel;
                        let data = usize::from(Opcode::$opcode.has_data_word());
                        settle(vm, base, pc.add(data), answer)
                    }
                    Some(step)
                })*
                _ => None,
            }
        }
    };
}

steps! {
    AddKV: arithmetic::arithmetic,
    AddVK: arithmetic::arithmetic,
    AddVV: arithmetic::arithmetic,
    Close: closure::close,
    Closure: closure::closure,
    Concatenate: concat::concatenate,
    DivideKV: arithmetic::arithmetic,
    DivideVK: arithmetic::arithmetic,
    DivideVV: arithmetic::arithmetic,
    DuplicateTable: table_access::duplicate_table,
    GetField: field::get_field,
    GetGlobal: field::get_global,
    GetIndex: table_access::get_index,
    GetInteger: table_access::get_integer,
    Length: arithmetic::length,
    ModuloVK: arithmetic::arithmetic,
    ModuloVV: arithmetic::arithmetic,
    MultiplyKV: arithmetic::arithmetic,
    MultiplyVK: arithmetic::arithmetic,
    MultiplyVV: arithmetic::arithmetic,
    Negate: arithmetic::arithmetic,
    NewTable: table_access::new_table,
    PowerVK: arithmetic::arithmetic,
    PowerVV: arithmetic::arithmetic,
    SelfField: field::self_field,
    SelfIndex: table_access::self_index,
    SetField: field::set_field,
    SetGlobal: field::set_global,
    SetIndex: table_access::set_index,
    SetInteger: table_access::set_integer,
    SetList: table_access::set_list,
    SetUpvalue: field::set_upvalue,
    SubtractKV: arithmetic::arithmetic,
    SubtractVK: arithmetic::arithmetic,
    SubtractVV: arithmetic::arithmetic,
    VarargTable: call::vararg_table,
}

/// Whether an instruction is complete after its slow path has run, with this answer, from the
/// context of `base` to that of `next`: 0 if so.
unsafe fn settle(vm: &mut Vm, base: *mut Value, next: *const u32, answer: u64) -> u64 {
    vm.outcome = answer as i64;
    let is_complete = answer == CONTINUE && vm.base == base && vm.pc == next && !vm.is_hooked;
    u64::from(!is_complete)
}

/// Continues after a [`Step`] that was not complete, as a handler.
///
/// # Safety
/// A step has returned 1, and nothing has changed since.
#[inline(always)]
pub(crate) unsafe fn after_step(vm: *mut Vm) -> u64 {
    let answer = (*vm).outcome as u64;
    let (pc, base, k) = ((*vm).pc, (*vm).base, (*vm).k);
    if answer == CONTINUE {
        dispatch!(pc, base, k, vm)
    }
    if answer != CALL {
        return answer;
    }
    let slot = call_slot(pc);
    let arguments = ((*vm).top as u64).wrapping_sub(base.add(slot + 2) as u64) >> 3;
    call::issue_call(pc, base, call_results(pc) | arguments << 8, slot as u64, k, vm)
}
