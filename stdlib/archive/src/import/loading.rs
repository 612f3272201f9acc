//! Modules that are being loaded: by which goroutine, and which goroutines wait for them.
//!
//! A module runs once. A goroutine that imports a module which another one is loading waits for it.
//! Importing a module that the goroutine itself is loading, directly or through a chain of waits,
//! would wait forever: it is an import cycle, and an error.

use solvm_vm::GoroutineId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// See the introduction of this file.
#[derive(Clone, Default)]
pub(crate) struct Loading(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    /// The modules that are being loaded.
    modules: HashMap<String, Module>,
    /// The modules that goroutines wait for.
    waiting: HashMap<GoroutineId, String>,
}

struct Module {
    by: GoroutineId,
    done: Rc<Notify>,
}

/// The result of requesting a module.
pub(super) enum Claim {
    /// The goroutine must load it.
    Granted(Claimed),
    /// Another goroutine is loading it: see [`Wait::over`].
    Wait(Wait),
    /// It is an import cycle.
    Cycle,
}

/// Marks a module as being loaded until it is dropped.
pub(super) struct Claimed {
    loading: Loading,
    key: String,
}

/// A wait for a module that another goroutine is loading.
pub(super) struct Wait {
    loading: Loading,
    goroutine: GoroutineId,
    done: Rc<Notify>,
}

impl Loading {
    /// Requests to load a module for a goroutine.
    pub(super) fn claim(&self, key: &str, goroutine: GoroutineId) -> Claim {
        let mut state = self.0.borrow_mut();
        let Some(module) = state.modules.get(key) else {
            let module = Module { by: goroutine, done: Rc::default() };
            state.modules.insert(key.into(), module);
            return Claim::Granted(Claimed { loading: self.clone(), key: key.into() });
        };
        let done = module.done.clone();
        let mut loader = module.by;
        while loader != goroutine {
            let awaited = state.waiting.get(&loader).and_then(|key| state.modules.get(key));
            let Some(awaited) = awaited else {
                state.waiting.insert(goroutine, key.into());
                return Claim::Wait(Wait { loading: self.clone(), goroutine, done });
            };
            loader = awaited.by;
        }
        Claim::Cycle
    }
}

impl Wait {
    /// Waits until the module has been loaded, or has failed.
    pub(super) async fn over(self) {
        // Nothing has run since the claim, so the notification cannot have been missed.
        self.done.notified().await;
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.loading.0.borrow_mut().waiting.remove(&self.goroutine);
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if let Some(module) = self.loading.0.borrow_mut().modules.remove(&self.key) {
            module.done.notify_waiters();
        }
    }
}
