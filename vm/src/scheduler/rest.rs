//! What a VM does while its program waits: it frees what the program has left behind.
//!
//! The collector is paced by allocation. Without this a program that was busy, and waits now, would
//! keep its garbage, and the allocator what the program has freed. The work is done in slices, a
//! while after the program has begun to rest, and only if there is enough of it.

use crate::vm::Vm;
use std::time::{Duration, Instant};

/// How long after something is worth freeing it is freed.
const DELAY: Duration = Duration::from_secs(1);

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

impl Vm {
    /// Does a slice of the work that is left. For hosts, after a turn that ended with
    /// [`Turn::Waiting`](super::Turn::Waiting).
    pub fn rest(&mut self) -> Rest {
        let is_collected = self.heap.is_collected_at_rest();
        if is_collected && !self.account().is_untrimmed() {
            self.scheduler.rest_due = None;
            return Rest::Nothing;
        }
        let now = self.scheduler.clock.now();
        let due = *self.scheduler.rest_due.get_or_insert_with(|| now + DELAY);
        if now < due {
            return Rest::At(due);
        }
        if !is_collected {
            self.settle();
            self.release_references();
            let (heap, mut roots) = self.heap_and_roots();
            // SAFETY: between turns no thread runs, and all that the host holds is referenced by
            // the registry or the ends.
            if !unsafe { (*heap).step_at_rest(&mut roots) } {
                return Rest::Soon;
            }
        }
        self.account().trim_at_rest(!is_collected);
        self.scheduler.rest_due = None;
        // Finalizers may be due.
        if is_collected { Rest::Nothing } else { Rest::Soon }
    }
}
