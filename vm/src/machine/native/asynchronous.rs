//! Natives as `async fn`: for those whose control flow is too complex for a manual state machine.
//!
//! Values are in numbered slots of the native's frame and are accessed through a scope; a value
//! cannot leave its scope, so none can be held across an `await` (the compiler refuses).
//!
//! ```
//! use solvm_vm::native::asynchronous::{Lua, Slot, run};
//! use solvm_vm::Value;
//! use solvm_vm::native::{Call, Error, Function, Results};
//!
//! /// `twice(f, x)`: returns `f(f(x))`.
//! fn twice<'c>(
//!     _: &mut Call<'c>,
//!     _function: Function<'c>,
//!     _x: Value<'c>,
//! ) -> impl Results<'c> + use<'c> {
//!     run(|lua| async move {
//!         let (function, x) = (Slot::argument(0), Slot::argument(1));
//!         lua.call(function, &[x], x).await?;
//!         lua.call(function, &[x], x).await?;
//!         lua.finish(&[x])
//!     })
//! }
//! # let _ = solvm_vm::native::Definition::new("twice", twice);
//! ```
//!
//! Holding a value across an await does not compile:
//!
//! ```compile_fail
//! use solvm_vm::native::asynchronous::{Lua, Slot};
//! async fn wrong(lua: Lua) {
//!     let kept = lua.with(|call| call.argument(0));
//!     drop(kept);
//! }
//! ```

use super::Leave;
use super::call::Call;
use super::error::Error;
use super::handle::Value;
use super::results::Results;
use super::steps::{Start, Step, Steps, Wanted};
use crate::machine::scheduler::Wait;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A value of the native that survives awaits: an argument, or one that it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(Place);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Argument(usize),
    Kept(usize),
}

impl Slot {
    /// The argument with that index, counted from 0.
    pub const fn argument(index: usize) -> Slot {
        Slot(Place::Argument(index))
    }

    /// Its value, inside [`Lua::with`].
    pub fn get<'c>(self, call: &mut Call<'c>) -> Value<'c> {
        match self.0 {
            Place::Argument(index) => call.argument(index).unwrap_or(Value::NIL),
            Place::Kept(index) => call.kept(index),
        }
    }

    /// Changes its value, inside [`Lua::with`].
    pub fn set<'c>(self, call: &mut Call<'c>, value: Value<'c>) {
        match self.0 {
            Place::Argument(index) => call.set_argument(index, value),
            Place::Kept(index) => call.set_kept(index, value),
        }
    }
}

/// The request of an async native to the interpreter when it yields.
enum Request {
    Call { function: Slot, arguments: Vec<Slot>, result: Slot },
    Nothing,
}

struct Shared {
    /// The call of the step that is being taken; null in between. Its lifetime is that of the poll.
    call: Cell<*mut ()>,
    request: RefCell<Request>,
}

/// The way from an async native to its values and to Lua.
#[derive(Clone)]
pub struct Lua(Rc<Shared>);

/// The results of an async native.
pub struct Finished(Outcome);

enum Outcome {
    Values(Vec<Slot>),
    /// Those of a call.
    Call {
        function: Slot,
        arguments: Vec<Slot>,
    },
}

impl Lua {
    /// Accesses values: they stay inside the closure.
    pub fn with<R>(&self, f: impl for<'c> FnOnce(&mut Call<'c>) -> R) -> R {
        let call = self.0.call.replace(std::ptr::null_mut()) as *mut Call<'_>;
        assert!(!call.is_null(), "async native accesses values outside its own steps");
        // SAFETY: `call` was stored by the step that is polling this future, which is still
        // running; taking it out of the cell during the closure makes it exclusive.
        let result = f(unsafe { &mut *call });
        self.0.call.set(call.cast());
        result
    }

    /// A new slot, at first nil.
    pub fn slot(&self) -> Slot {
        self.with(|call| {
            call.keep(Value::NIL);
            Slot(Place::Kept(call.kept_count() - 1))
        })
    }

    /// Reads a slot.
    pub fn get<R>(&self, slot: Slot, f: impl for<'c> FnOnce(&mut Call<'c>, Value<'c>) -> R) -> R {
        self.with(|call| {
            let value = slot.get(call);
            f(call, value)
        })
    }

    /// Writes a slot.
    pub fn set(&self, slot: Slot, f: impl for<'c> FnOnce(&mut Call<'c>) -> Value<'c>) {
        self.with(|call| {
            let value = f(call);
            slot.set(call, value);
        });
    }

    /// Calls a function; its first result goes to `result`. An error in it ends the native.
    pub fn call(&self, function: Slot, arguments: &[Slot], result: Slot) -> Calling<'_> {
        *self.0.request.borrow_mut() =
            Request::Call { function, arguments: arguments.to_vec(), result };
        Calling { asked: false, _lua: self }
    }

    /// Ends the native with the values of these slots as results.
    pub fn finish(&self, results: &[Slot]) -> Result<Finished, Error> {
        Ok(Finished(Outcome::Values(results.to_vec())))
    }

    /// Ends the native with the values that the closure gives.
    pub fn finish_with(
        &self,
        f: impl for<'c> FnOnce(&mut Call<'c>) -> Result<Vec<Value<'c>>, Error>,
    ) -> Result<Finished, Error> {
        self.with(|call| {
            let values = f(call)?;
            let first = call.kept_count();
            values.into_iter().for_each(|value| call.keep(value));
            let slots = (first..call.kept_count()).map(|index| Slot(Place::Kept(index)));
            Ok(Finished(Outcome::Values(slots.collect())))
        })
    }

    /// Ends the native with all results of a call.
    pub fn finish_with_call(&self, function: Slot, arguments: &[Slot]) -> Result<Finished, Error> {
        Ok(Finished(Outcome::Call { function, arguments: arguments.to_vec() }))
    }
}

