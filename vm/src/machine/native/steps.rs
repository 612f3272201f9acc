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
//! **Frame.** Above the native's arguments are its state (a userdata), a Lua closure and the link
//! of its continuation; then the callee X with its own link and arguments.

use super::Leave;
use super::call::{Call, Stage};
use super::error::Error;
use super::handle::Value;
use super::results::Results;
use super::{AGAIN, CALLING, COLLECT, Outcome, PARKED_INSIDE};
use crate::heap::gc::Marker;
use crate::heap::userdata::Data;
use crate::heap::userdata::Userdata;
use crate::layout::frame::{self, MAX_VALUES};
use crate::layout::value::{USERDATA, Value as Raw};
use crate::machine::type_error;
use crate::machine::vm::Vm;
use crate::messages;
use std::any::Any;
use std::ptr::null_mut;

/// The result of a native's step: proof that it has made a request. (The request itself is recorded
/// in the [`Call`], so a proof kept from an earlier step is useless.)
#[derive(Debug)]
pub struct Step(());

/// How many results of a call a native expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The first one, nil if there is none.
    One,
    /// All of them.
    All,
}

/// A native that continues after the calls that it requests.
///
/// Each call that it requests charges the budget, and may switch to other goroutines. A native that
/// does much work between two calls charges that itself ([`Call::charge`], [`Call::again`]).
pub trait Steps: 'static {
    /// Continues: at first, and after each call. See [`Call::call`], [`Call::finish`],
    /// [`Call::again`].
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error>;

    /// Bytes outside the heap that the state owns at the start, apart from its own size. It holds
    /// memory that it allocates later by a [`Held`](crate::Held).
    fn external_size(&self) -> usize {
        0
    }
}

/// The initial state of a native: the result of a native that is a state machine.
pub struct Start<S>(S);

/// The same with values that it keeps from the beginning. They hold it to the call:
///
/// ```compile_fail
/// use solvm_vm::native::{Call, StartWith, Steps};
/// struct Leak<S: Steps>(Option<StartWith<'static, S>>);
/// fn leak<S: Steps>(call: &mut Call, state: S, leak: &mut Leak<S>) {
///     let value = call.argument(0).unwrap();
///     leak.0 = Some(solvm_vm::native::Start::new(state).keep(value));
/// }
/// ```
pub struct StartWith<'c, S> {
    state: S,
    kept: Vec<Value<'c>>,
}

/// A native's state on the heap, with the values that it keeps between steps.
///
/// Invariant: the slot above the arguments in a native's frame has a userdata whose data is one of
/// these, until the native has ended ([`begin`], [`step`] and [`abandon`](super::abandon) are the
/// only ones that write there).
pub(crate) struct State {
    steps: Box<dyn Resume>,
    kept: Vec<Raw>,
}

/// One step of a native and what becomes of it. A method of each kind of native, so that the step
/// itself can be inlined.
trait Resume: 'static {
    /// Takes the next step and gives its outcome.
    ///
    /// # Safety
    /// `vm` is alive and runs the native with these arguments, which has a frame that is at rest.
    /// `state` is its state, of which `self` is a part, and lives until the step has ended.
    unsafe fn resume(
        &mut self,
        state: *mut State,
        vm: *mut Vm,
        arguments: *mut Raw,
        count: usize,
    ) -> i64;

    /// See [`Steps::external_size`].
    fn external_size(&self) -> usize;
}

impl<S: Steps> Resume for S {
    fn external_size(&self) -> usize {
        Steps::external_size(self)
    }

    unsafe fn resume(
        &mut self,
        state: *mut State,
        vm: *mut Vm,
        arguments: *mut Raw,
        count: usize,
    ) -> i64 {
        // SAFETY: the VM is alive and the arguments are in its stack, as the caller asserts.
        let mut call = unsafe { Call::new(vm, arguments, count) };
        call.stage = Stage::Step(state);
        let answer = self.step(&mut call);
        match (answer, call.stage) {
            (Ok(Step(())), Stage::Answered(outcome)) => outcome,
            (answer, _) => {
                // Once a state exists, the native cannot start again.
                // SAFETY: the VM is alive, as the caller asserts.
                unsafe { (*vm).retried = call.arguments };
                let error = answer.err().unwrap_or_else(|| Error::text(messages::NOTHING_ASKED));
                error.finish_failed(&mut call).0
            }
        }
    }
}

