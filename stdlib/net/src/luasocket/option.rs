//! `setoption` and `getoption`: options of sockets by LuaSocket's names.

use super::failure::failed;
use super::object::{Inner, Protocol};
use rustix::net::sockopt;
use socket2::Socket;
use solvm_runtime::host::NetworkUse;
use solvm_runtime::name::Name;
use solvm_runtime::system_error::reason;
use solvm_vm::native::FromLua;
use solvm_vm::{Call, Error, LuaString, Table, Value};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

const TCP: &[Protocol] = &[Protocol::Tcp];
const UDP: &[Protocol] = &[Protocol::Udp];
const INET: &[Protocol] = &[Protocol::Tcp, Protocol::Udp];
const STREAM: &[Protocol] = &[Protocol::Tcp, Protocol::UnixStream];
const ALL: &[Protocol] =
    &[Protocol::Tcp, Protocol::Udp, Protocol::UnixStream, Protocol::UnixDatagram];

/// How an option is set and read.
#[derive(Clone, Copy)]
enum Access {
    Boolean(fn(&Socket, bool) -> io::Result<()>, Option<fn(&Socket) -> io::Result<bool>>),
    Number(fn(&Socket, u32) -> io::Result<()>, Option<fn(&Socket) -> io::Result<u32>>),
    Linger,
    Error,
    Interface,
    Membership4(fn(&Socket, &Ipv4Addr, &Ipv4Addr) -> io::Result<()>),
    Membership6(fn(&Socket, &Ipv6Addr, u32) -> io::Result<()>),
}

struct Entry {
    name: &'static str,
    of: &'static [Protocol],
    access: Access,
}

const fn entry(name: &'static str, of: &'static [Protocol], access: Access) -> Entry {
    Entry { name, of, access }
}

