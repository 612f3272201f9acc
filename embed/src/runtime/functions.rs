//! Functions of Rust for Lua: typed closures as globals, as values, and as loaders of modules.

use super::Runtime;
use crate::error::Error;
use crate::handles::Function;
use solvm_vm::native::{FromLuaOwned, FromValues, IntoValues, Native};
use solvm_vm::{Call, Error as LuaError, Table};

impl Runtime {
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
    /// assert_eq!(
    ///     error.message(),
    ///     "chunk:1: bad argument #2 to 'divide' (number expected, got no value)"
    /// );
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
        R: for<'a> IntoValues<'a> + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.try_enter(|call| {
            let function = call.async_closure(function);
            call.globals().set_field(call, name, function)
        })
    }

    /// A function that calls a closure, as a value: for fields of tables and arguments. In code
    /// that has a [`Call`], [`closure`](crate::closure) makes one.
    ///
    /// # Errors
    /// If memory is short.
    ///
    /// ```
    /// use solvm::{Call, Runtime};
    ///
    /// let mut lua = Runtime::new()?;
    /// let shapes = lua.new_table()?;
    /// let area = lua.function(|_: &mut Call, width: f64, height: f64| width * height)?;
    /// shapes.set(&mut lua, "area", &area)?;
    /// shapes.set(&mut lua, "double", solvm::closure(|_: &mut Call, x: f64| 2.0 * x))?;
    /// lua.set("shapes", &shapes)?;
    /// assert_eq!(lua.eval::<f64>("return shapes.double(shapes.area(2, 3))")?, 12.0);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn function<F, P>(&mut self, function: F) -> Result<Function, Error>
    where
        F: for<'a> Native<'a, P> + 'static,
        P: 'static,
    {
        self.keep(|call| call.closure(function))
    }

    /// A function that calls a closure which returns futures: see
    /// [`register_async`](Self::register_async).
    ///
    /// # Errors
    /// If memory is short.
    pub fn async_function<A, F, T, R, E>(&mut self, function: F) -> Result<Function, Error>
    where
        A: FromValues + 'static,
        F: Fn(A) -> T + 'static,
        T: Future<Output = Result<R, E>> + 'static,
        R: for<'a> IntoValues<'a> + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.keep(|call| call.async_closure(function))
    }

    pub(super) fn keep(
        &mut self,
        make: impl for<'c> FnOnce(&mut Call<'c>) -> solvm_vm::Function<'c>,
    ) -> Result<Function, Error> {
        self.try_enter(|call| {
            let function = make(call);
            Function::owned(call, function.value()).ok_or_else(LuaError::out_of_memory)
        })
    }

    /// Makes a module that `require` finds: the loader is called with its name the first time, and
    /// returns the module.
    ///
    /// # Errors
    /// If the library `package` is left out, or memory is short.
    ///
    /// ```
    /// use solvm::{Call, Fields, Runtime, closure};
    ///
    /// let mut lua = Runtime::new()?;
    /// lua.preload("shapes", |_: &mut Call, _name: String| {
    ///     Fields([("area", closure(|_: &mut Call, width: f64, height: f64| width * height))])
    /// })?;
    /// assert_eq!(lua.eval::<f64>("return require('shapes').area(2, 3)")?, 6.0);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn preload<F, P>(&mut self, name: &str, loader: F) -> Result<(), Error>
    where
        F: for<'a> Native<'a, P> + 'static,
        P: 'static,
    {
        self.try_enter(|call| {
            let mut table = Some(call.loaded()?);
            for field in ["package", "preload"] {
                let key = call.string(field.as_bytes())?;
                table = table.and_then(|table| Table::from_value(table.get(key)));
            }
            let Some(preload) = table else {
                return Err(LuaError::text("the library 'package' is missing"));
            };
            let loader = call.closure(loader);
            preload.set_field(call, name, loader)
        })
    }
}
