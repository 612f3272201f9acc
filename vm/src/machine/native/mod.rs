//! Functions written in Rust.
//!
//! A native function is an ordinary typed Rust function in a library's table (see
//! [`library!`](crate::library)):
//! - a **plain** one takes its arguments converted and returns its results;
//! - one that calls Lua is a small state machine ([`Steps`]), or an `async fn` ([`asynchronous`]);
//! - one that waits hands a future to the scheduler ([`Call::wait`]).
//!
//! None of them ever runs the interpreter inside itself: to call Lua is to return to the
//! interpreter with a frame prepared, so that code called from a native may yield, sleep, be
//! preempted or be cancelled like any other.
//!
//! Safety: an [`Outcome`] is a promise to the interpreter, so only this crate creates them; a
//! request of a native with a state is checked against the stage of its [`Call`]. Values are
//! branded by the call (`'c` is invariant), so a `Value` in scope is alive.
//!
//! No collection happens while a native runs, so the values that it holds need no rooting. They
//! carry the lifetime `'c` of the call: the compiler refuses to keep one until after the call, or
//! across an `await`.

pub mod asynchronous;
mod call;
mod class;
mod closure;
mod code;
mod cost;
mod error;
mod frames;
mod handle;
mod inspect;
pub mod library;
#[cfg(debug_assertions)]
pub(crate) mod meter;
mod params;
mod reference;
mod results;
mod scope;
mod sharing;
mod steps;
#[cfg(test)]
mod tests;
mod values;
mod wait;

pub use crate::heap::gc::BYTES_PER_UNIT;
pub use call::{Call, Indexed};
pub use class::{Class, Field, Object, This};
pub use closure::{NewFunction, closure};
pub use cost::Collector;
pub use error::Error;
pub(crate) use error::RustError;
pub use frames::{CallerInfo, Level};
pub use handle::{Coroutine, Function, LuaString, Table, Userdata, Value};
pub use inspect::FunctionInfo;
pub(crate) use library::the_function;
pub use library::{Constant, Definition, Functions, Library, Native, NativeMut, Special};
#[cfg(debug_assertions)]
pub use meter::Unpaid;
pub use params::{FromLua, Param, Rest, Unread};
pub use reference::Reference;
pub(crate) use reference::References;
pub use results::{Each, Either, Elements, IntoLua, Leave, Pass, Results, Values};
pub use scope::{Scope, scope, scope_async};
pub use sharing::{SharedCode, UpvalueOf, VariableId};
pub use steps::{Start, StartWith, Step, Steps, Wanted};
pub use values::{Fields, FromLuaOwned, FromValues, IntoValues, Mismatch, Sequence};
pub use wait::{Wait, wait_for, wait_for_result};

use crate::layout::frame::{call_slot, constants_of, unlink};
use crate::layout::object::NativeFunction;
use crate::layout::value::Value as Raw;
use crate::machine::debug_info;
use crate::machine::interpreter::{CALL, CONTINUE};
use crate::machine::scheduler;
use crate::machine::thread;
use crate::machine::unwind;
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::OPEN;

/// The Rust code of a native: arguments in place, results to be left from `arguments[-2]` on.
/// Answers with their number or one of the outcomes below.
///
/// # Safety
/// The invariant of [`Call`]. CONTEXT (see [`crate::layout::frame`]) is the native's caller.
pub(crate) type Code = unsafe fn(vm: *mut Vm, arguments: *mut Raw, count: usize) -> i64;

/// The result of a native: the number of its results or one of the codes below. It cannot be named
/// outside the crate, and so the traits that return one cannot be implemented there: results that
/// are not in place, or a call that is not prepared, would make the interpreter read arbitrary
/// slots.
pub struct Outcome(pub(crate) i64);

/// It failed: the error is in `Vm::raised`.
pub(crate) const FAILED: i64 = -1;
/// A call is prepared in `vm.base`, `vm.pc` and `vm.top`.
pub(crate) const CALLING: i64 = -2;
/// The goroutine waits; the code that wakes it delivers the results to the native's call word.
pub(crate) const PARKED: i64 = -3;
/// The goroutine waits; the native is stepped again when it is woken. Its continuation is in
/// `vm.base`, `vm.pc`.
pub(crate) const PARKED_INSIDE: i64 = -4;
/// The budget is used up; the native is stepped again when its turn comes. Its continuation is in
/// `vm.base`, `vm.pc`.
pub(crate) const AGAIN: i64 = -5;
/// It left more results than an outcome can represent: `Vm::result_count`.
pub(crate) const MANY: i64 = -6;
/// It had no effect for lack of memory: collect, then call it again.
pub(crate) const RETRY: i64 = -7;
/// The native is stepped again after a full collection. Its continuation is in `vm.base`, `vm.pc`.
pub(crate) const COLLECT: i64 = -8;
/// More results than this are represented by [`MANY`], so that a number never looks like the open
/// call word's B.
pub(crate) const FEW: usize = 250;

/// Runs the code of a native.
///
/// # Safety
/// As [`Code`], of the native `callee`.
#[inline(always)]
pub(crate) unsafe fn run(
    vm: *mut Vm,
    callee: *mut NativeFunction,
    arguments: *mut Raw,
    count: usize,
) -> i64 {
    // SAFETY: as the caller asserts.
    unsafe {
        #[cfg(debug_assertions)]
        return meter::run(vm, callee, arguments, count);
        #[cfg(not(debug_assertions))]
        (*callee).function()(vm, arguments, count)
    }
}

