//! LuaSec's halves: `ssl.core`, `ssl.context` and `ssl.x509`, over rustls.
//!
//! There are TLS 1.2 and 1.3. What OpenSSL has beyond rustls is an error where a program asks for
//! it, or has no effect where that is what the program wants, such as the options against old
//! protocols.

mod certificate;
mod cipher;
pub(super) mod connection;
mod context;
mod handshake;
mod parameters;

use super::descriptor::INVALID;
use super::object::class;
use solvm_runtime::name::Name;
use solvm_vm::native::Library;
use solvm_vm::{Call, Error, Table, Value};

/// The module `ssl.core`.
pub static CORE: Library = solvm_vm::library!(lazy "ssl.core" {
    "SOCKET_INVALID" => constant INVALID,
    "compression" => connection::compression,
    "copyright" => copyright,
    "create" => create,
    "info" => connection::info,
    "setfd" => connection::set_number,
    "setmethod" => set_method,
});

/// The methods of connections.
static METHODS: Library = solvm_vm::library!(lazy "" {
    "__tostring" => connection::to_string,
    "close" => connection::close,
    "dirty" => connection::dirty,
    "dohandshake" => handshake::handshake,
    "exportkeyingmaterial" => connection::export_key,
    "getalpn" => connection::protocol,
    "getfd" => connection::number,
    "getpeercertificate" => connection::peer_certificate,
    "getpeerchain" => connection::peer_chain,
    "getpeerverification" => connection::peer_verification,
    "getsniname" => connection::name,
    "getstats" => connection::stats,
    "receive" => connection::receive,
    "send" => connection::send,
    "setstats" => connection::set_stats,
    "settimeout" => connection::set_timeout,
    "sni" => connection::set_name,
    "want" => connection::want,
});

pub use certificate::LIBRARY as CERTIFICATE;
pub use context::LIBRARY as CONTEXT;

/// `create(context)`: returns a connection without a socket.
fn create<'c>(call: &mut Call<'c>, context: context::This<'c>) -> Result<Vec<Value<'c>>, Error> {
    let Some(mode) = *context.context().mode.borrow() else {
        return Ok(vec![Value::NIL, call.string(b"invalid mode")?.value()]);
    };
    Ok(vec![connection::new(call, mode, context.value(), &METHODS)?])
}

fn copyright(_: &mut Call) -> &'static str {
    "LuaSec 1.2.0's interface in SolVM"
}

/// `setmethod(name, function)`: adds a method to connections.
fn set_method<'c>(call: &mut Call<'c>, name: Name<'c>, method: Value<'c>) -> Result<(), Error> {
    let metatable = class(call, connection::CLASS, &METHODS)?;
    let key = call.string(b"__index")?;
    match Table::from_value(metatable.get(key)) {
        Some(methods) => methods.set(call, name.string().value(), method),
        None => Ok(()),
    }
}