impl Data for State {
    fn trace(&self, marker: &mut Marker<'_>) {
        for &value in &self.kept {
            marker.value(value);
        }
    }

    fn external_size(&self) -> usize {
        self.kept.capacity() * size_of::<Raw>()
            + size_of_val(&*self.steps)
            + self.steps.external_size()
    }
}

impl<S: Steps> Start<S> {
    /// Starts with this state.
    pub fn new(state: S) -> Self {
        Start(state)
    }

    /// Keeps a value for later steps: see [`Call::kept`].
    pub fn keep<'c>(self, value: Value<'c>) -> StartWith<'c, S> {
        self.keep_all([value])
    }

    /// Keeps multiple values for later steps.
    pub fn keep_all<'c>(self, values: impl IntoIterator<Item = Value<'c>>) -> StartWith<'c, S> {
        StartWith { state: self.0, kept: values.into_iter().collect() }
    }
}

impl<'c, S: Steps> Results<'c> for Start<S> {
    fn finish(self, call: &mut Call<'c>, _: Leave) -> Outcome {
        begin(call, Box::new(self.0), Vec::new())
    }
}

impl<'c, S: Steps> Results<'c> for StartWith<'c, S> {
    fn finish(self, call: &mut Call<'c>, _: Leave) -> Outcome {
        begin(call, Box::new(self.state), self.kept.into_iter().map(|value| value.0).collect())
    }
}

/// Builds a native's frame above its arguments and takes the first step.
fn begin(call: &mut Call<'_>, steps: Box<dyn Resume>, kept: Vec<Raw>) -> Outcome {
    // A link holds the distance to the arguments in 16 bits.
    if call.count > MAX_VALUES {
        return Error::text(messages::TOO_MANY_ARGUMENTS).finish_failed(call);
    }
    if let Err(error) = call.reserve(call.count + 8, messages::STACK_OVERFLOW) {
        return error.finish_failed(call);
    }
    let state = Box::new(State { steps, kept });
    // SAFETY: `reserve` made room for the frame above the arguments; the userdata is published at
    // once.
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
        Outcome(step(vm, call.arguments, call.count))
    }
}

/// Takes the next step of the native with these arguments; its state ends with it.
///
/// # Safety
/// `vm` is alive and runs this native, which has a frame above its arguments that is at rest.
#[inline(always)]
unsafe fn step(vm: *mut Vm, arguments: *mut Raw, count: usize) -> i64 {
    // SAFETY: the slot above the arguments has the userdata of the native's state, as the caller
    // asserts (see [`State`]). It is alive, since the frame is in the stack.
    let (userdata, data) = unsafe {
        let userdata = (*arguments.add(count)).untag(USERDATA) as *mut Userdata;
        (userdata, (*userdata).data.as_deref_mut())
    };
    let Some(data) = data else {
        debug_assert!(false, "a native without its state");
        return 0;
    };
    debug_assert!((data as &dyn Any).is::<State>());
    let state = &raw mut *data as *mut State;
    // SAFETY: the VM is alive, and so are the userdata and its data, which is the native's state:
    // the frame is at rest, so that no other step uses it, and nothing is collected or dropped
    // before the step has ended. Even if the native starts again and replaces the userdata in its
    // frame, the old one lives until the next safepoint.
    unsafe {
        // It may keep other values from now on, until the next collection.
        (*vm).heap.barrier_userdata(userdata);
        // While the native borrows its own part of the state, the call lends out the values that it
        // keeps, which are another one.
        let outcome = (*state).steps.resume(state, vm, arguments, count);
        if outcome != CALLING {
            end_unless_waiting(vm, userdata, outcome);
        }
        outcome
    }
}

