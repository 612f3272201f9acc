//! `debug.debug`: runs the lines that a user types.

use crate::io;
use solvm_runtime::host::Host;
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{Definition, Results, Special};
use solvm_vm::{Call, Error, Function, LuaString, Value};

static PROTECTED_CALL: Definition =
    Definition::special("xpcall", Special::ProtectedCallWithHandler);
static REPORT: Definition = Definition::new("report", report);

/// The line that ends it.
const CONTINUE: &[u8] = b"cont";

/// `debug()`: reads lines from standard input and runs each, until one is "cont" or there are no
/// more. Errors are written to standard error.
pub(super) fn prompt<'c>(_: &mut Call<'c>) -> impl Results<'c> + use<'c> {
    asynchronous::run(|lua| async move {
        let (protected, handler) = (lua.slot(), lua.slot());
        lua.set(protected, |call| call.function(&PROTECTED_CALL, &[]).value());
        lua.set(handler, |call| call.function(&REPORT, &[]).value());
        let (lines, line, chunk) = (lua.slot(), lua.slot(), lua.slot());
        let has_input = lua.with(|call| {
            let reader = io::input_lines(call)?;
            lines.set(call, reader.map_or(Value::NIL, Function::value));
            Ok::<bool, Error>(reader.is_some())
        })?;
        if !has_input {
            return lua.finish(&[]);
        }
        loop {
            lua.with(|call| write_error(call, b"lua_debug> "));
            lua.call(lines, &[], line).await?;
            match compile(&lua, line, chunk) {
                Line::Last => return lua.finish(&[]),
                Line::Wrong => {}
                Line::Chunk => lua.call(protected, &[chunk, handler], line).await?,
            }
        }
    })
}

/// What was typed.
enum Line {
    /// The end.
    Last,
    /// Something that does not compile, which has been reported.
    Wrong,
    /// Code, which is in the slot.
    Chunk,
}

fn compile(lua: &Lua, line: Slot, chunk: Slot) -> Line {
    lua.with(|call| {
        let text = LuaString::from_value(line.get(call)).map(LuaString::bytes);
        let Some(text) = text.filter(|&text| text != CONTINUE) else { return Line::Last };
        match call.load(text, b"=(debug command)") {
            Ok(function) => {
                chunk.set(call, function.value());
                Line::Chunk
            }
            Err(message) => {
                write_error(call, &[&message[..], b"\n"].concat());
                Line::Wrong
            }
        }
    })
}

/// Reports an error of a line.
fn report<'c>(call: &mut Call<'c>, error: Option<Value<'c>>) {
    let message = call.error_message(error.unwrap_or(Value::NIL));
    write_error(call, &[&message[..], b"\n"].concat());
}

fn write_error(call: &mut Call, text: &[u8]) {
    call.charge_for_reading(text.len());
    if let Some(host) = call.host::<Host>() {
        host.world.write_error(text);
    }
}
