//! Coroutines that a Rust program resumes: as iterators of values, and as conversations.
//!
//! A resume is a call of `coroutine.resume` in a goroutine, so that what the coroutine calls may
//! wait, and the limits of calls hold.

use crate::callable::Callable;
use crate::error::Error;
use crate::handles::{Coroutine, Function};
use crate::runtime::Runtime;
use solvm_vm::native::{
    Definition, FromLuaOwned, FromValues, IntoLua, IntoValues, Mismatch, Special,
};
use solvm_vm::{Call, Error as LuaError, Status, Traceback, Value};

static RESUME: Definition = Definition::special("resume", Special::Resume);

/// `coroutine.resume`, whatever the program has made of the global.
struct Resume;

impl Callable for Resume {
    fn find<'c>(&self, call: &mut Call<'c>) -> Result<solvm_vm::Function<'c>, LuaError> {
        Ok(call.function(&RESUME, &[]))
    }
}

/// A coroutine and what it is resumed with.
struct Arguments<'a, A>(&'a Coroutine, A);

impl<'c, A: IntoValues<'c>> IntoValues<'c> for Arguments<'_, A> {
    fn into_values(self, call: &mut Call<'c>) -> Result<Vec<Value<'c>>, LuaError> {
        let mut values = vec![self.0.into_lua(call)?];
        values.extend(self.1.into_values(call)?);
        Ok(values)
    }
}

/// What `coroutine.resume` returns.
struct Resumed<R>(Result<R, Error>);

impl<R: FromValues> FromValues for Resumed<R> {
    fn from_values<'c>(call: &mut Call<'c>, values: &[Value<'c>]) -> Result<Self, Mismatch> {
        match values {
            [succeeded, results @ ..] if succeeded.is_truthy() => {
                R::from_values(call, results).map(|results| Resumed(Ok(results)))
            }
            [_, error, ..] => Ok(Resumed(Err(Error::raised(call, *error, Traceback::default())))),
            _ => Ok(Resumed(Err(Error::raised(call, Value::NIL, Traceback::default())))),
        }
    }
}

impl Runtime {
    /// A coroutine that will run a Lua function.
    ///
    /// # Errors
    /// If the function is not written in Lua, or memory is short.
    ///
    /// ```
    /// let mut lua = solvm::Runtime::new()?;
    /// let count = lua.load("for i = 1, ... do coroutine.yield(i) end", "=count")?;
    /// let coroutine = lua.coroutine(&count)?;
    /// assert_eq!(coroutine.resume::<u32>(&mut lua, 3)?, 1);
    /// let mut rest = Vec::new();
    /// while let Some(number) = coroutine.next::<u32>(&mut lua)? {
    ///     rest.push(number);
    /// }
    /// assert_eq!(rest, [2, 3]);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn coroutine(&mut self, function: &Function) -> Result<Coroutine, Error> {
        self.try_enter(|call| {
            let function = function.get_in(call)?;
            if !function.is_lua() {
                return Err(LuaError::text("Lua function expected"));
            }
            let coroutine = call.coroutine(function)?;
            Coroutine::owned(call, coroutine.value()).ok_or_else(LuaError::out_of_memory)
        })
    }
}

impl Coroutine {
    /// Runs it until it yields or returns, and gives these values. The arguments are those of its
    /// function, and later the results of `coroutine.yield`.
    ///
    /// # Errors
    /// If it fails or has ended, or as [`Runtime::call`].
    pub fn resume<R: FromValues>(
        &self,
        runtime: &mut Runtime,
        arguments: impl for<'c> IntoValues<'c>,
    ) -> Result<R, Error> {
        runtime.call::<Resumed<R>>(Resume, Arguments(self, arguments))?.0
    }

    /// The same as a future.
    ///
    /// # Errors
    /// As [`resume`](Self::resume).
    pub async fn resume_async<R: FromValues>(
        &self,
        runtime: &mut Runtime,
        arguments: impl for<'c> IntoValues<'c>,
    ) -> Result<R, Error> {
        runtime.call_async::<Resumed<R>>(Resume, Arguments(self, arguments)).await?.0
    }

    /// Whether it has returned or failed.
    ///
    /// # Errors
    /// If it belongs to another runtime.
    pub fn is_dead(&self, runtime: &mut Runtime) -> Result<bool, Error> {
        runtime.try_enter(|call| {
            let coroutine = self.get_in(call)?;
            Ok(call.status(coroutine) == Status::Dead)
        })
    }

    /// The next values that it yields; None once it has returned.
    ///
    /// # Errors
    /// As [`resume`](Self::resume), except that it may have ended.
    pub fn next<R: FromValues>(&self, runtime: &mut Runtime) -> Result<Option<R>, Error> {
        if self.is_dead(runtime)? {
            return Ok(None);
        }
        let values: Values = self.resume(runtime, ())?;
        self.yielded(runtime, values)
    }

    /// The same as a future: a coroutine is a stream of what it yields.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), solvm::Error> {
    /// let mut lua = solvm::Runtime::new()?;
    /// let ticks = lua.load("for i = 1, 3 do sleep(0.001) coroutine.yield(i) end", "=ticks")?;
    /// let ticks = lua.coroutine(&ticks)?;
    /// let mut sum = 0;
    /// while let Some(tick) = ticks.next_async::<i32>(&mut lua).await? {
    ///     sum += tick;
    /// }
    /// assert_eq!(sum, 6);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_async<R: FromValues>(
        &self,
        runtime: &mut Runtime,
    ) -> Result<Option<R>, Error> {
        if self.is_dead(runtime)? {
            return Ok(None);
        }
        let values: Values = self.resume_async(runtime, ()).await?;
        self.yielded(runtime, values)
    }

    /// Converts values that were yielded; what it returned at its end is not one of them.
    fn yielded<R: FromValues>(
        &self,
        runtime: &mut Runtime,
        values: Values,
    ) -> Result<Option<R>, Error> {
        if self.is_dead(runtime)? {
            return Ok(None);
        }
        let converted = runtime.try_enter(|call| {
            let values: Result<Vec<_>, _> =
                values.0.into_iter().map(|value| value.into_lua(call)).collect();
            Ok(R::from_values(call, &values?))
        })?;
        converted.map(Some).map_err(Error::mismatch)
    }
}

/// Any number of values.
struct Values(Vec<crate::handles::Value>);

impl FromValues for Values {
    fn from_values<'c>(call: &mut Call<'c>, values: &[Value<'c>]) -> Result<Self, Mismatch> {
        let owned = values.iter().map(|value| FromLuaOwned::owned(call, *value)).collect();
        let no_memory = || Mismatch { index: 1, text: "not enough memory".into() };
        Ok(Values(Option::ok_or_else(owned, no_memory)?))
    }
}
