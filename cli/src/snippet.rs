//! A part of a source as terminals show it: the position, the line, and a marker below the words
//! that a message is about.

use crate::colors::Style;
use solvm_compiler::diagnostic::{LineColumn, Span, line_column};
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
    pub(crate) text: &'t [u8],
    /// What is marked.
    pub(crate) span: Span,
}

impl Snippet<'_> {
    /// Where the span starts.
    pub(crate) fn start(&self) -> LineColumn {
        line_column(self.text, self.span.start)
    }

    /// `--> file:line:column`.
    pub(crate) fn write_position(&self, colored: bool, output: &mut String) {
        let LineColumn { line, column } = self.start();
        let arrow = Style::Blue.paint("-->", colored);
        let _ = writeln!(output, "  {arrow} {}:{line}:{column}", self.file);
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

    /// The text of the line, and the first column and the width of the marker.
    fn shown_line(&self) -> (String, usize, usize) {
        let start = (self.span.start as usize).min(self.text.len());
        let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.iter().rposition(is_break).map_or(0, |last| last + 1);
        let after = self.text.get(start..).unwrap_or_default();
        let line_end = after.iter().position(is_break).map_or(self.text.len(), |end| start + end);
        let end = (self.span.end as usize).clamp(start, line_end);
        let part = |range| visible(self.text.get(range).unwrap_or_default());
        let (before, marked, after) =
            (part(line_start..start), part(start..end), part(end..line_end));
        let mut column = width(&before);
        let marker = width(&marked).clamp(1, WIDTH);
        let line = format!("{before}{marked}{after}");
        if width(&line) <= WIDTH {
            return (line.trim_end().to_string(), column, marker);
        }
        let skipped = column.saturating_sub(CONTEXT);
        let (mut shown, mut at) = (String::new(), 0);
        for letter in line.chars() {
            if at >= skipped && at < skipped + WIDTH {
                shown.push(letter);
            }
            at += letter.width().unwrap_or(0);
        }
        column -= skipped;
        if skipped > 0 {
            shown.insert_str(0, "...");
            column += 3;
        }
        (shown, column, marker.min(WIDTH))
    }
}

/// Text as a terminal may get it: tabs of the same width everywhere, no control characters.
fn visible(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace('\t', &" ".repeat(TAB));
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
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
        Snippet { file: "a.lua", text: text.as_bytes(), span }.write_line("", false, &mut output);
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
        assert!(shown[0].chars().count() < 180, "{shown:?}");
    }
}
