//! `-i`: lines of standard input are run as they come.
//!
//! A line that starts a chunk is completed by the following ones. Lines are read by a goroutine, so
//! everything that was started keeps running, and a script's own reads get the following lines.

use crate::session::start;
use solvm_runtime::Host;
use solvm_runtime::executor::{Executor, Outcome};
use solvm_runtime::report::Report;
use solvm_vm::native::FromLua;
use solvm_vm::{Call, Function, GoroutineId, LuaString};

/// The chunk name of interactive input.
const NAME: &[u8] = b"=stdin";

/// The error of a chunk that lacks its end.
const INCOMPLETE: &[u8] = b"'<eof>'";

/// A result of reading standard input.
enum Input {
    /// A chunk that has been started, or the message why it was rejected.
    Chunk(Result<GoroutineId, Box<Report>>),
    /// The end of the input.
    End,
    /// The program was interrupted.
    Interrupted,
}

/// Runs chunks from standard input until its end.
pub(crate) async fn interact(executor: &mut Executor) -> Outcome {
    executor.set_interactive(true);
    let outcome = loop {
        match read(executor).await {
            Input::Chunk(Ok(main)) => {
                if run(executor, main).await == Outcome::Interrupted {
                    break Outcome::Interrupted;
                }
            }
            Input::Chunk(Err(failure)) => executor.fail_with(&failure),
            Input::End => break Outcome::Ended,
            Input::Interrupted => break Outcome::Interrupted,
        }
    };
    write(executor, b"\n");
    executor.set_interactive(false);
    outcome
}

/// Runs a chunk and prints its results.
async fn run(executor: &mut Executor, main: GoroutineId) -> Outcome {
    let mut printing = None;
    let outcome = executor
        .drive_main_for(main, &mut |call, end| {
            let Ok(results) = end else { return false };
            if results.is_empty() {
                return true;
            }
            let print = call.string(b"print").ok().map(|key| call.globals().get(key));
            printing = Some(match print.and_then(Function::from_value) {
                Some(print) => call.spawn(print, results).map_err(|_| "not enough memory"),
                None => Err("error calling 'print' (attempt to call a nil value)"),
            });
            true
        })
        .await;
    match printing {
        Some(Ok(printing)) if outcome == Outcome::Ended => executor.drive_main(printing).await,
        Some(Err(message)) => {
            executor.fail(message.as_bytes());
            outcome
        }
        _ => outcome,
    }
}

/// Reads lines until they are a chunk, or cannot become one.
async fn read(executor: &mut Executor) -> Input {
    let mut text: Vec<u8> = Vec::new();
    loop {
        let prompt = executor.enter(|call| prompt(call, text.is_empty()));
        write(executor, &prompt);
        let line = match read_line(executor).await {
            Ok(Some(line)) => line,
            Ok(None) => return Input::End,
            Err(outcome) => return outcome,
        };
        match line.strip_prefix(b"=") {
            Some(expressions) if text.is_empty() => text = [b"return ", expressions].concat(),
            _ if text.is_empty() => text = line,
            _ => text = [&text[..], b"\n", &line].concat(),
        }
        match executor.enter(|call| start(call, &text, NAME)) {
            Err(failure) if failure.message.ends_with(INCOMPLETE) => {}
            started => return Input::Chunk(started),
        }
    }
}

/// The next line; None at the end of standard input.
async fn read_line(executor: &mut Executor) -> Result<Option<Vec<u8>>, Input> {
    let reader = executor.enter(|call| {
        let lines = solvm_lua::io::input_lines(call)?;
        lines.map(|lines| call.spawn(lines, &[])).transpose()
    });
    let Ok(Some(reader)) = reader else { return Ok(None) };
    let mut line = None;
    let outcome = executor
        .drive_for(Some(reader), &mut |_, end| {
            let Ok(results) = end else { return false };
            line = results
                .first()
                .and_then(|&line| LuaString::from_value(line))
                .map(|line| line.bytes().to_vec());
            true
        })
        .await;
    if outcome == Outcome::Interrupted { Err(Input::Interrupted) } else { Ok(line) }
}

/// The prompt: the global `_PROMPT` or `_PROMPT2`.
fn prompt(call: &mut Call, is_first: bool) -> Vec<u8> {
    let (name, default) =
        if is_first { ("_PROMPT", &b"> "[..]) } else { ("_PROMPT2", &b">> "[..]) };
    let own = call.string(name.as_bytes()).ok().map(|key| call.globals().get(key));
    match own.and_then(|own| LuaString::from_lua(call, own)) {
        Some(own) => own.bytes().to_vec(),
        None => default.to_vec(),
    }
}

fn write(executor: &mut Executor, text: &[u8]) {
    executor.enter(|call| {
        if let Some(host) = call.host::<Host>() {
            // A closed pipe ends the program where it is written to.
            let _ = host.world.write_output(text);
        }
    });
}
