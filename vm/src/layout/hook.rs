//! The state of a thread's debug hook. `machine/hook.rs` runs hooks.

use crate::layout::value::Value;
use solvm_compiler::bytecode::Opcode;
use std::cell::Cell;
use std::rc::Rc;

/// The events that a hook subscribes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookEvents {
    /// Calls.
    pub calls: bool,
    /// Returns, those of tail calls included.
    pub returns: bool,
    /// New lines, and jumps back.
    pub lines: bool,
    /// The count event's interval in instructions; never if 0.
    pub count: u32,
}

impl HookEvents {
    pub(crate) fn any(self) -> bool {
        self.calls || self.returns || self.lines || self.count > 0
    }
}

/// The stage to check next, before the current instruction runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    NativeReturns,
    Entry,
    Count,
    Line,
    CallOrReturn,
    TailReturns,
}

/// The instruction that ran last. Its code may have been freed.
#[derive(Clone, Copy)]
pub(crate) struct Last {
    pub(crate) frame: usize,
    pub(crate) pc: *const u32,
    pub(crate) opcode: Option<Opcode>,
}

/// A call whose return has still to be reported.
pub(crate) enum Returning {
    /// Of a native, by the instruction at `pc`.
    Native { frame: usize, pc: *const u32, function: Value },
    /// Of the function that was in this frame before a tail call.
    Tail { frame: usize },
}

impl Returning {
    pub(crate) fn frame(&self) -> usize {
        match *self {
            Returning::Native { frame, .. } | Returning::Tail { frame } => frame,
        }
    }
}

/// A thread's hook.
pub(crate) struct Hook {
    pub(crate) function: Value,
    pub(crate) events: HookEvents,
    /// Instructions until the next count event.
    pub(crate) left: u32,
    /// The function is running, and gets no events in the meantime.
    pub(crate) is_running: bool,
    /// The next instruction has had its events.
    pub(crate) passes: bool,
    pub(crate) stage: Stage,
    /// The instruction that ran last.
    pub(crate) last: Option<Last>,
    /// Innermost last.
    pub(crate) returning: Vec<Returning>,
    /// The number of hooks that subscribe to events, in the whole VM.
    pub(crate) active: Rc<Cell<usize>>,
}

impl Hook {
    /// The values that the hook keeps alive.
    pub(crate) fn values(&self) -> impl Iterator<Item = Value> {
        let natives = self.returning.iter().filter_map(|returning| match *returning {
            Returning::Native { function, .. } => Some(function),
            Returning::Tail { .. } => None,
        });
        natives.chain([self.function])
    }
}
