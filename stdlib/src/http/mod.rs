//! HTTP: what client and server share, and both of them.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub(crate) mod client;
mod redirect;
pub(crate) mod server;

use crate::headers;
use solvm_vm::{Call, Error};

/// Makes the metatables.
pub(crate) fn finish(call: &mut Call) -> Result<(), Error> {
    headers::finish(call)
}
