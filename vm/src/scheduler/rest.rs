//! What a VM does while its program waits: it frees what the program has left behind.
//!
//! The collector is paced by allocation. Without this a program that was busy, and waits now, would
//! keep its garbage, and the allocator what the program has freed. The work is done in slices, a
//! while after the program has begun to rest, and only if there is enough of it.

use crate::vm::Vm;
use std::time::{Duration, Instant};

/// How long after something is worth freeing it is freed.
const DELAY: Duration = Duration::from_secs(1);
/// The pause after a collection, as a multiple of the time that it has taken.
const PAUSE: u32 = 20;
/// What a goroutine that has ended is expected to have left behind, in bytes.
const LEFT_BEHIND: u64 = 64 << 10;

/// What is left to be done at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing, until the program has run again.
    Nothing,
    /// The host is to call [`Vm::rest`] again at this time, if the program still waits.
    At(Instant),
    /// The host is to call it again soon.
    Soon,
}

/// What is known of the work that is done at rest.
#[derive(Default)]
pub(super) struct State {
    /// When the next slice is due, if there is work.
    due: Option<Instant>,
    /// Goroutines that have ended since the last collection.
    pub(super) ended: u64,
    /// A collection is under way, which has taken so long.
    collecting: Option<Duration>,
    /// No collection begins before this time.
    pause: Option<Instant>,
}

impl Vm {
    /// Does a slice of the work that is left. For hosts, after a turn that ended with
    /// [`Turn::Waiting`](super::Turn::Waiting).
    pub fn rest(&mut self) -> Rest {
        let released = self.scheduler.rest.ended.saturating_mul(LEFT_BEHIND);
        let collects =
            self.scheduler.rest.collecting.is_some() || self.heap.is_worth_collecting(released);
        if !collects && !self.account().is_untrimmed() {
            self.scheduler.rest.due = None;
            return Rest::Nothing;
        }
        let now = self.scheduler.clock.now();
        let state = &mut self.scheduler.rest;
        let due = *state.due.get_or_insert_with(|| {
            (now + DELAY).max(state.pause.filter(|_| collects).unwrap_or(now))
        });
        if now < due {
            return Rest::At(due);
        }
        if collects {
            return self.collect_at_rest(now);
        }
        self.account().trim_at_rest(false);
        self.scheduler.rest.due = None;
        Rest::Nothing
    }

    fn collect_at_rest(&mut self, now: Instant) -> Rest {
        if self.scheduler.rest.collecting.is_none() {
            // What ends from now on may be found by the next collection alone.
            self.scheduler.rest.ended = 0;
        }
        self.settle();
        self.release_references();
        let (heap, mut roots) = self.heap_and_roots();
        // SAFETY: between turns no thread runs, and all that the host holds is referenced by the
        // registry or the ends.
        let is_over = unsafe { (*heap).step_at_rest(&mut roots) };
        let after = self.scheduler.clock.now();
        let spent = self.scheduler.rest.collecting.unwrap_or_default() + (after - now);
        self.scheduler.rest.collecting = (!is_over).then_some(spent);
        if is_over {
            self.scheduler.rest.due = None;
            self.scheduler.rest.pause = after.checked_add(spent * PAUSE);
            self.account().trim_at_rest(true);
        }
        // Finalizers may be due.
        Rest::Soon
    }
}
