//! What checks have shown of the tables that slots hold, so that it is not checked again.
//!
//! It holds on the way that is being emitted: it is forgotten where another way may lead to, when a
//! slot gets another value, and after calls that may change tables' keys or metatables. Stores of
//! values leave these as they are.

/// Something that is true of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// Its shift.
    Shift(u8),
    /// The key of the node at a distance from the first one, as a word.
    Key(i32, u64),
    /// It has no node with that key.
    Lacks(u64),
    /// The address of its metatable.
    Metatable(u64),
}

/// The facts, each about the table of a slot.
#[derive(Default)]
pub(super) struct Known(Vec<(usize, Fact)>);

impl Known {
    pub(super) fn has(&self, slot: usize, fact: Fact) -> bool {
        self.0.contains(&(slot, fact))
    }

    pub(super) fn add(&mut self, slot: usize, fact: Fact) {
        self.0.push((slot, fact));
    }

    /// A slot gets another value.
    pub(super) fn forget(&mut self, slot: usize) {
        self.0.retain(|(other, _)| *other != slot);
    }

    /// A slot gets the table of another one.
    pub(super) fn copy(&mut self, target: usize, source: usize) {
        if target == source {
            return;
        }
        self.forget(target);
        let of_source = self.0.iter().filter(|(slot, _)| *slot == source);
        let copied: Vec<_> = of_source.map(|(_, fact)| (target, *fact)).collect();
        self.0.extend(copied);
    }

    /// Nothing is known any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
