//! SolVM's just-in-time compiler: machine code for hot loops.
//!
//! A loop that runs often, or a function that calls itself, becomes a [region], a graph of its
//! instructions and those of the functions that it calls. [Passes](passes) work out how each value
//! is held, [`emit`] makes the [linear form](backend::linear), and the [`backend`] machine code.
//! The back-end does not depend on Lua, the VM or its bytecode.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod backend;
mod clock;
mod compiler;
mod emit;
mod listing;
mod passes;
mod region;

pub use compiler::{FREE_TIME, Jit, Options, Print};
pub use listing::Listing;
