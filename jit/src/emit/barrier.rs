//! What stores do for the collector, by its write barriers: while it marks, an object that is
//! marked must not refer to one that is not.

use super::Emitter;
use crate::backend::linear::{Value, Width};
use crate::passes::representation::Representation;
use solvm_vm::unit::{Helper, HelperFunctions, MachineLayout};

impl Emitter<'_, '_> {
    /// What a store of a slot into a table must do for the collector.
    pub(super) fn table_barrier(&mut self, table: Value, slot: usize, held: Representation) {
        if !held.is_number() {
            let word = |this: &mut Self| this.word(slot, held);
            self.barrier(table, HelperFunctions::barrier_back(), word, false);
        }
    }

    /// What a store of a word into an object must do for the collector, by one of its functions, on
    /// a way that is cold or not.
    pub(super) fn barrier(
        &mut self,
        object: Value,
        function: Helper,
        word: impl FnOnce(&mut Self) -> Value,
        is_cold: bool,
    ) {
        let byte = self.builder.load(Width::U8, object, MachineLayout::BARRIER);
        let (marked, next) = (self.builder.block(), self.builder.block());
        self.builder.branch(byte, marked, next);
        self.builder.start(marked, self.rank, true);
        let word = word(self);
        let is_object = self.is_object(word);
        let stored = self.builder.block();
        self.builder.branch(is_object, stored, next);
        self.builder.start(stored, self.rank, true);
        self.help(function, &[Value::CONTEXT, object, word]);
        self.builder.jump(next);
        self.builder.start(next, self.rank, is_cold);
    }
}
