//! The module `worker`: functions that run on all cores.
//!
//! A VM belongs to one thread. More cores mean more VMs, each on a thread of its own, with tokio,
//! an executor and libraries: an *isolate*. Isolates share nothing but code. What one sends to
//! another is a [`message`]; a [`pool`] has the isolates of a program, and gives each the next
//! call.
#![forbid(unsafe_code)]

mod call;
mod functions;
mod isolate;
mod message;
mod pool;
mod program;
mod standard;
mod ticket;

pub use functions::LIBRARY;
pub use pool::Factory;

use solvm_vm::Call;

/// Lets a program use isolates, which are started when they are needed.
pub fn allow(call: &mut Call<'_>, factory: impl Factory) {
    program::set_pool(call, pool::Pool::new(factory, isolate::start), 0);
}
