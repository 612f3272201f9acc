//! `uuid`: random identifiers (RFC 9562, version 4).

use solvm_vm::native::Library;
use solvm_vm::{Call, LuaString};
use uuid::Uuid;

pub(crate) static LIBRARY: Library = solvm_vm::library!("uuid" {
    "is_valid" => is_valid,
    "v4" => v4,
    "v4_without_hyphens" => v4_without_hyphens,
});

/// `uuid.v4()`: a new identifier.
fn v4(_: &mut Call) -> String {
    Uuid::new_v4().to_string()
}

/// `uuid.v4_without_hyphens()`: a new identifier, as 32 digits.
fn v4_without_hyphens(_: &mut Call) -> String {
    Uuid::new_v4().simple().to_string()
}

/// `uuid.is_valid(text)`: whether a text is an identifier of any version, with hyphens or without.
fn is_valid<'c>(_: &mut Call<'c>, text: LuaString<'c>) -> bool {
    let text = text.bytes();
    // The crate reads them in braces and as URNs, too.
    matches!(text.len(), 32 | 36) && Uuid::try_parse_ascii(text).is_ok()
}
