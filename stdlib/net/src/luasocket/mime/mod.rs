//! `mime.core`: LuaSocket's filters for MIME, which transform a text chunk by chunk.
//!
//! A filter takes what it has kept of earlier chunks and the next chunk, nil at the end, and
//! returns output and what it keeps: at most three bytes, or a number.

mod base64;
mod lines;
mod quoted;

use solvm_runtime::buffer::check_growth;
use solvm_vm::native::Library;
use solvm_vm::{Call, Error, Value};

/// The module `mime.core`, of whose table `mime` is an extension.
pub static CORE: Library = solvm_vm::library!(lazy "mime" {
    "_VERSION" => text "MIME 1.0.3",
    "b64" => base64::encode,
    "dot" => lines::dot,
    "eol" => lines::ends,
    "qp" => quoted::encode,
    "qpwrp" => quoted::wrap,
    "unb64" => base64::decode,
    "unqp" => quoted::decode,
    "wrp" => lines::wrap,
});

const CRLF: &[u8] = b"\r\n";

/// The output of a filter.
struct Output<'a, 'c> {
    call: &'a mut Call<'c>,
    bytes: Vec<u8>,
}

impl<'a, 'c> Output<'a, 'c> {
    fn new(call: &'a mut Call<'c>) -> Self {
        Output { call, bytes: Vec::new() }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        check_growth(self.call, &mut self.bytes, bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The results of a filter that keeps bytes: at the end of the input nothing is nil.
    fn finish(self, kept: Option<&[u8]>) -> Result<(Value<'c>, Value<'c>), Error> {
        self.call.charge_bytes(self.bytes.len());
        let output = match kept {
            None if self.bytes.is_empty() => Value::NIL,
            _ => self.call.string(&self.bytes)?.value(),
        };
        let kept = match kept {
            None => Value::NIL,
            Some(kept) => self.call.string(kept)?.value(),
        };
        Ok((output, kept))
    }

    /// The results of a filter that keeps a number.
    fn finish_with(self, kept: f64) -> Result<(Value<'c>, Value<'c>), Error> {
        self.call.charge_bytes(self.bytes.len());
        Ok((self.call.string(&self.bytes)?.value(), Value::number(kept)))
    }
}

/// The results of a filter: its output and what it keeps.
type Filtered<'c> = Result<(Value<'c>, Value<'c>), Error>;
