//! What happens when the budget is used up: the collector's share of the time, finalizers, other
//! goroutines.
//!
//! Calls and back-edges charge `Vm::fuel` before their instruction has done anything, so that it
//! can be restarted later; natives charge it between their steps. Collection happens here and at
//! the safepoints of instructions that allocate, nowhere else.

use super::{finalizers, is_interrupted, yield_turn};
use crate::machine::thread;
use crate::machine::vm::Vm;
use std::ptr::null_mut;

/// The budget is used up before the instruction at `vm.pc - 1`, of which nothing has happened yet.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::layout::frame`]), and the instruction before
/// `vm.pc` can be restarted.
pub(crate) unsafe fn budget_exhausted(vm: &mut Vm) -> u64 {
    vm.fuel = vm.scheduler.slice;
    // A native that was called again after a collection has had its chance by now.
    vm.retried = null_mut();
    // SAFETY: CONTEXT holds, as the caller asserts, and an instruction precedes the pc. What is
    // alive in the stack is in the running frame, or ends at `top` if the instruction takes an open
    // list: so this is a safepoint once the thread is saved.
    let top = unsafe {
        crate::machine::hook::instruction_restarts(vm);
        crate::machine::unit::sample(vm);
        let top = if thread::takes_open_list(vm.pc) { vm.top } else { vm.base };
        if vm.heap.collection_owed() {
            thread::save(vm, top);
            if !collect_some(vm) {
                // The instruction has still to run, but it may as well be the one that fails.
                return crate::machine::unwind::throw_out_of_memory(vm);
            }
        }
        finalizers::start(vm);
        top
    };
    if vm.scheduler.ready.is_empty() && vm.scheduler.slices > 1 && !is_interrupted(vm) {
        vm.scheduler.slices -= 1;
        // SAFETY: the instruction that restarts is there.
        vm.pc = unsafe { vm.pc.sub(1) };
        return 0;
    }
    // SAFETY: as above; the running thread is alive.
    unsafe {
        thread::save(vm, top);
        (*vm.current).preempted = 1;
        yield_turn(vm)
    }
}

/// The budget is used up by results that have just arrived, up to `vm.top`: the thread continues
/// with their receiver.
///
/// # Safety
/// `vm.base` and `vm.pc` are a context that has received an open list up to `vm.top`.
pub(crate) unsafe fn results_out_of_budget(vm: &mut Vm) -> u64 {
    vm.fuel = vm.scheduler.slice;
    let top = vm.top;
    // SAFETY: the context in `vm` is the one that the thread continues in, and the list that it has
    // received ends at `top`, as the caller asserts.
    unsafe {
        thread::save(vm, top);
        yield_turn(vm)
    }
}

/// The budget of a native is used up; its thread is saved, it continues with its next step.
///
/// # Safety
/// The running thread has been saved, at a native's continuation.
pub(crate) unsafe fn native_out_of_budget(vm: &mut Vm) -> u64 {
    vm.fuel = vm.scheduler.slice;
    // SAFETY: the running thread has been saved, at a native's continuation, as the caller asserts:
    // so this is a safepoint, and CONTEXT holds for an error.
    unsafe {
        if vm.heap.collection_owed() && !collect_some(vm) {
            return crate::machine::unwind::throw_out_of_memory(vm);
        }
        yield_turn(vm)
    }
}

/// Called before an instruction that allocates: the collector may do a part of its work. False if
/// memory is short.
///
/// # Safety
/// A Lua frame is running, and no open list is on its way: everything alive is in frames, or is a
/// root.
#[inline(always)]
pub(crate) unsafe fn safepoint(vm: &mut Vm) -> bool {
    if !vm.heap.collection_due() {
        return true;
    }
    let top = vm.base;
    // SAFETY: everything alive in the stack is in frames, as the caller asserts, and the running
    // frame is saved as a whole: so this is a safepoint.
    unsafe {
        thread::save(vm, top);
        collect_some(vm)
    }
}

/// The collector does a part of its work, or all of it if the limit is reached. The running thread
/// has been saved.
///
/// # Safety
/// The VM is at a safepoint: everything alive is below the live ends of saved threads, or is a
/// root.
#[cold]
#[inline(never)]
unsafe fn collect_some(vm: &mut Vm) -> bool {
    let (heap, mut roots) = vm.heap_and_roots();
    // SAFETY: the heap is a field of the VM, which is alive, and the roots are the others: while
    // the collector uses both, no reference to the VM is used. The VM is at a safepoint, as the
    // caller asserts, and a slice runs no code of it.
    let (enough, has_finalizers) = unsafe {
        (*heap).step(&mut roots);
        let mut enough = true;
        if (*heap).would_exceed(0) {
            (*heap).collect(&mut roots);
            enough = !(*heap).is_nearly_full();
        }
        (enough, (*heap).has_finalizers())
    };
    if has_finalizers {
        vm.fuel = vm.fuel.min(0);
    }
    enough
}

/// A full collection. The running thread has been saved.
///
/// # Safety
/// As [`collect_some`].
pub(crate) unsafe fn collect(vm: &mut Vm) {
    let (heap, mut roots) = vm.heap_and_roots();
    // SAFETY: as in `collect_some`.
    unsafe { (*heap).collect(&mut roots) };
    // That was a slice's worth of work at least: the deadline is checked next, and finalizers may
    // run.
    vm.fuel = vm.fuel.min(0);
}

/// The part of a collection that a native requested. The running thread has been saved.
///
/// # Safety
/// As [`collect_some`].
pub(crate) unsafe fn collect_as_asked(vm: &mut Vm) {
    vm.scheduler.cycle_finished = true;
    let Some(bytes) = vm.scheduler.collection_slice.take() else {
        // SAFETY: as the caller asserts.
        return unsafe { collect(vm) };
    };
    let (heap, mut roots) = vm.heap_and_roots();
    // SAFETY: as in `collect_some`.
    vm.scheduler.cycle_finished = unsafe { (*heap).step_by(bytes, &mut roots) };
    vm.fuel = vm.fuel.min(0);
}
