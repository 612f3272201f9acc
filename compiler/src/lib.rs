//! Lua 5.1 source to SolVM bytecode: lexer, parser, code generation. The [`bytecode`] is the contract with the VM.
#![forbid(unsafe_code)]

mod ast;
pub mod bytecode;
mod error;
mod lexer;
pub mod numeral;
mod parser;
mod token;

pub use error::{Error, chunk_id};

/// How to compile.
#[derive(Clone, Copy, Default)]
pub struct Options<'o> {
    /// Asked now and then whether to give up, so that the compilation of a huge chunk can be cancelled.
    pub interrupt: Option<&'o dyn Fn() -> bool>,
}

impl Options<'_> {
    fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|interrupt| interrupt())
    }
}
pub fn parse_only(text: &[u8], name: &[u8]) -> Result<(), Error> {
    parser::parse(text, name, &Options::default()).map(|_| ()).map_err(|f| f.in_chunk(name))
}
