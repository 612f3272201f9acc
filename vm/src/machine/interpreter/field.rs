//! Handlers for constant string keys: fields, methods, globals, also of upvalues.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{CONTINUE, cold_functions, dispatch, handlers};
use super::index;
use super::operand::{b, c, field_node, operands};
use crate::layout::frame::function_of;
use crate::layout::object::{LuaFunction, Table, Upvalue};
use crate::layout::types::Type;
use crate::layout::value::{STRING, TABLE, Value, is_pointer};
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::Instruction;

/// The upvalue with that index of the function whose frame is at `base`.
///
/// # Safety
/// `base` is that of a Lua frame whose function has an upvalue with that index.
#[inline(always)]
unsafe fn upvalue(base: *mut Value, index: u64) -> *mut Upvalue {
    let function: *mut LuaFunction = function_of(base);
    *(&raw const (*function).upvalues as *const *mut Upvalue).add(index as usize)
}

handlers! { (pc, base, d, a, k, vm)
    GetUpvalue {
        *base.add(a as usize) = *(*upvalue(base, d)).slot;
    }
    SetUpvalue {
        let target = upvalue(base, d);
        if (*target).header.barrier != 0 && (*base.add(a as usize)).is_object() {
            cold!(set_upvalue);
        }
        *(*target).slot = *base.add(a as usize);
    }
    GetGlobal {
        let table = (*function_of(base)).environment;
        let node = field_node(table, *k.add(d as usize), *k.add(d as usize + 1));
        if node.is_null() {
            cold!(get_global);
        }
        let value = (*node).value;
        if value.is_nil() {
            cold!(get_global);
        }
        *base.add(a as usize) = value;
    }
    SetGlobal {
        let table = (*function_of(base)).environment;
        let node = field_node(table, *k.add(d as usize), *k.add(d as usize + 1));
        if node.is_null() {
            cold!(set_global);
        }
        if (*node).value.is_nil() {
            cold!(set_global);
        }
        if (*table).header.barrier != 0 && (*base.add(a as usize)).is_object() {
            cold!(set_global);
        }
        (*node).value = *base.add(a as usize);
    }
    GetEnvironment {
        *base.add(a as usize) = Value::from_table((*function_of(base)).environment);
    }
    GetField {
        let table = (*base.add(b(d))).untag(TABLE);
        if !is_pointer(table) {
            cold!(get_field);
        }
        let table = table as *mut Table;
        let node = field_node(table, *k.add(c(d)), *k.add(c(d) + 1));
        if node.is_null() {
            jump!(absent_field, 0, a);
        }
        let value = (*node).value;
        if value.is_nil() {
            jump!(absent_field, 0, a);
        }
        *base.add(a as usize) = value;
    }
    /// A field that the table itself lacks: nil unless there is a metatable.
    absent_field {
        let d = operands(pc);
        let table = (*base.add(b(d))).untag(TABLE) as *mut Table;
        if !(*table).metatable.is_null() {
            cold!(get_inherited_field);
        }
        *base.add(a as usize) = Value::NIL;
    }
    SetField {
        let table = (*base.add(b(d))).untag(TABLE);
        if !is_pointer(table) {
            cold!(set_field);
        }
        let table = table as *mut Table;
        let node = field_node(table, *k.add(c(d)), *k.add(c(d) + 1));
        if node.is_null() {
            cold!(set_field);
        }
        if (*table).header.barrier != 0
            && ((*base.add(a as usize)).is_object() || (*node).value.is_nil())
        {
            cold!(set_field);
        }
        if (*node).value.is_nil() {
            if !(*table).metatable.is_null() {
                cold!(set_field);
            }
            (*table).absent = 0;
        }
        (*node).value = *base.add(a as usize);
    }
    SelfField {
        let object = *base.add(b(d));
        let table = object.untag(TABLE);
        if !is_pointer(table) {
            jump!(string_method, 0, a);
        }
        // At once, so that the object need not be kept: no other code uses the register.
        *base.add(a as usize + 2) = object;
        let table = table as *mut Table;
        let node = field_node(table, *k.add(c(d)), *k.add(c(d) + 1));
        if node.is_null() {
            jump!(inherited_method, 0, a);
        }
        let value = (*node).value;
        if value.is_nil() {
            jump!(inherited_method, 0, a);
        }
        *base.add(a as usize) = value;
    }
    /// A method that the object itself lacks, found in the metatable's `__index` table.
    inherited_method {
        let d = operands(pc);
        let object = *base.add(b(d));
        let mut table = object.untag(TABLE) as *mut Table;
        let index_name = (*vm).index_name;
        let value;
        loop {
            let metatable = (*table).metatable;
            if metatable.is_null() {
                cold!(self_field);
            }
            let node = field_node(metatable, index_name, (*vm).index_hash);
            if node.is_null() {
                cold!(self_field);
            }
            let next = (*node).value.untag(TABLE);
            if !is_pointer(next) {
                cold!(self_field);
            }
            table = next as *mut Table;
            let left = (*vm).fuel.wrapping_sub(1);
            (*vm).fuel = left;
            if left < 0 {
                cold!(self_field);
            }
            let node = field_node(table, *k.add(c(d)), *k.add(c(d) + 1));
            if !node.is_null() && !(*node).value.is_nil() {
                value = (*node).value;
                break;
            }
        }
        *base.add(a as usize) = value;
    }
    /// A method of a string, found in the `__index` table of the strings' metatable. Of other
    /// values: out of line.
    string_method {
        let d = operands(pc);
        let object = *base.add(b(d));
        let metatable = (*vm).type_metatables[Type::String as usize];
        if !is_pointer(object.untag(STRING)) | metatable.is_null() {
            cold!(self_field);
        }
        let node = field_node(metatable, (*vm).index_name, (*vm).index_hash);
        if node.is_null() {
            cold!(self_field);
        }
        let methods = (*node).value.untag(TABLE);
        if !is_pointer(methods) {
            cold!(self_field);
        }
        let node = field_node(methods as *const Table, *k.add(c(d)), *k.add(c(d) + 1));
        if node.is_null() {
            cold!(self_field);
        }
        if (*node).value.is_nil() {
            cold!(self_field);
        }
        *base.add(a as usize + 2) = object;
        *base.add(a as usize) = (*node).value;
    }
}

