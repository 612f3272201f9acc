//! Dispatch: how handlers continue with the next one, and how the host enters and leaves.
//!
//! Rules for editors of handlers. They are checked by a disassembly guard and by
//! [`choose_dispatch`]:
//! - scalars only: no `&mut` to a local, no value with a destructor even in an inner scope, no
//!   struct larger than two words;
//! - leave by falling off the end (the next instruction), `cold!(function)` (out of line) or
//!   `jump!(handler, d, a)`;
//! - no unbounded chain of `jump!` may return to a handler: without sibling calls, each is a frame
//!   of the host;
//! - the budget is charged first, before the instruction has any effect, since it may be restarted;
//! - a short copy loop contains `keep_loop!()`, or it becomes a call of memmove;
//! - three registers are free besides the arguments, on x86-64. A fast path that needs more pays
//!   for pushing them: values for the slow path are read again there
//!   ([`operands`](super::operand::operands)).
//!
//! # Safety
//! The contract of all handlers, and (with the state in `vm` instead of registers) of cold
//! functions and the functions that they call:
//! - `vm` is alive and not used by other code; a thread is running, whose stack ends at
//!   `vm.stack_end`.
//! - `base` and `pc` are its context as defined in [`crate::layout::frame`]; `k` are the constants
//!   of the Lua function at `base`, if any. `pc` points after the instruction, whose operands are
//!   `a` and `d`.
//! - CODE: the compiler's output is trusted. Operands that are registers are below the function's
//!   frame size, constants and upvalues exist, jumps and data words stay inside the code, a
//!   `Return` or `Jump` ends it. The compiler's `verify` checks that in debug builds; scripts
//!   cannot load bytecode.
//! - FRAME ROOM: a frame's registers are below `vm.stack_end` (checked at entry), and
//!   [`crate::layout::stack::EXTRA`] slots after it are allocated: a metamethod's continuation,
//!   callee and arguments need no check, nor do a native's first few results.
//! - An open list ends at `vm.top` from its producer to its consumer, with no other instruction in
//!   between.
//!
//! Handlers read and write registers, which need no barriers; stores into objects are followed by
//! one, or are done only if the object's `barrier` byte shows that none is needed.

use super::special;
use crate::layout::frame::Continuation;
use crate::layout::value::Value;
use crate::machine::unit;
use crate::machine::vm::{Exit, Vm};
use crate::messages::Dialect;
use solvm_compiler::bytecode::Opcode;

/// One opcode's code. `pc` points after the instruction, `d` and `a` are its operands, `k` the
/// constants of the function.
pub(crate) type Handler = unsafe fn(
    pc: *const u32,
    base: *mut Value,
    d: u64,
    a: u64,
    k: *const Value,
    vm: *mut Vm,
) -> u64;

/// The result of a cold function: continue at `vm.pc`, `vm.base`, `vm.k`.
pub(crate) const CONTINUE: u64 = 0;
/// The result of a cold function that prepared the call word before `vm.pc` with arguments up to
/// `vm.top`; issue that call.
pub(crate) const CALL: u64 = u64::MAX;
/// The result of a handler for the loop in [`enter`] when it was stopped by [`bounce`].
const BOUNCED: u64 = u64::MAX - 1;

/// Goes to the handler of the instruction at `$pc`.
macro_rules! dispatch {
    ($pc:expr, $base:expr, $k:expr, $vm:expr) => {{
        let pc: *const u32 = $pc;
        let instruction = *pc;
        let handler = (*$vm).table[(instruction & 0xff) as usize];
        return handler(
            pc.add(1),
            $base,
            (instruction >> 16) as u64,
            ((instruction >> 8) & 0xff) as u64,
            $k,
            $vm,
        );
    }};
}

/// Goes to the handler of the instruction at `pc`, for code outside of handlers.
///
/// # Safety
/// The state is that of a handler about to be entered.
#[inline(always)]
pub(crate) unsafe fn continue_at(
    pc: *const u32,
    base: *mut Value,
    k: *const Value,
    vm: *mut Vm,
) -> u64 {
    dispatch!(pc, base, k, vm)
}

/// Keeps a short copy loop from becoming a call.
macro_rules! keep_loop {
    () => {
        // SAFETY: an empty instruction sequence.
        #[cfg(not(miri))]
        std::arch::asm!("", options(nomem, nostack, preserves_flags))
    };
}

