//! Userdata: Rust values in Lua values.

use crate::heap::gc::Marker;
use crate::layout::object::{Header, Table};
use crate::layout::value::{USERDATA, pointers};
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

/// A Rust value in a Lua value. The box is dropped when the collector finds the userdata dead, or
/// by its native.
#[repr(C)]
pub(crate) struct Userdata {
    pub(crate) header: Header,
    /// 1 while a `__gc` metamethod has still to be called.
    pub(crate) has_finalizer: u8,
    pub(crate) metatable: *mut Table,
    pub(crate) environment: *mut Table,
    /// The bytes outside the heap that were counted for the data.
    pub(crate) charge: usize,
    /// None once dropped.
    pub(crate) data: Option<Box<dyn Data>>,
}

pointers! {
    USERDATA Userdata from_userdata to_userdata is_userdata;
}
