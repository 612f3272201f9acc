//! The program's time limit, shared by the executor and the libraries.
//!
//! The limit ([`Timeout`]) is a deadline of the VM. The default limit applies only to programs that
//! compute and wait: it is paused while a [`TimeoutPause`] exists (a server, a pending timer, a
//! client's call, a read from a terminal).

use solvm_vm::Clock;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The time limit of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// This duration, unless the program serves, waits for a timer or for other hosts
    /// ([`TimeoutPause`]).
    Default(Duration),
    /// This duration in any case.
    Fixed(Duration),
    /// No limit.
    Never,
}

/// The time limits of a program.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The limit of the whole program.
    pub timeout: Timeout,
    /// The limit of a goroutine between two waits, while the default timeout is paused.
    pub run_limit: Duration,
    /// The limit until a server's handler starts its response, unless a timeout was given.
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

/// The program's deadline, shared by the executor and the libraries.
#[derive(Clone)]
pub struct Deadline(Rc<DeadlineState>);

struct DeadlineState {
    clock: Clock,
    /// The deadline, regardless of pauses. None means no limit.
    due: Cell<Option<Instant>>,
    /// Whether pauses apply to it.
    is_default: bool,
    pauses: Cell<usize>,
    paused_since: Cell<Option<Instant>>,
}

/// Pauses the default time limit while it exists.
pub struct TimeoutPause(Rc<DeadlineState>);

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

    /// Pauses the default time limit.
    pub fn pause_timeout(&self) -> TimeoutPause {
        let state = &self.0;
        if state.pauses.replace(state.pauses.get() + 1) == 0 {
            state.paused_since.set(Some(state.clock.now()));
        }
        TimeoutPause(state.clone())
    }

    /// Sets the limit, which starts now. None means no limit.
    pub(crate) fn limit(&self, limit: Option<Duration>) {
        self.0.due.set(limit.and_then(|limit| self.0.clock.now().checked_add(limit)));
    }

    /// Returns the clock that measures the limit.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether the limit is paused.
    pub(crate) fn is_paused(&self) -> bool {
        self.0.is_default && self.0.pauses.get() > 0
    }

    /// Returns the deadline. None means no limit.
    pub(crate) fn get(&self) -> Option<Instant> {
        if self.is_paused() { None } else { self.0.due.get() }
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
