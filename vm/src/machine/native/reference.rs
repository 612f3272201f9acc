//! Values that the host holds between calls.
//!
//! A [`Value`] is valid during one call. A [`Reference`] owns a slot in a table of the VM, which
//! keeps its value alive; when dropped, it releases the slot. The slot is cleared the next time the
//! host accesses the VM, since dropping has no access to the VM.

use super::call::Call;
use super::error::Error;
use super::handle::{Table, Value};
use crate::heap::table;
use crate::layout::value::Value as Raw;
use crate::machine::vm::Vm;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places of a VM: shared with its references, which may be dropped on other threads.
#[derive(Default)]
pub(crate) struct References(Mutex<Places>);

#[derive(Default)]
struct Places {
    /// How many places there are, used or not.
    count: usize,
    /// Places that may be used again.
    free: Vec<usize>,
    /// Places given back that still hold their values.
    dropped: Vec<usize>,
}

impl References {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An owned place for one value. Clones share it. It may be held by any thread; its value can be
/// accessed where its VM is.
#[derive(Clone)]
pub struct Reference(Arc<Place>);

struct Place {
    index: usize,
    references: Arc<References>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.references.places().dropped.push(self.index);
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Reference({})", self.0.index)
    }
}

impl Reference {
    /// The value. None if it belongs to another VM.
    pub fn get<'c>(&self, call: &mut Call<'c>) -> Option<Value<'c>> {
        if !Arc::ptr_eq(&self.0.references, &call.vm().references) {
            return None;
        }
        let places = Table::from_raw(call.vm().referenced);
        Some(places.get(self.0.index))
    }
}

impl<'c> Call<'c> {
    /// Keeps a value for as long as the reference lives.
    pub fn reference(&mut self, value: Value<'c>) -> Result<Reference, Error> {
        self.vm().release_references();
        let references = self.vm().references.clone();
        let index = {
            let mut places = references.places();
            places.free.pop().unwrap_or_else(|| {
                places.count += 1;
                places.count
            })
        };
        // Owned from here on: a place that cannot be filled is given back.
        let reference = Reference(Arc::new(Place { index, references }));
        let places = Table::from_raw(self.vm().referenced);
        places.set_index(self, index, value)?;
        Ok(reference)
    }
}

impl Vm {
    /// Empties the places that were given back.
    pub(crate) fn release_references(&mut self) {
        let references = self.references.clone();
        let places = &mut *references.places();
        for index in places.dropped.drain(..) {
            // SAFETY: the table is a root; the place holds a value, so that emptying it allocates
            // nothing.
            let emptied = unsafe {
                table::set(&mut self.heap, self.referenced, Raw::number(index as f64), Raw::NIL)
            };
            debug_assert!(emptied.is_ok(), "a place is a key like any other");
            places.free.push(index);
        }
    }
}
