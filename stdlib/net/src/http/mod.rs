//! HTTP: the client, the server, and code that both use.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod client;
mod clients;
pub mod download;
mod redirect;
pub mod server;

use crate::headers;
use solvm_vm::{Call, Error};

/// Creates the metatables.
pub fn finish(call: &mut Call) -> Result<(), Error> {
    headers::finish(call)
}
