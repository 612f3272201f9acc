//! What runs Lua: the interpreter, natives, goroutines, and how results, errors and debug events
//! pass between them. These use each other, because they are one mechanism: a native can suspend
//! its caller, an instruction can end a turn, an error can leave a goroutine.

pub(crate) mod activation;
pub(crate) mod binary_chunk;
pub(crate) mod debug_info;
pub(crate) mod hook;
#[allow(
    unsafe_op_in_unsafe_fn,
    reason = "a handler or cold function is one unsafe region, whose contract is in `dispatch`"
)]
pub(crate) mod interpreter;
pub(crate) mod load;
pub mod native;
pub mod scheduler;
pub(crate) mod thread;
pub(crate) mod traceback;
pub(crate) mod tracing;
pub(crate) mod type_error;
pub mod unit;
pub(crate) mod unwind;
pub(crate) mod vm;
