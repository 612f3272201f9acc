//! Colours on terminals that support them.

use std::io::IsTerminal;

/// Whether text for this stream is coloured: not if NO_COLOR (no-color.org) is set; otherwise if it
/// is a terminal, or FORCE_COLOR (force-color.org) is set.
pub(crate) fn enabled(stream: &impl IsTerminal) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_forced = is_set("FORCE_COLOR") && std::env::var_os("FORCE_COLOR") != Some("0".into());
    let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !is_set("NO_COLOR") && (is_forced || stream.is_terminal() && !is_dumb)
}

/// Ways to write text, as terminals name them (ECMA-48, Select Graphic Rendition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
}

impl Style {
    /// The text in this style; unchanged if colours are disabled.
    pub(crate) fn paint(self, text: &str, enabled: bool) -> String {
        if !enabled || text.is_empty() {
            return text.to_string();
        }
        let code = match self {
            Style::Bold => 1,
            Style::Dim => 2,
            Style::Red => 31,
            Style::Green => 32,
            Style::Yellow => 33,
            Style::Blue => 34,
            Style::Magenta => 35,
            Style::Cyan => 36,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
