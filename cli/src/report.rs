//! The long form of error reports: the message, the source line with a marker below the words that
//! it is about, a hint if the cause is likely, and the traceback. The short form is that of `lua`,
//! for programs that read errors.

use crate::colors::{self, Style};
use crate::hints::{self, Failure};
use crate::snippet::{Snippet, visible, visible_lines};
use solvm_compiler::bytecode::Source;
use solvm_compiler::diagnostic::{Diagnostic, Lines, Span};
use solvm_compiler::{Options, chunk_id, compile, hint};
use solvm_stdlib::host::disk;
use solvm_stdlib::runtime::report::{Names, Report};
use solvm_stdlib::system_error::reason;
use std::fmt::Write;
use std::io::{self, stderr};
use std::path::Path;

/// The error of a file operation, with the message that Lua programs get, too.
pub(crate) fn about_file(path: &Path, error: &io::Error) -> String {
    format!("{}: {}", path.display(), reason(error))
}

/// Formats a report for stderr.
pub(crate) fn render(report: &Report, names: &Names) -> String {
    render_with(report, names, true)
}

/// The same for a program with permissions: no file is read, which it might not be allowed to read.
pub(crate) fn render_without_files(report: &Report, names: &Names) -> String {
    render_with(report, names, false)
}

fn render_with(report: &Report, names: &Names, reads_files: bool) -> String {
    let colored = colors::enabled(&stderr());
    let message = String::from_utf8_lossy(&report.message).into_owned();
    let about = match position_of(&message) {
        // Text like a position in an object is not the error's.
        Some((_, about)) if !report.is_object => about,
        _ => &message[..],
    };
    let syntax_error = syntax_error(report, &message, about, reads_files);
    let mut text = match &syntax_error {
        Some((.., fault)) if report.source.is_some() => heading(&fault.message, colored),
        _ => heading(about, colored),
    };
    write_source(report, &message, about, syntax_error, names, colored, &mut text);
    let calls = report.calls();
    if !calls.is_empty() {
        let of = report.goroutine.map_or(String::new(), |number| format!(" of goroutine {number}"));
        let heading = Style::Dim.paint(&format!("stack traceback{of}:"), colored);
        let calls = visible_lines(&String::from_utf8_lossy(&calls));
        let _ = writeln!(text, "{heading}{}", calls.trim_end());
    }
    text
}

/// The position, the source line and the hint of a report, without colours.
pub(crate) fn excerpt(report: &Report) -> String {
    let message = String::from_utf8_lossy(&report.message).into_owned();
    let about = position_of(&message).map_or(&message[..], |(_, about)| about);
    let syntax_error = syntax_error(report, &message, about, true);
    let mut text = String::new();
    write_source(report, &message, about, syntax_error, &Names::default(), false, &mut text);
    text
}

/// Formats an error in a source, or a finding of `solvm check`.
pub(crate) fn render_diagnostic(
    file: &str,
    lines: &Lines,
    diagnostic: &Diagnostic,
    hint: Option<&str>,
    colored: bool,
) -> String {
    let mut text = heading(&diagnostic.message, colored);
    write_diagnostic(file, lines, diagnostic, colored, &mut text);
    write_hint(hint, colored, &mut text);
    text
}

fn heading(message: &str, colored: bool) -> String {
    let message = visible_lines(message);
    format!("{}: {}\n", Style::Red.paint("error", colored), Style::Bold.paint(&message, colored))
}

fn write_hint(hint: Option<&str>, colored: bool, text: &mut String) {
    if let Some(hint) = hint {
        let _ = writeln!(text, "  {} {hint}", Style::Cyan.paint("hint:", colored));
    }
}

fn write_diagnostic(
    file: &str,
    lines: &Lines,
    diagnostic: &Diagnostic,
    colored: bool,
    text: &mut String,
) {
    let main = Snippet { file, lines, span: diagnostic.span };
    main.write_position(colored, text);
    for note in &diagnostic.notes {
        let snippet = Snippet { file, lines, span: note.span };
        if snippet.start().line != main.start().line {
            snippet.write_line(&note.message, colored, text);
        }
    }
    main.write_line("", colored, text);
}

/// Shows what a report is about in its source, and a hint.
fn write_source(
    report: &Report,
    message: &str,
    about: &str,
    syntax_error: Option<SyntaxError>,
    names: &Names,
    colored: bool,
    text: &mut String,
) {
    let hint = match syntax_error {
        Some((file, source, fault)) => {
            write_diagnostic(&file, &Lines::new(&source.text), &fault, colored, text);
            hint::hint(&source.text, &fault).map(String::from)
        }
        None => write_site(report, message, about, names, colored, text),
    };
    write_hint(hint.as_deref(), colored, text);
}

