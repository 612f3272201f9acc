//! Shared code of the fuzz targets: runs a program within limits, and generates programs from
//! bytes.

mod archive;
mod decoder;
pub mod differential;
mod mutate;
mod program;

pub use archive::archive;
pub use decoder::{decoder, fill, template};
pub use mutate::{Corpus, Random};
pub use program::program;

use archive::Memory;
use solvm_runtime::Host;
use solvm_runtime::host::{FileSystem, World};
use solvm_vm::{Config, LuaString, Turn, Value, Vm};
use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::LazyLock;
use std::task::{Context, Waker};
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::{Builder, Runtime};

/// The heap's limit in bytes.
const MEMORY: usize = 16 << 20;
/// Maximum number of calls and back-edges.
const BUDGET: u32 = 50_000;
/// The time limit, for programs that do much in few steps. One that continues long after it hangs.
const DEADLINE: Duration = Duration::from_millis(100);

static TOKIO: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap_or_else(|error| panic!("no runtime: {error}"))
});

/// Compiles and runs a program with all libraries until it ends or its budget is used up. `slice`
/// is the number of calls and back-edges of a turn: with 1 each of them is a suspension. Returns
/// the message of the error that ended it, if any.
pub fn run(text: &[u8], slice: u32) -> Option<String> {
    // External waits register here, and never end.
    let _context = TOKIO.enter();
    let slice = NonZeroU32::new(slice).unwrap_or(NonZeroU32::MIN);
    let mut vm =
        Vm::new(Config { memory_limit: MEMORY, hash_seed: Some(1), slice, ..Config::default() });
    vm.set_host(Host::new(Nowhere::default()));
    vm.set_deadline(Some(Instant::now() + DEADLINE));
    let started = vm.enter(|call| {
        // Most inputs are not valid programs, and need no libraries.
        let function = call.load(text, b"=fuzz").ok()?;
        solvm_stdlib::open(call, solvm_stdlib::Globals::All, |_| true).ok()?;
        call.spawn(function, &[]).ok()
    });
    started?;
    vm.watch(started);
    let mut failure = None;
    // A turn has at most 16 slices.
    for _ in 0..(BUDGET / slice / 16).max(4) {
        let turn = vm.turn(&mut Context::from_waker(Waker::noop()));
        while let Some(ended) =
            vm.next_end(|_, _, result| result.err().map(|(error, _)| message(error)))
        {
            failure = failure.or(ended);
        }
        match turn {
            Turn::Ready => {}
            Turn::Deadlocked => {
                vm.resolve_deadlock();
            }
            Turn::Done | Turn::Waiting | Turn::Interrupted => break,
        }
    }
    failure
}

fn message(error: Value) -> String {
    LuaString::from_value(error)
        .map_or(String::new(), |text| String::from_utf8_lossy(text.bytes()).into_owned())
}

/// A world without clocks, whose only files are an archive and its contents.
#[derive(Default)]
struct Nowhere(Arc<Memory>);

impl World for Nowhere {
    fn write_output(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn write_error(&mut self, _: &[u8]) {}

    fn flush_output(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn file_system(&self) -> Arc<dyn FileSystem> {
        self.0.clone()
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn processor_time(&self) -> Duration {
        Duration::ZERO
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn resident_memory(&self) -> u64 {
        0
    }
}
