//! Calling finalizers: the `__gc` metamethods of userdata that the collector found dead.
//!
//! They run in sequence in a separate goroutine, which comes first in the queue; so a finalizer may
//! do whatever other code may. A native that collects on purpose (`collectgarbage`) claims them and
//! calls them itself, so that they have ended when it returns and their errors are raised in its
//! caller, as in PUC Lua.

use super::{GoroutineId, spawn};
use crate::layout::metamethod::Metamethod;
use crate::layout::value::Value;
use crate::machine::native::{
    Call, Definition, Error, Function, Start, Step, Steps, Value as Handle, Wanted,
};
use crate::machine::vm::Vm;
use std::cell::Cell;
use std::rc::Rc;

/// As long as it lives, finalizers are called by its owner and not by the goroutine.
pub struct FinalizerClaim(Rc<Cell<bool>>);

impl Drop for FinalizerClaim {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

static FINALIZERS: Definition = Definition::new("finalizers", call_finalizers);

/// The goroutine's function: calls finalizers until none is left, or they are claimed.
fn call_finalizers(_: &mut Call) -> Start<Finalizers> {
    Start::new(Finalizers)
}

struct Finalizers;

impl Steps for Finalizers {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if call.with_vm(|vm| vm.finalizers_claimed.get()) {
            return call.finish(());
        }
        match call.call_finalizer() {
            Some(step) => step,
            None => call.finish(()),
        }
    }
}

/// Starts the goroutine if finalizers are waiting and not claimed.
///
/// # Safety
/// No thread is running, or CONTEXT holds of it (see [`crate::layout::frame`]).
pub(super) unsafe fn start(vm: &mut Vm) {
    if !vm.heap.has_finalizers() || vm.scheduler.finalizing.is_some() || vm.finalizers_claimed.get()
    {
        return;
    }
    let globals = vm.current_globals();
    // SAFETY: the globals are alive. The goroutine is started before anything is collected, and the
    // context is as the caller asserts.
    let spawned = unsafe {
        let function = FINALIZERS.instantiate(&mut vm.heap, globals, &[]);
        spawn(vm, Value::from_native_function(function), &[])
    };
    if let Ok(id) = spawned {
        vm.scheduler.finalizing = Some(id);
        if let Some(index) = vm.scheduler.ready.pop_back() {
            vm.scheduler.ready.push_front(index);
        }
    }
}

impl Vm {
    /// Calls the finalizers of all userdata, dead or alive, as at the end of a program: the
    /// goroutine that does it, or None if none is left. After an error in one, calling it again
    /// continues with the others; userdata created in the meantime do not count.
    pub fn finalize(&mut self) -> Option<GoroutineId> {
        // SAFETY: between turns everything is at a safepoint.
        unsafe {
            self.rebind_budget();
            if !std::mem::replace(&mut self.scheduler.closing, true) {
                self.heap.finalize_all();
            }
            start(self);
        }
        self.scheduler.finalizing
    }
}

impl<'c> Call<'c> {
    /// Claims the finalizers for this native: see [`Call::call_finalizer`].
    pub fn claim_finalizers(&mut self) -> FinalizerClaim {
        let claimed = self.vm().finalizers_claimed.clone();
        claimed.set(true);
        FinalizerClaim(claimed)
    }

    /// Requests the call of the next finalizer. None if there is none.
    pub fn call_finalizer(&mut self) -> Option<Result<Step, Error>> {
        loop {
            let userdata = Handle::from_raw(Value::from_userdata(self.vm().heap.take_finalizer()?));
            let method = self.metamethod(userdata, Metamethod::Finalize);
            if Function::from_value(method).is_some() {
                return Some(self.call(method, &[userdata], Wanted::One));
            }
        }
    }
}
