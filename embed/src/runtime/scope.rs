//! Functions of Rust that borrow: for the time of a block.

use super::Runtime;
use crate::error::Error;
use crate::handles::Function;
use solvm_vm::native::{self, NativeMut};
use std::ops::{Deref, DerefMut};

/// A runtime whose functions may borrow data that is valid for `'env`: see [`Runtime::scope`]. It
/// has all methods of [`Runtime`].
///
/// Its functions have the parameters and results of others, and may change what they borrow. A
/// closure that is running is not called again: Lua functions that it requests are called when it
/// has returned.
pub struct Scope<'a, 'env> {
    runtime: &'a mut Runtime,
    functions: &'a native::Scope<'env>,
}

impl Deref for Scope<'_, '_> {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        self.runtime
    }
}

impl DerefMut for Scope<'_, '_> {
    fn deref_mut(&mut self) -> &mut Runtime {
        self.runtime
    }
}

impl<'env> Scope<'_, 'env> {
    /// As [`Runtime::register`], for a closure that may borrow. The global remains when the scope
    /// has ended; its calls raise an error.
    ///
    /// # Errors
    /// If memory is short.
    pub fn register<F, P>(&mut self, name: &str, function: F) -> Result<(), Error>
    where
        F: for<'c> NativeMut<'c, P> + 'env,
    {
        let functions = self.functions;
        self.runtime.try_enter(|call| {
            let function = functions.function(call, function);
            call.globals().set_field(call, name, function)
        })
    }

    /// As [`Runtime::function`], for a closure that may borrow: a value for fields of tables and
    /// arguments.
    ///
    /// # Errors
    /// If memory is short.
    ///
    /// ```
    /// use solvm::{Call, Fields, Runtime};
    /// use std::cell::Cell;
    ///
    /// let balance = Cell::new(10.0);
    /// let mut lua = Runtime::new()?;
    /// lua.scope(|scope| {
    ///     let deposit = scope.function(|_: &mut Call, x: f64| balance.set(balance.get() + x))?;
    ///     let current = scope.function(|_: &mut Call| balance.get())?;
    ///     scope.set("account", Fields([("deposit", deposit), ("balance", current)]))?;
    ///     scope.run("account.deposit(5) assert(account.balance() == 15)")
    /// })?;
    /// assert_eq!(balance.get(), 15.0);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn function<F, P>(&mut self, function: F) -> Result<Function, Error>
    where
        F: for<'c> NativeMut<'c, P> + 'env,
    {
        let functions = self.functions;
        self.runtime.keep(|call| functions.function(call, function))
    }
}

impl Runtime {
    /// Calls a block in which functions may borrow data, and change it. When the block ends, also
    /// by an error or a panic, its closures are dropped. Lua may keep the functions: later calls
    /// raise the error `cannot call function: its scope has ended`, also those of goroutines that
    /// the block has started.
    ///
    /// A panic of the block itself is not caught, and the runtime remains usable.
    ///
    /// # Errors
    /// That of the block.
    ///
    /// ```
    /// use solvm::{Call, Runtime};
    ///
    /// let mut lines = Vec::new();
    /// let mut lua = Runtime::new()?;
    /// let count: usize = lua.scope(|scope| {
    ///     scope.register("log", |_: &mut Call, line: String| lines.push(line))?;
    ///     scope.eval("log('a') log('b') return 2")
    /// })?;
    /// assert_eq!((count, lines), (2, vec!["a".to_string(), "b".into()]));
    /// let error = lua.run("log('c')").unwrap_err();
    /// assert_eq!(error.message(), "chunk:1: cannot call function: its scope has ended");
    /// # Ok::<(), solvm::Error>(())
    /// ```
    ///
    /// What is borrowed outlives the block, so it is not local to it:
    ///
    /// ```compile_fail,E0373
    /// # use solvm::{Call, Runtime};
    /// # let mut lua = Runtime::new()?;
    /// lua.scope(|scope| {
    ///     let local = String::from("text");
    ///     scope.register("length", |_: &mut Call| local.len())
    /// })?;
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn scope<'env, R>(
        &mut self,
        block: impl FnOnce(&mut Scope<'_, 'env>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        native::scope(|functions| block(&mut Scope { runtime: self, functions }))
    }

    /// As [`scope`](Runtime::scope), for an asynchronous block. If the future is dropped before it
    /// is ready, the scope ends, and also if it is leaked: then the closures are leaked, too.
    ///
    /// # Errors
    /// That of the block.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), solvm::Error> {
    /// use solvm::{Call, Runtime};
    ///
    /// let mut lines = Vec::new();
    /// let mut lua = Runtime::new()?;
    /// let script = lua.load("log('a') sleep(0.01) log('b')", "=script")?;
    /// lua.scope_async(async |scope| {
    ///     scope.register("log", |_: &mut Call, line: String| lines.push(line))?;
    ///     scope.call_async::<()>(&script, ()).await
    /// })
    /// .await?;
    /// assert_eq!(lines, ["a", "b"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What is borrowed outlives the future:
    ///
    /// ```compile_fail,E0597
    /// # async fn f(lua: &mut solvm::Runtime) {
    /// let block;
    /// let text = String::from("text");
    /// block = lua.scope_async(async |scope| {
    ///     scope.register("length", |_: &mut solvm::Call| text.len())
    /// });
    /// # }
    /// ```
    pub async fn scope_async<'env, R>(
        &mut self,
        block: impl AsyncFnOnce(&mut Scope<'_, 'env>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        native::scope_async(async |functions| block(&mut Scope { runtime: self, functions }).await)
            .await
    }
}
