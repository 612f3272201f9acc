//! Time limits of a socket: LuaSocket's modes "b" (block) and "t" (total).
//!
//! Both count from the start of an operation. A negative limit is none. With a block limit of zero
//! an operation never waits.

use solvm_runtime::Host;
use solvm_runtime::deadline::TimeoutPause;
use solvm_runtime::name::Name;
use solvm_vm::{Call, Error};
use std::time::Duration;
use tokio::time::Instant;

/// The limits of a socket, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Timeout {
    pub(super) block: f64,
    pub(super) total: f64,
}

impl Default for Timeout {
    fn default() -> Self {
        Timeout { block: -1.0, total: -1.0 }
    }
}

impl Timeout {
    /// Sets a limit: the arguments of `settimeout` after the object.
    pub(super) fn set(
        &mut self,
        seconds: Option<f64>,
        mode: Option<Name<'_>>,
    ) -> Result<f64, Error> {
        let seconds = seconds.unwrap_or(-1.0);
        match mode.map_or(Some(b'b'), |mode| mode.bytes().first().copied()) {
            Some(b'b') => self.block = seconds,
            Some(b'r' | b't') => self.total = seconds,
            _ => return Err(Error::argument(3, "invalid timeout mode")),
        }
        Ok(1.0)
    }

    /// Whether an operation never waits.
    pub(super) fn is_zero(self) -> bool {
        self.block == 0.0
    }

    /// Starts an operation.
    pub(super) fn start(self) -> Timer {
        Timer { timeout: self, start: Instant::now() }
    }
}

/// The limits of an operation in progress.
#[derive(Clone, Copy)]
pub(super) struct Timer {
    timeout: Timeout,
    start: Instant,
}

/// Adds a number of seconds that may be infinite; None is never.
fn after(start: Instant, seconds: f64) -> Option<Instant> {
    start.checked_add(Duration::try_from_secs_f64(seconds.max(0.0)).ok()?)
}

impl Timer {
    pub(super) fn is_zero(&self) -> bool {
        self.timeout.is_zero()
    }

    /// When a wait that starts now ends at the latest.
    fn due(&self) -> Option<Instant> {
        let Timeout { block, total } = self.timeout;
        match (block < 0.0, total < 0.0) {
            (true, true) => None,
            (true, false) => after(self.start, total),
            (false, true) => after(self.start, block),
            (false, false) => match (after(self.start, total), after(Instant::now(), block)) {
                (Some(total), Some(block)) => Some(total.min(block)),
                (total, block) => total.or(block),
            },
        }
    }

    /// Waits for a future. None after the limit, or at once if the operation never waits.
    pub(super) async fn wait<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        if self.is_zero() {
            return None;
        }
        match self.due() {
            Some(due) => tokio::time::timeout_at(due, future).await.ok(),
            None => Some(future.await),
        }
    }

    /// Pauses the program's default time limit, if the operation has a limit of its own.
    pub(super) fn pause(&self, call: &mut Call) -> Option<TimeoutPause> {
        if self.timeout.block <= 0.0 && self.timeout.total <= 0.0 {
            return None;
        }
        call.host::<Host>().map(|host| host.deadline.pause_timeout())
    }
}
