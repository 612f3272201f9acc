//! The isolates of a program: threads that each run a VM, one call after the other.
//!
//! A call has a depth: that of a program's calls is 0, that of the calls that these make is 1. Each
//! depth has as many isolates as the pool may have, so that a call which waits for another one does
//! not occupy the isolate that the other one needs.
//!
//! **Invariant (NOTHING WAITS FOR NO THREAD)**: a job is queued only while an isolate has one of
//! its depth; it takes the next one of that depth when it has finished.

use crate::message::Message;
use crate::ticket::Ticket;
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

/// How deep calls may be nested.
const DEPTHS: usize = 4;

/// A call that an isolate is to make.
pub(crate) struct Job {
    pub(crate) depth: usize,
    /// The function and its arguments.
    pub(crate) message: Message,
    pub(crate) ticket: Arc<Ticket>,
}

/// Starts an isolate, which gets its first job there and the others from the pool.
type Start = fn(Pool, oneshot::Receiver<Job>) -> io::Result<()>;

/// The isolates of a program. Clones are the same pool.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    factory: Box<dyn Factory>,
    start: Start,
    /// How many isolates there may be, once that is asked.
    most: OnceLock<usize>,
}

#[derive(Default)]
struct State {
    depths: [Depth; DEPTHS],
    /// The isolates that wait for a job; the last one has become idle last.
    idle: Vec<oneshot::Sender<Job>>,
}

/// The jobs of one depth.
#[derive(Default)]
struct Depth {
    queue: VecDeque<Job>,
    /// The isolates that have one of them.
    busy: usize,
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

    /// Gives a job to an idle isolate, to a new one, or to the next that becomes idle.
    ///
    /// # Errors
    /// Why no isolate can make the call.
    pub(crate) fn submit(&self, mut job: Job) -> Result<(), String> {
        let most = self.most();
        let mut state = self.state();
        let State { depths, idle } = &mut *state;
        let Some(depth) = depths.get_mut(job.depth) else {
            return Err(format!("calls of workers are nested deeper than {DEPTHS}"));
        };
        if depth.busy >= most {
            depth.queue.push_back(job);
            return Ok(());
        }
        while let Some(isolate) = idle.pop() {
            match isolate.send(job) {
                Ok(()) => {
                    depth.busy += 1;
                    return Ok(());
                }
                // Its thread has ended.
                Err(back) => job = back,
            }
        }
        let (sender, receiver) = oneshot::channel();
        match (self.0.start)(self.clone(), receiver) {
            Ok(()) => {
                depth.busy += 1;
                // The receiver is there.
                let _ = sender.send(job);
                Ok(())
            }
            // The others do its work.
            Err(_) if depth.busy > 0 => {
                depth.queue.push_back(job);
                Ok(())
            }
            Err(error) => Err(format!("cannot start an isolate: {error}")),
        }
    }

    /// The job after one of that depth, or where another one will arrive.
    pub(crate) fn next(&self, depth: usize) -> Result<Job, oneshot::Receiver<Job>> {
        let mut state = self.state();
        if let Some(depth) = state.depths.get_mut(depth) {
            while let Some(job) = depth.queue.pop_front() {
                if !job.ticket.is_cancelled() {
                    return Ok(job);
                }
            }
            depth.busy -= 1;
        }
        let (sender, receiver) = oneshot::channel();
        state.idle.push(sender);
        Err(receiver)
    }
}
