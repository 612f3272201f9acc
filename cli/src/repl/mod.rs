//! The REPL on a terminal: reads a chunk, runs it, shows its results.
//!
//! Goroutines and timers keep running during the prompt. Ctrl-C ends the running code and keeps its
//! effects. (`interactive.rs` is the plain form for pipes, as `lua -i`.)

mod editor;

use crate::colors::{self, Style};
use crate::description::describe;
use crate::report::about_file;
use crate::session::start;
use crate::signals::{Signal, Signals};
use editor::{LineEditor, Names, TypedInput};
use solvm_lua::load::read_program;
use solvm_runtime::Host;
use solvm_runtime::executor::{EndObserver, Executor, Outcome};
use solvm_runtime::host::disk;
use solvm_runtime::inspect::{InspectLimits, Part, inspect};
use solvm_vm::{Call, Function, LuaString, Metamethod, Table, Value};
use std::io::{stderr, stdout};
use std::pin::pin;
use std::time::Instant;
use tokio::sync::oneshot;

/// The chunk name of interactive input.
const NAME: &[u8] = b"=stdin";
/// The global that holds the last value.
const LAST: &str = "_";

const HELP: &str = "\
Expressions are evaluated and printed; statements are run. Incomplete input
continues on the next line. _ is the last value. Locals last for one input.
Tab completes names, Ctrl-C interrupts, Ctrl-D exits.

help NAME     show the documentation of a module or function
exit, quit    exit SolVM
clear         clear the screen
version       print the version
";

/// The commands, which are not valid Lua, with their descriptions.
const COMMANDS: &[(&str, &str)] = &[
    (".load FILE", "run a file"),
    (".save FILE", "save the Lua code typed so far to a file"),
    (".reset", "restart with fresh globals"),
    (".time CODE", "run code and print how long it took"),
    (".help", "show this help"),
];

/// The names of these commands.
fn command_words() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().filter_map(|(usage, _)| usage.split(' ').next())
}

/// How the session continues.
enum Next {
    Prompt,
    End(End),
}

/// How a session ends: normally, by a timeout, or by a signal.
type End = Result<Outcome, Signal>;

struct Session<'e, M> {
    executor: &'e mut Executor,
    signals: &'e mut Signals,
    /// Makes an executor for `.reset`.
    make: M,
    /// The Lua code of the session.
    typed: Vec<String>,
}

/// Reads and runs until the end of the input.
pub(crate) async fn run<M>(
    executor: &mut Executor,
    signals: &mut Signals,
    make: M,
) -> Result<End, String>
where
    M: FnMut() -> Result<Executor, Vec<u8>>,
{
    let editor = LineEditor::start()?;
    executor.set_interactive(true);
    let mut session = Session { executor, signals, make, typed: Vec::new() };
    session.print("Type help for more information.\n");
    let end = loop {
        // The line with the prompt belongs to the editor.
        let progress = session.executor.progress();
        progress.pause();
        session.executor.print_through(editor.printer());
        let receiver = editor.ask(session.names());
        let input = session.wait_for(receiver).await;
        session.executor.print_through(None);
        progress.resume();
        let input = match input {
            Ok(Some(input)) => input,
            Ok(None) => break Ok(Outcome::Interrupted),
            Err(signal) => break Err(signal),
        };
        match input {
            TypedInput::Text(text) => {
                if let Next::End(end) = session.take(&text).await {
                    break end;
                }
            }
            TypedInput::Interrupted => {}
            TypedInput::NotText => session.print_error("\ninvalid UTF-8; line discarded"),
            TypedInput::End => break Ok(Outcome::Ended),
        }
    };
    session.executor.set_interactive(false);
    Ok(end)
}