cold_functions! {
    /// A store into an upvalue that may be marked.
    fn set_upvalue(vm, instruction) {
        let target = upvalue(vm.base, u64::from(instruction.d()));
        let value = *vm.base.add(instruction.a() as usize);
        *(*target).slot = value;
        vm.heap.barrier_forward(target, value);
        CONTINUE
    }
    /// A global that is absent or nil.
    fn get_global(vm, instruction) {
        let environment = Value::from_table((*function_of(vm.base)).environment);
        let key = *vm.k.add(instruction.d() as usize);
        index::get(vm, environment, key, instruction.a() as usize)
    }
    /// A new global, or one that is nil, or a store that needs the barrier.
    fn set_global(vm, instruction) {
        let environment = Value::from_table((*function_of(vm.base)).environment);
        let key = *vm.k.add(instruction.d() as usize);
        index::set(vm, environment, key, *vm.base.add(instruction.a() as usize))
    }
    /// A field of a value that is not a table.
    fn get_field(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        let key = *vm.k.add(instruction.c() as usize);
        index::get(vm, object, key, instruction.a() as usize)
    }
    /// A field that a table with a metatable lacks.
    fn get_inherited_field(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        let key = *vm.k.add(instruction.c() as usize);
        index::get_inherited(vm, object, key, instruction.a() as usize)
    }
    /// A new field, or a store that needs a metamethod or the barrier.
    fn set_field(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        let key = *vm.k.add(instruction.c() as usize);
        index::set(vm, object, key, *vm.base.add(instruction.a() as usize))
    }
    /// A method of a value that is not a table, or one that needs a metamethod.
    fn self_field(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        *vm.base.add(instruction.a() as usize + 2) = object;
        let key = *vm.k.add(instruction.c() as usize);
        index::get(vm, object, key, instruction.a() as usize)
    }
}
