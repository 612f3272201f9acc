//! Lua 5.1 source to SolVM bytecode: lexer, parser, code generation. The [`bytecode`] is the
//! contract with the VM.
#![forbid(unsafe_code)]

mod ast;
pub mod bytecode;
mod codegen;
pub mod dump;
mod error;
pub mod highlight;
pub mod inspect;
mod lexer;
pub mod numeral;
mod parser;
mod token;
pub mod utf8;

use bumpalo::Bump;
use bytecode::{Prototype, Source};
use std::sync::Arc;

pub use error::{Error, chunk_id};

/// How to compile.
#[derive(Clone, Copy, Default)]
pub struct Options<'o> {
    /// Asked now and then whether to give up, so that the compilation of a huge chunk can be
    /// cancelled.
    pub interrupt: Option<&'o dyn Fn() -> bool>,
    /// The most bytes that the syntax tree may take, more or less.
    pub tree_size: Option<usize>,
    /// What to say of a function with too many local variables, instead of what PUC Lua says.
    pub too_many_locals: Option<&'static str>,
}

impl Options<'_> {
    fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|interrupt| interrupt())
    }
}

/// Compiles a chunk to the prototype of its main function.
///
/// # Errors
/// The first error in the source, in the words of PUC Lua 5.1; or that the interrupt hook asked to
/// stop.
pub fn compile(
    source: impl Into<Arc<Source>>,
    options: &Options<'_>,
) -> Result<Arc<Prototype>, Error> {
    let source = source.into();
    let arena = Bump::new();
    let chunk = parser::parse(&arena, &source.text, &source.name, options);
    let prototype = chunk.and_then(|chunk| codegen::generate(&chunk, source.clone(), options));
    let prototype = prototype.map_err(|fault| fault.in_chunk(&source.name))?;
    debug_assert_eq!(bytecode::verify(&prototype), Ok(()));
    Ok(prototype)
}
