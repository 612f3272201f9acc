//! A Lua program inside a Rust program.

use super::error::{Error, ErrorKind};
use super::handles::{Function, Table};
use solvm_stdlib::Module;
use solvm_stdlib::deadline::{Limits, Timeout};
use solvm_stdlib::host::{Permissions, Process, World};
use solvm_stdlib::runtime::executor::{Executor, Outcome};
use solvm_stdlib::runtime::report::Reporter;
use solvm_stdlib::system_error::reason;
use solvm_vm::native::{FromValues, IntoLua, IntoValues, Native, Owned};
use solvm_vm::{Call, Config, GoroutineId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
pub struct Runtime {
    executor: Executor,
    /// Time limit of a call.
    call_limit: Option<Duration>,
    /// Runs calls that block. Created on first use.
    tokio: Option<tokio::runtime::Runtime>,
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

/// Chooses the limits and libraries of a [`Runtime`].
///
/// ```
/// use solvm::{ErrorKind, Runtime, Sandbox};
/// use std::time::Duration;
///
/// let mut lua = Runtime::builder()
///     .world(Sandbox::new())
///     .libraries(&["base", "string", "table", "math", "os"])
///     .memory_limit(16 << 20)
///     .call_limit(Duration::from_millis(100))
///     .build()?;
/// let error = lua.run("while true do end").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::TimedOut);
/// let error = lua.run("local t = {} for i = 1, 1e9 do t[i] = {} end").unwrap_err();
/// assert_eq!(error.message(), "not enough memory");
/// // It is as usable as before.
/// assert_eq!(lua.eval::<String>("return type(io) .. ' ' .. type(os.remove('file'))")?, "nil nil");
/// # Ok::<(), solvm::Error>(())
/// ```
pub struct Builder {
    config: Config,
    call_limit: Option<Duration>,
    world: MakeExecutor,
    libraries: Option<Vec<String>>,
}

/// Creates the executor in the chosen world: the closure has the world's type.
type MakeExecutor =
    Box<dyn FnOnce(Config, Limits, &dyn Fn(&Module) -> bool) -> Result<Executor, String>>;

fn in_world(world: impl World) -> MakeExecutor {
    Box::new(|config, limits, is_chosen| {
        solvm_stdlib::executor_with(config, limits, world, is_chosen)
    })
}

impl Builder {
    /// Sets the maximum memory in bytes (default 1 GiB); beyond it, Lua code gets the error "not
    /// enough memory".
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.config.memory_limit = bytes;
        self
    }

    /// Sets the time limit of each call (default: no limit).
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = Some(limit);
        self
    }

    /// Sets the maximum number of live goroutines (default 10,000,000).
    pub fn max_goroutines(mut self, count: usize) -> Self {
        self.config.max_goroutines = count;
        self
    }

    /// Sets the outside world of the program (default: that of the process).
    pub fn world(mut self, world: impl World) -> Self {
        self.world = in_world(world);
        self
    }

    /// Sets the program's permissions in the outside world of the process (default: all). Replaces
    /// the [`world`](Self::world).
    ///
    /// ```
    /// use solvm::{Area, Permissions, Runtime};
    ///
    /// let permissions = Permissions::none().allow(Area::Env, "HOME")?;
    /// let mut lua = Runtime::builder().permissions(permissions).build()?;
    /// let reason: String = lua.eval("return select(2, io.open('/etc/passwd'))")?;
    /// assert_eq!(
    ///     reason,
    ///     "/etc/passwd: permission denied: reading '/etc/passwd' needs --allow-read"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn permissions(self, permissions: Permissions) -> Self {
        self.world(Process::new().with_permissions(permissions))
    }

    /// Selects libraries (default: all) by the names in [`modules`](solvm_stdlib::modules).
    pub fn libraries(mut self, names: &[&str]) -> Self {
        self.libraries = Some(names.iter().map(|&name| name.into()).collect());
        self
    }

    /// Changes other settings of the VM.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Creates the runtime.
    ///
    /// # Errors
    /// If a library is unknown, or the memory limit leaves no room for them.
    pub fn build(self) -> Result<Runtime, Error> {
        let Builder { config, call_limit, world, libraries } = self;
        let is_known =
            |name: &&String| !solvm_stdlib::modules().any(|module| module.name == **name);
        if let Some(unknown) = libraries.iter().flatten().find(is_known) {
            return Err(Error::new(ErrorKind::Start, format!("unknown library '{unknown}'")));
        }
        let limits = Limits { timeout: Timeout::Never, ..Limits::default() };
        let is_chosen = |module: &Module| {
            libraries.as_ref().is_none_or(|names| names.iter().any(|name| name == module.name))
        };
        let executor =
            world(config, limits, &is_chosen).map_err(|text| Error::new(ErrorKind::Start, text))?;
        Ok(Runtime { executor, call_limit, tokio: None })
    }
}

/// A callable: a [`Function`], or the name of a global function.
pub trait Callable {
    /// The function; an error if there is none.
    fn find<'c>(&self, call: &mut Call<'c>) -> Result<solvm_vm::Function<'c>, solvm_vm::Error>;
}

impl Callable for &Function {
    fn find<'c>(&self, call: &mut Call<'c>) -> Result<solvm_vm::Function<'c>, solvm_vm::Error> {
        self.get_in(call)
            .ok_or_else(|| solvm_vm::Error::text("the function belongs to another runtime"))
    }
}

