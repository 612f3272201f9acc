//! Closures that borrow: natives for the time of a scope.
//!
//! The VM may keep a native for as long as it exists, so closures are `'static` elsewhere. A scope
//! accepts those that are valid for a lifetime `'env` only, and erases it. They can be called while
//! the scope is open.
//!
//! **Invariant (OPEN IS VALID)**: a scope is open only during the call of its block, or a poll of
//! it, in a frame of this module that has `'env` as a parameter, so `'env` has not ended. However
//! that frame is left, [`Open`] closes the scope: it is a local variable of the frame, which other
//! code cannot leak.
//!
//! **Invariant (OWNED BY THE SCOPE)**: a closure is dropped only by its scope, whose type has
//! `'env`. The functions in Lua share slots with the scope, whose references keep them alive; it
//! empties them when it is dropped. If it is leaked, which a future can be, so are its closures.

use super::Leave;
use super::Outcome;
use super::call::Call;
use super::error::Error;
use super::handle::Function;
use super::library::{Native, NativeMut};
use crate::messages;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::marker::PhantomData;
use std::mem::transmute;
use std::pin::pin;
use std::rc::Rc;

/// A closure, its parameters' types hidden.
type Invoke<'env> = dyn for<'c> FnMut(&mut Call<'c>, Leave) -> Outcome + 'env;

/// A place for a closure, which its scope and the function in Lua share.
struct Slot {
    /// Whether the scope is open.
    is_open: Rc<Cell<bool>>,
    /// None once the scope has ended. Borrowed while it runs.
    function: RefCell<Option<Box<Invoke<'static>>>>,
}

/// What the function in Lua captures.
struct Shared(Rc<Slot>);

/// The mark of [`Shared`], which converts no parameters itself.
struct Erased;

impl<'c> Native<'c, Erased> for Shared {
    fn invoke(&self, call: &mut Call<'c>, leave: Leave) -> Outcome {
        let refusal = match self.0.function.try_borrow_mut() {
            _ if !self.0.is_open.get() => messages::SCOPE_ENDED,
            // OPEN IS VALID.
            Ok(mut function) => match &mut *function {
                Some(function) => return function(call, leave),
                None => messages::SCOPE_ENDED,
            },
            Err(_) => messages::ALREADY_RUNNING,
        };
        Error::text(refusal).finish_failed(call)
    }
}

/// A time in which closures may borrow: see [`scope`].
pub struct Scope<'env> {
    is_open: Rc<Cell<bool>>,
    slots: RefCell<Vec<Rc<Slot>>>,
    /// Invariant: a shorter lifetime would admit closures that borrow from the block itself.
    env: PhantomData<*mut &'env ()>,
}

/// Keeps a scope open.
struct Open<'a>(&'a Cell<bool>);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Calls `block` with a scope, whose functions may borrow what outlives this call. When the block
/// ends, also by a panic, its closures are dropped. A function that is called later raises an
/// error.
///
/// ```
/// use solvm_vm::{Call, Config, Vm};
/// use solvm_vm::native::scope;
///
/// let mut vm = Vm::new(Config::default());
/// let mut lines = Vec::new();
/// scope(|scope| {
///     vm.enter(|call| {
///         let log = scope.function(call, |_: &mut Call, line: String| lines.push(line));
///         call.globals().set_field(call, "log", log)
///     })
///     // Code that runs here may call it.
/// })?;
/// assert!(lines.is_empty());
/// # Ok::<(), solvm_vm::Error>(())
/// ```
///
/// A function does not borrow what the block itself owns:
///
/// ```compile_fail,E0373
/// # use solvm_vm::{Call, Config, Vm};
/// # let mut vm = Vm::new(Config::default());
/// solvm_vm::native::scope(|scope| {
///     let local = String::new();
///     vm.enter(|call| {
///         scope.function(call, |_: &mut Call| local.len());
///     });
/// });
/// ```
pub fn scope<'env, R>(block: impl FnOnce(&Scope<'env>) -> R) -> R {
    let scope = Scope::new();
    let _open = scope.open();
    block(&scope)
}

/// As [`scope`], for an asynchronous block. A function that is called between two polls of it
/// raises an error, too, so the future may be dropped or leaked at any time.
pub async fn scope_async<'env, R>(block: impl AsyncFnOnce(&Scope<'env>) -> R) -> R {
    let scope = Scope::new();
    let mut block = pin!(block(&scope));
    poll_fn(|context| {
        let _open = scope.open();
        block.as_mut().poll(context)
    })
    .await
}

