//! The line editor: history, completion, colours, multi-line chunks.
//!
//! It reads on its own thread, so that goroutines and timers keep running during the prompt. It
//! gets a copy of the program's names with each prompt: it never accesses the VM.

use crate::colors::{self, Style};
use rustyline::completion::Completer;
use rustyline::config::{CompletionType, Configurer};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Editor, ExternalPrinter, Helper};
use solvm_compiler::bytecode::Source;
use solvm_compiler::highlight::{Class, parts};
use solvm_compiler::{Options, compile};
use solvm_runtime::host::Printer;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{ErrorKind, stdout};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use tokio::sync::oneshot;

/// The globals and, of those that are tables, the fields.
pub(super) type Names = BTreeMap<String, Vec<String>>;

/// The user's input.
pub(super) enum TypedInput {
    /// A line, or multiple lines that are a chunk.
    Text(String),
    /// Bytes that are not valid UTF-8.
    NotText,
    /// Ctrl-C: the input is discarded.
    Interrupted,
    /// Ctrl-D, or the terminal is closed.
    End,
}

/// A prompt to show, and the channel for the answer.
struct Prompt {
    names: Names,
    sender: oneshot::Sender<TypedInput>,
}

/// A handle to the editor's thread.
pub(super) struct LineEditor {
    prompts: mpsc::Sender<Prompt>,
    /// Output to appear above the prompt.
    output: Option<mpsc::Sender<String>>,
    _mode: TerminalMode,
}

/// The terminal's mode before the editor changes it. It is restored at the end, since a session may
/// end while the editor waits for a key.
struct TerminalMode {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl TerminalMode {
    fn note() -> TerminalMode {
        TerminalMode {
            #[cfg(unix)]
            before: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }
}

impl Drop for TerminalMode {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            // A closed terminal needs no mode.
            let _ = rustix::termios::tcsetattr(
                std::io::stdin(),
                rustix::termios::OptionalActions::Now,
                before,
            );
        }
    }
}

impl LineEditor {
    /// Starts the editor.
    pub(super) fn start() -> Result<LineEditor, String> {
        let mut editor: Editor<Assistant, DefaultHistory> =
            Editor::new().map_err(|error| error.to_string())?;
        editor.set_completion_type(CompletionType::List);
        editor.set_auto_add_history(true);
        editor.set_helper(Some(Assistant {
            names: Names::new(),
            colored: colors::enabled(&stdout()),
        }));
        let history = history_file();
        if let Some(path) = &history {
            // On the first use there is none.
            let _ = editor.load_history(path);
        }
        let output = editor.create_external_printer().ok().and_then(start_printing);
        let mode = TerminalMode::note();
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new()
            .name("line editor".into())
            .spawn(move || read_lines(editor, receiver, history))
            .map_err(|error| error.to_string())?;
        Ok(LineEditor { prompts: sender, output, _mode: mode })
    }

    /// Prints above the prompt, and above what has been typed. None where that is not possible.
    pub(super) fn printer(&self) -> Option<Printer> {
        let output = self.output.clone()?;
        Some(Box::new(move |bytes| {
            // Without the thread there is no prompt.
            let _ = output.send(String::from_utf8_lossy(bytes).into_owned());
        }))
    }

    /// Shows the prompt; the response is the user's input.
    pub(super) fn ask(&self, names: Names) -> oneshot::Receiver<TypedInput> {
        let (sender, receiver) = oneshot::channel();
        // If the thread has ended, the dropped sender means the end of the input.
        let _ = self.prompts.send(Prompt { names, sender });
        receiver
    }
}

/// Starts the thread that prints: the editor may be slow to accept a text, and the program does not
/// wait for that.
fn start_printing(
    mut printer: impl ExternalPrinter + Send + 'static,
) -> Option<mpsc::Sender<String>> {
    let (sender, receiver) = mpsc::channel::<String>();
    let print = move || receiver.into_iter().all(|text| printer.print(text).is_ok());
    thread::Builder::new().name("printer".into()).spawn(print).ok()?;
    Some(sender)
}

/// Where the history is saved; None without a home directory.
fn history_file() -> Option<PathBuf> {
    let home = std::env::home_dir().filter(|home| home.is_dir())?;
    Some(home.join(".solvm_history"))
}

