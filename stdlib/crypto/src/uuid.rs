//! `uuid`: random identifiers (RFC 9562, version 4).

use solvm_vm::native::Library;
use solvm_vm::{Call, LuaString};
use uuid::Uuid;

/// The library `uuid`.
pub static LIBRARY: Library = solvm_vm::library!("uuid" {
    "is_valid" => is_valid,
    "v4" => v4,
    "v4_without_hyphens" => v4_without_hyphens,
});

/// `uuid.v4()`: returns a new identifier.
fn v4(_: &mut Call) -> String {
    Uuid::new_v4().to_string()
}

/// `uuid.v4_without_hyphens()`: returns a new identifier as 32 digits.
fn v4_without_hyphens(_: &mut Call) -> String {
    Uuid::new_v4().simple().to_string()
}

/// `uuid.is_valid(text)`: whether a string is an identifier of any version, with or without
/// hyphens.
fn is_valid<'c>(_: &mut Call<'c>, text: LuaString<'c>) -> bool {
    let text = text.bytes();
    // The crate also accepts braces and URNs.
    matches!(text.len(), 32 | 36) && Uuid::try_parse_ascii(text).is_ok()
}
