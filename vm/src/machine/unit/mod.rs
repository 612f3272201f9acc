//! Machine code for hot loops, from the VM's side: who makes it, where it is entered, how it
//! leaves.
//!
//! A [`Compiler`] gets a [`Sample`] whenever the budget runs out, which is at a back-edge or a call
//! of code that runs often: so hot code is found without counters. It may return a [`NewUnit`]:
//! code that continues after a back-edge in the interpreter's place. The instruction in the VM's
//! own copy of the code becomes an *entry word*: the same instruction by its opcode's second
//! number, whose handler does what the instruction does and then runs the unit.
//!
//! **Invariant (LEAVES BEFORE AN INSTRUCTION)**: a unit returns with the VM in the state that the
//! interpreter would be in before some instruction, and returns its address; `vm.base` and `vm.k`
//! are those of its frame. What the unit cannot do, such as an error or a metamethod, is left to
//! that instruction. So neither frames nor messages differ with units, and nothing suspends or
//! raises an error inside one.
//!
//! **Invariant (AS BEFORE A CALL)**: natives and the slow paths of instructions that a unit calls
//! find the state that the interpreter would be in, the values in the frames' memory and `vm.fuel`
//! included; they may collect. If such a call cannot be completed, an error, a wait, a call of Lua
//! code, the unit returns one of two marks in place of an address, and the interpreter continues
//! with what the call has left. It also does if a debug hook was set or a local variable changed,
//! and if the stack has moved.
//!
//! **Invariant (CHARGED)**: a unit charges the budget for each back-edge and call before it
//! happens, and leaves at that instruction when it is used up: time limits, fairness and the
//! collector work as without units.
//!
//! **Invariant (ROOTS)**: objects whose addresses the code contains are kept alive by the prototype
//! that the unit belongs to. The unit dies with it.
//!
//! While hooks or tracing are active, no unit is entered: entry words are handled as what they
//! were.

mod functions;
mod layout;
mod sample;

pub use functions::{Advance, DECLINED, HelperFunctions, INSTRUCTION_ANSWERED, NATIVE_ANSWERED};
pub use layout::MachineLayout;
pub use sample::{
    Code, Frame, Function, NumberFunction, Place, Position, Sample, Seen, Table, Variable,
};

use crate::layout::frame;
use crate::layout::object::Prototype;
use crate::layout::unit::{RootKind, Unit};
use crate::layout::value::Value;
use crate::machine::interpreter::{self, after_step, continue_at, issue_call, special};
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::{Instruction, Opcode};
use std::any::Any;
use std::cell::Cell;

