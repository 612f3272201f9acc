//! A Lua program inside a Rust program.

mod builder;
mod functions;
mod scope;
mod task;

use crate::callable::Callable;
use crate::error::{Error, ErrorKind};
use crate::handles::{Function, Table};
use crate::tokio_runtime::new_tokio;
pub use builder::Builder;
pub use scope::Scope;
use solvm_runtime::executor::{EndObserver, Executor, Outcome};
use solvm_runtime::report::Reporter;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{FromLuaOwned, FromValues, IntoLua, IntoValues};
use solvm_vm::{Call, GoroutineId};
use std::any::Any;
use std::cell::OnceCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
pub use task::Task;

/// Lua: its globals, its goroutines, its heap.
///
/// ```
/// use solvm::Runtime;
///
/// let mut lua = Runtime::new()?;
/// lua.run("function area(width, height) return width * height end")?;
/// let area: f64 = lua.call("area", (3.0, 4.0))?;
/// assert_eq!(area, 12.0);
/// # Ok::<(), solvm::Error>(())
/// ```
///
/// A runtime lives on one thread. Calls run the program's other goroutines, too, until the function
/// that was called has returned; [`run_goroutines`](Runtime::run_goroutines) runs those that are
/// left.
///
/// If a native function panics, the call returns an error of the kind [`ErrorKind::Panic`], and so
/// does every later one: the runtime is dead. Where panics abort the process, so do these.
///
/// What Lua prints is buffered, and flushed when a call returns. Dropping the runtime also flushes
/// the files that Lua has opened.
pub struct Runtime {
    executor: Executor,
    /// Time limit of a call.
    call_limit: Option<Duration>,
    /// Runs calls that block. Created on first use.
    tokio: Option<tokio::runtime::Runtime>,
    /// Why nothing runs any more: a panic has left the VM in the middle of an instruction.
    dead: Rc<OnceCell<Error>>,
}

/// Stops a [`Runtime`]'s code from another thread.
#[derive(Clone, Debug)]
pub struct Canceller(Arc<AtomicBool>);

impl Canceller {
    /// Ends the running call, or else the next one, within milliseconds, past every `pcall`.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The chunk name of what [`Runtime::run`] and [`Runtime::eval`] are given.
const CHUNK_NAME: &str = "=chunk";

impl Runtime {
    /// Creates a runtime with all libraries and no limit except that of memory (1 GiB).
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new() -> Result<Runtime, Error> {
        Runtime::builder().build()
    }

    /// Creates a builder, to choose limits and libraries.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Compiles a chunk. `name` is its name in messages: `@script.lua` for a file, `=name` for
    /// anything else.
    ///
    /// # Errors
    /// If it has a syntax error.
    ///
    /// ```
    /// # let mut lua = solvm::Runtime::new()?;
    /// let double = lua.load("local x = ... return 2 * x", "=double")?;
    /// assert_eq!(lua.call::<f64>(&double, 21.0)?, 42.0);
    /// let error = lua.load("return return", "@script.lua").unwrap_err();
    /// assert_eq!(error.message(), "script.lua:1: unexpected symbol near 'return'");
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn load(&mut self, source: impl AsRef<[u8]>, name: &str) -> Result<Function, Error> {
        self.work(|executor| {
            executor.enter(|call| {
                let function = call.load(source.as_ref(), name.as_bytes()).map_err(|message| {
                    Error::new(ErrorKind::Syntax, String::from_utf8_lossy(&message))
                })?;
                Function::owned(call, function.value())
                    .ok_or_else(|| Error::of_native(call, solvm_vm::Error::out_of_memory()))
            })
        })?
    }

    /// Compiles and runs a chunk.
    ///
    /// # Errors
    /// If it has a syntax error, or fails.
    pub fn run(&mut self, source: impl AsRef<[u8]>) -> Result<(), Error> {
        self.eval(source)
    }

