//! Lua threads: a stack, the context in which it goes on, and who resumed it.

use crate::object::{Kind, Thread};
use crate::value::Value;

/// Slots behind `stack_end`: continuation links, metamethod arguments and results written by natives need no check.
pub(crate) const EXTRA: usize = 16;

/// `Thread::resumer` of a goroutine's first thread.
pub(crate) const ROOT: *mut Thread = 8 as *mut Thread;
/// `Thread::resumer` of a thread that has ended.
pub(crate) const DEAD: *mut Thread = 16 as *mut Thread;

/// Data that few threads need.
pub struct Extension {
    /// The function to call for debug events.
    pub(crate) hook: Value,
}

/// The end of the stack slots that hold live values.
///
/// # Safety
/// `thread` is not running, or its `pc`, `base` and `top` were stored; it has a stack.
pub(crate) unsafe fn live_end(thread: *const Thread) -> *mut Value {
    debug_assert!((*thread).header.kind == Kind::Thread);
    (*thread).top
}
