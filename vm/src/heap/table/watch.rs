//! Which tables and upvalues machine code relies on: it has the addresses of their nodes and
//! values.
//!
//! A filter of bits by address: it may have objects that were never added, but none that was is
//! missing. A change of such an object costs machine code a look at what it relies on.

/// The logarithm of the number of bits.
const LOG2: u32 = 12;

/// A set of objects by their addresses, with some others.
pub(crate) struct Watched([u64; 1 << (LOG2 - 6)]);

impl Watched {
    pub(crate) fn new() -> Watched {
        Watched([0; _])
    }

    pub(crate) fn add<T>(&mut self, object: *const T) {
        let bit = bit_of(object as usize);
        if let Some(word) = self.0.get_mut(bit >> 6) {
            *word |= 1 << (bit & 63);
        }
    }

    #[inline(always)]
    pub(crate) fn may_have<T>(&self, object: *const T) -> bool {
        let bit = bit_of(object as usize);
        self.0.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 != 0)
    }
}

#[inline(always)]
fn bit_of(address: usize) -> usize {
    ((address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - LOG2)) as usize
}