fn to_usize(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn seconds(value: u32) -> Duration {
    Duration::from_secs(value.into())
}

static OPTIONS: &[Entry] = &[
    entry("broadcast", UDP, Access::Boolean(|s, on| s.set_broadcast(on), Some(|s| s.broadcast()))),
    entry("error", INET, Access::Error),
    entry(
        "ip-add-membership",
        UDP,
        Access::Membership4(|s, group, at| s.join_multicast_v4(group, at)),
    ),
    entry(
        "ip-drop-membership",
        UDP,
        Access::Membership4(|s, group, at| s.leave_multicast_v4(group, at)),
    ),
    entry("ip-multicast-if", UDP, Access::Interface),
    entry(
        "ip-multicast-loop",
        UDP,
        Access::Boolean(|s, on| s.set_multicast_loop_v4(on), Some(|s| s.multicast_loop_v4())),
    ),
    entry("ip-multicast-ttl", UDP, Access::Number(|s, ttl| s.set_multicast_ttl_v4(ttl), None)),
    entry(
        "ipv6-add-membership",
        UDP,
        Access::Membership6(|s, group, at| s.join_multicast_v6(group, at)),
    ),
    entry(
        "ipv6-drop-membership",
        UDP,
        Access::Membership6(|s, group, at| s.leave_multicast_v6(group, at)),
    ),
    entry(
        "ipv6-multicast-hops",
        UDP,
        Access::Number(|s, n| s.set_multicast_hops_v6(n), Some(|s| s.multicast_hops_v6())),
    ),
    entry(
        "ipv6-multicast-loop",
        UDP,
        Access::Boolean(|s, on| s.set_multicast_loop_v6(on), Some(|s| s.multicast_loop_v6())),
    ),
    entry(
        "ipv6-unicast-hops",
        UDP,
        Access::Number(|s, n| s.set_unicast_hops_v6(n), Some(|s| s.unicast_hops_v6())),
    ),
    entry("ipv6-v6only", INET, Access::Boolean(|s, on| s.set_only_v6(on), Some(|s| s.only_v6()))),
    entry(
        "keepalive",
        STREAM,
        Access::Boolean(|s, on| s.set_keepalive(on), Some(|s| s.keepalive())),
    ),
    entry("linger", STREAM, Access::Linger),
    entry(
        "recv-buffer-size",
        INET,
        Access::Number(
            |s, size| s.set_recv_buffer_size(to_usize(size)),
            Some(|s| s.recv_buffer_size().map(to_u32)),
        ),
    ),
    entry(
        "reuseaddr",
        ALL,
        Access::Boolean(|s, on| s.set_reuse_address(on), Some(|s| s.reuse_address())),
    ),
    entry("reuseport", INET, Access::Boolean(set_reuse_port, Some(reuse_port))),
    entry(
        "send-buffer-size",
        INET,
        Access::Number(
            |s, size| s.set_send_buffer_size(to_usize(size)),
            Some(|s| s.send_buffer_size().map(to_u32)),
        ),
    ),
    entry(
        "tcp-keepidle",
        TCP,
        Access::Number(|s, time| Ok(sockopt::set_tcp_keepidle(s, seconds(time))?), Some(keep_idle)),
    ),
    entry(
        "tcp-keepintvl",
        TCP,
        Access::Number(
            |s, time| Ok(sockopt::set_tcp_keepintvl(s, seconds(time))?),
            Some(keep_interval),
        ),
    ),
    entry(
        "tcp-keepcnt",
        TCP,
        Access::Number(|s, count| Ok(sockopt::set_tcp_keepcnt(s, count)?), Some(keep_count)),
    ),
    entry(
        "tcp-nodelay",
        TCP,
        Access::Boolean(|s, on| s.set_tcp_nodelay(on), Some(|s| s.tcp_nodelay())),
    ),
];

fn set_reuse_port(socket: &Socket, on: bool) -> io::Result<()> {
    Ok(sockopt::set_socket_reuseport(socket, on)?)
}

fn reuse_port(socket: &Socket) -> io::Result<bool> {
    Ok(sockopt::socket_reuseport(socket)?)
}

fn keep_idle(socket: &Socket) -> io::Result<u32> {
    Ok(to_u32(sockopt::tcp_keepidle(socket)?.as_secs() as usize))
}

fn keep_interval(socket: &Socket) -> io::Result<u32> {
    Ok(to_u32(sockopt::tcp_keepintvl(socket)?.as_secs() as usize))
}

fn keep_count(socket: &Socket) -> io::Result<u32> {
    Ok(sockopt::tcp_keepcnt(socket)?)
}

/// Finds an option of this kind of socket.
fn find(inner: &Inner, name: Name<'_>) -> Result<&'static Entry, Error> {
    /// How much of an unknown name is quoted.
    const MAX_SHOWN: usize = 35;
    let of_kind = |option: &&Entry| {
        option.name.as_bytes() == name.bytes() && option.of.contains(&inner.protocol)
    };
    OPTIONS.iter().find(of_kind).ok_or_else(|| {
        let shown = name.bytes().get(..MAX_SHOWN).unwrap_or(name.bytes());
        Error::argument(2, [b"unsupported option `", shown, b"'"].concat())
    })
}

fn expected(value: Value<'_>, what: &str) -> Error {
    Error::argument(3, format!("{what} expected, got {}", value.type_name()))
}

/// `setoption(name, value)`: returns 1, or nil and the reason.
pub(super) fn set<'c>(
    call: &mut Call<'c>,
    inner: &Inner,
    name: Name<'c>,
    value: Value<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let option = find(inner, name)?;
    call.charge_for_system_call();
    let descriptor = inner.descriptor();
    let socket = descriptor.as_ref().map(|descriptor| descriptor.socket());
    let with = |set: &dyn Fn(&Socket) -> io::Result<()>| match socket {
        Some(socket) => set(socket),
        None => Err(io::ErrorKind::NotConnected.into()),
    };
    let result = match option.access {
        Access::Boolean(set, _) => {
            let on = value.as_boolean().ok_or_else(|| expected(value, "boolean"))?;
            with(&|socket| set(socket, on))
        }
        Access::Number(set, _) => {
            let number = value.to_number().unwrap_or(0.0) as u32;
            with(&|socket| set(socket, number))
        }
        Access::Linger => {
            let linger = linger(call, value)?;
            with(&|socket| socket.set_linger(linger))
        }
        Access::Interface => {
            let text = Name::from_lua(call, value).ok_or_else(|| expected(value, "string"))?;
            let interface = ip4(text.bytes()).ok_or_else(|| Error::argument(3, "ip expected"))?;
            with(&|socket| socket.set_multicast_if_v4(&interface))
        }
        Access::Membership4(change) => {
            let (group, interface) = membership4(call, value)?;
            if let Err(error) = may_join(call, &group.to_string())? {
                return failed(call, &reason(&error));
            }
            with(&|socket| change(socket, &group, &interface))
        }
        Access::Membership6(change) => {
            let (group, interface) = membership6(call, value)?;
            if let Err(error) = may_join(call, &group.to_string())? {
                return failed(call, &reason(&error));
            }
            with(&|socket| change(socket, &group, interface))
        }
        Access::Error => {
            return Err(Error::argument(2, format!("unsupported option `{}'", option.name)));
        }
    };
    match result {
        Ok(()) => Ok(vec![Value::number(1.0)]),
        Err(_) => failed(call, "setsockopt failed"),
    }
}

/// `getoption(name)`: returns the value, or nil and the reason.
pub(super) fn get<'c>(
    call: &mut Call<'c>,
    inner: &Inner,
    name: Name<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let option = find(inner, name)?;
    call.charge_for_system_call();
    let descriptor = inner.descriptor();
    let Some(descriptor) = descriptor.as_ref() else {
        return failed(call, "getsockopt failed");
    };
    let socket = descriptor.socket();
    let unsupported = || Err(Error::argument(2, format!("unsupported option `{}'", option.name)));
    let value = match option.access {
        Access::Boolean(_, Some(get)) => get(socket).map(Value::boolean),
        Access::Number(_, Some(get)) => get(socket).map(|x| Value::number(f64::from(x))),
        Access::Linger => match socket.linger() {
            Ok(linger) => {
                let table = call.table(0, 2)?;
                table.set_field(call, "on", linger.is_some())?;
                let timeout = linger.unwrap_or_default().as_secs() as f64;
                table.set_field(call, "timeout", timeout)?;
                Ok(table.value())
            }
            Err(error) => Err(error),
        },
        Access::Error => match socket.take_error() {
            Ok(None) => Ok(Value::NIL),
            Ok(Some(error)) => Ok(call.string(super::failure::message(&error).as_bytes())?.value()),
            Err(error) => Err(error),
        },
        Access::Interface => match socket.multicast_if_v4() {
            Ok(interface) => Ok(call.string(interface.to_string().as_bytes())?.value()),
            Err(error) => Err(error),
        },
        _ => return unsupported(),
    };
    match value {
        Ok(value) => Ok(vec![value]),
        Err(_) => failed(call, "getsockopt failed"),
    }
}

