//! The `solvm` command.
fn main() {}
