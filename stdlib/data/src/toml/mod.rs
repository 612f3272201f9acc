//! `toml`: converts TOML 1.1 to Lua values and back.

mod read;
mod write;

use super::document;
use super::encode::{Encoded, encode};
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, LuaString, Table};
use write::TomlWriter;

/// The library `toml`.
pub static LIBRARY: Library = solvm_vm::library!("toml" {
    "decode" => decode,
    "encode" => encode_table,
});

/// `toml.decode(text)`: decodes a text; nil and a message if it is invalid.
fn decode<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    document::decode(call, text, document::in_utf8(read::read))
}

/// `toml.encode(table)`: encodes a table.
fn encode_table<'c>(
    call: &mut Call<'c>,
    table: Table<'c>,
) -> Result<Encoded<'c, TomlWriter>, Error> {
    encode(call, table.value(), TomlWriter::new())
}
