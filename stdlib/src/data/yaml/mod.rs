//! `yaml`: YAML 1.2 from and to Lua values.

mod read;
mod scalar;
mod write;

use super::document;
use super::encode::{Encoded, encode};
use crate::options::Options;
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, LuaString, Table, Value};
use write::YamlWriter;

pub(crate) static LIBRARY: Library = solvm_vm::library!("yaml" {
    "decode" => decode,
    "decode_all" => decode_all,
    "encode" => encode_value,
});

/// The options for reading.
const OPTIONS: &[&str] = &["null"];

/// `yaml.decode(text[, options])`: the value of a text; nil and a message if it is wrong.
fn decode<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    Options::new(options, 2, OPTIONS)?;
    document::decode(call, text, document::in_utf8(read::one_document))
}

/// `yaml.decode_all(text[, options])`: the list of all documents of a text.
fn decode_all<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    Options::new(options, 2, OPTIONS)?;
    document::decode(call, text, document::in_utf8(read::all_documents))
}

/// `yaml.encode(value)`: the text of a value.
fn encode_value<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
) -> Result<Encoded<'c, YamlWriter>, Error> {
    encode(call, value, YamlWriter::new())
}
