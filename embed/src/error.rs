//! Why a program that a Rust program runs has failed.

use solvm_stdlib::runtime::uncaught;
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
    /// The call took longer than it may.
    TimedOut,
    /// Another thread cancelled it.
    Cancelled,
    /// A call that blocks the thread was made inside an async runtime.
    Blocking,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), traceback: String::new() }
    }

    /// The error of a native operation that the host requested.
    pub(crate) fn of_native(call: &mut Call, error: solvm_vm::Error) -> Self {
        let message = error.message(call);
        Error::new(ErrorKind::Conversion, String::from_utf8_lossy(&message))
    }

    /// An error that Lua code raised.
    pub(crate) fn raised<'c>(call: &mut Call<'c>, value: Value<'c>, traceback: &[u8]) -> Self {
        let message = uncaught::message(call, value);
        Error {
            kind: ErrorKind::Raised,
            message: String::from_utf8_lossy(&message).into_owned(),
            traceback: String::from_utf8_lossy(uncaught::calls(traceback)).trim_start().into(),
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

    /// The calls that were active when it was raised, a line each; empty if it was not raised by
    /// Lua code.
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
