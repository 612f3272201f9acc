//! Error reports for terminals: the message, the source line with a marker, a hint if its cause is
//! certain, and the traceback. If stderr is not a terminal, errors have `lua`'s plain format, for
//! programs that read them.

use crate::colors::{self, Style};
use crate::spelling;
use solvm_stdlib::host::disk;
use solvm_stdlib::runtime::executor::Report;
use solvm_stdlib::system_error::reason;
use std::fmt::Write;
use std::io::{self, stderr};
use std::path::Path;

/// The error of a file operation, with the message that Lua programs get, too.
pub(crate) fn about_file(path: &Path, error: &io::Error) -> String {
    format!("{}: {}", path.display(), reason(error))
}

/// Formats a report.
pub(crate) fn render(report: &Report, globals: &[String]) -> String {
    let colored = colors::enabled(&stderr());
    let message = String::from_utf8_lossy(&report.message).into_owned();
    let calls = String::from_utf8_lossy(&report.traceback);
    let (place, what) = match location_of(&message) {
        // Text like a position in an object is not the error's; the traceback has the position
        // where it was raised.
        _ if report.is_object => (
            calls.lines().find_map(|line| location_of(line.trim_start())).map(|(place, _)| place),
            &message[..],
        ),
        Some((place, what)) => (Some(place), what),
        None => (None, &message[..]),
    };
    let (place, about) = match location_in_module(what) {
        Some((place, about)) => (Some(place), about),
        None => (place, if report.is_object { "" } else { what }),
    };
    let mut text =
        format!("{}: {}\n", Style::Red.paint("error", colored), Style::Bold.paint(what, colored));
    if let Some(place) = &place {
        let _ =
            writeln!(text, "  {} {}:{}", Style::Blue.paint("-->", colored), place.file, place.line);
        show_line(place, &named(about), colored, &mut text);
        // An error at the end of the source: the line where the open block starts is more useful.
        if let Some(line) = opening_line(about).filter(|line| *line != place.line) {
            show_line(&SourceLocation { file: place.file, line }, &[], colored, &mut text);
        }
    }
    if let Some(hint) = hint(what, globals) {
        let _ = writeln!(text, "  {} {hint}", Style::Cyan.paint("hint:", colored));
    }
    if !report.traceback.is_empty() {
        let of = report.goroutine.map_or(String::new(), |number| format!(" of goroutine {number}"));
        let _ = writeln!(
            text,
            "{}{}",
            Style::Dim.paint(&format!("stack traceback{of}:"), colored),
            calls.trim_end()
        );
    }
    text
}

/// A position in a source file.
struct SourceLocation<'m> {
    file: &'m str,
    line: u32,
}

/// The position at the start of a message, and the rest of it.
fn location_of(message: &str) -> Option<(SourceLocation<'_>, &str)> {
    // The file's name may have colons, too.
    let mut from = 0;
    loop {
        let at = from + message.get(from..)?.find(':')?;
        let (file, rest) = (&message[..at], &message[at + 1..]);
        if let Some((line, what)) = rest.split_once(": ")
            && let Ok(line) = line.parse()
            && !file.contains('\n')
        {
            return Some((SourceLocation { file, line }, what));
        }
        from = at + 1;
    }
}

/// Returns the position in a module that failed to load, if it can be shown, and the message.
fn location_in_module(what: &str) -> Option<(SourceLocation<'_>, &str)> {
    // A module that imports others may have failed for one of them: the last line is about the
    // innermost.
    let last = what.strip_prefix("error loading module '")?.lines().next_back()?;
    location_of(last.trim_start()).filter(|(place, _)| Path::new(place.file).is_file())
}

/// The quoted names in a message, which may occur in the line.
fn named(what: &str) -> Vec<&str> {
    what.split('\'').skip(1).step_by(2).filter(|name| !name.is_empty() && *name != "?").collect()
}

/// The line of "(to close 'function' at line 3)".
fn opening_line(what: &str) -> Option<u32> {
    let (_, rest) = what.split_once("(to close '")?;
    rest.split_once("' at line ")?.1.split(')').next()?.parse().ok()
}

/// Lines of larger files are not shown.
const MAX_SOURCE: u64 = 16 << 20;

/// Shows a line with a marker below the names that the message quotes; below all of it if there are
/// none.
fn show_line(place: &SourceLocation<'_>, names: &[&str], colored: bool, text: &mut String) {
    let source = disk().read_now(Path::new(place.file), MAX_SOURCE);
    let Some(Ok(source)) = source else { return };
    let Some(line) = source.split(|&byte| byte == b'\n').nth(place.line.saturating_sub(1) as usize)
    else {
        return;
    };
    let line = String::from_utf8_lossy(line).replace('\t', "    ");
    let line = line.trim_end();
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let bar = Style::Blue.paint("|", colored);
    let _ = writeln!(text, " {margin} {bar}");
    let _ = writeln!(text, " {} {bar} {line}", Style::Blue.paint(&number, colored));
    let found = names
        .iter()
        .rev()
        .find_map(|name| find_word(line, name).map(|at| (at, name.chars().count())));
    let indent = line.len() - line.trim_start().len();
    let (start, length) = found.unwrap_or((indent, line.trim().chars().count()));
    if length > 0 {
        let column = line.get(..start).map_or(0, |before| before.chars().count());
        let marker = format!("{}{}", " ".repeat(column), "^".repeat(length));
        let _ = writeln!(text, " {margin} {bar} {}", Style::Red.paint(&marker, colored));
    }
}

/// The position of a word in a line, not as a part of another one.
fn find_word(line: &str, word: &str) -> Option<usize> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let begins = word.starts_with(is_part);
        !(begins && (before.is_some_and(is_part) || after.is_some_and(is_part)))
    })
}

/// A hint whose cause is certain.
fn hint(what: &str, globals: &[String]) -> Option<String> {
    if let Some((_, rest)) = what.split_once("global '")
        && let Some((name, _)) = rest.split_once("' (a nil value)")
    {
        let known = globals.iter().map(String::as_str).filter(|known| *known != name);
        return spelling::closest(name, known)
            .map(|meant| format!("did you mean the global '{meant}'?"));
    }
    if what.starts_with("'end' expected near '<eof>'") {
        return Some("a block is missing its 'end'".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found() {
        let found =
            |message| location_of(message).map(|(place, what)| (place.file, place.line, what));
        assert_eq!(found("a.lua:3: boom"), Some(("a.lua", 3, "boom")));
        assert_eq!(found("c:\\a.lua:3: boom: 4: x"), Some(("c:\\a.lua", 3, "boom: 4: x")));
        assert_eq!(found("boom"), None);
        assert_eq!(found("no: place"), None);
    }

    #[test]
    fn words_are_found_whole() {
        assert_eq!(find_word("local xy = x + 1", "x"), Some(11));
        assert_eq!(find_word("xy", "x"), None);
        assert_eq!(find_word("f(", "("), Some(1));
    }

    #[test]
    fn hints_are_certain() {
        let globals = ["print".to_string(), "config".to_string()];
        let found = hint("attempt to index global 'conifg' (a nil value)", &globals);
        assert_eq!(found.as_deref(), Some("did you mean the global 'config'?"));
        assert_eq!(hint("attempt to call global 'launch' (a nil value)", &globals), None);
        assert_eq!(
            hint("'end' expected near '<eof>'", &globals).as_deref(),
            Some("a block is missing its 'end'")
        );
        // The message already contains it.
        assert_eq!(
            hint("'end' expected (to close 'function' at line 3) near '<eof>'", &globals),
            None
        );
    }
}
