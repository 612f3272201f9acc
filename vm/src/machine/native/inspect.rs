//! What `debug` sees of functions and threads: where functions are defined, upvalues, environments,
//! hooks.

use super::call::Call;
use super::error::Error;
use super::handle::{Coroutine, Function, Table, Userdata, Value};
use crate::layout::hook::HookEvents;
use crate::layout::object::Upvalue;
use crate::layout::value::Value as Raw;
use crate::machine::hook;
use solvm_compiler::chunk_id;

/// Information about a Lua function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The chunk's name, as it was given when it was loaded.
    pub source: Vec<u8>,
    /// The chunk's name as messages give it.
    pub short_source: Vec<u8>,
    /// The line of `function`; 0 for the main function of a chunk.
    pub line_defined: u32,
    /// The line of its `end`; 0 for the main function of a chunk.
    pub last_line_defined: u32,
    /// The lines with code, in no order and with repetitions.
    pub active_lines: Vec<u32>,
    /// The names of its upvalues.
    pub upvalues: Vec<Vec<u8>>,
}

impl<'c> Call<'c> {
    /// Sets the debug hook of a thread; without events there is none.
    pub fn set_hook(
        &mut self,
        thread: Coroutine<'c>,
        function: Option<Function<'c>>,
        events: HookEvents,
    ) {
        let function = function.map_or(Raw::NIL, |function| function.0);
        // SAFETY: thread and function are live.
        unsafe { hook::set(self.vm(), thread.0, function, events) }
    }

    /// The debug hook of a thread, and its events.
    pub fn hook(&mut self, thread: Coroutine<'c>) -> (Option<Function<'c>>, HookEvents) {
        // SAFETY: the thread is live.
        match unsafe { (*thread.0).hook.as_ref() } {
            Some(hook) => (Function::from_value(Value::from_raw(hook.function)), hook.events),
            None => (None, HookEvents::default()),
        }
    }

    /// Information about a function. None if it is native.
    pub fn function_info(&mut self, function: Function<'c>) -> Option<FunctionInfo> {
        let lua = function.0.to_lua_function()?;
        // SAFETY: the function is live.
        let compiled = unsafe { &(*(*lua).prototype).cold.compiled };
        Some(FunctionInfo {
            source: compiled.source.name.to_vec(),
            short_source: chunk_id(&compiled.source.name),
            line_defined: compiled.line_defined,
            last_line_defined: compiled.last_line_defined,
            active_lines: compiled.lines.to_vec(),
            upvalues: compiled.upvalues.iter().map(|info| info.name.to_vec()).collect(),
        })
    }

    /// The number of values that are bound to a function.
    pub fn upvalue_count(&mut self, function: Function<'c>) -> usize {
        // SAFETY: the function is live.
        let count = unsafe {
            match (function.0.to_lua_function(), function.0.to_native_function()) {
                (Some(lua), _) => (*lua).upvalue_count,
                (None, Some(native)) => (*native).upvalue_count,
                (None, None) => 0,
            }
        };
        usize::from(count)
    }

    /// An upvalue of a Lua function, counted from 1: its name and its value. Values bound to
    /// natives are private.
    pub fn upvalue_of(
        &mut self,
        function: Function<'c>,
        number: usize,
    ) -> Option<(Vec<u8>, Value<'c>)> {
        let (name, upvalue) = find_upvalue(function, number)?;
        // SAFETY: an upvalue's slot is valid.
        Some((name, Value::from_raw(unsafe { *(*upvalue).slot })))
    }

    /// Changes an upvalue of a Lua function; gives its name.
    pub fn set_upvalue_of(
        &mut self,
        function: Function<'c>,
        number: usize,
        value: Value<'c>,
    ) -> Option<Vec<u8>> {
        let (name, upvalue) = find_upvalue(function, number)?;
        // SAFETY: an upvalue's slot is valid; the store is followed by the barrier.
        unsafe {
            *(*upvalue).slot = value.0;
            self.vm().heap.barrier_forward(upvalue, value.0);
        }
        Some(name)
    }

    /// The environment of a function.
    pub fn environment(&mut self, function: Function<'c>) -> Table<'c> {
        self.environment_of(function.value()).unwrap_or_else(|| self.globals())
    }

    /// Replaces the environment of a Lua function.
    pub fn set_environment(
        &mut self,
        function: Function<'c>,
        environment: Table<'c>,
    ) -> Result<(), Error> {
        if function.is_lua() && self.set_environment_of(function.value(), environment) {
            return Ok(());
        }
        Err(Error::text("'setfenv' cannot change environment of given object"))
    }

    /// The environment of a function, a thread or a userdata.
    pub fn environment_of(&mut self, value: Value<'c>) -> Option<Table<'c>> {
        // SAFETY: the value is live.
        let environment = unsafe {
            if let Some(lua) = value.0.to_lua_function() {
                (*lua).environment
            } else if let Some(native) = value.0.to_native_function() {
                (*native).environment
            } else if let Some(thread) = Coroutine::from_value(value) {
                (*thread.0).globals
            } else {
                (*Userdata::from_value(value)?.0).environment
            }
        };
        (!environment.is_null()).then(|| Table::from_raw(environment))
    }

    /// Replaces the environment of a function, a thread or a userdata. False if the value is none
    /// of them.
    pub fn set_environment_of(&mut self, value: Value<'c>, environment: Table<'c>) -> bool {
        let heap = &mut self.vm().heap;
        heap.moves += 1;
        let table = Raw::from_table(environment.0);
        // SAFETY: value and environment are live; each store is followed by the barrier of its
        // kind.
        unsafe {
            if let Some(lua) = value.0.to_lua_function() {
                (*lua).environment = environment.0;
                heap.barrier_forward(lua, table);
            } else if let Some(native) = value.0.to_native_function() {
                (*native).environment = environment.0;
                heap.barrier_forward(native, table);
            } else if let Some(thread) = value.0.to_thread() {
                (*thread).globals = environment.0;
                heap.thread_resumed(thread);
            } else if let Some(userdata) = value.0.to_userdata() {
                (*userdata).environment = environment.0;
                heap.barrier_forward(userdata, table);
            } else {
                return false;
            }
        }
        true
    }
}

/// An upvalue of a Lua function, counted from 1, and its name.
pub(super) fn find_upvalue(
    function: Function<'_>,
    number: usize,
) -> Option<(Vec<u8>, *mut Upvalue)> {
    let lua = function.0.to_lua_function()?;
    let index = number.checked_sub(1)?;
    // SAFETY: the function is live, and its prototype counts its upvalues.
    unsafe {
        let compiled = &(*(*lua).prototype).cold.compiled;
        let info = compiled.upvalues.get(index)?;
        Some((info.name.to_vec(), *(&raw const (*lua).upvalues).cast::<*mut Upvalue>().add(index)))
    }
}
