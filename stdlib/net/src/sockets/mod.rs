//! Sockets: TCP, UDP, DNS and TLS certificates.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod dns;
pub(crate) mod peers;
mod read_mode;
pub mod tcp;
pub(crate) mod tls;
pub mod udp;

use peers::Peers;
use solvm_runtime::Host;
use solvm_runtime::host::network::literal;
use solvm_runtime::host::{Network, NetworkUse};
use solvm_runtime::system_error::reason;
use solvm_vm::messages::shorten;
use solvm_vm::{Call, Error, GoroutineId, Value};
use std::cell::RefCell;
use std::collections::HashSet;
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The default time limit for connecting.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The reason after an object was closed by either side.
pub(crate) const CLOSED: &str = "closed";

/// Returns the message of the innermost error: the outer ones describe the operation, which the
/// program knows.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match (innermost.downcast_ref::<io::Error>(), innermost.downcast_ref::<hyper::Error>()) {
        (Some(error), _) => {
            tls_error(error).and_then(tls::reason).map_or_else(|| reason(error), String::from)
        }
        (_, Some(error)) if error.is_parse() => "response is not valid HTTP".into(),
        (_, Some(error)) if error.is_incomplete_message() => {
            "connection closed before the response was complete".into()
        }
        _ => innermost.to_string(),
    }
}

/// Finds an error of TLS inside an I/O error.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| tls_error(inner.downcast_ref()?))
}

/// Returns the network of the program.
pub(crate) fn network(call: &mut Call) -> Result<Arc<dyn Network>, Error> {
    let host = call.host::<Host>().ok_or_else(|| Error::text("network access is not available"))?;
    Ok(host.world.network())
}

/// Checks whether the program may receive connections or datagrams there. The error is the reason.
pub(crate) fn allow_listening(network: &dyn Network, host: &str, port: u16) -> Result<(), String> {
    let allow = |what| network.allow(what).map_err(|error| reason(&error));
    allow(NetworkUse::Listen { host, port })?;
    // Resolving a name reveals it to a name server.
    let is_local = host.is_empty() || host == "localhost" || literal(host).is_some();
    if is_local { Ok(()) } else { allow(NetworkUse::Resolve { host }) }
}

/// Returns the peers of the program's connections.
pub(crate) fn peers(call: &mut Call) -> Peers {
    let program = call.account().clone();
    match call.host::<Host>() {
        Some(host) => {
            let peers = host.state::<Option<Peers>>();
            peers.get_or_insert_with(|| Peers::new(&program)).clone()
        }
        None => Peers::new(&program),
    }
}

/// Converts argument `index` to a port.
pub(crate) fn port(index: usize, number: f64) -> Result<u16, Error> {
    let port = number as u16;
    if f64::from(port) == number {
        return Ok(port);
    }
    Err(Error::argument(index, format!("port from 0 to 65535 expected, got {number}")))
}

/// Returns the results of a failed network operation: nil and the reason.
pub(crate) fn failed<'c>(call: &mut Call<'c>, reason: &str) -> Result<Vec<Value<'c>>, Error> {
    Ok(vec![Value::NIL, call.string(&shorten(reason.as_bytes()))?.value()])
}

/// Returns the results of a send operation: true, or false and the reason.
pub(crate) fn sent<'c>(
    call: &mut Call<'c>,
    result: Result<(), String>,
) -> Result<Vec<Value<'c>>, Error> {
    match result {
        Ok(()) => Ok(vec![Value::boolean(true)]),
        Err(reason) => {
            Ok(vec![Value::boolean(false), call.string(&shorten(reason.as_bytes()))?.value()])
        }
    }
}

/// The goroutines that have seen the end of a stream. One that reads again is ended, so that a loop
/// that never checks for nil does not spin.
#[derive(Default)]
pub(crate) struct EndOfStream(RefCell<HashSet<GoroutineId>>);

impl EndOfStream {
    /// Returns the results for the end of the stream: nil and the reason. Ends a goroutine that has
    /// seen it already.
    pub(crate) fn results<'c>(
        &self,
        call: &mut Call<'c>,
        reason: &str,
    ) -> Result<Vec<Value<'c>>, Error> {
        let is_new = call.goroutine().is_none_or(|id| self.0.borrow_mut().insert(id));
        if is_new { failed(call, reason) } else { Err(Error::end_goroutine()) }
    }
}

/// Waits for a future with a time limit. None after the limit.
pub(crate) async fn within<T>(
    limit: Option<Duration>,
    future: impl Future<Output = T>,
) -> Option<T> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}
