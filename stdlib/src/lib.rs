//! Lua's standard libraries and SolVM's modules, using only the VM's public interface.
//!
//! [`LIBRARIES`] lists all libraries; [`open`] opens them in a VM.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod documentation;
mod extensions;

use solvm_lua::{
    base, bits, coroutine, debug, io, lfs, math, modules, os, package, string, table, utf8,
};
#[cfg(all(feature = "net", unix))]
use solvm_net::luasocket;
#[cfg(feature = "rocks")]
use solvm_rocks::{cjson, compat53, luautf8, posix, system, term, zlib};
use solvm_runtime::deadline::Limits;
use solvm_runtime::executor::Executor;
use solvm_runtime::host::{Services, World};
use solvm_runtime::module::Module;
use solvm_runtime::module::Place::{self, Global, Preloaded, Required, Standard};
use solvm_runtime::{channel, errors, goroutine, progress, timer};
use solvm_utilities::{datetime, native_code, random, tablex, text, types, utils};
use solvm_vm::{Call, Config, Error};

/// All libraries, in the order in which they are opened.
pub static LIBRARIES: &[Module] = &[
    Module::new(Standard, "package", &package::LIBRARY, include_str!("../meta/package.lua")),
    Module::new(Standard, "base", &base::LIBRARY, include_str!("../meta/base.lua")),
    Module::new(Standard, "coroutine", &coroutine::LIBRARY, include_str!("../meta/coroutine.lua")),
    Module::new(Standard, "table", &table::LIBRARY, include_str!("../meta/table.lua")),
    Module::new(Standard, "string", &string::LIBRARY, include_str!("../meta/string.lua")),
    Module::new(Standard, "math", &math::LIBRARY, include_str!("../meta/math.lua")),
    Module::new(Standard, "debug", &debug::LIBRARY, include_str!("../meta/debug.lua")),
    Module::new(Standard, "io", &io::LIBRARY, include_str!("../meta/io.lua")),
    Module::new(Standard, "os", &os::LIBRARY, include_str!("../meta/os.lua")),
    Module::new(Preloaded, "bit", &bits::BIT, include_str!("../meta/bit.lua")),
    Module::new(Preloaded, "bit32", &bits::BIT32, include_str!("../meta/bit32.lua")),
    Module::new(Preloaded, "utf8", &utf8::LIBRARY, include_str!("../meta/utf8.lua"))
        .completed_by(utf8::complete),
    Module::new(Global, "files", &solvm_files::LIBRARY, include_str!("../meta/files.lua")),
    #[cfg(all(feature = "archive", feature = "net"))]
    Module::new(
        Global,
        "import",
        &solvm_archive::import::LIBRARY,
        include_str!("../meta/import.lua"),
    ),
    Module::new(Global, "channel", &channel::LIBRARY, include_str!("../meta/channel.lua")),
    Module::new(Global, "channels", &channel::named::LIBRARY, include_str!("../meta/channels.lua")),
    Module::new(Global, "errors", &errors::LIBRARY, include_str!("../meta/errors.lua")),
    Module::new(Global, "goroutines", &goroutine::LIBRARY, include_str!("../meta/goroutines.lua")),
    Module::new(Global, "timers", &timer::LIBRARY, include_str!("../meta/timers.lua")),
    #[cfg(feature = "net")]
    Module::new(Global, "ft", &solvm_net::ft::LIBRARY, include_str!("../meta/ft.lua")),
    Module::new(Global, "tablex", &tablex::LIBRARY, include_str!("../meta/tablex.lua")),
    Module::new(Global, "types", &types::LIBRARY, include_str!("../meta/types.lua")),
    Module::new(Global, "utils", &utils::LIBRARY, include_str!("../meta/utils.lua")),
    #[cfg(feature = "archive")]
    Module::new(Global, "tar", &solvm_archive::tar::LIBRARY, include_str!("../meta/tar.lua")),
    Module::new(Global, "progress", &progress::LIBRARY, include_str!("../meta/progress.lua")),
    #[cfg(feature = "watch")]
    Module::new(
        Global,
        "watching",
        &solvm_files::watch::LIBRARY,
        include_str!("../meta/watching.lua"),
    ),
    #[cfg(feature = "data")]
    Module::new(Global, "json", &solvm_data::json::FUNCTIONS, ""),
    #[cfg(feature = "data")]
    Module::new(Global, "json", &solvm_data::json::JSON, include_str!("../meta/json.lua"))
        .completed_by(solvm_data::json::complete),
    #[cfg(feature = "data")]
    Module::new(Global, "jsonc", &solvm_data::json::JSONC, include_str!("../meta/jsonc.lua")),
    #[cfg(feature = "data")]
    Module::new(Global, "toml", &solvm_data::toml::LIBRARY, include_str!("../meta/toml.lua")),
    #[cfg(feature = "data")]
    Module::new(Global, "yaml", &solvm_data::yaml::LIBRARY, include_str!("../meta/yaml.lua")),
    #[cfg(feature = "data")]
    Module::new(Global, "csv", &solvm_data::csv::LIBRARY, include_str!("../meta/csv.lua")),
    #[cfg(feature = "data")]
    Module::new(Global, "ini", &solvm_data::ini::LIBRARY, include_str!("../meta/ini.lua")),
    #[cfg(feature = "data")]
    Module::new(Global, "dotenv", &solvm_data::dotenv::LIBRARY, include_str!("../meta/dotenv.lua")),
    #[cfg(feature = "template")]
    Module::new(Global, "template", &solvm_template::LIBRARY, include_str!("../meta/template.lua")),
    #[cfg(feature = "crypto")]
    Module::new(Global, "crypto", &solvm_crypto::LIBRARY, include_str!("../meta/crypto.lua")),
    #[cfg(feature = "crypto")]
    Module::new(Global, "uuid", &solvm_crypto::uuid::LIBRARY, include_str!("../meta/uuid.lua")),
    Module::new(Global, "random", &random::LIBRARY, include_str!("../meta/random.lua")),
    Module::new(Global, "datetime", &datetime::LIBRARY, include_str!("../meta/datetime.lua")),
    Module::new(Global, "text", &text::LIBRARY, include_str!("../meta/text.lua")),
    #[cfg(feature = "net")]
    Module::new(
        Global,
        "http",
        &solvm_net::http::client::LIBRARY,
        include_str!("../meta/http.lua"),
    ),
    #[cfg(feature = "net")]
    Module::new(Global, "http", &solvm_net::http::server::LIBRARY, ""),
    #[cfg(feature = "net")]
    Module::new(Global, "net", &solvm_net::sockets::dns::LIBRARY, include_str!("../meta/net.lua")),
    #[cfg(feature = "net")]
    Module::new(Global, "net", &solvm_net::sockets::tcp::LIBRARY, ""),
    #[cfg(feature = "net")]
    Module::new(Global, "net", &solvm_net::sockets::udp::LIBRARY, ""),
    #[cfg(feature = "net")]
    Module::new(
        Global,
        "websocket",
        &solvm_net::websocket::client::LIBRARY,
        include_str!("../meta/websocket.lua"),
    ),
    Module::new(Required, "lfs", &lfs::LIBRARY, include_str!("../meta/lfs.lua"))
        .completed_by(lfs::complete),
    Module::new(
        Required,
        "solvm.jit",
        &native_code::LIBRARY,
        include_str!("../meta/solvm.jit.lua"),
    ),
    #[cfg(feature = "lpeg")]
    Module::new(Required, "lpeg", &solvm_lpeg::LIBRARY, include_str!("../meta/lpeg.lua"))
        .completed_by(solvm_lpeg::complete),
    #[cfg(feature = "lpeg")]
    Module::new(Required, "re", &solvm_lpeg::re::LIBRARY, include_str!("../meta/re.lua")),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "ltn12", &luasocket::IN_LUA, include_str!("../meta/ltn12.lua")),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "mime", &luasocket::IN_LUA, include_str!("../meta/mime.lua")),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "mime.core", &luasocket::mime::CORE, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "socket", &luasocket::IN_LUA, include_str!("../meta/socket.lua")),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "socket.core", &luasocket::CORE, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "socket.dns", &luasocket::DNS, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "socket.ftp", &luasocket::IN_LUA, include_str!("../meta/socket.ftp.lua")),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "socket.headers", &luasocket::IN_LUA, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(
        Required,
        "socket.http",
        &luasocket::IN_LUA,
        include_str!("../meta/socket.http.lua"),
    ),
    #[cfg(all(feature = "net", unix))]
    Module::new(
        Required,
        "socket.smtp",
        &luasocket::IN_LUA,
        include_str!("../meta/socket.smtp.lua"),
    ),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "socket.tp", &luasocket::IN_LUA, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "socket.unix", &luasocket::unix::LIBRARY, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "socket.url", &luasocket::IN_LUA, include_str!("../meta/socket.url.lua")),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "ssl", &luasocket::IN_LUA, include_str!("../meta/ssl.lua")),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "ssl.config", &luasocket::IN_LUA, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "ssl.context", &luasocket::ssl::CONTEXT, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "ssl.core", &luasocket::ssl::CORE, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "ssl.https", &luasocket::IN_LUA, ""),
    #[cfg(all(feature = "net", unix))]
    Module::new(Required, "ssl.x509", &luasocket::ssl::CERTIFICATE, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "cjson", &cjson::LIBRARY, include_str!("../meta/cjson.lua")),
    #[cfg(feature = "rocks")]
    Module::new(Required, "cjson.safe", &cjson::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "compat53", &compat53::LIBRARY, include_str!("../meta/compat53.lua")),
    #[cfg(feature = "rocks")]
    Module::new(Required, "compat53.module", &compat53::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "compat53.string", &compat53::STRING, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "compat53.table", &compat53::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "compat53.utf8", &compat53::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "lua-utf8", &luautf8::LIBRARY, include_str!("../meta/lua-utf8.lua")),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix", &posix::LIBRARY, include_str!("../meta/posix.lua")),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.ctype", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.dirent", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.errno", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.fcntl", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.fnmatch", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.getopt", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.glob", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.grp", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.libgen", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.poll", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.pwd", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sched", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.signal", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.stdio", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.stdlib", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sys.msg", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sys.resource", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sys.socket", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sys.stat", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sys.statvfs", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sys.time", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sys.times", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sys.utsname", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.sys.wait", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.syslog", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.termio", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.time", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.unistd", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "posix.utime", &posix::LIBRARY, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "system", &system::LIBRARY, include_str!("../meta/system.lua"))
        .completed_by(system::complete),
    #[cfg(feature = "rocks")]
    Module::new(Required, "system.core", &system::LIBRARY, "").completed_by(system::complete),
    #[cfg(feature = "rocks")]
    Module::new(Required, "term", &term::LIBRARY, include_str!("../meta/term.lua")),
    #[cfg(feature = "rocks")]
    Module::new(Required, "term.core", &term::CORE, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "term.colors", &term::IN_LUA, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "term.cursor", &term::IN_LUA, ""),
    #[cfg(feature = "rocks")]
    Module::new(Required, "zlib", &zlib::LIBRARY, include_str!("../meta/zlib.lua")),
    #[cfg(feature = "workers")]
    Module::new(Required, "worker", &solvm_workers::LIBRARY, include_str!("../meta/worker.lua")),
];

