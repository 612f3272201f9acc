//! Rust values behind Lua values.

use crate::gc::Marker;
use std::any::Any;

/// What a userdata holds. Values that it keeps must be reported to the collector.
pub trait Data: Any {
    /// Marks every value that this one holds.
    fn trace(&self, _marker: &mut Marker<'_>) {}

    /// Bytes outside the heap that live as long as this value, as far as they matter to the
    /// collector's pacing.
    fn external_size(&self) -> usize {
        0
    }
}
