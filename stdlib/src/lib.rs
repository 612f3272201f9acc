//! Lua's standard libraries and SolVM's modules, using only the VM's public interface.
//!
//! [`LIBRARIES`] lists all libraries; [`open`] adds them to a VM's globals.
#![forbid(unsafe_code)]
// What only a library uses that a feature leaves out; with all features nothing is unused.
#![cfg_attr(
    not(all(
        feature = "archive",
        feature = "crypto",
        feature = "data",
        feature = "net",
        feature = "template",
        feature = "watch"
    )),
    allow(dead_code, unused_imports)
)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod base;
mod bits;
mod buffer;
mod channel;
mod coroutine;
#[cfg(feature = "crypto")]
mod crypto;
#[cfg(feature = "data")]
mod data;
mod datetime;
pub mod deadline;
mod debug;
pub mod documentation;
pub mod duration;
mod files;
#[cfg(feature = "net")]
mod ft;
#[cfg(feature = "net")]
mod headers;
pub mod host;
#[cfg(feature = "net")]
mod http;
#[cfg(all(feature = "archive", feature = "net"))]
mod import;
pub mod inspect;
mod integer;
mod io;
mod lfs;
mod load;
mod lua_source;
mod math;
mod module;
mod name;
#[cfg(feature = "net")]
mod net;
mod object;
mod options;
mod os;
mod package;
mod pool;
mod progress;
mod random;
mod results;
pub mod runtime;
mod string;
pub mod system_error;
mod table;
mod tablex;
#[cfg(feature = "archive")]
mod tar;
#[cfg(feature = "template")]
mod template;
mod text;
mod truncated;
mod types;
mod utf8;
mod utils;
#[cfg(feature = "crypto")]
mod uuid;
#[cfg(feature = "net")]
mod websocket;

#[cfg(feature = "watch")]
pub use files::watch;
pub use host::Host;
#[cfg(all(feature = "archive", feature = "net"))]
pub use import::inherit;
pub use io::input_lines;
pub use load::{SourceFile, read_program};
pub use module::Module;
pub use os::ExitCode;

use deadline::Limits;
use host::{Services, World};
use runtime::executor::Executor;
use solvm_vm::{Call, Config, Error};