/// The openers of modules that are more than tables of natives.
static OPENERS: modules::Openers = &[
    #[cfg(feature = "rocks")]
    cjson::OPENERS,
    #[cfg(feature = "rocks")]
    compat53::OPENERS,
    #[cfg(feature = "rocks")]
    luautf8::OPENERS,
    #[cfg(feature = "rocks")]
    posix::OPENERS,
    #[cfg(feature = "rocks")]
    term::OPENERS,
    #[cfg(all(feature = "net", unix))]
    luasocket::OPENERS,
];

/// The global names that a program starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Globals {
    /// Those of all libraries that are globals.
    #[default]
    All,
    /// Those of Lua 5.1. Other libraries come by `require`.
    Lua51,
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
pub fn executor(
    config: Config,
    limits: Limits,
    world: impl World,
    globals: Globals,
) -> Result<Executor, String> {
    executor_with(config, limits, world, globals, |_| true)
}

/// Creates a VM on tokio with some of the libraries.
pub fn executor_with(
    config: Config,
    limits: Limits,
    world: impl World,
    globals: Globals,
    is_chosen: impl Fn(&Module) -> bool,
) -> Result<Executor, String> {
    Executor::new(config, limits, world, SERVICES, |call| open(call, globals, is_chosen))
}

/// Opens some of the libraries. The VM must have a [`Host`].
///
/// [`Host`]: solvm_runtime::host::Host
pub fn open(
    call: &mut Call,
    globals: Globals,
    is_chosen: impl Fn(&Module) -> bool,
) -> Result<(), Error> {
    let (loaded, opened) = (call.loaded()?, modules::opened(call)?);
    let mut offered = Vec::with_capacity(LIBRARIES.len());
    for module in LIBRARIES.iter().filter(|module| is_chosen(module)) {
        if module.place != Place::Standard {
            offered.push(module);
        }
        let is_open = match module.place {
            Place::Standard => true,
            Place::Preloaded | Place::Global => globals == Globals::All,
            Place::Required => false,
        };
        if !is_open {
            continue;
        }
        let table = call.open(module.library)?;
        if let Some(complete) = module.complete {
            complete(call, table)?;
        }
        if module.library.name.is_empty() {
            continue;
        }
        if let Place::Standard | Place::Preloaded = module.place {
            loaded.set_field(call, module.name, table)?;
        }
        if module.place != Place::Standard {
            opened.set_field(call, module.name, table)?;
        }
        if module.place == Place::Preloaded {
            let name = call.string(module.name.as_bytes())?;
            modules::note_required(call, name)?;
        }
    }
    modules::offer(call, offered, OPENERS);
    // The libraries that these functions complete may be missing.
    package::finish(call)?;
    base::finish(call)?;
    string::finish(call)?;
    io::finish(call)?;
    match globals {
        Globals::All => text::finish(call)?,
        Globals::Lua51 => extensions::remove(call)?,
    }
    channel::finish(call)?;
    #[cfg(feature = "net")]
    solvm_net::http::finish(call)?;
    goroutine::note_memory(call);
    Ok(())
}
