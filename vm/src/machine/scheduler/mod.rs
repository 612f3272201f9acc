//! The scheduler core: which goroutine runs, until when, and what happens between them.
//!
//! A goroutine is a thread that only the scheduler resumes. It runs until it waits, ends, or its
//! budget is used up. Everything happens on one host thread. The host calls [`Vm::turn`]
//! repeatedly; between turns it does its own work.
//!
//! **Waking.** A goroutine that waits has a *ticket*, a number that changes whenever it is woken;
//! waking requires it, so that a late or double wake does nothing. External wakes (wakers of
//! futures, from any host thread) go through an inbox that each turn empties.
//!
//! **Roots.** The threads of all goroutines are in a Lua table, so that the collector can walk a
//! million of them in slices.

mod budget;
pub mod channel;
mod clock;
mod deadlock;
pub(crate) mod finalizers;
mod goroutine;
mod inbox;
mod rest;
pub mod select;
#[cfg(test)]
mod tests;
mod timers;
mod turn;

pub(crate) use budget::{
    budget_exhausted, collect, collect_as_asked, native_out_of_budget, results_out_of_budget,
    safepoint,
};
pub use clock::Clock;
pub use finalizers::FinalizerClaim;
pub(crate) use goroutine::{
    Ended, Wait, end_goroutine, goroutine_failed, goroutine_finished, spawn,
};
pub use goroutine::{GoroutineId, Ticket};
pub use rest::Rest;
pub use timers::{Expiry, Parked};
pub use turn::Turn;

use crate::account::Held;
use crate::heap::gc::Marker;
use crate::layout::object::{Table, Thread};
use crate::layout::stack;
use crate::layout::value::Value;
use crate::machine::interpreter::{CONTINUE, keep_loop};
use crate::machine::native::Error;
use crate::machine::thread;
use crate::machine::unwind;
use crate::machine::vm::{Config, Exit, Vm};
use crate::messages;
use goroutine::{End, Goroutine, LastStart, ResumeAction, State, release_goroutine};
use inbox::Inbox;
use std::collections::VecDeque;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

/// See the head of this file.
pub(crate) struct Scheduler {
    goroutines: Vec<Goroutine>,
    /// The size of the tables of goroutines: outside the heap, they grow and never shrink.
    tables: Option<Held>,
    last_start: LastStart,
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
    /// Goroutines that count for those that wait for everyone, and those that do.
    awaited: usize,
    waiting_for_everyone: Vec<Ticket>,
    /// The goroutine that is the program's main chunk.
    main: Option<GoroutineId>,
    max_goroutines: usize,
    timers: timers::Timers,
    deadlock: deadlock::Deadlock,
    clock: Clock,
    rest: rest::State,
    /// How long a goroutine may run between two waits.
    run_limit: Option<Duration>,
    /// When the slice began.
    slice_start: Instant,
    /// The goroutine whose end the host waits for.
    watched: Option<GoroutineId>,
    ends: VecDeque<End>,
    inbox: Arc<Inbox>,
    cancelled: Arc<AtomicBool>,
    deadline: Option<Instant>,
    slice: i64,
    /// Slices left in this turn.
    slices: u32,
    /// Where natives run that the host calls between turns.
    host_thread: *mut Thread,
    /// What the goroutine that is about to park waits for.
    next_wait: Wait,
    /// The program has ended: the finalizers of all userdata have been queued.
    closing: bool,
    /// The goroutine that calls finalizers.
    finalizing: Option<GoroutineId>,
    /// Which of multiple possible offers is taken.
    choices: select::Choices,
    /// How much of a collection a native requests; all of it if None.
    pub(crate) collection_slice: Option<usize>,
    /// Whether that finished a cycle.
    pub(crate) cycle_finished: bool,
}

