//! Natives that are closures: created at run time, for programs that embed a VM.
//!
//! The closure is in a userdata that is bound to the function as its only value. A library's
//! functions are in its table instead (see [`library!`](crate::library)), which costs nothing until
//! they are called.
//!
//! ```
//! use solvm_vm::{Call, Config, Vm};
//!
//! let factor = 3.0;
//! Vm::new(Config::default()).enter(|call| {
//!     let function = call.closure(move |_: &mut Call, x: f64| factor * x);
//!     call.globals().set_field(call, "times", function)
//! })?;
//! # Ok::<(), solvm_vm::Error>(())
//! ```

use super::Leave;
use super::call::Call;
use super::error::Error;
use super::handle::{Function, Userdata, Value};
use super::library::{Definition, Native};
use super::params::Rest;
use super::results::IntoLua;
use super::values::{FromValues, IntoValues, Mismatch};
use super::wait::wait_for_result;
use crate::heap::userdata::Data;
use crate::layout::value::Value as Raw;
use crate::machine::vm::Vm;
use std::marker::PhantomData;

/// The data of the userdata.
struct Closure<F>(F);

impl<F: 'static> Data for Closure<F> {
    /// The size of captured values is unknown; they can hold a share of the account.
    fn external_size(&self) -> usize {
        0
    }
}

/// Where the definition of all closures of one type is.
struct Defined<F, P>(PhantomData<(F, P)>);

impl<F: for<'c> Native<'c, P> + 'static, P> Defined<F, P> {
    const DEFINITION: Definition = Definition { name: "?", handler: None, code: enter::<F, P> };
}

/// The code of a closure.
///
/// # Safety
/// As [`Code`](super::Code).
unsafe fn enter<F: for<'c> Native<'c, P> + 'static, P>(
    vm: *mut Vm,
    arguments: *mut Raw,
    count: usize,
) -> i64 {
    // SAFETY: the invariant of `Call` is as the caller asserts.
    let call = &mut unsafe { Call::new(vm, arguments, count) };
    let closure =
        call.upvalue(0).and_then(Userdata::from_value).and_then(Userdata::get::<Closure<F>>);
    match closure {
        Some(closure) => closure.0.invoke(call, Leave(())).0,
        // The VM is closing, and has dropped all userdata.
        None => Error::text("function no longer exists").finish_failed(call).0,
    }
}

/// A closure that becomes a function of Lua: see [`closure`].
pub struct NewFunction<F, P>(F, PhantomData<P>);

/// A closure as a value for Lua: for fields of tables, results and arguments.
///
/// ```
/// use solvm_vm::Call;
/// use solvm_vm::native::closure;
///
/// # solvm_vm::Vm::new(Default::default()).enter(|call| {
/// let table = call.table(0, 1)?;
/// table.set_field(call, "double", closure(|_: &mut Call, x: f64| 2.0 * x))
/// # })?;
/// # Ok::<(), solvm_vm::Error>(())
/// ```
pub fn closure<F, P>(function: F) -> NewFunction<F, P>
where
    F: for<'a> Native<'a, P> + 'static,
    P: 'static,
{
    NewFunction(function, PhantomData)
}

impl<'c, F, P> IntoLua<'c> for NewFunction<F, P>
where
    F: for<'a> Native<'a, P> + 'static,
    P: 'static,
{
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Ok(call.closure(self.0).value())
    }
}

impl<'c> Call<'c> {
    /// A function that calls a closure.
    pub fn closure<F, P>(&mut self, function: F) -> Function<'c>
    where
        F: for<'a> Native<'a, P> + 'static,
        P: 'static,
    {
        let closure = self.userdata(Closure(function), None);
        self.function(&Defined::<F, P>::DEFINITION, &[closure.value()])
    }

    /// A function that calls a closure and waits for the future that it returns; other goroutines
    /// continue in the meantime. An error of the future becomes a Lua error.
    ///
    /// ```
    /// # solvm_vm::Vm::new(Default::default()).enter(|call| {
    /// let function = call.async_closure(|(seconds, text): (f64, String)| async move {
    ///     // tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    ///     if seconds < 0.0 { Err("time runs forwards") } else { Ok(text) }
    /// });
    /// call.globals().set_field(call, "later", function)
    /// # })?;
    /// # Ok::<(), solvm_vm::Error>(())
    /// ```
    pub fn async_closure<A, F, T, R, E>(&mut self, function: F) -> Function<'c>
    where
        A: FromValues + 'static,
        F: Fn(A) -> T + 'static,
        T: Future<Output = Result<R, E>> + 'static,
        R: for<'a> IntoValues<'a> + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.closure(move |call: &mut Call, arguments: Rest| {
            let arguments: Vec<_> = arguments.values(call).collect();
            let arguments = A::from_values(call, &arguments).map_err(Mismatch::argument)?;
            Ok::<_, Error>(wait_for_result(function(arguments)))
        })
    }
}
