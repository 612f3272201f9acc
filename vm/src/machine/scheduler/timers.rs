//! Timers: goroutines that sleep, and waits that end at a given time.
//!
//! One heap, ordered by time. An entry holds the ticket of a wait; if the wait has ended otherwise,
//! the ticket is void and so is the entry. Void entries go when they are due, or when they may be
//! half of the heap.

use super::{Ticket, Wait, wake};
use crate::layout::value::Value;
use crate::machine::native::{Call, Error, Leave, Outcome, PARKED, Results, Step};
use crate::machine::vm::Vm;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// The results of a native whose wait has timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expiry {
    /// Nothing.
    Nothing,
    /// `false`.
    False,
    /// `nil, "timeout"`.
    TimedOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    due: Instant,
    /// Timers of the same time fire in the order in which they were set.
    sequence: u64,
    ticket: Ticket,
    expiry: Expiry,
}

/// Bytes of an entry.
pub(super) const ENTRY: usize = size_of::<Timer>();

/// See the head of this file.
#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    sequence: u64,
    /// The heap is searched for void entries when it has grown to this.
    cleaned_at: usize,
}

impl Timers {
    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(timer)| timer.due)
    }
}

/// Sets a timer for the wait with this ticket.
fn set(vm: &mut Vm, ticket: Ticket, due: Instant, expiry: Expiry) {
    let scheduler = &mut vm.scheduler;
    if scheduler.timers.heap.len() >= scheduler.timers.cleaned_at.max(64) {
        let mut heap = std::mem::take(&mut scheduler.timers.heap);
        // The wait that this timer is for has not begun yet, so it is not among them.
        heap.retain(|Reverse(timer)| scheduler.is_waiting(timer.ticket));
        scheduler.timers.cleaned_at = heap.len() * 2;
        scheduler.timers.heap = heap;
    }
    scheduler.timers.sequence += 1;
    let sequence = scheduler.timers.sequence;
    scheduler.timers.heap.push(Reverse(Timer { due, sequence, ticket, expiry }));
}

/// Wakes those whose time has come.
pub(super) fn fire(vm: &mut Vm) {
    let Some(next) = vm.scheduler.timers.next() else { return };
    let now = vm.scheduler.clock.now();
    if next > now {
        return;
    }
    while let Some(&Reverse(timer)) = vm.scheduler.timers.heap.peek()
        && timer.due <= now
    {
        vm.scheduler.timers.heap.pop();
        let reason = vm.heap.string_value(b"timeout");
        let values: &[Value] = match timer.expiry {
            Expiry::Nothing => &[],
            Expiry::False => &[Value::FALSE],
            Expiry::TimedOut => &[Value::NIL, reason],
        };
        // SAFETY: nothing is collected before the values have arrived.
        unsafe { wake(vm, timer.ticket, values) };
    }
}

/// The outcome of a native whose goroutine waits: the results come with the wake.
pub struct Parked(());

impl<'c> Results<'c> for Parked {
    fn finish(self, _: &mut Call<'c>, _: Leave) -> Outcome {
        Outcome(PARKED)
    }
}

impl<'c> Call<'c> {
    /// The goroutine waits for what has been arranged.
    pub(super) fn parked(&mut self, wait: Wait) -> Parked {
        self.with_vm(|vm| vm.scheduler.will_wait(wait));
        Parked(())
    }

    /// The scheduler's time.
    pub fn now(&mut self) -> Instant {
        self.with_vm(|vm| vm.scheduler.clock.now())
    }

    /// The native's goroutine sleeps.
    pub fn sleep(&mut self, duration: Duration) -> Result<Parked, Error> {
        self.set_timer(Some(duration), Expiry::Nothing)?;
        Ok(self.parked(Wait::Outside))
    }

    /// A native with a state sleeps; then it takes its next step.
    pub fn sleep_until(&mut self, due: Instant) -> Result<Step, Error> {
        let step = self.park(Wait::Outside)?;
        let wait = due.saturating_duration_since(self.now());
        self.set_timer(Some(wait), Expiry::Nothing)?;
        Ok(step)
    }

    /// The wait that is about to start ends after this time, if any; the native returns `expiry`
    /// then.
    #[inline]
    pub(super) fn set_timer(
        &mut self,
        duration: Option<Duration>,
        expiry: Expiry,
    ) -> Result<(), Error> {
        match duration {
            Some(duration) => self.end_wait_after(duration, expiry),
            None => Ok(()),
        }
    }

    fn end_wait_after(&mut self, duration: Duration, expiry: Expiry) -> Result<(), Error> {
        self.with_vm(|vm| {
            let Some(ticket) = vm.scheduler.running_ticket() else { return Err(super::outside()) };
            let now = vm.scheduler.clock.now();
            // A time that cannot be represented never comes.
            if let Some(due) = now.checked_add(duration) {
                set(vm, ticket, due, expiry);
            }
            Ok(())
        })
    }
}
