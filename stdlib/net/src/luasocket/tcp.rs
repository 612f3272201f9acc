//! TCP objects: `tcp{master}`, `tcp{client}` and `tcp{server}`.

use super::address::{host, port};
use super::connecting::{Place, accept as accept_from};
use super::descriptor::adopt;
use super::failure::{CLOSED, done, failed, message};
use super::object::{Family, Inner, Protocol, Role, any, become_role, new, of, to_string};
use super::{choice, option, stream};
use crate::sockets::allow_listening;
use solvm_runtime::name::Name;
use solvm_vm::native::asynchronous::{self, Slot};
use solvm_vm::native::{Either, Library, Results};
use solvm_vm::{Call, Error, LuaString, Userdata, Value};
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;

/// The methods of all classes.
pub(super) static METHODS: Library = solvm_vm::library!(lazy "" {
    "__tostring" => to_string,
    "accept" => accept,
    "bind" => bind,
    "close" => close,
    "connect" => connect,
    "dirty" => dirty,
    "getfamily" => family,
    "getfd" => number,
    "getoption" => get_option,
    "getpeername" => peer_name,
    "getsockname" => own_name,
    "getstats" => stats,
    "gettimeout" => timeout,
    "listen" => listen,
    "receive" => receive,
    "send" => send,
    "setfd" => set_number,
    "setoption" => set_option,
    "setpeername" => same_as "connect",
    "setsockname" => same_as "bind",
    "setstats" => set_stats,
    "settimeout" => set_timeout,
    "shutdown" => shutdown,
});

/// The number of connections that wait to be accepted, by default.
const BACKLOG: f64 = 32.0;

fn this<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
    any(object, Protocol::Tcp)
}

fn client<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
    of(object, Protocol::Tcp, Role::Client)
}

/// Creates a master object.
pub(super) fn create<'c>(call: &mut Call<'c>, family: Family) -> Result<Vec<Value<'c>>, Error> {
    let object = new(call, Protocol::Tcp, Role::Master, &METHODS, family, None)?;
    opened(call, object, family)
}

/// Opens the socket of a new object, if its family is known. Returns the object, or nil and the
/// reason.
pub(super) fn opened<'c>(
    call: &mut Call<'c>,
    object: Userdata<'c>,
    family: Family,
) -> Result<Vec<Value<'c>>, Error> {
    call.charge_for_system_call();
    if family != Family::Unspecified
        && let Some(inner) = super::object::from_value(object.value())
        && let Err(reason) = inner.open(call, family.domain())
    {
        return failed(call, &reason);
    }
    Ok(vec![object.value()])
}

/// `socket.connect(address, port[, local address[, local port[, family]]])`: returns a client.
pub(super) fn connect_new<'c>(
    call: &mut Call<'c>,
    address: Name<'c>,
    number: Name<'c>,
    local_address: Option<Name<'c>>,
    local_number: Option<Name<'c>>,
    family: Option<Name<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let families = [("unspec", Family::Unspecified), ("inet", Family::V4), ("inet6", Family::V6)];
    let family = choice(5, family, &families)?;
    let object = new(call, Protocol::Tcp, Role::Client, &METHODS, family, None)?;
    let place = port(number).map(|port| Place { host: host(address), port });
    let local = local_address.map(|address| {
        let port = local_number.map_or(Ok(0), port)?;
        Ok::<_, String>(Place { host: host(address), port })
    });
    call.set_argument(0, object.value());
    Ok(asynchronous::run(move |lua| async move {
        let object = Slot::argument(0);
        let inner = lua.get(object, |_, value| client(value).cloned())?;
        let _pause = lua.with(|call| inner.timeout.get().start().pause(call));
        let result = async {
            if let Some(local) = local {
                inner.bind(&lua, &local?).await?;
            }
            inner.connect(&lua, &place?).await
        };
        match result.await {
            Ok(()) => lua.finish(&[object]),
            Err(reason) => {
                inner.close();
                lua.finish_with(|call| failed(call, &reason))
            }
        }
    }))
}

/// `master:bind(address, port)`
fn bind<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    address: Name<'c>,
    number: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = of(object, Protocol::Tcp, Role::Master)?.clone();
    bind_to(call, inner, address, number)
}

