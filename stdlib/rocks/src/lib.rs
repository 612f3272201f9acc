//! Modules in place of C modules of LuaRocks' packages.
//!
//! Each has the interface and the messages of the original, which is named in [`ROCKS`] with the
//! version whose interface it has. Programs load them by `require`; until then they cost nothing.
//! A module that is more than a table of functions has an opener, a native that returns it.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod cjson;
pub mod compat53;
pub mod luautf8;
pub mod posix;
mod rocks;
pub mod system;
pub mod term;
pub mod zlib;

pub use rocks::{ROCKS, Rock};
