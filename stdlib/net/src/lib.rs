//! SolVM's network: sockets and DNS, HTTP servers and clients, WebSockets, file transfers.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod ft;
pub mod headers;
pub mod http;
#[cfg(unix)]
pub mod luasocket;
pub mod sockets;
pub mod websocket;
