//! What SolVM's libraries share: the outside world of a program, and concurrency.
//!
//! A [`Host`] belongs to each VM: the [`World`](host::World), which the program acts on and which
//! may deny everything, and the state of the libraries by type. The
//! [`Executor`](executor::Executor) runs the VM on tokio with its goroutines and timers; the
//! [`pool`] runs what blocks.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod buffer;
pub mod channel;
mod cron;
pub mod deadline;
pub mod duration;
pub mod errors;
pub mod executor;
pub mod goroutine;
pub mod host;
pub mod inspect;
pub mod integer;
pub mod module;
pub mod name;
pub mod object;
pub mod options;
pub mod pool;
pub mod progress;
pub mod registry;
pub mod reload;
pub mod report;
pub mod results;
pub mod system_error;
pub mod timer;
pub mod truncated;
pub mod uncaught;

pub use host::Host;
