//! The blocking pool: threads for work that may block.
//!
//! tokio's pool panics if it cannot start its first thread, and a process may be limited to a few
//! threads (`pids.max`, `ulimit -u`, `ulimit -v`). Here that is an error of the caller.
//!
//! **Invariant (NOTHING WAITS FOR NO THREAD)**: work is queued only if an idle thread is reserved
//! for it, if the pool is full, or, where no thread can be started, if one of the threads has work
//! that ends on its own. Otherwise submitting fails.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Maximum number of threads.
const MAX_THREADS: usize = 512;
/// How long an idle thread is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How long work can last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It ends on its own: regular files, computations, name resolution.
    Finite,
    /// It waits for another process or for a user: pipes, terminals, child processes.
    Waiting,
}

type Job = Box<dyn FnOnce() + Send>;

/// How a thread is started; tests replace it.
type Start = fn(&'static Pool) -> io::Result<()>;

struct Pool {
    state: Mutex<State>,
    has_work: Condvar,
    start: Start,
}

struct State {
    queue: VecDeque<(Work, Job)>,
    threads: usize,
    /// The number of idle threads, including those that are reserved for queued work.
    idle: usize,
    /// The amount of work of kind [`Work::Waiting`] that has been accepted and has not ended.
    waiting: usize,
}

static POOL: Pool = Pool::new(start_thread);

/// Runs work on the pool. Fails if no thread can be started or the work panicked. The work is
/// completed even if the caller stops waiting.
pub(crate) async fn run<T: Send + 'static>(
    kind: Work,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = oneshot::channel();
    let job = move || {
        // The caller may have stopped waiting.
        let _ = sender.send(work());
    };
    POOL.submit(kind, Box::new(job))?;
    receiver.await.map_err(|_| io::Error::other("the operation was aborted"))
}

/// Runs work that ends on its own on the blocking pool; inline in programs that drive the VM's
/// turns without tokio. Fails if no thread can be started.
pub async fn in_pool<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    in_pool_as(Work::Finite, work).await
}

/// Runs work that may wait for another process or for a user in the same way.
pub async fn waiting_in_pool<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    in_pool_as(Work::Waiting, work).await
}

/// Runs work of a kind on the blocking pool: see [`in_pool`].
pub async fn in_pool_as<T: Send + 'static>(
    kind: Work,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    match Handle::try_current() {
        Ok(_) => run(kind, work).await,
        Err(_) => Ok(work()),
    }
}

/// Checks that a thread can be started, for crates that start their own threads and do not report
/// failures.
#[cfg(feature = "watch")]
pub(crate) fn check_threads() -> io::Result<()> {
    let thread = thread::Builder::new().spawn(|| {}).map_err(spawn_error)?;
    thread.join().map_err(|_| io::Error::other("a thread panicked"))
}

/// The error for a thread that cannot be started.
pub(crate) fn spawn_error(error: io::Error) -> io::Error {
    let text = format!("cannot start a thread: {}", crate::system_error::reason(&error));
    io::Error::new(error.kind(), text)
}

fn start_thread(pool: &'static Pool) -> io::Result<()> {
    thread::Builder::new().name("solvm pool".into()).spawn(|| pool.work()).map(drop)
}

impl Pool {
    const fn new(start: Start) -> Pool {
        Pool {
            state: Mutex::new(State { queue: VecDeque::new(), threads: 0, idle: 0, waiting: 0 }),
            has_work: Condvar::new(),
            start,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&'static self, kind: Work, job: Job) -> io::Result<()> {
        let mut state = self.state();
        let has_idle_thread = state.idle > state.queue.len();
        if !has_idle_thread && state.threads < MAX_THREADS {
            match (self.start)(self) {
                // The thread takes the work when it gets the lock.
                Ok(()) => {
                    state.threads += 1;
                    state.idle += 1;
                }
                Err(_) if kind == Work::Finite && state.threads > state.waiting => {}
                Err(error) => return Err(spawn_error(error)),
            }
        }
        state.waiting += usize::from(kind == Work::Waiting);
        state.queue.push_back((kind, job));
        drop(state);
        self.has_work.notify_one();
        Ok(())
    }

    /// The loop of a thread, until it has been idle for a while.
    fn work(&self) {
        let mut state = self.state();
        loop {
            let Some((kind, job)) = state.queue.pop_front() else {
                let waited = self.has_work.wait_timeout(state, KEEP_ALIVE);
                let (locked, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                state = locked;
                if timeout.timed_out() && state.queue.is_empty() {
                    state.idle -= 1;
                    state.threads -= 1;
                    return;
                }
                continue;
            };
            state.idle -= 1;
            drop(state);
            // The panic hook has reported the panic; the caller notices the dropped sender.
            let _ = catch_unwind(AssertUnwindSafe(job));
            state = self.state();
            state.idle += 1;
            state.waiting -= usize::from(kind == Work::Waiting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn refuse(_: &'static Pool) -> io::Result<()> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn pool(start: Start) -> &'static Pool {
        Box::leak(Box::new(Pool::new(start)))
    }

    fn submit(pool: &'static Pool, kind: Work, job: impl FnOnce() + Send + 'static) -> bool {
        pool.submit(kind, Box::new(job)).is_ok()
    }

    #[test]
    fn work_without_a_thread_is_refused() {
        let pool = pool(refuse);
        assert!(!submit(pool, Work::Finite, || {}));
        assert!(!submit(pool, Work::Waiting, || {}));
        assert_eq!(pool.state().queue.len(), 0);
    }

    /// Starts one thread, and fails for further ones.
    fn start_one(pool: &'static Pool) -> io::Result<()> {
        static STARTED: Mutex<bool> = Mutex::new(false);
        let mut started = STARTED.lock().unwrap();
        if std::mem::replace(&mut *started, true) { refuse(pool) } else { start_thread(pool) }
    }

    #[test]
    fn finite_work_shares_a_thread_that_does_not_wait() {
        let pool = pool(start_one);
        let (proceed, wait) = mpsc::channel::<()>();
        let (done, results) = mpsc::channel();
        let first = done.clone();
        assert!(submit(pool, Work::Finite, move || {
            wait.recv().unwrap();
            first.send(1).unwrap();
        }));
        let second = done.clone();
        assert!(submit(pool, Work::Finite, move || second.send(2).unwrap()));
        // The work might keep the only thread forever.
        assert!(!submit(pool, Work::Waiting, || {}));
        proceed.send(()).unwrap();
        assert_eq!([results.recv(), results.recv()], [Ok(1), Ok(2)]);
        // An idle thread may take waiting work; then no thread is left for other work.
        while pool.state().idle == 0 {
            thread::yield_now();
        }
        let (proceed, wait) = mpsc::channel::<()>();
        assert!(submit(pool, Work::Waiting, move || wait.recv().unwrap()));
        assert!(!submit(pool, Work::Finite, || {}));
        proceed.send(()).unwrap();
    }

    #[test]
    fn a_panic_does_not_cost_a_thread() {
        let pool = pool(start_thread);
        let (sender, receiver) = mpsc::channel::<()>();
        assert!(submit(pool, Work::Waiting, move || {
            let _sender = sender;
            panic!("a test of a panic");
        }));
        assert!(receiver.recv().is_err());
        while pool.state().idle == 0 {
            thread::yield_now();
        }
        let state = pool.state();
        assert_eq!((state.threads, state.waiting), (1, 0));
    }
}
