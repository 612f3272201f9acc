//! The methods that are the same for all kinds of socket objects.
//!
//! A [`Kind`] says which objects a method is for: LuaSocket refuses others with the name of the
//! class, though the methods of all kinds do the same.

use super::object::{Family, Inner};
use super::{choice, option, stream};
use solvm_runtime::name::Name;
use solvm_vm::native::{Either, Results};
use solvm_vm::{Call, Error, LuaString, Value};
use std::net::Shutdown;
use std::rc::Rc;

/// A kind of socket objects.
pub(super) trait Kind {
    /// Returns the socket of a method's first argument, whatever it is used for.
    fn socket<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error>;
}

/// A kind whose clients are streams.
pub(super) trait Streaming: Kind {
    /// Returns the socket of a method's first argument, which must be a client.
    fn client<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error>;
}

/// `close()`: frees the port and ends all waits. The path of a Unix socket stays, as in LuaSocket.
pub(super) fn close<K: Kind>(call: &mut Call, object: Value) -> Result<f64, Error> {
    call.charge_for_system_call();
    K::socket(object)?.close();
    Ok(1.0)
}

/// `dirty()`: whether there is data that `select` does not see.
pub(super) fn dirty<K: Kind>(_: &mut Call, object: Value) -> Result<bool, Error> {
    Ok(K::socket(object)?.stream.is_dirty())
}

/// `getfamily()`
pub(super) fn family<K: Kind>(_: &mut Call, object: Value) -> Result<&'static str, Error> {
    Ok(if K::socket(object)?.family.get() == Family::V6 { "inet6" } else { "inet4" })
}

/// `getfd()`
pub(super) fn number<K: Kind>(_: &mut Call, object: Value) -> Result<f64, Error> {
    Ok(K::socket(object)?.number())
}

/// `setfd(number)`
pub(super) fn set_number<K: Kind>(
    call: &mut Call,
    object: Value,
    number: f64,
) -> Result<(), Error> {
    K::socket(object)?.set_number(call, number)
}

/// `gettimeout()`
pub(super) fn timeout<K: Kind>(_: &mut Call, object: Value) -> Result<(f64, f64), Error> {
    let timeout = K::socket(object)?.timeout.get();
    Ok((timeout.block, timeout.total))
}

/// `settimeout([seconds[, mode]])`
pub(super) fn set_timeout<K: Kind>(
    _: &mut Call,
    object: Value,
    seconds: Option<f64>,
    mode: Option<Name>,
) -> Result<f64, Error> {
    K::socket(object)?.set_timeout(seconds, mode)
}

/// `getoption(name)`
pub(super) fn get_option<'c, K: Kind>(
    call: &mut Call<'c>,
    object: Value<'c>,
    name: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    option::get(call, K::socket(object)?, name)
}

/// `setoption(name[, value])`
pub(super) fn set_option<'c, K: Kind>(
    call: &mut Call<'c>,
    object: Value<'c>,
    name: Name<'c>,
    value: Option<Value<'c>>,
) -> Result<Vec<Value<'c>>, Error> {
    option::set(call, K::socket(object)?, name, value.unwrap_or(Value::NIL))
}

/// `receive([pattern[, prefix]])`
pub(super) fn receive<'c, K: Streaming>(
    call: &mut Call<'c>,
    object: Value<'c>,
    pattern: Option<Value<'c>>,
    prefix: Option<LuaString<'c>>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, K>>, Error> {
    stream::receive(call, K::client(object)?, pattern, prefix)
}

/// `send(data[, first[, last]])`
pub(super) fn send<'c, K: Streaming>(
    call: &mut Call<'c>,
    object: Value<'c>,
    data: LuaString<'c>,
    first: Option<f64>,
    last: Option<f64>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, K>>, Error> {
    stream::send(call, K::client(object)?, data, first, last)
}

/// `shutdown([direction])`
pub(super) fn shutdown<K: Streaming>(
    call: &mut Call,
    object: Value,
    how: Option<Name>,
) -> Result<f64, Error> {
    let inner = K::client(object)?;
    call.charge_for_system_call();
    let ways = [("both", Shutdown::Both), ("receive", Shutdown::Read), ("send", Shutdown::Write)];
    let how = choice(2, how, &ways)?;
    if let Some(descriptor) = inner.descriptor() {
        // The peer may have closed it already.
        let _ = descriptor.socket().shutdown(how);
    }
    Ok(1.0)
}

/// `getstats()`
pub(super) fn stats<K: Streaming>(_: &mut Call, object: Value) -> Result<(f64, f64, f64), Error> {
    Ok(K::client(object)?.stream.stats())
}

/// `setstats([received[, sent[, age]]])`
pub(super) fn set_stats<K: Streaming>(
    _: &mut Call,
    object: Value,
    received: Option<f64>,
    sent: Option<f64>,
    age: Option<f64>,
) -> Result<f64, Error> {
    K::client(object)?.stream.set_stats(received, sent, age);
    Ok(1.0)
}
