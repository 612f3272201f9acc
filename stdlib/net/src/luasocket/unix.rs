//! `socket.unix`: sockets whose addresses are paths. Streams are as TCP objects, datagrams as UDP
//! objects.
//!
//! The OS looks a path up again after it was checked, so only programs whose access to files is not
//! restricted may use them.

use super::connecting::{connect_to, network_of};
use super::failure::{CLOSED, done, failed, message};
use super::methods::{self, Kind, Streaming};
use super::object::{Family, Inner, Protocol, Role, any, become_role, new, of, to_string};
use super::tcp;
use super::udp::{receive_datagram, send_datagram, sent};
use rustix::net::SocketAddrUnix;
use socket2::{Domain, SockAddr};
use solvm_files::file_system;
use solvm_runtime::host::{NetworkUse, path_of};
use solvm_runtime::name::Name;
use solvm_runtime::system_error::reason;
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, LuaString, Value};
use std::path::PathBuf;
use std::rc::Rc;

/// The module `socket.unix`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "socket.unix" {
    "dgram" => datagram,
    "stream" => stream_object,
    "tcp" => same_as "stream",
    "udp" => same_as "dgram",
});

static STREAM: Library = solvm_vm::library!(lazy "" {
    "__tostring" => to_string,
    "accept" => accept,
    "bind" => bind,
    "close" => methods::close::<Unix>,
    "connect" => connect,
    "dirty" => methods::dirty::<Unix>,
    "getfd" => methods::number::<Unix>,
    "getsockname" => own_name,
    "getstats" => methods::stats::<Unix>,
    "gettimeout" => methods::timeout::<Unix>,
    "listen" => listen,
    "receive" => methods::receive::<Unix>,
    "send" => methods::send::<Unix>,
    "setfd" => methods::set_number::<Unix>,
    "setoption" => methods::set_option::<Unix>,
    "setpeername" => same_as "connect",
    "setsockname" => same_as "bind",
    "setstats" => methods::set_stats::<Unix>,
    "settimeout" => methods::set_timeout::<Unix>,
    "shutdown" => methods::shutdown::<Unix>,
});

static DATAGRAM: Library = solvm_vm::library!(lazy "" {
    "__tostring" => to_string,
    "bind" => bind,
    "close" => methods::close::<Unix>,
    "connect" => connect,
    "dirty" => methods::dirty::<Unix>,
    "getfd" => methods::number::<Unix>,
    "getsockname" => own_name,
    "gettimeout" => methods::timeout::<Unix>,
    "receive" => receive_one,
    "receivefrom" => receive_from,
    "send" => send_one,
    "sendto" => send_to,
    "setfd" => methods::set_number::<Unix>,
    "setoption" => methods::set_option::<Unix>,
    "setpeername" => same_as "connect",
    "setsockname" => same_as "bind",
    "settimeout" => methods::set_timeout::<Unix>,
});

/// The longest path that fits into an address.
const MAX_PATH: usize = 107;

/// `socket.unix.stream()`
fn stream_object<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    create(call, Protocol::UnixStream, Role::Master, &STREAM)
}

/// `socket.unix.dgram()`
fn datagram<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    create(call, Protocol::UnixDatagram, Role::Unconnected, &DATAGRAM)
}

fn create<'c>(
    call: &mut Call<'c>,
    protocol: Protocol,
    role: Role,
    methods: &'static Library,
) -> Result<Vec<Value<'c>>, Error> {
    call.charge_for_system_call();
    let object = new(call, protocol, role, methods, Family::Unspecified, None)?;
    let opened = super::object::from_value(object.value())
        .map_or(Ok(()), |inner| inner.open(call, Domain::UNIX).map(drop));
    match opened {
        Ok(()) => Ok(vec![object.value()]),
        Err(reason) => failed(call, &reason),
    }
}

/// Unix objects, of either kind.
struct Unix;

impl Kind for Unix {
    fn socket<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
        any(object, Protocol::UnixDatagram).or_else(|_| any(object, Protocol::UnixStream))
    }
}

impl Streaming for Unix {
    fn client<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
        of(object, Protocol::UnixStream, Role::Client)
    }
}

/// Returns the socket of the first argument, which is not connected.
fn fresh<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
    of(object, Protocol::UnixDatagram, Role::Unconnected)
        .or_else(|_| of(object, Protocol::UnixStream, Role::Master))
}

/// The address of a path, if the program may use it.
fn address(lua: &Lua, path: &PathBuf, listens: bool) -> Result<SockAddr, String> {
    if path.as_os_str().len() > MAX_PATH {
        return Err("path too long".into());
    }
    let network = network_of(lua)?;
    let host = &*path.to_string_lossy();
    let use_ = match listens {
        true => NetworkUse::Listen { host, port: 0 },
        false => NetworkUse::Connect { host, port: 0, address: None },
    };
    network.allow(use_).map_err(|error| reason(&error))?;
    let files = lua.with(file_system).map_err(|error| error.to_string())?;
    files.check_socket(path).map_err(|error| reason(&error))?;
    SockAddr::unix(path).map_err(|error| message(&error))
}

