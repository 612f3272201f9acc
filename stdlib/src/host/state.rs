//! The state of libraries outside the VM: one value per type. Only the module that defines the type
//! can access it.

use hashbrown::HashMap;
use std::any::{Any, TypeId};
use std::hash::{BuildHasherDefault, Hasher};

/// The states of libraries by type.
#[derive(Default)]
pub(super) struct States(HashMap<TypeId, Box<dyn Any>, BuildHasherDefault<OwnHash>>);

impl States {
    /// Returns the state of this type, which is created on first use.
    pub(super) fn get<T: Default + 'static>(&mut self) -> &mut T {
        let state = self.0.entry(TypeId::of::<T>()).or_insert_with(|| Box::<T>::default());
        #[expect(clippy::expect_used, reason = "a value is found by its type")]
        state.downcast_mut().expect("a state has the type that it is found by")
    }
}

/// A type's identity is already a hash.
#[derive(Default)]
struct OwnHash(u64);

impl Hasher for OwnHash {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
