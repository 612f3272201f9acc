//! Lua's standard libraries and SolVM's modules, through the VM's public interface.
//!
//! [`LIBRARIES`] is the one list of what there is; [`open`] puts it into a VM's globals.
#![forbid(unsafe_code)]

mod base;
mod bits;
mod channel;
mod coroutine;
mod debug;
pub mod duration;
pub mod host;
mod io;
mod load;
mod math;
mod os;
mod package;
pub mod runtime;
mod string;
mod table;
mod utf8;

pub use host::Host;
pub use io::input_lines;
pub use load::read_source;

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
    &io::LIBRARY,
    &os::LIBRARY,
    &bits::BIT,
    &bits::BIT32,
    &utf8::LIBRARY,
    &channel::LIBRARY,
    &runtime::channel::LIBRARY,
    &runtime::errors::LIBRARY,
    &runtime::goroutine::LIBRARY,
    &runtime::timer::LIBRARY,
];

/// Puts the libraries into the globals. The VM must have a [`Host`].
pub fn open(call: &mut Call) -> Result<(), Error> {
    for library in LIBRARIES {
        call.open(library)?;
    }
    package::finish(call)?;
    base::finish(call)?;
    string::finish(call)?;
    io::finish(call)?;
    utf8::finish(call)?;
    channel::finish(call)?;
    runtime::goroutine::note_memory(call);
    Ok(())
}
