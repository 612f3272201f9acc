//! Why a program that a Rust program runs has failed.
//!
//! An error can be sent to other threads: the Lua value in it is a handle, which is used where its
//! runtime is.

use crate::handles::{ForeignHandle, Value};
use solvm_runtime::system_error::reason;
use solvm_runtime::uncaught;
use solvm_vm::native::{FromLua, Mismatch};
use solvm_vm::{Call, Traceback};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// An error of a [`Runtime`](crate::Runtime).
///
/// ```
/// use solvm::{Call, Context, Runtime, Value};
/// use std::num::ParseIntError;
///
/// let mut lua = Runtime::new()?;
/// lua.register("parse", |_: &mut Call, text: String| text.parse::<u8>())?;
/// let error = lua.run("parse('x')").context("configuration").unwrap_err();
/// assert_eq!(error.to_string(), "configuration: chunk:1: invalid digit found in string");
/// assert!(error.downcast_ref::<ParseIntError>().is_some());
///
/// let error = lua.run("error({ code = 42 })").unwrap_err();
/// let Some(Value::Table(table)) = error.value() else { panic!("an error of a table") };
/// assert_eq!(table.get::<u32>(&mut lua, "code")?, 42);
/// # Ok::<(), solvm::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Error(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: ErrorKind,
    message: String,
    /// As text, and as it was.
    traceback: String,
    calls: Traceback,
    /// What was being done, the innermost first.
    contexts: Vec<String>,
    value: Option<Value>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
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
    /// A value belongs to another runtime.
    ForeignHandle,
    /// The call took longer than it may.
    TimedOut,
    /// Another thread cancelled it.
    Cancelled,
    /// A call that blocks the thread was made inside an async runtime.
    Blocking,
    /// A native function panicked, in this call or an earlier one: the runtime runs nothing any
    /// more.
    Panic,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Parts {
            kind,
            message: message.into(),
            traceback: String::new(),
            calls: Traceback::default(),
            contexts: Vec::new(),
            value: None,
            source: None,
        }))
    }

    /// The error of a native operation that the host requested.
    pub(crate) fn of_native(call: &mut Call, error: solvm_vm::Error) -> Self {
        let kind = match error.downcast_ref::<ForeignHandle>() {
            Some(_) => ErrorKind::ForeignHandle,
            None => ErrorKind::Conversion,
        };
        let source = error.rust_error();
        let message = error.message(call);
        let mut error = Error::new(kind, String::from_utf8_lossy(&message));
        error.0.source = source;
        error
    }

    /// An error that Lua code raised.
    pub(crate) fn raised<'c>(
        call: &mut Call<'c>,
        value: solvm_vm::Value<'c>,
        calls: Traceback,
    ) -> Self {
        let message = uncaught::message(call, value);
        let traceback = uncaught::calls(&calls);
        let traceback = String::from_utf8_lossy(&traceback);
        Error(Box::new(Parts {
            kind: ErrorKind::Raised,
            message: String::from_utf8_lossy(&message).into_owned(),
            traceback: traceback.trim_start().into(),
            calls,
            contexts: Vec::new(),
            source: call.take_rust_error(value),
            // None if memory is short.
            value: Value::from_lua(call, value),
        }))
    }

    /// A result that cannot be converted.
    pub(crate) fn mismatch(mismatch: Mismatch) -> Self {
        let message = format!("result #{}: {}", mismatch.index, mismatch.text);
        Error::new(ErrorKind::Conversion, message)
    }

    /// A native function has panicked.
    pub(crate) fn panicked(message: &str) -> Self {
        let message = format!("the runtime is dead: a native function panicked: {message}");
        Error::new(ErrorKind::Panic, message)
    }

    /// A chunk that could not be read.
    pub fn unreadable(error: &std::io::Error) -> Self {
        Error::new(ErrorKind::Unreadable, reason(error))
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message, with the position in the script if it has one: `script.lua:3: boom`.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The calls that were active when it was raised, a line each; empty if it was not raised by
    /// Lua code.
    pub fn traceback(&self) -> &str {
        &self.0.traceback
    }

    /// The same as data, with the place in the source that the error is about.
    pub fn calls(&self) -> &Traceback {
        &self.0.calls
    }

    /// The error value, if Lua code raised it.
    pub fn value(&self) -> Option<&Value> {
        self.0.value.as_ref()
    }

    /// The first error of that type among the one of Rust that a native function failed with and
    /// its sources.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let mut source = self.source();
        while let Some(error) = source {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            source = error.source();
        }
        None
    }

    /// The same error with what was being done before its message when it is displayed: see
    /// [`Context`].
    pub fn with_context(mut self, context: impl fmt::Display) -> Self {
        self.0.contexts.push(context.to_string());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in self.0.contexts.iter().rev() {
            write!(formatter, "{context}: ")?;
        }
        formatter.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

/// Equal by what they report.
impl PartialEq for Error {
    fn eq(&self, other: &Error) -> bool {
        let parts = |error: &Error| {
            let Parts { kind, message, traceback, contexts, .. } = (*error.0).clone();
            (kind, message, traceback, contexts)
        };
        parts(self) == parts(other)
    }
}

impl Eq for Error {}

/// Adds to an error what was being done.
pub trait Context<T> {
    /// The same result; an error is displayed with `context` before its message.
    ///
    /// # Errors
    /// If it was one.
    fn context(self, context: impl fmt::Display) -> Result<T, Error>;

    /// The same with a context that is made for an error only.
    ///
    /// # Errors
    /// If it was one.
    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T, Error>;
}

impl<T> Context<T> for Result<T, Error> {
    fn context(self, context: impl fmt::Display) -> Result<T, Error> {
        self.map_err(|error| error.with_context(context))
    }

    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T, Error> {
        self.map_err(|error| error.with_context(context()))
    }
}
