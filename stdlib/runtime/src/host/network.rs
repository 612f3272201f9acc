//! The network for the libraries, which check each use of it here first.
//!
//! **Invariant (THE JUDGED ADDRESS)**: a connection goes to an address that was checked with its
//! port, never to the result of a second look-up. [`addresses`] is the only way from a name to
//! addresses.

use crate::pool::in_pool;
use crate::system_error::{denied, reason};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// The permissions of a program for the network. Operations that are not implemented are denied.
pub trait Network: Send + Sync + 'static {
    /// Whether the program may use the network in this way.
    ///
    /// # Errors
    /// The reason for the denial.
    fn allow(&self, _use: NetworkUse<'_>) -> io::Result<()> {
        Err(denied())
    }
}

/// No network at all.
pub(super) struct NoNetwork;

impl Network for NoNetwork {}

/// A network on which everything is allowed.
pub(super) struct WholeNetwork;

impl Network for WholeNetwork {
    fn allow(&self, _use: NetworkUse<'_>) -> io::Result<()> {
        Ok(())
    }
}

/// A use of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkUse<'a> {
    /// A connection to a host, or a datagram. An HTTP client checks again for each redirect.
    Connect {
        /// The host's name or address as the program passed it.
        host: &'a str,
        /// The port.
        port: u16,
        /// The address of the name. None before it is resolved: the check is then whether any
        /// address of the host could be allowed.
        address: Option<IpAddr>,
    },
    /// Incoming connections or datagrams.
    Listen {
        /// The name or address of an interface; empty for all of them.
        host: &'a str,
        /// The port; 0 for any free one.
        port: u16,
    },
    /// The addresses of a host.
    Resolve {
        /// Its name.
        host: &'a str,
    },
    /// Lua code from a host.
    Import {
        /// Its name or address.
        host: &'a str,
        /// The port.
        port: u16,
        /// As in [`NetworkUse::Connect`].
        address: Option<IpAddr>,
    },
}

/// Time limit of a look-up.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The purpose of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To connect there.
    Connect,
    /// To load code from there.
    Import,
}

impl Purpose {
    fn of(self, host: &str, port: u16, address: Option<IpAddr>) -> NetworkUse<'_> {
        match self {
            Purpose::Connect => NetworkUse::Connect { host, port, address },
            Purpose::Import => NetworkUse::Import { host, port, address },
        }
    }

    /// Checks whether the network allows a host, as far as is possible before its name is resolved.
    pub fn allow(self, network: &dyn Network, host: &str, port: u16) -> Result<(), String> {
        network.allow(self.of(host, port, literal(host))).map_err(|error| reason(&error))
    }
}

/// Parses an address, with or without brackets.
pub fn literal(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    inner.parse().ok()
}

/// Returns the addresses of a host that the program may connect to; at least one, IPv4 first. The
/// error is the reason, with the name.
pub async fn addresses(
    network: &dyn Network,
    purpose: Purpose,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, String> {
    let refused = |reason: String| format!("{host}: {reason}");
    purpose.allow(network, host, port).map_err(refused)?;
    let found = look_up(host, port).await?;
    let mut refusal = String::new();
    let mut allowed = found;
    allowed.retain(|address| match network.allow(purpose.of(host, port, Some(address.ip()))) {
        Ok(()) => true,
        Err(error) => {
            refusal = reason(&error);
            false
        }
    });
    if allowed.is_empty() { Err(refused(refusal)) } else { Ok(allowed) }
}

/// Returns the addresses of a host, IPv4 first; at least one. The error is the reason, with the
/// name.
pub async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    if let Some(address) = literal(host) {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if host.is_empty() || host.contains('\0') {
        return Err(format!("{host}: invalid host name"));
    }
    let found = match tokio::time::timeout(TIMEOUT, query_os(host.into(), port)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(format!("{host}: {}", short_message(&error))),
        Err(_) => return Err(format!("{host}: timed out after {TIMEOUT:?}")),
    };
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses.sort_by_key(SocketAddr::is_ipv6);
    if addresses.is_empty() { Err(format!("{host}: no address")) } else { Ok(addresses) }
}

/// Asks the OS. tokio is not used, since its blocking pool panics if no thread can be started.
async fn query_os(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    in_pool(move || (host, port).to_socket_addrs().map(Iterator::collect)).await.flatten()
}

/// Returns the OS's message, without the additions of the standard library.
fn short_message(error: &io::Error) -> String {
    let text = reason(error);
    match text.strip_prefix("failed to lookup address information: ") {
        Some(rest) => rest.into(),
        None => text,
    }
}

/// Raises the limit of open files, since each connection needs a descriptor.
pub fn allow_many_connections() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum {
            // If this fails, servers accept fewer connections.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
        }
    }
}
