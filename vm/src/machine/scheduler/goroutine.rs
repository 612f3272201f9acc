//! Goroutines: what is known of each, how they start, and how they end.

use super::{pick_next, timers, wake};
use crate::account::Held;
use crate::heap::table;
use crate::layout::frame::{self, Context};
use crate::layout::object::Thread;
use crate::layout::stack::ROOT;
use crate::layout::value::Value;
use crate::machine::interpreter::CONTINUE;
use crate::machine::native::Error;
use crate::machine::thread;
use crate::machine::traceback::{Origin, Traceback};
use crate::machine::vm::{Exit, Vm};
use crate::messages;
use solvm_compiler::chunk_id;
use std::ptr::null_mut;
use std::sync::Arc;

/// A goroutine, for as long as it lives; its number is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoroutineId {
    pub(super) number: u64,
    pub(super) place: u32,
}

impl GoroutineId {
    /// The number.
    pub fn number(self) -> u64 {
        self.number
    }
}

/// The waking handle of a goroutine: its slot and its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    pub(super) index: u32,
    pub(super) number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    Ready,
    /// Waits for another goroutine; `since` orders the waits.
    Blocked {
        since: u64,
        wait: Wait,
    },
    /// Waits for a timer or something outside Lua.
    Outside,
}

/// What a goroutine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A value from a channel.
    Receive,
    /// A receiver of its value.
    Send,
    /// The end of all goroutines.
    Everyone,
    /// A timer, or something outside Lua.
    Outside,
}