/// Binds a socket of any kind; returns 1, or nil and the reason.
pub(super) fn bind_to<'c>(
    _: &mut Call<'c>,
    inner: Rc<Inner>,
    address: Name<'c>,
    number: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let place = port(number).map(|port| Place { host: host(address), port });
    Ok(asynchronous::run(move |lua| async move {
        let result = match &place {
            Ok(place) => inner.bind(&lua, place).await,
            Err(reason) => Err(reason.clone()),
        };
        lua.finish_with(|call| done(call, result))
    }))
}

/// `object:connect(address, port)`: the object becomes a client, even if that fails.
fn connect<'c>(
    _: &mut Call<'c>,
    object: Value<'c>,
    address: Name<'c>,
    number: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = this(object)?.clone();
    let place = port(number).map(|port| Place { host: host(address), port });
    Ok(asynchronous::run(move |lua| async move {
        let _pause = lua.with(|call| inner.timeout.get().start().pause(call));
        let result = match &place {
            Ok(place) => inner.connect(&lua, place).await,
            Err(reason) => Err(reason.clone()),
        };
        lua.finish_with(|call| {
            let object = Slot::argument(0).get(call);
            become_role(call, object, Role::Client)?;
            done(call, result)
        })
    }))
}

/// `master:listen([backlog])`: the object becomes a server.
fn listen<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    backlog: Option<f64>,
) -> Result<Vec<Value<'c>>, Error> {
    let inner = of(object, Protocol::Tcp, Role::Master)?;
    call.charge_for_system_call();
    let Some(descriptor) = inner.descriptor() else {
        return failed(call, "Bad file descriptor");
    };
    let local = descriptor.socket().local_addr().ok().and_then(|address| address.as_socket());
    let network = crate::sockets::network(call)?;
    let allowed = match local {
        Some(address) if address.ip().is_unspecified() => {
            allow_listening(&*network, "", address.port())
        }
        Some(address) => allow_listening(&*network, &address.ip().to_string(), address.port()),
        None => Ok(()),
    };
    let backlog = backlog.unwrap_or(BACKLOG) as i32;
    let result =
        allowed.and_then(|()| descriptor.socket().listen(backlog).map_err(|error| message(&error)));
    if result.is_ok() {
        descriptor.forget_readiness();
        descriptor.serve(call);
        become_role(call, object, Role::Server)?;
    }
    done(call, result)
}

/// `server:accept()`: returns a client.
fn accept<'c>(call: &mut Call<'c>, object: Value<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = of(object, Protocol::Tcp, Role::Server)?.clone();
    accept_as(call, inner, &METHODS)
}

/// Accepts a connection of any kind.
pub(super) fn accept_as<'c>(
    _: &mut Call<'c>,
    inner: Rc<Inner>,
    methods: &'static Library,
) -> Result<impl Results<'c> + use<'c>, Error> {
    Ok(asynchronous::run(move |lua| async move {
        let timer = inner.timeout.get().start();
        let accepted = match inner.descriptor() {
            Some(descriptor) => accept_from(&descriptor, timer).await,
            None => Err(CLOSED.into()),
        };
        lua.finish_with(|call| {
            let adopted =
                accepted.and_then(|socket| adopt(call, socket).map_err(|error| message(&error)));
            match adopted {
                Ok(descriptor) => {
                    let family = inner.family.get();
                    let descriptor = Some(descriptor);
                    let client =
                        new(call, inner.protocol, Role::Client, methods, family, descriptor)?;
                    Ok(vec![client.value()])
                }
                Err(reason) => failed(call, &reason),
            }
        })
    }))
}

/// `client:receive([pattern[, prefix]])`
fn receive<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    pattern: Option<Value<'c>>,
    prefix: Option<LuaString<'c>>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    stream::receive(call, client(object)?, pattern, prefix)
}

/// `client:send(data[, first[, last]])`
fn send<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    data: LuaString<'c>,
    first: Option<f64>,
    last: Option<f64>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    stream::send(call, client(object)?, data, first, last)
}

/// `object:close()`: frees the port and ends all waits.
fn close(call: &mut Call, object: Value) -> Result<f64, Error> {
    call.charge_for_system_call();
    this(object)?.close();
    Ok(1.0)
}

/// `client:shutdown([direction])`
fn shutdown(call: &mut Call, object: Value, how: Option<Name>) -> Result<f64, Error> {
    shut(call, client(object)?, how)
}

