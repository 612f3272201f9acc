//! Functions of the VM that machine code calls. None runs Lua code or raises an error.
//!
//! The **simple** ones do not collect and change nothing but what their description says. The
//! others, which do an instruction in the interpreter's place ([`HelperFunctions::step`],
//! [`HelperFunctions::call_native`]), may do anything that a native or an instruction can. The
//! frame's memory has all values when they are called. What they cannot finish, an error, a wait, a
//! call of Lua code, they leave in `Vm::outcome` for [`enter`](super::enter) to continue with.

use super::sample;
use crate::heap::table;
use crate::layout::frame::{self, call_results, call_slot};
use crate::layout::object::{Table, Upvalue};
use crate::layout::value::{NATIVE_FUNCTION, Value};
use crate::machine::interpreter;
use crate::machine::native;
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::{Instruction, OPEN, Opcode};

/// A simple function of the C calling convention.
#[derive(Clone, Copy, Debug)]
pub struct Helper {
    /// Its address.
    pub address: *const (),
    /// Whether it may charge the budget, `Vm::fuel`, for its work. Then the budget is in memory
    /// when it is called.
    pub charges: bool,
}

impl Helper {
    const fn free(address: *const ()) -> Helper {
        Helper { address, charges: false }
    }

    const fn charged(address: *const ()) -> Helper {
        Helper { address, charges: true }
    }
}

/// The functions.
pub struct HelperFunctions;

impl HelperFunctions {
    /// `(table) -> u64`: the length of a table, given its address.
    pub fn length() -> Helper {
        Helper::free(length as *const ())
    }

    /// `(vm, array slots, hash size) -> u64`: the word of a new table, with the sizes as the
    /// operands of `NewTable`; 0 if a collection is due.
    pub fn new_table() -> Helper {
        Helper::charged(new_table as *const ())
    }

    /// `(vm, template) -> u64`: the word of a copy of the table at that address; 0 if a collection
    /// is due.
    pub fn duplicate_table() -> Helper {
        Helper::charged(duplicate_table as *const ())
    }

    /// `(table, key) -> u64`: the value of a key, a word, without metamethods.
    pub fn get() -> Helper {
        Helper::charged(get as *const ())
    }

    /// `(vm, table, key, value) -> u64`: replaces the value of a key, if that is not nil. 0 if it
    /// is.
    pub fn replace() -> Helper {
        Helper::charged(replace as *const ())
    }

    /// `(vm, table, value) -> u64`: what a store of an object, or of a new key, into the table at
    /// that address must do for the collector, before or after it. The result is of no use.
    pub fn barrier_back() -> Helper {
        Helper::free(barrier_back as *const ())
    }

    /// `(vm, upvalue, value) -> u64`: the same of a store into a variable that was captured.
    pub fn barrier_forward() -> Helper {
        Helper::free(barrier_forward as *const ())
    }

    /// `(vm, x, y) -> u64`: 1 if two values are equal, 0 if not, 2 if a metamethod decides.
    pub fn equal() -> Helper {
        Helper::charged(equal as *const ())
    }

    /// `(x, y) -> u64`: a power of numbers; all are bits of doubles.
    pub fn power() -> Helper {
        Helper::free(power as *const ())
    }

    /// `(vm, slot)`: what `ForEachPrepare` does, given the address of its `R[A]`.
    pub fn prepare_loop() -> Helper {
        Helper::charged(prepare_loop as *const ())
    }

    /// `(slot) -> u64`: the next entry of a generic `for`, given the address of its `R[A]`. What it
    /// returns is an [`Advance`].
    pub fn advance_loop() -> Helper {
        Helper::free(advance_loop as *const ())
    }

    /// `(value) -> u64`: 1 if a word is that of an [ordinary
    /// native](super::Seen::is_ordinary_native), else 0.
    pub fn is_ordinary_native() -> Helper {
        Helper::free(is_ordinary_native as *const ())
    }

    /// `(vm, registers, pc, arguments) -> u64`, with the constants in the VM's state: calls the
    /// ordinary native in the callee's slot of the call before `pc`. 0 if the results are in place
    /// (a call that expects an open list has one result). Otherwise the unit has to return
    /// [`NATIVE_ANSWERED`].
    pub fn call_native() -> *const () {
        call_native as *const ()
    }

    /// `(vm, registers, pc) -> u64`, with the constants in the VM's state: does the instruction
    /// before `pc`, one with that opcode. 0 if it is complete. Otherwise the unit has to return
    /// [`INSTRUCTION_ANSWERED`].
    pub fn step(opcode: Opcode) -> Option<*const ()> {
        interpreter::step_of(opcode).map(|step| step as *const ())
    }
}

/// What receives the result of a metamethod that machine code runs in a frame of its own.
///
/// The frame is above that of the instruction, whose function has N registers: in slot N is that
/// function, in N + 1 the [link to the instruction](Receiver::link_to_instruction), in N + 2 the
/// metamethod, in N + 3 the [link to the receiver](Receiver::link), then the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// The result goes to the instruction's target.
    Result,
    /// It decides a comparison.
    Condition,
    /// It is dropped.
    Discard,
}

