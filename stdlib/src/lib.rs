//! Lua's standard libraries and SolVM's modules, using only the VM's public interface.
//!
//! [`LIBRARIES`] lists all libraries; [`open`] adds them to a VM's globals.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod documentation;

use solvm_lua::{base, bits, coroutine, debug, io, lfs, math, os, package, string, table, utf8};
#[cfg(feature = "rocks")]
use solvm_rocks::{cjson, compat53, luautf8, lxp, posix, system, term, zlib};
use solvm_runtime::deadline::Limits;
use solvm_runtime::executor::Executor;
use solvm_runtime::host::{Services, World};
use solvm_runtime::module::Module;
use solvm_runtime::{channel, errors, goroutine, progress, timer};
use solvm_utilities::{datetime, native_code, random, tablex, text, types, utils};
use solvm_vm::native::Definition;
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
        library: &solvm_files::LIBRARY,
        documentation: include_str!("../meta/files.lua"),
    },
    #[cfg(all(feature = "archive", feature = "net"))]
    Module {
        name: "import",
        library: &solvm_archive::import::LIBRARY,
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
        library: &errors::LIBRARY,
        documentation: include_str!("../meta/errors.lua"),
    },
    Module {
        name: "goroutines",
        library: &goroutine::LIBRARY,
        documentation: include_str!("../meta/goroutines.lua"),
    },
    Module {
        name: "timers",
        library: &timer::LIBRARY,
        documentation: include_str!("../meta/timers.lua"),
    },
    #[cfg(feature = "net")]
    Module {
        name: "ft",
        library: &solvm_net::ft::LIBRARY,
        documentation: include_str!("../meta/ft.lua"),
    },
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
    Module {
        name: "tar",
        library: &solvm_archive::tar::LIBRARY,
        documentation: include_str!("../meta/tar.lua"),
    },
    Module {
        name: "progress",
        library: &progress::LIBRARY,
        documentation: include_str!("../meta/progress.lua"),
    },
    #[cfg(feature = "watch")]
    Module {
        name: "watching",
        library: &solvm_files::watch::LIBRARY,
        documentation: include_str!("../meta/watching.lua"),
    },
    #[cfg(feature = "data")]
    Module { name: "json", library: &solvm_data::json::FUNCTIONS, documentation: "" },
    #[cfg(feature = "data")]
    Module {
        name: "json",
        library: &solvm_data::json::JSON,
        documentation: include_str!("../meta/json.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "jsonc",
        library: &solvm_data::json::JSONC,
        documentation: include_str!("../meta/jsonc.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "toml",
        library: &solvm_data::toml::LIBRARY,
        documentation: include_str!("../meta/toml.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "yaml",
        library: &solvm_data::yaml::LIBRARY,
        documentation: include_str!("../meta/yaml.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "csv",
        library: &solvm_data::csv::LIBRARY,
        documentation: include_str!("../meta/csv.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "ini",
        library: &solvm_data::ini::LIBRARY,
        documentation: include_str!("../meta/ini.lua"),
    },
    #[cfg(feature = "data")]
    Module {
        name: "dotenv",
        library: &solvm_data::dotenv::LIBRARY,
        documentation: include_str!("../meta/dotenv.lua"),
    },
    #[cfg(feature = "template")]
    Module {
        name: "template",
        library: &solvm_template::LIBRARY,
        documentation: include_str!("../meta/template.lua"),
    },
    #[cfg(feature = "crypto")]
    Module {
        name: "crypto",
        library: &solvm_crypto::LIBRARY,
        documentation: include_str!("../meta/crypto.lua"),
    },
    #[cfg(feature = "crypto")]
    Module {
        name: "uuid",
        library: &solvm_crypto::uuid::LIBRARY,
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
        library: &solvm_net::http::client::LIBRARY,
        documentation: include_str!("../meta/http.lua"),
    },
    #[cfg(feature = "net")]
    Module { name: "http", library: &solvm_net::http::server::LIBRARY, documentation: "" },
    #[cfg(feature = "net")]
    Module {
        name: "net",
        library: &solvm_net::sockets::dns::LIBRARY,
        documentation: include_str!("../meta/net.lua"),
    },
    #[cfg(feature = "net")]
    Module { name: "net", library: &solvm_net::sockets::tcp::LIBRARY, documentation: "" },
    #[cfg(feature = "net")]
    Module { name: "net", library: &solvm_net::sockets::udp::LIBRARY, documentation: "" },
    #[cfg(feature = "net")]
    Module {
        name: "websocket",
        library: &solvm_net::websocket::client::LIBRARY,
        documentation: include_str!("../meta/websocket.lua"),
    },
];

/// Modules that are not globals: programs load them with `require` or `import`.
pub static ON_REQUEST: &[Module] = &[
    Module { name: "lfs", library: &lfs::LIBRARY, documentation: include_str!("../meta/lfs.lua") },
    Module {
        name: "solvm.jit",
        library: &native_code::LIBRARY,
        documentation: include_str!("../meta/solvm.jit.lua"),
    },
    #[cfg(feature = "rocks")]
    Module {
        name: "cjson",
        library: &cjson::LIBRARY,
        documentation: include_str!("../meta/cjson.lua"),
    },
    #[cfg(feature = "rocks")]
    Module { name: "cjson.safe", library: &cjson::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module {
        name: "compat53",
        library: &compat53::LIBRARY,
        documentation: include_str!("../meta/compat53.lua"),
    },
    #[cfg(feature = "rocks")]
    Module { name: "compat53.module", library: &compat53::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "compat53.string", library: &compat53::STRING, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "compat53.table", library: &compat53::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "compat53.utf8", library: &compat53::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module {
        name: "lua-utf8",
        library: &luautf8::LIBRARY,
        documentation: include_str!("../meta/lua-utf8.lua"),
    },
    #[cfg(feature = "rocks")]
    Module { name: "lxp", library: &lxp::LIBRARY, documentation: include_str!("../meta/lxp.lua") },
    #[cfg(feature = "rocks")]
    Module { name: "lxp.lom", library: &lxp::IN_LUA, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "lxp.totable", library: &lxp::IN_LUA, documentation: "" },
    #[cfg(feature = "rocks")]
    Module {
        name: "posix",
        library: &posix::LIBRARY,
        documentation: include_str!("../meta/posix.lua"),
    },
    #[cfg(feature = "rocks")]
    Module { name: "posix.ctype", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.dirent", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.errno", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.libgen", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.pwd", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.signal", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.stdio", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.stdlib", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.sys.stat", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.sys.time", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.sys.utsname", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.time", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.unistd", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "posix.utime", library: &posix::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module {
        name: "system",
        library: &system::LIBRARY,
        documentation: include_str!("../meta/system.lua"),
    },
    #[cfg(feature = "rocks")]
    Module { name: "system.core", library: &system::LIBRARY, documentation: "" },
    #[cfg(feature = "rocks")]
    Module {
        name: "term",
        library: &term::LIBRARY,
        documentation: include_str!("../meta/term.lua"),
    },
    #[cfg(feature = "rocks")]
    Module { name: "term.core", library: &term::CORE, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "term.colors", library: &term::IN_LUA, documentation: "" },
    #[cfg(feature = "rocks")]
    Module { name: "term.cursor", library: &term::IN_LUA, documentation: "" },
    #[cfg(feature = "rocks")]
    Module {
        name: "zlib",
        library: &zlib::LIBRARY,
        documentation: include_str!("../meta/zlib.lua"),
    },
];

/// Natives that return a module, for those that are more than a table of functions.
static OPENERS: &[&[Definition]] = &[
    lfs::OPENERS,
    #[cfg(feature = "rocks")]
    cjson::OPENERS,
    #[cfg(feature = "rocks")]
    compat53::OPENERS,
    #[cfg(feature = "rocks")]
    luautf8::OPENERS,
    #[cfg(feature = "rocks")]
    lxp::OPENERS,
    #[cfg(feature = "rocks")]
    posix::OPENERS,
    #[cfg(feature = "rocks")]
    system::OPENERS,
    #[cfg(feature = "rocks")]
    term::OPENERS,
];

/// All libraries and modules.
pub fn modules() -> impl Iterator<Item = &'static Module> {
    LIBRARIES.iter().chain(ON_REQUEST)
}

/// The services, which may outlive a program's main chunk.
static SERVICES: Services = &[
    &io::OpenFilesService,
    &timer::TimerService,
    #[cfg(feature = "watch")]
    &solvm_files::watch::WatcherService,
    #[cfg(feature = "net")]
    &solvm_net::http::server::ServerService,
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
    package::offer(call, ON_REQUEST, OPENERS, is_chosen)?;
    base::finish(call)?;
    string::finish(call)?;
    io::finish(call)?;
    text::finish(call)?;
    utf8::finish(call)?;
    channel::finish(call)?;
    #[cfg(feature = "data")]
    solvm_data::json::finish(call)?;
    #[cfg(feature = "net")]
    solvm_net::http::finish(call)?;
    goroutine::note_memory(call);
    Ok(())
}
