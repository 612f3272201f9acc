//! The scheduler core: which goroutine runs, until when, and what happens between them.
//!
//! A goroutine is a thread that nobody resumes: the scheduler does. It runs until it waits, ends, or its budget is used up.
//! Everything happens on one host thread. The host calls [`Vm::turn`] again and again; between turns it does its own work.
//!
//! **Waking.** A goroutine that waits has a *ticket*, a number that changes whenever it is woken; whoever wants to wake it must
//! show it, so that a late or double wake does nothing. Wakes from outside (wakers of futures, from any host thread) go
//! through an inbox that each turn empties.
//!
//! **Roots.** The threads of all goroutines are in a Lua table, so that the collector can walk a million of them in slices.

pub mod channel;
pub(crate) mod finalizers;
mod inbox;

use crate::gc::Marker;
use crate::native::{Call, Error, Function, Value as Handle};
use crate::object::{Table, Thread};
use crate::table;
use crate::thread::{self, ROOT};
use crate::value::Value;
use crate::vm::{Exit, Vm};
pub use finalizers::FinalizerClaim;
use inbox::Inbox;
use std::collections::VecDeque;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Instant;

/// A goroutine, for as long as it lives; its number is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoroutineId(pub u64);

/// What a waiting goroutine is woken with: its place and its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    index: u32,
    number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Ready,
    /// Waits for another goroutine; `since` orders the waits.
    Blocked {
        since: u64,
    },
    /// Waits for something outside of Lua.
    Outside,
}

struct Goroutine {
    id: u64,
    /// Where it goes on: its first thread or a coroutine inside of it.
    thread: *mut Thread,
    ticket: u32,
    state: State,
}

/// How a goroutine ended.
pub enum Ended {
    /// Its results.
    Returned(Vec<Value>),
    /// The error that nobody caught, and the traceback of the place where it was raised.
    Failed(Value, Vec<u8>),
}

/// A goroutine that ended while someone cares.
struct End {
    id: GoroutineId,
    ended: Ended,
}

/// What a turn left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// More is ready to run: call again soon.
    Ready,
    /// Everything that lives waits for something outside of Lua.
    Waiting,
    /// Everything that lives waits for something that only others that wait can give.
    Deadlocked,
    /// No goroutine lives.
    Done,
    /// The deadline has passed or the program was cancelled.
    Interrupted,
}

/// See the head of this file.
pub(crate) struct Scheduler {
    goroutines: Vec<Goroutine>,
    /// Indices into `goroutines` that may be used again.
    free: Vec<u32>,
    /// The goroutines' first threads, at their index + 1. Made with the first goroutine.
    threads: *mut Table,
    ready: VecDeque<u32>,
    running: Option<u32>,
    next_id: u64,
    waits: u64,
    outside: usize,
    live: usize,
    /// The goroutine whose end the host waits for.
    watched: Option<GoroutineId>,
    ends: Vec<End>,
    inbox: Arc<Inbox>,
    cancelled: Arc<AtomicBool>,
    deadline: Option<Instant>,
    slice: i64,
    /// Slices left in this turn.
    slices: u32,
    /// Where natives run that the host calls between turns.
    host_thread: *mut Thread,
    /// Whether the goroutine that is about to park waits for something outside of Lua.
    parks_outside: bool,
    /// The program has ended: the finalizers of all userdata have been queued.
    closing: bool,
    /// The goroutine that calls finalizers.
    finalizing: Option<GoroutineId>,
    /// How much of a collection a native asks for; all of it if None.
    pub(crate) collection_slice: Option<usize>,
    /// Whether that finished a cycle.
    pub(crate) cycle_finished: bool,
}

/// Slices in a turn, after which the host gets a chance to look around.
const SLICES: u32 = 16;

impl Scheduler {
    pub(crate) fn new(slice: i64) -> Self {
        Scheduler {
            goroutines: Vec::new(),
            free: Vec::new(),
            threads: null_mut(),
            ready: VecDeque::new(),
            running: None,
            next_id: 1,
            waits: 0,
            outside: 0,
            live: 0,
            watched: None,
            ends: Vec::new(),
            inbox: Arc::default(),
            cancelled: Arc::default(),
            deadline: None,
            slice,
            slices: SLICES,
            host_thread: null_mut(),
            parks_outside: false,
            closing: false,
            finalizing: None,
            collection_slice: None,
            cycle_finished: false,
        }
    }

    pub(crate) fn cancel_flag(&self) -> Arc<AtomicBool> {
        self.cancelled.clone()
    }

