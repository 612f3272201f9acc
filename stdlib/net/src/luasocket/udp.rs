//! UDP objects: `udp{unconnected}` and `udp{connected}`.

use super::address::{host, port, to_send};
use super::connecting::Place;
use super::descriptor::Descriptor;
use super::failure::{CLOSED, TIMEOUT, done, failed, message};
use super::methods::{self, Kind};
use super::object::{
    Family, Inner, Protocol, Role, any, become_role, new, of, to_string, uninterrupted,
};
use super::tcp::{bind_to, name_of_peer, name_of_socket, opened};
use super::timeout::Timer;
use crate::sockets::network;
use rustix::net::{RecvFlags, SocketAddrAny, connect_unspec, recvfrom};
use solvm_runtime::name::Name;
use solvm_vm::native::asynchronous::{self, Slot};
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, LuaString, Value};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::io::Interest;

/// The methods of both classes.
pub(super) static METHODS: Library = solvm_vm::library!(lazy "" {
    "__tostring" => to_string,
    "close" => methods::close::<Udp>,
    "dirty" => methods::dirty::<Udp>,
    "getfamily" => methods::family::<Udp>,
    "getfd" => methods::number::<Udp>,
    "getoption" => methods::get_option::<Udp>,
    "getpeername" => peer_name,
    "getsockname" => own_name,
    "gettimeout" => methods::timeout::<Udp>,
    "receive" => receive,
    "receivefrom" => receive_from,
    "send" => send,
    "sendto" => send_to,
    "setfd" => methods::set_number::<Udp>,
    "setoption" => methods::set_option::<Udp>,
    "setpeername" => set_peer_name,
    "setsockname" => set_own_name,
    "settimeout" => methods::set_timeout::<Udp>,
});

/// The size of a receive, by default.
pub(super) const DATAGRAM: usize = 8192;
/// Maximum size of a datagram.
const MAX_DATAGRAM: usize = 1 << 16;

/// UDP objects.
struct Udp;

impl Kind for Udp {
    fn socket<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
        any(object, Protocol::Udp)
    }
}

fn unconnected<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
    of(object, Protocol::Udp, Role::Unconnected)
}

fn connected<'c>(object: Value<'c>) -> Result<&'c Rc<Inner>, Error> {
    of(object, Protocol::Udp, Role::Connected)
}

/// Creates an unconnected object.
pub(super) fn create<'c>(call: &mut Call<'c>, family: Family) -> Result<Vec<Value<'c>>, Error> {
    let object = new(call, Protocol::Udp, Role::Unconnected, &METHODS, family, None)?;
    opened(call, object, family)
}

/// A message for datagrams: their sockets are not closed by the peer, but refused.
fn datagram_message(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::BrokenPipe => "refused".into(),
        _ => message(error),
    }
}

/// Tries an operation until it does not block.
async fn try_until_ready<T>(
    descriptor: Option<Rc<Descriptor>>,
    timer: Timer,
    interest: Interest,
    mut operation: impl FnMut(&Descriptor) -> io::Result<T>,
) -> Result<T, String> {
    let Some(descriptor) = descriptor else { return Err(CLOSED.into()) };
    loop {
        match uninterrupted(|| operation(&descriptor)) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result.map_err(|error| datagram_message(&error)),
        }
        let ready = timer.wait(descriptor.ready(interest));
        match descriptor.closing.run_until_cancelled(ready).await {
            None => return Err(CLOSED.into()),
            Some(None) => return Err(TIMEOUT.into()),
            Some(Some(Err(error))) => return Err(message(&error)),
            Some(Some(Ok(()))) => {}
        }
    }
}

/// The buffer for a datagram of at most `size` bytes. It is small, and not accounted for.
pub(super) fn room(size: Option<f64>) -> Vec<u8> {
    vec![0; size.map_or(DATAGRAM, |size| size as usize).min(MAX_DATAGRAM)]
}

/// Receives a datagram, and its source.
pub(super) async fn receive_datagram(
    inner: &Inner,
    size: Option<f64>,
) -> Result<(Vec<u8>, Option<SocketAddrAny>), String> {
    let timer = inner.timeout.get().start();
    let mut room = room(size);
    let received = try_until_ready(inner.descriptor(), timer, Interest::READABLE, |descriptor| {
        Ok(recvfrom(descriptor.socket(), &mut room[..], RecvFlags::empty())?)
    });
    let (count, _, from) = received.await?;
    room.truncate(count);
    Ok((room, from))
}

/// Sends the second argument of the running native.
pub(super) async fn send_datagram(
    lua: &asynchronous::Lua,
    inner: &Inner,
    to: Option<&socket2::SockAddr>,
) -> Result<usize, String> {
    let timer = inner.timeout.get().start();
    try_until_ready(inner.descriptor(), timer, Interest::WRITABLE, |descriptor| {
        lua.get(Slot::argument(1), |call, value| {
            let data = LuaString::from_value(value).map_or(&b""[..], LuaString::bytes);
            // More is refused by the OS.
            call.charge_bytes(data.len().min(MAX_DATAGRAM));
            match to {
                Some(to) => descriptor.socket().send_to(data, to),
                None => descriptor.socket().send(data),
            }
        })
    })
    .await
}