/// All libraries, in the order in which they are opened.
pub static LIBRARIES: &[Module] = &[
    Module {
        name: "package",
        library: &package::LIBRARY,
        documentation: include_str!("../meta/package.lua"),
    },
    Module {
        name: "base",
        library: &base::LIBRARY,
        documentation: include_str!("../meta/base.lua"),
    },
    Module {
        name: "coroutine",
        library: &coroutine::LIBRARY,
        documentation: include_str!("../meta/coroutine.lua"),
    },
    Module {
        name: "table",
        library: &table::LIBRARY,
        documentation: include_str!("../meta/table.lua"),
    },
    Module {
        name: "string",
        library: &string::LIBRARY,
        documentation: include_str!("../meta/string.lua"),
    },
    Module {
        name: "math",
        library: &math::LIBRARY,
        documentation: include_str!("../meta/math.lua"),
    },
    Module {
        name: "debug",
        library: &debug::LIBRARY,
        documentation: include_str!("../meta/debug.lua"),
    },
    Module { name: "io", library: &io::LIBRARY, documentation: include_str!("../meta/io.lua") },
    Module { name: "os", library: &os::LIBRARY, documentation: include_str!("../meta/os.lua") },
    Module { name: "bit", library: &bits::BIT, documentation: include_str!("../meta/bit.lua") },
    Module {
        name: "bit32",
        library: &bits::BIT32,
        documentation: include_str!("../meta/bit32.lua"),
    },
    Module {
        name: "utf8",
        library: &utf8::LIBRARY,
        documentation: include_str!("../meta/utf8.lua"),
    },
    Module {
        name: "files",
        library: &files::LIBRARY,
        documentation: include_str!("../meta/files.lua"),
    },
    #[cfg(all(feature = "archive", feature = "net"))]
    Module {
        name: "import",
        library: &import::LIBRARY,
        documentation: include_str!("../meta/import.lua"),
    },
    Module {
        name: "channel",
        library: &channel::LIBRARY,
        documentation: include_str!("../meta/channel.lua"),
    },
    Module {
        name: "channels",
        library: &channel::named::LIBRARY,
        documentation: include_str!("../meta/channels.lua"),
    },
    Module {
        name: "errors",
        library: &runtime::errors::LIBRARY,
        documentation: include_str!("../meta/errors.lua"),
    },
    Module {
        name: "goroutines",
        library: &runtime::goroutine::LIBRARY,
        documentation: include_str!("../meta/goroutines.lua"),
    },
    Module {
        name: "timers",
        library: &runtime::timer::LIBRARY,
        documentation: include_str!("../meta/timers.lua"),
    },
    #[cfg(feature = "net")]
    Module { name: "ft", library: &ft::LIBRARY, documentation: include_str!("../meta/ft.lua") },
    Module {
        name: "tablex",
        library: &tablex::LIBRARY,
        documentation: include_str!("../meta/tablex.lua"),
    },
    Module {
        name: "types",
        library: &types::LIBRARY,
        documentation: include_str!("../meta/types.lua"),
    },
    Module {
        name: "utils",
        library: &utils::LIBRARY,
        documentation: include_str!("../meta/utils.lua"),
    },
    #[cfg(feature = "archive")]
    Module { name: "tar", library: &tar::LIBRARY, documentation: include_str!("../meta/tar.lua") },
    Module {
        name: "progress",
        library: &progress::LIBRARY,
        documentation: include_str!("../meta/progress.lua"),
    },
    #[cfg(feature = "watch")]
    Module {
        name: "watching",
        library: &files::watch::LIBRARY,
        documentation: include_str!("../meta/watching.lua"),
    },
    #[cfg(feature = "data")]
    Module { name: "json", library: &data::json::FUNCTIONS, documentation: "" },
    #[cfg(feature = "data")]
    Module {
        name: "json",
        library: &data::json::JSON,
        documentation: include_str!("../meta/json.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "jsonc",
        library: &data::json::JSONC,
        documentation: include_str!("../meta/jsonc.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "toml",
        library: &data::toml::LIBRARY,
        documentation: include_str!("../meta/toml.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "yaml",
        library: &data::yaml::LIBRARY,
        documentation: include_str!("../meta/yaml.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "csv",
        library: &data::csv::LIBRARY,
        documentation: include_str!("../meta/csv.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "ini",
        library: &data::ini::LIBRARY,
        documentation: include_str!("../meta/ini.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "dotenv",
        library: &data::dotenv::LIBRARY,
        documentation: include_str!("../meta/dotenv.lua"),
    },
    #[cfg(feature = "template")]
    Module {
        name: "template",
        library: &template::LIBRARY,
        documentation: include_str!("../meta/template.lua"),
    },
    #[cfg(feature = "crypto")]
    Module {
        name: "crypto",
        library: &crypto::LIBRARY,
        documentation: include_str!("../meta/crypto.lua"),
    },
    #[cfg(feature = "crypto")]
    Module {
        name: "uuid",
        library: &uuid::LIBRARY,
        documentation: include_str!("../meta/uuid.lua"),
    },
    Module {
        name: "random",
        library: &random::LIBRARY,
        documentation: include_str!("../meta/random.lua"),
    },
    Module {
        name: "datetime",
        library: &datetime::LIBRARY,
        documentation: include_str!("../meta/datetime.lua"),
    },
    Module {
        name: "text",
        library: &text::LIBRARY,
        documentation: include_str!("../meta/text.lua"),
    },
    #[cfg(feature = "net")]
    Module {
        name: "http",
        library: &http::client::LIBRARY,
        documentation: include_str!("../meta/http.lua"),
    },
    #[cfg(feature = "net")]
    Module { name: "http", library: &http::server::LIBRARY, documentation: "" },
    #[cfg(feature = "net")]
    Module {
        name: "net",
        library: &net::dns::LIBRARY,
        documentation: include_str!("../meta/net.lua"),
    },
    #[cfg(feature = "net")]
    Module { name: "net", library: &net::tcp::LIBRARY, documentation: "" },
    #[cfg(feature = "net")]
    Module { name: "net", library: &net::udp::LIBRARY, documentation: "" },
    #[cfg(feature = "net")]
    Module {
        name: "websocket",
        library: &websocket::client::LIBRARY,
        documentation: include_str!("../meta/websocket.lua"),
    },
];

/// Modules that are not globals: programs load them with `require` or `import`.
pub static ON_REQUEST: &[Module] = &[Module {
    name: "lfs",
    library: &lfs::LIBRARY,
    documentation: include_str!("../meta/lfs.lua"),
}];

/// All libraries and modules.
pub fn modules() -> impl Iterator<Item = &'static Module> {
    LIBRARIES.iter().chain(ON_REQUEST)
}

/// The services, which may outlive a program's main chunk.
static SERVICES: Services = &[
    &io::OpenFilesService,
    &runtime::timer::TimerService,
    #[cfg(feature = "watch")]
    &files::watch::WatcherService,
    #[cfg(feature = "net")]
    &http::server::ServerService,
];

/// Creates a VM on tokio with all libraries.
pub fn executor(config: Config, limits: Limits, world: impl World) -> Result<Executor, String> {
    executor_with(config, limits, world, |_| true)
}

/// Creates a VM on tokio with some of the libraries.
pub fn executor_with(
    config: Config,
    limits: Limits,
    world: impl World,
    is_chosen: impl Fn(&Module) -> bool,
) -> Result<Executor, String> {
    Executor::new(config, limits, world, SERVICES, |call| open_some(call, is_chosen))
}

/// Adds the libraries to the globals. The VM must have a [`Host`].
pub fn open(call: &mut Call) -> Result<(), Error> {
    open_some(call, |_| true)
}

/// Adds some of the libraries to the globals. The VM must have a [`Host`].
pub fn open_some(call: &mut Call, is_chosen: impl Fn(&Module) -> bool) -> Result<(), Error> {
    for module in LIBRARIES.iter().filter(|module| is_chosen(module)) {
        call.open(module.library)?;
    }
    // The libraries that these functions complete may be missing.
    package::finish(call)?;
    package::offer(call, ON_REQUEST, is_chosen)?;
    base::finish(call)?;
    string::finish(call)?;
    io::finish(call)?;
    text::finish(call)?;
    utf8::finish(call)?;
    channel::finish(call)?;
    #[cfg(feature = "data")]
    data::json::finish(call)?;
    #[cfg(feature = "net")]
    http::finish(call)?;
    runtime::goroutine::note_memory(call);
    Ok(())
}
