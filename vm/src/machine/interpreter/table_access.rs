//! Handlers that make tables and access them by integers and computed keys.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{CONTINUE, cold_functions, dispatch, handlers};
use super::index;
use super::operand::{b, c, cut_off, is_number_or_short_string, key_node, operands};
use crate::heap::table::{self, KeyError};
use crate::layout::frame::prototype_of;
use crate::layout::object::Table;
use crate::layout::value::{TABLE, Value, is_pointer};
use crate::machine::scheduler;
use crate::machine::thread;
use crate::machine::type_error::{self, Operation};
use crate::machine::unwind::throw_text;
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::Instruction;

/// The end of the list that a SetList stores, if it is an open one.
const OPEN_LIST: u16 = u16::MAX;

/// Whether a key is the index that [`cut_off`] computed from it, if that is from 1 to 2^31: only
/// there is less than equality sufficient, with one jump less. It is false for values that are not
/// numbers.
#[inline(always)]
fn is_whole(key: f64, index: u32) -> bool {
    f64::from(index as i32) >= key
}

handlers! { (pc, base, d, a, k, vm)
    NewTable { cold!(new_table) }
    DuplicateTable { cold!(duplicate_table) }
    SetList { cold!(set_list) }
    GetInteger {
        let table = (*base.add(b(d))).untag(TABLE);
        if !is_pointer(table) {
            cold!(get_integer);
        }
        let table = table as *const Table;
        if (c(d) as u64).wrapping_sub(1) >= u64::from((*table).array_size) {
            cold!(get_integer);
        }
        let value = *(*table).array.add(c(d));
        if value.is_nil() {
            cold!(get_integer);
        }
        *base.add(a as usize) = value;
    }
    SetInteger {
        let table = (*base.add(b(d))).untag(TABLE);
        if !is_pointer(table) {
            cold!(set_integer);
        }
        let table = table as *mut Table;
        if (c(d) as u64).wrapping_sub(1) >= u64::from((*table).array_size) {
            cold!(set_integer);
        }
        if (*table).header.barrier != 0 && (*base.add(a as usize)).is_object() {
            cold!(set_integer);
        }
        let slot = (*table).array.add(c(d));
        if !(*table).metatable.is_null() && (*slot).is_nil() {
            cold!(set_integer);
        }
        *slot = *base.add(a as usize);
    }
    GetIndex {
        let table = (*base.add(b(d))).untag(TABLE);
        if !is_pointer(table) {
            cold!(get_index);
        }
        let table = table as *const Table;
        let key = (*base.add(c(d))).as_f64();
        let index = cut_off(key);
        if !is_whole(key, index) {
            jump!(get_index_hash, 0, a);
        }
        if index.wrapping_sub(1) >= (*table).array_size {
            jump!(get_index_hash, 0, a);
        }
        let value = *(*table).array.add(index as usize);
        if value.is_nil() {
            cold!(get_index);
        }
        *base.add(a as usize) = value;
    }
    /// A key outside the array part: here short strings and numbers, the rest out of line.
    get_index_hash {
        let d = operands(pc);
        let table = (*base.add(b(d))).untag(TABLE) as *const Table;
        let key = *base.add(c(d));
        if !is_number_or_short_string(key) {
            cold!(get_index);
        }
        let node = key_node(table, key);
        let value = if node.is_null() { Value::NIL } else { (*node).value };
        if value.is_nil() && !(*table).metatable.is_null() {
            cold!(get_index_inherited);
        }
        *base.add(a as usize) = value;
    }
    SetIndex {
        let table = (*base.add(b(d))).untag(TABLE);
        if !is_pointer(table) {
            cold!(set_index);
        }
        let table = table as *mut Table;
        let key = (*base.add(c(d))).as_f64();
        let index = cut_off(key);
        if !is_whole(key, index) {
            jump!(set_index_hash, 0, a);
        }
        if index.wrapping_sub(1) >= (*table).array_size {
            jump!(set_index_hash, 0, a);
        }
        if (*table).header.barrier != 0 && (*base.add(a as usize)).is_object() {
            cold!(set_index);
        }
        let place = (*table).array.add(index as usize);
        // In this order the old value, which may be far away, is mostly not read at all.
        if !(*table).metatable.is_null() && (*place).is_nil() {
            cold!(set_index);
        }
        *place = *base.add(a as usize);
    }
    /// A key outside the array part: here existing short strings and numbers, the rest out of line.
    set_index_hash {
        let d = operands(pc);
        let table = (*base.add(b(d))).untag(TABLE) as *mut Table;
        let key = *base.add(c(d));
        if !is_number_or_short_string(key) {
            cold!(set_index);
        }
        let node = key_node(table, key);
        if node.is_null() {
            cold!(set_index);
        }
        if (*node).value.is_nil() {
            cold!(set_index);
        }
        if (*table).header.barrier != 0 && (*base.add(a as usize)).is_object() {
            cold!(set_index);
        }
        (*node).value = *base.add(a as usize);
    }
    SelfIndex { cold!(self_index) }
}

