//! Lua's standard libraries and SolVM's modules, through the VM's public interface.
//!
//! [`LIBRARIES`] is the one list of what there is; [`open`] puts it into a VM's globals.
#![forbid(unsafe_code)]

mod base;
mod bits;
mod channel;
mod coroutine;
mod data;
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
    /// What it is called: by who chooses libraries, and in the documentation.
    pub name: &'static str,
    /// Its functions and constants.
    pub library: &'static Library,
    /// Its documentation, from which all other documentation is made: a definition file for lua-language-server.
    pub documentation: &'static str,
}

/// Every library, in the order in which they are opened.
pub static LIBRARIES: &[Module] = &[
    Module { name: "package", library: &package::LIBRARY, documentation: "" },
    Module { name: "base", library: &base::LIBRARY, documentation: "" },
    Module { name: "coroutine", library: &coroutine::LIBRARY, documentation: "" },
    Module { name: "table", library: &table::LIBRARY, documentation: "" },
    Module { name: "string", library: &string::LIBRARY, documentation: "" },
    Module { name: "math", library: &math::LIBRARY, documentation: "" },
    Module { name: "debug", library: &debug::LIBRARY, documentation: "" },
    Module { name: "io", library: &io::LIBRARY, documentation: "" },
    Module { name: "os", library: &os::LIBRARY, documentation: "" },
    Module { name: "bit", library: &bits::BIT, documentation: "" },
    Module { name: "bit32", library: &bits::BIT32, documentation: "" },
    Module { name: "utf8", library: &utf8::LIBRARY, documentation: "" },
    Module { name: "channel", library: &channel::LIBRARY, documentation: "" },
    Module { name: "channels", library: &runtime::channel::LIBRARY, documentation: "" },
    Module { name: "errors", library: &runtime::errors::LIBRARY, documentation: "" },
    Module { name: "goroutines", library: &runtime::goroutine::LIBRARY, documentation: "" },
    Module { name: "timers", library: &runtime::timer::LIBRARY, documentation: "" },
    Module { name: "json", library: &data::json::FUNCTIONS, documentation: "" },
    Module { name: "json", library: &data::json::JSON, documentation: include_str!("../meta/json.lua") },
    Module { name: "jsonc", library: &data::json::JSONC, documentation: include_str!("../meta/jsonc.lua") },
    Module { name: "http", library: &http::client::LIBRARY, documentation: include_str!("../meta/http.lua") },
    Module { name: "http", library: &http::server::LIBRARY, documentation: "" },
    Module { name: "net", library: &net::dns::LIBRARY, documentation: include_str!("../meta/net.lua") },
    Module { name: "net", library: &net::tcp::LIBRARY, documentation: "" },
    Module { name: "net", library: &net::udp::LIBRARY, documentation: "" },
    Module {
        name: "websocket",
        library: &websocket::client::LIBRARY,
        documentation: include_str!("../meta/websocket.lua"),
    },
];

/// Puts the libraries into the globals. The VM must have a [`Host`].
pub fn open(call: &mut Call) -> Result<(), Error> {
    open_some(call, |_| true)
}

/// Puts some of the libraries into the globals. The VM must have a [`Host`].
pub fn open_some(call: &mut Call, is_chosen: impl Fn(&Module) -> bool) -> Result<(), Error> {
    for module in LIBRARIES.iter().filter(|module| is_chosen(module)) {
        call.open(module.library)?;
    }
    // What these complete may not be there.
    package::finish(call)?;
    base::finish(call)?;
    string::finish(call)?;
    io::finish(call)?;
    utf8::finish(call)?;
    channel::finish(call)?;
    data::json::finish(call)?;
    http::finish(call)?;
    runtime::goroutine::note_memory(call);
    Ok(())
}
