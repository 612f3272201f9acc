//! The interpreter: one function per opcode, chained by sibling calls.
//!
//! A handler does its work and jumps to the handler of the next instruction, with the machine's
//! state in six registers. It has scalars only; operations that need memory, a destructor or an
//! address are in cold functions with scalar arguments, since anything else would turn the jump
//! into a call and let the host stack grow.
//!
//! **Entry**: [`Vm::run`](crate::Vm) is the only external caller of a handler, and asserts that it
//! is never re-entered: no native function, metamethod or error ever runs the interpreter
//! recursively. Code that calls Lua prepares a frame whose return leads to a continuation (see
//! [`crate::layout::frame`]).
//!
//! **Dispatch tables**: handlers find each other through `Vm::table`. Normally it holds the
//! handlers themselves. Where the compiler did not make sibling calls (opt-level 0, some targets)
//! every entry is one that stores the state and returns to the loop in `enter`: slower, same
//! bodies, same results. A probe at start-up decides. While some thread has a debug hook, every
//! opcode's entry is one that looks for its events first (`hooked`), so that hooks cost nothing
//! otherwise.

mod arithmetic;
mod call;
mod closure;
mod compare;
mod concat;
mod control;
mod dispatch;
mod field;
mod hooked;
mod index;
mod iterate;
mod load;
mod operand;
pub(crate) mod special;
mod step;
mod table_access;

pub(crate) use call::issue_call;
pub(crate) use compare::{equality, less_than_metamethod, raw_equal};
pub(crate) use dispatch::{
    CALL, CONTINUE, HANDLERS, Handler, choose_dispatch, continue_at, enter, keep_loop,
    update_dispatch,
};
pub(crate) use index::{MAX_CHAIN, find_metamethod, metatable_of, missing};
pub(crate) use iterate::{
    advance_loop, clear_rest_of_loop, pass_to_generator, prepare_loop, unmark_loop,
};
pub(crate) use operand::field_node;
pub(crate) use step::{after_step, step_of};
