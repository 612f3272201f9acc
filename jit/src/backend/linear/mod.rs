//! The linear form: what the back-end compiles.
//!
//! A [`Function`] consists of blocks of three-address instructions over virtual registers, each of
//! one [`Class`]. A *variable* may be written many times, a *temporary* is written once: there is
//! no SSA form, and no phi. Every register is written before it is read, on every path.
//!
//! Two registers have values at the entry and are never written: [`Register::BASE`], the address of
//! the frame's slots, and [`Register::CONTEXT`], the address of the caller's state.
//!
//! An exit is data, not a block: an [`Exit`] lists what is written to memory before the function
//! returns to its caller.

mod arithmetic;
mod builder;
mod display;
mod function;
mod instruction;
mod semantics;
mod value;

pub use builder::Builder;
pub(crate) use function::BlockData;
pub use function::{Exit, ExitId, Form, Function, Origin, SlotValue, Span, WordSource, WordWrite};
pub use instruction::{
    Address, Block, Class, Condition, DoubleComparison, DoubleOperation, Instruction,
    IntegerComparison, IntegerOperation, MAX_ARGUMENTS, Operand, Register, UnaryOperation, Width,
};
pub use value::{Value, Variable};
