//! SolVM's virtual machine: values, heap and collector, interpreter, native-function interface,
//! scheduler core.
//!
//! It does not depend on files, sockets or library functions. A host creates a [`Vm`], opens
//! libraries, starts goroutines and calls [`Vm::turn`] until nothing is left to do:
//!
//! ```
//! use solvm_vm::{Config, Turn, Vm};
//! use std::task::{Context, Waker};
//!
//! let mut vm = Vm::new(Config::default());
//! let main = vm.enter(|call| {
//!     let function = call.load(b"return 6 * 7", b"=answer").expect("compiles");
//!     call.spawn(function, &[]).expect("starts")
//! });
//! vm.watch(Some(main));
//! while vm.turn(&mut Context::from_waker(Waker::noop())) == Turn::Ready {}
//! let answer = vm.next_end(|_, _, result| result.ok().and_then(|values| values[0].as_number()));
//! assert_eq!(answer, Some(Some(42.0)));
//! ```
#![allow(unsafe_code, reason = "values, heap and handlers are built from raw memory")]
#![cfg_attr(
    test,
    allow(
        unsafe_op_in_unsafe_fn,
        clippy::undocumented_unsafe_blocks,
        reason = "tests keep what they use alive throughout"
    )
)]

mod account;
#[cfg(feature = "account-check")]
mod check;
mod heap;
mod layout;
mod machine;
pub mod messages;
pub mod number;
mod reserve;
mod start;

pub use account::{Account, Held, HoldLater, OutOfMemory, limit_allocator};
pub use heap::gc::Marker;
pub use heap::userdata::Data;
pub use layout::hook::HookEvents;
pub use layout::metamethod::Metamethod;
pub use layout::types::Type;
pub use machine::native::{Call, Coroutine, Error, Function, LuaString, Table, Userdata, Value};
pub use machine::scheduler::{Clock, GoroutineId, Rest, Turn};
pub use machine::thread::Status;
pub use machine::traceback::{Frame, Origin, Running, Site, Traceback};
pub use machine::tracing::TracedCall;
pub use machine::vm::{Config, Vm};
pub use machine::{native, scheduler, unit};
pub use messages::Dialect;
pub use reserve::ReservingAllocator;