fn read_lines(
    mut editor: Editor<Assistant, DefaultHistory>,
    prompts: mpsc::Receiver<Prompt>,
    history: Option<PathBuf>,
) {
    for Prompt { names, sender } in prompts {
        if let Some(assistant) = editor.helper_mut() {
            assistant.names = names;
        }
        let read = match editor.readline("> ") {
            Ok(text) => TypedInput::Text(text),
            Err(ReadlineError::Interrupted) => TypedInput::Interrupted,
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                TypedInput::NotText
            }
            Err(_) => TypedInput::End,
        };
        if let Some(path) = &history {
            // A history that cannot be saved is not a reason to stop.
            let _ = editor.save_history(path);
        }
        if sender.send(read).is_err() {
            return;
        }
    }
}

/// The editor's callbacks while the user types.
struct Assistant {
    names: Names,
    colored: bool,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

/// Whether a text is only the start of a chunk.
pub(super) fn is_incomplete(text: &str) -> bool {
    // More input would start on a new line, where a quoted string cannot continue.
    let compiles = |text: &str| {
        let source = Source::new(format!("{text}\n").into_bytes(), &b"=stdin"[..]);
        compile(source, &Options::default()).map(drop)
    };
    // A complete expression is not the start of a statement.
    compiles(&format!("return {text}")).is_err()
        && compiles(text).is_err_and(|error| error.at_end_of_input)
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let is_command = text.starts_with('.') || text.starts_with('=');
        if !is_command && is_incomplete(text) {
            return Ok(ValidationResult::Incomplete);
        }
        Ok(ValidationResult::Valid(None))
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(&self.names, line.get(..position).unwrap_or_default()))
    }
}

/// Where the last name of the input starts, and its completions.
fn complete(names: &Names, text: &str) -> (usize, Vec<String>) {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let split = |text| {
        let start = str::trim_end_matches(text, is_part).len();
        text.split_at(start)
    };
    let (before, beginning) = split(text);
    let fits = |name: &&str| name.starts_with(beginning);
    let mut candidates: Vec<&str> = match before.strip_suffix(['.', ':']) {
        Some("") => {
            super::command_words().filter_map(|word| word.strip_prefix('.')).filter(fits).collect()
        }
        Some(before) => {
            let (_, table) = split(before);
            names.get(table).into_iter().flatten().map(String::as_str).filter(fits).collect()
        }
        None => names.keys().map(String::as_str).filter(fits).collect(),
    };
    candidates.sort_unstable();
    (before.len(), candidates.into_iter().map(String::from).collect())
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if !self.colored {
            return Cow::Borrowed(line);
        }
        let mut colored = String::new();
        let mut end = 0;
        for (range, class) in parts(line.as_bytes()) {
            let (Some(between), Some(part)) = (line.get(end..range.start), line.get(range.clone()))
            else {
                continue;
            };
            colored.push_str(between);
            colored.push_str(&match class {
                Class::Keyword => Style::Blue.paint(part, true),
                Class::Constant => Style::Magenta.paint(part, true),
                Class::Number => Style::Yellow.paint(part, true),
                Class::String => Style::Green.paint(part, true),
                Class::Comment => Style::Dim.paint(part, true),
                Class::Name | Class::Operator => part.to_string(),
            });
            end = range.end;
        }
        colored.push_str(line.get(end..).unwrap_or_default());
        Cow::Owned(colored)
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.colored && kind != CmdKind::MoveCursor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_fields_are_completed() {
        let names: Names = [
            (
                "string".to_string(),
                vec!["format".to_string(), "rep".to_string(), "find".to_string()],
            ),
            ("select".to_string(), Vec::new()),
        ]
        .into();
        assert_eq!(complete(&names, "print(s"), (6, vec!["select".into(), "string".into()]));
        assert_eq!(complete(&names, "x = string.f"), (11, vec!["find".into(), "format".into()]));
        assert_eq!(
            complete(&names, "string:"),
            (7, vec!["find".into(), "format".into(), "rep".into()])
        );
        assert_eq!(complete(&names, "nothing.f"), (8, vec![]));
        assert_eq!(complete(&names, ".lo"), (1, vec!["load".into()]));
        assert_eq!(complete(&names, "'äse"), (3, vec!["select".into()]));
    }

    #[test]
    fn chunks_of_several_lines_are_recognised() {
        for text in [
            "function f()",
            "x = {",
            "if x then\nprint(1)",
            "print(",
            "local s = [[abc",
            "--[[ so",
            "x = 'abc\\",
        ] {
            assert!(is_incomplete(text), "{text}");
        }
        for text in [
            "1 + 1",
            "x = 1",
            "function f() end",
            "x = )",
            "",
            "\"unfinished",
            "print('unfinished",
            "-- so",
        ] {
            assert!(!is_incomplete(text), "{text}");
        }
    }
}
