//! The VM's work while its program waits: it frees unused memory.
//!
//! The collector is paced by allocation. Without this a program that was busy, and waits now, would
//! keep its garbage, and the allocator what the program has freed. The work is done in slices, a
//! while after the program has begun to rest, and only if there is enough of it.

use crate::machine::vm::Vm;
use std::time::{Duration, Instant};

/// How long after something is worth freeing it is freed.
const DELAY: Duration = Duration::from_secs(1);
/// The pause after a collection, as a multiple of the time that it has taken. It doubles, up to the
/// longest one, each time that a collection frees less than what was in use divided by
/// `WORTH_WHILE`.
const PAUSE: u32 = 20;
const LONGEST_PAUSE: u32 = PAUSE << 6;
const WORTH_WHILE: usize = 16;
/// The garbage that a goroutine that has ended is expected to leave, in bytes, at least.
const LEFT_BEHIND: u64 = 64 << 10;

/// The remaining work at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing, until the program has run again.
    Nothing,
    /// The host is to call [`Vm::rest`] again at this time, if the program still waits.
    At(Instant),
    /// The host is to call it again soon.
    Soon,
}

/// The state of the work that is done at rest.
#[derive(Default)]
pub(super) struct State {
    /// When the next slice is due, if there is work.
    due: Option<Instant>,
    /// Goroutines that have ended since the last collection began.
    pub(super) ended: u64,
    /// A collection is in progress.
    collecting: Option<Collection>,
    /// The factor of the last pause; 0 if there was none.
    factor: u32,
    /// No collection starts before this time.
    pause: Option<Instant>,
}

/// A collection in progress.
struct Collection {
    /// The bytes in use when it began.
    used: usize,
    /// The time that it has taken.
    spent: Duration,
}

impl Vm {
    /// Does a slice of the work that is left. For hosts, after a turn that ended with
    /// [`Turn::Waiting`](super::Turn::Waiting).
    pub fn rest(&mut self) -> Rest {
        let collects = self.scheduler.rest.collecting.is_some()
            || self.heap.is_worth_collecting(self.expected_garbage());
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

    /// The garbage that the ended goroutines are expected to leave, in bytes: as much as each of
    /// all would have, if everything that survived the last collection were theirs.
    fn expected_garbage(&self) -> u64 {
        let (ended, live) = (self.scheduler.rest.ended, self.scheduler.live as u64);
        let of_each = self.heap.survived() as u64 / ended.saturating_add(live).max(1);
        ended.saturating_mul(of_each.max(LEFT_BEHIND))
    }

    fn collect_at_rest(&mut self, now: Instant) -> Rest {
        let used = self.heap.used();
        let state = &mut self.scheduler.rest;
        let mut collection = state.collecting.take().unwrap_or_else(|| {
            // What ends from now on may be found by the next collection alone.
            state.ended = 0;
            Collection { used, spent: Duration::ZERO }
        });
        self.rebind_budget();
        self.release_references();
        let (heap, mut roots) = self.heap_and_roots();
        // SAFETY: between turns no thread runs, and all that the host holds is referenced by the
        // registry or the ends.
        let is_over = unsafe { (*heap).step_at_rest(&mut roots) };
        let after = self.scheduler.clock.now();
        collection.spent += after - now;
        if !is_over {
            self.scheduler.rest.collecting = Some(collection);
            return Rest::Soon;
        }
        let freed = collection.used.saturating_sub(self.heap.used());
        let state = &mut self.scheduler.rest;
        let is_worth_while = freed >= collection.used / WORTH_WHILE;
        state.factor =
            if is_worth_while { PAUSE } else { (state.factor * 2).clamp(PAUSE, LONGEST_PAUSE) };
        state.due = None;
        state.pause = after.checked_add(collection.spent * state.factor);
        self.account().trim_at_rest(true);
        // Finalizers may be due.
        Rest::Soon
    }
}
