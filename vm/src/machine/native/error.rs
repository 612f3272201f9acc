//! Why a native failed.

use super::call::Call;
use super::handle::{LuaString, Value};
use super::params::FromLua;
use crate::account::OutOfMemory;
use crate::heap::table::KeyError;
use crate::layout::value::Value as Raw;
use crate::machine::debug_info;
use crate::machine::scheduler::{self, Ended};
use crate::machine::unwind;
use crate::machine::vm::Vm;
use crate::messages;
use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// An error that a native raises. It becomes a Lua error at the call.
#[derive(Debug)]
pub struct Error(Cause);

#[derive(Debug)]
enum Cause {
    None,
    /// The error value is in `Vm::error`.
    Value,
    /// A message, to which the caller's position is added.
    Text(Cow<'static, [u8]>),
    /// A message without a position.
    Bare(Cow<'static, [u8]>),
    /// Argument `index` is invalid.
    Argument {
        index: usize,
        text: Cow<'static, [u8]>,
    },
    /// The memory limit forbids the native's request, and the native has had no effect yet.
    OutOfMemory,
    /// An error of Rust. Lua gets its message, to which the caller's position is added.
    Rust(Arc<dyn std::error::Error + Send + Sync>),
    /// No error: the goroutine ends.
    EndOfGoroutine,
}

/// An error of Rust that became one of Lua.
pub(crate) struct RustError {
    /// Its message: the end of the error value.
    text: String,
    error: Arc<dyn std::error::Error + Send + Sync>,
}

/// Text for a message.
pub trait IntoText {
    /// The bytes.
    fn into_text(self) -> Cow<'static, [u8]>;
}

impl IntoText for &'static str {
    fn into_text(self) -> Cow<'static, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl IntoText for String {
    fn into_text(self) -> Cow<'static, [u8]> {
        Cow::Owned(self.into_bytes())
    }
}

impl IntoText for Vec<u8> {
    fn into_text(self) -> Cow<'static, [u8]> {
        Cow::Owned(self)
    }
}

impl IntoText for Cow<'static, [u8]> {
    fn into_text(self) -> Cow<'static, [u8]> {
        self
    }
}

impl From<OutOfMemory> for Error {
    fn from(_: OutOfMemory) -> Error {
        Error::out_of_memory()
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Error {
        if error == KeyError::Memory {
            Error::out_of_memory()
        } else {
            Error::bare(error.message())
        }
    }
}

impl Error {
    pub(crate) const fn none() -> Self {
        Error(Cause::None)
    }

    /// An error with a message, to which the position of the call is added.
    pub fn text(text: impl IntoText) -> Self {
        Error(Cause::Text(text.into_text()))
    }

    /// An error with a message without a position: for what the interpreter itself refuses in a
    /// native's name, as in PUC Lua.
    pub fn bare(text: impl IntoText) -> Self {
        Error(Cause::Bare(text.into_text()))
    }

    /// "bad argument #index to 'name' (text)"; the first argument has index 1.
    pub fn argument(index: usize, text: impl IntoText) -> Self {
        Error(Cause::Argument { index, text: text.into_text() })
    }

    /// An error of Rust: Lua gets its message, and a host that sees the error uncaught gets the
    /// error itself ([`Call::take_rust_error`]). Strings become messages; an [`Error`] remains
    /// itself.
    ///
    /// ```
    /// use solvm_vm::{Call, Error};
    ///
    /// fn parse(_: &mut Call, text: String) -> Result<f64, std::num::ParseFloatError> {
    ///     Ok(text.parse::<f64>()? * 2.0)
    /// }
    /// # let _ = solvm_vm::native::Definition::new("parse", parse);
    /// let error = Error::from_rust(std::fmt::Error);
    /// assert!(error.downcast_ref::<std::fmt::Error>().is_some());
    /// ```
    pub fn from_rust<E>(error: E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let mut error = Some(error);
        let any: &mut dyn Any = &mut error;
        if let Some(error) = any.downcast_mut::<Option<Error>>().and_then(Option::take) {
            return error;
        }
        if let Some(text) = any.downcast_mut::<Option<String>>().and_then(Option::take) {
            return Error::text(text);
        }
        if let Some(text) = any.downcast_mut::<Option<&'static str>>().and_then(Option::take) {
            return Error::text(text);
        }
        match error.map(Into::into) {
            // An error in a box may be one of these, too.
            Some(error) => match error.downcast::<Error>() {
                Ok(error) => *error,
                Err(error) => Error(Cause::Rust(error.into())),
            },
            None => Error::none(),
        }
    }

