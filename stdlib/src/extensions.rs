//! The fields of Lua's own libraries that Lua 5.1 does not have.

use solvm_vm::{Call, Error, Table, Value};

/// The fields by library.
const EXTENSIONS: &[(&str, &[&str])] = &[
    ("coroutine", &["isyieldable"]),
    ("os", &["setenv"]),
    ("package", &["searchpath"]),
    ("string", &["pack", "packsize", "unpack"]),
    ("table", &["move", "pack", "unpack"]),
];

/// Removes the fields that Lua 5.1 does not have.
pub(crate) fn remove(call: &mut Call) -> Result<(), Error> {
    for (library, fields) in EXTENSIONS {
        let key = call.string(library.as_bytes())?;
        let Some(library) = Table::from_value(call.globals().get(key)) else { continue };
        for field in *fields {
            library.set_field(call, field, Value::NIL)?;
        }
    }
    Ok(())
}
