//! The goroutines that answer a server's requests: what each answers, and when it has to have done
//! so.
//!
//! It outlives the server's runs, so that handlers of one run are not lost sight of in the next
//! one.

use hyper::http::request::Parts;
use hyper::{Method, Uri};
use solvm_vm::GoroutineId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::task::Waker;
use std::time::Instant;

/// The requests of a server that are being answered.
#[derive(Clone, Default)]
pub(super) struct InFlight(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    handlers: HashMap<GoroutineId, Handler>,
    /// None of them is due before.
    next_due: Option<Instant>,
    /// What those were answering that have ended without being done, until somebody has had a look.
    failed: Vec<(GoroutineId, Subject)>,
    /// Who waits until no handler is left.
    waker: Option<Waker>,
}

struct Handler {
    subject: Subject,
    /// When it has to have answered. None if it has, or need not.
    due: Option<Instant>,
}

/// What a handler answers, for messages.
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

/// The place of a goroutine among the handlers, for as long as it lives.
pub(super) struct InFlightEntry {
    in_flight: InFlight,
    id: GoroutineId,
    is_done: bool,
}

impl InFlight {
    /// A goroutine begins to answer a request.
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

    /// The goroutines that should have answered by now, and when the next one has to have.
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

    /// The goroutines that are not done. When the last one is, this waker is woken.
    pub(super) fn left(&self, waker: Waker) -> Vec<GoroutineId> {
        let mut state = self.0.borrow_mut();
        state.waker = Some(waker);
        state.handlers.keys().copied().collect()
    }

    /// What a goroutine was answering that has failed.
    pub(super) fn subject(&self, id: GoroutineId) -> Option<Subject> {
        let state = self.0.borrow();
        let failed =
            state.failed.iter().find(|(failed, _)| *failed == id).map(|(_, subject)| subject);
        failed.or_else(|| state.handlers.get(&id).map(|handler| &handler.subject)).cloned()
    }

    /// Those that were not done are not asked for any more.
    pub(super) fn forget_failed(&self) {
        self.0.borrow_mut().failed.clear();
    }
}

impl InFlightEntry {
    /// The client has its answer: there is no hurry any more.
    pub(super) fn mark_responded(&self) {
        if let Some(handler) = self.in_flight.0.borrow_mut().handlers.get_mut(&self.id) {
            handler.due = None;
        }
    }

    /// What is answered, for an error that says so itself.
    pub(super) fn subject(&self) -> Option<Subject> {
        self.in_flight.subject(self.id)
    }

    /// All is done, or the reason why not needs no more words.
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