/// `object:bind(path)`
fn bind<'c>(
    _: &mut Call<'c>,
    object: Value<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = fresh(object)?.clone();
    let path = path_of(path.bytes());
    Ok(asynchronous::run(move |lua| async move {
        let result = match (inner.descriptor(), address(&lua, &path, true)) {
            (None, _) => Err("Bad file descriptor".into()),
            (_, Err(reason)) => Err(reason),
            (Some(descriptor), Ok(address)) => {
                let bound = descriptor.socket().bind(&address);
                if bound.is_ok() && inner.protocol == Protocol::UnixDatagram {
                    lua.with(|call| descriptor.serve(call));
                }
                bound.map_err(|error| message(&error))
            }
        };
        // As in LuaSocket.
        if result.is_err() {
            inner.close();
        }
        lua.finish_with(|call| done(call, result))
    }))
}

/// `object:connect(path)`
fn connect<'c>(
    _: &mut Call<'c>,
    object: Value<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = match any(object, Protocol::UnixDatagram) {
        Ok(inner) => inner.clone(),
        Err(_) => of(object, Protocol::UnixStream, Role::Master)?.clone(),
    };
    let path = path_of(path.bytes());
    Ok(asynchronous::run(move |lua| async move {
        let timer = inner.timeout.get().start();
        let _pause = lua.with(|call| timer.pause(call));
        let result = match (inner.descriptor(), address(&lua, &path, false)) {
            (None, _) => Err(CLOSED.into()),
            (_, Err(reason)) => Err(reason),
            (Some(descriptor), Ok(address)) => connect_to(&descriptor, &address, timer).await,
        };
        lua.finish_with(|call| {
            match &result {
                Ok(()) => {
                    let is_stream = inner.protocol == Protocol::UnixStream;
                    let role = if is_stream { Role::Client } else { Role::Connected };
                    let object = Slot::argument(0).get(call);
                    become_role(call, object, role)?;
                }
                // As in LuaSocket.
                Err(_) => inner.close(),
            }
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
    let inner = of(object, Protocol::UnixStream, Role::Master)?;
    call.charge_for_system_call();
    let Some(descriptor) = inner.descriptor() else {
        return failed(call, "Bad file descriptor");
    };
    let result = descriptor.socket().listen(backlog.unwrap_or(32.0) as i32);
    if result.is_ok() {
        descriptor.forget_readiness();
        descriptor.serve(call);
        become_role(call, object, Role::Server)?;
    }
    done(call, result.map_err(|error| message(&error)))
}

/// `server:accept()`
fn accept<'c>(call: &mut Call<'c>, object: Value<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = of(object, Protocol::UnixStream, Role::Server)?.clone();
    tcp::accept_as(call, inner, &STREAM)
}

/// `connected:send(data)`
fn send_one<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = of(object, Protocol::UnixDatagram, Role::Connected)?.clone();
    call.set_argument(1, data.value());
    Ok(asynchronous::run(move |lua| async move {
        let result = send_datagram(&lua, &inner, None).await;
        lua.finish_with(|call| sent(call, result))
    }))
}

/// `unconnected:sendto(data, path)`
fn send_to<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    data: LuaString<'c>,
    path: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = of(object, Protocol::UnixDatagram, Role::Unconnected)?.clone();
    call.set_argument(1, data.value());
    let path = path_of(path.bytes());
    Ok(asynchronous::run(move |lua| async move {
        let result = match address(&lua, &path, false) {
            Ok(address) => send_datagram(&lua, &inner, Some(&address)).await,
            Err(reason) => Err(reason),
        };
        lua.finish_with(|call| sent(call, result))
    }))
}

/// `object:receive([size])`
fn receive_one<'c>(
    _: &mut Call<'c>,
    object: Value<'c>,
    size: Option<f64>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = any(object, Protocol::UnixDatagram)?.clone();
    Ok(asynchronous::run(move |lua| async move {
        let result = receive_datagram(&inner, size).await;
        lua.finish_with(|call| match result {
            Ok((data, _)) => Ok(vec![call.string(&data)?.value()]),
            Err(reason) => failed(call, &reason),
        })
    }))
}

/// `unconnected:receivefrom([size])`: returns the data and the sender's path, which may be empty.
fn receive_from<'c>(
    _: &mut Call<'c>,
    object: Value<'c>,
    size: Option<f64>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = of(object, Protocol::UnixDatagram, Role::Unconnected)?.clone();
    Ok(asynchronous::run(move |lua| async move {
        let result = receive_datagram(&inner, size).await;
        lua.finish_with(|call| match result {
            Ok((data, from)) => {
                let from = from.and_then(|from| SocketAddrUnix::try_from(from).ok());
                let path = from.as_ref().and_then(SocketAddrUnix::path_bytes).unwrap_or_default();
                Ok(vec![call.string(&data)?.value(), call.string(path)?.value()])
            }
            Err(reason) => failed(call, &reason),
        })
    }))
}

/// `object:getsockname()`: returns the path, which may be empty.
fn own_name<'c>(call: &mut Call<'c>, object: Value<'c>) -> Result<Vec<Value<'c>>, Error> {
    call.charge_for_system_call();
    let Some(descriptor) = Unix::socket(object)?.descriptor() else {
        return failed(call, "Bad file descriptor");
    };
    match descriptor.socket().local_addr() {
        Ok(address) => {
            let path = address.as_pathname().map(|path| path.as_os_str().as_encoded_bytes());
            Ok(vec![call.string(path.unwrap_or_default())?.value()])
        }
        Err(error) => failed(call, &message(&error)),
    }
}
