//! Reading from a terminal: the time that somebody takes to type counts against a limit that was given, not against the default.
#![cfg(unix)]

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A program with a terminal as its standard input, and the keyboard.
fn start(options: &[&str], code: &str) -> (Child, File) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let terminal = open(ptsname(&keyboard, Vec::new()).unwrap(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
    command.args(options).args(["-e", code]).stdin(Stdio::from(terminal)).stdout(Stdio::null());
    (command.spawn().unwrap(), keyboard.into())
}

#[test]
fn the_default_limit_stands_still_while_a_terminal_is_read() {
    let (mut program, mut keyboard) = start(&[], "assert(io.read() == 'typed') os.exit(7)");
    sleep(Duration::from_millis(5500));
    assert_eq!(program.try_wait().unwrap(), None);
    keyboard.write_all(b"typed\n").unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(7));
}

#[test]
fn a_limit_that_was_given_holds() {
    let start_time = Instant::now();
    let (mut program, _keyboard) = start(&["-timeout", "300ms"], "io.read()");
    assert_eq!(program.wait().unwrap().code(), Some(124));
    assert!(start_time.elapsed() < Duration::from_secs(2), "{:?}", start_time.elapsed());
}

#[test]
fn what_is_computed_afterwards_counts() {
    let (mut program, mut keyboard) = start(&[], "io.read() while true do end");
    keyboard.write_all(b"typed\n").unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(124));
}
