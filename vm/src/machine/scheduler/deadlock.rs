//! What happens when every goroutine waits for another one.
//!
//! Waits are ended one at a time instead of hanging: the longest first, the main chunk last. A
//! goroutine's receive returns `nil, "deadlock"`, its send raises, its wait for everyone returns. A
//! goroutine that is chosen again with no value handed over since is ended. The main chunk's
//! channel call raises; if chosen again, it fails for good. Its wait for everyone continues, since
//! the goroutines that were woken may end.

use super::{GoroutineId, ResumeAction, State, Ticket, Wait, wake};
use crate::layout::value::Value;
use crate::machine::vm::Vm;
use crate::messages;
use std::collections::VecDeque;

/// See the head of this file.
#[derive(Default)]
pub(super) struct Deadlock {
    /// Those that were blocked when the queue was last built, longest first. Later waits are
    /// younger than all of these.
    queue: VecDeque<Ticket>,
    /// How many values channels have handed over.
    pub(super) transfers: u32,
}

impl Vm {
    /// Sets the goroutine that is the program's main chunk.
    pub fn set_main(&mut self, id: GoroutineId) {
        self.scheduler.main = Some(id);
    }

    /// Resolves the wait of one goroutine. False if none waits for another one.
    pub fn resolve_deadlock(&mut self) -> bool {
        let Some((ticket, wait)) = self.longest_blocked() else { return false };
        let transfers = self.scheduler.deadlock.transfers;
        let goroutine = &mut self.scheduler.goroutines[ticket.index as usize];
        let is_main = self.scheduler.main == Some(goroutine.id);
        let again = goroutine.deadlocked_at.replace(transfers) == Some(transfers);
        goroutine.resume_action = match wait {
            _ if again && is_main => ResumeAction::Fail(messages::ALL_ASLEEP),
            _ if again => ResumeAction::End,
            Wait::Send => ResumeAction::Raise(messages::ALL_ASLEEP),
            Wait::Receive if is_main => ResumeAction::Raise(messages::ALL_ASLEEP),
            _ => ResumeAction::Live,
        };
        let reason = self.heap.string_value(b"deadlock");
        let values: &[Value] = if wait == Wait::Receive { &[Value::NIL, reason] } else { &[] };
        // SAFETY: nothing is collected before the values have arrived.
        unsafe { wake(self, ticket, values) }
    }

    /// The goroutine whose wait is to be resolved: the main chunk if it is the only one.
    fn longest_blocked(&mut self) -> Option<(Ticket, Wait)> {
        let mut main = None;
        for made_anew in [false, true] {
            if made_anew {
                self.scheduler.deadlock.queue = self.blocked_in_order();
            }
            while let Some(ticket) = self.scheduler.deadlock.queue.pop_front() {
                if !self.scheduler.is_waiting(ticket) {
                    continue;
                }
                let goroutine = &self.scheduler.goroutines[ticket.index as usize];
                let State::Blocked { wait, .. } = goroutine.state else { continue };
                if self.scheduler.main == Some(goroutine.id) {
                    main = Some((ticket, wait));
                } else {
                    return Some((ticket, wait));
                }
            }
        }
        main
    }

    fn blocked_in_order(&self) -> VecDeque<Ticket> {
        let mut blocked: Vec<(u64, Ticket)> = (self.scheduler.goroutines.iter().zip(0u32..))
            .filter_map(|(goroutine, index)| match goroutine.state {
                State::Blocked { since, .. } => Some((since, self.scheduler.ticket(index))),
                _ => None,
            })
            .collect();
        blocked.sort_unstable_by_key(|&(since, _)| since);
        blocked.into_iter().map(|(_, ticket)| ticket).collect()
    }
}
