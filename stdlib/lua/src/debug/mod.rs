//! `debug` (manual, section 5.9).

mod info;
mod prompt;

use solvm_runtime::truncated::Truncated;
use solvm_vm::native::{Library, Param, Rest};
use solvm_vm::{
    Call, Coroutine, Error, Function, HookEvents, LuaString, Table, Type, Value, messages,
};

/// The library `debug`.
pub static LIBRARY: Library = solvm_vm::library!("debug" {
    "debug" => prompt::prompt,
    "getfenv" => get_environment,
    "gethook" => get_hook,
    "getinfo" => info::get_info,
    "getlocal" => get_local,
    "getmetatable" => get_metatable,
    "getregistry" => get_registry,
    "getupvalue" => get_upvalue,
    "setfenv" => set_environment,
    "sethook" => set_hook,
    "setlocal" => set_local,
    "setmetatable" => set_metatable,
    "setupvalue" => set_upvalue,
    "traceback" => traceback,
});

/// Returns the thread, if it is the first argument, and the number of arguments before the others.
fn thread_argument<'c>(call: &mut Call<'c>) -> (Option<Coroutine<'c>>, usize) {
    match call.argument(0).and_then(Coroutine::from_value) {
        Some(thread) => (Some(thread), 1),
        None => (None, 0),
    }
}

fn get_environment<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Table<'c>> {
    call.environment_of(value)
}

fn set_environment<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
    environment: Table<'c>,
) -> Result<Value<'c>, Error> {
    if call.set_environment_of(value, environment) {
        return Ok(value);
    }
    Err(Error::text(call.word(messages::FIXED_ENVIRONMENT)))
}

fn get_metatable<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Table<'c>> {
    call.metatable(value)
}

fn set_metatable<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
    _metatable: Rest,
) -> Result<bool, Error> {
    let metatable = match call.argument(1) {
        Some(metatable) if metatable.is_nil() => None,
        Some(metatable) if metatable.kind() == Type::Table => Table::from_value(metatable),
        _ => return Err(Error::argument(2, "nil or table expected")),
    };
    call.set_metatable(value, metatable);
    Ok(true)
}

fn get_registry<'c>(call: &mut Call<'c>) -> Table<'c> {
    call.registry()
}

/// A name and a value, or nothing.
type Named<'c> = Vec<Value<'c>>;

fn named<'c>(call: &mut Call<'c>, found: Option<(Vec<u8>, Value<'c>)>) -> Result<Named<'c>, Error> {
    match found {
        Some((name, value)) => Ok(vec![call.string(&name)?.value(), value]),
        None => Ok(Vec::new()),
    }
}

/// Converts the number of a local variable or an upvalue. Invalid numbers become 0, which does not
/// exist.
fn number_of(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn get_upvalue<'c>(
    call: &mut Call<'c>,
    function: Function<'c>,
    Truncated(number): Truncated,
) -> Result<Named<'c>, Error> {
    let found = call.upvalue_of(function, number_of(number));
    named(call, found)
}

fn set_upvalue<'c>(
    call: &mut Call<'c>,
    function: Function<'c>,
    Truncated(number): Truncated,
    value: Value<'c>,
) -> Result<Named<'c>, Error> {
    match call.set_upvalue_of(function, number_of(number), value) {
        Some(name) => Ok(vec![call.string(&name)?.value()]),
        None => Ok(Vec::new()),
    }
}

/// Returns the active call that `getlocal` and `setlocal` refer to, the number of the local
/// variable, and the number of arguments used.
fn local_arguments<'c>(
    call: &mut Call<'c>,
) -> Result<(solvm_vm::native::Level<'c>, usize, usize), Error> {
    let (thread, mut index) = thread_argument(call);
    let before = index;
    let Truncated(level) = Truncated::take(call, &mut index)?;
    let Truncated(number) = Truncated::take(call, &mut index)?;
    let found = usize::try_from(level).ok().and_then(|level| match thread {
        Some(thread) => call.level_of(thread, level),
        None => call.level(level),
    });
    match found {
        Some(level) => Ok((level, number_of(number), index)),
        None => Err(Error::argument(before + 1, "level out of range")),
    }
}

/// `getlocal([thread,] level, number)`
fn get_local<'c>(call: &mut Call<'c>, _arguments: Rest) -> Result<Vec<Value<'c>>, Error> {
    let (level, number, _) = local_arguments(call)?;
    match call.local(level, number) {
        Some((name, value)) => Ok(vec![call.string(&name)?.value(), value]),
        None => Ok(vec![Value::NIL]),
    }
}

/// `setlocal([thread,] level, number, value)`
fn set_local<'c>(call: &mut Call<'c>, _arguments: Rest) -> Result<Option<Vec<u8>>, Error> {
    let (level, number, mut index) = local_arguments(call)?;
    let value = Value::take(call, &mut index)?;
    Ok(call.set_local(level, number, value))
}

/// `traceback([thread,] [message [, level]])`
fn traceback<'c>(call: &mut Call<'c>, _arguments: Rest) -> Result<Value<'c>, Error> {
    let (thread, first) = thread_argument(call);
    let running = call.running().0;
    let thread = thread.unwrap_or(running);
    let level = match call.argument(first + 1).and_then(Value::to_number) {
        Some(level) => number_of(level as i64),
        None => usize::from(thread == running),
    };
    let mut text = Vec::new();
    if let Some(message) = call.argument(first) {
        if !matches!(message.kind(), Type::String | Type::Number) {
            return Ok(message);
        }
        let mut index = first;
        text.extend_from_slice(LuaString::take(call, &mut index)?.bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"stack traceback:");
    text.extend_from_slice(&call.traceback_of(thread, level).to_text());
    Ok(call.string(&text)?.value())
}

/// `sethook([thread,] hook, mask [, count])`; without a hook it is removed.
fn set_hook<'c>(call: &mut Call<'c>, _arguments: Rest) -> Result<(), Error> {
    let (thread, mut index) = thread_argument(call);
    let running = call.running().0;
    let thread = thread.unwrap_or(running);
    if call.argument(index).is_none_or(Value::is_nil) {
        call.set_hook(thread, None, HookEvents::default());
        return Ok(());
    }
    let mut mask_index = index + 1;
    let mask = LuaString::take(call, &mut mask_index)?.bytes();
    let function = Function::take(call, &mut index)?;
    let count = <Option<Truncated> as Param>::take(call, &mut mask_index)?.map_or(0, i64::from);
    let events = HookEvents {
        calls: mask.contains(&b'c'),
        returns: mask.contains(&b'r'),
        lines: mask.contains(&b'l'),
        count: u32::try_from(count.max(0)).unwrap_or(u32::MAX),
    };
    call.set_hook(thread, Some(function), events);
    Ok(())
}

/// `gethook([thread])`: returns the hook, its mask and its count.
fn get_hook<'c>(call: &mut Call<'c>, _thread: Rest) -> (Option<Function<'c>>, String, f64) {
    let running = call.running().0;
    let thread = thread_argument(call).0.unwrap_or(running);
    let (function, events) = call.hook(thread);
    let mask = [(events.calls, 'c'), (events.returns, 'r'), (events.lines, 'l')];
    let mask = mask.iter().filter(|(selected, _)| *selected).map(|(_, letter)| *letter).collect();
    (function, mask, f64::from(events.count))
}
