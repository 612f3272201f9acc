//! The code of natives in their objects: the heap, which is below the machine, keeps it as words
//! without types.
//!
//! **Invariant (MADE HERE)**: every `NativeCode` is the result of [`pack`].

use super::Code;
use super::library::Definition;
use crate::layout::object::{NativeCode, NativeFunction};
use crate::machine::interpreter::Handler;
use std::mem::transmute;

/// The code of a native.
pub(super) fn pack(handler: Handler, code: Code, definition: &'static Definition) -> NativeCode {
    NativeCode {
        handler: handler as *const (),
        function: code as *const (),
        definition: (&raw const *definition).cast(),
    }
}

impl NativeFunction {
    /// The entry point of its calls.
    #[inline(always)]
    pub(crate) fn handler(&self) -> Handler {
        // SAFETY: MADE HERE.
        unsafe { transmute::<*const (), Handler>(self.code.handler) }
    }

    /// The Rust code, for the handler of ordinary natives.
    #[inline(always)]
    pub(crate) fn function(&self) -> Code {
        // SAFETY: MADE HERE.
        unsafe { transmute::<*const (), Code>(self.code.function) }
    }

    /// The kind of the function.
    #[inline(always)]
    pub(crate) fn definition(&self) -> &'static Definition {
        // SAFETY: MADE HERE.
        unsafe { &*self.code.definition.cast() }
    }
}
