//! The state of libraries outside the VM: one value per type. Only the module that defines the type
//! can access it.

use std::any::{Any, TypeId};

/// The states of libraries by type. There are few, and those in use move to the front, so a list is
/// as fast as a hash table; it needs less code when a program starts.
#[derive(Default)]
pub(super) struct States(Vec<(TypeId, Box<dyn Any>)>);

impl States {
    /// Returns the state of this type, which is created on first use.
    #[inline]
    pub(super) fn get<T: Default + 'static>(&mut self) -> &mut T {
        let id = TypeId::of::<T>();
        let index = match self.0.first() {
            Some((first, _)) if *first == id => 0,
            _ => self.find(id, || Box::<T>::default()),
        };
        #[expect(clippy::expect_used, reason = "a value is found by its type")]
        self.0[index].1.downcast_mut().expect("a state has the type that it is found by")
    }

    /// The place of a state after its move. What does not depend on the type is here, once for all
    /// types.
    #[inline(never)]
    fn find(&mut self, id: TypeId, make: fn() -> Box<dyn Any>) -> usize {
        let index = self.0.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
            self.0.push((id, make()));
            self.0.len() - 1
        });
        self.0.swap(index, index / 2);
        index / 2
    }
}
