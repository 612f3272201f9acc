//! Functions written in Rust.

/// What a native function is.
pub struct Definition {
    /// The name used in messages.
    pub name: &'static str,
}
