//! LuaSocket and LuaSec: the modules `socket`, `mime`, `ltn12` and `ssl` with their submodules, for
//! programs written for them.
//!
//! As in the originals, some modules have two halves: one in Rust with the name of the original's
//! C library (`socket.core`, `mime.core`, `ssl.core`), and one in Lua, which requires the first.
//! The halves in Lua of an installed LuaSocket find these halves in Rust, and work with them.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod address;
mod connecting;
mod descriptor;
mod dns;
mod exception;
mod failure;
mod methods;
pub mod mime;
mod object;
mod option;
mod select;
pub mod ssl;
mod stream;
mod tcp;
mod timeout;
mod udp;
pub mod unix;

use object::Family;
use solvm_lua::modules::{self, Opening};
use solvm_runtime::Host;
use solvm_runtime::name::Name;
use solvm_vm::native::{Definition, Library, Pass, Rest, Results, StartWith};
use solvm_vm::scheduler::Parked;
use solvm_vm::{Call, Error, Value};
use std::time::{Duration, UNIX_EPOCH};

/// The module `socket.core`, of whose table `socket` is an extension.
pub static CORE: Library = solvm_vm::library!(lazy "socket" {
    "_DATAGRAMSIZE" => constant udp::DATAGRAM as f64,
    "_SETSIZE" => constant select::SET_SIZE as f64,
    "_SOCKETINVALID" => constant descriptor::INVALID,
    "_VERSION" => text "LuaSocket 3.0.0",
    "__unload" => unload,
    "connect" => tcp::connect_new,
    "gettime" => time,
    "newtry" => exception::new_try,
    "protect" => exception::protect,
    "select" => select::select,
    "skip" => skip,
    "sleep" => sleep,
    "tcp" => tcp_any,
    "tcp4" => tcp4,
    "tcp6" => tcp6,
    "udp" => udp_any,
    "udp4" => udp4,
    "udp6" => udp6,
});

/// The library of modules that are entirely in Lua.
pub static IN_LUA: Library = solvm_vm::library!(lazy "" {});

pub use dns::LIBRARY as DNS;

/// The openers of modules that are written in Lua, or have a half that is.
pub static OPENERS: &[Definition] = &[
    Definition::new("ltn12", open),
    Definition::new("mime", open),
    Definition::new("socket", open),
    Definition::new("socket.core", open),
    Definition::new("socket.ftp", open),
    Definition::new("socket.headers", open),
    Definition::new("socket.http", open),
    Definition::new("socket.smtp", open),
    Definition::new("socket.tp", open),
    Definition::new("socket.unix", open),
    Definition::new("socket.url", open),
    Definition::new("ssl", open),
    Definition::new("ssl.config", open),
    Definition::new("ssl.https", open),
];

/// The source of a module, and the library that it gets.
struct Chunk {
    name: &'static str,
    source: &'static str,
    natives: Option<&'static Library>,
}

const fn chunk(
    name: &'static str,
    source: &'static str,
    natives: Option<&'static Library>,
) -> Chunk {
    Chunk { name, source, natives }
}

static CHUNKS: &[Chunk] = &[
    chunk("ltn12", include_str!("lua/ltn12.lua"), None),
    chunk("mime", include_str!("lua/mime.lua"), None),
    chunk("socket", include_str!("lua/socket.lua"), None),
    chunk("socket.core", include_str!("lua/core.lua"), Some(&CORE)),
    chunk("socket.ftp", include_str!("lua/ftp.lua"), None),
    chunk("socket.headers", include_str!("lua/headers.lua"), None),
    chunk("socket.http", include_str!("lua/http.lua"), None),
    chunk("socket.smtp", include_str!("lua/smtp.lua"), None),
    chunk("socket.tp", include_str!("lua/tp.lua"), None),
    chunk("socket.unix", include_str!("lua/unix.lua"), Some(&unix::LIBRARY)),
    chunk("socket.url", include_str!("lua/url.lua"), None),
    chunk("ssl", include_str!("lua/ssl.lua"), None),
    chunk("ssl.config", include_str!("lua/ssl_config.lua"), None),
    chunk("ssl.https", include_str!("lua/https.lua"), None),
];

fn open<'c>(call: &mut Call<'c>, name: Name<'c>) -> Result<StartWith<'c, Opening>, Error> {
    let chunk = CHUNKS.iter().find(|chunk| chunk.name.as_bytes() == name.bytes());
    let chunk = chunk.ok_or_else(|| Error::argument(1, "not a module of LuaSocket"))?;
    let natives = chunk.natives.map(|library| modules::table(call, library)).transpose()?;
    modules::open_in_lua(call, chunk.name, chunk.source, natives)
}

/// The value of an argument that is one of some words; the first one by default.
fn choice<T: Copy>(
    index: usize,
    argument: Option<Name<'_>>,
    choices: &[(&str, T)],
) -> Result<T, Error> {
    let chosen = match argument {
        None => choices.first(),
        Some(word) => choices.iter().find(|(known, _)| known.as_bytes() == word.bytes()),
    };
    match (chosen, argument) {
        (Some((_, value)), _) => Ok(*value),
        (None, word) => {
            let word = word.map_or(&b""[..], Name::bytes);
            Err(Error::argument(index, [b"invalid option '", word, b"'"].concat()))
        }
    }
}

fn tcp_any<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    tcp::create(call, Family::Unspecified)
}

fn tcp4<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    tcp::create(call, Family::V4)
}

fn tcp6<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    tcp::create(call, Family::V6)
}

fn udp_any<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    udp::create(call, Family::Unspecified)
}

fn udp4<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    udp::create(call, Family::V4)
}

fn udp6<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    udp::create(call, Family::V6)
}

/// `gettime()`: returns the seconds since 1970.
fn time(call: &mut Call) -> f64 {
    let now = call.host::<Host>().map(|host| host.world.wall_clock());
    now.and_then(|now| now.duration_since(UNIX_EPOCH).ok()).unwrap_or_default().as_secs_f64()
}

/// `sleep(seconds)`: suspends the goroutine; others continue.
fn sleep(call: &mut Call, seconds: f64) -> Result<Parked, Error> {
    /// LuaSocket's limit.
    const MAX: f64 = 2147483647.0;
    let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, MAX) };
    call.sleep(Duration::from_secs_f64(seconds))
}

/// `skip(count, ...)`: returns its arguments after the first `count` ones.
fn skip<'c>(_: &mut Call<'c>, count: f64, _arguments: Rest) -> impl Results<'c> + use<'c> {
    // C code converts to an int. A negative count drops nothing of what follows.
    Pass { first: (count.max(0.0) as usize).saturating_add(1) }
}

/// `__unload()`: has nothing to do.
fn unload(_: &mut Call) {}
