//! From source code to a prototype.

use crate::bytecode::{self, Prototype, Source};
use crate::codegen;
use crate::error::Error;
use crate::options::Options;
use crate::parser;
use bumpalo::Bump;
use std::sync::Arc;

/// Compiles a chunk to the prototype of its main function.
///
/// # Errors
/// The first error in the source, with PUC Lua 5.1's message; or that the interrupt hook requested
/// a stop.
pub fn compile(
    source: impl Into<Arc<Source>>,
    options: &Options<'_>,
) -> Result<Arc<Prototype>, Error> {
    let source = source.into();
    let arena = Bump::new();
    let chunk = parser::parse(&arena, &source.text, &source.name, options);
    let prototype = chunk.and_then(|chunk| codegen::generate(&chunk, source.clone(), options));
    let prototype = prototype.map_err(|fault| fault.in_chunk(&source))?;
    debug_assert_eq!(bytecode::verify(&prototype), Ok(()));
    Ok(prototype)
}
