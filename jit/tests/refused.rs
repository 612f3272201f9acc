//! Where the operating system refuses executable memory, a program is interpreted, and that is
//! reported once.
#![cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
#![allow(unsafe_code, reason = "the system is asked to refuse memory")]

use solvm_jit::{Jit, Options};
use solvm_vm::native::Library;
use solvm_vm::{Call, Config, Turn, Vm};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

static REPORTS: AtomicUsize = AtomicUsize::new(0);
static LIBRARY: Library = solvm_vm::library!("" { "out" => out, });

fn out(call: &mut Call, sum: f64) {
    if let Some(output) = call.host::<f64>() {
        *output = sum;
    }
}

fn report(line: &str) {
    assert_eq!(line, "native code is off: the operating system refused executable memory");
    REPORTS.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn a_program_is_interpreted_without_executable_memory() {
    const SET_MDWE: libc::c_int = 65;
    const REFUSE_EXEC_GAIN: libc::c_ulong = 1;
    // SAFETY: only mappings that become executable are refused from now on, in this process.
    let refuses = unsafe { libc::prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0_u64, 0_u64, 0_u64) } == 0;
    let options = Options { threshold: 1, report: Some(report), ..Options::default() };
    let (Some(jit), true) = (Jit::new(options), refuses) else {
        println!("skipped: this system cannot be asked to refuse executable memory");
        return;
    };
    let slice = NonZeroU32::new(13).expect("a budget");
    let mut vm = Vm::new(Config { slice, ..Config::default() });
    vm.set_host(0.0);
    vm.set_compiler(Box::new(jit));
    vm.enter(|call| {
        call.open(&LIBRARY).expect("opens");
        let program = b"local sum = 0 for i = 1, 1000 do sum = sum + i end \
                        for i = 1, 1000 do sum = sum - i / 2 end out(sum)";
        let function = call.load(program, b"=program").expect("compiles");
        call.spawn(function, &[]).expect("starts");
    });
    while vm.turn(&mut Context::from_waker(Waker::noop())) == Turn::Ready {}
    assert_eq!(vm.host::<f64>().copied(), Some(250_250.0));
    assert_eq!(REPORTS.load(Ordering::Relaxed), 1);
}
