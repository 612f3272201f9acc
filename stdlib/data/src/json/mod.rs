//! `json`, `jsonc` and the functions `json_encode` and `json_decode`.
//!
//! One reader and one writer serve both: for JSON with comments, the reader accepts more and the
//! writer adds line breaks.

mod read;
mod write;

pub(super) use write::{quote, quoted_size};

use super::builder::{Builder, DecodeError, Open};
use super::encode::{Encoded, Encoder, encode};
use super::{Progress, failure, tags};
use read::Reader;
use solvm_lua::string::text_argument;
use solvm_runtime::integer::Integer;
use solvm_runtime::options::Options;
use solvm_vm::native::{Either, Library, Start, StartWith, Step, Steps};
use solvm_vm::{Call, Error, LuaString, Table, Value};
use write::JsonWriter;

/// The functions, which are globals.
pub static FUNCTIONS: Library = solvm_vm::library!("" {
    "json_decode" => decode,
    "json_encode" => encode_value,
});

/// The library `json`.
pub static JSON: Library = solvm_vm::library!("json" {
    "decode" => decode,
    "encode" => encode_value,
    "object" => object,
});

/// The library `jsonc`.
pub static JSONC: Library = solvm_vm::library!("jsonc" {
    "decode" => decode_relaxed,
    "encode" => encode_indented,
});

/// Adds what the table of functions cannot express: `json.null`.
pub fn complete<'c>(call: &mut Call<'c>, library: Table<'c>) -> Result<(), Error> {
    let null = tags::null(call)?;
    library.set_field(call, "null", null)
}

/// Maximum number of spaces per level of indentation.
const MAX_INDENT: usize = 32;

/// Returns the indentation that the options request. None for a single line.
fn indent<'c>(call: &mut Call<'c>, options: Option<Table<'c>>) -> Result<Option<Vec<u8>>, Error> {
    let options = Options::new(options, 2, &["indent"])?;
    let indent = options.get(call, "indent")?;
    let wrong = || {
        options
            .wrong("indent", &format!("number from 0 to {MAX_INDENT} or string of spaces expected"))
    };
    let indent = match (indent.as_number(), LuaString::from_value(indent)) {
        _ if indent.is_nil() => return Ok(None),
        (Some(spaces), _) => {
            match Integer::of(spaces).and_then(Integer::size).filter(|&spaces| spaces <= MAX_INDENT)
            {
                Some(spaces) => vec![b' '; spaces],
                None => return Err(wrong()),
            }
        }
        (None, Some(text))
            if text.bytes().len() <= MAX_INDENT
                && text.bytes().iter().all(|b| b" \t".contains(b)) =>
        {
            text.bytes().to_vec()
        }
        _ => return Err(wrong()),
    };
    Ok((!indent.is_empty()).then_some(indent))
}

impl Encoder for JsonWriter {
    fn finish(&mut self) -> &[u8] {
        self.text()
    }

    fn allocated(&self) -> usize {
        self.capacity()
    }
}

/// `json_encode(value[, options])`: encodes a value.
fn encode_value<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
    options: Option<Table<'c>>,
) -> Result<Encoded<'c, JsonWriter>, Error> {
    let indent = indent(call, options)?;
    encode(call, value, JsonWriter::new(indent))
}

/// `jsonc.encode(value[, options])`: encodes a value in multiple lines.
fn encode_indented<'c>(
    call: &mut Call<'c>,
    value: Value<'c>,
    options: Option<Table<'c>>,
) -> Result<Encoded<'c, JsonWriter>, Error> {
    let indent = indent(call, options)?.unwrap_or_else(|| vec![b' '; 2]);
    encode(call, value, JsonWriter::new(Some(indent)))
}

/// `json.object([table])`: marks a table, or a new one, as a map, whatever its keys are.
fn object<'c>(call: &mut Call<'c>, table: Option<Table<'c>>) -> Result<Table<'c>, Error> {
    let table = match table {
        Some(table) => table,
        None => call.table(0, 0)?,
    };
    tags::tag_as_map(call, table)?;
    Ok(table)
}

/// The value, nil and a message, or the remaining work.
type Decoded<'c> = Either<Vec<Value<'c>>, StartWith<'c, Decoding>>;

/// `json_decode(text[, options])`: decodes a text; nil and a message if it is invalid.
fn decode<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    options: Option<Table<'c>>,
) -> Result<Decoded<'c>, Error> {
    start(call, text, options, false)
}

/// `jsonc.decode(text[, options])`: decodes a text that may contain comments and trailing commas.
fn decode_relaxed<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    options: Option<Table<'c>>,
) -> Result<Decoded<'c>, Error> {
    start(call, text, options, true)
}

fn start<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    options: Option<Table<'c>>,
    relaxed: bool,
) -> Result<Decoded<'c>, Error> {
    // This is about the minimum memory for the values. A collection that is needed happens now.
    call.check_memory(text.bytes().len())?;
    let null = Options::new(options, 2, &["null"])?.get(call, "null")?;
    let mut builder = Builder::new(call, null)?;
    let mut reader = Reader::new(text.bytes(), relaxed);
    match reader.read(call, text.bytes(), &mut builder) {
        Ok(Progress::Finished) => Ok(Either::Now(vec![builder.finish()])),
        Ok(Progress::Paused) => {
            let (open, kept) = builder.suspend();
            Ok(Either::Later(Start::new(Decoding { reader, open }).keep_all(kept)))
        }
        Err(DecodeError::Document(parse_error)) => {
            Ok(Either::Now(failure(call, &parse_error.message(text.bytes()))?))
        }
        Err(DecodeError::Vm(error)) => Err(error),
    }
}

/// A decoding in progress. Its kept values are the builder's stack.
struct Decoding {
    reader: Reader,
    open: Vec<Open>,
}

impl Steps for Decoding {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let text = text_argument(call, 0);
        let mut builder = Builder::resume(call, std::mem::take(&mut self.open));
        match self.reader.read(call, text, &mut builder) {
            Ok(Progress::Finished) => call.finish(builder.finish()),
            Ok(Progress::Paused) => {
                let (open, kept) = builder.suspend();
                self.open = open;
                call.keep_only(kept);
                call.again()
            }
            Err(DecodeError::Document(parse_error)) => {
                let results = failure(call, &parse_error.message(text))?;
                call.finish(results)
            }
            Err(DecodeError::Vm(error)) => Err(error),
        }
    }
}
