//! Rust values in Lua values.

use crate::gc::Marker;
use std::any::Any;

/// The data of a userdata. Values that it keeps must be reported to the collector.
pub trait Data: Any {
    /// Marks every value that this one holds.
    fn trace(&self, _marker: &mut Marker<'_>) {}

    /// Bytes outside the heap that live as long as this value, its own size apart. They count
    /// against the memory limit and pace the collector. What grows later is counted again by
    /// [`Call::recount`](crate::Call::recount), or held by a [`Held`](crate::Held).
    fn external_size(&self) -> usize;
}
