//! TCP objects: `tcp{master}`, `tcp{client}` and `tcp{server}`.

use super::address::{host, port};
use super::choice;
use super::connecting::{Place, accept as accept_from};
use super::descriptor::adopt;
use super::failure::{CLOSED, done, failed, message};
use super::methods::{self, Kind, Streaming};
use super::object::{Family, Inner, Protocol, Role, any, become_role, new, of, to_string};
use crate::sockets::allow_listening;
use solvm_runtime::name::Name;
use solvm_vm::native::asynchronous::{self, Slot};
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, Userdata, Value};
use std::net::SocketAddr;
use std::rc::Rc;

/// The methods of all classes.
pub(super) static METHODS: Library = solvm_vm::library!(lazy "" {
    "__tostring" => to_string,
    "accept" => accept,
    "bind" => bind,
    "close" => methods::close::<Tcp>,
    "connect" => connect,
    "dirty" => methods::dirty::<Tcp>,
    "getfamily" => methods::family::<Tcp>,
    "getfd" => methods::number::<Tcp>,
    "getoption" => methods::get_option::<Tcp>,
    "getpeername" => peer_name,
    "getsockname" => own_name,
    "getstats" => methods::stats::<Tcp>,
    "gettimeout" => methods::timeout::<Tcp>,
    "listen" => listen,
    "receive" => methods::receive::<Tcp>,
    "send" => methods::send::<Tcp>,
    "setfd" => methods::set_number::<Tcp>,
    "setoption" => methods::set_option::<Tcp>,
    "setpeername" => same_as "connect",
    "setsockname" => same_as "bind",
    "setstats" => methods::set_stats::<Tcp>,
    "settimeout" => methods::set_timeout::<Tcp>,
    "shutdown" => methods::shutdown::<Tcp>,
});

/// The number of connections that wait to be accepted, by default.
const BACKLOG: f64 = 32.0;

/// TCP objects.
struct Tcp;

impl Kind for Tcp {
    fn socket<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
        any(object, Protocol::Tcp)
    }
}

impl Streaming for Tcp {
    fn client<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
        of(object, Protocol::Tcp, Role::Client)
    }
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
        let inner = lua.get(object, |_, value| Tcp::client(value).cloned())?;
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
    let inner = Tcp::socket(object)?.clone();
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

fn peer_name<'c>(call: &mut Call<'c>, object: Value<'c>) -> Result<Vec<Value<'c>>, Error> {
    name_of_peer(call, Tcp::socket(object)?)
}

fn own_name<'c>(call: &mut Call<'c>, object: Value<'c>) -> Result<Vec<Value<'c>>, Error> {
    name_of_socket(call, Tcp::socket(object)?)
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