/// What a goroutine does when it runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResumeAction {
    /// It continues.
    Live,
    /// The call in which it waited raises a message.
    Raise(&'static str),
    /// It ends as if it had returned, past every `pcall`.
    End,
    /// It ends with a message, past every `pcall`.
    Fail(&'static str),
}

pub(super) struct Goroutine {
    pub(super) id: GoroutineId,
    /// Where it continues: its first thread or a coroutine inside it.
    pub(super) thread: *mut Thread,
    pub(super) ticket: u32,
    pub(super) state: State,
    pub(super) resume_action: ResumeAction,
    /// Whether [`Call::wait_for_everyone`](crate::Call::wait_for_everyone) counts it.
    pub(super) awaited: bool,
    /// Microseconds that it has run since its last wait.
    pub(super) ran: u32,
    /// How many values channels had handed over when a deadlock woke it the last time.
    pub(super) deadlocked_at: Option<u32>,
    /// Where it was started, if Lua code has started it.
    origin: Option<Origin>,
}

/// The chunk that has started the last goroutine: its whole name, and as messages give it. Most
/// goroutines of a program are started by the same file and share its name.
#[derive(Default)]
pub(super) struct LastStart {
    name: Box<[u8]>,
    source: Arc<[u8]>,
}

/// A longer name is not kept: that of a chunk that is not a file is its source.
const LONG_NAME: usize = 256;

impl LastStart {
    fn source_of(&mut self, name: &[u8]) -> Arc<[u8]> {
        if *self.name == *name {
            return self.source.clone();
        }
        let source: Arc<[u8]> = chunk_id(name).into();
        if name.len() <= LONG_NAME {
            *self = LastStart { name: name.into(), source: source.clone() };
        }
        source
    }
}

/// The origin of a goroutine that the running code starts, if it is Lua code. It keeps no function
/// alive.
///
/// # Safety
/// No thread is running, or CONTEXT holds of it (see [`crate::layout::frame`]).
unsafe fn origin_here(vm: &mut Vm) -> Option<Origin> {
    let by = vm.scheduler.running_goroutine()?.number;
    let context = Context { base: vm.base, pc: vm.pc };
    if vm.current.is_null() || context.continuation().is_some() {
        return None;
    }
    // SAFETY: CONTEXT holds of the running thread, as the caller asserts. A context that is not a
    // continuation is that of a Lua frame, whose function is alive, and its pc is in the code.
    let (pc, compiled) = unsafe {
        let loaded = frame::prototype_of(context.base);
        (context.pc.offset_from((*loaded).code) as usize - 1, &(*loaded).cold.compiled)
    };
    let source = vm.scheduler.last_start.source_of(&compiled.source.name);
    Some(Origin { by, source, line: compiled.lines.get(pc).copied() })
}

/// How a goroutine ended.
pub(crate) enum Ended {
    /// Its results.
    Returned(Vec<Value>),
    /// The uncaught error, and the traceback of the place where it was raised.
    Failed(Value, Traceback),
}

/// A goroutine that ended while someone cares.
pub(super) struct End {
    pub(super) id: GoroutineId,
    pub(super) ended: Ended,
}

/// Holds what the table of goroutines takes when it has grown, with the lists of their indices and
/// their timers.
fn count_tables(vm: &mut Vm) {
    const ENTRY: usize = size_of::<Goroutine>() + 2 * size_of::<u32>() + timers::ENTRY;
    let size = vm.scheduler.goroutines.capacity() * ENTRY;
    if vm.scheduler.tables.as_ref().map(Held::bytes) != Some(size) {
        let account = vm.account().clone();
        let held = vm.scheduler.tables.get_or_insert_with(|| account.hold_nothing());
        held.set_existing(size);
    }
}

/// A new goroutine that is ready to call `function`.
///
/// # Safety
/// Function and arguments are alive. No thread is running, or CONTEXT holds of it (see
/// [`crate::layout::frame`]).
pub(crate) unsafe fn spawn(
    vm: &mut Vm,
    function: Value,
    arguments: &[Value],
) -> Result<GoroutineId, Error> {
    if vm.scheduler.live >= vm.scheduler.max_goroutines {
        return Err(Error::text(messages::too_many_goroutines(vm.scheduler.max_goroutines)));
    }
    if vm.heap.would_exceed(1024) {
        return Err(Error::out_of_memory());
    }
    // SAFETY: the function is alive, as the caller asserts, and the thread is published below. It
    // has room for the arguments above the first four slots. The table is a root, and a hash part
    // may have no nodes.
    let thread = unsafe {
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
        thread
    };
    // The place is taken when the thread is where the collector finds it.
    let index = vm.scheduler.free.last().copied().unwrap_or(vm.scheduler.goroutines.len() as u32);
    let key = Value::number(f64::from(index) + 1.0);
    // SAFETY: the table is a root, and the thread has just been created.
    unsafe {
        table::set(&mut vm.heap, vm.scheduler.threads, key, Value::from_thread(thread))?;
        (*thread).goroutine = index;
    }
    let number = vm.scheduler.next_id;
    vm.scheduler.next_id += 1;
    // SAFETY: as the caller asserts.
    let origin = unsafe { origin_here(vm) };
    let goroutine = |ticket| Goroutine {
        id: GoroutineId { number, place: index },
        thread,
        ticket,
        state: State::Ready,
        resume_action: ResumeAction::Live,
        awaited: false,
        ran: 0,
        deadlocked_at: None,
        origin,
    };
    if vm.scheduler.free.pop().is_some() {
        let slot = &mut vm.scheduler.goroutines[index as usize];
        *slot = goroutine(slot.ticket);
    } else {
        vm.scheduler.goroutines.push(goroutine(0));
        count_tables(vm);
    }
    vm.scheduler.live += 1;
    vm.scheduler.ready.push_back(index);
    Ok(GoroutineId { number, place: index })
}

/// The running goroutine's function has returned.
///
/// # Safety
/// A goroutine's first thread is running, and has returned `count` values at `results`.
pub(crate) unsafe fn goroutine_finished(vm: &mut Vm, results: *mut Value, count: usize) -> u64 {
    // SAFETY: the results are where the caller asserts. They are copied: nothing refers to the
    // thread's stack any more.
    unsafe {
        let values = std::slice::from_raw_parts(results, count).to_vec();
        end_goroutine(vm, Ended::Returned(values))
    }
}

/// An error has left the running goroutine.
///
/// # Safety
/// A goroutine's first thread is running. Nothing but open upvalues refers to its stack any more.
/// The error is alive.
pub(crate) unsafe fn goroutine_failed(vm: &mut Vm, error: Value) -> u64 {
    let traceback = std::mem::take(&mut vm.last_traceback);
    // SAFETY: as the caller asserts.
    unsafe { end_goroutine(vm, Ended::Failed(error, traceback)) }
}

/// The running goroutine is done: its thread is released, another one runs.
///
/// # Safety
/// As [`goroutine_failed`], of the values in `ended`.
pub(crate) unsafe fn end_goroutine(vm: &mut Vm, ended: Ended) -> u64 {
    // SAFETY: as the caller asserts. After that no thread is running.
    unsafe {
        match release_goroutine(vm, ended) {
            CONTINUE => pick_next(vm),
            answer => answer,
        }
    }
}

/// The running goroutine's thread and place become free; those that wait for its end are woken if
/// it was the last. Answers with an exit if the host should see it.
///
/// # Safety
/// As [`goroutine_failed`], of the values in `ended`.
pub(super) unsafe fn release_goroutine(vm: &mut Vm, mut ended: Ended) -> u64 {
    let current = vm.current;
    // SAFETY: the running thread is alive and has its stack, which nothing but open upvalues refers
    // to, as the caller asserts.
    unsafe { thread::kill(vm, current) };
    vm.current = null_mut();
    let Some(index) = vm.scheduler.running else { return Exit::Idle.answer() };
    if let Ended::Failed(_, traceback) = &mut ended {
        let goroutine = vm.scheduler.goroutines.get(index as usize);
        traceback.origin = goroutine.and_then(|goroutine| goroutine.origin.clone());
    }
    // SAFETY: the table is a root, and exists since the goroutine was started.
    let cleared = unsafe {
        table::set_integer(&mut vm.heap, vm.scheduler.threads, i64::from(index) + 1, Value::NIL)
    };
    debug_assert!(cleared.is_ok(), "the slot is there");
    let answer = vm.scheduler.end(index, ended);
    if vm.scheduler.awaited <= vm.scheduler.waiting_for_everyone.len() {
        wake_those_that_wait_for_everyone(vm);
    }
    answer
}

/// Wakes the goroutine that waits for the end of all goroutines, if no other is left.
fn wake_those_that_wait_for_everyone(vm: &mut Vm) {
    for ticket in std::mem::take(&mut vm.scheduler.waiting_for_everyone) {
        if !vm.scheduler.is_waiting(ticket) {
            continue;
        }
        let others = vm.scheduler.awaited
            - usize::from(vm.scheduler.goroutines[ticket.index as usize].awaited);
        if others == 0 {
            // SAFETY: there are no values.
            unsafe { wake(vm, ticket, &[]) };
        } else {
            vm.scheduler.waiting_for_everyone.push(ticket);
        }
    }
}
