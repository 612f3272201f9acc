//! Lua 5.1 source to SolVM bytecode: lexer, parser, code generation. The [`bytecode`] is the
//! contract with the VM.
#![forbid(unsafe_code)]

mod ast;
pub mod bytecode;
mod codegen;
mod compile;
pub mod diagnostic;
pub mod dump;
mod error;
pub mod highlight;
pub mod hint;
pub mod inspect;
mod lexer;
pub mod locate;
pub mod numeral;
mod options;
mod parser;
pub mod spelling;
pub mod utf8;

pub use compile::compile;
pub use error::{Error, chunk_id};
pub use options::Options;
