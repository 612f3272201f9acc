//! `lpeg` and `re`: parsing expression grammars, with the interface of LPeg 1.1.
//!
//! A pattern is a [`tree`]. The [`analysis`] of the tree says what each part can start with, with
//! which [`generate`] makes a [`program`] for the parsing [`machine`]. The machine lists captures;
//! they are [`evaluate`]d when the match has ended.
//!
//! **Invariant (NO HOST STACK)**: nothing here is recursive, whatever the depth of patterns,
//! subjects and captures: trees are in postfix order, and every pass has a stack of its own.
#![forbid(unsafe_code)]

mod analysis;
mod context;
mod evaluate;
mod frame;
mod generate;
mod grammar;
mod library;
mod machine;
mod matching;
mod module;
mod operand;
mod operators;
mod pattern;
mod program;
pub mod re;
mod set;
mod template;
mod tree;
mod utf8;

pub use library::LIBRARY;
pub use module::complete;
