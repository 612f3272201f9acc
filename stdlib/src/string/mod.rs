//! The `string` library: its text machinery, which knows nothing of the VM.

pub mod format;
pub mod pattern;
