//! The comparison of the account with the allocator finds memory that is not accounted for, and
//! names the place that allocated it.
#![cfg(test)]
#![cfg(feature = "account-check")]

use solvm_vm::native::Library;
use solvm_vm::{Call, Config, Error, Held, Turn, Vm};
use std::cell::RefCell;
use std::process::{Command, Output};
use std::task::{Context, Waker};

static LIBRARY: Library = solvm_vm::library!("" {
    "leak_large" => leak_large,
    "leak_small" => leak_small,
    "hold" => hold,
});

const BYTES: usize = 20 << 20;
/// Names the program that this process runs.
const PROGRAM: &str = "ACCOUNT_CHECK_PROGRAM";

thread_local! {
    static LEAKED: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

fn leak_large(_: &mut Call) {
    LEAKED.with_borrow_mut(|leaked| leaked.push(vec![1; BYTES]));
}

fn leak_small(_: &mut Call) {
    LEAKED.with_borrow_mut(|leaked| {
        leaked.extend((0..BYTES / 1000).map(|_| vec![1; 1000]));
    });
}

/// As [`leak_large`], but counted by the account.
fn hold(call: &mut Call) -> Result<(), Error> {
    let held = call.hold(BYTES)?;
    HELD.with_borrow_mut(|all| all.push(held));
    LEAKED.with_borrow_mut(|leaked| leaked.push(vec![1; BYTES]));
    Ok(())
}

/// Runs a program in a separate process.
fn run(program: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args(["--exact", "the_program", "--nocapture"]).env(PROGRAM, program);
    command.output().expect("it can be run")
}

#[test]
fn the_program() {
    let Ok(source) = std::env::var(PROGRAM) else { return };
    let mut vm = Vm::new(Config::default());
    vm.enter(|call| {
        assert!(call.open(&LIBRARY).is_ok());
        let function = call.load(source.as_bytes(), b"=test").expect("it compiles");
        assert!(call.spawn(function, &[]).is_ok());
    });
    while vm.turn(&mut Context::from_waker(Waker::noop())) == Turn::Ready {}
    assert_eq!(vm.goroutine_count(), 0);
}

#[test]
fn memory_that_is_not_accounted_for_ends_the_process() {
    for name in ["leak_large", "leak_small"] {
        let output = run(&format!("{name}()"));
        let report = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(86), "{name}: {report}");
        let first = report.split("about ").nth(1).unwrap_or_default();
        assert!(first.contains("tests/account_check.rs"), "{report}");
    }
}

#[test]
fn memory_that_is_accounted_for_does_not() {
    for program in ["hold()", "local t = {} for i = 1, 1e6 do t[i] = 'a string ' .. i end"] {
        let output = run(program);
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
