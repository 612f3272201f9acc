//! Which modules are being loaded, by which goroutine, and who waits for them.
//!
//! A module runs once. A goroutine that wants one which another is loading waits for it. One that
//! wants what it is loading itself, or what waits for it through others, would wait for ever: that
//! is a circle, and an error.

use solvm_vm::GoroutineId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// See the head of this file.
#[derive(Clone, Default)]
pub(crate) struct Loading(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    /// The modules that are being loaded.
    modules: HashMap<String, Module>,
    /// The module that a goroutine waits for.
    waiting: HashMap<GoroutineId, String>,
}

struct Module {
    by: GoroutineId,
    done: Rc<Notify>,
}

/// What becomes of a wish to load a module.
pub(super) enum Claim {
    /// It is ours to load.
    Granted(Claimed),
    /// Another goroutine loads it: see [`Wait::over`].
    Wait(Wait),
    /// It can never be loaded that way.
    Cycle,
}

/// A module is being loaded as long as this lives.
pub(super) struct Claimed {
    loading: Loading,
    key: String,
}

/// Waits for a module that another goroutine loads.
pub(super) struct Wait {
    loading: Loading,
    goroutine: GoroutineId,
    done: Rc<Notify>,
}

impl Loading {
    /// A goroutine wants to load a module.
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
    /// Returns when the module has been loaded, or has failed.
    pub(super) async fn over(self) {
        // Nothing has run since the claim, so the end cannot have been missed.
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