/// Writes the place where code has failed. Returns a hint.
fn write_site(
    report: &Report,
    message: &str,
    about: &str,
    names: &Names,
    colored: bool,
    text: &mut String,
) -> Option<String> {
    let mut failure = Failure { message: about, source: None, names };
    let position = position_of(message).filter(|_| !report.is_object).map(|(position, _)| position);
    // The site is where the error was raised; the message may be about another line.
    let site = report.traceback.sites.iter().find(|site| {
        position.as_ref().is_none_or(|position| {
            let file = chunk_id(site.chunk_name());
            position.file == String::from_utf8_lossy(&file) && Some(position.line) == site.line()
        })
    });
    if let Some(site) = site.filter(|site| site.text().len() <= MAX_SOURCE)
        && let Some(range) = site.locate()
    {
        let file = String::from_utf8_lossy(&chunk_id(site.chunk_name())).into_owned();
        let lines = Lines::new(site.text());
        let snippet = Snippet { file: &file, lines: &lines, span: Span::from(range.clone()) };
        snippet.write_position(colored, text);
        snippet.write_line("", colored, text);
        failure.source = Some((site.text(), range));
    } else if let Some(Position { file, line }) = position {
        // What is in the file is not known: only chunks that were loaded are shown.
        let arrow = Style::Blue.paint("-->", colored);
        let _ = writeln!(text, "  {arrow} {}:{line}", visible(file.as_bytes()));
    }
    hints::hint(&failure)
}

/// A chunk that does not compile: its name in messages, the source and the fault.
type SyntaxError = (String, Source, Diagnostic);

/// The fault of a chunk, if that is what an error is about.
fn syntax_error(
    report: &Report,
    message: &str,
    about: &str,
    reads_files: bool,
) -> Option<SyntaxError> {
    let fault_of = |name: &[u8], text: &[u8], message: &str| {
        let source = Source::new(text, name);
        let error = compile(Source::new(text, name), &Options::default()).err()?;
        let is_meant = String::from_utf8_lossy(&error.message) == message;
        let file = String::from_utf8_lossy(&chunk_id(name)).into_owned();
        is_meant.then_some((file, source, *error.diagnostic))
    };
    if let Some(source) = &report.source {
        return fault_of(&source.name, &source.text, message);
    }
    if !reads_files {
        return None;
    }
    // A module that imports others may have failed for one of them: the last line is about the
    // innermost.
    let inner = about.strip_prefix("error loading module '")?.lines().next_back()?.trim_start();
    let (position, _) = position_of(inner)?;
    let text = read(position.file)?;
    fault_of(format!("@{}", position.file).as_bytes(), &text, inner)
}

/// A position in a message.
struct Position<'m> {
    file: &'m str,
    line: u32,
}

/// The position at the start of a message, and the rest of it.
fn position_of(message: &str) -> Option<(Position<'_>, &str)> {
    // The file's name may have colons, too. No name in a message is longer.
    const LONGEST: usize = 512;
    let colons = message.bytes().take(LONGEST).enumerate().filter(|&(_, byte)| byte == b':');
    for (at, _) in colons {
        let (file, rest) = (message.get(..at)?, message.get(at + 1..)?);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if let Ok(line) = rest[..digits].parse()
            && let Some(about) = rest[digits..].strip_prefix(": ")
            && !file.contains('\n')
        {
            return Some((Position { file, line }, about));
        }
    }
    None
}

/// The maximum size of a file whose lines are shown.
const MAX_SOURCE: usize = 4 << 20;

fn read(file: &str) -> Option<Vec<u8>> {
    disk().read_now(Path::new(file), MAX_SOURCE as u64)?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_found() {
        let found = |message| {
            position_of(message).map(|(position, about)| (position.file, position.line, about))
        };
        assert_eq!(found("a.lua:3: boom"), Some(("a.lua", 3, "boom")));
        assert_eq!(found("c:\\a.lua:3: boom: 4: x"), Some(("c:\\a.lua", 3, "boom: 4: x")));
        assert_eq!(found("boom"), None);
        assert_eq!(found("no: place"), None);
        let colons = "1:".repeat(1_000_000);
        assert_eq!(position_of(&colons).map(|(_, about)| about), None);
        assert_eq!(found("é:12: x"), Some(("é", 12, "x")));
    }
}
