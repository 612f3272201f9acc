//! Natives that wait for something outside Lua.
//!
//! The future owns plain Rust data and no Lua value; its result is converted when the goroutine
//! continues.
//!
//! ```
//! use solvm_vm::native::{Call, Wait, wait_for};
//!
//! /// `answer()`: waits for a future (here one that is ready at once) and returns what it gave.
//! fn answer(_: &mut Call) -> Wait<impl Future<Output = f64> + use<>, f64> {
//!     wait_for(async { 42.0 }, |_, result| Ok(solvm_vm::Value::number(result)))
//! }
//! # let _ = solvm_vm::native::Definition::new("answer", answer);
//! ```

use super::Leave;
use super::Outcome;
use super::call::Call;
use super::error::Error;
use super::handle::Value;
use super::results::Results;
use super::steps::{Start, Step, Steps};
use super::values::IntoValues;
use crate::machine::scheduler;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Turns a future's result into a Lua value.
pub(crate) type Convert<T> = for<'c> fn(&mut Call<'c>, T) -> Result<Value<'c>, Error>;

/// Turns a future's result into the results of a native.
type ConvertAll<T> = for<'c> fn(&mut Call<'c>, T) -> Result<Vec<Value<'c>>, Error>;

enum Conversion<T> {
    One(Convert<T>),
    All(ConvertAll<T>),
}

/// The result of a waiting native.
pub struct Wait<F, T>(F, Conversion<T>);

/// Waits for `future`; then `convert` makes the native's result.
pub fn wait_for<F: Future<Output = T> + 'static, T: 'static>(
    future: F,
    convert: Convert<T>,
) -> Wait<F, T> {
    Wait(future, Conversion::One(convert))
}

/// As [`wait_for`], for any number of results.
fn wait_for_all<F: Future<Output = T> + 'static, T: 'static>(
    future: F,
    convert: ConvertAll<T>,
) -> Wait<F, T> {
    Wait(future, Conversion::All(convert))
}

/// Waits for a future: the result of an asynchronous method. The future owns what it needs, since
/// it outlives the arguments of the call.
///
/// ```
/// use solvm_vm::native::{Class, Library, Results, This, wait_for_result};
/// use solvm_vm::{Call, Data};
/// use std::rc::Rc;
///
/// struct Store(Rc<String>);
/// # impl Data for Store {
/// #     fn external_size(&self) -> usize {
/// #         0
/// #     }
/// # }
/// # impl Class for Store {
/// #     const NAME: &'static str = "Store";
/// #     const METHODS: &'static Library = &METHODS;
/// # }
///
/// static METHODS: Library = solvm_vm::library!("Store" {
///     "fetch" => fetch,
/// });
///
/// /// `store:fetch(key)`
/// fn fetch<'c>(
///     _: &mut Call<'c>,
///     store: This<'c, Store>,
///     key: String,
/// ) -> impl Results<'c> + use<'c> {
///     let content = store.0.clone();
///     wait_for_result(async move {
///         // A database, perhaps.
///         if key.is_empty() { Err("no key") } else { Ok(format!("{key} of {content}")) }
///     })
/// }
/// ```
pub fn wait_for_result<F, R, E>(future: F) -> Wait<F, Result<R, E>>
where
    F: Future<Output = Result<R, E>> + 'static,
    R: for<'a> IntoValues<'a> + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    wait_for_all(future, |call, result| result.map_err(Error::from_rust)?.into_values(call))
}

struct Waiting<F: Future> {
    future: Pin<Box<F>>,
    convert: Conversion<F::Output>,
    /// Bytes of the strings among the arguments, which the future has copied.
    copied: usize,
}

impl<F: Future<Output = T> + 'static, T: 'static> Steps for Waiting<F> {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let waker = call.with_vm(|vm| vm.scheduler.waker());
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => match &self.convert {
                Conversion::One(convert) => {
                    let value = convert(call, result);
                    call.finish(value)
                }
                Conversion::All(convert) => {
                    let values = convert(call, result);
                    call.finish(values)
                }
            },
            Poll::Pending => call.park(scheduler::Wait::Outside),
        }
    }

    fn external_size(&self) -> usize {
        size_of::<F>() + self.copied
    }
}

impl<'c, F: Future<Output = T> + 'static, T: 'static> Results<'c> for Wait<F, T> {
    fn finish(self, call: &mut Call<'c>, leave: Leave) -> Outcome {
        call.charge_for_system_call();
        let copied = call.argument_bytes();
        Start::new(Waiting { future: Box::pin(self.0), convert: self.1, copied })
            .finish(call, leave)
    }
}

impl<'c> Call<'c> {
    /// Waits for a future, in a native that decides at run time: see [`wait_for`].
    pub fn wait<F: Future<Output = T> + 'static, T: 'static>(
        &mut self,
        future: F,
        convert: Convert<T>,
    ) -> Wait<F, T> {
        wait_for(future, convert)
    }

    /// A native with a state waits until [`Call::waker`]'s waker is woken; then it takes its next
    /// step.
    pub fn wait_for_wake(&mut self) -> Result<Step, Error> {
        self.park(scheduler::Wait::Outside)
    }

    /// The waker of the running goroutine: wakes it when it is parked.
    pub fn waker(&mut self) -> Waker {
        self.with_vm(|vm| vm.scheduler.waker())
    }
}
