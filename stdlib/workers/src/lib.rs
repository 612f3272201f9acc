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
mod standard;
mod ticket;

pub use functions::LIBRARY;
pub use pool::{Factory, Pool};

use functions::Workers;
use solvm_runtime::Host;
use solvm_vm::{Call, Error, Table};

/// Lets a program use the isolates of a pool. `id` is its number among the workers of a program,
/// from 1.
pub fn set_pool(call: &mut Call<'_>, pool: Pool, id: Option<usize>) {
    if let Some(host) = call.host::<Host>() {
        *host.state() = Workers { pool: Some(pool), id };
    }
}

/// Completes the table of the module.
pub fn complete<'c>(call: &mut Call<'c>, library: Table<'c>) -> Result<(), Error> {
    let id = call.host::<Host>().and_then(|host| host.state::<Workers>().id);
    match id {
        Some(id) => library.set_field(call, "id", id as f64),
        None => Ok(()),
    }
}
