//! Natives that call Lua: small state machines, stepped by the interpreter.
//!
//! ```
//! use solvm_vm::native::{Call, Error, Function, Start, Step, Steps, Wanted};
//!
//! /// `each(n, f)`: calls `f(1)`, ..., `f(n)` and returns the sum of what they return.
//! fn each(_: &mut Call, count: f64, _function: Function) -> Start<Each> {
//!     Start::new(Each { next: 1.0, count, sum: 0.0 })
//! }
//!
//! struct Each { next: f64, count: f64, sum: f64 }
//!
//! impl Steps for Each {
//!     fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
//!         // At the first step there is no result; later it is that of the call asked for before.
//!         self.sum += call.returned(0).to_number().unwrap_or(0.0);
//!         if self.next > self.count {
//!             return call.finish(self.sum);
//!         }
//!         let argument = solvm_vm::Value::number(self.next);
//!         self.next += 1.0;
//!         // The native's own arguments stay in its frame.
//!         let function = call.argument(1).unwrap_or(solvm_vm::Value::NIL);
//!         call.call(function, &[argument], Wanted::One)
//!     }
//! }
//! # let _ = solvm_vm::native::Definition::new("each", each);
//! ```
//!
//! **Frame.** Above the native's arguments lie its state (a userdata), a Lua closure and the link of its continuation; then the
//! callee X with its own link and arguments.

use super::call::Call;
use super::error::Error;
use super::handle::Value;
use super::results::Results;
use super::{AGAIN, CALLING, COLLECT, PARKED_INSIDE};
use crate::frame;
use crate::gc::Marker;
use crate::messages;
use crate::userdata::Data;
use crate::value::Value as Raw;
use crate::vm::Vm;
use std::any::Any;
use std::ptr::null_mut;

/// What a native does after a step.
#[derive(Debug)]
pub struct Step(pub(crate) i64);

/// How many results of a call a native wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The first one, nil if there is none.
    One,
    /// All of them.
    All,
}

/// A native that goes on after the calls that it asks for.
pub trait Steps: 'static {
    /// Goes on: at first, and after each call. See [`Call::call`], [`Call::finish`], [`Call::again`].
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error>;
}

/// The state of a native with which it begins: what a native that is a state machine returns.
pub struct Start<S> {
    state: S,
    kept: Vec<Raw>,
}

/// A native's state on the heap, with the values that it keeps between steps.
struct State {
    /// None while it takes a step.
    steps: Option<Box<dyn Steps>>,
    kept: Vec<Raw>,
}

impl Data for State {
    fn trace(&self, marker: &mut Marker<'_>) {
        for &value in &self.kept {
            marker.value(value);
        }
    }
}

impl<S: Steps> Start<S> {
    /// Begins with this state.
    pub fn new(state: S) -> Self {
        Start { state, kept: Vec::new() }
    }

    /// Keeps a value for later steps: see [`Call::kept`].
    pub fn keep(mut self, value: Value<'_>) -> Self {
        self.kept.push(value.0);
        self
    }
}

impl<'c, S: Steps> Results<'c> for Start<S> {
    fn finish(self, call: &mut Call<'c>) -> i64 {
        if let Err(error) = call.reserve(call.count + 8, messages::STACK_OVERFLOW) {
            return error.finish_failed(call);
        }
        let state = Box::new(State { steps: Some(Box::new(self.state)), kept: self.kept });
        // SAFETY: `reserve` made room for the frame above the arguments; the userdata is published at once.
        unsafe {
            let vm = call.vm;
            let userdata = (*vm).heap.new_userdata(state, null_mut(), null_mut());
            *call.arguments.sub(1) = Raw((*vm).pc as u64);
            let frame = call.arguments.add(call.count);
            *frame = Raw::from_userdata(userdata);
            *frame.add(1) = (*vm).dummy_function;
            *frame.add(2) = frame::link(call.count + 3, std::ptr::null());
            (*vm).returned = Raw::NIL;
            (*vm).returned_count = 0;
            step(vm, call.arguments, call.count)
        }
    }
}

/// The state of the native with these arguments, which lies above them. None if it has been dropped.
unsafe fn state_of<'a>(arguments: *mut Raw, count: usize) -> Option<&'a mut State> {
    let userdata = (*arguments.add(count)).to_userdata()?;
    let data = (*userdata).data.as_deref_mut()?;
    (data as &mut dyn Any).downcast_mut()
}

/// Takes the next step of the native with these arguments.
unsafe fn step(vm: *mut Vm, arguments: *mut Raw, count: usize) -> i64 {
    let mut call = Call::new(vm, arguments, count);
    let Some(mut steps) = state_of(arguments, count).and_then(|state| state.steps.take()) else {
        debug_assert!(false, "a native without its state");
        return 0;
    };
    let outcome = match steps.step(&mut call) {
        Ok(Step(outcome)) => outcome,
        Err(error) => {
            // Once a state exists, the native cannot begin again.
            (*vm).retried = call.arguments;
            error.finish_failed(&mut call)
        }
    };
    let goes_on = matches!(outcome, CALLING | AGAIN | PARKED_INSIDE | COLLECT);
    if goes_on && let Some(state) = state_of(call.arguments, count) {
        state.steps = Some(steps);
    }
    outcome
}

