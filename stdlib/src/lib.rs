//! Lua's standard libraries and SolVM's modules, through the VM's public interface.
//!
//! [`LIBRARIES`] is the one list of what there is; [`open`] puts it into a VM's globals.
#![forbid(unsafe_code)]

mod base;
mod bits;
mod channel;
mod coroutine;
mod crypto;
mod data;
mod datetime;
mod debug;
pub mod duration;
pub mod host;
mod io;
mod load;
mod math;
mod os;
mod package;
mod random;
pub mod runtime;
mod string;
mod table;
mod text;
mod utf8;
mod uuid;

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
    Module { library: &data::json::FUNCTIONS, documentation: "" },
    Module { library: &data::json::JSON, documentation: include_str!("../meta/json.lua") },
    Module { library: &data::json::JSONC, documentation: include_str!("../meta/jsonc.lua") },
    Module { library: &data::toml::LIBRARY, documentation: include_str!("../meta/toml.lua") },
    Module { library: &data::yaml::LIBRARY, documentation: include_str!("../meta/yaml.lua") },
    Module { library: &crypto::LIBRARY, documentation: include_str!("../meta/crypto.lua") },
    Module { library: &uuid::LIBRARY, documentation: include_str!("../meta/uuid.lua") },
    Module { library: &random::LIBRARY, documentation: include_str!("../meta/random.lua") },
    Module { library: &datetime::LIBRARY, documentation: include_str!("../meta/datetime.lua") },
    Module { library: &text::LIBRARY, documentation: include_str!("../meta/text.lua") },
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
    text::finish(call)?;
    utf8::finish(call)?;
    channel::finish(call)?;
    data::json::finish(call)?;
    runtime::goroutine::note_memory(call);
    Ok(())
}