/// Shuts a connection of any kind down partially.
pub(super) fn shut(call: &mut Call, inner: &Inner, how: Option<Name>) -> Result<f64, Error> {
    call.charge_for_system_call();
    let ways = [("both", Shutdown::Both), ("receive", Shutdown::Read), ("send", Shutdown::Write)];
    let how = choice(2, how, &ways)?;
    if let Some(descriptor) = inner.descriptor() {
        // The peer may have closed it already.
        let _ = descriptor.socket().shutdown(how);
    }
    Ok(1.0)
}

fn dirty(_: &mut Call, object: Value) -> Result<bool, Error> {
    Ok(this(object)?.stream.is_dirty())
}

fn family(_: &mut Call, object: Value) -> Result<&'static str, Error> {
    Ok(family_name(this(object)?))
}

/// The result of `getfamily`.
pub(super) fn family_name(inner: &Inner) -> &'static str {
    if inner.family.get() == Family::V6 { "inet6" } else { "inet4" }
}

fn number(_: &mut Call, object: Value) -> Result<f64, Error> {
    Ok(this(object)?.number())
}

fn set_number(call: &mut Call, object: Value, number: f64) -> Result<(), Error> {
    this(object)?.set_number(call, number)
}

fn stats(_: &mut Call, object: Value) -> Result<(f64, f64, f64), Error> {
    Ok(client(object)?.stream.stats())
}

fn set_stats(
    _: &mut Call,
    object: Value,
    received: Option<f64>,
    sent: Option<f64>,
    age: Option<f64>,
) -> Result<f64, Error> {
    client(object)?.stream.set_stats(received, sent, age);
    Ok(1.0)
}

fn timeout(_: &mut Call, object: Value) -> Result<(f64, f64), Error> {
    let timeout = this(object)?.timeout.get();
    Ok((timeout.block, timeout.total))
}

fn set_timeout(
    _: &mut Call,
    object: Value,
    seconds: Option<f64>,
    mode: Option<Name>,
) -> Result<f64, Error> {
    this(object)?.set_timeout(seconds, mode)
}

fn get_option<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    name: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    option::get(call, this(object)?, name)
}

fn set_option<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    name: Name<'c>,
    value: Option<Value<'c>>,
) -> Result<Vec<Value<'c>>, Error> {
    option::set(call, this(object)?, name, value.unwrap_or(Value::NIL))
}

fn peer_name<'c>(call: &mut Call<'c>, object: Value<'c>) -> Result<Vec<Value<'c>>, Error> {
    name_of_peer(call, this(object)?)
}

fn own_name<'c>(call: &mut Call<'c>, object: Value<'c>) -> Result<Vec<Value<'c>>, Error> {
    name_of_socket(call, this(object)?)
}

/// The results of `getpeername`.
pub(super) fn name_of_peer<'c>(
    call: &mut Call<'c>,
    inner: &Inner,
) -> Result<Vec<Value<'c>>, Error> {
    call.charge_for_system_call();
    let name = inner.descriptor().map(|descriptor| descriptor.socket().peer_addr());
    match address_of(name) {
        Ok(address) => {
            let ip = call.string(address.ip().to_string().as_bytes())?.value();
            let family = call.string(inner.family.get().name().as_bytes())?.value();
            Ok(vec![ip, Value::number(f64::from(address.port())), family])
        }
        Err(reason) => failed(call, &reason),
    }
}

/// The results of `getsockname`, whose port is a string.
pub(super) fn name_of_socket<'c>(
    call: &mut Call<'c>,
    inner: &Inner,
) -> Result<Vec<Value<'c>>, Error> {
    call.charge_for_system_call();
    let name = inner.descriptor().map(|descriptor| descriptor.socket().local_addr());
    match address_of(name) {
        Ok(address) => {
            let ip = call.string(address.ip().to_string().as_bytes())?.value();
            let port = call.string(address.port().to_string().as_bytes())?.value();
            let family = call.string(inner.family.get().name().as_bytes())?.value();
            Ok(vec![ip, port, family])
        }
        Err(reason) => failed(call, &reason),
    }
}

fn address_of(name: Option<std::io::Result<socket2::SockAddr>>) -> Result<SocketAddr, String> {
    match name {
        None => Err("Bad file descriptor".into()),
        Some(Err(error)) => Err(message(&error)),
        Some(Ok(address)) => address.as_socket().ok_or_else(|| "ai_family not supported".into()),
    }
}
