//! The active calls, as natives like `error`, `getfenv` and `debug.getinfo` see them by level.

use super::call::Call;
use super::error::Error;
use super::handle::{Brand, Function, Table, Value};
use crate::debug_info::{self, Activation};
use crate::value::Value as Raw;
use std::marker::PhantomData;

/// One active call: level 0 is the native that asks, 1 its caller, and so on.
///
/// It is of use during the native's call only, since the frames that it speaks of change afterwards:
///
/// ```compile_fail
/// thread_local!(static KEPT: std::cell::Cell<Option<solvm_vm::native::Level<'static>>> = const { std::cell::Cell::new(None) });
/// fn leak(call: &mut solvm_vm::Call) {
///     KEPT.set(call.level(1));
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Level<'c>(Activation, Brand<'c>);

/// What is known of an active call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerInfo {
    /// The chunk's name as messages give it (`script.lua`, `[string "..."]`, `[C]` for natives).
    pub source: Vec<u8>,
    /// The line that runs; None in natives.
    pub line: Option<u32>,
}

impl<'c> Call<'c> {
    /// The active call at a level. None if there are fewer.
    pub fn level(&mut self, level: usize) -> Option<Level<'c>> {
        // SAFETY: the frames of the running thread are consistent while a native runs.
        unsafe { debug_info::activation(self.vm(), level) }.map(|activation| Level(activation, PhantomData))
    }

    /// The function that is active at a level.
    pub fn level_function(&mut self, level: Level<'c>) -> Option<Function<'c>> {
        Function::from_value(Value::from_raw(level.0.function))
    }

    /// Where an active call stands.
    pub fn level_info(&mut self, level: Level<'c>) -> CallerInfo {
        // SAFETY: as above.
        unsafe { debug_info::position(&level.0) }
    }

    /// "source:line:" of the active call at a level, with a space; nothing for a native.
    pub fn position(&mut self, level: usize) -> Vec<u8> {
        let Some(level) = self.level(level) else { return Vec::new() };
        let info = self.level_info(level);
        match info.line {
            Some(line) => [&info.source[..], b":", line.to_string().as_bytes(), b": "].concat(),
            None => Vec::new(),
        }
    }

    /// The environment of a function. None where natives share the thread's.
    pub fn environment(&mut self, function: Function<'c>) -> Table<'c> {
        // SAFETY: the function is live.
        let environment = unsafe {
            if let Some(lua) = function.0.to_lua_function() {
                (*lua).environment
            } else if let Some(native) = function.0.to_native_function() {
                (*native).environment
            } else {
                self.vm().current_globals()
            }
        };
        Table::from_raw(environment)
    }

    /// Replaces the environment of a Lua function.
    pub fn set_environment(&mut self, function: Function<'c>, environment: Table<'c>) -> Result<(), Error> {
        let Some(lua) = function.0.to_lua_function() else {
            return Err(Error::text("'setfenv' cannot change environment of given object"));
        };
        // SAFETY: the function is live; the store is followed by the barrier.
        unsafe {
            (*lua).environment = environment.0;
            self.vm().heap.barrier_forward(lua, Raw::from_table(environment.0));
        }
        Ok(())
    }

    /// The traceback of the running thread from a level on, as `lua` prints it, without a heading.
    pub fn traceback(&mut self, level: usize) -> Vec<u8> {
        // SAFETY: as above.
        unsafe { debug_info::traceback(self.vm(), level) }
    }
}
