//! Which tables and upvalues machine code relies on: it has the addresses of their nodes and
//! values.
//!
//! A filter of bits by address: it may have objects that were never added, but none that was is
//! missing. A change of such an object costs machine code a look at what it relies on.

/// The logarithm of the number of bits.
const LOG2: u32 = 12;
/// Up to this number of objects, an eighth of the bits, one is rarely taken for another.
const MOST: usize = 1 << (LOG2 - 3);

/// A set of objects by their addresses, with some others.
pub(crate) struct Watched {
    bits: [u64; 1 << (LOG2 - 6)],
    /// How many were added, and how many may be before the set is made again.
    added: usize,
    most: usize,
}

impl Watched {
    pub(crate) fn new() -> Watched {
        Watched { bits: [0; _], added: 0, most: MOST }
    }

    pub(crate) fn add<T>(&mut self, object: *const T) {
        let bit = bit_of(object as usize);
        if let Some(word) = self.bits.get_mut(bit >> 6) {
            *word |= 1 << (bit & 63);
        }
        self.added += 1;
    }

    #[inline(always)]
    pub(crate) fn may_have<T>(&self, object: *const T) -> bool {
        let bit = bit_of(object as usize);
        self.bits.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 != 0)
    }

    /// Whether so many were added that the set should be made again, without those that are not
    /// relied on any more.
    pub(crate) fn is_crowded(&self) -> bool {
        self.added > self.most
    }

    /// Says that the set has no others than those that are relied on.
    pub(crate) fn settle(&mut self) {
        self.most = MOST.max(2 * self.added);
    }
}

#[inline(always)]
fn bit_of(address: usize) -> usize {
    ((address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - LOG2)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::without_provenance;

    fn cell(index: usize) -> *const u8 {
        without_provenance(0x7f00_0000_0000 + 32 * index)
    }

    #[test]
    fn what_was_added_is_there() {
        let mut watched = Watched::new();
        for index in 0..MOST {
            watched.add(cell(index * 7));
        }
        assert!((0..MOST).all(|index| watched.may_have(cell(index * 7))));
        let others = (10_000..20_000).filter(|&index| watched.may_have(cell(index))).count();
        assert!(others < 2_000, "{others} of 10,000 others");
        assert!(!watched.is_crowded());
        watched.add(cell(0));
        assert!(watched.is_crowded());
        watched.settle();
        assert!(!watched.is_crowded());
    }
}
