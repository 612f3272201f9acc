//! SIGINT and SIGTERM end any program, after its output is flushed and its finalizers have run.
#![cfg(test)]
#![cfg(unix)]

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Programs whose first line of output is "ready".
const READY: &str = "print('ready') io.stdout:flush() ";
/// Creates a userdata that prints a message when its finalizer runs.
const SAYS_WHEN_IT_IS_FINALIZED: &str =
    "proxy = newproxy(true) getmetatable(proxy).__gc = function() print('finalized') end ";

struct Program {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Program {
    /// Starts a program and waits until it is ready.
    fn start(code: &str) -> Program {
        let code = format!("{SAYS_WHEN_IT_IS_FINALIZED}{READY}{code}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        command.args(["-timeout", "60s", "-e", &code]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut program =
            Program { output: BufReader::new(process.stdout.take().unwrap()), process };
        assert_eq!(program.line(), "ready");
        program
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Its exit code and what else it has printed.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }
}

/// Programs that would go on for ever have ended by then, however busy the machine is.
const LONG: Duration = Duration::from_secs(60);
/// Less than the five seconds that finalizers have.
const BEFORE_FINALIZERS: Duration = Duration::from_millis(4500);

/// The signal ends the program, and its finalizers are called.
fn ends(code: &str, signal: Signal, exit_code: i32) {
    let program = Program::start(code);
    let start = Instant::now();
    program.signal(signal);
    let (code, output) = program.end();
    assert_eq!(code, Some(exit_code));
    assert_eq!(output, "finalized\n");
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
}

#[test]
fn a_computing_program_ends() {
    ends("while true do end", Signal::INT, 130);
    ends("while true do end", Signal::TERM, 143);
}

#[test]
fn a_program_that_catches_every_error_ends() {
    ends("while true do pcall(function() while true do end end) end", Signal::INT, 130);
}

#[test]
fn a_waiting_program_ends() {
    ends("sleep(50)", Signal::INT, 130);
    ends(
        "go(function() while true do receive(chan()) end end) set_interval(print, 50)",
        Signal::TERM,
        143,
    );
    ends("io.read()", Signal::TERM, 143);
}

#[test]
fn output_is_passed_on() {
    let program = Program::start("io.write('unfinished') while true do end");
    program.signal(Signal::TERM);
    assert_eq!(program.end(), (Some(143), "unfinishedfinalized\n".to_string()));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut program = Program::start(
        "getmetatable(proxy).__gc = function() \
             print('finalizing') io.stdout:flush() while true do end end sleep(50)",
    );
    program.signal(Signal::INT);
    assert_eq!(program.line(), "finalizing");
    let start = Instant::now();
    program.signal(Signal::TERM);
    assert_eq!(program.end(), (Some(143), String::new()));
    assert!(start.elapsed() < BEFORE_FINALIZERS, "{:?}", start.elapsed());
}

/// The VM checks signals between its turns; the second one does not wait for a native that does not
/// end in time.
#[test]
fn a_second_signal_ends_a_native_that_takes_long() {
    let mut program = Program::start(
        "local long = ('x'):rep(1e8) while true do text.replace(long, 'x', 'z') end",
    );
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    program.signal(Signal::INT);
    // Two that come at the same time are one.
    while program.process.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
        program.signal(Signal::TERM);
    }
    // Either may be the first if the program did not run in between. No finalizer was called.
    let (code, output) = program.end();
    assert!(matches!(code, Some(130 | 143)), "{code:?}");
    assert_eq!(output, "");
    assert!(start.elapsed() < BEFORE_FINALIZERS, "{:?}", start.elapsed());
}

#[test]
fn a_second_signal_ends_a_computing_program() {
    let mut program = Program::start(
        "getmetatable(proxy).__gc = function() \
             print('finalizing') io.stdout:flush() while true do end end while true do end",
    );
    program.signal(Signal::TERM);
    assert_eq!(program.line(), "finalizing");
    let start = Instant::now();
    program.signal(Signal::TERM);
    assert_eq!(program.end(), (Some(143), String::new()));
    assert!(start.elapsed() < BEFORE_FINALIZERS, "{:?}", start.elapsed());
}

#[test]
fn finalizers_do_not_hold_it_up_for_ever() {
    let program =
        Program::start("getmetatable(proxy).__gc = function() while true do end end sleep(50)");
    let start = Instant::now();
    program.signal(Signal::INT);
    assert_eq!(program.end(), (Some(130), String::new()));
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
}
