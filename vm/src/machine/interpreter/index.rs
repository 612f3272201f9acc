//! What indexing means: raw access, then `__index` and `__newindex` (manual, section 2.8).

use super::dispatch::{CALL, CONTINUE};
use crate::heap::table::{self, KeyError};
use crate::layout::frame;
use crate::layout::metamethod::Metamethod;
use crate::layout::object::{LuaFunction, Str, Table};
use crate::layout::value::{LUA_FUNCTION, TABLE, Value, is_pointer};
use crate::machine::debug_info;
use crate::machine::scheduler;
use crate::machine::thread;
use crate::machine::type_error::Operation;
use crate::machine::unwind::{throw_out_of_memory, throw_text};
use crate::machine::vm::Vm;
use crate::messages::{self, Dialect};

/// Links of a chain of `__index` or `__newindex` that are followed before it counts as a loop.
pub(crate) const MAX_CHAIN: usize = 100;

/// The metatable of a value; null if it has none.
///
/// # Safety
/// The value is alive.
#[inline(always)]
pub(crate) unsafe fn metatable_of(vm: &Vm, value: Value) -> *mut Table {
    if let Some(table) = value.to_table() {
        (*table).metatable
    } else if let Some(userdata) = value.to_userdata() {
        (*userdata).metatable
    } else {
        shared_metatable(vm, value)
    }
}

/// The metatable that all values of a value's type share.
#[cold]
fn shared_metatable(vm: &Vm, value: Value) -> *mut Table {
    vm.type_metatables[type_index(value)]
}

/// The place of a value's type in `Vm::type_metatables`.
pub(crate) fn type_index(value: Value) -> usize {
    crate::layout::types::Type::of(value) as usize
}

/// The metamethod of a value for an event; nil if it has none.
///
/// # Safety
/// The value is alive.
#[inline]
pub(crate) unsafe fn find_metamethod(vm: &Vm, value: Value, event: Metamethod) -> Value {
    table::metamethod(metatable_of(vm, value), event, vm.metamethod_names[event as usize])
}

/// `R[target] := object[key]` for the instruction before `vm.pc`.
///
/// # Safety
/// A Lua frame is running, which `target` belongs to. Object and key are alive.
pub(crate) unsafe fn get(vm: &mut Vm, object: Value, key: Value, target: usize) -> u64 {
    let receiver = object;
    let mut object = object;
    for _ in 0..MAX_CHAIN {
        let method;
        if let Some(table) = object.to_table() {
            let value = table::get(table, key);
            if !value.is_nil() || (*table).metatable.is_null() && !receiver.is_string() {
                *vm.base.add(target) = value;
                return CONTINUE;
            }
            method = table::metamethod(
                (*table).metatable,
                Metamethod::Index,
                event_name(vm, Metamethod::Index),
            );
            if method.is_nil() {
                *vm.base.add(target) = missing(vm, receiver, key);
                return CONTINUE;
            }
        } else {
            method = find_metamethod(vm, object, Metamethod::Index);
            if method.is_nil() {
                let text = debug_info::operand_error(vm, Operation::Index(key), object);
                return throw_text(vm, text);
            }
        }
        if method.is_lua_function() || method.is_native_function() {
            return call_metamethod(vm, method, &[object, key], frame::result());
        }
        object = method;
    }
    throw_text(vm, messages::GETTABLE_LOOP.of(vm.dialect))
}

/// What a key leads to that neither a value nor its chain of `__index` has: a method of strings, or
/// nil.
///
/// # Safety
/// Value and key are alive.
#[cold]
pub(crate) unsafe fn missing(vm: &Vm, receiver: Value, key: Value) -> Value {
    if receiver.is_string() && !vm.string_methods.is_null() {
        return table::get(vm.string_methods, key);
    }
    Value::NIL
}

/// As [`get`], for a table with a metatable that lacks the key.
///
/// # Safety
/// As [`get`].
#[inline(always)]
pub(crate) unsafe fn get_inherited(vm: &mut Vm, object: Value, key: Value, target: usize) -> u64 {
    let metatable = (*(object.untag(TABLE) as *const Table)).metatable;
    let method = table::operator(metatable, event_name(vm, Metamethod::Index));
    if method.is_lua_function() {
        return call_metamethod(vm, method, &[object, key], frame::result());
    }
    if let Some(next) = method.to_table() {
        let value = table::get(next, key);
        if !value.is_nil() {
            *vm.base.add(target) = value;
            return CONTINUE;
        }
    }
    get(vm, object, key, target)
}

