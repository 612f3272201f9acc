//! The purge: between marking and sweeping, structures that refer to objects without keeping them
//! alive remove the dead ones.
//!
//! Invariant (PURGE BEFORE SWEEP): nothing is swept from the atomic phase to the end of the purge,
//! and objects allocated in that time are marked (BLACK RUNS). So a mark bit means "alive" for
//! every cell, for as many slices as the purge takes.

use super::arena::is_marked;
use super::external::Owned;
use super::{Heap, Phase};
use crate::layout::object::{Prototype, Str, Thread, Upvalue};

/// The structure that is being purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Dead threads' open variables are closed for the closures that live on.
    Threads,
    /// Dead userdata's boxes are dropped.
    Userdata,
    /// Dead prototypes' boxes are dropped.
    Prototypes,
    /// Dead strings leave the intern table.
    Strings,
    /// Large payloads of dead objects are freed. Last, for a dead thread's stack may be one.
    LargePayloads,
}

impl Heap {
    /// # Safety
    /// The atomic phase has ended.
    pub(super) unsafe fn begin_purge(&mut self) {
        self.phase = Phase::Purge;
        self.purge_stage = Stage::Threads;
        self.strings.forget_single();
        self.suspects.clear();
        self.surveyed = 0;
        self.blacken_runs();
    }

    /// Purges some more, in proportion to `quantum`; true once all is done.
    ///
    /// # Safety
    /// The phase is [`Phase::Purge`], so a mark means "alive".
    pub(super) unsafe fn purge(&mut self, quantum: usize) -> bool {
        // A multiple of the rate at which the program can create the purged objects, or the next
        // cycle would start later each time.
        let count = 128 + (quantum >> 4);
        match self.purge_stage {
            Stage::Threads => {
                let mut threads = std::mem::take(&mut self.threads);
                // SAFETY: registered threads are not swept (LISTS). An unmarked one is dead, and is
                // removed.
                let done = threads
                    .purge(count, |thread| unsafe { is_marked(thread) || release_thread(thread) });
                self.threads = threads;
                if done {
                    self.purge_stage = Stage::Userdata;
                }
            }
            Stage::Userdata => {
                let mut freed = 0;
                // SAFETY: registered userdata are not swept (LISTS). Nothing refers to the data of
                // an unmarked one, which is removed.
                let done = self.userdata.purge(count, |userdata| unsafe {
                    is_marked(userdata) || {
                        drop((*userdata).data.take());
                        freed += (*userdata).charge;
                        false
                    }
                });
                self.account_release(freed);
                if done {
                    self.purge_stage = Stage::Prototypes;
                }
            }
            Stage::Prototypes => {
                let mut freed = 0;
                // SAFETY: registered prototypes are not swept (LISTS). An unmarked one is dead, and
                // is removed, so it is released once.
                let done = self.prototypes.purge(count, |owned| unsafe {
                    is_marked(owned.object) || {
                        release_prototype(owned);
                        freed += owned.charge;
                        false
                    }
                });
                self.account_release(freed);
                if done {
                    self.purge_stage = Stage::Strings;
                    self.strings.begin_purge();
                }
            }
            Stage::Strings => {
                // SAFETY: the strings of the table are not swept (LISTS).
                let is_alive = |string: *mut Str| unsafe { is_marked(string) };
                if self.strings.purge(2 + (quantum >> 13), is_alive) {
                    self.recount_intern_table();
                    self.purge_stage = Stage::LargePayloads;
                    self.large.begin_purge();
                }
            }
            Stage::LargePayloads => {
                // SAFETY: the owners of unmarked payloads are dead (PAYLOADS). They are not read
                // any more: the stages before this one have released what they own otherwise.
                let freed = unsafe { self.large.purge(count) };
                self.account_release(freed);
                return self.large.end_purge();
            }
        }
        false
    }

    /// The end of the heap: every object releases what it owns outside.
    ///
    /// # Safety
    /// No object is used any more, and this is called once.
    pub(super) unsafe fn release_everything(&mut self) {
        // SAFETY: registered objects are not swept (LISTS), and no object is used any more, as the
        // caller asserts. Stacks are released last, since a thread's variables are closed from
        // there.
        unsafe {
            self.threads.entries().for_each(|thread| {
                release_thread(thread);
            });
            self.userdata.entries().for_each(|userdata| drop((*userdata).data.take()));
            self.prototypes.entries().for_each(|owned| release_prototype(owned));
            self.large.release_all();
        }
    }
}

/// Closes a dead thread's open upvalues that live on, and drops its hook. Returns false: it is not
/// alive.
///
/// # Safety
/// The thread is not swept, and not used any more.
unsafe fn release_thread(thread: *mut Thread) -> bool {
    // SAFETY: the thread is not swept, as the caller asserts, and neither are the open upvalues in
    // its list: they live as long as it does, or longer. Their slots are in its stack, which is
    // released after all threads. The hook is a box that the thread owns, and nothing else refers
    // to.
    unsafe {
        let mut upvalue = (*thread).open_upvalues;
        while !upvalue.is_null() {
            let next = (*upvalue).closed.0 as *mut Upvalue;
            // Whether the upvalue is alive does not matter: a dead one is not swept yet.
            (*upvalue).closed = *(*upvalue).slot;
            (*upvalue).slot = &raw mut (*upvalue).closed;
            (*upvalue).is_open = 0;
            upvalue = next;
        }
        (*thread).open_upvalues = std::ptr::null_mut();
        if !(*thread).hook.is_null() {
            drop(Box::from_raw((*thread).hook));
            (*thread).hook = std::ptr::null_mut();
        }
    }
    false
}

/// # Safety
/// The prototype is not swept. It is not used any more, and released once.
unsafe fn release_prototype(owned: Owned<Prototype>) {
    // SAFETY: the box is valid until it is dropped here, which happens once, as the caller asserts.
    unsafe { std::ptr::drop_in_place(&raw mut (*owned.object).cold) };
}
