//! Addresses: from hosts and ports to what sockets use, under the program's permissions.
//!
//! **Invariant (THE JUDGED ADDRESS)**: as in `solvm_runtime::host::network`: a socket connects or
//! sends only to an address that was checked with its port.

use super::failure::look_up as look_up_message;
use super::object::Family;
use crate::sockets::allow_listening;
use solvm_runtime::host::Network;
use solvm_runtime::host::network::{Purpose, addresses, literal, look_up};
use solvm_runtime::name::Name;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a family has no address for.
const NO_ADDRESS: &str = "Address family for hostname not supported";

impl Family {
    fn has(self, address: &SocketAddr) -> bool {
        match self {
            Family::Unspecified => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }

    pub(super) fn of(address: &SocketAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

/// Converts a port. Names of services are not looked up.
pub(super) fn port(text: Name<'_>) -> Result<u16, String> {
    let text = std::str::from_utf8(text.bytes()).unwrap_or_default();
    text.parse().map_err(|_| "service not supported for socket type".into())
}

/// Converts a host.
pub(super) fn host(text: Name<'_>) -> String {
    String::from_utf8_lossy(text.bytes()).into_owned()
}

fn of_family(found: Vec<SocketAddr>, family: Family) -> Result<Vec<SocketAddr>, String> {
    let found: Vec<SocketAddr> = found.into_iter().filter(|address| family.has(address)).collect();
    if found.is_empty() { Err(NO_ADDRESS.into()) } else { Ok(found) }
}

/// Returns the addresses that the program may connect to; at least one.
pub(super) async fn to_connect(
    network: &dyn Network,
    host: &str,
    port: u16,
    family: Family,
) -> Result<Vec<SocketAddr>, String> {
    let found = addresses(network, Purpose::Connect, host, port).await;
    of_family(found.map_err(|text| look_up_message(host, &text))?, family)
}

/// Returns an address that is written as a number, if the program may send to it.
pub(super) fn to_send(
    network: &dyn Network,
    host: &str,
    port: u16,
    family: Family,
) -> Result<SocketAddr, String> {
    let ip = literal(host).ok_or("Name or service not known")?;
    let address = SocketAddr::new(ip, port);
    if !family.has(&address) {
        return Err(NO_ADDRESS.into());
    }
    Purpose::Connect.allow(network, host, port)?;
    Ok(address)
}

/// Returns the addresses of an interface, `*` for all of them, that the program may listen on.
pub(super) async fn to_bind(
    network: &dyn Network,
    host: &str,
    port: u16,
    family: Family,
) -> Result<Vec<SocketAddr>, String> {
    let is_any = host == "*";
    let name = if is_any { "" } else { host };
    allow_listening(network, name, port)?;
    let found = if is_any {
        vec![(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()]
    } else {
        look_up(host, port).await.map_err(|text| look_up_message(host, &text))?
    };
    of_family(found, family)
}