/// `object[key] := value` for the instruction before `vm.pc`.
///
/// # Safety
/// A Lua frame is running. Object, key and value are alive.
pub(crate) unsafe fn set(vm: &mut Vm, object: Value, key: Value, value: Value) -> u64 {
    let mut object = object;
    for _ in 0..MAX_CHAIN {
        let method;
        if let Some(table) = object.to_table() {
            let metatable = (*table).metatable;
            method = if metatable.is_null() || !table::get(table, key).is_nil() {
                Value::NIL
            } else {
                table::metamethod(
                    metatable,
                    Metamethod::NewIndex,
                    event_name(vm, Metamethod::NewIndex),
                )
            };
            if method.is_nil() {
                return store(vm, table, key, value);
            }
            // PUC Lua reserves a slot for the key before it looks for a metamethod.
            if let (Dialect::Lua, Some(error)) = (vm.dialect, KeyError::of(key)) {
                return throw_text(vm, error.message());
            }
        } else {
            method = find_metamethod(vm, object, Metamethod::NewIndex);
            if method.is_nil() {
                let text = debug_info::operand_error(vm, Operation::Index(key), object);
                return throw_text(vm, text);
            }
        }
        if method.is_lua_function() || method.is_native_function() {
            return call_metamethod(vm, method, &[object, key, value], frame::discard());
        }
        object = method;
    }
    throw_text(vm, messages::SETTABLE_LOOP.of(vm.dialect))
}

/// A raw store. A table that cannot grow gets a second chance after a collection.
///
/// # Safety
/// As [`set`]: object, key and value survive a collection, as operands of the running instruction
/// or through them.
unsafe fn store(vm: &mut Vm, table: *mut Table, key: Value, value: Value) -> u64 {
    match table::set(&mut vm.heap, table, key, value) {
        Ok(()) if !vm.heap.collection_due() => return CONTINUE,
        Ok(()) => return if scheduler::safepoint(vm) { CONTINUE } else { throw_out_of_memory(vm) },
        Err(KeyError::Memory) => {}
        Err(error) => return throw_text(vm, error.message()),
    }
    let top = vm.base;
    thread::save(vm, top);
    scheduler::collect(vm);
    match table::set(&mut vm.heap, table, key, value) {
        Ok(()) => CONTINUE,
        Err(_) => throw_out_of_memory(vm),
    }
}

/// Calls a metamethod above the running Lua frame; `continuation` receives its result.
///
/// # Safety
/// A Lua frame is running (FRAME ROOM: the slots above it are free). Method and arguments are
/// alive.
#[inline]
pub(crate) unsafe fn call_metamethod(
    vm: &mut Vm,
    method: Value,
    arguments: &[Value],
    continuation: *const u32,
) -> u64 {
    let frame_size = (*frame::prototype_of(vm.base)).frame_size as usize;
    debug_assert!(arguments.len() + 4 <= crate::layout::stack::EXTRA);
    let above = vm.base.add(frame_size);
    *above = *vm.base.sub(2);
    *above.add(1) = frame::link(frame_size + 2, vm.pc);
    *above.add(2) = method;
    for (i, argument) in arguments.iter().enumerate() {
        *above.add(4 + i) = *argument;
    }
    // A Lua function that finds its arguments in place is entered at once; the rest is for the
    // handlers of calls.
    let function = method.untag(LUA_FUNCTION);
    if is_pointer(function) {
        let prototype = (*(function as *const LuaFunction)).prototype;
        let frame = above.add(4);
        let end = frame.add(arguments.len() + (*prototype).frame_size as usize);
        if (arguments.len() as u64) << 8 >= (*prototype).simple_call && end <= vm.stack_end {
            *frame.sub(1) = Value(continuation as u64);
            vm.base = frame;
            vm.k = (*prototype).constants;
            vm.pc = (*prototype).code;
            return CONTINUE;
        }
    }
    vm.top = above.add(4 + arguments.len());
    vm.base = above.add(2);
    vm.pc = continuation;
    CALL
}

/// The string that names an event.
pub(crate) fn event_name(vm: &Vm, event: Metamethod) -> *mut Str {
    vm.metamethod_names[event as usize]
}
