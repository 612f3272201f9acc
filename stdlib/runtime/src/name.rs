//! Names as arguments: paths, URLs, hosts, module names, modes, labels, header names.
//!
//! Invariant: a name has at most [`MAX_NAME`] bytes, and its length is checked first. Natives can
//! therefore convert, copy, compare and quote a name without charging for it. A string of any
//! length is a `LuaString`, and natives charge for work on it.

use solvm_vm::native::FromLua;
use solvm_vm::{Call, Error, LuaString, Value};

/// The maximum length of a name in bytes. Systems and servers accept much less.
pub const MAX_NAME: usize = 64 << 10;

/// A string that is not longer than [`MAX_NAME`].
#[derive(Clone, Copy)]
pub struct Name<'c>(LuaString<'c>);

impl<'c> Name<'c> {
    /// The name's bytes.
    pub fn bytes(self) -> &'c [u8] {
        self.0.bytes()
    }

    /// The name as a string.
    pub fn string(self) -> LuaString<'c> {
        self.0
    }

    /// Converts a string that is not an argument, such as a field of a table. The error is the
    /// reason.
    pub fn check(string: LuaString<'c>) -> Result<Name<'c>, String> {
        match string.bytes().len() {
            0..=MAX_NAME => Ok(Name(string)),
            length => Err(too_long(length)),
        }
    }

    /// Converts argument number `index`, for arguments that may have other types, too.
    pub fn argument(string: LuaString<'c>, index: usize) -> Result<Name<'c>, Error> {
        Name::check(string).map_err(|text| Error::argument(index, text))
    }
}

fn too_long(length: usize) -> String {
    format!("string of {length} bytes is too long (at most {MAX_NAME})")
}

impl FromLua for Name<'_> {
    type Item<'c> = Name<'c>;
    const EXPECTED: &'static str = LuaString::EXPECTED;

    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Name<'c>> {
        let is_short = |string: &LuaString| string.bytes().len() <= MAX_NAME;
        if LuaString::from_value(value).is_some_and(|string| !is_short(&string)) {
            return None;
        }
        LuaString::from_lua(call, value).map(Name)
    }

    fn refusal(value: Value<'_>) -> String {
        match LuaString::from_value(value) {
            Some(string) => too_long(string.bytes().len()),
            None => format!("{} expected, got {}", Self::EXPECTED, value.type_name()),
        }
    }
}