    pub(crate) fn trace(&self, marker: &mut Marker<'_>) {
        for end in &self.ends {
            match &end.ended {
                Ended::Returned(values) => values.iter().for_each(|&value| marker.value(value)),
                Ended::Failed(value, _) => marker.value(*value),
            }
        }
        if !self.threads.is_null() {
            marker.value(Value::from_table(self.threads));
        }
        if !self.host_thread.is_null() {
            marker.value(Value::from_thread(self.host_thread));
        }
    }

    /// The running goroutine's waker.
    pub(crate) fn waker(&self) -> Waker {
        match self.running {
            Some(index) => self.inbox.waker(self.ticket(index)),
            None => Waker::noop().clone(),
        }
    }

    /// The wait that begins now is for something outside of Lua.
    pub(crate) fn wait_outside(&mut self) {
        self.parks_outside = true;
    }

    fn ticket(&self, index: u32) -> Ticket {
        Ticket { index, number: self.goroutines[index as usize].ticket }
    }

    /// The running goroutine's ticket for the wait that is about to begin.
    pub(crate) fn running_ticket(&self) -> Option<Ticket> {
        self.running.map(|index| self.ticket(index))
    }

    /// Whether the goroutine still waits with this ticket.
    pub(crate) fn is_waiting(&self, ticket: Ticket) -> bool {
        self.goroutines.get(ticket.index as usize).is_some_and(|goroutine| {
            goroutine.ticket == ticket.number && matches!(goroutine.state, State::Blocked { .. } | State::Outside)
        })
    }

    /// Takes a goroutine out of its wait and makes it ready. None if it does not wait with this ticket.
    fn unpark(&mut self, ticket: Ticket) -> Option<*mut Thread> {
        if !self.is_waiting(ticket) {
            return None;
        }
        let goroutine = &mut self.goroutines[ticket.index as usize];
        if goroutine.state == State::Outside {
            self.outside -= 1;
        }
        goroutine.state = State::Ready;
        goroutine.ticket = goroutine.ticket.wrapping_add(1);
        self.ready.push_back(ticket.index);
        Some(goroutine.thread)
    }

    fn end(&mut self, index: u32, ended: Ended) -> u64 {
        let goroutine = &mut self.goroutines[index as usize];
        let id = GoroutineId(goroutine.id);
        if self.finalizing == Some(id) {
            self.finalizing = None;
        }
        goroutine.state = State::Free;
        goroutine.ticket = goroutine.ticket.wrapping_add(1);
        goroutine.thread = null_mut();
        self.free.push(index);
        self.live -= 1;
        self.running = None;
        let watched = self.watched == Some(id);
        if watched || matches!(ended, Ended::Failed(..)) {
            self.ends.push(End { id, ended });
            return if watched { Exit::Finished } else { Exit::TurnOver }.answer();
        }
        0
    }
}

/// Wakes a goroutine that waits in a native: `values` are the native's results. False if it does not wait with this ticket.
///
/// # Safety
/// The values are alive, at most 4.
pub(crate) unsafe fn wake(vm: &mut Vm, ticket: Ticket, values: &[Value]) -> bool {
    debug_assert!(values.len() <= 4);
    let Some(thread) = vm.scheduler.unpark(ticket) else { return false };
    let pc = (*thread).pc;
    let target = (*thread).base.add(crate::frame::call_slot(pc));
    // The call word's native was called with this room behind its callee, or has a frame of its own there.
    debug_assert!(target.add(values.len()) <= (*thread).stack_end.add(thread::EXTRA));
    let wanted = crate::frame::call_results(pc);
    if wanted == crate::frame::OPEN_LIST {
        for (i, value) in values.iter().enumerate() {
            *target.add(i) = *value;
        }
        (*thread).top = target.add(values.len());
    } else {
        for i in 0..wanted as usize - 1 {
            *target.add(i) = values.get(i).copied().unwrap_or(Value::NIL);
        }
    }
    vm.heap.thread_resumed(thread);
    true
}

