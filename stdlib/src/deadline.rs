//! The program's time limit, as the executor and the libraries share it.
//!
//! The limit ([`Timeout`]) is a deadline of the VM. A default limit holds only for programs that
//! compute and wait: it is paused while something holds an [`TimeoutPause`] (a server, a pending
//! timer, a client's call, a read from a terminal).

use solvm_vm::Clock;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// This long, unless it serves, waits for a timer, or asks others ([`TimeoutPause`]).
    Default(Duration),
    /// This long, whatever it does.
    Fixed(Duration),
    /// Without a limit.
    Never,
}

/// The limits of a program in time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the program.
    pub timeout: Timeout,
    /// Of a goroutine between two waits, while an exemption lifts the default timeout.
    pub run_limit: Duration,
    /// Of a server's handler until its answer begins, unless a timeout was given.
    pub handler_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            timeout: Timeout::Default(Duration::from_secs(5)),
            run_limit: Duration::from_secs(30),
            handler_timeout: Duration::from_secs(30),
        }
    }
}

/// The program's deadline, as the executor and the libraries share it.
#[derive(Clone)]
pub(crate) struct Deadline(Rc<DeadlineState>);

struct DeadlineState {
    clock: Clock,
    /// When the time is up, as if no exemption had been held. None is never.
    due: Cell<Option<Instant>>,
    /// Whether exemptions lift it.
    is_default: bool,
    pauses: Cell<usize>,
    paused_since: Cell<Option<Instant>>,
}

/// While it lives, the default time limit is paused.
pub(crate) struct TimeoutPause(Rc<DeadlineState>);

impl Deadline {
    pub(crate) fn new(timeout: Timeout, clock: Clock) -> Self {
        let due = match timeout {
            Timeout::Default(limit) | Timeout::Fixed(limit) => clock.now().checked_add(limit),
            Timeout::Never => None,
        };
        Deadline(Rc::new(DeadlineState {
            clock,
            due: Cell::new(due),
            is_default: matches!(timeout, Timeout::Default(_)),
            pauses: Cell::new(0),
            paused_since: Cell::new(None),
        }))
    }

    /// Pauses a default time limit.
    pub(crate) fn pause_timeout(&self) -> TimeoutPause {
        let state = &self.0;
        if state.pauses.replace(state.pauses.get() + 1) == 0 {
            state.paused_since.set(Some(state.clock.now()));
        }
        TimeoutPause(state.clone())
    }

    /// From now on the program may take this long; without a limit if None.
    pub(crate) fn limit(&self, limit: Option<Duration>) {
        self.0.due.set(limit.and_then(|limit| self.0.clock.now().checked_add(limit)));
    }

    /// The clock that the limit is measured by.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether an exemption pauses the limit.
    pub(crate) fn is_lifted(&self) -> bool {
        self.0.is_default && self.0.pauses.get() > 0
    }

    /// When the time is up; None is never.
    pub(crate) fn get(&self) -> Option<Instant> {
        if self.is_lifted() { None } else { self.0.due.get() }
    }
}

impl Drop for TimeoutPause {
    fn drop(&mut self) {
        let left = self.0.pauses.get() - 1;
        self.0.pauses.set(left);
        if left == 0
            && self.0.is_default
            && let (Some(due), Some(since)) = (self.0.due.get(), self.0.paused_since.take())
        {
            self.0.due.set(due.checked_add(self.0.clock.now().saturating_duration_since(since)));
        }
    }
}
