//! Lua 5.1 patterns over bytes (manual 5.4.1).
//!
//! A [`Pattern`] is a compiled pattern; a [`Matcher`] is a search with it. All state of the matcher
//! consists of offsets into the subject, so a native function can stop it when the budget is used
//! up, suspend its goroutine, and continue later. Patterns are sequences of items, without
//! alternatives and repeated groups. This has two consequences:
//!
//! * each repeated item has at most one choice at a time, so the backtracking stack is never longer
//!   than the pattern, and nothing recurses;
//! * the capture that an item opens, closes or refers to is known before matching.
//!
//! As in PUC Lua, an error in a pattern is raised when matching reaches it, not before:
//! `find("abc", "x[")` is `nil`. So a compiled pattern may end with an item that is an error.

mod byte_set;
mod cache;
mod compile;
mod matcher;

pub(super) use cache::MAX_CACHED;
pub(crate) use cache::PatternCache;
pub(super) use compile::{Anchor, Pattern};
pub(super) use matcher::{Capture, Matcher, Progress};

/// Maximum number of captures in a pattern.
pub(super) const MAX_CAPTURES: usize = 32;

/// Errors in a pattern, with PUC Lua 5.1's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// A `%` is the last byte.
    EndsWithEscape,
    /// A `[` has no `]`.
    MissingBracket,
    /// `%f` is not followed by a set.
    MissingFrontierSet,
    /// `%b` is not followed by two bytes.
    Unbalanced,
    /// A `)` has no `(`.
    InvalidPatternCapture,
    /// `%n` refers to a capture that does not exist or is not closed.
    InvalidCaptureIndex,
    /// There are more than [`MAX_CAPTURES`].
    TooManyCaptures,
    /// The requested capture was never closed.
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
/// before a zero byte is checked, but all of it is searched for.
pub(super) fn is_plain(pattern: &[u8]) -> bool {
    pattern.iter().take_while(|&&byte| byte != 0).all(|byte| !b"^$*+?.([%-".contains(byte))
}

/// Returns the offset of the first occurrence of `needle` at or after `start`.
pub(super) fn find_plain(subject: &[u8], needle: &[u8], start: usize) -> Option<usize> {
    let rest = subject.get(start..)?;
    let (&first, _) = match needle.split_first() {
        None => return Some(start),
        Some(split) => split,
    };
    // Creating the searcher costs more than most short searches; it pays off if the first byte is
    // frequent.
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
