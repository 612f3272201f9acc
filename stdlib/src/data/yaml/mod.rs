//! `yaml`: YAML 1.2 from and to Lua values.

mod read;
mod scalar;
mod write;

use super::document;
use super::encode::{Encoded, encode};
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, LuaString, Value};
use write::YamlWriter;

pub(crate) static LIBRARY: Library = solvm_vm::library!("yaml" {
    "decode" => decode,
    "decode_all" => decode_all,
    "encode" => encode_value,
});

/// `yaml.decode(text)`: the value of a text; nil and a message if it is wrong.
fn decode<'c>(call: &mut Call<'c>, text: LuaString<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    document::decode(call, text, document::in_utf8(read::one_document))
}

/// `yaml.decode_all(text)`: the list of all documents of a text.
fn decode_all<'c>(call: &mut Call<'c>, text: LuaString<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    document::decode(call, text, document::in_utf8(read::all_documents))
}

/// `yaml.encode(value)`: the text of a value.
fn encode_value<'c>(call: &mut Call<'c>, value: Value<'c>) -> Result<Encoded<'c, YamlWriter>, Error> {
    encode(call, value, YamlWriter::new())
}
