//! Errors in a source, as data: a message, and its place in the source. The program that shows an
//! error decides on its form.

use std::ops::Range;

/// A range of bytes of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range up to the end of another one.
    pub(crate) fn to(self, last: Span) -> Span {
        Span { start: self.start, end: last.end.max(self.start) }
    }

    /// The range as an index.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        let offset = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: offset(range.start), end: offset(range.end) }
    }
}

/// The position of a node of the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The line that its instructions have, as in PUC Lua: mostly that of its last token.
    pub(crate) line: u32,
    /// Its bytes.
    pub(crate) span: Span,
}

/// A second place that a diagnostic refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What the place is.
    pub message: String,
    /// Where it is.
    pub span: Span,
}

/// An error in a source, or a finding of `solvm check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of error: a short name that does not change.
    pub code: &'static str,
    /// The message, without a position.
    pub message: String,
    /// Where it is.
    pub span: Span,
    /// Other places that it refers to.
    pub notes: Vec<Note>,
}

/// A position for people: both numbers are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line.
    pub line: u32,
    /// The number of the character in its line. A byte that is not UTF-8 counts as one.
    pub column: u32,
}

/// The line and column of a byte of `text`; of the end, if there are fewer bytes.
pub fn line_column(text: &[u8], offset: u32) -> LineColumn {
    let before = text.get(..offset as usize).unwrap_or(text);
    let (mut line, mut start) = (1, 0);
    // One line break is `\n`, `\r`, or both in any order.
    let mut opened = None;
    for (index, &byte) in before.iter().enumerate() {
        let is_break = matches!(byte, b'\n' | b'\r');
        if is_break {
            start = index + 1;
        }
        if is_break && opened.is_none_or(|first| first == byte) {
            line += 1;
            opened = Some(byte);
        } else {
            opened = None;
        }
    }
    let text = String::from_utf8_lossy(before.get(start..).unwrap_or_default());
    let column = text.chars().count() + 1;
    LineColumn { line, column: u32::try_from(column).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_bytes() {
        let at = |text: &[u8], offset| {
            let place = line_column(text, offset);
            (place.line, place.column)
        };
        assert_eq!(at(b"", 0), (1, 1));
        assert_eq!(at(b"abc", 2), (1, 3));
        assert_eq!(at(b"a\nbc", 3), (2, 2));
        assert_eq!(at(b"a\r\nb\n\rc", 3), (2, 1));
        assert_eq!(at(b"a\r\nb\n\rc", 6), (3, 1));
        assert_eq!(at(b"a\n\nb", 3), (3, 1));
        assert_eq!(at("ä = ö".as_bytes(), 5), (1, 5));
        assert_eq!(at(b"\xff\xfex", 2), (1, 3));
        assert_eq!(at(b"ab", 9), (1, 3));
    }
}
