//! Lua 5.1 patterns over bytes (manual 5.4.1).
//!
//! A [`Pattern`] is a compiled pattern; a [`Matcher`] is one search with it. The matcher owns all
//! of its state as offsets into the subject, so a native function can stop it when the budget is
//! used up, suspend its goroutine, and go on later. Patterns are straight lines of items, without
//! alternatives and without repeated groups; two things follow:
//!
//! * each repeated item has at most one open choice at a time, so the backtracking stack never
//!   outgrows the pattern, and nothing recurses;
//! * which capture an item opens, closes or refers to is known before matching.
//!
//! As in PUC Lua, an error in a pattern is raised when matching reaches it, not before:
//! `find("abc", "x[")` is `nil`. A compiled pattern therefore may end with an item that is the
//! error.

mod byte_set;
mod cache;
mod compile;
mod matcher;

pub(super) use cache::LONGEST;
pub(crate) use cache::PatternCache;
pub(super) use compile::{Anchor, Pattern};
pub(super) use matcher::{Capture, Matcher, Progress};

/// The most captures that a pattern may have.
pub(super) const MAX_CAPTURES: usize = 32;

/// What is wrong with a pattern, in the words of PUC Lua 5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// A `%` is the last byte.
    EndsWithEscape,
    /// A `[` has no `]`.
    MissingBracket,
    /// `%f` is followed by something else than a set.
    MissingFrontierSet,
    /// `%b` is not followed by two bytes.
    Unbalanced,
    /// A `)` has no `(`.
    InvalidPatternCapture,
    /// `%n` refers to a capture that is not there or not finished.
    InvalidCaptureIndex,
    /// There are more than [`MAX_CAPTURES`].
    TooManyCaptures,
    /// The value of a capture is asked for that was never closed.
    UnfinishedCapture,
}

impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            PatternError::EndsWithEscape => "malformed pattern (ends with '%')",
            PatternError::MissingBracket => "malformed pattern (missing ']')",
            PatternError::MissingFrontierSet => "missing '[' after '%f' in pattern",
            PatternError::Unbalanced => "unbalanced pattern",
            PatternError::InvalidPatternCapture => "invalid pattern capture",
            PatternError::InvalidCaptureIndex => "invalid capture index",
            PatternError::TooManyCaptures => "too many captures",
            PatternError::UnfinishedCapture => "unfinished capture",
        })
    }
}

impl std::error::Error for PatternError {}

/// Whether `string.find` may search for the pattern as plain text. As in PUC Lua, only the part
/// before a zero byte is looked at, though all of it is then searched for.
pub(super) fn is_plain(pattern: &[u8]) -> bool {
    pattern.iter().take_while(|&&byte| byte != 0).all(|byte| !b"^$*+?.([%-".contains(byte))
}

/// Where `needle` first occurs in `subject` at or after `start`, as an offset.
pub(super) fn find_plain(subject: &[u8], needle: &[u8], start: usize) -> Option<usize> {
    let rest = subject.get(start..)?;
    let (&first, _) = match needle.split_first() {
        None => return Some(start),
        Some(split) => split,
    };
    // Setting up the searcher costs more than most short searches; it pays once the first byte
    // turns out to be common.
    let mut from = 0;
    for _ in 0..4 {
        from += memchr::memchr(first, &rest[from..])?;
        if rest[from..].starts_with(needle) {
            return Some(start + from);
        }
        from += 1;
    }
    Some(start + from + memchr::memmem::find(&rest[from..], needle)?)
}

#[cfg(test)]
mod tests;
