//! The error for denied operations. It has the form of the OS's "permission denied", so that
//! programs treat it the same way, and names the action, the object and the option.

use super::Area;
use std::fmt;
use std::io::{self, Write};

/// Maximum number of bytes of an object in a message.
const MAX_SHOWN: usize = 200;

/// The denied action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum Act {
    Read,
    Write,
    Connect,
    Listen,
    Resolve,
    Run,
    SetVariable,
    Inspect,
    Signal,
    Import,
}

impl Act {
    fn verb(self) -> &'static str {
        match self {
            Act::Read => "reading",
            Act::Write => "writing",
            Act::Connect => "connecting to",
            Act::Listen => "listening on port",
            Act::Resolve => "resolving",
            Act::Run => "running",
            Act::SetVariable => "setting variable",
            Act::Inspect => "inspecting",
            Act::Signal => "sending a signal to",
            Act::Import => "importing from",
        }
    }
}

#[derive(Debug)]
pub(super) struct Denial {
    message: String,
}

impl Denial {
    pub(super) fn new(act: Act, object: &str, area: Area, is_denied: bool) -> Denial {
        let (verb, option) = (act.verb(), area.name());
        let object = match object.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("{}...", object.get(..end).unwrap_or_default()),
            None => object.to_string(),
        };
        let how = if is_denied {
            format!("is denied by --deny-{option}")
        } else {
            format!("needs --allow-{option}")
        };
        Denial { message: format!("permission denied: {verb} '{object}' {how}") }
    }

    /// Writes the message to standard error.
    pub(super) fn report(&self) {
        // A failure cannot be reported.
        let _ = writeln!(io::stderr(), "debug: {}", self.message);
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Denial {}

impl From<Denial> for io::Error {
    fn from(denial: Denial) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, denial)
    }
}
