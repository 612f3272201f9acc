//! Messages of uncaught errors.

use crate::inspect::{InspectLimits, inspect};
use solvm_vm::{Call, Function, GoroutineId, LuaString, Metamethod, Table, Traceback, Value};

/// Returns the message of an error: the value itself if it is a string, otherwise its type and, for
/// a table, its contents. No Lua code may run here: see [`converter`].
pub fn message<'c>(call: &mut Call<'c>, error: Value<'c>) -> Vec<u8> {
    if let Some(text) = LuaString::from_value(error) {
        return shown(text);
    }
    let mut message = call.error_message(error);
    if Table::from_value(error).is_some() {
        let shown = inspect(call, error, &InspectLimits::BRIEF, &|_, text| text.to_string());
        message.extend_from_slice(format!(": {shown}").as_bytes());
    }
    message
}

/// A longer message is cut off.
const LONGEST: usize = 1 << 20;

/// Returns a message as reports have it.
pub(crate) fn shown(text: LuaString) -> Vec<u8> {
    let text = text.bytes();
    match text.get(..LONGEST) {
        Some(start) if start.len() < text.len() => [start, b"..."].concat(),
        _ => text.to_vec(),
    }
}

/// Starts the goroutine that converts an error object with `__tostring` to a string.
pub(crate) fn converter<'c>(call: &mut Call<'c>, error: Value<'c>) -> Option<GoroutineId> {
    if LuaString::from_value(error).is_some() {
        return None;
    }
    let function = Function::from_value(call.metamethod(error, Metamethod::ToString))?;
    call.spawn(function, &[error]).ok()
}

/// Returns the traceback if it contains information: natives that nothing has called have no names.
pub fn calls(traceback: &Traceback) -> Vec<u8> {
    if traceback.is_useful() { traceback.to_text() } else { Vec::new() }
}