    /// Compiles and runs a chunk, and returns its results.
    ///
    /// # Errors
    /// If it has a syntax error, fails, or returns a value of another type.
    ///
    /// ```
    /// # let mut lua = solvm::Runtime::new()?;
    /// let (name, length): (String, usize) = lua.eval("return 'abc', #'abc'")?;
    /// assert_eq!((&name[..], length), ("abc", 3));
    /// let squares: Vec<f64> = lua.eval("local t = {} for i = 1, 3 do t[i] = i * i end return t")?;
    /// assert_eq!(squares, [1.0, 4.0, 9.0]);
    /// let error = lua.eval::<f64>("local t = nil; return t.x").unwrap_err();
    /// assert_eq!(error.message(), "chunk:1: attempt to index local 't' (a nil value)");
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn eval<R: FromValues>(&mut self, source: impl AsRef<[u8]>) -> Result<R, Error> {
        let function = self.load(source, CHUNK_NAME)?;
        self.call(&function, ())
    }

    /// Calls a function, and waits until it has returned. Arguments are one value or a tuple, as
    /// are results.
    ///
    /// # Errors
    /// If it fails, exceeds the time limit, or returns a value of another type; or on a thread that
    /// drives futures, which this would block: use [`call_async`](Runtime::call_async) there.
    ///
    /// ```
    /// # let mut lua = solvm::Runtime::new()?;
    /// let text: String = lua.call("tostring", true)?;
    /// assert_eq!(text, "true");
    /// let (ok, reason): (bool, Option<String>) = lua.call("pcall", ("no function",))?;
    /// assert_eq!((ok, reason.as_deref()), (false, Some("attempt to call a string value")));
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn call<R: FromValues>(
        &mut self,
        function: impl Callable,
        arguments: impl for<'c> IntoValues<'c>,
    ) -> Result<R, Error> {
        let tokio = self.take_tokio()?;
        let result = match self.start(&function, arguments) {
            Ok(started) => tokio.block_on(self.finish(started)),
            Err(error) => Err(error),
        };
        self.tokio = Some(tokio);
        result
    }

    /// Calls a function; the future is ready when it has returned. It must be polled on a tokio
    /// runtime with time and I/O.
    ///
    /// # Errors
    /// If it fails, exceeds the time limit, or returns a value of another type.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), solvm::Error> {
    /// let mut lua = solvm::Runtime::new()?;
    /// let slow = lua.load("sleep(0.01) return 'awake'", "=slow")?;
    /// let text: String = lua.call_async(&slow, ()).await?;
    /// assert_eq!(text, "awake");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call_async<R: FromValues>(
        &mut self,
        function: impl Callable,
        arguments: impl for<'c> IntoValues<'c>,
    ) -> Result<R, Error> {
        let started = self.start(&function, arguments)?;
        self.finish(started).await
    }

    /// Runs until every goroutine that earlier calls have started has ended, including timers and
    /// servers.
    ///
    /// # Errors
    /// If the time limit is exceeded, or as [`call`](Runtime::call) on a thread that drives
    /// futures. Errors in goroutines go to the handlers of `on_error`, or to standard error.
    pub fn run_goroutines(&mut self) -> Result<(), Error> {
        let tokio = self.take_tokio()?;
        let result = tokio.block_on(self.run_goroutines_async());
        self.tokio = Some(tokio);
        result
    }

    /// As [`run_goroutines`](Runtime::run_goroutines), as a future.
    ///
    /// # Errors
    /// If the time limit is exceeded.
    pub async fn run_goroutines_async(&mut self) -> Result<(), Error> {
        let limit = self.call_limit;
        self.work(|executor| executor.limit_time(limit))?;
        let drive = self.executor.drive_to_end();
        let outcome = unwinding(&self.dead, drive).await?;
        self.executor.flush();
        match outcome {
            // Only the command restarts scripts.
            Outcome::Ended | Outcome::Reload => Ok(()),
            Outcome::Interrupted => Err(self.interruption()),
        }
    }