/// The native's continuation, with the callee's slot X, has been reached: results lie from X on.
pub(crate) unsafe fn resume(vm: *mut Vm, arguments: *mut Raw, distance: usize, callee: *mut Raw, all: bool) -> i64 {
    (*vm).returned_count =
        if all { ((*vm).top as usize).saturating_sub(callee as usize) / size_of::<Raw>() } else { 1 };
    (*vm).returned = if (*vm).returned_count > 0 { *callee } else { Raw::NIL };
    step(vm, arguments, distance - 3)
}

impl<'c> Call<'c> {
    /// The slot where this native's callees go.
    fn callee(&self) -> *mut Raw {
        // SAFETY: the frame of a native with a state reaches that far.
        unsafe { self.arguments.add(self.count + 3) }
    }

    /// What this native keeps. Empty outside of a step.
    fn state(&mut self) -> &mut [Raw] {
        // SAFETY: a native with a state has it above its arguments, and it is borrowed through `self` only.
        unsafe { state_of(self.arguments, self.count) }.map_or(&mut [], |state| &mut state.kept)
    }

    /// The values that this native keeps between its steps: their number.
    pub fn kept_count(&mut self) -> usize {
        self.state().len()
    }

    /// A value kept earlier; nil if there is none at that index.
    pub fn kept(&mut self, index: usize) -> Value<'c> {
        Value::from_raw(self.state().get(index).copied().unwrap_or(Raw::NIL))
    }

    /// Keeps one more value.
    pub fn keep(&mut self, value: Value<'c>) {
        // SAFETY: as in `state`.
        if let Some(state) = unsafe { state_of(self.arguments, self.count) } {
            state.kept.push(value.0);
        }
    }

    /// Replaces a kept value.
    pub fn set_kept(&mut self, index: usize, value: Value<'c>) {
        if let Some(slot) = self.state().get_mut(index) {
            *slot = value.0;
        }
    }

    /// Every kept value, for natives that look at many in one step.
    pub fn all_kept(&mut self) -> &mut [Value<'c>] {
        let kept = self.state();
        // SAFETY: a handle is a raw value and a lifetime; the values are live during 'c.
        unsafe { std::slice::from_raw_parts_mut(kept.as_mut_ptr().cast(), kept.len()) }
    }

    /// How many results the last call returned ([`Wanted::All`] only).
    pub fn returned_count(&self) -> usize {
        self.vm_ref().returned_count
    }

    /// A result of the last call; nil if there are fewer. With [`Wanted::One`] only the first can be asked for.
    pub fn returned(&self, index: usize) -> Value<'c> {
        let vm = self.vm_ref();
        if index == 0 {
            return Value::from_raw(vm.returned);
        }
        if index >= vm.returned_count {
            return Value::NIL;
        }
        // SAFETY: the results of an open call end at `top`.
        Value::from_raw(unsafe { *self.callee().add(index) })
    }

    /// Asks for a call; the native is stepped again when it has returned.
    pub fn call(&mut self, function: Value<'c>, arguments: &[Value<'c>], wanted: Wanted) -> Result<Step, Error> {
        self.reserve(self.count + 8 + arguments.len(), messages::STACK_OVERFLOW)?;
        // SAFETY: `reserve` made room for the callee, its link and the arguments.
        unsafe {
            let callee = self.callee();
            *callee = function.0;
            for (i, argument) in arguments.iter().enumerate() {
                *callee.add(2 + i) = argument.0;
            }
            let vm = &mut *self.vm;
            vm.top = callee.add(2 + arguments.len());
            vm.base = callee;
            vm.pc = match wanted {
                Wanted::One => frame::native_one(),
                Wanted::All => frame::native_all(),
            };
        }
        Ok(Step(CALLING))
    }

    /// Asks for `a < b`, with metamethods; the native is stepped again with the answer. Fails where there is no order.
    pub fn call_less_than(&mut self, a: Value<'c>, b: Value<'c>) -> Result<Step, Error> {
        // SAFETY: both values are live.
        let method = unsafe { crate::interpreter::less_than_metamethod(self.vm_ref(), a.0, b.0) };
        if method.is_nil() {
            let text = messages::compare(self.vm_ref(), a.0, b.0);
            return Err(Error::text(text));
        }
        self.call(Value::from_raw(method), &[a, b], Wanted::One)
    }

    /// Ends the native with these results.
    pub fn finish(&mut self, results: impl Results<'c>) -> Result<Step, Error> {
        Ok(Step(results.finish(self)))
    }

    /// The budget is used up: the native is stepped again when its turn comes.
    pub fn again(&mut self) -> Result<Step, Error> {
        self.suspend(AGAIN)
    }

    /// A full collection, or a part of one as if `slice` bytes had been allocated; then the next step, which may ask
    /// [`Call::is_cycle_finished`].
    pub fn collect_garbage(&mut self, slice: Option<usize>) -> Result<Step, Error> {
        self.vm().scheduler.collection_slice = slice;
        self.suspend(COLLECT)
    }

    /// Whether the last [`Call::collect_garbage`] finished a cycle.
    pub fn is_cycle_finished(&self) -> bool {
        self.vm_ref().scheduler.cycle_finished
    }

    /// The goroutine waits: the native is stepped again when it is woken.
    pub(crate) fn park(&mut self) -> Result<Step, Error> {
        self.suspend(PARKED_INSIDE)
    }

    fn suspend(&mut self, outcome: i64) -> Result<Step, Error> {
        let callee = self.callee();
        let vm = self.vm();
        vm.base = callee;
        vm.top = callee;
        vm.pc = frame::native_all();
        Ok(Step(outcome))
    }
}
