//! The names of hosts: `resolve_dns`, and how the other clients find whom they talk to.

use super::{allow, failed};
use crate::Host;
use crate::host::{NetworkUse, reason};
use crate::io::file::in_pool;
use solvm_vm::native::{Library, Results, asynchronous};
use solvm_vm::{Call, Error, LuaString, Value};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

pub(crate) static LIBRARY: Library = solvm_vm::library!("" {
    "resolve_dns" => resolve_dns,
});

/// How long a question may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// `resolve_dns(name)`: the first address of a host, and a list of all; those of IPv4 first.
fn resolve_dns<'c>(
    call: &mut Call<'c>,
    name: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let name = String::from_utf8_lossy(name.bytes()).into_owned();
    let allowed = allow(call, NetworkUse::Resolve { host: &name });
    Ok(asynchronous::run(|lua| async move {
        let exemption = lua.with(|call| call.host::<Host>().map(|host| host.deadline.exempt()));
        let found = match allowed {
            Ok(()) => addresses(&name, 0).await,
            Err(reason) => Err(format!("{name}: {reason}")),
        };
        drop(exemption);
        lua.finish_with(|call| match found {
            Ok(addresses) => results(call, &addresses),
            Err(reason) => failed(call, &reason),
        })
    }))
}

fn results<'c>(call: &mut Call<'c>, addresses: &[SocketAddr]) -> Result<Vec<Value<'c>>, Error> {
    let all = call.table(addresses.len(), 0)?;
    for (place, address) in (1..).zip(addresses) {
        let text = call.string(address.ip().to_string().as_bytes())?.value();
        all.set_index(call, place, text)?;
    }
    Ok(vec![all.get(1), all.value()])
}

/// The addresses of a host, those of IPv4 first; at least one. The error is the reason, with the
/// name.
pub(crate) async fn addresses(name: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = literal.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = match tokio::time::timeout(TIMEOUT, look_up(name.to_string(), port)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(format!("{name}: {}", in_short(&error))),
        Err(_) => return Err(format!("{name}: timed out after {TIMEOUT:?}")),
    };
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses.sort_by_key(SocketAddr::is_ipv6);
    if addresses.is_empty() { Err(format!("{name}: no address")) } else { Ok(addresses) }
}

/// Asks the operating system. Not by tokio, whose blocking pool panics where no thread can be
/// started.
pub(crate) async fn look_up(name: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    in_pool(move || (name, port).to_socket_addrs().map(Iterator::collect)).await.flatten()
}

/// What the system says, without what the standard library says around it.
fn in_short(error: &std::io::Error) -> String {
    let text = reason(error);
    match text.strip_prefix("failed to lookup address information: ") {
        Some(rest) => rest.into(),
        None => text,
    }
}
