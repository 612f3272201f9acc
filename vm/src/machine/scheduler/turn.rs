//! The host's side of the scheduler: turns, the ends of goroutines, access to the VM between turns.

use super::{
    End, Ended, GoroutineId, Parked, ResumeAction, State, Wait, is_interrupted, spawn, timers, wake,
};
use crate::heap::table;
use crate::layout::frame;
use crate::layout::stack::ROOT;
use crate::layout::value::Value;
use crate::machine::activation::Activations;
use crate::machine::debug_info;
use crate::machine::native::{Call, Error, Function, Value as Handle};
use crate::machine::thread;
use crate::machine::traceback::{Traceback, UNITS_PER_LEVEL};
use crate::machine::vm::{Exit, Vm};
use std::ptr::null_mut;
use std::task::Context;
use std::time::{Duration, Instant};

/// Slices in a turn, after which the host gets a chance to look around.
pub(super) const SLICES: u32 = 16;

/// The state after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// More is ready to run: call again soon.
    Ready,
    /// All goroutines wait for something outside Lua.
    Waiting,
    /// All goroutines wait for each other.
    Deadlocked,
    /// No goroutine lives.
    Done,
    /// The deadline has passed or the program was cancelled.
    Interrupted,
}

impl Vm {
    /// Runs what is ready, for a limited time. `context` wakes the host when a wait for something
    /// outside ends.
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
        self.rebind_budget();
        self.release_references();
        self.account().set_host(context.waker());
        self.grant_memory();
        timers::fire(self);
        // Threads with hooks may have been collected.
        crate::machine::interpreter::update_dispatch(self);
        self.scheduler.slices = SLICES;
        self.scheduler.slice_start = self.scheduler.clock.now();
        self.fuel = self.scheduler.slice;
        self.pc = frame::schedule();
        // SAFETY: no goroutine is running, and the word at `pc` picks one without looking at the
        // rest of the context.
        let exit = unsafe { self.run() };
        #[cfg(feature = "account-check")]
        self.heap.check_account();
        match exit {
            Exit::Interrupted => Turn::Interrupted,
            _ if !self.scheduler.ready.is_empty() => Turn::Ready,
            _ if self.scheduler.live == 0 => Turn::Done,
            _ if self.scheduler.outside > 0 => {
                self.account().trim();
                Turn::Waiting
            }
            _ => Turn::Deadlocked,
        }
    }

    /// Code that runs at this time or later is interrupted.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.scheduler.deadline = deadline;
    }

    /// Whether the deadline has passed or the program was cancelled.
    pub fn is_interrupted(&self) -> bool {
        is_interrupted(self)
    }

    /// The number of goroutines that have not ended.
    pub fn goroutine_count(&self) -> usize {
        self.scheduler.live
    }

    /// The host waits for the end of this goroutine: a turn ends when it does, and its results are
    /// kept.
    pub fn watch(&mut self, id: Option<GoroutineId>) {
        self.scheduler.watched = id;
    }

    /// When the next timer is due.
    pub fn next_timer(&self) -> Option<Instant> {
        self.scheduler.timers.next()
    }

    /// How long a goroutine may run between two waits; over it, it fails past every `pcall`.
    pub fn set_run_limit(&mut self, limit: Option<Duration>) {
        self.scheduler.run_limit = limit;
    }

    /// Ends all goroutines as if they had returned, past every `pcall`: in the turns that follow.
    pub fn end_goroutines(&mut self) {
        for index in 0..self.scheduler.goroutines.len() {
            if self.scheduler.goroutines[index].state != State::Free {
                end_when_resumed(self, index as u32);
            }
        }
    }

    /// Takes the end of the next goroutine that failed, or that the host watches. `look` sees its
    /// results or its error.
    pub fn next_end<R>(
        &mut self,
        look: impl for<'c> FnOnce(
            &mut Call<'c>,
            GoroutineId,
            Result<Vec<Handle<'c>>, (Handle<'c>, Traceback)>,
        ) -> R,
    ) -> Option<R> {
        let End { id, ended } = self.scheduler.ends.pop_front()?;
        // No collection happens before `look` has seen the values.
        Some(self.enter(|call| {
            let ended = match ended {
                Ended::Returned(values) => Ok(values.into_iter().map(Handle::from_raw).collect()),
                Ended::Failed(error, traceback) => Err((Handle::from_raw(error), traceback)),
            };
            look(call, id, ended)
        }))
    }

    /// Collects garbage if the heap is nearly full: the host's allocations would be refused
    /// although there is room.
    pub fn relieve_memory(&mut self) {
        if self.heap.is_nearly_full() {
            self.rebind_budget();
            self.release_references();
            self.collect_between_turns();
        }
    }

    fn collect_between_turns(&mut self) {
        let (heap, mut roots) = self.heap_and_roots();
        // SAFETY: between turns no thread runs, and all that the host holds is referenced by the
        // registry or the ends.
        unsafe { (*heap).collect(&mut roots) };
    }

    /// Answers the tasks that wait for memory, after a collection if there is none.
    fn grant_memory(&mut self) {
        // What others hold paces the collector.
        self.heap.update_due();
        if !self.account().has_wishes() || !self.account().grant_wishes() {
            return;
        }
        // Tasks may ask again and again: where little was allocated, there is little to collect.
        if self.heap.has_grown_since_collection() {
            self.collect_between_turns();
        }
        self.account().refuse_wishes();
    }

    /// Gives the host access to the VM between turns, as if it were a native.
    pub fn enter<R>(&mut self, f: impl for<'c> FnOnce(&mut Call<'c>) -> R) -> R {
        // SAFETY: between turns no thread runs; the host thread has a frame of a Lua function
        // without code, and the frame of the call is above it.
        unsafe {
            assert!(self.current.is_null(), "the host looks at a VM that is running");
            self.rebind_budget();
            self.release_references();
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

/// A goroutine that is not running ends when its turn comes.
fn end_when_resumed(vm: &mut Vm, index: u32) {
    set_resume_action(vm, index, ResumeAction::End);
}

/// Sets what a goroutine that is not running does when it runs next, and makes it ready.
fn set_resume_action(vm: &mut Vm, index: u32, action: ResumeAction) {
    vm.scheduler.goroutines[index as usize].resume_action = action;
    let ticket = vm.scheduler.ticket(index);
    // SAFETY: no values are handed over. One that does not wait is in the queue already.
    unsafe { wake(vm, ticket, &[]) };
}

impl<'c> Call<'c> {
    /// Starts a goroutine that calls `function` with these arguments.
    pub fn spawn(
        &mut self,
        function: Function<'c>,
        arguments: &[Handle<'c>],
    ) -> Result<GoroutineId, Error> {
        let arguments: Vec<Value> = arguments.iter().map(|value| value.0).collect();
        // SAFETY: function and arguments are live.
        unsafe { spawn(self.vm(), function.value().0, &arguments) }
    }

    /// The same with a goroutine that [`Call::wait_for_everyone`] counts.
    pub fn spawn_awaited(
        &mut self,
        function: Function<'c>,
        arguments: &[Handle<'c>],
    ) -> Result<GoroutineId, Error> {
        let id = self.spawn(function, arguments)?;
        let scheduler = &mut self.vm().scheduler;
        // It has just been put at the end of the queue.
        if let Some(&index) = scheduler.ready.back() {
            scheduler.goroutines[index as usize].awaited = true;
            scheduler.awaited += 1;
        }
        Ok(id)
    }

    /// The running goroutine.
    pub fn goroutine(&mut self) -> Option<GoroutineId> {
        self.vm().scheduler.running_goroutine()
    }

    /// The running goroutine counts as a new one from now on: it has another number, and has not
    /// run yet. For one that does the work of many in sequence.
    pub fn renew_goroutine(&mut self) -> Option<GoroutineId> {
        let scheduler = &mut self.vm().scheduler;
        let goroutine = &mut scheduler.goroutines[scheduler.running? as usize];
        goroutine.id.number = scheduler.next_id;
        scheduler.next_id += 1;
        goroutine.ran = 0;
        goroutine.deadlocked_at = None;
        Some(goroutine.id)
    }

    /// Whether a goroutine has not ended.
    pub fn is_alive(&mut self, id: GoroutineId) -> bool {
        self.vm().scheduler.find(id).is_some()
    }

    /// The number of goroutines that have not ended.
    pub fn goroutine_count(&self) -> usize {
        self.vm_ref().scheduler.live
    }

    /// The goroutine waits until no other one is left that [`Call::spawn_awaited`] started. None if
    /// there is none.
    pub fn wait_for_everyone(&mut self) -> Result<Option<Parked>, Error> {
        let scheduler = &mut self.vm().scheduler;
        let Some(index) = scheduler.running else { return Err(super::outside()) };
        if scheduler.awaited == usize::from(scheduler.goroutines[index as usize].awaited) {
            return Ok(None);
        }
        let ticket = scheduler.ticket(index);
        scheduler.waiting_for_everyone.push(ticket);
        Ok(Some(self.parked(Wait::Everyone)))
    }

    /// Ends a goroutine that has not ended, as if it had returned, past every `pcall`. False if it
    /// has, or if it is the running one (which ends by [`Error::end_goroutine`]).
    pub fn end_goroutine(&mut self, id: GoroutineId) -> bool {
        let scheduler = &mut self.vm().scheduler;
        let Some(index) = scheduler.find(id).filter(|&index| scheduler.running != Some(index))
        else {
            return false;
        };
        end_when_resumed(self.vm(), index);
        true
    }

    /// The same with an error that has this message.
    pub fn fail_goroutine(&mut self, id: GoroutineId, message: &'static str) -> bool {
        let scheduler = &mut self.vm().scheduler;
        let Some(index) = scheduler.find(id).filter(|&index| scheduler.running != Some(index))
        else {
            return false;
        };
        set_resume_action(self.vm(), index, ResumeAction::Fail(message));
        true
    }

    /// All goroutines that have not ended, and where their functions are defined
    /// ("script.lua:12"); of natives, the first function that they have called.
    pub fn goroutines(&mut self) -> Vec<(GoroutineId, Vec<u8>)> {
        let mut levels = 0;
        let vm = &*self.vm();
        let scheduler = &vm.scheduler;
        let alive = scheduler
            .goroutines
            .iter()
            .zip(1u32..)
            .filter(|(goroutine, _)| goroutine.state != State::Free);
        let goroutines = alive
            .map(|(goroutine, place)| {
                // SAFETY: the table holds the first threads of all goroutines, at the bottom of
                // whose stacks their functions are. No thread runs here.
                let function = unsafe {
                    let thread =
                        table::get(scheduler.threads, Value::number(f64::from(place))).to_thread();
                    thread.map_or(Value::NIL, |thread| {
                        let first = thread::first_function(thread);
                        if first.is_lua_function() {
                            return first;
                        }
                        // What a native has called says more.
                        let active = Activations::of(vm, thread).inspect(|_| levels += 1);
                        active
                            .filter(|active| active.pc.is_some())
                            .last()
                            .map_or(first, |active| active.function)
                    })
                };
                (goroutine.id, debug_info::definition(function))
            })
            .collect();
        self.charge(levels * UNITS_PER_LEVEL);
        goroutines
    }
}