impl Callable for &str {
    fn find<'c>(&self, call: &mut Call<'c>) -> Result<solvm_vm::Function<'c>, solvm_vm::Error> {
        let key = call.string(self.as_bytes())?;
        let value = call.globals().get(key);
        solvm_vm::Function::from_value(value).ok_or_else(|| {
            solvm_vm::Error::text(format!(
                "attempt to call global '{self}' (a {} value)",
                value.type_name()
            ))
        })
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
        Builder {
            config: Config::default(),
            call_limit: None,
            world: in_world(Process::new()),
            libraries: None,
        }
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
        self.executor.enter(|call| {
            let function = call.load(source.as_ref(), name.as_bytes()).map_err(|message| {
                Error::new(ErrorKind::Syntax, String::from_utf8_lossy(&message))
            })?;
            Function::owned(call, function.value())
                .ok_or_else(|| Error::of_native(call, solvm_vm::Error::out_of_memory()))
        })
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
        let started = self.start(&function, arguments)?;
        let tokio = self.take_tokio()?;
        let result = tokio.block_on(self.finish(started));
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
        self.executor.limit_time(self.call_limit);
        match self.executor.drive_to_end().await {
            // Only the command restarts scripts.
            Outcome::Ended | Outcome::Reload => Ok(()),
            Outcome::Interrupted => Err(self.interruption()),
        }
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
    pub fn get<R: Owned>(&mut self, name: &str) -> Result<R, Error> {
        let globals = self.globals()?;
        globals.get(self, name)
    }

    /// Makes a typed closure a global function. Its first parameter is the call; the others are
    /// converted from the arguments.
    ///
    /// # Errors
    /// If memory is short.
    ///
    /// ```
    /// use solvm::{Call, LuaError, Runtime};
    ///
    /// let mut lua = Runtime::new()?;
    /// lua.register("divide", |_: &mut Call, a: f64, b: f64| {
    ///     if b == 0.0 { Err(LuaError::text("division by zero")) } else { Ok(a / b) }
    /// })?;
    /// assert_eq!(lua.eval::<f64>("return divide(7, 2)")?, 3.5);
    /// let error = lua.run("divide(1)").unwrap_err();
    /// assert_eq!(error.message(), "chunk:1: bad argument #2 to 'divide' (number expected, got no value)");
    /// assert_eq!(lua.run("divide(1, 0)").unwrap_err().message(), "chunk:1: division by zero");
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn register<F, P>(&mut self, name: &str, function: F) -> Result<(), Error>
    where
        F: for<'a> Native<'a, P> + 'static,
        P: 'static,
    {
        self.try_enter(|call| {
            let function = call.closure(function);
            call.globals().set_field(call, name, function)
        })
    }

    /// Registers a closure that returns futures as a global function: its goroutine waits, the
    /// others continue.
    ///
    /// # Errors
    /// If memory is short.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut lua = solvm::Runtime::new()?;
    /// lua.register_async("shout", |(text, seconds): (String, f64)| async move {
    ///     tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    ///     if text.is_empty() { Err("nothing to shout") } else { Ok(text.to_uppercase()) }
    /// })?;
    /// assert_eq!(lua.eval::<String>("return shout('hey', 0.01)")?, "HEY");
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn register_async<A, F, T, R, E>(&mut self, name: &str, function: F) -> Result<(), Error>
    where
        A: FromValues + 'static,
        F: Fn(A) -> T + 'static,
        T: Future<Output = Result<R, E>> + 'static,
        R: for<'a> IntoLua<'a> + 'static,
        E: ToString + 'static,
    {
        self.try_enter(|call| {
            let function = call.async_closure(function);
            call.globals().set_field(call, name, function)
        })
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
    /// assert_eq!(table.len(&mut lua), 1);
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
    /// let count = lua.enter(|call| call.globals().pairs().count());
    /// assert!(count > 20);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn enter<R>(&mut self, f: impl for<'c> FnOnce(&mut Call<'c>) -> R) -> R {
        self.executor.enter(f)
    }

    /// As [`Runtime::enter`]; errors are converted.
    pub(super) fn try_enter<R>(
        &mut self,
        f: impl for<'c> FnOnce(&mut Call<'c>) -> Result<R, solvm_vm::Error>,
    ) -> Result<R, Error> {
        self.executor.enter(|call| f(call).map_err(|error| Error::of_native(call, error)))
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
        let outcome = self
            .executor
            .drive_main_for(started, &mut |call, end| {
                result = Some(match end {
                    Ok(values) => R::from_values(call, values).map_err(|mismatch| {
                        Error::new(
                            ErrorKind::Conversion,
                            format!("result #{}: {}", mismatch.index, mismatch.text),
                        )
                    }),
                    Err((error, traceback)) => Err(Error::raised(call, error, traceback)),
                });
                true
            })
            .await;
        match result {
            Some(result) if outcome == Outcome::Ended => result,
            _ => {
                let error = self.interruption();
                // The rest of the program continues with the next call.
                self.executor.limit_time(None);
                self.executor.enter(|call| call.end_goroutine(started));
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
            None => {
                crate::new_tokio().map_err(|error| Error::new(ErrorKind::Start, reason(&error)))
            }
        }
    }
}