/// A new goroutine that is ready to call `function`.
///
/// # Safety
/// Function and arguments are alive.
pub(crate) unsafe fn spawn(vm: &mut Vm, function: Value, arguments: &[Value]) -> Result<GoroutineId, Error> {
    if vm.heap.would_exceed(1024) {
        return Err(Error::out_of_memory());
    }
    let thread = thread::new_thread(vm, function, arguments.len());
    let first = (*thread).stack.add(4);
    for (i, argument) in arguments.iter().enumerate() {
        *first.add(i) = *argument;
    }
    (*thread).top = first.add(arguments.len());
    (*thread).resumer = ROOT;
    if vm.scheduler.threads.is_null() {
        vm.scheduler.threads = vm.heap.new_table(0, 0);
    }
    let id = vm.scheduler.next_id;
    vm.scheduler.next_id += 1;
    let goroutine = |ticket| Goroutine { id, thread, ticket, state: State::Ready };
    let index = match vm.scheduler.free.pop() {
        Some(index) => {
            let slot = &mut vm.scheduler.goroutines[index as usize];
            *slot = goroutine(slot.ticket);
            index
        }
        None => {
            vm.scheduler.goroutines.push(goroutine(0));
            (vm.scheduler.goroutines.len() - 1) as u32
        }
    };
    (*thread).goroutine = index;
    let key = Value::number(f64::from(index) + 1.0);
    table::set(&mut vm.heap, vm.scheduler.threads, key, Value::from_thread(thread))?;
    vm.scheduler.live += 1;
    vm.scheduler.ready.push_back(index);
    Ok(GoroutineId(id))
}

/// The running goroutine waits; its context and what must survive of its stack are saved in its thread. Another one runs.
///
/// # Safety
/// The running thread has been saved ([`thread::save`]).
pub(crate) unsafe fn park(vm: &mut Vm) -> u64 {
    let current = vm.current;
    let outside = std::mem::replace(&mut vm.scheduler.parks_outside, false);
    if let Some(index) = vm.scheduler.running.take() {
        let scheduler = &mut vm.scheduler;
        scheduler.waits += 1;
        let since = scheduler.waits;
        let goroutine = &mut scheduler.goroutines[index as usize];
        goroutine.thread = current;
        goroutine.state = if outside { State::Outside } else { State::Blocked { since } };
        if outside {
            scheduler.outside += 1;
        }
    }
    pick_next(vm)
}

/// The next ready goroutine runs.
///
/// # Safety
/// The running thread, if any, has been saved and is accounted for.
unsafe fn pick_next(vm: &mut Vm) -> u64 {
    let Some(index) = vm.scheduler.ready.pop_front() else {
        vm.current = null_mut();
        return Exit::Idle.answer();
    };
    vm.scheduler.running = Some(index);
    let thread = vm.scheduler.goroutines[index as usize].thread;
    thread::switch_to(vm, thread);
    0
}

/// The goroutine goes to the end of the queue; another one runs, unless the turn is over or the host wants the program to
/// stop. It may want it to go on later.
///
/// # Safety
/// The running thread has been saved.
unsafe fn yield_turn(vm: &mut Vm) -> u64 {
    let current = vm.current;
    if let Some(index) = vm.scheduler.running.take() {
        let goroutine = &mut vm.scheduler.goroutines[index as usize];
        goroutine.thread = current;
        vm.scheduler.ready.push_back(index);
    }
    if is_interrupted(vm) {
        vm.current = null_mut();
        return Exit::Interrupted.answer();
    }
    vm.scheduler.slices = vm.scheduler.slices.saturating_sub(1);
    if vm.scheduler.slices == 0 {
        vm.current = null_mut();
        return Exit::TurnOver.answer();
    }
    pick_next(vm)
}

