//! SolVM inside Rust programs: [`Runtime`](runtime::Runtime) and the values that it shares with
//! them.

mod error;
mod handles;
mod runtime;

pub use error::{Error, ErrorKind};
pub use handles::{Function, Table, Userdata, Value};
pub use runtime::{Builder, Callable, Canceller, Runtime};
