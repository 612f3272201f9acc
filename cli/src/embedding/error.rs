//! Errors of Lua programs that run in Rust programs.

use solvm_stdlib::runtime::uncaught;
use solvm_vm::Traceback;
use solvm_vm::{Call, Value};
use std::fmt;

/// An error of a [`Runtime`](crate::Runtime).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    traceback: String,
}

/// Kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The runtime could not be created.
    Start,
    /// A chunk could not be read.
    Unreadable,
    /// A syntax error.
    Syntax,
    /// Lua code raised an error that nothing caught.
    Raised,
    /// A value is not of the requested type, or does not fit.
    Conversion,
    /// The call exceeded its time limit.
    TimedOut,
    /// Another thread cancelled it.
    Cancelled,
    /// A call that blocks the thread was made inside an async runtime.
    Blocking,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), traceback: String::new() }
    }

    /// The error of a native operation that the host requested.
    pub(super) fn of_native(call: &mut Call, error: solvm_vm::Error) -> Self {
        let message = error.message(call);
        Error::new(ErrorKind::Conversion, String::from_utf8_lossy(&message))
    }

    /// An error that Lua code raised.
    pub(super) fn raised<'c>(call: &mut Call<'c>, value: Value<'c>, traceback: &Traceback) -> Self {
        let message = uncaught::message(call, value);
        Error {
            kind: ErrorKind::Raised,
            message: String::from_utf8_lossy(&message).into_owned(),
            traceback: String::from_utf8_lossy(&uncaught::calls(traceback)).trim_start().into(),
        }
    }

    /// A chunk that could not be read.
    pub fn unreadable(error: &std::io::Error) -> Self {
        Error::new(ErrorKind::Unreadable, solvm_stdlib::system_error::reason(error))
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, with the position in the script if it has one: `script.lua:3: boom`.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The traceback, a line for each call; empty if the error was not raised by Lua code.
    pub fn traceback(&self) -> &str {
        &self.traceback
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
