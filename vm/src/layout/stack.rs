//! The layout of a thread's stack, and special values of its resumer.

use crate::layout::frame::{self, Context};
use crate::layout::object::Thread;
use crate::layout::value::Value;

/// Slots after `stack_end`: continuations, metamethod arguments and a few results of natives need
/// no check.
pub(crate) const EXTRA: usize = 12;

/// `Thread::resumer` of a goroutine's first thread.
pub(crate) const ROOT: *mut Thread = std::ptr::without_provenance_mut(8);
/// `Thread::resumer` of a thread that has ended.
pub(crate) const DEAD: *mut Thread = std::ptr::without_provenance_mut(16);

/// The end of the stack slots that hold live values.
///
/// # Safety
/// `thread` is not running, or its `pc`, `base` and `top` were stored; it has a stack.
pub(crate) unsafe fn live_end(thread: *const Thread) -> *mut Value {
    // SAFETY: `pc`, `base` and `top` are those of a context of the thread, as the caller asserts.
    // If it is not a continuation, a Lua frame is at `base` (CONTEXT), and a Lua frame has
    // `frame_size` slots on the stack.
    unsafe {
        let context = Context::of(thread);
        if context.continuation().is_some() {
            return (*thread).top;
        }
        let frame_end = context.base.add((*frame::prototype_of(context.base)).frame_size as usize);
        frame_end.max((*thread).top)
    }
}
