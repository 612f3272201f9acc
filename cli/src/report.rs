//! The long form of error reports: the message, the source line with a marker below the words that
//! it is about, a hint if the cause is likely, and the traceback. The short form is that of `lua`,
//! for programs that read errors.

use crate::colors::{self, Style};
use crate::hints::{self, Failure};
use crate::snippet::{Snippet, visible, visible_lines};
use solvm_compiler::bytecode::Source;
use solvm_compiler::diagnostic::{Diagnostic, Lines, Span};
use solvm_compiler::{Options, chunk_id, compile, hint};
use solvm_runtime::host::disk;
use solvm_runtime::report::{Names, Report};
use solvm_runtime::system_error::reason;
use std::fmt::Write;
use std::io::{self, stderr};
use std::path::Path;
use std::sync::Arc;

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
    let message = String::from_utf8_lossy(&report.message);
    let error = Uncaught::new(report, &message);
    let syntax_error = error.syntax_error(reads_files);
    let mut text = match &syntax_error {
        Some((.., fault)) if report.source.is_some() => heading(&fault.message, colored),
        _ => heading(error.about, colored),
    };
    error.write_source(syntax_error, names, colored, &mut text);
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
    let message = String::from_utf8_lossy(&report.message);
    let error = Uncaught::new(report, &message);
    let mut text = String::new();
    error.write_source(error.syntax_error(true), &Names::default(), false, &mut text);
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

/// A chunk that does not compile: its name in messages, the source and the fault.
type SyntaxError = (String, Arc<Source>, Diagnostic);

/// A report with its message taken apart.
struct Uncaught<'r> {
    report: &'r Report,
    message: &'r str,
    /// The position at the start of the message. Text like one in an object is not the error's.
    position: Option<Position<'r>>,
    /// The rest of the message.
    about: &'r str,
}

impl<'r> Uncaught<'r> {
    fn new(report: &'r Report, message: &'r str) -> Self {
        let (position, about) = match position_of(message).filter(|_| !report.is_object) {
            Some((position, about)) => (Some(position), about),
            None => (None, message),
        };
        Uncaught { report, message, position, about }
    }

    /// The fault of a chunk, if that is what the error is about.
    fn syntax_error(&self, reads_files: bool) -> Option<SyntaxError> {
        if let Some(source) = &self.report.source {
            return fault_of(source.clone(), self.message);
        }
        if !reads_files {
            return None;
        }
        let about = match self.about.strip_prefix("error loading module '") {
            // A module that imports others may have failed for one of them: the last line is about
            // the innermost.
            Some(modules) => modules.lines().next_back()?.trim_start(),
            // `dofile` raises the error of the chunk.
            None => self.message,
        };
        let (Position { file, .. }, _) = position_of(about)?;
        let text = disk().read_now(Path::new(file), MAX_SOURCE as u64)?.ok()?;
        fault_of(Arc::new(Source::new(text, format!("@{file}").into_bytes())), about)
    }

    /// Shows what the error is about in its source, and a hint.
    fn write_source(
        &self,
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
            None => self.write_site(names, colored, text),
        };
        write_hint(hint.as_deref(), colored, text);
    }

    /// Writes the place where code has failed. Returns a hint.
    fn write_site(&self, names: &Names, colored: bool, text: &mut String) -> Option<String> {
        let mut failure = Failure { message: self.cause(), source: None, names };
        // The innermost site is where the error was raised; the message may be about another line.
        let site = self.report.traceback.sites.iter().find(|site| {
            self.position.as_ref().is_none_or(|position| {
                position.file == file_of(site.chunk_name()) && Some(position.line) == site.line()
            })
        });
        if let Some(site) = site.filter(|site| site.text().len() <= MAX_SOURCE)
            && let Some(range) = site.locate()
        {
            let file = file_of(site.chunk_name());
            let lines = Lines::new(site.text());
            let snippet = Snippet { file: &file, lines: &lines, span: Span::from(range.clone()) };
            snippet.write_position(colored, text);
            self.write_causes(&snippet, colored, text);
            snippet.write_line("", colored, text);
            failure.source = Some((site.text(), range));
        } else if let Some(Position { file, line }) = &self.position {
            // What is in the file is not known: only chunks that were loaded are shown.
            let arrow = Style::Blue.paint("-->", colored);
            let _ = writeln!(text, "  {arrow} {}:{line}", visible(file.as_bytes()));
        }
        hints::hint(&failure)
    }

    /// The message without any position: an error that is raised again, by `error` or by the
    /// function of `coroutine.wrap`, gets another one in front of its own.
    fn cause(&self) -> &'r str {
        let again = self.position.as_ref().and_then(|_| positions(self.about).last());
        again.map_or(self.about, |(_, rest)| rest)
    }

    /// Shows the lines that an error which was raised again came from, the first one first, if
    /// their chunks are known.
    fn write_causes(&self, raised: &Snippet, colored: bool, text: &mut String) {
        let mut places: Vec<Position> =
            positions(self.about).take(MAX_CAUSES).map(|(place, _)| place).collect();
        places.retain(|place| place.file != raised.file || place.line != raised.start().line);
        for Position { file, line } in places.into_iter().rev() {
            let mut sites = self.report.traceback.sites.iter();
            let Some(site) = sites.find(|site| file == file_of(site.chunk_name())) else {
                continue;
            };
            if site.text().len() > MAX_SOURCE {
                continue;
            }
            let lines = Lines::new(site.text());
            let snippet = Snippet { file, lines: &lines, span: lines.code_of(line) };
            snippet.write_line("raised here", colored, text);
        }
    }
}

/// The fault of a chunk, if its message is that one.
fn fault_of(source: Arc<Source>, message: &str) -> Option<SyntaxError> {
    let error = compile(source.clone(), &Options::default()).err()?;
    let is_meant = String::from_utf8_lossy(&error.message) == message;
    is_meant.then(|| (file_of(&source.name), source, *error.diagnostic))
}

/// How messages name a chunk.
fn file_of(chunk_name: &[u8]) -> String {
    String::from_utf8_lossy(&chunk_id(chunk_name)).into_owned()
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

/// The positions at the start of a message, one after the other, each with the rest after it.
fn positions(message: &str) -> impl Iterator<Item = (Position<'_>, &str)> {
    std::iter::successors(position_of(message), |(_, rest)| position_of(rest))
}

/// The maximum number of places that are shown for an error that was raised again.
const MAX_CAUSES: usize = 3;
/// The maximum size of a source that is shown.
const MAX_SOURCE: usize = 4 << 20;

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
