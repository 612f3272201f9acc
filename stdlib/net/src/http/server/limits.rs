//! Limits of a server: the options of `create_server`.

use solvm_runtime::options::Options;
use solvm_vm::{Call, Error};
use std::time::Duration;

/// The limits of a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Maximum size of a request's body in bytes.
    pub(super) max_body: usize,
    /// Maximum size of a request's line and header fields in bytes.
    pub(super) max_header: usize,
    /// Maximum size of a WebSocket message in bytes.
    pub(super) max_message: usize,
    /// Maximum number of connections; more wait until others end.
    pub(super) max_connections: usize,
    /// Time limit for a request's line and header fields, and for the TLS handshake.
    pub(super) header_timeout: Duration,
    /// Time limit for an idle connection: between requests, within a body, or while the client does
    /// not read.
    pub(super) idle_timeout: Duration,
    /// Time limit until a handler starts its response. None for the default of the command line.
    pub(super) handler_timeout: Option<Duration>,
}

/// The names of the options, including the one that is not a limit.
pub(super) const OPTIONS: [&str; 8] = [
    "handler_timeout",
    "header_timeout",
    "host",
    "idle_timeout",
    "max_body",
    "max_connections",
    "max_header",
    "max_message",
];

/// Time for responses in flight when a server stops, and for a connection to end.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// hyper's minimum.
pub(super) const MIN_HEADER_SIZE: usize = 8192;
/// The maximum of the semaphore for connections.
const MAX_CONNECTIONS: usize = 1 << 28;

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_body: 10 << 20,
            max_header: 64 << 10,
            max_message: 16 << 20,
            max_connections: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            handler_timeout: None,
        }
    }
}

impl Limits {
    /// Reads the limits from the options.
    pub(super) fn read<'c>(call: &mut Call<'c>, options: &Options<'c>) -> Result<Limits, Error> {
        let standard = Limits::default();
        let max_header = options.size(call, "max_header")?.unwrap_or(standard.max_header);
        if max_header < MIN_HEADER_SIZE {
            return Err(
                options.wrong("max_header", &format!("at least {MIN_HEADER_SIZE} expected"))
            );
        }
        let max_connections =
            options.size(call, "max_connections")?.unwrap_or(standard.max_connections);
        if max_connections == 0 {
            return Err(options.wrong("max_connections", "at least 1 expected"));
        }
        Ok(Limits {
            max_body: options.size(call, "max_body")?.unwrap_or(standard.max_body),
            max_header,
            max_message: options.size(call, "max_message")?.unwrap_or(standard.max_message),
            max_connections: max_connections.min(MAX_CONNECTIONS),
            header_timeout: options
                .seconds(call, "header_timeout")?
                .unwrap_or(standard.header_timeout),
            idle_timeout: options.seconds(call, "idle_timeout")?.unwrap_or(standard.idle_timeout),
            handler_timeout: options.seconds(call, "handler_timeout")?,
        })
    }
}
