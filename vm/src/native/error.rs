//! Why a native failed.

use super::call::Call;
use super::handle::{LuaString, Value};
use super::params::FromLua;
use crate::account::OutOfMemory;
use crate::debug_info;
use crate::messages;
use crate::scheduler::{self, Ended};
use crate::table::KeyError;
use crate::unwind;
use crate::value::Value as Raw;
use crate::vm::Vm;
use std::borrow::Cow;

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
    /// No error: the goroutine ends.
    EndOfGoroutine,
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
            Error::bare(messages::key(error))
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
        match self.0 {
            Cause::None => unwind::throw(vm, Raw::NIL),
            Cause::Value => {
                let value = std::mem::replace(&mut vm.error, Raw::NIL);
                unwind::throw(vm, value)
            }
            Cause::Text(text) => unwind::throw_text(vm, text),
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

impl<'c> Call<'c> {
    /// The message of an uncaught error value.
    pub fn error_message(&mut self, error: Value<'c>) -> Vec<u8> {
        match LuaString::from_lua(self, error) {
            Some(text) => text.bytes().to_vec(),
            None => messages::error_object(error.type_name()).into_bytes(),
        }
    }
}