    /// The error of Rust that it is, if it is one of that type.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match &self.0 {
            Cause::Rust(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// The error of Rust that it is, if it is one.
    pub fn rust_error(&self) -> Option<Arc<dyn std::error::Error + Send + Sync>> {
        match &self.0 {
            Cause::Rust(error) => Some(error.clone()),
            _ => None,
        }
    }

    /// The memory limit would be exceeded. Natives raise it before they have had any effect: they
    /// are called again after a full collection.
    pub const fn out_of_memory() -> Self {
        Error(Cause::OutOfMemory)
    }

    /// Ends the running goroutine as if its function had returned, past every `pcall`.
    pub const fn end_goroutine() -> Self {
        Error(Cause::EndOfGoroutine)
    }

    /// The message, for a host that gets it outside a call: without a position.
    pub fn message(self, call: &mut Call<'_>) -> Vec<u8> {
        match self.0 {
            Cause::None | Cause::EndOfGoroutine => Vec::new(),
            Cause::Value => {
                let value = std::mem::replace(&mut call.vm().error, Raw::NIL);
                call.error_message(Value::from_raw(value))
            }
            Cause::Text(text) | Cause::Bare(text) => text.into_owned(),
            Cause::Rust(error) => error.to_string().into_bytes(),
            Cause::Argument { index, text } => {
                messages::bad_argument(call.dialect(), index, false, b"?", &text)
            }
            Cause::OutOfMemory => messages::NOT_ENOUGH_MEMORY.into(),
        }
    }

    /// The error value is in `Vm::error`.
    pub(crate) const fn raised() -> Self {
        Error(Cause::Value)
    }

    pub(crate) fn is_out_of_memory(&self) -> bool {
        matches!(self.0, Cause::OutOfMemory)
    }

    /// Throws it from the native called by the call word before `vm.pc`.
    ///
    /// # Safety
    /// As [`unwind::throw`].
    pub(crate) unsafe fn throw(self, vm: &mut Vm) -> u64 {
        // It is not about what an earlier error was about.
        vm.culprit.set(None);
        // SAFETY: CONTEXT holds of the running thread, as the caller asserts, and nothing before
        // the throw changes that. Error values are alive: they were in `Vm::error`, a root, or have
        // just been created. After `discard` the goroutine's first thread is running, and nothing
        // refers to its stack.
        unsafe {
            match self.0 {
                Cause::None => unwind::throw(vm, Raw::NIL),
                Cause::Value => {
                    let value = std::mem::replace(&mut vm.error, Raw::NIL);
                    unwind::throw(vm, value)
                }
                Cause::Text(text) => unwind::throw_text(vm, text),
                Cause::Rust(error) => {
                    let text = error.to_string();
                    let thrown = unwind::throw_text(vm, &text);
                    vm.rust_error = Some(RustError { text, error });
                    thrown
                }
                Cause::Bare(text) => {
                    let message = vm.heap.string_value(&text);
                    unwind::throw(vm, message)
                }
                Cause::Argument { index, text } => {
                    let message = debug_info::bad_argument(vm, index, &text);
                    unwind::throw_text(vm, message)
                }
                Cause::OutOfMemory => unwind::throw_out_of_memory(vm),
                Cause::EndOfGoroutine => {
                    unwind::discard(vm);
                    scheduler::end_goroutine(vm, Ended::Returned(Vec::new()))
                }
            }
        }
    }
}

impl fmt::Display for Error {
    /// The message without a position. That of an error value that is not a string is not known
    /// here.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::None | Cause::EndOfGoroutine => Ok(()),
            Cause::Value => formatter.write_str("error value of Lua"),
            Cause::Text(text) | Cause::Bare(text) => {
                formatter.write_str(&String::from_utf8_lossy(text))
            }
            Cause::Argument { index, text } => {
                let text = String::from_utf8_lossy(text);
                write!(formatter, "bad argument #{index} ({text})")
            }
            Cause::Rust(error) => error.fmt(formatter),
            Cause::OutOfMemory => formatter.write_str(messages::NOT_ENOUGH_MEMORY),
        }
    }
}

impl std::error::Error for Error {}

impl<'c> Call<'c> {
    /// The error of Rust that an uncaught error value was made of: the newest one whose message it
    /// ends with. It is returned once.
    pub fn take_rust_error(
        &mut self,
        error: Value<'c>,
    ) -> Option<Arc<dyn std::error::Error + Send + Sync>> {
        let message = LuaString::from_value(error)?;
        let vm = self.vm();
        let kept = vm.rust_error.take_if(|kept| message.bytes().ends_with(kept.text.as_bytes()))?;
        Some(kept.error)
    }

    /// The message of an uncaught error value.
    pub fn error_message(&mut self, error: Value<'c>) -> Vec<u8> {
        match LuaString::from_lua(self, error) {
            Some(text) => text.bytes().to_vec(),
            None => messages::error_object(error.type_name()).into_bytes(),
        }
    }
}