/// The results of a send: the number of bytes, or nil and the reason.
pub(super) fn sent<'c>(
    call: &mut Call<'c>,
    result: Result<usize, String>,
) -> Result<Vec<Value<'c>>, Error> {
    match result {
        Ok(count) => Ok(vec![Value::number(count as f64)]),
        Err(reason) => failed(call, &reason),
    }
}

/// `connected:send(data)`
fn send<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = connected(object)?.clone();
    call.set_argument(1, data.value());
    Ok(asynchronous::run(move |lua| async move {
        let result = send_datagram(&lua, &inner, None).await;
        lua.finish_with(|call| sent(call, result))
    }))
}

/// `unconnected:sendto(data, address, port)`; the address is a number.
fn send_to<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    data: LuaString<'c>,
    address: Name<'c>,
    number: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = unconnected(object)?.clone();
    call.set_argument(1, data.value());
    let network = network(call)?;
    let target = port(number)
        .and_then(|port| to_send(&*network, &host(address), port, inner.family.get()))
        .and_then(|target: SocketAddr| {
            let family = Family::of(&target);
            inner.open(call, family.domain())?;
            inner.family.set(family);
            Ok(socket2::SockAddr::from(target))
        });
    Ok(asynchronous::run(move |lua| async move {
        let result = match &target {
            Ok(target) => send_datagram(&lua, &inner, Some(target)).await,
            Err(reason) => Err(reason.clone()),
        };
        lua.finish_with(|call| sent(call, result))
    }))
}

/// `object:receive([size])`
fn receive<'c>(
    _: &mut Call<'c>,
    object: Value<'c>,
    size: Option<f64>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = Udp::socket(object)?.clone();
    Ok(asynchronous::run(move |lua| async move {
        let _pause = lua.with(|call| inner.timeout.get().start().pause(call));
        let result = receive_datagram(&inner, size).await;
        lua.finish_with(|call| match result {
            Ok((data, _)) => Ok(vec![call.string(&data)?.value()]),
            Err(reason) => failed(call, &reason),
        })
    }))
}

/// `unconnected:receivefrom([size])`: returns the data, the source's address and port.
fn receive_from<'c>(
    _: &mut Call<'c>,
    object: Value<'c>,
    size: Option<f64>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = unconnected(object)?.clone();
    Ok(asynchronous::run(move |lua| async move {
        let _pause = lua.with(|call| inner.timeout.get().start().pause(call));
        let result = receive_datagram(&inner, size).await;
        lua.finish_with(|call| match result {
            Ok((data, from)) => {
                let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                let data = call.string(&data)?.value();
                let Some(from) = from else { return Ok(vec![data]) };
                let address = call.string(from.ip().to_string().as_bytes())?.value();
                Ok(vec![data, address, Value::number(f64::from(from.port()))])
            }
            Err(reason) => failed(call, &reason),
        })
    }))
}

/// `object:setpeername(address, port)`: connects it; `"*"` disconnects it.
fn set_peer_name<'c>(
    _: &mut Call<'c>,
    object: Value<'c>,
    address: Name<'c>,
    number: Option<Name<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = Udp::socket(object)?.clone();
    let connects = address.bytes() != b"*";
    let place = match (number, connects) {
        (Some(number), true) => port(number).map(|port| Some(Place { host: host(address), port })),
        (None, true) => return Err(Error::argument(3, "string expected, got no value")),
        (_, false) => Ok(None),
    };
    Ok(asynchronous::run(move |lua| async move {
        let _pause = lua.with(|call| inner.timeout.get().start().pause(call));
        let result = match &place {
            Ok(Some(place)) => inner.connect(&lua, place).await,
            Ok(None) => {
                if let Some(descriptor) = inner.descriptor() {
                    // As in LuaSocket, a failure is ignored.
                    let _ = connect_unspec(descriptor.socket());
                }
                Ok(())
            }
            Err(reason) => Err(reason.clone()),
        };
        lua.finish_with(|call| {
            if result.is_ok() {
                let object = Slot::argument(0).get(call);
                let role = if connects { Role::Connected } else { Role::Unconnected };
                become_role(call, object, role)?;
            }
            done(call, result)
        })
    }))
}

/// `unconnected:setsockname(address, port)`
fn set_own_name<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    address: Name<'c>,
    number: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = unconnected(object)?.clone();
    bind_to(call, inner, address, number)
}

fn peer_name<'c>(call: &mut Call<'c>, object: Value<'c>) -> Result<Vec<Value<'c>>, Error> {
    name_of_peer(call, connected(object)?)
}

fn own_name<'c>(call: &mut Call<'c>, object: Value<'c>) -> Result<Vec<Value<'c>>, Error> {
    name_of_socket(call, Udp::socket(object)?)
}
