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

mod account;
mod activation;
mod binary_chunk;
#[cfg(feature = "account-check")]
mod check;
mod coerce;
mod debug_info;
mod frame;
mod gc;
mod hook;
mod interpreter;
mod load;
pub mod messages;
mod metamethod;
pub mod native;
pub mod number;
mod object;
mod reserve;
pub mod scheduler;
mod string;
mod table;
mod thread;
mod traceback;
mod tracing;
mod unwind;
mod userdata;
mod value;
mod vm;

pub use account::{Account, Held, HoldLater, OutOfMemory};
pub use coerce::Type;
pub use gc::Marker;
pub use hook::HookEvents;
pub use messages::Dialect;
pub use metamethod::Metamethod;
pub use native::{Call, Coroutine, Error, Function, LuaString, Table, Userdata, Value};
pub use reserve::ReservingAllocator;
pub use scheduler::{Clock, GoroutineId, Rest, Turn};
pub use thread::Status;
pub use traceback::{Frame, Running, Site, Traceback};
pub use tracing::TracedCall;
pub use userdata::Data;
pub use vm::{Config, Vm};
