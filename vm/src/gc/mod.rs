//! The heap and its collector.

/// The collector's face towards objects that hold values.
pub struct Marker<'h> {
    heap: &'h mut Heap,
}

/// The heap.
pub struct Heap {}
