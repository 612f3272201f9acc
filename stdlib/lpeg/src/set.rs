//! Sets of bytes, and sets of what a match may begin with.

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    /// The empty set.
    pub(crate) const EMPTY: ByteSet = ByteSet([0; 4]);
    /// The set of all bytes.
    pub(crate) const FULL: ByteSet = ByteSet([u64::MAX; 4]);

    /// The set of one byte.
    pub(crate) fn of(byte: u8) -> ByteSet {
        let mut set = ByteSet::EMPTY;
        set.insert(byte);
        set
    }

    /// Adds a byte.
    pub(crate) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Whether the set has a byte.
    #[inline(always)]
    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    /// The bytes of either set.
    pub(crate) fn union(self, other: ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    /// The bytes of both sets.
    pub(crate) fn intersection(self, other: ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    /// All other bytes.
    pub(crate) fn complement(self) -> ByteSet {
        ByteSet(self.0.map(|word| !word))
    }

    /// The bytes of this set that the other one does not have.
    pub(crate) fn difference(self, other: ByteSet) -> ByteSet {
        self.intersection(other.complement())
    }

    /// How many bytes it has.
    pub(crate) fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// The bytes, in order.
    pub(crate) fn bytes(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |&byte| self.contains(byte))
    }
}

/// What can come next: some bytes, and perhaps the end of the subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Next {
    /// The bytes.
    pub(crate) bytes: ByteSet,
    /// Whether the end is among it.
    pub(crate) end: bool,
}

impl Next {
    /// Anything.
    pub(crate) const ANY: Next = Next { bytes: ByteSet::FULL, end: true };
    /// Nothing.
    pub(crate) const NONE: Next = Next { bytes: ByteSet::EMPTY, end: false };

    /// One of these bytes.
    pub(crate) fn bytes(bytes: ByteSet) -> Next {
        Next { bytes, end: false }
    }

    fn union(self, other: Next) -> Next {
        Next { bytes: self.bytes.union(other.bytes), end: self.end || other.end }
    }

    /// What is in both.
    pub(crate) fn intersection(self, other: Next) -> Next {
        Next { bytes: self.bytes.intersection(other.bytes), end: self.end && other.end }
    }

    /// Whether the two have nothing in common.
    pub(crate) fn is_disjoint(self, other: Next) -> bool {
        self.intersection(other) == Next::NONE
    }
}

/// With what a pattern can succeed, depending on what follows it: `own`, or anything of `pass` with
/// which what follows can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct First {
    /// What it can consume itself.
    pub(crate) own: Next,
    /// What it leaves to the pattern that follows.
    pub(crate) pass: Next,
}

impl First {
    /// A pattern that never succeeds.
    pub(crate) const NONE: First = First { own: Next::NONE, pass: Next::NONE };
    /// A pattern that consumes nothing and always succeeds.
    pub(crate) const EMPTY: First = First { own: Next::NONE, pass: Next::ANY };

    /// A pattern that calls a function before anything is consumed: it must be tried. Only such a
    /// pattern has the end among what it consumes itself.
    pub(crate) const CALLS: First = First { own: Next::ANY, pass: Next::ANY };

    /// A pattern that starts with one of these bytes.
    pub(crate) fn bytes(bytes: ByteSet) -> First {
        First { own: Next::bytes(bytes), pass: Next::NONE }
    }

    /// With what the pattern can succeed if something that starts with `next` follows.
    pub(crate) fn followed_by(self, next: Next) -> Next {
        self.own.union(self.pass.intersection(next))
    }

    /// With what it can succeed, whatever follows.
    pub(crate) fn any(self) -> Next {
        self.followed_by(Next::ANY)
    }

    /// This pattern, then the other.
    pub(crate) fn then(self, other: First) -> First {
        First {
            own: self.own.union(self.pass.intersection(other.own)),
            pass: self.pass.intersection(other.pass),
        }
    }

    /// This pattern or the other.
    pub(crate) fn or(self, other: First) -> First {
        First { own: self.own.union(other.own), pass: self.pass.union(other.pass) }
    }

    /// This pattern any number of times.
    pub(crate) fn repeated(self) -> First {
        First { own: self.own, pass: Next::ANY }
    }

    /// A predicate that holds if this pattern succeeds.
    pub(crate) fn ahead(self) -> First {
        if self.own.end {
            return First::CALLS;
        }
        First { own: Next::NONE, pass: self.any() }
    }
}