/// Whether the host wants the program to stop.
fn is_interrupted(vm: &Vm) -> bool {
    vm.scheduler.cancelled.load(Ordering::Relaxed)
        || vm.scheduler.deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// The budget is used up before the instruction at `vm.pc - 1`, of which nothing has happened yet.
///
/// # Safety
/// CONTEXT holds of the running thread (see [`crate::frame`]), and the instruction before `vm.pc` can be restarted.
pub(crate) unsafe fn budget_exhausted(vm: &mut Vm) -> u64 {
    vm.fuel = vm.scheduler.slice;
    crate::hook::instruction_restarts(vm);
    let top = if thread::takes_open_list(vm.pc) { vm.top } else { vm.base };
    if vm.heap.collection_due() {
        thread::save(vm, top);
        if !collect_some(vm) {
            // The instruction has still to run, but it may as well be the one that fails.
            return crate::unwind::throw_out_of_memory(vm);
        }
    }
    finalizers::start(vm);
    if vm.scheduler.ready.is_empty() && vm.scheduler.slices > 1 && !is_interrupted(vm) {
        vm.scheduler.slices -= 1;
        vm.pc = vm.pc.sub(1);
        return 0;
    }
    thread::save(vm, top);
    (*vm.current).preempted = 1;
    yield_turn(vm)
}

/// The budget is used up by results that have just arrived, up to `vm.top`: the thread goes on with what receives them.
///
/// # Safety
/// `vm.base` and `vm.pc` are a context that has received an open list up to `vm.top`.
pub(crate) unsafe fn results_out_of_budget(vm: &mut Vm) -> u64 {
    vm.fuel = vm.scheduler.slice;
    let top = vm.top;
    thread::save(vm, top);
    yield_turn(vm)
}

/// The budget of a native is used up; its thread is saved, it goes on with its next step.
///
/// # Safety
/// The running thread has been saved, at a native's continuation.
pub(crate) unsafe fn native_out_of_budget(vm: &mut Vm) -> u64 {
    vm.fuel = vm.scheduler.slice;
    if vm.heap.collection_due() && !collect_some(vm) {
        return crate::unwind::throw_out_of_memory(vm);
    }
    yield_turn(vm)
}

/// Called before an instruction that allocates: the collector may do a part of its work. False if memory is short.
///
/// # Safety
/// A Lua frame is running, and no open list is on its way: what is alive lies in frames, or is a root.
#[inline(always)]
pub(crate) unsafe fn safepoint(vm: &mut Vm) -> bool {
    if !vm.heap.collection_due() {
        return true;
    }
    let top = vm.base;
    thread::save(vm, top);
    collect_some(vm)
}

/// The collector does a part of its work, or all of it if the limit is reached. The running thread has been saved.
///
/// # Safety
/// The VM is at a safepoint: what is alive lies below the live ends of saved threads, or is a root.
#[cold]
#[inline(never)]
unsafe fn collect_some(vm: &mut Vm) -> bool {
    let (heap, mut roots) = vm.heap_and_roots();
    (*heap).step(&mut roots);
    let mut enough = true;
    if (*heap).would_exceed(0) {
        (*heap).collect(&mut roots);
        enough = !(*heap).is_nearly_full();
    }
    if (*heap).has_finalizers() {
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
    (*heap).collect(&mut roots);
    // That was a slice's worth of work at least: the deadline is looked at next, and finalizers may run.
    vm.fuel = vm.fuel.min(0);
}

/// As much of a collection as a native asked for. The running thread has been saved.
///
/// # Safety
/// As [`collect_some`].
pub(crate) unsafe fn collect_as_asked(vm: &mut Vm) {
    vm.scheduler.cycle_finished = true;
    let Some(bytes) = vm.scheduler.collection_slice.take() else { return collect(vm) };
    let (heap, mut roots) = vm.heap_and_roots();
    vm.scheduler.cycle_finished = (*heap).step_by(bytes, &mut roots);
    vm.fuel = vm.fuel.min(0);
}

/// The running goroutine's function has returned.
///
/// # Safety
/// A goroutine's first thread is running, and has returned `count` values at `results`.
pub(crate) unsafe fn goroutine_finished(vm: &mut Vm, results: *mut Value, count: usize) -> u64 {
    let values = std::slice::from_raw_parts(results, count).to_vec();
    end_goroutine(vm, Ended::Returned(values))
}

/// An error has left the running goroutine.
///
/// # Safety
/// A goroutine's first thread is running. Nothing refers to its stack any more.
pub(crate) unsafe fn goroutine_failed(vm: &mut Vm, error: Value) -> u64 {
    let traceback = std::mem::take(&mut vm.last_traceback);
    end_goroutine(vm, Ended::Failed(error, traceback))
}

/// The running goroutine is done: its thread is released, another one runs.
///
/// # Safety
/// As [`goroutine_failed`].
unsafe fn end_goroutine(vm: &mut Vm, ended: Ended) -> u64 {
    let current = vm.current;
    thread::kill(vm, current);
    vm.current = null_mut();
    let Some(index) = vm.scheduler.running else { return Exit::Idle.answer() };
    let cleared = table::set_integer(&mut vm.heap, vm.scheduler.threads, i64::from(index) + 1, Value::NIL);
    debug_assert!(cleared.is_ok(), "the slot is there");
    match vm.scheduler.end(index, ended) {
        0 => pick_next(vm),
        answer => answer,
    }
}

impl Vm {
    /// Runs what is ready, for a limited time. `context` wakes the host when a wait for something outside ends.
    pub fn turn(&mut self, context: &mut Context<'_>) -> Turn {
        for ticket in self.scheduler.inbox.take(context.waker()) {
            if let Some(thread) = self.scheduler.unpark(ticket) {
                // SAFETY: a goroutine's thread is live.
                unsafe { self.heap.thread_resumed(thread) };
            }
        }
        if is_interrupted(self) {
            return Turn::Interrupted;
        }
        self.settle();
        // Threads with hooks may have been collected.
        crate::interpreter::update_dispatch(self);
        self.scheduler.slices = SLICES;
        self.fuel = self.scheduler.slice;
        // SAFETY: no goroutine is running; `pick_next` makes a context.
        let exit = unsafe {
            match pick_next(self) {
                0 => self.run(),
                answer => Exit::from_answer(answer),
            }
        };
        match exit {
            Exit::Interrupted => Turn::Interrupted,
            _ if !self.scheduler.ready.is_empty() => Turn::Ready,
            _ if self.scheduler.live == 0 => Turn::Done,
            _ if self.scheduler.outside > 0 => Turn::Waiting,
            _ => Turn::Deadlocked,
        }
    }

    /// Code that runs at this time or later is interrupted.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.scheduler.deadline = deadline;
    }

    /// The number of goroutines that have not ended.
    pub fn goroutine_count(&self) -> usize {
        self.scheduler.live
    }

    /// The host waits for the end of this goroutine: a turn ends when it does, and its results are kept.
    pub fn watch(&mut self, id: Option<GoroutineId>) {
        self.scheduler.watched = id;
    }

    /// The goroutine that has been blocked longest is woken: its native gives these results.
    pub fn resolve_deadlock(&mut self, values: impl for<'c> FnOnce(&mut Call<'c>) -> Vec<Handle<'c>>) -> bool {
        let longest = (self.scheduler.goroutines.iter().enumerate())
            .filter_map(|(index, goroutine)| match goroutine.state {
                State::Blocked { since } => Some((since, index as u32)),
                _ => None,
            })
            .min();
        let Some((_, index)) = longest else { return false };
        let ticket = self.scheduler.ticket(index);
        self.enter(|call| {
            let values: Vec<Value> = values(call).into_iter().map(|value| value.0).take(4).collect();
            // SAFETY: the values are live.
            call.with_vm(|vm| unsafe { wake(vm, ticket, &values) })
        })
    }

    /// Takes the end of the next goroutine that failed, or that the host watches. `look` sees its results or its error.
    pub fn next_end<R>(
        &mut self,
        look: impl for<'c> FnOnce(&mut Call<'c>, GoroutineId, Result<Vec<Handle<'c>>, (Handle<'c>, Vec<u8>)>) -> R,
    ) -> Option<R> {
        if self.scheduler.ends.is_empty() {
            return None;
        }
        let End { id, ended } = self.scheduler.ends.remove(0);
        // No collection happens before `look` has seen the values.
        Some(self.enter(|call| {
            let ended = match ended {
                Ended::Returned(values) => Ok(values.into_iter().map(Handle::from_raw).collect()),
                Ended::Failed(error, traceback) => Err((Handle::from_raw(error), traceback)),
            };
            look(call, id, ended)
        }))
    }

    /// Gives the host a look at the VM between turns, as if it were a native.
    pub fn enter<R>(&mut self, f: impl for<'c> FnOnce(&mut Call<'c>) -> R) -> R {
        // SAFETY: between turns no thread runs; the host thread has a frame of a Lua function without code, above which
        // lies the frame of the call.
        unsafe {
            assert!(self.current.is_null(), "the host looks at a VM that is running");
            self.settle();
            if self.scheduler.host_thread.is_null() {
                let dummy = self.dummy_function;
                self.scheduler.host_thread = thread::new_thread(self, dummy, 8);
                (*self.scheduler.host_thread).resumer = ROOT;
            }
            let thread = self.scheduler.host_thread;
            self.current = thread;
            self.stack_end = (*thread).stack_end;
            self.base = (*thread).base;
            self.pc = (*thread).pc;
            let arguments = self.base.add(2);
            let result = f(&mut Call::new(&raw mut *self, arguments, 0));
            self.current = null_mut();
            result
        }
    }
}

impl<'c> Call<'c> {
    /// Starts a goroutine that calls `function` with these arguments.
    pub fn spawn(&mut self, function: Function<'c>, arguments: &[Handle<'c>]) -> Result<GoroutineId, Error> {
        let arguments: Vec<Value> = arguments.iter().map(|value| value.0).collect();
        // SAFETY: function and arguments are live.
        unsafe { spawn(self.vm(), function.value().0, &arguments) }
    }

    /// The running goroutine.
    pub fn goroutine(&mut self) -> Option<GoroutineId> {
        let scheduler = &self.vm().scheduler;
        scheduler.running.map(|index| GoroutineId(scheduler.goroutines[index as usize].id))
    }
}
