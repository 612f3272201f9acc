//! Lua's standard libraries and SolVM's modules, through the VM's public interface.
//!
//! [`LIBRARIES`] is the one list of what there is; [`open`] puts it into a VM's globals.
#![forbid(unsafe_code)]

mod base;
mod coroutine;
mod debug;
pub mod host;
mod math;
mod package;
mod runtime;
mod string;
mod table;

pub use host::Host;

use solvm_vm::native::Library;
use solvm_vm::{Call, Error};

/// Every library, in the order in which they are opened.
pub static LIBRARIES: &[&Library] = &[
    &package::LIBRARY,
    &base::LIBRARY,
    &coroutine::LIBRARY,
    &table::LIBRARY,
    &string::LIBRARY,
    &math::LIBRARY,
    &debug::LIBRARY,
    &runtime::LIBRARY,
];

/// Puts the libraries into the globals. The VM must have a [`Host`].
pub fn open(call: &mut Call) -> Result<(), Error> {
    for library in LIBRARIES {
        call.open(library)?;
    }
    package::finish(call)?;
    base::finish(call)?;
    string::finish(call)
}
