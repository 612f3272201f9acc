//! The stack of captures whose contents are evaluated.

/// The function that was called last.
#[derive(Clone, Copy)]
pub(crate) enum Pending {
    /// None.
    Nothing,
    /// Its results are the values of a capture that ends there.
    Values { end: u32 },
    /// The same, but nil counts as absent.
    Query { end: u32 },
    /// Its result replaces what the fold in the last frame has so far.
    Fold,
    /// Its result replaces the value before, and the capture has none.
    Accumulator { end: u32 },
}

/// What becomes of the values in a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// They are the result.
    Root,
    /// They are those of a group, or of a reference to one.
    Group,
    /// The text comes before them.
    Simple,
    /// They are in a table: how many.
    Table(usize),
    /// The first one is a field of the table in the frame below.
    Field,
    Function,
    Query,
    Numbered,
    /// Parts of a string, if it refers to their numbers, which are bits.
    Text(u16),
    /// A simple capture among them: the index of its piece, and these bits.
    Part(usize, u16),
    /// They replace parts of the text, which has been copied up to a position.
    Substitution(u32),
    /// Whether there is a first value.
    Fold(bool),
    Accumulator,
}

/// A capture whose contents are evaluated.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) role: Role,
    pub(crate) key: u16,
    /// Where it starts in the subject.
    pub(crate) start: u32,
    /// Where its values start.
    pub(crate) base: usize,
    /// Where the output of a substitution starts, or the pieces of a string.
    pub(crate) mark: usize,
    /// Of a reference: which capture comes next, and where it ends. 0 for others.
    pub(crate) resume: (usize, u32),
}
