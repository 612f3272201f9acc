//! Calls that run concurrently: each in its own goroutine, which delivers the results to Rust.

use super::Runtime;
use crate::callable::Callable;
use crate::error::{Error, ErrorKind};
use solvm_vm::native::{
    Definition, FromValues, IntoValues, Pass, Rest, Special, Start, Step, Steps, Wanted,
};
use solvm_vm::{Call, Traceback};
use std::cell::{Cell, OnceCell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

static PROTECTED: Definition = Definition::special("xpcall", Special::ProtectedCallWithHandler);

/// What gets the results of a call.
type Done<R> = Box<dyn FnOnce(Result<R, Error>)>;

/// A call in a goroutine: a future that is ready when it has returned. It runs while the runtime is
/// driven, by any call or by [`Runtime::run_goroutines_async`].
pub struct Task<R>(oneshot::Receiver<Result<R, Error>>);

impl<R> Future for Task<R> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = Pin::new(&mut self.0).poll(context);
        result.map(|result| result.unwrap_or_else(|_| Err(ended())))
    }
}

/// The goroutine of a call was ended, or its runtime dropped.
fn ended() -> Error {
    Error::new(ErrorKind::Cancelled, "the call was ended")
}

/// The native that is the goroutine's function: its arguments are the called function and those of
/// the call.
struct Delivery<R> {
    done: Option<Done<R>>,
    /// Why the runtime is dead.
    dead: Rc<OnceCell<Error>>,
    traceback: Rc<RefCell<Traceback>>,
    is_called: bool,
}

impl<R: FromValues + 'static> Steps for Delivery<R> {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, solvm_vm::Error> {
        if !std::mem::replace(&mut self.is_called, true) {
            let traceback = self.traceback.clone();
            let handler = call.closure(move |call: &mut Call, _error: Rest| {
                let running = call.running().0;
                *traceback.borrow_mut() = call.traceback_of(running, 1);
                Pass { first: 0 }
            });
            let protected = call.function(&PROTECTED, &[]).value();
            let mut arguments: Vec<_> = Rest { first: 0 }.values(call).collect();
            arguments.insert(1.min(arguments.len()), handler.value());
            return call.call(protected, &arguments, Wanted::All);
        }
        let values: Vec<_> = (0..call.returned_count()).map(|i| call.returned(i)).collect();
        let result = match &values[..] {
            [succeeded, results @ ..] if succeeded.is_truthy() => {
                R::from_values(call, results).map_err(Error::mismatch)
            }
            [_, error, ..] => Err(Error::raised(call, *error, self.traceback.take())),
            _ => Err(ended()),
        };
        if let Some(done) = self.done.take() {
            done(result);
        }
        call.finish(())
    }
}

impl<R> Drop for Delivery<R> {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done(Err(self.dead.get().cloned().unwrap_or_else(ended)));
        }
    }
}

impl Runtime {
    /// Starts a call in a goroutine. It runs while the runtime is driven, concurrently with other
    /// tasks; a limit of the time of calls does not hold for it.
    ///
    /// # Errors
    /// If there is no such function, or memory is short.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), solvm::Error> {
    /// let mut lua = solvm::Runtime::new()?;
    /// let late = lua.load("local x = ... sleep(0.01) return x", "=late")?;
    /// let tasks: Vec<_> = (0..100).map(|i| lua.spawn::<u32>(&late, i)).collect();
    /// // All of them sleep at the same time.
    /// lua.run_goroutines_async().await?;
    /// for (i, task) in tasks.into_iter().enumerate() {
    ///     assert_eq!(task?.await?, i as u32);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn<R: FromValues + 'static>(
        &mut self,
        function: impl Callable,
        arguments: impl for<'c> IntoValues<'c>,
    ) -> Result<Task<R>, Error> {
        let (sender, mut receiver) = oneshot::channel();
        // A task that was dropped needs no result.
        self.spawn_for(function, arguments, Box::new(|result| drop(sender.send(result))));
        match receiver.try_recv() {
            // Nothing has run yet: the call could not be started.
            Ok(Err(error)) => Err(error),
            _ => Ok(Task(receiver)),
        }
    }

    /// The same for a callback, which also gets the error if the call cannot be started.
    pub(crate) fn spawn_for<R: FromValues + 'static>(
        &mut self,
        function: impl Callable,
        arguments: impl for<'c> IntoValues<'c>,
        done: Done<R>,
    ) {
        let done = Rc::new(Cell::new(Some(done)));
        let (later, dead) = (done.clone(), self.dead.clone());
        let started = self.try_enter(|call| {
            let mut values = vec![function.find(call)?.value()];
            values.extend(arguments.into_values(call)?);
            let deliver = call.closure(move |_: &mut Call, _arguments: Rest| {
                Start::new(Delivery {
                    done: later.take(),
                    dead: dead.clone(),
                    traceback: Rc::default(),
                    is_called: false,
                })
            });
            call.spawn(deliver, &values)
        });
        if let Err(error) = started
            && let Some(done) = done.take()
        {
            done(Err(error));
        }
    }
}