    /// Whether a panic has ended it.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.get().is_some()
    }

    /// Whether the time of calls is limited.
    pub(crate) fn limits_calls(&self) -> bool {
        self.call_limit.is_some()
    }

    /// Runs goroutines until something outside has happened; without a time limit. A panic of one
    /// is an error.
    pub(crate) fn run_until<T>(&mut self, event: impl Future<Output = T>) -> Result<T, Error> {
        self.work(|executor| executor.limit_time(None))?;
        let tokio = self.take_tokio()?;
        let happened = {
            let drive = unwinding(&self.dead, self.executor.drive_to_end());
            let (mut event, mut drive) = (pin!(event), pin!(drive));
            let mut is_driven = true;
            tokio.block_on(poll_fn(|context| {
                if let Poll::Ready(happened) = event.as_mut().poll(context) {
                    return Poll::Ready(Ok(happened));
                }
                if is_driven && let Poll::Ready(outcome) = drive.as_mut().poll(context) {
                    outcome?;
                    is_driven = false;
                }
                Poll::Pending
            }))
        };
        self.tokio = Some(tokio);
        happened
    }

    /// Sets the formatter for reports of uncaught errors of goroutines on standard error; it gets
    /// the names of the globals. An empty report is not written.
    ///
    /// ```
    /// let mut lua = solvm::Runtime::new()?;
    /// lua.set_reporter(|report, _| {
    ///     assert_eq!(report.message, b"chunk:1: boom");
    ///     String::new()
    /// });
    /// lua.run("go(function() error('boom') end) wait()")?;
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn set_reporter(&mut self, reporter: Reporter) {
        self.executor.set_reporter(reporter);
    }

    /// Sets a global.
    ///
    /// # Errors
    /// If memory is short.
    ///
    /// ```
    /// use solvm::{Fields, Sequence};
    ///
    /// let mut lua = solvm::Runtime::new()?;
    /// lua.set("limit", 10)?;
    /// lua.set("names", Sequence(["a", "b"]))?;
    /// lua.set("point", Fields([("x", 1.5), ("y", 2.5)]))?;
    /// assert_eq!(lua.eval::<String>("return limit .. names[2] .. point.x")?, "10b1.5");
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn set(&mut self, name: &str, value: impl for<'c> IntoLua<'c>) -> Result<(), Error> {
        self.try_enter(|call| call.globals().set_field(call, name, value))
    }

    /// Returns the value of a global.
    ///
    /// # Errors
    /// If it is of another type.
    pub fn get<R: FromLuaOwned>(&mut self, name: &str) -> Result<R, Error> {
        let globals = self.globals()?;
        globals.get(self, name)
    }

    /// Returns the table of globals.
    ///
    /// # Errors
    /// If memory is short.
    pub fn globals(&mut self) -> Result<Table, Error> {
        self.new_handle(|call| Ok(call.globals()))
    }

    /// Creates a table.
    ///
    /// # Errors
    /// If memory is short.
    ///
    /// ```
    /// let mut lua = solvm::Runtime::new()?;
    /// let table = lua.new_table()?;
    /// table.set(&mut lua, 1, "first")?;
    /// table.set(&mut lua, "key", true)?;
    /// lua.set("shared", &table)?;
    /// lua.run("shared.answer = 42")?;
    /// assert_eq!(table.get::<f64>(&mut lua, "answer")?, 42.0);
    /// assert_eq!(table.get::<Option<f64>>(&mut lua, "nothing")?, None);
    /// assert_eq!(table.len(&mut lua)?, 1);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn new_table(&mut self) -> Result<Table, Error> {
        self.new_handle(|call| call.table(0, 0))
    }

    fn new_handle(
        &mut self,
        make: impl for<'c> FnOnce(&mut Call<'c>) -> Result<solvm_vm::Table<'c>, solvm_vm::Error>,
    ) -> Result<Table, Error> {
        self.try_enter(|call| {
            let table = make(call)?;
            Table::owned(call, table.value()).ok_or_else(solvm_vm::Error::out_of_memory)
        })
    }

    /// Works on Lua values like a native function: they cannot leave the closure, so nothing needs
    /// to be kept alive. For fast code, and for operations that the other methods do not offer.
    ///
    /// ```
    /// let mut lua = solvm::Runtime::new()?;
    /// let count = lua.enter(|call| call.globals().pairs().count())?;
    /// assert!(count > 20);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the closure panics, or a native function has.
    pub fn enter<R>(&mut self, f: impl for<'c> FnOnce(&mut Call<'c>) -> R) -> Result<R, Error> {
        self.work(|executor| executor.enter(f))
    }

    /// As [`Runtime::enter`]; errors are converted.
    pub(crate) fn try_enter<R>(
        &mut self,
        f: impl for<'c> FnOnce(&mut Call<'c>) -> Result<R, solvm_vm::Error>,
    ) -> Result<R, Error> {
        self.enter(|call| f(call).map_err(|error| Error::of_native(call, error)))?
    }

    /// Accesses the executor, unless the runtime is dead. After a panic it is.
    fn work<R>(&mut self, f: impl FnOnce(&mut Executor) -> R) -> Result<R, Error> {
        if let Some(error) = self.dead.get() {
            return Err(error.clone());
        }
        catch_unwind(AssertUnwindSafe(|| f(&mut self.executor)))
            .map_err(|panic| died(&self.dead, &*panic))
    }

    /// Returns a handle that stops the runtime's code from another thread.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let mut lua = solvm::Runtime::new()?;
    /// let canceller = lua.canceller();
    /// std::thread::spawn(move || {
    ///     std::thread::sleep(Duration::from_millis(20));
    ///     canceller.cancel();
    /// });
    /// let error = lua.run("while true do pcall(error) end").unwrap_err();
    /// assert_eq!(error.kind(), solvm::ErrorKind::Cancelled);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn canceller(&self) -> Canceller {
        Canceller(self.executor.cancel_flag())
    }

    /// Starts a goroutine that calls a function.
    fn start(
        &mut self,
        function: &impl Callable,
        arguments: impl for<'c> IntoValues<'c>,
    ) -> Result<GoroutineId, Error> {
        self.executor.limit_time(self.call_limit);
        self.try_enter(|call| {
            let function = function.find(call)?;
            let arguments = arguments.into_values(call)?;
            call.spawn(function, &arguments)
        })
    }

    /// Drives the program until a goroutine has ended, and converts its results.
    async fn finish<R: FromValues>(&mut self, started: GoroutineId) -> Result<R, Error> {
        let mut result = None;
        let mut look: Box<EndObserver<'_>> = Box::new(|call, end| {
            result = Some(match end {
                Ok(values) => R::from_values(call, values).map_err(Error::mismatch),
                Err((error, traceback)) => Err(Error::raised(call, error, traceback.clone())),
            });
            true
        });
        let drive = self.executor.drive_main_for(started, &mut *look);
        let outcome = unwinding(&self.dead, drive).await;
        drop(look);
        let outcome = outcome?;
        self.executor.flush();
        match result {
            Some(result) if outcome == Outcome::Ended => result,
            _ => {
                let error = self.interruption();
                // The rest of the program continues with the next call.
                self.executor.limit_time(None);
                self.work(|executor| executor.enter(|call| call.end_goroutine(started)))?;
                Err(error)
            }
        }
    }

    /// Why the program was interrupted. The next call may run again.
    fn interruption(&mut self) -> Error {
        if self.executor.cancel_flag().swap(false, Ordering::Relaxed) {
            return Error::new(ErrorKind::Cancelled, "cancelled");
        }
        Error::new(ErrorKind::TimedOut, "timed out")
    }

    /// Returns the tokio runtime for blocking calls. Fails on a thread that already drives futures.
    fn take_tokio(&mut self) -> Result<tokio::runtime::Runtime, Error> {
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(Error::new(
                ErrorKind::Blocking,
                "blocking call inside an async runtime; use the async method",
            ));
        }
        match self.tokio.take() {
            Some(tokio) => Ok(tokio),
            None => new_tokio().map_err(|error| Error::new(ErrorKind::Start, reason(&error))),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // A write that fails has no caller to report it to.
        let _ = self.executor.flush_all();
    }
}

/// Notes that a panic has ended a runtime, and returns its error.
fn died(dead: &OnceCell<Error>, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    dead.get_or_init(|| Error::panicked(text.unwrap_or("of unknown type"))).clone()
}

/// Awaits work of the VM. A panic of it ends the runtime, where panics unwind.
async fn unwinding<T>(dead: &OnceCell<Error>, work: impl Future<Output = T>) -> Result<T, Error> {
    let mut work = pin!(work);
    let done =
        poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        });
    done.await.map_err(|panic| died(dead, &*panic))
}
