//! What is said of an error that nobody caught.

use crate::inspect::{InspectLimits, inspect};
use solvm_vm::{Call, Table, Value};

/// What an error says: itself if it is a text, otherwise its type and, of a table, what is in it.
/// No Lua code runs any more where this is asked, so a `__tostring` is not.
pub fn message<'c>(call: &mut Call<'c>, error: Value<'c>) -> Vec<u8> {
    let mut message = call.error_message(error);
    if Table::from_value(error).is_some() {
        let shown = inspect(call, error, &InspectLimits::BRIEF, &|_, text| text.to_string());
        message.extend_from_slice(format!(": {shown}").as_bytes());
    }
    message
}

/// The calls that were active, if they tell anything: those of natives that nothing has called have
/// no names.
pub fn calls(traceback: &[u8]) -> &[u8] {
    let is_empty_line = |line: &[u8]| matches!(line, b"" | b"\t[C]: ?" | b"\t[G]: ?");
    if traceback.split(|&byte| byte == b'\n').all(is_empty_line) { b"" } else { traceback }
}