/// The address in a text; `*` is any.
fn ip4(text: &[u8]) -> Option<Ipv4Addr> {
    if text == b"*" {
        return Some(Ipv4Addr::UNSPECIFIED);
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn field<'c>(call: &mut Call<'c>, value: Value<'c>, name: &str) -> Result<Value<'c>, Error> {
    let Some(table) = Table::from_value(value) else { return Err(expected(value, "table")) };
    let key = call.string(name.as_bytes())?;
    Ok(table.get(key))
}

fn linger<'c>(call: &mut Call<'c>, value: Value<'c>) -> Result<Option<Duration>, Error> {
    let on = field(call, value, "on")?.as_boolean();
    let on = on.ok_or_else(|| Error::argument(3, "boolean 'on' field expected"))?;
    let timeout = field(call, value, "timeout")?.to_number();
    let timeout = timeout.ok_or_else(|| Error::argument(3, "number 'timeout' field expected"))?;
    Ok(on.then(|| Duration::from_secs((timeout as u16).into())))
}

/// The bytes of a field that is a string.
fn text<'c>(call: &mut Call<'c>, value: Value<'c>, name: &str) -> Result<&'c [u8], Error> {
    let value = field(call, value, name)?;
    match LuaString::from_value(value).map(Name::check) {
        Some(Ok(text)) => Ok(text.bytes()),
        _ => Err(Error::argument(3, format!("string '{name}' field expected"))),
    }
}

fn membership4<'c>(call: &mut Call<'c>, value: Value<'c>) -> Result<(Ipv4Addr, Ipv4Addr), Error> {
    let invalid = |name: &str| Error::argument(3, format!("invalid '{name}' ip address"));
    let group = text(call, value, "multiaddr")?;
    let group = ip4(group).ok_or_else(|| invalid("multiaddr"))?;
    let interface = text(call, value, "interface")?;
    Ok((group, ip4(interface).ok_or_else(|| invalid("interface"))?))
}

fn membership6<'c>(call: &mut Call<'c>, value: Value<'c>) -> Result<(Ipv6Addr, u32), Error> {
    let group = text(call, value, "multiaddr")?;
    let group = std::str::from_utf8(group).ok().and_then(|text| text.parse().ok());
    let group = group.ok_or_else(|| Error::argument(3, "invalid 'multiaddr' ip address"))?;
    let interface = field(call, value, "interface")?;
    if interface.is_nil() {
        return Ok((group, 0));
    }
    let interface = interface.to_number();
    let interface =
        interface.ok_or_else(|| Error::argument(3, "number 'interface' field expected"))?;
    Ok((group, interface as u32))
}

/// Whether the program may receive what is sent to a group: as if it listened at its address.
fn may_join(call: &mut Call, group: &str) -> Result<io::Result<()>, Error> {
    let network = crate::sockets::network(call)?;
    Ok(network.allow(NetworkUse::Listen { host: group, port: 0 }))
}
