//! Requests in flight: which goroutine handles each, and the deadline of its response.
//!
//! The list outlives a run of the server, so that handlers of an earlier run remain known.

use hyper::http::request::Parts;
use hyper::{Method, Uri};
use solvm_vm::GoroutineId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::task::Waker;
use std::time::Instant;

/// The requests in flight of a server.
#[derive(Clone, Default)]
pub(super) struct InFlight(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    handlers: HashMap<GoroutineId, Handler>,
    /// A lower limit of the deadlines.
    next_due: Option<Instant>,
    /// The requests of goroutines that failed, until the failures have been reported.
    failed: Vec<(GoroutineId, Subject)>,
    /// Woken when no handler is left.
    waker: Option<Waker>,
}

struct Handler {
    subject: Subject,
    /// The deadline of the response. None if it was sent or has no limit.
    due: Option<Instant>,
}

/// Describes a request in messages.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    server: Rc<str>,
    method: Method,
    uri: Uri,
}

impl Subject {
    pub(super) fn new(server: &Rc<str>, head: &Parts) -> Subject {
        Subject { server: server.clone(), method: head.method.clone(), uri: head.uri.clone() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{} {} of server '{}'", self.method, self.uri.path(), self.server)
    }
}

/// The entry of a goroutine, which it removes when it is dropped.
pub(super) struct InFlightEntry {
    in_flight: InFlight,
    id: GoroutineId,
    is_done: bool,
}

impl InFlight {
    /// Adds a goroutine that handles a request.
    pub(super) fn enter(
        &self,
        id: GoroutineId,
        subject: Subject,
        due: Option<Instant>,
    ) -> InFlightEntry {
        let mut state = self.0.borrow_mut();
        state.handlers.insert(id, Handler { subject, due });
        state.next_due = [state.next_due, due].into_iter().flatten().min();
        InFlightEntry { in_flight: self.clone(), id, is_done: false }
    }

    /// Returns the goroutines that missed their deadlines, and the next deadline.
    pub(super) fn late(&self, now: Instant) -> (Vec<GoroutineId>, Option<Instant>) {
        let state = &mut *self.0.borrow_mut();
        if state.next_due.is_none_or(|due| due > now) {
            return (Vec::new(), state.next_due);
        }
        let mut late = Vec::new();
        for (&id, handler) in &mut state.handlers {
            if handler.due.is_some_and(|due| due <= now) {
                handler.due = None;
                late.push(id);
            }
        }
        state.next_due = state.handlers.values().filter_map(|handler| handler.due).min();
        (late, state.next_due)
    }

    /// Returns the running handlers. The waker is woken when the last one ends.
    pub(super) fn left(&self, waker: Waker) -> Vec<GoroutineId> {
        let mut state = self.0.borrow_mut();
        state.waker = Some(waker);
        state.handlers.keys().copied().collect()
    }

    /// Returns the request of a failed goroutine.
    pub(super) fn subject(&self, id: GoroutineId) -> Option<Subject> {
        let state = self.0.borrow();
        let failed =
            state.failed.iter().find(|(failed, _)| *failed == id).map(|(_, subject)| subject);
        failed.or_else(|| state.handlers.get(&id).map(|handler| &handler.subject)).cloned()
    }

    /// Forgets the failed requests after their failures have been reported.
    pub(super) fn forget_failed(&self) {
        self.0.borrow_mut().failed.clear();
    }
}

impl InFlightEntry {
    /// Removes the deadline after the response.
    pub(super) fn mark_responded(&self) {
        if let Some(handler) = self.in_flight.0.borrow_mut().handlers.get_mut(&self.id) {
            handler.due = None;
        }
    }

    /// Returns the request, for an error that names it.
    pub(super) fn subject(&self) -> Option<Subject> {
        self.in_flight.subject(self.id)
    }

    /// Removes the entry of a goroutine that succeeded, or whose error names the request.
    pub(super) fn leave(mut self) {
        self.is_done = true;
    }
}

impl Drop for InFlightEntry {
    fn drop(&mut self) {
        let state = &mut *self.in_flight.0.borrow_mut();
        if let Some(handler) = state.handlers.remove(&self.id).filter(|_| !self.is_done) {
            state.failed.push((self.id, handler.subject));
        }
        if state.handlers.is_empty()
            && let Some(waker) = state.waker.take()
        {
            waker.wake();
        }
    }
}
