//! Tracing: every function call and return is reported to the embedding program.
//!
//! A tracer is one more listener to the events of [`crate::machine::hook`]: while there is one,
//! every thread has the state of a hook, whether or not it has a hook function. The tracer is host
//! code and runs in between two instructions, with no frame.

use crate::layout::frame::Context;
use crate::machine::activation::Activations;
use crate::machine::debug_info;
use crate::machine::hook::{self, Event};
use crate::machine::native::CallerInfo;
use crate::machine::scheduler::GoroutineId;
use crate::machine::vm::Vm;
use std::any::Any;

/// A call or a return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedCall {
    /// "call", "return" or "tail return".
    pub event: &'static str,
    /// The goroutine in which it happens.
    pub goroutine: Option<GoroutineId>,
    /// The position of the Lua code that calls, or has called the native that returns; for the
    /// return of a Lua function, its position. None if no Lua code calls.
    pub position: Option<CallerInfo>,
    /// The name of the function there.
    pub name: Option<Vec<u8>>,
    /// Where the function is defined ("script.lua:12").
    pub definition: Vec<u8>,
}

/// The callback for calls and returns.
pub(crate) type Tracer = Box<dyn FnMut(&mut dyn Any, &TracedCall)>;

impl Vm {
    /// Reports every function call and return to `tracer` from now on; it gets the value of
    /// [`Vm::set_host`].
    pub fn set_tracer<T: Any>(&mut self, tracer: fn(&mut T, &TracedCall)) {
        self.tracer = Some(Box::new(move |host, call| {
            if let Some(host) = host.downcast_mut() {
                tracer(host, call);
            }
        }));
        crate::machine::interpreter::update_dispatch(self);
    }
}

/// Reports an event to the tracer, if there is one.
///
/// # Safety
/// A Lua frame is running whose thread has the state of a hook, and the event is about it or about
/// the current call.
pub(crate) unsafe fn tell(vm: &mut Vm, event: &Event) {
    if vm.tracer.is_none() || !matches!(event.name, "call" | "return" | "tail return") {
        return;
    }
    let here = Context { base: vm.base, pc: vm.pc };
    // A native's return is reported before the instruction that follows the call.
    let returned = event.name == "return";
    // SAFETY: an instruction of the running frame precedes the pc, as the caller asserts.
    let call = if returned { Context { pc: unsafe { vm.pc.sub(1) }, ..here } } else { here };
    let (function, caller) = if event.native.is_nil() {
        // SAFETY: the running thread is alive, and the context in `vm` is that of a Lua frame.
        let mut activations = unsafe { Activations::of(vm, vm.current) };
        let running = activations.find(|activation| activation.pc.is_some());
        let Some(running) = running else { return };
        (running.function, running.caller)
    } else {
        (event.native, Some(call))
    };
    let standing = if event.native.is_nil() && event.name != "call" { Some(here) } else { caller };
    // The caller has another name than that of a function that was reached by a tail call.
    // SAFETY: the running thread has the state of a hook, as the caller asserts.
    let is_tail_called = || unsafe { hook::is_tail_called(vm) };
    let is_other = event.native.is_nil() && (event.name == "tail return" || is_tail_called());
    let named = caller.filter(|_| !is_other);
    // SAFETY: the contexts are those of the running frame and of its caller: no thread has run
    // since.
    let (position, name) = unsafe {
        (
            standing.and_then(|context| debug_info::context_position(context)),
            named.and_then(|caller| debug_info::called_name(caller)),
        )
    };
    let traced = TracedCall {
        event: event.name,
        goroutine: vm.scheduler.running_goroutine(),
        position,
        name: name.map(|name| name.name),
        definition: debug_info::definition(function),
    };
    if let (Some(tracer), Some(host)) = (&mut vm.tracer, &mut vm.host) {
        tracer(&mut **host, &traced);
    }
}
