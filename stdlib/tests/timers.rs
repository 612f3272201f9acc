//! Timers against a clock that the program moves itself.
#![cfg(test)]

use solvm_runtime::deadline::{Limits, Timeout};
use solvm_runtime::executor::Outcome;
use solvm_runtime::host::Process;
use solvm_vm::native::Library;
use solvm_vm::{Call, Clock, Config};
use std::cell::OnceCell;
use std::time::Duration;

thread_local!(static CLOCK: OnceCell<Clock> = const { OnceCell::new() });

static LIBRARY: Library = solvm_vm::library!("" {
    "advance" => advance,
});

/// `advance(seconds)`: the clock goes on while the goroutine runs.
fn advance(_: &mut Call, seconds: f64) {
    CLOCK.with(|clock| {
        clock.get().expect("there is a clock").advance(Duration::from_secs_f64(seconds))
    });
}

/// Runs a program that asserts what it expects.
fn passes(code: &str) {
    let clock = CLOCK.with(|cell| cell.get_or_init(Clock::manual).clone());
    let limits = Limits { timeout: Timeout::Never, ..Limits::default() };
    let config = Config { clock, ..Config::default() };
    let mut executor =
        solvm_stdlib::executor(config, limits, Process::new(), solvm_stdlib::Globals::All)
            .expect("there is memory");
    let main = executor.enter(|call| {
        assert!(call.open(&LIBRARY).is_ok());
        let function = call.load(code.as_bytes(), b"=test").expect("it compiles");
        call.spawn(function, &[]).expect("it starts")
    });
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    assert_eq!(runtime.block_on(executor.drive_main(main)), Outcome::Ended);
    assert!(!executor.has_failed());
}

#[test]
fn a_timeout_counts_from_when_it_was_set() {
    // Its goroutine does not run before the others yield.
    passes(
        "local called
        set_timeout(function() called = true end, 10)
        advance(9)
        sleep(2)
        assert(called)",
    );
}

#[test]
fn an_interval_leaves_out_what_it_has_missed() {
    passes(
        "local calls = 0
        local id = set_interval(function() calls = calls + 1 end, 10)
        advance(25)
        sleep(4)
        assert(calls == 0)
        sleep(2)
        assert(calls == 1)
        sleep(10)
        assert(calls == 2)
        clear_interval(id)",
    );
}
