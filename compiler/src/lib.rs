//! Lua 5.1 source to SolVM bytecode.
#![forbid(unsafe_code)]

pub mod bytecode;