/// Drops the state of a native that has ended. One that has ended by starting again has another
/// state by now, and looks as if it continued: the collector finds the old one.
///
/// # Safety
/// `vm` is alive. The userdata is that of a native which has just taken a step with this outcome,
/// and is alive.
#[cold]
#[inline(never)]
unsafe fn end_unless_waiting(vm: *mut Vm, userdata: *mut Userdata, outcome: i64) {
    /// A larger one is counted as released at once, not when the userdata is collected.
    const LARGE: usize = 1 << 12;
    if !matches!(outcome, AGAIN | PARKED_INSIDE | COLLECT) {
        // SAFETY: VM and userdata are alive, as the caller asserts. The step has ended, and with it
        // its borrow of the data.
        unsafe {
            (*userdata).data = None;
            if (*userdata).charge > LARGE {
                (*vm).heap.recount_userdata(userdata);
            }
        }
    }
}

/// The native's continuation, with the callee's slot X, has been reached: results start at X.
///
/// # Safety
/// `vm` is alive and runs the native with these arguments, which has a frame that ends at X and is
/// at rest; the results of an open call (`all`) end at `vm.top`. X is a slot of the stack.
#[inline(always)]
pub(crate) unsafe fn resume(
    vm: *mut Vm,
    arguments: *mut Raw,
    distance: usize,
    callee: *mut Raw,
    all: bool,
) -> i64 {
    // SAFETY: VM and frame are as the caller asserts. The frame is the state, a function and a link
    // between the arguments and X: as many slots of the distance are not arguments.
    unsafe {
        (*vm).returned_count = if all {
            ((*vm).top as usize).saturating_sub(callee as usize) / size_of::<Raw>()
        } else {
            1
        };
        (*vm).returned = if (*vm).returned_count > 0 { *callee } else { Raw::NIL };
        step(vm, arguments, distance - 3)
    }
}

impl<'c> Call<'c> {
    /// The slot where this native's callees go.
    fn callee(&self) -> *mut Raw {
        // SAFETY: the frame of a native with a state reaches that far; this is called during its
        // steps only.
        unsafe { self.arguments.add(self.count + 3) }
    }

    /// The values that this native keeps. Empty outside a step.
    fn kept_values(&mut self) -> Option<&mut Vec<Raw>> {
        let Stage::Step(state) = self.stage else { return None };
        // SAFETY: during a step the state is alive, and this part of it is borrowed through `self`
        // only.
        Some(unsafe { &mut (*state).kept })
    }

    /// Fails if the native may not make requests: it lacks the required frame.
    fn check_stage(&self) -> Result<(), Error> {
        if matches!(self.stage, Stage::Step(_)) {
            Ok(())
        } else {
            Err(Error::text(messages::ASKED_OUT_OF_TURN))
        }
    }

    fn answered(&mut self, outcome: i64) -> Result<Step, Error> {
        self.stage = Stage::Answered(outcome);
        Ok(Step(()))
    }

    /// The values that this native keeps between its steps: their number.
    pub fn kept_count(&mut self) -> usize {
        self.all_kept().len()
    }

