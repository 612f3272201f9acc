//! Lua's standard libraries and SolVM's modules, through the VM's public interface.
//!
//! [`LIBRARIES`] is the one list of what there is; [`open`] puts it into a VM's globals.
#![forbid(unsafe_code)]

mod base;
mod bits;
mod channel;
mod coroutine;
mod debug;
pub mod documentation;
pub mod duration;
pub mod host;
mod http;
mod io;
mod load;
mod math;
mod net;
mod object;
mod options;
mod os;
mod package;
pub mod runtime;
mod string;
mod table;
mod utf8;
mod websocket;

pub use host::Host;
pub use io::input_lines;
pub use load::read_source;

use solvm_vm::native::Library;
use solvm_vm::{Call, Error};

/// A library, and what is said about it.
pub struct Module {
    /// Its functions and constants.
    pub library: &'static Library,
    /// Its documentation, from which all other documentation is made: a definition file for lua-language-server.
    pub documentation: &'static str,
}

/// Every library, in the order in which they are opened.
pub static LIBRARIES: &[Module] = &[
    Module { library: &package::LIBRARY, documentation: "" },
    Module { library: &base::LIBRARY, documentation: "" },
    Module { library: &coroutine::LIBRARY, documentation: "" },
    Module { library: &table::LIBRARY, documentation: "" },
    Module { library: &string::LIBRARY, documentation: "" },
    Module { library: &math::LIBRARY, documentation: "" },
    Module { library: &debug::LIBRARY, documentation: "" },
    Module { library: &io::LIBRARY, documentation: "" },
    Module { library: &os::LIBRARY, documentation: "" },
    Module { library: &bits::BIT, documentation: "" },
    Module { library: &bits::BIT32, documentation: "" },
    Module { library: &utf8::LIBRARY, documentation: "" },
    Module { library: &channel::LIBRARY, documentation: "" },
    Module { library: &runtime::channel::LIBRARY, documentation: "" },
    Module { library: &runtime::errors::LIBRARY, documentation: "" },
    Module { library: &runtime::goroutine::LIBRARY, documentation: "" },
    Module { library: &runtime::timer::LIBRARY, documentation: "" },
    Module { library: &http::client::LIBRARY, documentation: "" },
    Module { library: &http::server::LIBRARY, documentation: "" },
    Module { library: &net::dns::LIBRARY, documentation: "" },
    Module { library: &net::tcp::LIBRARY, documentation: "" },
    Module { library: &net::udp::LIBRARY, documentation: "" },
    Module { library: &websocket::client::LIBRARY, documentation: "" },
];

/// Puts the libraries into the globals. The VM must have a [`Host`].
pub fn open(call: &mut Call) -> Result<(), Error> {
    for module in LIBRARIES {
        call.open(module.library)?;
    }
    package::finish(call)?;
    base::finish(call)?;
    string::finish(call)?;
    io::finish(call)?;
    utf8::finish(call)?;
    channel::finish(call)?;
    http::finish(call)?;
    runtime::goroutine::note_memory(call);
    Ok(())
}
