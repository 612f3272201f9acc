//! The state of libraries outside the VM: one value per type. Only the module that defines the type
//! can access it.

use std::any::{Any, TypeId};

/// The states of libraries by type. There are few, and those in use move to the front, so a list is
/// as fast as a hash table; it needs less code when a program starts.
#[derive(Default)]
pub(super) struct States(Vec<(TypeId, Box<dyn Any>)>);

impl States {
    /// Returns the state of this type, which is created on first use.
    pub(super) fn get<T: Default + 'static>(&mut self) -> &mut T {
        let id = TypeId::of::<T>();
        let index = self.0.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
            self.0.push((id, Box::<T>::default()));
            self.0.len() - 1
        });
        let index = if index > 0 {
            self.0.swap(index, index / 2);
            index / 2
        } else {
            0
        };
        #[expect(clippy::expect_used, reason = "a value is found by its type")]
        self.0[index].1.downcast_mut().expect("a state has the type that it is found by")
    }
}