/// Declares handlers. In a body, falling off the end goes to the next instruction.
macro_rules! handlers {
    (
        ($pc:ident, $base:ident, $d:ident, $a:ident, $k:ident, $vm:ident)
        $( $(#[doc = $doc:literal])* $name:ident $body:block )*
    ) => { $(
        $(#[doc = $doc])*
        #[allow(
            non_snake_case,
            unused_mut,
            unused_variables,
            unused_assignments,
            unreachable_code,
            unused_macros
        )]
        #[inline(never)]
        pub(crate) unsafe fn $name(
            mut $pc: *const u32,
            mut $base: *mut Value,
            $d: u64,
            $a: u64,
            mut $k: *const Value,
            $vm: *mut Vm,
        ) -> u64 {
            macro_rules! cold {
                ($function:ident) => { return $function::leave($pc, $base, $d, $a, $k, $vm) };
            }
            macro_rules! jump {
                ($handler:expr, $x:expr, $y:expr) => {
                    return $handler($pc, $base, $x, $y, $k, $vm)
                };
            }
            macro_rules! charge {
                () => {
                    let left = (*$vm).fuel.wrapping_sub(1);
                    (*$vm).fuel = left;
                    if left < 0 {
                        return crate::machine::interpreter::control::budget::leave(
                            $pc, $base, $d, $a, $k, $vm,
                        );
                    }
                };
            }
            $body
            dispatch!($pc, $base, $k, $vm)
        } )*
    };
}

/// Declares cold functions: each a module with `run` (the work, on `&mut Vm`, returning
/// [`CONTINUE`], [`CALL`] or an exit) and `leave` (the target of a handler's jump: stores the
/// state, runs, continues according to the result).
macro_rules! cold_functions {
    ($(
        $(#[doc = $doc:literal])*
        fn $name:ident($vm:ident, $instruction:ident) $body:block
    )*) => { $(
        #[allow(unused_imports)]
        pub(crate) mod $name {
            use super::*;
            $(#[doc = $doc])*
            #[cold]
            #[inline(never)]
            pub(crate) unsafe fn run($vm: &mut Vm, $instruction: Instruction) -> u64 $body

            #[cold]
            #[inline(never)]
            pub(crate) unsafe fn leave(
                pc: *const u32,
                base: *mut Value,
                _d: u64,
                _a: u64,
                k: *const Value,
                vm: *mut Vm,
            ) -> u64 {
                (*vm).pc = pc;
                (*vm).base = base;
                (*vm).k = k;
                let answer = run(&mut *vm, Instruction(*pc.sub(1)));
                if answer == $crate::machine::interpreter::dispatch::CONTINUE {
                    dispatch!((*vm).pc, (*vm).base, (*vm).k, vm)
                }
                if answer != $crate::machine::interpreter::dispatch::CALL {
                    return answer;
                }
                let (pc, base) = ((*vm).pc, (*vm).base);
                let slot = crate::layout::frame::call_slot(pc);
                let arguments = ((*vm).top as u64).wrapping_sub(base.add(slot + 2) as u64) >> 3;
                $crate::machine::interpreter::call::issue_call(
                    pc,
                    base,
                    crate::layout::frame::call_results(pc) | arguments << 8,
                    slot as u64,
                    (*vm).k,
                    vm,
                )
            }
        } )*
    };
}
pub(crate) use {cold_functions, dispatch, handlers, keep_loop};

/// The handlers of all opcodes, wherever they are.
mod all {
    pub(super) use super::super::arithmetic::*;
    pub(super) use super::super::call::*;
    pub(super) use super::super::closure::*;
    pub(super) use super::super::compare::*;
    pub(super) use super::super::concat::*;
    pub(super) use super::super::control::*;
    pub(super) use super::super::field::*;
    pub(super) use super::super::iterate::*;
    pub(super) use super::super::load::*;
    pub(super) use super::super::table_access::*;
}

macro_rules! handler_table {
    ($($name:ident)*) => {{
        let mut table: [Handler; 256] = [special::unused as Handler; 256];
        $( table[Opcode::$name as usize] = all::$name as Handler; )*
        table[Continuation::ProtectedCall as usize] = special::protected_call_returned;
        table[Continuation::ProtectedCallWithHandler as usize] =
            special::protected_call_with_handler_returned;
        table[Continuation::ErrorHandler as usize] = special::error_handler_returned;
        table[Continuation::Result as usize] = special::result;
        table[Continuation::Boolean as usize] = special::boolean;
        table[Continuation::InvertedBoolean as usize] = special::inverted_boolean;
        table[Continuation::Condition as usize] = special::condition;
        table[Continuation::InvertedCondition as usize] = special::inverted_condition;
        table[Continuation::Discard as usize] = special::discard;
        table[Continuation::Concatenation as usize] = special::concatenation;
        table[Continuation::Native as usize] = special::native_called_back;
        table[Continuation::Hook as usize] = super::hooked::hook_returned;
        table[Continuation::ThreadStart as usize] = special::thread_start;
        table[Continuation::ThreadEnd as usize] = special::thread_end;
        table[Continuation::Schedule as usize] = special::schedule;
        table[entry_number(Opcode::Loop)] = all::loop_entry;
        table[entry_number(Opcode::ForLoop)] = all::for_loop_entry;
        table[entry_number(Opcode::ForLoopStep)] = all::for_loop_step_entry;
        table[entry_number(Opcode::ForEachCall)] = all::for_each_call_entry;
        table[unit::START as usize] = all::function_entry;
        table
    }};
}

/// Every handler by its opcode's number.
pub(crate) static HANDLERS: [Handler; 256] = solvm_compiler::for_each_opcode!(handler_table);

/// The handler in every slot of the table where sibling calls are not reliable: stores the state
/// and returns to the loop.
///
/// # Safety
/// As for handlers.
unsafe fn bounce(
    pc: *const u32,
    base: *mut Value,
    _d: u64,
    _a: u64,
    k: *const Value,
    vm: *mut Vm,
) -> u64 {
    (*vm).pc = pc.sub(1);
    (*vm).base = base;
    (*vm).k = k;
    BOUNCED
}

/// Runs from the context in `vm` until a handler returns an exit.
///
/// # Safety
/// The state in `vm` is that of a handler about to be entered.
pub(crate) unsafe fn enter(vm: *mut Vm) -> Exit {
    loop {
        let pc = (*vm).pc;
        let instruction = *pc;
        let handler = entry_of((*vm).is_hooked, (*vm).dialect, instruction);
        let (d, a) = ((instruction >> 16) as u64, ((instruction >> 8) & 0xff) as u64);
        let answer = handler(pc.add(1), (*vm).base, d, a, (*vm).k, vm);
        if answer != BOUNCED {
            return Exit::from_answer(answer);
        }
    }
}

/// The second number of an opcode that has one.
#[expect(clippy::panic, reason = "it is evaluated by the compiler")]
const fn entry_number(opcode: Opcode) -> usize {
    match opcode.entry() {
        Some(number) => number as usize,
        None => panic!("the opcode has no second number"),
    }
}

/// The entry point of an instruction.
fn entry_of(is_hooked: bool, dialect: Dialect, instruction: u32) -> Handler {
    let number = instruction as u8;
    if is_hooked && Opcode::of_number(number).is_some() {
        super::hooked::hooked
    } else {
        handler_of(dialect, number.into())
    }
}

/// The handler of an opcode. The fast one of `#` ignores metatables.
#[inline(always)]
pub(super) fn handler_of(dialect: Dialect, opcode: usize) -> Handler {
    match dialect {
        Dialect::GopherLua if opcode == Opcode::Length as usize => {
            super::arithmetic::length_of_objects
        }
        _ => HANDLERS[opcode],
    }
}

/// Lets instructions take the way through hooks if some thread has one or calls are traced, and the
/// direct one if not.
pub(crate) fn update_dispatch(vm: &mut Vm) {
    let is_hooked = vm.active_hooks.get() > 0 || vm.tracer.is_some();
    if is_hooked == vm.is_hooked {
        return;
    }
    vm.is_hooked = is_hooked;
    if vm.is_chained {
        for (opcode, entry) in (0..).zip(&mut vm.table) {
            *entry = entry_of(is_hooked, vm.dialect, opcode);
        }
    }
}

/// Fills the dispatch table: with the handlers if requested and the chain of calls does not grow
/// the host stack, else with [`bounce`].
///
/// # Safety
/// Nothing is running.
pub(crate) unsafe fn choose_dispatch(vm: *mut Vm, wanted: bool) {
    (*vm).table = std::array::from_fn(|opcode| handler_of((*vm).dialect, opcode));
    (*vm).is_chained = wanted && chains(vm);
    if !(*vm).is_chained {
        (*vm).table = [bounce as Handler; 256];
    }
}

/// Runs a few instructions between two probes of the stack pointer.
///
/// # Safety
/// Nothing is running.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
unsafe fn chains(vm: *mut Vm) -> bool {
    use solvm_compiler::bytecode::Instruction;
    #[inline(never)]
    unsafe fn probe(
        pc: *const u32,
        base: *mut Value,
        _d: u64,
        a: u64,
        k: *const Value,
        vm: *mut Vm,
    ) -> u64 {
        let pointer: u64;
        // SAFETY: reads the stack pointer only.
        #[cfg(target_arch = "x86_64")]
        std::arch::asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        std::arch::asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
        if a == 0 {
            *base = Value(pointer);
            dispatch!(pc, base, k, vm)
        }
        u64::from((*base).0 == pointer)
    }
    const PROBE: usize = 255;
    let word = |a: u32| PROBE as u32 | a << 8;
    let moves = Instruction::ad(Opcode::Move, 1, 2).0;
    let jump = Instruction::jump(Opcode::Jump, 0).0;
    let code = [word(0), moves, jump, moves, jump, moves, word(1)];
    let mut slots = [Value::NIL; 4];
    (*vm).table[PROBE] = probe;
    let chained = probe(code.as_ptr().add(1), slots.as_mut_ptr(), 0, 0, std::ptr::null(), vm) == 1;
    (*vm).table[PROBE] = special::unused;
    chained
}

/// Handlers jump to each other only where the compiler is known to generate sibling calls; not in
/// Miri, which has no inline assembly.
///
/// # Safety
/// Nothing is running.
#[cfg(any(not(any(target_arch = "x86_64", target_arch = "aarch64")), miri))]
unsafe fn chains(_vm: *mut Vm) -> bool {
    false
}
