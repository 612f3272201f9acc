//! What connects a call in an isolate with those that wait for it.

use crate::message::Message;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;

/// How a call has ended.
pub(crate) enum Outcome {
    /// Its results.
    Done(Message),
    /// Its error, and its traceback.
    Raised(Message, Vec<u8>),
    /// Why it has neither.
    Failed(Vec<u8>),
}

/// A call in an isolate. Its outcome is taken once.
#[derive(Default)]
pub(crate) struct Ticket {
    state: Mutex<State>,
    /// Wakes the isolate that runs it.
    cancelled: Notify,
    is_cancelled: AtomicBool,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    has_ended: bool,
    wakers: Vec<Waker>,
    /// Stops the VM that runs it.
    interrupt: Option<Arc<AtomicBool>>,
}

impl Ticket {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call has ended. Only the first outcome counts.
    pub(crate) fn end(&self, outcome: Outcome) {
        let wakers = {
            let mut state = self.state();
            if std::mem::replace(&mut state.has_ended, true) {
                return;
            }
            state.outcome = Some(outcome);
            state.interrupt = None;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A VM runs it now, which this flag stops. False if it has been cancelled.
    pub(crate) fn begin(&self, interrupt: Arc<AtomicBool>) -> bool {
        self.state().interrupt = Some(interrupt);
        !self.is_cancelled()
    }

    /// Stops the call, unless it has ended: its error is "cancelled".
    pub(crate) fn cancel(&self) {
        let (interrupt, wakers) = {
            let mut state = self.state();
            if std::mem::replace(&mut state.has_ended, true) {
                return;
            }
            self.is_cancelled.store(true, Ordering::SeqCst);
            state.outcome = Some(Outcome::Failed(b"cancelled".to_vec()));
            (state.interrupt.take(), std::mem::take(&mut state.wakers))
        };
        if let Some(interrupt) = interrupt {
            interrupt.store(true, Ordering::SeqCst);
        }
        self.cancelled.notify_one();
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }

    /// Waits until it is cancelled.
    pub(crate) async fn until_cancelled(&self) {
        while !self.is_cancelled() {
            self.cancelled.notified().await;
        }
    }

    /// Waits for the outcome. None if it has been taken already.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        let mut state = self.state();
        if state.has_ended {
            return Poll::Ready(state.outcome.take());
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            state.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

/// Cancels the call when it is dropped: its caller has stopped waiting.
pub(crate) struct CancelOnDrop(pub(crate) Arc<Ticket>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
