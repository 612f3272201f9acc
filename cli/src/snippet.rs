//! A part of a source as terminals show it: the position, the line, and a marker below the words
//! that a message is about.

use crate::colors::Style;
use solvm_compiler::diagnostic::{BYTE_ORDER_MARK, LineColumn, Lines, Span};
use std::fmt::Write;
use unicode_width::UnicodeWidthChar;

/// The maximum number of columns of a line; of a longer one, those around the marker are shown.
const WIDTH: usize = 160;
/// The columns that are shown before the marker, if not all fit.
const CONTEXT: usize = 40;
/// How wide a tab is shown.
const TAB: usize = 4;

/// A span of a source that has a name.
pub(crate) struct Snippet<'t> {
    /// The name of the source.
    pub(crate) file: &'t str,
    /// All of it.
    pub(crate) lines: &'t Lines<'t>,
    /// What is marked.
    pub(crate) span: Span,
}

impl Snippet<'_> {
    /// Where the span starts.
    pub(crate) fn start(&self) -> LineColumn {
        self.lines.position(self.span.start)
    }

    /// `--> file:line:column`.
    pub(crate) fn write_position(&self, colored: bool, output: &mut String) {
        let LineColumn { line, column } = self.start();
        let arrow = Style::Blue.paint("-->", colored);
        let file = visible(self.file.as_bytes());
        let _ = writeln!(output, "  {arrow} {file}:{line}:{column}");
    }

    /// The line with a marker, and `label` after the marker.
    pub(crate) fn write_line(&self, label: &str, colored: bool, output: &mut String) {
        let number = self.start().line.to_string();
        let margin = " ".repeat(number.len());
        let bar = Style::Blue.paint("|", colored);
        let (line, column, width) = self.shown_line();
        let _ = writeln!(output, " {margin} {bar}");
        let shown = format!(" {} {bar} {line}", Style::Blue.paint(&number, colored));
        let _ = writeln!(output, "{}", shown.trim_end());
        let style = if label.is_empty() { Style::Red } else { Style::Blue };
        let mark = if label.is_empty() { "^" } else { "-" };
        let label = if label.is_empty() { String::new() } else { format!(" {label}") };
        let marker = format!("{}{}{label}", " ".repeat(column), mark.repeat(width));
        let _ = writeln!(output, " {margin} {bar} {}", style.paint(&marker, colored));
    }

    /// The text of the line, and the first column and the width of the marker. Of a long line,
    /// what is around the marker.
    fn shown_line(&self) -> (String, usize, usize) {
        let text = self.lines.text();
        let start = (self.span.start as usize).min(text.len());
        let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let before = text.get(..start).unwrap_or_default();
        let before = &before[before.len().saturating_sub(MAX_BYTES)..];
        let before = before.rsplit(is_break).next().unwrap_or_default();
        let before = before.strip_prefix(BYTE_ORDER_MARK).unwrap_or(before);
        let after = text.get(start..).unwrap_or_default();
        let after = &after[..after.len().min(MAX_BYTES)];
        let after = after.split(is_break).next().unwrap_or_default();
        let length = (self.span.end as usize).saturating_sub(start).min(after.len());
        let (marked, after) = after.split_at(length);
        let (before, marked, after) = (visible(before), visible(marked), visible(after));
        let mut shown = before;
        if width(&shown) + width(&marked) + width(&after) > WIDTH {
            shown = format!("...{}", last_columns(&shown, CONTEXT));
        }
        let column = width(&shown);
        let mut room = WIDTH.saturating_sub(column);
        let marked = first_columns(&marked, room);
        let marker = width(marked);
        room -= marker;
        shown.push_str(marked);
        let rest = first_columns(&after, room);
        shown.push_str(rest);
        if rest.len() < after.len() {
            shown.push_str("...");
        }
        (shown.trim_end().to_string(), column, marker.max(1))
    }
}

/// More bytes of a line before and after the start of a marker are not looked at.
const MAX_BYTES: usize = 8 * WIDTH;

/// The end of a text that is at most so wide.
fn last_columns(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let cut = text.char_indices().rev().find(|(_, letter)| {
        taken += letter.width().unwrap_or(0);
        taken > columns
    });
    cut.map_or(text, |(at, letter)| &text[at + letter.len_utf8()..])
}

/// The start of a text that is at most so wide.
fn first_columns(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let cut = text.char_indices().find(|(_, letter)| {
        taken += letter.width().unwrap_or(0);
        taken > columns
    });
    cut.map_or(text, |(at, _)| &text[..at])
}

/// Whether a terminal would not show a character but obey it.
fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// Text as a terminal may get it: tabs of the same width everywhere, no control characters.
pub(crate) fn visible(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace('\t', &" ".repeat(TAB));
    without_control(&text, &[])
}

/// The same for a text of several lines.
pub(crate) fn visible_lines(text: &str) -> String {
    without_control(text, &['\n', '\t'])
}

/// The text with control characters replaced, except these.
fn without_control(text: &str, kept: &[char]) -> String {
    let is_hidden = |letter: char| is_control(letter) && !kept.contains(&letter);
    text.chars().map(|letter| if is_hidden(letter) { '\u{fffd}' } else { letter }).collect()
}

fn width(text: &str) -> usize {
    text.chars().map(|letter| letter.width().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, word: &str) -> Vec<String> {
        let start = text.find(word).unwrap();
        let span = Span { start: start as u32, end: (start + word.len()) as u32 };
        let mut output = String::new();
        Snippet { file: "a.lua", lines: &Lines::new(text.as_bytes()), span }.write_line(
            "",
            false,
            &mut output,
        );
        output.lines().skip(1).map(String::from).collect()
    }

    #[test]
    fn markers_are_below_their_words() {
        assert_eq!(lines("a\nlocal b = c\n", "b"), [" 2 | local b = c", "   |       ^"]);
        assert_eq!(lines("\tx = yy", "yy"), [" 1 |     x = yy", "   |         ^^"]);
        assert_eq!(
            lines("s = '漢字' .. nil", "nil"),
            [" 1 | s = '漢字' .. nil", "   |               ^^^"]
        );
        // Of what is longer than a line, the first line.
        assert_eq!(lines("f(1,\n2)", "f(1,\n2)"), [" 1 | f(1,", "   | ^^^^"]);
    }

    #[test]
    fn long_lines_are_cut_around_the_marker() {
        let text = format!("{}word{}", "x ".repeat(500), " y".repeat(500));
        let shown = lines(&text, "word");
        let column = shown[1].find('^').unwrap();
        assert_eq!(&shown[0][column..column + 4], "word");
        let shown = lines(&format!("{}word", "漢".repeat(500)), "word");
        let column = shown[1].find('^').unwrap();
        assert_eq!(width(&shown[0][..shown[0].find("word").unwrap()]), column);
        assert!(shown[0].chars().count() < 180, "{shown:?}");
    }
}
