//! The collector, seen from the mutator's side: what the tests share.

mod finalize;
mod graph;
mod memory;
mod threads;
mod weak;

use super::{Heap, HeapConfig, Marker, Roots};
use crate::account::Account;
use crate::layout::object::Thread;
use crate::layout::value::Value;
use std::ptr::null_mut;

/// Values that a test keeps alive.
pub(crate) struct TestRoots {
    pub(crate) values: Vec<Value>,
    pub(crate) running: *mut Thread,
}

impl TestRoots {
    pub(crate) fn new() -> TestRoots {
        TestRoots { values: Vec::new(), running: null_mut() }
    }
}

impl Roots for TestRoots {
    fn trace(&mut self, marker: &mut Marker<'_>) {
        self.values.iter().for_each(|&value| marker.value(value));
        if !self.running.is_null() {
            // SAFETY: tests keep it alive through this very root.
            unsafe { marker.running_thread(self.running) };
        }
    }
}

pub(crate) fn heap() -> Heap {
    Heap::new(HeapConfig { account: Account::new(1 << 30), hash_seed: Some(1) })
}

/// A reproducible source of numbers.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

fn number(x: usize) -> Value {
    Value::number(x as f64)
}
