//! Debug builds can measure whether natives charge the budget for the time that they take.
//!
//! The measure is processor time, so a busy machine changes little, and its unit is that of the
//! budget: a loop of that size is timed in the same process. A call, or a step of one that
//! continues later, is reported if it takes more than [`FACTOR`] times its charge, and more than
//! [`FREE`] on top; or if it takes more than [`LONGEST`], whatever its charge, since nothing can
//! interrupt it. One report proves nothing, since a first call may load something and the OS may
//! interrupt any: each report has the number of consecutive calls that it is the last of.

use crate::heap::gc;
use crate::layout::object::NativeFunction;
use crate::machine::vm::Vm;
use std::collections::HashMap;
use std::hint::black_box;
use std::num::NonZeroU64;
use std::time::Duration;

/// How many times the due time a call may take.
const FACTOR: u64 = 20;
/// Units that a call need not charge. A loop of such calls delays a slice by some thousand times as
/// long: the time limit may not be exceeded by more.
const FREE: u64 = 4_000;
/// Units that a call may take without interruption, given at most some megabytes: about 10 ms.
const LONGEST: u64 = 2_000_000;
/// Iterations of the loop that is timed.
const SAMPLE: u64 = 20_000;

/// A call, or a step of one, that took longer than it has charged for.
#[derive(Clone, Copy, Debug)]
pub struct Unpaid {
    /// The native's name in its library.
    pub native: &'static str,
    /// The processor time that it took.
    pub time: Duration,
    /// Its charge.
    pub units: u64,
    /// The charge that it owes: its time, in units.
    pub due: u64,
    /// This number of consecutive calls of it took too long.
    pub in_a_row: u32,
}

/// What measures natives; see [`Vm::report_unpaid_work`].
pub(crate) struct Meter {
    /// The time of [`SAMPLE`] units in nanoseconds.
    sample: u64,
    /// How many times longer than due everything may take.
    tolerance: u64,
    report: fn(&Unpaid),
    /// The natives whose last call took too long, and how many in a row did. Calls and later steps
    /// count apart.
    in_a_row: HashMap<(&'static str, Part), u32>,
}

/// The measurement of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// All of it, or its first step.
    Call,
    /// A later step.
    Step,
}

impl Meter {
    fn new(tolerance: u64, report: fn(&Unpaid)) -> Meter {
        let sample = (0..20).map(|_| time_sample()).min().unwrap_or(1).max(1);
        Meter { sample, tolerance, report, in_a_row: HashMap::new() }
    }

    fn check(&mut self, native: &'static str, part: Part, nanoseconds: u64, units: u64) {
        let due_at = |sample: u64| nanoseconds.saturating_mul(SAMPLE) / sample;
        let tolerance = self.tolerance;
        let is_paid = |due: u64| {
            let due = due / tolerance;
            due <= FREE.saturating_add(units.saturating_mul(FACTOR)) && due <= LONGEST
        };
        let mut due = due_at(self.sample);
        if !is_paid(due) {
            // The machine may be slower now than when the sample was timed.
            due = due_at(self.sample.max(time_sample()));
        }
        if is_paid(due) {
            self.in_a_row.remove(&(native, part));
            return;
        }
        let in_a_row = self.in_a_row.entry((native, part)).or_insert(0);
        *in_a_row += 1;
        let time = Duration::from_nanos(nanoseconds);
        (self.report)(&Unpaid { native, time, units, due, in_a_row: *in_a_row });
    }
}

/// The time of a loop whose iterations take about as long as a call or a back-edge: divisions, each
/// of which waits for the one before.
fn time_sample() -> u64 {
    let began = now();
    let mut x = black_box(3);
    for _ in 0..SAMPLE {
        x = black_box(0x9e37_79b9_7f4a_7c15_u64) / (x & 7 | 1);
    }
    black_box(x);
    now() - began
}

/// The processor time of this thread in nanoseconds.
#[cfg(unix)]
fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// There is no such clock: nothing takes any time.
#[cfg(not(unix))]
fn now() -> u64 {
    0
}

impl Vm {
    /// From now on natives that do more than they charge for are reported. On a machine that is
    /// busy with other programs they take several times as long: that is the tolerance.
    pub fn report_unpaid_work(&mut self, tolerance: NonZeroU64, report: fn(&Unpaid)) {
        self.meter = Some(Box::new(Meter::new(tolerance.get(), report)));
    }
}

/// Runs a native's code, or a step of it, and measures it if requested.
///
/// # Safety
/// The VM is alive and runs the native `callee`, which is alive; `run` may be called, and no
/// reference to the VM is in use before and after.
pub(crate) unsafe fn measured(
    vm: *mut Vm,
    callee: *mut NativeFunction,
    part: Part,
    run: impl FnOnce() -> i64,
) -> i64 {
    // SAFETY: the VM is alive, as the caller asserts.
    if unsafe { (*vm).meter.is_none() } {
        return run();
    }
    // SAFETY: the function that runs is alive.
    let native = unsafe { (*callee).definition().name };
    let charged = gc::charged_in_all();
    let began = now();
    let outcome = run();
    let time = now() - began;
    // SAFETY: the VM is alive, and the native has returned: no reference to it is in use.
    if let Some(meter) = unsafe { (*vm).meter.as_deref_mut() } {
        meter.check(native, part, time, gc::charged_in_all() - charged);
    }
    outcome
}

/// A native's code, called by the interpreter. Not inlined: its handler would lose the sibling
/// call.
///
/// # Safety
/// As [`super::Code`], of the native `callee`.
#[inline(never)]
pub(crate) unsafe fn run(
    vm: *mut Vm,
    callee: *mut NativeFunction,
    arguments: *mut crate::layout::value::Value,
    count: usize,
) -> i64 {
    // SAFETY: VM, function and arguments are as the caller asserts.
    unsafe { measured(vm, callee, Part::Call, || (*callee).function()(vm, arguments, count)) }
}
