//! What the compiler reports of its decisions.
#![cfg(test)]

use solvm_jit::{Jit, Options};
use solvm_vm::{Config, Turn, Vm};
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::task::{Context, Waker};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn log(line: &str) {
    LINES.lock().expect("no thread has panicked").push(line.into());
}

/// A loop that mostly ends soon is not worth a unit, and nothing about its values would change
/// that.
#[test]
fn a_short_loop_is_compiled_once() {
    let options = Options { threshold: 1, max_share: None, log: Some(log), ..Options::default() };
    let Some(jit) = Jit::new(options) else { return };
    let mut vm =
        Vm::new(Config { slice: NonZeroU32::new(211).expect("a budget"), ..Config::default() });
    vm.set_compiler(Box::new(jit));
    vm.enter(|call| {
        // The outer loop calls a vararg function, which is not compiled. Samples are everywhere.
        let program = b"local function pass(...) return ... end local sum = 0\n\
                        for i = 1, 20000 do sum = sum + pass(i)\n\
                        for j = 1, 2 do sum = sum + j end sum = sum - 1 end";
        let function = call.load(program, b"=program").expect("compiles");
        call.spawn(function, &[]).expect("starts");
    });
    while vm.turn(&mut Context::from_waker(Waker::noop())) == Turn::Ready {}
    let lines = LINES.lock().expect("no thread has panicked");
    let of_loop: Vec<&String> =
        lines.iter().filter(|line| line.starts_with("jit: program:3: ")).collect();
    assert_eq!(of_loop.len(), 2, "{lines:?}");
    assert!(of_loop[0].contains(": compiled: ") && of_loop[1].contains(": freed: "), "{lines:?}");
}