impl Receiver {
    /// The link of the metamethod's frame.
    pub fn link(self) -> u64 {
        let pc = match self {
            Receiver::Result => frame::result(),
            Receiver::Condition => frame::condition(),
            Receiver::Discard => frame::discard(),
        };
        pc as u64
    }

    /// The link below it, given the number of registers of the instruction's function and the
    /// address after the instruction.
    pub fn link_to_instruction(registers: usize, next: u64) -> u64 {
        frame::link(registers + 2, next as *const u32).0
    }
}

/// A unit returns this in place of an address after [`HelperFunctions::call_native`].
pub const NATIVE_ANSWERED: u64 = 0;
/// A unit returns this in place of an address after [`HelperFunctions::step`].
pub const INSTRUCTION_ANSWERED: u64 = 1;

/// A unit returns this in place of an address if it cannot be entered with what the registers have:
/// nothing has happened.
pub const DECLINED: u64 = 2;

/// What a step of a generic `for` has come to.
pub struct Advance;

impl Advance {
    /// There is no further entry.
    pub const ENDED: u64 = 0;
    /// The key and the value are in `R[A]` and `R[A+1]`.
    pub const FOUND: u64 = 1;
    /// Another generator has to be called.
    pub const CALLS: u64 = 2;
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

unsafe extern "C" fn get(table: *const Table, key: u64) -> u64 {
    // SAFETY: the unit passes the address of a table and the word of a value, which are alive.
    unsafe { table::get(table, Value(key)).0 }
}

unsafe extern "C" fn replace(vm: *mut Vm, table: *mut Table, key: u64, value: u64) -> u64 {
    // SAFETY: as above; the unit passes its VM, which it alone uses. A key that has a value is not
    // new, so the table stays where it is.
    unsafe {
        if table::get(table, Value(key)).is_nil() {
            return 0;
        }
        table::set(&mut (*vm).heap, table, Value(key), Value(value)).is_ok().into()
    }
}

unsafe extern "C" fn barrier_back(vm: *mut Vm, table: *mut Table, value: u64) -> u64 {
    // SAFETY: the unit passes its VM, which it alone uses, the address of a table and the word of a
    // value, which are alive. Nothing is marked in slices until the store is done.
    unsafe { (*vm).heap.barrier_back(table, Value(value)) };
    0
}

unsafe extern "C" fn barrier_forward(vm: *mut Vm, upvalue: *mut Upvalue, value: u64) -> u64 {
    // SAFETY: as above, of an upvalue.
    unsafe { (*vm).heap.barrier_forward(upvalue, Value(value)) };
    0
}

unsafe extern "C" fn equal(vm: *mut Vm, x: u64, y: u64) -> u64 {
    // SAFETY: the unit passes its VM, and the words of values, which are alive.
    match unsafe { interpreter::equality(&*vm, Value(x), Value(y)) } {
        Some(is_equal) => is_equal.into(),
        None => 2,
    }
}

extern "C" fn power(x: u64, y: u64) -> u64 {
    Value::number(f64::from_bits(x).powf(f64::from_bits(y))).0
}

unsafe extern "C" fn prepare_loop(vm: *mut Vm, slot: *mut Value) {
    // SAFETY: the unit passes its VM and a slot of its frame that a `ForEachPrepare` is about.
    unsafe { interpreter::prepare_loop(vm, slot) }
}

unsafe extern "C" fn advance_loop(slot: *mut Value) -> u64 {
    // SAFETY: the unit passes a slot of its frame that a `ForEachCall` is about.
    unsafe { interpreter::advance_loop(slot) }
}

unsafe extern "C" fn is_ordinary_native(value: u64) -> u64 {
    // SAFETY: the unit passes the word of a value, which is alive.
    unsafe { sample::is_ordinary_native(Value(value)).into() }
}

unsafe extern "C" fn call_native(
    vm: *mut Vm,
    base: *mut Value,
    pc: *const u32,
    arguments: usize,
) -> u64 {
    // SAFETY: the unit passes its VM, which it alone uses, and the context of a call, whose
    // callee's slot has a native that runs its code when it is called. The frame's memory has all
    // values, so the native finds the frames that the interpreter would have. Results are in place,
    // from the callee's slot on, below the end of the stack if there are not more than expected.
    unsafe {
        let vm = &mut *vm;
        (vm.base, vm.pc) = (base, pc);
        let slot = base.add(call_slot(pc));
        let callee = (*slot).untag(NATIVE_FUNCTION) as *mut _;
        let budget = vm.fuel;
        vm.is_called_by_unit = true;
        vm.outcome = native::run(vm, callee, slot.add(2), arguments);
        vm.is_called_by_unit = false;
        vm.charged_by_calls += budget - vm.fuel;
        let expected = call_results(pc);
        let is_complete = if expected == u64::from(OPEN) {
            vm.outcome == 1
        } else {
            vm.outcome + 1 >= expected as i64
                || vm.outcome >= 0 && {
                    let results = vm.base.add(call_slot(pc));
                    for index in vm.outcome as usize..expected as usize - 1 {
                        *results.add(index) = Value::NIL;
                    }
                    true
                }
        };
        let leaves = vm.base != base || vm.is_hooked || vm.leaves_unit;
        vm.leaves_unit = false;
        u64::from(!is_complete || leaves)
    }
}

const _: () = assert!(size_of::<Instruction>() == 4);
