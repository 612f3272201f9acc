//! `cjson` and `cjson.safe`: JSON with the interface of lua-cjson 2.1.0, with the functions that
//! OpenResty has added up to 2.1.0.14.
//!
//! Its error messages and what it accepts differ from those of the module `json`, so that reader
//! and writer are its own. Null is the same kind of value as `json.null`: each module encodes the
//! other's.

mod decode;
mod encode;
mod number;
mod settings;

use settings::{Bound, Settings};
use solvm_data::tags;
use solvm_runtime::registry::registry_table;
use solvm_vm::native::{Definition, Library, Rest};
use solvm_vm::{Call, Data, Error, Table, Value};
use std::cell::Cell;

/// The library `cjson`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "cjson" {
    "_NAME" => text "cjson",
    "_VERSION" => text "2.1.0",
    "decode" => decode::decode,
    "decode_array_with_array_mt" => settings::array_metatables,
    "decode_invalid_numbers" => settings::decode_invalid,
    "decode_max_depth" => settings::decode_depth,
    "encode" => encode::encode,
    "encode_empty_table_as_object" => settings::empty_as_object,
    "encode_escape_forward_slash" => settings::escape_slash,
    "encode_invalid_numbers" => settings::encode_invalid,
    "encode_keep_buffer" => settings::keep_buffer,
    "encode_max_depth" => settings::encode_depth,
    "encode_number_precision" => settings::precision,
    "encode_skip_unsupported_value_types" => settings::skip_unsupported,
    "encode_sparse_array" => settings::sparse_array,
    "new" => new,
});

/// The modules.
pub static OPENERS: &[Definition] =
    &[Definition::new("cjson", open), Definition::new("cjson.safe", open_safe)];

/// The values that have a meaning for encoding, the same in all modules of a program.
#[derive(Clone, Copy)]
struct Special<'c> {
    null: Value<'c>,
    empty_array: Value<'c>,
    empty_array_metatable: Value<'c>,
    array_metatable: Value<'c>,
}

/// The data of `cjson.empty_array`.
struct EmptyArray;

impl Data for EmptyArray {
    fn external_size(&self) -> usize {
        0
    }
}

impl<'c> Special<'c> {
    fn of(call: &mut Call<'c>) -> Result<Special<'c>, Error> {
        let values = registry_table(call, "cjson")?;
        if values.get(1).is_nil() {
            let null = tags::null(call)?;
            let empty = call.userdata(EmptyArray, None).value();
            let (first, second) = (call.table(0, 0)?.value(), call.table(0, 0)?.value());
            for (index, value) in [null, empty, first, second].into_iter().enumerate() {
                values.set_index(call, index.saturating_add(1), value)?;
            }
        }
        Ok(Special {
            null: values.get(1),
            empty_array: values.get(2),
            empty_array_metatable: values.get(3),
            array_metatable: values.get(4),
        })
    }
}

/// Creates a module with its own settings.
fn module<'c>(call: &mut Call<'c>, settings: Settings) -> Result<Table<'c>, Error> {
    let module = call.table(0, 24)?;
    for (name, constant) in LIBRARY.constants {
        if let solvm_vm::native::Constant::Text(text) = constant {
            module.set_field(call, name, *text)?;
        }
    }
    let bound = call.userdata(Bound(Cell::new(settings)), None).value();
    for definition in LIBRARY.functions.iter() {
        let function = call.function(definition, &[bound]);
        module.set_field(call, definition.name, function)?;
    }
    let special = Special::of(call)?;
    module.set_field(call, "null", special.null)?;
    module.set_field(call, "empty_array", special.empty_array)?;
    module.set_field(call, "empty_array_mt", special.empty_array_metatable)?;
    module.set_field(call, "array_mt", special.array_metatable)?;
    Ok(module)
}

fn open<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    module(call, Settings::new(false))
}

fn open_safe<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    module(call, Settings::new(true))
}

/// `cjson.new()`: another module with the default settings.
fn new<'c>(call: &mut Call<'c>, _arguments: Rest) -> Result<Table<'c>, Error> {
    let is_safe = settings::current(call).is_safe;
    module(call, Settings::new(is_safe))
}

/// Why encoding or decoding failed.
enum Failure {
    /// The value or the text cannot be converted.
    Data(String),
    /// A VM error.
    Vm(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Vm(error)
    }
}

impl Failure {
    fn new(text: impl Into<String>) -> Failure {
        Failure::Data(text.into())
    }

    /// The results of a failed conversion: an error, or nil and the message in safe modules.
    fn results<'c>(self, call: &mut Call<'c>, is_safe: bool) -> Result<Vec<Value<'c>>, Error> {
        match self {
            Failure::Data(text) if is_safe => {
                Ok(vec![Value::NIL, call.string(text.as_bytes())?.value()])
            }
            Failure::Data(text) => Err(Error::text(text)),
            Failure::Vm(error) => Err(error),
        }
    }
}

/// Fails unless there is exactly one argument.
fn check_argument<'c>(call: &Call<'c>) -> Result<Value<'c>, Error> {
    match call.argument(0) {
        Some(value) if call.argument_count() == 1 => Ok(value),
        _ => Err(Error::argument(1, "expected 1 argument")),
    }
}