cold_functions! {
    /// The table lacks the key, and has a metatable.
    fn get_index_inherited(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        let key = *vm.base.add(instruction.c() as usize);
        index::get_inherited(vm, object, key, instruction.a() as usize)
    }
    fn new_table(vm, instruction) {
        if !scheduler::safepoint(vm) {
            return crate::machine::unwind::throw_out_of_memory(vm);
        }
        let table = vm.heap.new_table(u32::from(instruction.b()), u32::from(instruction.c()));
        *vm.base.add(instruction.a() as usize) = Value::from_table(table);
        CONTINUE
    }
    fn duplicate_table(vm, instruction) {
        if !scheduler::safepoint(vm) {
            return crate::machine::unwind::throw_out_of_memory(vm);
        }
        let template = (&(*prototype_of(vm.base)).cold.templates)[instruction.d() as usize];
        let table = vm.heap.duplicate_table(template);
        *vm.base.add(instruction.a() as usize) = Value::from_table(table);
        CONTINUE
    }
    fn set_list(vm, instruction) {
        let slot = vm.base.add(instruction.a() as usize);
        let first = *vm.pc as usize;
        vm.pc = vm.pc.add(1);
        let count = match instruction.d() {
            OPEN_LIST => vm.top.offset_from(slot.add(1)) as usize,
            count => count as usize,
        };
        let Some(mut table) = (*slot).to_table() else {
            // The temporary was replaced through `debug.setlocal`.
            return throw_text(vm, {
                let key = Value::number(first as f64);
                type_error::operand(vm.dialect, Operation::Index(key), None, *slot)
            });
        };
        let mut stored = table::set_list(&mut vm.heap, table, first, slot.add(1), count);
        if stored == Err(KeyError::Memory) {
            thread::save(vm, slot.add(1 + count));
            scheduler::collect(vm);
            let slot = vm.base.add(instruction.a() as usize);
            table = (*slot).to_table().unwrap_or(table);
            stored = table::set_list(&mut vm.heap, table, first, slot.add(1), count);
        }
        match stored {
            Ok(()) => CONTINUE,
            Err(KeyError::Memory) => crate::machine::unwind::throw_out_of_memory(vm),
            Err(error) => throw_text(vm, error.message()),
        }
    }
    fn get_integer(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        index::get(vm, object, Value::number(f64::from(instruction.c())), instruction.a() as usize)
    }
    fn set_integer(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        let key = Value::number(f64::from(instruction.c()));
        index::set(vm, object, key, *vm.base.add(instruction.a() as usize))
    }
    fn get_index(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        index::get(vm, object, *vm.base.add(instruction.c() as usize), instruction.a() as usize)
    }
    fn set_index(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        let key = *vm.base.add(instruction.c() as usize);
        index::set(vm, object, key, *vm.base.add(instruction.a() as usize))
    }
    fn self_index(vm, instruction) {
        let object = *vm.base.add(instruction.b() as usize);
        let key = *vm.base.add(instruction.c() as usize);
        *vm.base.add(instruction.a() as usize + 2) = object;
        index::get(vm, object, key, instruction.a() as usize)
    }
}