impl<'env> Scope<'env> {
    fn new() -> Self {
        Scope { is_open: Rc::default(), slots: RefCell::default(), env: PhantomData }
    }

    /// Opens it until the result is dropped.
    fn open(&self) -> Open<'_> {
        self.is_open.set(true);
        Open(&self.is_open)
    }

    /// A function that calls a closure: as [`Call::closure`], for the time of the scope. The
    /// closure may change what it has captured.
    pub fn function<'c, F, P>(&self, call: &mut Call<'c>, mut function: F) -> Function<'c>
    where
        F: for<'a> NativeMut<'a, P> + 'env,
    {
        let invoke =
            Box::new(move |call: &mut Call<'_>, leave: Leave| function.invoke_mut(call, leave));
        call.closure::<_, Erased>(Shared(self.slot(invoke)))
    }

    fn slot(&self, function: Box<Invoke<'env>>) -> Rc<Slot> {
        // SAFETY: the types differ in the lifetime only. The closure is called while the scope is
        // open only, when it is valid (OPEN IS VALID), and dropped by the scope, whose destructor
        // requires that `'env` has not ended (OWNED BY THE SCOPE).
        let function = unsafe { transmute::<Box<Invoke<'env>>, Box<Invoke<'static>>>(function) };
        let function = RefCell::new(Some(function));
        let slot = Rc::new(Slot { is_open: self.is_open.clone(), function });
        let slots = &mut *self.slots.borrow_mut();
        if slots.len() == slots.capacity() {
            // Functions that Lua has collected make room.
            slots.retain(|slot| Rc::strong_count(slot) > 1);
        }
        slots.push(slot.clone());
        slot
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        let empty = |slot: Rc<Slot>| match slot.function.try_borrow_mut() {
            Ok(mut function) => function.take(),
            // Never reached, since the block has called whatever runs, but a closure that runs
            // would continue with borrows that have ended.
            Err(_) => std::process::abort(),
        };
        // All slots are empty before the first closure is dropped, which may panic.
        let functions: Vec<_> = self.slots.get_mut().drain(..).map(empty).collect();
        drop(functions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::native::Value;
    use crate::machine::native::library::{Definition, Special};
    use crate::machine::scheduler::Turn;
    use crate::machine::vm::{Config, Vm};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    /// Runs a chunk; its result is a string.
    fn run(vm: &mut Vm, code: &str) -> String {
        static PROTECTED: Definition = Definition::special("pcall", Special::ProtectedCall);
        let main = vm.enter(|call| {
            let protected = call.function(&PROTECTED, &[]);
            call.globals().set_field(call, "pcall", protected).unwrap();
            let function = call.load(code.as_bytes(), b"=code").unwrap();
            call.spawn(function, &[]).unwrap()
        });
        vm.watch(Some(main));
        while vm.turn(&mut Context::from_waker(Waker::noop())) == Turn::Ready {}
        fn text<'c>(call: &mut Call<'c>, value: Value<'c>) -> String {
            String::from_utf8(call.error_message(value)).unwrap()
        }
        vm.next_end(|call, _, result| match result {
            Ok(values) => text(call, values[0]),
            Err((error, _)) => format!("failed: {}", text(call, error)),
        })
        .unwrap()
    }

    /// Between turns everything is saved.
    fn collect(vm: &mut Vm) {
        let (heap, mut roots) = vm.heap_and_roots();
        unsafe { (*heap).collect(&mut roots) };
    }

    fn vm() -> Box<Vm> {
        Vm::new(Config::default())
    }

    fn set<'env, P>(
        vm: &mut Vm,
        scope: &Scope<'env>,
        function: impl for<'c> NativeMut<'c, P> + 'env,
    ) {
        vm.enter(|call| {
            let function = scope.function(call, function);
            call.globals().set_field(call, "f", function).unwrap();
        });
    }

    const ENDED: &str = "failed: code:1: cannot call function: its scope has ended";

    #[test]
    fn a_closure_borrows_until_its_scope_ends() {
        let mut vm = vm();
        let (mut sum, text) = (0.0, String::from("x"));
        let result = scope(|scope| {
            set(&mut vm, scope, |_: &mut Call, x: f64| {
                sum += x;
                (&text[..], sum)
            });
            run(&mut vm, "local text = f(1) local _, sum = f(2) return text .. sum")
        });
        assert_eq!((result.as_str(), sum), ("x3", 3.0));
        assert_eq!(run(&mut vm, "f(1)"), ENDED);
        assert_eq!(sum, 3.0);
    }

    /// Notes that it is dropped, in what it borrows.
    struct Noting<'a>(&'a RefCell<Vec<&'static str>>, &'static str);

    impl Noting<'_> {
        fn name(&self) -> &'static str {
            self.1
        }
    }

    impl Drop for Noting<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push(self.1);
            assert_ne!(self.1, "panics");
        }
    }

    #[test]
    fn closures_are_dropped_with_the_scope_whatever_is_leaked() {
        let dropped = RefCell::default();
        let mut vm = vm();
        let leaked = scope(|scope| {
            let value = Noting(&dropped, "first");
            set(&mut vm, scope, move |_: &mut Call| value.name());
            std::mem::forget(scope.slots.borrow()[0].clone());
            std::mem::replace(&mut vm, self::vm())
        });
        assert_eq!(*dropped.borrow(), ["first"]);
        std::mem::forget(leaked);
    }

    #[test]
    fn a_panic_of_the_block_or_of_a_destructor_empties_all_slots() {
        let dropped = RefCell::default();
        let mut vm = vm();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            scope(|scope| {
                for name in ["panics", "second"] {
                    let value = Noting(&dropped, name);
                    set(&mut vm, scope, move |_: &mut Call| value.name());
                    run(&mut vm, "g, f = f, nil return 1");
                }
            });
        }));
        assert!(panic.is_err());
        assert_eq!(*dropped.borrow(), ["panics", "second"]);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            scope(|scope| {
                set(&mut vm, scope, |_: &mut Call| ());
                panic!("broken");
            });
        }));
        assert!(panic.is_err());
        assert_eq!(run(&mut vm, "f()"), ENDED);
    }

    #[test]
    fn closures_of_collected_functions_make_room() {
        let dropped = RefCell::default();
        let mut vm = vm();
        scope(|scope| {
            for _ in 0..100 {
                let value = Noting(&dropped, "one");
                set(&mut vm, scope, move |_: &mut Call| value.name());
                scope.slots.borrow_mut().shrink_to_fit();
                vm.enter(|call| call.globals().set_field(call, "f", 1.0)).unwrap();
                collect(&mut vm);
            }
            assert!(scope.slots.borrow().len() < 10);
        });
        assert_eq!(dropped.borrow().len(), 100);
    }

    #[test]
    fn a_running_closure_is_not_called_again() {
        let mut vm = vm();
        let count = Cell::new(0);
        let refused = scope(|scope| {
            set(&mut vm, scope, |_: &mut Call| count.set(count.get() + 1));
            let slot = scope.slots.borrow()[0].clone();
            let running = slot.function.borrow_mut();
            let refused = run(&mut vm, "local _, reason = pcall(f) return reason");
            drop(running);
            run(&mut vm, "f() return 1");
            refused
        });
        assert_eq!(refused, "cannot call function: it is already running");
        assert_eq!(count.get(), 1);
    }

    #[test]
    fn an_asynchronous_scope_is_open_during_its_polls_only() {
        type Polled<'a> = Pin<Box<dyn Future<Output = String> + 'a>>;
        let vm = RefCell::new(vm());
        let dropped = RefCell::default();
        let poll =
            |future: &mut Polled<'_>| future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let start = || -> Polled<'_> {
            let value = Noting(&dropped, "one");
            Box::pin(scope_async(async |scope| {
                set(&mut vm.borrow_mut(), scope, move |_: &mut Call| value.name());
                let mut is_first = true;
                poll_fn(|_| match std::mem::take(&mut is_first) {
                    true => Poll::Pending,
                    false => Poll::Ready(()),
                })
                .await;
                run(&mut vm.borrow_mut(), "return f()")
            }))
        };
        let mut future = start();
        assert!(poll(&mut future).is_pending());
        assert_eq!(run(&mut vm.borrow_mut(), "f()"), ENDED);
        assert_eq!(poll(&mut future), Poll::Ready("one".into()));
        assert_eq!(run(&mut vm.borrow_mut(), "f()"), ENDED);
        assert_eq!(dropped.borrow().len(), 1);
        let mut future = start();
        assert!(poll(&mut future).is_pending());
        drop(future);
        assert_eq!(dropped.borrow().len(), 2);
        // A leaked future leaks its closures: Lua does not drop them.
        let mut future = start();
        assert!(poll(&mut future).is_pending());
        std::mem::forget(future);
        assert_eq!(run(&mut vm.borrow_mut(), "f()"), ENDED);
        vm.borrow_mut().enter(|call| call.globals().set_field(call, "f", 1.0)).unwrap();
        collect(&mut vm.borrow_mut());
        *vm.borrow_mut() = self::vm();
        assert_eq!(dropped.borrow().len(), 2);
    }
}
