//! `socket.dns`: look-ups of hosts.

use super::failure::{failed, look_up as message};
use crate::sockets::network;
use solvm_runtime::host::NetworkUse;
use solvm_runtime::host::network::look_up;
use solvm_runtime::name::Name;
use solvm_runtime::system_error::reason;
use solvm_vm::native::asynchronous;
use solvm_vm::native::{Library, Results};
use solvm_vm::{Call, Error, Table, Value};
use std::net::{IpAddr, SocketAddr};

/// The functions of the table `dns` of `socket`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "socket.dns" {
    "getaddrinfo" => address_info,
    "gethostname" => host_name,
    "getnameinfo" => name_info,
    "tohostname" => to_host_name,
    "toip" => to_ip,
});

/// Looks a host up; `convert` makes the results.
fn with_addresses<'c, C>(
    call: &mut Call<'c>,
    host: Name<'c>,
    convert: C,
) -> Result<impl Results<'c> + use<'c, C>, Error>
where
    C: for<'a> FnOnce(&mut Call<'a>, &str, &[SocketAddr]) -> Result<Vec<Value<'a>>, Error>
        + 'static,
{
    let host = String::from_utf8_lossy(host.bytes()).into_owned();
    let network = network(call)?;
    Ok(asynchronous::run(move |lua| async move {
        let pause = lua.with(|call| {
            call.host::<solvm_runtime::Host>().map(|host| host.deadline.pause_timeout())
        });
        let found = match network.allow(NetworkUse::Resolve { host: &host }) {
            Ok(()) => look_up(&host, 0).await.map_err(|text| message(&host, &text)),
            Err(error) => Err(reason(&error)),
        };
        drop(pause);
        lua.finish_with(|call| match found {
            Ok(found) => convert(call, &host, &found),
            Err(reason) => failed(call, &reason),
        })
    }))
}

/// What is known about a host: its name, no aliases, and its addresses of version 4.
fn resolved<'c>(call: &mut Call<'c>, host: &str, found: &[IpAddr]) -> Result<Table<'c>, Error> {
    let info = call.table(0, 3)?;
    info.set_field(call, "name", host)?;
    let aliases = call.table(0, 0)?;
    info.set_field(call, "alias", aliases)?;
    let addresses = call.table(found.len(), 0)?;
    for (place, address) in (1usize..).zip(found) {
        let address = call.string(address.to_string().as_bytes())?.value();
        addresses.set_index(call, place, address)?;
    }
    info.set_field(call, "ip", addresses)?;
    Ok(info)
}

fn version4(found: &[SocketAddr]) -> Vec<IpAddr> {
    found.iter().map(SocketAddr::ip).filter(IpAddr::is_ipv4).collect()
}

/// `toip(host)`: returns the first address, and a table with all that is known.
fn to_ip<'c>(call: &mut Call<'c>, host: Name<'c>) -> Result<impl Results<'c> + use<'c>, Error> {
    with_addresses(call, host, |call, host, found| {
        let found = version4(found);
        let Some(first) = found.first() else { return failed(call, "host not found") };
        let first = call.string(first.to_string().as_bytes())?.value();
        Ok(vec![first, resolved(call, host, &found)?.value()])
    })
}

/// `tohostname(host)`: returns the name, and a table with all that is known. Names of addresses are
/// not looked up: that of an address is the address.
fn to_host_name<'c>(
    call: &mut Call<'c>,
    host: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    with_addresses(call, host, |call, host, found| {
        let found = version4(found);
        if found.is_empty() {
            return failed(call, "host not found");
        }
        let name = call.string(host.as_bytes())?.value();
        Ok(vec![name, resolved(call, host, &found)?.value()])
    })
}

/// `getaddrinfo(host)`: returns a list of tables with `family` and `addr`.
fn address_info<'c>(
    call: &mut Call<'c>,
    host: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    with_addresses(call, host, |call, _, found| {
        let list = call.table(found.len(), 0)?;
        for (place, address) in (1usize..).zip(found) {
            let entry = call.table(0, 2)?;
            entry.set_field(call, "family", if address.is_ipv4() { "inet" } else { "inet6" })?;
            entry.set_field(call, "addr", address.ip().to_string())?;
            list.set_index(call, place, entry.value())?;
        }
        Ok(vec![list.value()])
    })
}

/// `getnameinfo([host[, service]])`: returns a list of names, and the service. Names of addresses
/// are not looked up.
fn name_info<'c>(
    call: &mut Call<'c>,
    host: Option<Name<'c>>,
    service: Option<Name<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    if host.is_none() && service.is_none() {
        return Err(Error::text("host and serv cannot be both nil"));
    }
    let has_host = host.is_some();
    let service = service.map(|service| service.bytes().to_vec());
    let name = match host {
        Some(host) => host,
        None => Name::check(call.string(b"127.0.0.1")?).map_err(Error::text)?,
    };
    with_addresses(call, name, move |call, host, found| {
        let list = call.table(found.len(), 0)?;
        let count = if has_host { found.len() } else { 0 };
        for place in 1..=count {
            let name = call.string(host.as_bytes())?.value();
            list.set_index(call, place, name)?;
        }
        let mut results = vec![list.value()];
        if let Some(service) = service {
            results.push(call.string(&service)?.value());
        }
        Ok(results)
    })
}

/// `gethostname()`: returns the name of the host that the program runs on.
fn host_name<'c>(call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
    call.charge_for_system_call();
    let network = network(call)?;
    // A denial must not give the name.
    match network.allow(NetworkUse::Resolve { host: "localhost" }) {
        Ok(()) => {
            let system = rustix::system::uname();
            Ok(vec![call.string(system.nodename().to_bytes())?.value()])
        }
        Err(error) => failed(call, &reason(&error)),
    }
}