/// A call in progress: see [`Lua::call`].
pub struct Calling<'a> {
    asked: bool,
    _lua: &'a Lua,
}

impl Future for Calling<'_> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if std::mem::replace(&mut self.asked, true) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

/// The call is stored for the future as long as this lives: even a panic removes it again.
struct Lent<'a>(&'a Shared);

impl<'a> Lent<'a> {
    fn new(shared: &'a Shared, call: &'a mut Call<'_>) -> Self {
        shared.call.set((&raw mut *call).cast());
        Lent(shared)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.0.call.set(std::ptr::null_mut());
    }
}

struct Running<F> {
    future: Pin<Box<F>>,
    shared: Rc<Shared>,
    result: Option<Slot>,
    /// Bytes of the strings among the arguments, which the future has copied.
    copied: usize,
    /// The future has ended; the results of the last call are the native's.
    is_over: bool,
}

impl<F> Running<F> {
    fn call<'c>(
        call: &mut Call<'c>,
        function: Slot,
        arguments: Vec<Slot>,
        wanted: Wanted,
    ) -> Result<Step, Error> {
        let function = function.get(call);
        let arguments: Vec<Value<'c>> = arguments.into_iter().map(|slot| slot.get(call)).collect();
        call.call(function, &arguments, wanted)
    }
}

impl<F: Future<Output = Result<Finished, Error>> + 'static> Steps for Running<F> {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if self.is_over {
            let results: Vec<Value<'c>> =
                (0..call.returned_count()).map(|i| call.returned(i)).collect();
            return call.finish(results);
        }
        call.charge_for_system_call();
        if let Some(slot) = self.result.take() {
            let value = call.returned(0);
            slot.set(call, value);
        }
        let waker = call.waker();
        let polled = {
            let _lent = Lent::new(&self.shared, call);
            self.future.as_mut().poll(&mut Context::from_waker(&waker))
        };
        if let Poll::Ready(finished) = polled {
            return match finished?.0 {
                Outcome::Values(slots) => {
                    let values: Vec<Value<'c>> =
                        slots.into_iter().map(|slot| slot.get(call)).collect();
                    call.finish(values)
                }
                Outcome::Call { function, arguments } => {
                    self.is_over = true;
                    Self::call(call, function, arguments, Wanted::All)
                }
            };
        }
        match self.shared.request.replace(Request::Nothing) {
            Request::Call { function, arguments, result } => {
                self.result = Some(result);
                Self::call(call, function, arguments, Wanted::One)
            }
            Request::Nothing => call.park(Wait::Outside),
        }
    }

    fn external_size(&self) -> usize {
        size_of::<F>() + size_of::<Shared>() + self.copied
    }
}

/// An async native that is about to start.
struct Begin<F>(Running<F>);

impl<'c, F: Future<Output = Result<Finished, Error>> + 'static> Results<'c> for Begin<F> {
    fn finish(mut self, call: &mut Call<'c>, leave: Leave) -> super::Outcome {
        self.0.copied = call.argument_bytes();
        Start::new(self.0).finish(call, leave)
    }
}

/// Runs an async native: the result of a native that is one. Each of its steps is charged like a
/// system call, since most make some.
pub fn run<'c, F, M>(make: M) -> impl Results<'c> + use<'c, F, M>
where
    F: Future<Output = Result<Finished, Error>> + 'static,
    M: FnOnce(Lua) -> F,
{
    let shared = Rc::new(Shared {
        call: Cell::new(std::ptr::null_mut()),
        request: RefCell::new(Request::Nothing),
    });
    let future = Box::pin(make(Lua(shared.clone())));
    Begin(Running { future, shared, result: None, copied: 0, is_over: false })
}
