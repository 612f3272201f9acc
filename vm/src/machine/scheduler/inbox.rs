//! Wakes from outside: wakers put tickets in, each turn takes them out.

use super::Ticket;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

#[derive(Default)]
pub(super) struct Inbox(Mutex<Contents>);

#[derive(Default)]
struct Contents {
    tickets: Vec<Ticket>,
    host: Option<Waker>,
}

struct GoroutineWaker {
    ticket: Ticket,
    inbox: Arc<Inbox>,
}

impl Wake for GoroutineWaker {
    fn wake(self: Arc<Self>) {
        let host = {
            let mut contents = self.inbox.lock();
            contents.tickets.push(self.ticket);
            contents.host.take()
        };
        if let Some(host) = host {
            host.wake();
        }
    }
}

impl Inbox {
    fn lock(&self) -> std::sync::MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A waker of the goroutine that waits with this ticket.
    pub(super) fn waker(self: &Arc<Self>, ticket: Ticket) -> Waker {
        Arc::new(GoroutineWaker { ticket, inbox: self.clone() }).into()
    }

    /// Everything that has come in. `host` is woken when more does.
    pub(super) fn take(&self, host: &Waker) -> Vec<Ticket> {
        let mut contents = self.lock();
        if !contents.host.as_ref().is_some_and(|waker| waker.will_wake(host)) {
            contents.host = Some(host.clone());
        }
        std::mem::take(&mut contents.tickets)
    }
}
