//! Functions of the VM that machine code calls. None runs Lua code, collects or raises an error.

use crate::heap::table;
use crate::layout::object::Table;
use crate::layout::value::Value;
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::Instruction;

/// Addresses of functions of the C calling convention.
pub struct HelperFunctions;

impl HelperFunctions {
    /// `(table) -> u64`: the length of a table, given its address.
    pub fn length() -> *const () {
        length as *const ()
    }

    /// `(vm, array slots, hash size) -> u64`: the word of a new table, with the sizes as the
    /// operands of `NewTable`; 0 if a collection is due. It may change the budget.
    pub fn new_table() -> *const () {
        new_table as *const ()
    }

    /// `(vm, template) -> u64`: the word of a copy of the table at that address; 0 if a collection
    /// is due. It may change the budget.
    pub fn duplicate_table() -> *const () {
        duplicate_table as *const ()
    }
}

unsafe extern "C" fn length(address: u64) -> u64 {
    // SAFETY: the unit passes the address of a table that it has in a register.
    unsafe { table::length(address as *const Table) }
}

unsafe extern "C" fn new_table(vm: *mut Vm, array: u64, hash: u64) -> u64 {
    // SAFETY: the unit passes its VM, which it alone uses. No collection is due, so nothing that is
    // only in machine registers is freed; the table is published there. The sizes are operands.
    unsafe {
        if (*vm).heap.collection_due() {
            return 0;
        }
        Value::from_table((*vm).heap.new_table(array as u32, hash as u32)).0
    }
}

unsafe extern "C" fn duplicate_table(vm: *mut Vm, template: *mut Table) -> u64 {
    // SAFETY: as above; the template belongs to a prototype that is a root of the unit.
    unsafe {
        if (*vm).heap.collection_due() {
            return 0;
        }
        Value::from_table((*vm).heap.duplicate_table(template)).0
    }
}

const _: () = assert!(size_of::<Instruction>() == 4);
