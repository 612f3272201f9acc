//! The isolates of a program: threads that each run a VM, one call after the other.
//!
//! **Invariant (NOTHING WAITS FOR NO THREAD)**: a job is queued only while all isolates that there
//! may be are busy; each takes the next job when it has finished one.

use crate::message::Message;
use crate::ticket::{Outcome, Ticket};
use solvm_runtime::executor::Executor;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::oneshot;

/// What an isolate consists of.
pub trait Factory: Send + Sync + 'static {
    /// The number of isolates that there may be, at least one.
    fn most(&self) -> usize;

    /// Creates the tokio runtime that an isolate runs on, on its thread.
    ///
    /// # Errors
    /// If the operating system refuses resources.
    fn tokio(&self) -> io::Result<tokio::runtime::Runtime>;

    /// Creates a VM with the libraries, the limits and the permissions of the program, there, too.
    ///
    /// # Errors
    /// Why there is none.
    fn executor(&self) -> Result<Executor, Vec<u8>>;
}

/// A call that an isolate is to make.
pub(crate) struct Job {
    /// The function and its arguments.
    pub(crate) message: Message,
    pub(crate) ticket: Arc<Ticket>,
}

/// Starts an isolate, which takes its jobs from the pool.
type Start = fn(Pool) -> io::Result<()>;

/// The isolates of a program. Clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    factory: Box<dyn Factory>,
    start: Start,
    /// How many isolates there may be, once that is asked.
    most: OnceLock<usize>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// The isolates that wait for a job; the last one has become idle last.
    idle: Vec<oneshot::Sender<Job>>,
    isolates: usize,
}

impl Pool {
    pub(crate) fn new(factory: impl Factory, start: Start) -> Pool {
        let (state, factory) = (Mutex::default(), Box::new(factory));
        Pool(Arc::new(Inner { state, factory, start, most: OnceLock::new() }))
    }

    /// The number of isolates that there may be.
    pub(crate) fn most(&self) -> usize {
        *self.0.most.get_or_init(|| self.0.factory.most().max(1))
    }

    pub(crate) fn factory(&self) -> &dyn Factory {
        &*self.0.factory
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a job to an idle isolate, to a new one, or to the next that becomes idle. Fails if the
    /// system refuses the first thread.
    pub(crate) fn submit(&self, mut job: Job) -> io::Result<()> {
        let most = self.most();
        let mut state = self.state();
        while let Some(idle) = state.idle.pop() {
            match idle.send(job) {
                Ok(()) => return Ok(()),
                // Its thread has ended.
                Err(back) => job = back,
            }
        }
        if state.isolates < most {
            match (self.0.start)(self.clone()) {
                Ok(()) => state.isolates += 1,
                Err(error) if state.isolates == 0 => return Err(error),
                // The others do its work.
                Err(_) => {}
            }
        }
        state.queue.push_back(job);
        Ok(())
    }

    /// The next job, or where it will arrive.
    pub(crate) fn next(&self) -> Result<Job, oneshot::Receiver<Job>> {
        let mut state = self.state();
        while let Some(job) = state.queue.pop_front() {
            if !job.ticket.is_cancelled() {
                return Ok(job);
            }
        }
        let (sender, receiver) = oneshot::channel();
        state.idle.push(sender);
        Err(receiver)
    }

    /// An isolate has ended: without any, the jobs fail.
    pub(crate) fn ended(&self, why: &str) {
        let failed = {
            let mut state = self.state();
            state.isolates -= 1;
            match state.isolates {
                0 => std::mem::take(&mut state.queue),
                _ => VecDeque::new(),
            }
        };
        for job in failed {
            job.ticket.end(Outcome::Failed(why.as_bytes().to_vec()));
        }
    }
}
