//! Services: parts of libraries that may outlive a program's main chunk, such as servers, timers,
//! watchers and open files. The executor uses only this trait.

use super::Host;
use solvm_vm::{Call, GoroutineId};

/// The services of a program's libraries.
pub type Services = &'static [&'static dyn Service];

/// A library that runs its own goroutines, or keeps something until the program ends.
pub trait Service: Sync {
    /// Flushes buffered data, as at the end of a program; not to pipes that might block.
    fn flush(&self, _host: &mut Host) {}

    /// Stops accepting new work.
    fn stop(&self, _call: &mut Call) {}

    /// Returns a goroutine that must end before the service has stopped.
    fn running(&self, _call: &mut Call) -> Option<GoroutineId> {
        None
    }

    /// Returns where the function of a goroutine was registered ("script.lua:12").
    fn place(&self, _host: &mut Host, _goroutine: GoroutineId) -> Option<Vec<u8>> {
        None
    }

    /// Handles a failed goroutine: the service may continue in a new one.
    fn restart(&self, _call: &mut Call, _failed: GoroutineId) {}

    /// Returns what a failed goroutine was doing, for the line of the report that starts with "in
    /// ".
    fn subject(&self, _call: &mut Call, _failed: GoroutineId) -> Option<String> {
        None
    }

    /// Called when all failures so far have been reported.
    fn ends_seen(&self, _host: &mut Host) {}
}
