//! Machine code for hot loops, from the VM's side: who makes it, where it is entered, how it
//! leaves.
//!
//! A [`Compiler`] gets a [`Sample`] whenever the budget runs out, which is at a back-edge or a call
//! of code that runs often: so hot code is found without counters. It may return a [`NewUnit`]:
//! code that continues after a back-edge in the interpreter's place, or runs a function from its
//! start. The back-edge in the VM's own copy of the code becomes an *entry word*: the same
//! instruction by its opcode's second number, whose handler does what the instruction does and then
//! runs the unit. A call continues at [`Prototype::start`]: at the code, or, if there is a unit for
//! it, at a word whose handler runs that.
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
//! **Invariant (FACTS)**: a unit is entered only if what it relies on holds ([`Assumptions`]), and
//! leaves after a call if `Heap::moves` has changed since.
//!
//! While hooks or tracing are active, no unit is entered: entry words are handled as what they
//! were.

mod control;
mod facts;
mod functions;
mod layout;
mod sample;

pub use control::NativeCode;
pub use facts::{Assumptions, Fact};
pub use functions::{
    Advance, DECLINED, Helper, HelperFunctions, INSTRUCTION_ANSWERED, NATIVE_ANSWERED, Receiver,
};
pub use layout::MachineLayout;
pub use sample::{
    Code, Frame, Function, NumberFunction, Place, Position, Sample, Seen, Table, Variable,
};

use crate::layout::frame;
use crate::layout::object::Prototype;
pub use crate::layout::unit::Entry;
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

    /// All units of a place decline often. Returns whether it may be compiled again; otherwise they
    /// are freed.
    fn declined(&mut self, code: Code<'_>, entry: Entry) -> bool;

    /// A unit was freed since it left soon after it was entered: its place, and where it left last,
    /// if it did before an instruction.
    fn freed(&mut self, code: Code<'_>, entry: Entry, left: Option<Position<'_>>);
}

/// Machine code to be attached to a back-edge or to the start of a function.
pub struct NewUnit {
    /// Whose code, and where it is entered.
    pub place: Place,
    /// Runs it: given the frame's registers, the VM's state (see [`MachineLayout`]) and `code`,
    /// returns the address of the next instruction.
    pub run: unsafe extern "C" fn(*mut u64, *mut (), *const ()) -> *const u32,
    /// The code.
    pub code: *const (),
    /// The objects whose addresses the code contains.
    pub roots: Vec<Root>,
    /// What the code relies on.
    pub assumptions: Assumptions,
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
    if vm.is_hooked || !vm.units_wanted {
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
    let (prototype, entry) = new.place.parts();
    let facts = new.assumptions.0;
    let roots = new.roots.into_iter().map(|root| root.0).chain(facts::roots(&facts)).collect();
    facts::watch(&facts, &mut vm.heap);
    let unit = Unit {
        run: new.run,
        code: new.code,
        size: new.size,
        roots,
        facts,
        entered: Cell::new(0),
        charged: Cell::new(0),
        _memory: new.memory,
        _held: held,
    };
    // SAFETY: the prototype is alive, as the caller asserts, and no other reference to its data
    // exists: no instruction is running. Its roots are alive, too.
    unsafe {
        let data = &mut *(*prototype).cold;
        match entry {
            Entry::Start => {
                data.start_units.push(unit);
                (*prototype).start = &raw const START_WORD;
            }
            Entry::BackEdge(at) => {
                let word = data.compiled.code.get(at).and_then(|word| word.as_entry());
                let (Some(word), Some(code)) = (word, &mut data.own_code) else { return };
                code.attach(at, word.0, unit);
            }
        }
        vm.heap.barrier_prototype(prototype);
    }
}

/// Frees a unit of a place.
///
/// # Safety
/// The prototype is alive, and no instruction or unit is running.
unsafe fn detach(prototype: *mut Prototype, entry: Entry, index: usize) {
    // SAFETY: the prototype is alive, as the caller asserts, and no other reference to its data
    // exists.
    unsafe {
        let data = &mut *(*prototype).cold;
        match entry {
            Entry::Start => {
                data.start_units.remove(index);
                if data.start_units.units.is_empty() {
                    (*prototype).start = (*prototype).code;
                }
            }
            Entry::BackEdge(at) => {
                if let (Some(word), Some(code)) = (data.compiled.code.get(at), &mut data.own_code) {
                    code.detach(at, index, word.0);
                }
            }
        }
    }
}

/// The number of the word that represents the units of a function. It is not an opcode.
pub(crate) const START: u8 = 254;
/// What [`Prototype::start`] points to if the function has units. No context has its address.
static START_WORD: u32 = START as u32;

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
    // alive, and `pc` is in the code that the prototype points to.
    unsafe {
        let prototype: *mut Prototype = frame::prototype_of(base);
        let at = pc.sub(1).offset_from((*prototype).code) as usize;
        run_unit(prototype, Entry::BackEdge(at), || jump_target(pc), base, k, vm)
    }
}

