//! Delays caused by the collector, as a program sees them: the scripts below `benches/pauses`
//! repeat one small operation, and each is timed. Operations that take longer than most have been
//! interrupted.
//!
//! Two clocks run. The processor time of the thread includes all work of the collector, page faults
//! included, and no work of other programs; it is the one that is judged. Elapsed time is shown
//! next to it.

use crate::script::{self, Script};
use solvm_vm::native::Library;
use solvm_vm::{Call, LuaString};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// The 99.9th percentile of an operation's time is at most this, whatever is alive.
const MOST: Duration = Duration::from_millis(2);

const SCRIPTS: &[Script] = &[
    ("mixed", include_str!("../pauses/mixed.lua")),
    ("mutation", include_str!("../pauses/mutation.lua")),
    ("coroutines", include_str!("../pauses/coroutines.lua")),
    ("strings", include_str!("../pauses/strings.lua")),
    ("weak", include_str!("../pauses/weak.lua")),
    ("large", include_str!("../pauses/large.lua")),
    ("finalizers", include_str!("../pauses/finalizers.lua")),
];

/// Measures everything and prints a table. False if a promise is not kept.
pub(crate) fn run() -> Result<bool, String> {
    let columns = ["MB", "cycles", "pieces", "median", "99 %", "99.9 %", "worst", "elapsed"];
    print!("{:<52}", "microseconds of processor time");
    columns.iter().for_each(|column| print!("{column:>10}"));
    println!();
    let mut all_kept = true;
    for (script, _) in SCRIPTS {
        let (output, succeeded) = script::in_a_process("pauses", script)?;
        print!("{output}");
        all_kept &= succeeded;
    }
    println!("elapsed: the worst by the clock on the wall, other programs included");
    Ok(all_kept)
}

/// Runs one of the scripts in this process. False if it fails or misses the promise.
pub(crate) fn run_script(name: &str) -> Result<bool, String> {
    let succeeded = script::run(SCRIPTS, name, &LIBRARY)?;
    Ok(succeeded && PIECES.with_borrow(|pieces| !pieces.missed))
}

static LIBRARY: Library = solvm_vm::library!("" {
    "begin" => begin,
    "piece" => piece,
    "cycles" => cycles,
    "report" => report,
    "single" => single,
});

/// The measurements.
#[derive(Default)]
struct Pieces {
    used: Vec<Duration>,
    elapsed: Vec<Duration>,
    /// The end of the last operation by both clocks.
    last: Option<(Duration, Instant)>,
    first_cycle: u64,
    /// Bytes in use at the beginning.
    memory: usize,
    missed: bool,
}

thread_local! {
    static PIECES: RefCell<Pieces> = RefCell::default();
}

/// `begin()`: the first operation starts.
fn begin(call: &mut Call) {
    let (first_cycle, memory) = (call.collection_count(), call.memory_used());
    PIECES.with_borrow_mut(|pieces| {
        pieces.used.clear();
        pieces.elapsed.clear();
        (pieces.first_cycle, pieces.memory) = (first_cycle, memory);
        pieces.last = Some((used_time(), Instant::now()));
    });
}

/// `piece()`: an operation has ended, and the next one starts.
fn piece(_: &mut Call) {
    PIECES.with_borrow_mut(|pieces| {
        let (used, now) = (used_time(), Instant::now());
        if let Some((last_used, last)) = pieces.last {
            pieces.used.push(used.saturating_sub(last_used));
            pieces.elapsed.push(now - last);
        }
        // The time of recording it belongs to no operation.
        pieces.last = Some((used_time(), Instant::now()));
    });
}

/// `cycles()`: collections that have ended since the beginning.
fn cycles(call: &mut Call) -> f64 {
    let cycles = call.collection_count();
    PIECES.with_borrow(|pieces| (cycles - pieces.first_cycle) as f64)
}

/// `report(name)`: prints the times of operations.
fn report(call: &mut Call, name: LuaString) {
    let name = String::from_utf8_lossy(name.bytes()).into_owned();
    let cycles = call.collection_count();
    PIECES.with_borrow_mut(|pieces| {
        pieces.used.sort();
        let at = |share: f64| {
            let index = (pieces.used.len() as f64 * share) as usize;
            pieces.used.get(index).or(pieces.used.last()).copied().unwrap_or_default()
        };
        let worst_elapsed = pieces.elapsed.iter().max().copied().unwrap_or_default();
        let (memory, cycles) = (pieces.memory as f64 / 1e6, cycles - pieces.first_cycle);
        print!("{name:<52}{memory:>10.0}{cycles:>10}{:>10}", pieces.used.len());
        for time in [at(0.5), at(0.99), at(0.999), at(1.0), worst_elapsed] {
            print!("{:>10.0}", time.as_secs_f64() * 1e6);
        }
        let kept = at(0.999) <= MOST;
        println!("{}", if kept { "" } else { "  MISSED" });
        pieces.missed |= !kept;
    });
}

/// `single(name)`: prints what the one thing took that was done since the beginning. Nothing is
/// promised of it.
fn single(call: &mut Call, name: LuaString) {
    let taken = PIECES.with_borrow_mut(|pieces| pieces.last.take()).map(|(used, since)| {
        let both = [used_time().saturating_sub(used), since.elapsed()];
        both.map(|time| time.as_secs_f64() * 1e6)
    });
    let [used, elapsed] = taken.unwrap_or_default();
    let (name, memory) = (String::from_utf8_lossy(name.bytes()), call.memory_used() as f64 / 1e6);
    println!("{name:<52}{memory:>10.0}{:>10}{:>10}{:>40.0}{elapsed:>10.0}", "", 1, used);
}

/// The processor time that this thread has used; elapsed time if the OS does not report it.
fn used_time() -> Duration {
    #[cfg(unix)]
    if let Ok(time) = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID.now() {
        return time.into();
    }
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}
