//! `yaml`: converts YAML 1.2 to Lua values and back.

mod ahead;
mod read;
mod scalar;
mod write;

use super::document;
use super::encode::{Encoded, encode};
use solvm_runtime::options::Options;
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, LuaString, Table, Value};
use write::YamlWriter;

/// The library `yaml`.
pub static LIBRARY: Library = solvm_vm::library!("yaml" {
    "decode" => decode,
    "decode_all" => decode_all,
    "encode" => encode_value,
});

/// The decoding options.
const OPTIONS: &[&str] = &["null"];

/// `yaml.decode(text[, options])`: decodes a text; nil and a message if it is invalid.
fn decode<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    Options::new(options, 2, OPTIONS)?;
    document::decode(call, text, document::in_utf8(read::one_document))
}

/// `yaml.decode_all(text[, options])`: returns the list of all documents of a text.
fn decode_all<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    Options::new(options, 2, OPTIONS)?;
    document::decode(call, text, document::in_utf8(read::all_documents))
}

/// `yaml.encode(value)`: encodes a value.
fn encode_value<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
) -> Result<Encoded<'c, YamlWriter>, Error> {
    encode(call, value, YamlWriter::new())
}
