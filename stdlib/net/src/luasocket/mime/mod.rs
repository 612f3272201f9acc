//! `mime.core`: LuaSocket's filters for MIME, which transform a text chunk by chunk.
//!
//! A filter takes what it has kept of earlier chunks and the next chunk, nil at the end, and
//! returns output and what it keeps: at most three bytes, or a number.

mod base64;
mod filter;
mod lines;
mod quoted;

use solvm_vm::native::Library;

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
