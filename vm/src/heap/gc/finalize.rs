//! Finalizers: the `__gc` metamethods of userdata (Lua 5.1 manual, section 2.10.1).
//!
//! As in Lua 5.1 the metatable is read for `__gc` when the userdata is found dead. To find dead
//! userdata without visiting all of them in the atomic phase, a survey lists beforehand, in slices,
//! those that are not marked yet; the atomic phase follows the last slice at once and checks only
//! these. Userdata with a finalizer are queued, newest first, and marked: they stay alive until the
//! interpreter, between two instructions, has called the finalizer, and die in a later cycle.

use super::arena::is_marked;
use super::{Heap, Phase};
use crate::heap::table;
use crate::heap::userdata::Userdata;
use crate::layout::metamethod::Metamethod;

impl Heap {
    /// The next userdata whose `__gc` metamethod is to be called, if it still has one.
    pub(crate) fn take_finalizer(&mut self) -> Option<*mut Userdata> {
        self.finalizers.pop_front()
    }

    /// Whether finalizers wait to be called.
    pub(crate) fn has_finalizers(&self) -> bool {
        !self.finalizers.is_empty()
    }

    /// Queues every userdata that has a finalizer, dead or alive, newest first: the end of the VM.
    ///
    /// # Safety
    /// The VM is at a safepoint.
    pub(crate) unsafe fn finalize_all(&mut self) {
        let all: Vec<_> = self.userdata.entries().collect();
        for userdata in all.into_iter().rev() {
            // SAFETY: registered userdata are not swept (LISTS). During a purge, those that are not
            // marked are about to be: their metatable had no `__gc` when they were found dead.
            unsafe {
                if self.phase != Phase::Purge || is_marked(userdata) {
                    self.queue_finalizer(userdata);
                }
            }
        }
    }

    /// # Safety
    /// The userdata is not swept.
    unsafe fn queue_finalizer(&mut self, userdata: *mut Userdata) {
        // SAFETY: the userdata is not swept, as the caller asserts, nor is its metatable, if it has
        // one (REFERENCES). The name is alive, and short.
        unsafe {
            if (*userdata).has_finalizer != 0
                && !table::metamethod(
                    (*userdata).metatable,
                    Metamethod::Finalize,
                    self.finalizer_name,
                )
                .is_nil()
            {
                (*userdata).has_finalizer = 0;
                self.finalizers.push_back(userdata);
            }
        }
    }

    /// Queued userdata are roots.
    ///
    /// # Safety
    /// Nothing has been swept since the cycle started.
    pub(super) unsafe fn mark_finalizers(&mut self) {
        for index in 0..self.finalizers.len() {
            // SAFETY: queued userdata are not swept (LISTS).
            unsafe { self.mark_object(self.finalizers[index]) };
        }
    }

    pub(super) fn begin_survey(&mut self) {
        self.phase = Phase::Survey;
        self.surveyed = 0;
    }

    /// Lists unmarked userdata and weak references, reading about `budget` bytes; true if all were
    /// visited.
    ///
    /// # Safety
    /// The phase is [`Phase::Survey`].
    pub(super) unsafe fn survey(&mut self, budget: usize) -> bool {
        let end = self.userdata.entries.len().min(self.surveyed.saturating_add(budget / 4));
        let unmarked = self.userdata.entries[self.surveyed..end]
            .iter()
            // SAFETY: registered userdata are not swept (LISTS).
            .filter(|&&userdata| unsafe { !is_marked(userdata) });
        self.suspects.extend(unmarked.copied());
        self.surveyed = end;
        // SAFETY: the phase is the survey, as the caller asserts.
        end == self.userdata.entries.len() && unsafe { self.survey_weak(budget) }
    }

    /// Queues the finalizers of dead userdata, newest first, and marks these userdata.
    ///
    /// # Safety
    /// It is a part of the atomic phase, after everything reachable has been marked.
    pub(super) unsafe fn separate_finalizable(&mut self) {
        debug_assert!(self.surveyed == self.userdata.entries.len());
        while let Some(userdata) = self.suspects.pop() {
            // SAFETY: suspects are not swept (LISTS).
            unsafe {
                if !is_marked(userdata) {
                    self.queue_finalizer(userdata);
                }
            }
        }
        // SAFETY: nothing is swept in the atomic phase.
        unsafe { self.mark_finalizers() };
    }
}