impl Scheduler {
    pub(crate) fn new(config: &Config) -> Self {
        Scheduler {
            goroutines: Vec::new(),
            tables: None,
            last_start: LastStart::default(),
            free: Vec::new(),
            threads: null_mut(),
            ready: VecDeque::new(),
            running: None,
            next_id: 1,
            waits: 0,
            outside: 0,
            live: 0,
            awaited: 0,
            waiting_for_everyone: Vec::new(),
            main: None,
            max_goroutines: config.max_goroutines,
            timers: timers::Timers::default(),
            deadlock: deadlock::Deadlock::default(),
            clock: config.clock.clone(),
            rest: rest::State::default(),
            run_limit: None,
            slice_start: config.clock.now(),
            watched: None,
            ends: VecDeque::new(),
            inbox: Arc::default(),
            cancelled: Arc::default(),
            deadline: None,
            slice: i64::from(config.slice.get()),
            slices: turn::SLICES,
            host_thread: null_mut(),
            next_wait: Wait::Outside,
            closing: false,
            finalizing: None,
            choices: select::Choices::default(),
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

    /// Records what the goroutine that is about to park waits for.
    pub(crate) fn will_wait(&mut self, wait: Wait) {
        self.next_wait = wait;
    }

    fn ticket(&self, index: u32) -> Ticket {
        Ticket { index, number: self.goroutines[index as usize].ticket }
    }

    fn goroutine_of(&self, ticket: Ticket) -> GoroutineId {
        self.goroutines[ticket.index as usize].id
    }

    /// The running goroutine.
    pub(crate) fn running_goroutine(&self) -> Option<GoroutineId> {
        self.running.map(|index| self.goroutines[index as usize].id)
    }

    /// The running goroutine's ticket for the wait that is about to start.
    pub(crate) fn running_ticket(&self) -> Option<Ticket> {
        self.running.map(|index| self.ticket(index))
    }

    /// Whether the goroutine still waits with this ticket.
    pub(crate) fn is_waiting(&self, ticket: Ticket) -> bool {
        self.goroutines.get(ticket.index as usize).is_some_and(|goroutine| {
            goroutine.ticket == ticket.number
                && matches!(goroutine.state, State::Blocked { .. } | State::Outside)
        })
    }

    /// Takes a goroutine out of its wait and makes it ready. None if it does not wait with this
    /// ticket.
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

    /// Frees the place of a goroutine. Answers with an exit if the host should see its end.
    fn end(&mut self, index: u32, ended: Ended) -> u64 {
        let goroutine = &mut self.goroutines[index as usize];
        let id = goroutine.id;
        if self.finalizing == Some(id) {
            self.finalizing = None;
        }
        self.awaited -= usize::from(goroutine.awaited);
        goroutine.state = State::Free;
        goroutine.ticket = goroutine.ticket.wrapping_add(1);
        goroutine.thread = null_mut();
        self.free.push(index);
        self.live -= 1;
        self.rest.ended += 1;
        self.running = None;
        let watched = self.watched == Some(id);
        if watched || matches!(ended, Ended::Failed(..)) {
            self.ends.push_back(End { id, ended });
            return if watched { Exit::Finished } else { Exit::TurnOver }.answer();
        }
        CONTINUE
    }

    /// The place of a goroutine that has not ended.
    fn find(&self, id: GoroutineId) -> Option<u32> {
        let goroutine = self.goroutines.get(id.place as usize)?;
        (goroutine.id == id && goroutine.state != State::Free).then_some(id.place)
    }
}

/// The error of a native that waits although no goroutine called it.
fn outside() -> Error {
    Error::text(messages::WAIT_OUTSIDE)
}

/// Wakes a goroutine that waits in a native: `values` are the native's results. False if it does
/// not wait with this ticket.
///
/// # Safety
/// The values are alive, at most 4.
pub(crate) unsafe fn wake(vm: &mut Vm, ticket: Ticket, values: &[Value]) -> bool {
    debug_assert!(values.len() <= 4);
    let Some(thread) = vm.scheduler.unpark(ticket) else { return false };
    // SAFETY: the thread of a goroutine that waits is alive: it is in the scheduler's table, or was
    // resumed by way of one that is (RESUMER). It stopped in a context whose call word called a
    // native, or in the native's continuation. A Lua frame has registers for all values that its
    // call word expects (CODE), and a continuation expects one at most or an open list.
    unsafe {
        let pc = (*thread).pc;
        let target = (*thread).base.add(crate::layout::frame::call_slot(pc));
        // The call word's native was called with this room after its callee, or has its own frame
        // there.
        debug_assert!(target.add(values.len()) <= (*thread).stack_end.add(stack::EXTRA));
        let wanted = crate::layout::frame::call_results(pc);
        if wanted == crate::layout::frame::OPEN_LIST {
            for (i, value) in values.iter().enumerate() {
                *target.add(i) = *value;
                keep_loop!();
            }
            (*thread).top = target.add(values.len());
        } else {
            for i in 0..wanted as usize - 1 {
                *target.add(i) = values.get(i).copied().unwrap_or(Value::NIL);
            }
        }
        vm.heap.thread_resumed(thread);
    }
    true
}

/// The running goroutine waits; its context and what must survive of its stack are saved in its
/// thread. Another one runs.
///
/// # Safety
/// The running thread has been saved ([`thread::save`]).
pub(crate) unsafe fn park(vm: &mut Vm) -> u64 {
    let current = vm.current;
    if let Some(index) = vm.scheduler.running.take() {
        let scheduler = &mut vm.scheduler;
        scheduler.waits += 1;
        let since = scheduler.waits;
        let goroutine = &mut scheduler.goroutines[index as usize];
        goroutine.thread = current;
        goroutine.ran = 0;
        goroutine.state = match scheduler.next_wait {
            Wait::Outside => State::Outside,
            wait => State::Blocked { since, wait },
        };
        scheduler.outside += usize::from(goroutine.state == State::Outside);
    }
    // SAFETY: the running thread has been saved, as the caller asserts, and its goroutine waits.
    unsafe { pick_next(vm) }
}

/// The next ready goroutine runs, or does what was set for its next run.
///
/// # Safety
/// The running thread, if any, has been saved and is accounted for.
pub(crate) unsafe fn pick_next(vm: &mut Vm) -> u64 {
    loop {
        let Some(index) = vm.scheduler.ready.pop_front() else {
            vm.current = null_mut();
            return Exit::Idle.answer();
        };
        vm.scheduler.running = Some(index);
        let goroutine = &vm.scheduler.goroutines[index as usize];
        if goroutine.resume_action == ResumeAction::Live {
            // SAFETY: the thread of a ready goroutine is alive (as in `wake`), and its context was
            // stored when it was created or stopped. The one that ran is done or saved, as the
            // caller asserts.
            unsafe { thread::switch_to(vm, goroutine.thread) };
            return CONTINUE;
        }
        // SAFETY: as the caller asserts; the goroutine is ready.
        if let Some(answer) = unsafe { apply_resume_action(vm, index) } {
            return answer;
        }
    }
}

/// Does what was set for the goroutine that is about to run. None if it has ended by that, and
/// another one may run.
///
/// # Safety
/// As [`pick_next`]. The goroutine with this index was ready.
#[cold]
unsafe fn apply_resume_action(vm: &mut Vm, index: u32) -> Option<u64> {
    let goroutine = &mut vm.scheduler.goroutines[index as usize];
    let action = std::mem::replace(&mut goroutine.resume_action, ResumeAction::Live);
    let thread = goroutine.thread;
    // SAFETY: the thread of a ready goroutine is alive, and its context was stored when it was
    // created or stopped. The one that ran is done or saved, as the caller asserts.
    let is_preempted = unsafe {
        let is_preempted = (*thread).preempted != 0;
        thread::switch_to(vm, thread);
        is_preempted
    };
    if is_preempted && matches!(action, ResumeAction::End | ResumeAction::Fail(_)) {
        // It ends in the instruction that it would start with: that is the one before the context's
        // pc.
        // SAFETY: `switch_to` has moved the pc back by a word.
        vm.pc = unsafe { vm.pc.add(1) };
    }
    let ended = match action {
        ResumeAction::Live => return Some(CONTINUE),
        // SAFETY: the goroutine waited when that was set, so it was not preempted: the pc is that
        // of its context.
        ResumeAction::Raise(text) => return Some(unsafe { unwind::throw_text(vm, text) }),
        ResumeAction::End => {
            // SAFETY: `vm` has the context in which the thread stopped.
            unsafe { unwind::discard(vm) };
            Ended::Returned(Vec::new())
        }
        // SAFETY: as above.
        ResumeAction::Fail(text) => unsafe { unwind::fail(vm, text) },
    };
    // SAFETY: all has been unwound to the goroutine's first thread, which is running now.
    match unsafe { release_goroutine(vm, ended) } {
        CONTINUE => None,
        answer => Some(answer),
    }
}

/// The goroutine goes to the end of the queue; another one runs, unless the turn is over or the
/// host requests a stop, from which it may continue later.
///
/// # Safety
/// The running thread has been saved.
unsafe fn yield_turn(vm: &mut Vm) -> u64 {
    let current = vm.current;
    if let Some(index) = vm.scheduler.running.take() {
        let now = vm.scheduler.clock.now();
        let ran =
            now.saturating_duration_since(std::mem::replace(&mut vm.scheduler.slice_start, now));
        let limit = vm.scheduler.run_limit;
        let goroutine = &mut vm.scheduler.goroutines[index as usize];
        goroutine.thread = current;
        goroutine.ran =
            goroutine.ran.saturating_add(u32::try_from(ran.as_micros()).unwrap_or(u32::MAX));
        if limit.is_some_and(|limit| u128::from(goroutine.ran) > limit.as_micros()) {
            goroutine.resume_action = ResumeAction::Fail(messages::RUN_LIMIT);
        }
        vm.scheduler.ready.push_back(index);
    }
    if is_interrupted(vm) {
        vm.current = null_mut();
        return Exit::Interrupted.answer();
    }
    timers::fire(vm);
    vm.scheduler.slices = vm.scheduler.slices.saturating_sub(1);
    if vm.scheduler.slices == 0 {
        vm.current = null_mut();
        return Exit::TurnOver.answer();
    }
    // SAFETY: the running thread has been saved, as the caller asserts, and its goroutine is ready.
    unsafe { pick_next(vm) }
}

/// Whether the host requests the program to stop.
pub(crate) fn is_interrupted(vm: &Vm) -> bool {
    vm.scheduler.cancelled.load(Ordering::Relaxed)
        || vm.scheduler.deadline.is_some_and(|deadline| vm.scheduler.clock.now() >= deadline)
}