impl<M: FnMut() -> Result<Executor, Vec<u8>>> Session<'_, M> {
    /// Runs goroutines and timers until there is input. None after a timeout.
    async fn wait_for(
        &mut self,
        input: oneshot::Receiver<TypedInput>,
    ) -> Result<Option<TypedInput>, Signal> {
        // If the sender was dropped, that is the end.
        let mut input = pin!(async { input.await.unwrap_or(TypedInput::End) });
        let wait = async {
            tokio::select! {
                biased;
                input = &mut input => return Some(input),
                _ = self.executor.drive_to_end() => {}
            }
            let _ = self.executor.flush_all();
            match self.executor.due() {
                Some(due) => tokio::time::timeout_at(due.into(), input).await.ok(),
                None => Some(input.await),
            }
        };
        self.signals.unless_one_comes(wait).await
    }

    /// Executes a command or Lua code.
    async fn take(&mut self, text: &str) -> Next {
        let words = text.trim();
        let (command, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let rest = rest.trim();
        match command {
            "" => {}
            // As functions they are not useful here.
            "exit" | "quit" | "exit()" | "quit()" if rest.is_empty() => {
                return Next::End(Ok(Outcome::Ended));
            }
            "help" | ".help" | "help()" if rest.is_empty() => {
                let lines: String =
                    COMMANDS.iter().map(|(usage, about)| format!("{usage:<14}{about}\n")).collect();
                self.print(&format!("{HELP}{lines}"));
            }
            "help" | ".help"
                if rest
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || "_.:".contains(letter)) =>
            {
                match describe(rest) {
                    Some(text) => self.print(&text),
                    None => self.print_error(&format!("no documentation for '{rest}'")),
                }
            }
            "clear" if rest.is_empty() => self.print("\x1b[2J\x1b[H"),
            "version" if rest.is_empty() => {
                self.print(concat!("SolVM ", env!("CARGO_PKG_VERSION"), " (Lua 5.1)\n"))
            }
            ".load" | ".save" if rest.is_empty() => {
                self.print_error(&format!("usage: {command} FILE"))
            }
            ".load" => match read_program(self.executor, disk(), Some(rest.as_bytes())).await {
                Some(Ok(source)) => return self.run(&source.text, &source.name).await,
                Some(Err(message)) => self.print_error(&String::from_utf8_lossy(&message)),
                None => self.print_error("timed out"),
            },
            ".save" => {
                if let Err(error) = std::fs::write(rest, self.typed.join("\n") + "\n") {
                    self.print_error(&about_file(rest.as_ref(), &error));
                }
            }
            ".reset" => match (self.make)() {
                Ok(executor) => {
                    self.executor.finish().await;
                    *self.executor = executor;
                    self.executor.set_interactive(true);
                    self.typed.clear();
                }
                Err(message) => self.print_error(&String::from_utf8_lossy(&message)),
            },
            ".time" => {
                let started = Instant::now();
                let next = self.run_typed(rest).await;
                self.print(&format!("{:.2?}\n", started.elapsed()));
                return next;
            }
            command if command.starts_with('.') && !command.starts_with("..") => {
                let words: Vec<&str> = command_words().collect();
                self.print_error(&format!(
                    "unknown command {command} (commands: {})",
                    words.join(" ")
                ));
            }
            _ => return self.run_typed(text).await,
        }
        Next::Prompt
    }

    /// Runs what was typed: as an expression if it is one.
    async fn run_typed(&mut self, text: &str) -> Next {
        let text = text.strip_prefix('=').unwrap_or(text);
        let expression = format!("return {text}");
        let is_expression = self.compiles(&expression);
        if let Some(statement) = self.as_statement(text) {
            self.typed.push(statement);
        }
        self.run(if is_expression { expression.as_bytes() } else { text.as_bytes() }, NAME).await
    }

    fn compiles(&mut self, text: &str) -> bool {
        self.executor.enter(|call| call.load(text.as_bytes(), NAME).is_ok())
    }

    /// The input as a statement that others may follow in a file: values that would be shown are
    /// printed. None if it is not Lua.
    fn as_statement(&mut self, text: &str) -> Option<String> {
        let forms = [
            // It would continue the previous line.
            if text.trim_start().starts_with('(') { format!(";{text}") } else { text.into() },
            format!("print({text})"),
            // A comment at its end.
            format!("print({text}\n)"),
            // It returns values.
            format!("print((function(...) {text}\nend)(...))"),
        ];
        forms.into_iter().find(|form| self.compiles(&format!("{form}\ndo end")))
    }

    /// Runs a chunk and shows its results.
    async fn run(&mut self, text: &[u8], name: &[u8]) -> Next {
        let main = match self.executor.enter(|call| start(call, text, name)) {
            Ok(main) => main,
            Err(failure) => {
                self.executor.fail_with(&failure);
                return Next::Prompt;
            }
        };
        let colored = colors::enabled(&stdout());
        let mut shown = Vec::new();
        let driven = {
            let mut observe: Box<EndObserver> = Box::new(|call, end| {
                let Ok(values) = end else { return false };
                shown = values.iter().map(|&value| Shown::new(call, value, colored)).collect();
                true
            });
            self.signals.unless_one_comes(self.executor.drive_main_for(main, &mut *observe)).await
        };
        match driven {
            Ok(Outcome::Ended) => {}
            Ok(end @ (Outcome::Interrupted | Outcome::Reload)) => return Next::End(Ok(end)),
            Err(Signal::Terminate) => return Next::End(Err(Signal::Terminate)),
            Err(Signal::Interrupt) => {
                self.executor.enter(|call| call.end_goroutine(main));
                self.executor.drive(Some(main)).await;
                self.print_error("interrupted");
                return Next::Prompt;
            }
        }
        for shown in shown {
            match shown {
                Shown::Text(text) => self.print(&format!("{text}\n")),
                Shown::ByPrint(number) => self.print_last(number).await,
            }
        }
        Next::Prompt
    }

    /// Prints a value with its own `__tostring`, by the global `print`.
    async fn print_last(&mut self, reference: solvm_vm::native::Reference) {
        let printing = self.executor.enter(|call| {
            let key = call.string(b"print").ok()?;
            let print = Function::from_value(call.globals().get(key))?;
            let value = reference.get(call)?;
            call.spawn(print, &[value]).ok()
        });
        if let Some(printing) = printing {
            self.executor.drive_main(printing).await;
        }
    }

    /// The globals, and the fields of those that are tables.
    fn names(&mut self) -> Names {
        self.executor.enter(|call| {
            let globals = call.globals().pairs();
            let named = globals.filter_map(|(key, value)| {
                let table = Table::from_value(value);
                let fields = table.into_iter().flat_map(|table| table.pairs()).take(1000);
                Some((text(key)?, fields.filter_map(|(key, _)| text(key)).collect()))
            });
            named.collect()
        })
    }

    fn print(&mut self, text: &str) {
        self.executor.enter(|call| {
            if let Some(host) = call.host::<Host>() {
                // A closed terminal ends the session where it is read.
                let _ = host.world.write_output(text.as_bytes());
            }
        });
        self.executor.flush();
    }

    fn print_error(&mut self, text: &str) {
        let text = Style::Red.paint(text, colors::enabled(&stderr()));
        self.executor.write_error(format!("{text}\n").as_bytes());
    }
}

/// Returns a key as a name.
fn text(key: Value<'_>) -> Option<String> {
    LuaString::from_value(key).map(|key| String::from_utf8_lossy(key.bytes()).into_owned())
}

/// The colour of a part of a value.
fn style(part: Part) -> Style {
    match part {
        Part::Text => Style::Green,
        Part::Number => Style::Yellow,
        Part::Boolean => Style::Magenta,
        Part::Faint => Style::Dim,
        Part::Reference => Style::Cyan,
    }
}

/// How a value is shown.
enum Shown {
    Text(String),
    /// A value with `__tostring`, which may be any Lua function.
    ByPrint(solvm_vm::native::Reference),
}

impl Shown {
    fn new<'c>(call: &mut Call<'c>, value: Value<'c>, colored: bool) -> Shown {
        // The last value is kept, if there is memory for it.
        let _ = call.globals().set_field(call, LAST, value);
        let by_print = !call.metamethod(value, Metamethod::ToString).is_nil()
            && LuaString::from_value(value).is_none();
        match call.reference(value) {
            Ok(reference) if by_print => Shown::ByPrint(reference),
            _ => Shown::Text(inspect(call, value, &InspectLimits::FULL, &|part, text| {
                style(part).paint(text, colored)
            })),
        }
    }
}