/// Runs the function whose frame is at `base` by its unit, for the handler of [`START_WORD`].
///
/// # Safety
/// The contract of handlers in [`crate::machine::interpreter::dispatch`]. A call has entered the
/// frame, and nothing of the function has run.
#[inline(never)]
pub(crate) unsafe fn enter_function(
    _pc: *const u32,
    base: *mut Value,
    _d: u64,
    _a: u64,
    k: *const Value,
    vm: *mut Vm,
) -> u64 {
    // SAFETY: the handler's contract: `base` is that of a Lua frame, which keeps its prototype
    // alive.
    unsafe {
        let prototype: *mut Prototype = frame::prototype_of(base);
        let code = (*prototype).code;
        if (*vm).is_hooked {
            return continue_at(code, base, k, vm);
        }
        run_unit(prototype, Entry::Start, || code, base, k, vm)
    }
}

/// Continues in a unit of a place; at `interpreted` if there is none that can be entered.
///
/// # Safety
/// The contract of handlers. `base` is that of a frame of the prototype's function, whose state is
/// that before the instruction at `interpreted`.
#[inline(always)]
unsafe fn run_unit(
    prototype: *mut Prototype,
    entry: Entry,
    interpreted: impl Fn() -> *const u32,
    base: *mut Value,
    k: *const Value,
    vm: *mut Vm,
) -> u64 {
    // SAFETY: as the caller asserts. The units' code keeps the invariants above. `vm` is not used
    // by other code meanwhile.
    unsafe {
        let (Some(versions), true) = ((*prototype).cold.versions(entry), (*vm).can_run_units)
        else {
            return continue_at(interpreted(), base, k, vm);
        };
        (*vm).base = base;
        (*vm).k = k;
        let budget = (*vm).fuel;
        (*vm).charged_by_calls = 0;
        let count = versions.units.len();
        for turn in 0..count {
            let index = (versions.first.get() + turn) % count;
            let Some(unit) = versions.units.get(index) else { break };
            if !facts::hold(&unit.facts, &(*vm).heap) {
                continue;
            }
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
                judge(&mut *vm, prototype, entry, index, next);
            }
            let (base, k) = ((*vm).base, (*vm).k);
            return match next as u64 {
                NATIVE_ANSWERED => {
                    if (*vm).flush_due {
                        control::flush(&mut *vm);
                    }
                    special::native_answered((*vm).pc, base, 0, 0, k, vm)
                }
                INSTRUCTION_ANSWERED => after_step(vm),
                _ => continue_at(next, base, k, vm),
            };
        }
        let declined = versions.declined.get() + 1;
        versions.declined.set(declined);
        if declined == DECLINES {
            versions.declined.set(0);
            give_up_or_reopen(&mut *vm, prototype, entry);
        }
        continue_at(interpreted(), base, k, vm)
    }
}

/// A unit is judged when it has been entered so often.
const JUDGED: u32 = 512;
/// It stays if it has charged so much on average: entering and leaving it costs as much as a few
/// rounds of a loop in the interpreter.
const WORTHWHILE: i64 = 4;

/// When the units of a place have declined so much more often than been entered, another version
/// is made, or they are freed.
const DECLINES: u32 = 64;

/// The units of a place have declined more often than not.
///
/// # Safety
/// As for [`judge`].
#[cold]
#[inline(never)]
unsafe fn give_up_or_reopen(vm: &mut Vm, prototype: *mut Prototype, entry: Entry) {
    let Some(mut compiler) = vm.compiler.take() else { return };
    // SAFETY: the prototype is alive, as the caller asserts.
    let is_reopened = compiler.declined(unsafe { Code::new(prototype) }, entry);
    vm.compiler = Some(compiler);
    if is_reopened {
        return;
    }
    // SAFETY: as in `judge`.
    unsafe {
        while (*prototype).cold.versions(entry).is_some_and(|all| !all.units.is_empty()) {
            detach(prototype, entry, 0);
        }
    }
}

/// Frees a unit that leaves soon after it was entered. It left last before the instruction `next`.
///
/// # Safety
/// The prototype is alive, and has that unit, which is not running. `vm.base` is that of the frame
/// with `next`, unless it is one of the marks.
#[cold]
#[inline(never)]
unsafe fn judge(
    vm: &mut Vm,
    prototype: *mut Prototype,
    entry: Entry,
    index: usize,
    next: *const u32,
) {
    // SAFETY: the prototype is alive, as the caller asserts, and no other reference to its data
    // exists: between two instructions. `next` is in the code of the function of the frame at
    // `vm.base`.
    unsafe {
        let versions = (*prototype).cold.versions(entry);
        let Some(unit) = versions.and_then(|versions| versions.units.get(index)) else { return };
        if unit.charged.get() >= WORTHWHILE * i64::from(JUDGED) {
            unit.charged.set(0);
            return;
        }
        detach(prototype, entry, index);
        let Some(mut compiler) = vm.compiler.take() else { return };
        let left = match next as u64 {
            NATIVE_ANSWERED | INSTRUCTION_ANSWERED => None,
            _ => {
                let inner = frame::prototype_of(vm.base);
                let at = next.offset_from((*inner).code) as usize;
                Some(Position { code: Code::new(inner), at })
            }
        };
        compiler.freed(Code::new(prototype), entry, left);
        vm.compiler = Some(compiler);
    }
}

/// Whether a function's code gets a copy that units can be attached to: it has a back-edge.
pub(crate) fn has_entries(code: &[Instruction]) -> bool {
    code.iter().any(|word| word.as_entry().is_some())
}
