//! Lua's standard libraries and SolVM's modules.
#![forbid(unsafe_code)]

pub mod string;