/// Makes machine code for hot code.
///
/// # Safety
/// The units that it returns keep the invariants in the module's documentation.
pub unsafe trait Compiler {
    /// The budget has run out at the innermost frame's instruction. Returns a unit to attach to an
    /// instruction of one of the frames.
    fn sampled(&mut self, sample: &Sample<'_>) -> Option<NewUnit>;

    /// Whether units that it has returned may be run. Once it is false it stays so.
    fn can_run(&self) -> bool;

    /// All units of an instruction decline often. Returns whether it may be compiled again;
    /// otherwise they are freed.
    fn declined(&mut self, position: Position<'_>) -> bool;

    /// A unit was freed since it left soon after it was entered: its instruction, and where it left
    /// last, if it did before an instruction.
    fn freed(&mut self, position: Position<'_>, left: Option<Position<'_>>);
}

/// Machine code to be attached to a back-edge.
pub struct NewUnit {
    /// Whose code, and which instruction.
    pub place: Place,
    /// Runs it: given the frame's registers, the VM's state (see [`MachineLayout`]) and `code`,
    /// returns the address of the next instruction.
    pub run: unsafe extern "C" fn(*mut u64, *mut (), *const ()) -> *const u32,
    /// The code.
    pub code: *const (),
    /// The objects whose addresses the code contains.
    pub roots: Vec<Root>,
    /// Owns the code: dropped when it can run no more.
    pub memory: Box<dyn Any>,
    /// The bytes that it takes.
    pub size: usize,
}

/// An object whose address the code of a unit contains: it lives as long as the unit.
#[derive(Clone, Copy)]
pub struct Root(RootKind);

/// The compiler may look at the program: the budget has run out.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::layout::frame`]); `vm.pc` is after an
/// instruction of which nothing has happened yet.
pub(crate) unsafe fn sample(vm: &mut Vm) {
    if vm.is_hooked {
        return;
    }
    let Some(mut compiler) = vm.compiler.take() else { return };
    // SAFETY: the VM does not run while the sample borrows it, and its context is as the caller
    // asserts.
    let sample = unsafe { Sample::new(vm) };
    let unit = compiler.sampled(&sample);
    vm.can_run_units = compiler.can_run();
    vm.compiler = Some(compiler);
    if let Some(unit) = unit {
        // SAFETY: the place is one of the sample, so its prototype is still alive: nothing has run.
        unsafe { attach(vm, unit) };
    }
}

/// Attaches a unit. It is dropped if there is no memory for it.
///
/// # Safety
/// The prototype of its place is alive, and the roots are values of living objects. The unit keeps
/// the invariants above.
unsafe fn attach(vm: &mut Vm, new: NewUnit) {
    let Ok(held) = vm.heap.program_account().hold(new.size) else { return };
    let (prototype, at) = new.place.parts();
    // SAFETY: the prototype is alive, as the caller asserts, and no other reference to its data
    // exists: no instruction is running.
    let data = unsafe { &mut *(*prototype).cold };
    let Some(entry) = data.compiled.code.get(at).and_then(|word| word.as_entry()) else { return };
    let Some(code) = &mut data.own_code else { return };
    let roots = new.roots.into_iter().map(|root| root.0).collect();
    code.attach(
        at,
        entry.0,
        Unit {
            run: new.run,
            code: new.code,
            roots,
            entered: Cell::new(0),
            charged: Cell::new(0),
            _memory: new.memory,
            _held: held,
        },
    );
    // SAFETY: the prototype and its roots are alive, as the caller asserts.
    unsafe { vm.heap.barrier_prototype(prototype) };
}

/// Where the back-edge before `pc` leads to.
///
/// # Safety
/// The word before `pc` is a back-edge.
#[cold]
unsafe fn jump_target(pc: *const u32) -> *const u32 {
    // SAFETY: the back-edge can be read, and its target is in the same code. A generic `for` jumps
    // by the word after its call.
    unsafe {
        let word = Instruction(*pc.sub(1));
        let jump = if word.opcode() == Some(Opcode::ForEachCall) { pc } else { pc.sub(1) };
        let distance = Instruction(*jump).jump_distance().unwrap_or(0);
        jump.offset(1 + distance as isize)
    }
}

/// A `ForEachCall` that has a unit, as a handler: the next entry, then the unit. The budget has
/// been charged.
///
/// # Safety
/// As for [`enter`]; the instruction is a `ForEachCall`, and nothing of it has been done.
#[inline(never)]
pub(crate) unsafe fn enter_loop(
    pc: *const u32,
    base: *mut Value,
    d: u64,
    a: u64,
    k: *const Value,
    vm: *mut Vm,
) -> u64 {
    // SAFETY: the handler's contract: the operands are those of the instruction, which a
    // `ForEachPrepare` has prepared. The call is issued as the instruction does it.
    unsafe {
        let slot = base.add(a as usize);
        match interpreter::advance_loop(slot) {
            Advance::ENDED => continue_at(pc.add(1), base, k, vm),
            Advance::FOUND => {
                interpreter::clear_rest_of_loop(slot, (d & 0xff) as usize - 1);
                enter(pc, base, d, a, k, vm)
            }
            _ => {
                interpreter::pass_to_generator(slot);
                issue_call(pc, base, d & 0xff | 2 << 8, a, k, vm)
            }
        }
    }
}

/// Continues after the entry word before `pc` in its unit, as a handler.
///
/// # Safety
/// The contract of handlers in [`crate::machine::interpreter::dispatch`]. The word before `pc` is
/// an entry word, whose instruction has been done.
#[inline(never)]
pub(crate) unsafe fn enter(
    pc: *const u32,
    base: *mut Value,
    _d: u64,
    _a: u64,
    k: *const Value,
    vm: *mut Vm,
) -> u64 {
    // SAFETY: the handler's contract: `base` is that of a Lua frame, which keeps its prototype
    // alive, and `pc` is in the code that the prototype points to. An entry word has a unit, whose
    // code keeps the invariants above. `vm` is not used by other code meanwhile.
    unsafe {
        let prototype: *mut Prototype = frame::prototype_of(base);
        let at = pc.sub(1).offset_from((*prototype).code) as usize;
        let versions = (*prototype).cold.own_code.as_ref().and_then(|code| code.versions(at));
        let (Some(versions), true) = (versions, (*vm).can_run_units) else {
            return continue_at(jump_target(pc), base, k, vm);
        };
        (*vm).base = base;
        (*vm).k = k;
        let budget = (*vm).fuel;
        (*vm).charged_by_calls = 0;
        let count = versions.units.len();
        for turn in 0..count {
            let index = (versions.first.get() + turn) % count;
            let Some(unit) = versions.units.get(index) else { break };
            let next = (unit.run)(base.cast(), vm.cast(), unit.code);
            if next as u64 == DECLINED {
                continue;
            }
            versions.first.set(index);
            versions.declined.set(versions.declined.get().saturating_sub(1));
            let entered = unit.entered.get() + 1;
            unit.entered.set(entered);
            let charged = budget - (*vm).fuel - (*vm).charged_by_calls;
            unit.charged.set(unit.charged.get() + charged);
            if entered.is_multiple_of(JUDGED) {
                judge(&mut *vm, prototype, at, index, next);
            }
            let (base, k) = ((*vm).base, (*vm).k);
            return match next as u64 {
                NATIVE_ANSWERED => special::native_answered((*vm).pc, base, 0, 0, k, vm),
                INSTRUCTION_ANSWERED => after_step(vm),
                _ => continue_at(next, base, k, vm),
            };
        }
        let declined = versions.declined.get() + 1;
        versions.declined.set(declined);
        if declined == DECLINES {
            versions.declined.set(0);
            give_up_or_reopen(&mut *vm, prototype, at);
        }
        continue_at(jump_target(pc), base, k, vm)
    }
}

/// A unit is judged when it has been entered so often.
const JUDGED: u32 = 512;
/// It stays if it has charged so much on average: entering and leaving it costs as much as a few
/// rounds of a loop in the interpreter.
const WORTHWHILE: i64 = 4;

/// When the units of an instruction have declined so much more often than been entered, another
/// version is made, or they are freed.
const DECLINES: u32 = 64;

/// The units of an instruction have declined more often than not.
///
/// # Safety
/// As for [`judge`].
#[cold]
#[inline(never)]
unsafe fn give_up_or_reopen(vm: &mut Vm, prototype: *mut Prototype, at: usize) {
    let Some(mut compiler) = vm.compiler.take() else { return };
    // SAFETY: the prototype is alive, as the caller asserts.
    let is_reopened = compiler.declined(unsafe { Position::new(prototype, at) });
    vm.compiler = Some(compiler);
    if is_reopened {
        return;
    }
    // SAFETY: as in `judge`.
    let data = unsafe { &mut *(*prototype).cold };
    let (Some(code), Some(word)) = (&mut data.own_code, data.compiled.code.get(at)) else { return };
    while code.versions(at).is_some_and(|versions| !versions.units.is_empty()) {
        code.detach(at, 0, word.0);
    }
}

/// Frees a unit that leaves soon after it was entered. It left last before the instruction `next`.
///
/// # Safety
/// The prototype is alive, and its code has that unit at the instruction `at`, which is not
/// running. `vm.base` is that of the frame with `next`, unless it is one of the marks.
#[cold]
#[inline(never)]
unsafe fn judge(vm: &mut Vm, prototype: *mut Prototype, at: usize, index: usize, next: *const u32) {
    // SAFETY: the prototype is alive, as the caller asserts, and no other reference to its data
    // exists: between two instructions.
    let data = unsafe { &mut *(*prototype).cold };
    let (Some(code), Some(word)) = (&mut data.own_code, data.compiled.code.get(at)) else { return };
    let unit = code.versions(at).and_then(|versions| versions.units.get(index));
    let Some(unit) = unit else { return };
    if unit.charged.get() >= WORTHWHILE * i64::from(JUDGED) {
        unit.charged.set(0);
        return;
    }
    code.detach(at, index, word.0);
    let Some(mut compiler) = vm.compiler.take() else { return };
    let left = match next as u64 {
        NATIVE_ANSWERED | INSTRUCTION_ANSWERED => None,
        // SAFETY: `next` is in the code of the function of the frame at `vm.base`, as the caller
        // asserts.
        _ => unsafe {
            let inner = frame::prototype_of(vm.base);
            Some(Position::new(inner, next.offset_from((*inner).code) as usize))
        },
    };
    // SAFETY: the prototype is alive.
    compiler.freed(unsafe { Position::new(prototype, at) }, left);
    vm.compiler = Some(compiler);
}

/// Whether a function's code gets a copy that units can be attached to: it has a back-edge.
pub(crate) fn has_entries(code: &[Instruction]) -> bool {
    code.iter().any(|word| word.as_entry().is_some())
}
