//! Sockets: TCP, UDP, the names of hosts, and the certificates of both ends.

pub(crate) mod tls;

use std::error::Error as StdError;
use std::io;

/// What went wrong, in the words of the innermost error: those around it say what was being done, which the program knows.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.downcast_ref::<io::Error>() {
        Some(error) => crate::host::reason(error),
        None => innermost.to_string(),
    }
}
