//! A runtime on a thread of its own, and the handles that other threads use it by.
//!
//! The thread runs the jobs that handles send, in sequence, and the program's goroutines in
//! between. A call of Lua is a goroutine, too: calls wait at the same time. The thread ends when
//! the last handle has been dropped.

use crate::error::{Error, ErrorKind};
use crate::runtime::Runtime;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{FromValues, IntoValues};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc as blocking;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// Work for the thread.
type Job = Box<dyn FnOnce(&mut Runtime) + Send>;

/// Runs work on a [`Runtime`] that is on its own thread: can be sent to other threads and cloned.
///
/// A program that serves many threads has a runtime for each, or a few with a handle each: a
/// runtime uses one core.
///
/// ```
/// use solvm::{Handle, Runtime};
///
/// let handle = Handle::new(|| {
///     let mut lua = Runtime::new()?;
///     lua.run("function double(x) return 2 * x end")?;
///     Ok(lua)
/// })?;
/// let threads: Vec<_> = (0..4)
///     .map(|i| {
///         let handle = handle.clone();
///         std::thread::spawn(move || handle.call_blocking::<i32>("double", i))
///     })
///     .collect();
/// for (i, thread) in threads.into_iter().enumerate() {
///     assert_eq!(thread.join().unwrap()?, 2 * i as i32);
/// }
/// let count = handle.with_blocking(|lua| lua.eval::<u32>("return select('#', 1, 2)"))??;
/// assert_eq!(count, 2);
/// # Ok::<(), solvm::Error>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    jobs: mpsc::UnboundedSender<Job>,
}

/// The error of a job that left no result.
fn lost() -> Error {
    Error::new(ErrorKind::Panic, "work on the runtime's thread panicked")
}

impl Handle {
    /// Starts a thread for the runtime that `make` makes there.
    ///
    /// # Errors
    /// The error of `make`, or if no thread can be started.
    pub fn new<F>(make: F) -> Result<Handle, Error>
    where
        F: FnOnce() -> Result<Runtime, Error> + Send + 'static,
    {
        let (jobs, received) = mpsc::unbounded_channel();
        let (started, start) = blocking::channel();
        let run = move || match make() {
            Ok(lua) => {
                // The caller waits for it.
                let _ = started.send(Ok(()));
                serve(lua, received);
            }
            Err(error) => drop(started.send(Err(error))),
        };
        let spawned = thread::Builder::new().name("solvm".into()).spawn(run);
        spawned.map_err(|error| Error::new(ErrorKind::Start, reason(&error)))?;
        start.recv().unwrap_or_else(|_| Err(lost()))?;
        Ok(Handle { jobs })
    }

    /// Runs a closure on the runtime's thread; the future is ready when it has returned.
    ///
    /// # Errors
    /// If the closure panics.
    pub async fn with<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Runtime) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let (done, result) = oneshot::channel();
        // A caller that is gone needs no result.
        self.send(move |lua| drop(done.send(work(lua))))?;
        result.await.map_err(|_| lost())
    }

    /// The same, and blocks the calling thread until the closure has returned.
    ///
    /// # Errors
    /// If the closure panics.
    pub fn with_blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Runtime) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let (done, result) = blocking::channel();
        self.send(move |lua| drop(done.send(work(lua))))?;
        result.recv().map_err(|_| lost())
    }

    /// Calls a global function in its own goroutine ([`Runtime::spawn`]): while it waits, the
    /// others run. If the runtime limits the time of calls, they run in sequence instead.
    ///
    /// # Errors
    /// As [`Runtime::call`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), solvm::Error> {
    /// let handle = solvm::Handle::new(solvm::Runtime::new)?;
    /// let text: String = handle.call("tostring", 1.5).await?;
    /// assert_eq!(text, "1.5");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call<R: FromValues + Send + 'static>(
        &self,
        function: &str,
        arguments: impl for<'c> IntoValues<'c> + Send + 'static,
    ) -> Result<R, Error> {
        let (done, result) = oneshot::channel();
        self.start(function, arguments, move |result| drop(done.send(result)))?;
        result.await.unwrap_or_else(|_| Err(lost()))
    }

    /// The same, and blocks the calling thread until the function has returned.
    ///
    /// # Errors
    /// As [`Runtime::call`].
    pub fn call_blocking<R: FromValues + Send + 'static>(
        &self,
        function: &str,
        arguments: impl for<'c> IntoValues<'c> + Send + 'static,
    ) -> Result<R, Error> {
        let (done, result) = blocking::channel();
        self.start(function, arguments, move |result| drop(done.send(result)))?;
        result.recv().unwrap_or_else(|_| Err(lost()))
    }

    /// Starts a call; `done` gets its result.
    fn start<R: FromValues + Send + 'static>(
        &self,
        function: &str,
        arguments: impl for<'c> IntoValues<'c> + Send + 'static,
        done: impl FnOnce(Result<R, Error>) + Send + 'static,
    ) -> Result<(), Error> {
        let function = function.to_string();
        self.send(move |lua| {
            if lua.limits_calls() {
                done(lua.call(&*function, arguments));
            } else {
                lua.spawn_for(&*function, arguments, Box::new(done));
            }
        })
    }

    fn send(&self, job: impl FnOnce(&mut Runtime) + Send + 'static) -> Result<(), Error> {
        self.jobs.send(Box::new(job)).map_err(|_| lost())
    }
}

/// Runs jobs, and goroutines in between, until no handle is left or the runtime is dead: then all
/// that wait for results get an error.
fn serve(mut lua: Runtime, mut jobs: mpsc::UnboundedReceiver<Job>) {
    while let Ok(Some(job)) = lua.run_until(jobs.recv()) {
        // A panic drops the sender of the job's result. The runtime guards itself.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut lua)));
        if lua.is_dead() {
            break;
        }
    }
}
