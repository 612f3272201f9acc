//! `debug.getinfo`: information about a function or an active call.

use super::thread_argument;
use solvm_vm::native::{Level, Param, Rest};
use solvm_vm::{Call, Coroutine, Dialect, Error, Function, LuaString, Table, Value};

/// `getinfo([thread,] function or level [, what])`; nil for a level without a call.
pub(super) fn get_info<'c>(
    call: &mut Call<'c>,
    _arguments: Rest,
) -> Result<Option<Table<'c>>, Error> {
    let (thread, first) = thread_argument(call);
    let subject = call.argument(first).unwrap_or(Value::NIL);
    let options = <Option<LuaString> as Param>::take(call, &mut (first + 1))?
        .map_or(&b"flnSu"[..], LuaString::bytes);
    let level = match (subject.to_number(), Function::from_value(subject)) {
        (Some(level), _) => match find_level(call, thread, level) {
            Some(level) => Some(level),
            None => return Ok(None),
        },
        (None, Some(_)) => None,
        (None, None) => return Err(Error::argument(first + 1, "function or level expected")),
    };
    let function = match level {
        Some(level) => call.level_function(level),
        None => Function::from_value(subject),
    };
    let Some(function) = function else { return Ok(None) };
    if !options.iter().all(|option| b"SlunfL".contains(option)) {
        return match call.dialect() {
            Dialect::Lua => Err(Error::argument(first + 2, "invalid option")),
            Dialect::GopherLua => Ok(None),
        };
    }
    let table = call.table(0, 12)?;
    for &option in options {
        match option {
            b'S' => set_source(call, table, function)?,
            b'l' => {
                let line = level.and_then(|level| call.level_info(level).line);
                table.set_field(call, "currentline", line.map_or(-1.0, f64::from))?;
            }
            b'u' => {
                let count = call.upvalue_count(function);
                table.set_field(call, "nups", count)?;
            }
            b'n' => {
                let (kind, name) = match level.and_then(|level| call.level_name(level)) {
                    Some((kind, name)) => (kind, Some(name)),
                    None => ("", None),
                };
                table.set_field(call, "namewhat", kind)?;
                if let Some(name) = name {
                    table.set_field(call, "name", name)?;
                }
            }
            b'f' => table.set_field(call, "func", function.value())?,
            _ => set_active_lines(call, table, function)?,
        }
    }
    Ok(Some(table))
}

fn find_level<'c>(
    call: &mut Call<'c>,
    thread: Option<Coroutine<'c>>,
    level: f64,
) -> Option<Level<'c>> {
    let level = usize::try_from(level as i64).ok()?;
    match thread {
        Some(thread) => call.level_of(thread, level),
        None => call.level(level),
    }
}

/// Sets the fields for the source of a function.
fn set_source<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    function: Function<'c>,
) -> Result<(), Error> {
    let Some(info) = call.function_info(function) else {
        table.set_field(call, "source", "=[C]")?;
        table.set_field(call, "short_src", "[C]")?;
        table.set_field(call, "linedefined", -1.0)?;
        table.set_field(call, "lastlinedefined", -1.0)?;
        return table.set_field(call, "what", "C");
    };
    table.set_field(call, "source", info.source)?;
    table.set_field(call, "short_src", info.short_source)?;
    table.set_field(call, "linedefined", f64::from(info.line_defined))?;
    table.set_field(call, "lastlinedefined", f64::from(info.last_line_defined))?;
    table.set_field(call, "what", if info.line_defined == 0 { "main" } else { "Lua" })
}

/// Sets the field for the lines of a Lua function that have code.
fn set_active_lines<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
    function: Function<'c>,
) -> Result<(), Error> {
    let Some(info) = call.function_info(function) else { return Ok(()) };
    let lines = call.table(0, 0)?;
    for line in info.active_lines {
        lines.set_index(call, line as usize, Value::boolean(true))?;
    }
    table.set_field(call, "activelines", lines)
}
