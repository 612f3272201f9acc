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
    /// The number of the character in its line. A byte that is not UTF-8 counts as one, unless it
    /// could be a later byte of a character.
    pub column: u32,
}

/// Finds the lines and columns of bytes of a text.
pub struct Lines<'t> {
    text: &'t [u8],
    /// A position every so many bytes, and whether the byte before it has begun a line break.
    marks: Vec<(usize, LineColumn, Option<u8>)>,
}

/// The bytes between two marks.
const MARK_INTERVAL: usize = 1024;
/// What may come before the first character of a source.
pub const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl<'t> Lines<'t> {
    /// Reads the text once.
    pub fn new(text: &'t [u8]) -> Self {
        // It is not a character of the text.
        let start = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let mut lines =
            Lines { text, marks: vec![(start, LineColumn { line: 1, column: 1 }, None)] };
        loop {
            let Some(&(from, ..)) = lines.marks.last() else { return lines };
            let to = from.saturating_add(MARK_INTERVAL);
            if to >= text.len() {
                return lines;
            }
            let next = lines.walk(to);
            lines.marks.push(next);
        }
    }

    /// The text.
    pub fn text(&self) -> &'t [u8] {
        self.text
    }

    /// The line and column of a byte; of the end, if there are fewer bytes.
    pub fn position(&self, offset: u32) -> LineColumn {
        self.walk(offset as usize).1
    }

    /// A line without the white space around it. At the end of the text, if there are fewer lines.
    pub fn code_of(&self, line: u32) -> Span {
        let (mut start, mut end) = (0, self.text.len());
        while start < end {
            let middle = start.midpoint(end);
            if self.walk(middle).1.line < line { start = middle + 1 } else { end = middle }
        }
        // The second half of a line break counts as a part of the line.
        let second_half = |byte: &&u8| {
            let opened = self.walk(start).2;
            matches!(byte, b'\n' | b'\r') && opened.is_some_and(|first| first != **byte)
        };
        let start = start + usize::from(self.text.get(start).filter(second_half).is_some());
        let rest = self.text.get(start..).unwrap_or_default();
        let text = rest.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        let start = start + (text.len() - text.trim_ascii_start().len());
        (start..start + text.trim_ascii().len()).into()
    }

    /// From the last mark before a byte to it.
    fn walk(&self, to: usize) -> (usize, LineColumn, Option<u8>) {
        let mark = self.marks.partition_point(|(offset, ..)| *offset <= to).saturating_sub(1);
        let Some(&(from, mut place, mut opened)) = self.marks.get(mark) else {
            return (0, LineColumn { line: 1, column: 1 }, None);
        };
        let to = to.clamp(from, self.text.len().max(from));
        for &byte in self.text.get(from..to).unwrap_or_default() {
            match byte {
                // One line break is `\n`, `\r`, or both in any order.
                b'\n' | b'\r' if opened.is_none_or(|first| first == byte) => {
                    place = LineColumn { line: place.line.saturating_add(1), column: 1 };
                    opened = Some(byte);
                }
                b'\n' | b'\r' => opened = None,
                // A later byte of a character in UTF-8.
                0x80..=0xBF => opened = None,
                _ => {
                    place.column = place.column.saturating_add(1);
                    opened = None;
                }
            }
        }
        (to, place, opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_bytes() {
        let at = |text: &[u8], offset| {
            let place = Lines::new(text).position(offset);
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
        assert_eq!(at(b"\xEF\xBB\xBFx y", 5), (1, 3));
        let long = [&b"a".repeat(3000)[..], b"\r\nb\nc"].concat();
        assert_eq!(at(&long, 2500), (1, 2501));
        assert_eq!(at(&long, 3002), (2, 1));
        assert_eq!(at(&long, 3004), (3, 1));
        assert_eq!(at(b"ab", 9), (1, 3));
    }

    #[test]
    fn code_of_lines() {
        let of = |text: &'static [u8], line| {
            std::str::from_utf8(&text[Lines::new(text).code_of(line).range()]).unwrap()
        };
        assert_eq!(of(b"a\n  b c\t\nd", 1), "a");
        assert_eq!(of(b"a\n  b c\t\nd", 2), "b c");
        assert_eq!(of(b"a\n  b c\t\nd", 3), "d");
        assert_eq!(of(b"a\n  b c\t\nd", 4), "");
        assert_eq!(of(b"a\r\n\r\nd", 2), "");
        assert_eq!(of(b"a\r\n\r\nd", 3), "d");
        assert_eq!(of(b"", 1), "");
    }
}
