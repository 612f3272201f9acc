//! The active calls, as natives like `error`, `getfenv` and `debug.getinfo` see them by level.

use super::call::Call;
use super::handle::{Brand, Coroutine, Function, Value};
use crate::layout::object::Thread;
use crate::layout::value::Value as Raw;
use crate::machine::activation::{self, Activation, Activations};
use crate::machine::debug_info;
use crate::machine::traceback::{self, Traceback};
use crate::number::NumberText;
use std::marker::PhantomData;

/// One active call: level 0 is the native that asks, 1 its caller, and so on.
///
/// It is of use during the native's call only, since the frames that it speaks of change
/// afterwards:
///
/// ```compile_fail
/// use solvm_vm::native::Level;
/// use std::cell::Cell;
///
/// thread_local!(static KEPT: Cell<Option<Level<'static>>> = const { Cell::new(None) });
/// fn leak(call: &mut solvm_vm::Call) {
///     KEPT.set(call.level(1));
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Level<'c> {
    activation: Activation,
    thread: *mut Thread,
    /// The thread's stack when the call was found: a native may let that of its own thread grow.
    stack: *mut Raw,
    /// It is the native that asks.
    is_own: bool,
    brand: Brand<'c>,
}

/// The position of an active call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerInfo {
    /// The chunk's name as messages give it (`script.lua`, `[string "..."]`, `[C]` for natives).
    pub source: Vec<u8>,
    /// The line that runs; None in natives.
    pub line: Option<u32>,
}

impl CallerInfo {
    /// "source:line: ", the start of messages; empty for a native.
    pub fn into_prefix(self) -> Vec<u8> {
        let Some(line) = self.line else { return Vec::new() };
        let mut prefix = self.source;
        prefix.push(b':');
        prefix.extend_from_slice(&NumberText::new(f64::from(line)));
        prefix.extend_from_slice(b": ");
        prefix
    }
}

impl<'c> Call<'c> {
    /// The active call at a level. None if there are fewer.
    pub fn level(&mut self, level: usize) -> Option<Level<'c>> {
        let current = self.vm().current;
        self.find_level(current, level)
    }

    /// The active call at a level of any thread: where it is suspended, or where it failed.
    pub fn level_of(&mut self, thread: Coroutine<'c>, level: usize) -> Option<Level<'c>> {
        self.find_level(thread.0, level)
    }

    fn find_level(&mut self, thread: *mut Thread, level: usize) -> Option<Level<'c>> {
        // SAFETY: the thread is live, and the frames of all threads are consistent while a native
        // runs.
        let mut activations = unsafe { Activations::of(self.vm(), thread) };
        let mut passed = 0;
        let activation = activations.by_ref().inspect(|_| passed += 1).nth(level);
        self.charge(passed * traceback::UNITS_PER_LEVEL);
        let activation = activation?;
        let is_own = level == 0 && thread == self.vm().current;
        // SAFETY: a thread with an active call is live.
        let stack = unsafe { (*thread).stack };
        Some(Level { activation, thread, stack, is_own, brand: PhantomData })
    }

    /// The active call, where its stack is now.
    fn activation(&self, level: Level<'c>) -> Activation {
        // SAFETY: the thread is live: nothing is collected during the call.
        let stack = unsafe { (*level.thread).stack };
        level.activation.moved((stack as isize).wrapping_sub(level.stack as isize))
    }

    /// The function that is active at a level.
    pub fn level_function(&mut self, level: Level<'c>) -> Option<Function<'c>> {
        Function::from_value(Value::from_raw(level.activation.function))
    }

    /// The position of an active call.
    pub fn level_info(&mut self, level: Level<'c>) -> CallerInfo {
        let activation = self.activation(level);
        // SAFETY: the thread is live, and its frames have not changed since.
        unsafe { debug_info::position(self.vm(), &activation) }
    }

    /// "source:line:" of the active call at a level, with a space; nothing for a native.
    pub fn position(&mut self, level: usize) -> Vec<u8> {
        let Some(level) = self.level(level) else { return Vec::new() };
        self.level_info(level).into_prefix()
    }

    /// The name of the active function at a level there: the kind of variable, and its name.
    pub fn level_name(&mut self, level: Level<'c>) -> Option<(&'static str, Vec<u8>)> {
        let caller = self.activation(level).caller?;
        // SAFETY: the caller's context is that of a consistent thread.
        let name = unsafe { debug_info::called_name(caller) }?;
        Some((name.kind, name.name))
    }

    /// A local variable or temporary of an active Lua function, counted from 1: its name and its
    /// value.
    pub fn local(&mut self, level: Level<'c>, number: usize) -> Option<(Vec<u8>, Value<'c>)> {
        self.local_slot(level, number).map(|(name, slot)| {
            // SAFETY: the slot is in the frame of an active call.
            (name, Value::from_raw(unsafe { *slot }))
        })
    }

    /// Changes a local variable or temporary; gives its name.
    pub fn set_local(
        &mut self,
        level: Level<'c>,
        number: usize,
        value: Value<'c>,
    ) -> Option<Vec<u8>> {
        let (name, slot) = self.local_slot(level, number)?;
        // SAFETY: as above. Registers may hold any value.
        unsafe { *slot = value.0 }
        self.vm().leaves_unit = true;
        Some(name)
    }

    fn local_slot(&mut self, level: Level<'c>, number: usize) -> Option<(Vec<u8>, *mut Raw)> {
        if level.is_own {
            let index = number.checked_sub(1).filter(|&index| index < self.count)?;
            // SAFETY: the invariant of the type.
            return Some((activation::TEMPORARY.to_vec(), unsafe { self.arguments.add(index) }));
        }
        // SAFETY: no thread runs while a native does, so its frames have not changed; the stack of
        // one that is not the running one may be marked already.
        unsafe {
            self.vm().heap.thread_resumed(level.thread);
            let activation = self.activation(level);
            let (name, slot) = activation::local(self.vm(), &activation, number)?;
            Some((name.to_vec(), slot))
        }
    }

    /// The traceback of the running thread from a level on.
    pub fn traceback(&mut self, level: usize) -> Traceback {
        let current = self.vm().current;
        self.traceback_of(Coroutine::from_raw(current), level)
    }

    /// The same for any thread.
    pub fn traceback_of(&mut self, thread: Coroutine<'c>, level: usize) -> Traceback {
        // SAFETY: the thread is live, and its frames are consistent while a native runs.
        unsafe { traceback::traceback(self.vm(), thread.0, level) }
    }
}