/// The interpreter continues after a native whose outcome was not just the expected number of
/// results.
///
/// # Safety
/// `vm.outcome` is the result of the native that has just returned, and it left `vm` as that
/// outcome requires.
pub(crate) unsafe fn finish(vm: &mut Vm) -> u64 {
    if vm.outcome == PARKED {
        // SAFETY: a native that waits leaves the context of its caller, in which the callee has a
        // slot and its link another one. What is above is not needed: the native has ended.
        unsafe {
            let callee = vm.base.add(call_slot(vm.pc));
            thread::save(vm, callee.add(2));
            return scheduler::park(vm);
        }
    }
    // SAFETY: as the caller asserts.
    unsafe { finish_otherwise(vm) }
}

/// As [`finish`], for what is less frequent.
///
/// # Safety
/// As [`finish`].
#[inline(never)]
unsafe fn finish_otherwise(vm: &mut Vm) -> u64 {
    let (base, pc) = (vm.base, vm.pc);
    // SAFETY: where results are the outcome, the context is that of the native's caller, and the
    // results are in place, from the callee's slot on.
    let deliver = |vm: &mut Vm, count: usize| unsafe {
        unwind::deliver(vm, base, pc, base.add(call_slot(pc)), count)
    };
    match vm.outcome {
        count if count >= 0 => deliver(vm, count as usize),
        FAILED => {
            let raised = std::mem::replace(&mut vm.raised, Error::none());
            // SAFETY: the context is that of the native's caller; or the native's continuation, if
            // it fails in a step in which it has made a request.
            unsafe { raised.throw(vm) }
        }
        CALLING => {
            let need = vm.top;
            // SAFETY: the context is the native's continuation. Callee and arguments end at `top`
            // in its stack, and nothing above them is needed.
            unsafe {
                match thread::grow_or_collect(vm, need, 0) {
                    Ok(()) => CALL,
                    Err(error) => error.throw(vm),
                }
            }
        }
        // SAFETY: the context is the native's continuation, and what it needs is below.
        PARKED_INSIDE => unsafe {
            thread::save(vm, base);
            scheduler::park(vm)
        },
        AGAIN => {
            // The placeholder for a call that has returned nothing.
            vm.top = base;
            // SAFETY: as above.
            unsafe {
                thread::save(vm, base);
                scheduler::native_out_of_budget(vm)
            }
        }
        // SAFETY: the context is that of the native's caller; its arguments are still in place, two
        // slots above the callee, and saved as far as they reach. So this is a safepoint.
        RETRY => unsafe {
            let arguments = base.add(call_slot(pc) + 2);
            vm.top = arguments.add(vm.argument_count);
            let top = vm.top;
            thread::save(vm, top);
            scheduler::collect(vm);
            vm.k = constants_of(vm.base);
            CALL
        },
        // SAFETY: the context is the native's continuation, and what it needs is below. So this is
        // a safepoint.
        COLLECT => unsafe {
            thread::save(vm, base);
            scheduler::collect_as_asked(vm);
            vm.top = base;
            vm.k = constants_of(vm.base);
            CONTINUE
        },
        _ => {
            let count = vm.result_count;
            deliver(vm, count)
        }
    }
}

/// The native whose continuation is at `vm.base` takes its next step. Leaves `vm` as its code
/// would. Not inlined: its handler would lose the sibling call.
///
/// # Safety
/// The state in `vm` is that of the handler of a native's continuation.
#[inline(never)]
pub(crate) unsafe fn resume(vm: *mut Vm) -> i64 {
    // SAFETY: `vm` is alive, and its pc is after the two words of a native's continuation, as the
    // caller asserts. The link before the callee leads to the native's arguments (see `steps`),
    // before which the link to its caller's context is. The callee's frame was built by `steps`,
    // and is at rest between steps.
    unsafe {
        let callee = (*vm).base;
        // `pc` is after the receiving word, which follows the call word.
        let all = *((*vm).pc.sub(2) as *const u8).add(2) == OPEN;
        let (distance, _) = unlink(*callee.sub(1));
        let arguments = callee.sub(distance);
        let (_, pc) = unlink(*arguments.sub(1));
        (*vm).pc = pc;
        (*vm).base = arguments.sub(2 + call_slot(pc));
        (*vm).k = constants_of((*vm).base);
        #[cfg(debug_assertions)]
        if let Some(function) = (*arguments.sub(2)).to_native_function() {
            return meter::measured(vm, function, meter::Part::Step, || {
                steps::resume(vm, arguments, distance, callee, all)
            });
        }
        steps::resume(vm, arguments, distance, callee, all)
    }
}

/// Drops the state of the native whose continuation is at `callee`: the stack is unwound past it.
///
/// # Safety
/// `callee` is the base of a native's continuation that will not be reached any more, and no step
/// of that native is running.
pub(crate) unsafe fn abandon(callee: *mut Raw) {
    // SAFETY: the state is three slots below the callee (see `steps`). The frame is in a stack, so
    // the userdata is alive; no step is running that borrows its data.
    unsafe {
        if let Some(state) = (*callee.sub(3)).to_userdata() {
            (*state).data = None;
        }
    }
}

/// "bad argument #index to 'name' (text)" for the native called by the call word before `vm.pc`.
///
/// # Safety
/// As [`unwind::throw`].
pub(crate) unsafe fn throw_bad_argument(vm: &mut Vm, index: usize, text: &str) -> u64 {
    // SAFETY: CONTEXT holds, as the caller asserts.
    unsafe {
        let message = debug_info::bad_argument(vm, index, text.as_bytes());
        unwind::throw_text(vm, message)
    }
}

/// The result of a native that has ended.
pub(crate) fn outcome(vm: &mut Vm, count: usize) -> Outcome {
    if count < FEW {
        return Outcome(count as i64);
    }
    vm.result_count = count;
    Outcome(MANY)
}
