//! SolVM's modules for strings, tables, types, dates and random numbers.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod datetime;
pub mod native_code;
pub mod random;
pub mod tablex;
pub mod text;
pub mod types;
pub mod utils;
