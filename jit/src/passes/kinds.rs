//! What the uses of values ask for, backward: the guard of a value is where it is defined, and from
//! there on it is held as its uses need it.

use super::effects::Effects;
use crate::region::{Region, Target};

/// What a value should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is not used.
    Unused,
    /// A number: arithmetic is done with it.
    Number,
    /// A table: it is indexed.
    Table,
    /// Anything.
    Any,
}

impl Kind {
    /// What satisfies both.
    fn join(self, other: Kind) -> Kind {
        match (self, other) {
            (Kind::Unused, kind) | (kind, Kind::Unused) => kind,
            (kind, other) if kind == other => kind,
            _ => Kind::Any,
        }
    }
}

/// The kinds of all slots before each node.
pub(crate) struct Kinds {
    slots: usize,
    before: Vec<Kind>,
}

impl Kinds {
    /// Works them out.
    pub(crate) fn of(region: &Region, effects: &[Effects]) -> Kinds {
        let slots = region.slots;
        let mut kinds = Kinds { slots, before: vec![Kind::Unused; slots * region.nodes.len()] };
        let mut now = vec![Kind::Unused; slots];
        loop {
            let mut has_changed = false;
            for node in (0..region.nodes.len()).rev() {
                now.fill(Kind::Unused);
                for target in &region.nodes[node].next {
                    if let Target::Node(next) = *target {
                        let after = &kinds.before[next * slots..(next + 1) * slots];
                        for (kind, &other) in now.iter_mut().zip(after) {
                            *kind = kind.join(other);
                        }
                    }
                }
                let effects = &effects[node];
                let copied = effects.copy.map(|copy| (copy.source, now[copy.target]));
                for &slot in &effects.defines {
                    now[slot] = Kind::Unused;
                }
                if let Some((source, kind)) = copied {
                    now[source] = now[source].join(kind);
                }
                // The next use decides.
                for &(slot, kind) in &effects.uses {
                    now[slot] = kind;
                }
                let before = &mut kinds.before[node * slots..(node + 1) * slots];
                if *before != now[..] {
                    before.copy_from_slice(&now);
                    has_changed = true;
                }
            }
            if !has_changed {
                return kinds;
            }
        }
    }

    /// What a slot should be before a node.
    pub(crate) fn before(&self, node: usize, slot: usize) -> Kind {
        self.before[node * self.slots + slot]
    }

    /// What a slot should be after a node.
    pub(crate) fn after(&self, region: &Region, node: usize, slot: usize) -> Kind {
        region.nodes[node].next.iter().fold(Kind::Unused, |kind, target| match *target {
            Target::Node(next) => kind.join(self.before(next, slot)),
            Target::Exit(_) => kind,
        })
    }
}