    /// A value kept earlier; nil if there is none at that index.
    pub fn kept(&mut self, index: usize) -> Value<'c> {
        self.all_kept().get(index).copied().unwrap_or(Value::NIL)
    }

    /// Keeps one more value.
    pub fn keep(&mut self, value: Value<'c>) {
        if let Some(kept) = self.kept_values() {
            kept.push(value.0);
        }
    }

    /// Replaces a kept value.
    pub fn set_kept(&mut self, index: usize, value: Value<'c>) {
        if let Some(slot) = self.all_kept().get_mut(index) {
            *slot = value;
        }
    }

    /// Every kept value, for natives that read many in one step.
    pub fn all_kept(&mut self) -> &mut [Value<'c>] {
        let Some(kept) = self.kept_values() else { return &mut [] };
        // SAFETY: a handle is a raw value and a lifetime (`repr(transparent)`); the values are live
        // during 'c, and those that may be stored here too. They are borrowed as long as `self` is.
        unsafe { std::slice::from_raw_parts_mut(kept.as_mut_ptr().cast(), kept.len()) }
    }

    /// Keeps these values and no others, for natives that keep a stack of them: they work on
    /// [`Call::take_kept`] during a step and store it when they yield.
    pub fn keep_only(&mut self, values: Vec<Value<'c>>) {
        if let Some(kept) = self.kept_values() {
            // A handle is a raw value and a lifetime, so this moves the list as it is.
            *kept = values.into_iter().map(|value| value.0).collect();
        }
    }

    /// Takes the kept values: until [`Call::keep_only`], none is kept.
    pub fn take_kept(&mut self) -> Vec<Value<'c>> {
        let kept = self.kept_values().map(std::mem::take).unwrap_or_default();
        kept.into_iter().map(Value::from_raw).collect()
    }

    /// How many results the last call returned ([`Wanted::All`] only).
    pub fn returned_count(&self) -> usize {
        self.vm_ref().returned_count
    }

    /// A result of the last call; nil if there are fewer. With [`Wanted::One`] only the first is
    /// available.
    pub fn returned(&self, index: usize) -> Value<'c> {
        let vm = self.vm_ref();
        if index == 0 {
            return Value::from_raw(vm.returned);
        }
        if index >= vm.returned_count || self.check_stage().is_err() {
            return Value::NIL;
        }
        // SAFETY: the results of an open call end at `top`.
        Value::from_raw(unsafe { *self.callee().add(index) })
    }

    /// Requests a call; the native is stepped again when it has returned.
    pub fn call(
        &mut self,
        function: Value<'c>,
        arguments: &[Value<'c>],
        wanted: Wanted,
    ) -> Result<Step, Error> {
        self.check_stage()?;
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
        self.answered(CALLING)
    }

    /// Requests `a < b`, with metamethods; the native is stepped again with the result. Fails where
    /// there is no order.
    pub fn call_less_than(&mut self, a: Value<'c>, b: Value<'c>) -> Result<Step, Error> {
        // SAFETY: both values are live.
        let method =
            unsafe { crate::machine::interpreter::less_than_metamethod(self.vm_ref(), a.0, b.0) };
        if method.is_nil() {
            return Err(Error::bare(type_error::compare(self.dialect(), a.0, b.0)));
        }
        self.call(Value::from_raw(method), &[a, b], Wanted::One)
    }

    /// Ends the native with these results.
    pub fn finish(&mut self, results: impl Results<'c>) -> Result<Step, Error> {
        self.check_stage()?;
        // Too late to start again if memory is short.
        self.vm().retried = self.arguments;
        let Outcome(outcome) = results.finish(self, Leave(()));
        self.answered(outcome)
    }

    /// The budget is used up: the native is stepped again when its turn comes.
    pub fn again(&mut self) -> Result<Step, Error> {
        self.suspend(AGAIN)
    }

    /// A full collection, or a part of one as if `slice` bytes had been allocated; then the next
    /// step, which may ask [`Call::is_cycle_finished`].
    pub fn collect_garbage(&mut self, slice: Option<usize>) -> Result<Step, Error> {
        self.vm().scheduler.collection_slice = slice;
        self.suspend(COLLECT)
    }

    /// Whether the last [`Call::collect_garbage`] finished a cycle.
    pub fn is_cycle_finished(&self) -> bool {
        self.vm_ref().scheduler.cycle_finished
    }

    /// The goroutine waits: the native is stepped again when it is woken.
    pub(crate) fn park(&mut self, wait: crate::machine::scheduler::Wait) -> Result<Step, Error> {
        self.with_vm(|vm| vm.scheduler.will_wait(wait));
        self.suspend(PARKED_INSIDE)
    }

    fn suspend(&mut self, outcome: i64) -> Result<Step, Error> {
        self.check_stage()?;
        let callee = self.callee();
        let vm = self.vm();
        vm.base = callee;
        vm.top = callee;
        vm.pc = frame::native_all();
        self.answered(outcome)
    }
}
