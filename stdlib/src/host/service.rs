//! What outlives a program's main chunk: servers, timers, watched files, open files. The executor
//! knows them by this trait alone.

use super::Host;
use solvm_vm::{Call, GoroutineId};

/// The services of a program's libraries.
pub(crate) type Services = &'static [&'static dyn Service];

/// A library that runs goroutines of its own, or keeps something until the program ends.
pub(crate) trait Service: Sync {
    /// Writes what is buffered, as at the end of a program; not to pipes that might block.
    fn flush(&self, _host: &mut Host) {}

    /// Takes no new work from now on.
    fn stop(&self, _call: &mut Call) {}

    /// A goroutine that has to end before the service has stopped.
    fn running(&self, _call: &mut Call) -> Option<GoroutineId> {
        None
    }

    /// Where the function that a goroutine runs was registered ("script.lua:12").
    fn place(&self, _host: &mut Host, _goroutine: GoroutineId) -> Option<Vec<u8>> {
        None
    }

    /// A goroutine has failed: the service may continue in a new one.
    fn restart(&self, _call: &mut Call, _failed: GoroutineId) {}

    /// What a goroutine was doing that has failed: "in " begins the line of the report.
    fn subject(&self, _call: &mut Call, _failed: GoroutineId) -> Option<String> {
        None
    }

    /// All failures so far have been reported.
    fn ends_seen(&self, _host: &mut Host) {}
}
