//! The heap and its collector.
//!
//! ESSAY_TO_COME

mod account;
mod allocate;
mod arena;
mod barrier;
mod create;
mod external;
mod finalize;
mod mark;
mod purge;
mod stack;
mod sweep;
mod verify;
mod weak;

#[cfg(test)]
pub(crate) mod tests;

pub use mark::Marker;
pub(crate) use {
    allocate::{MAX_CELL, cell_size},
    arena::hash_seed_of,
    external::{LARGE_HEADER, OutOfMemory, allocate_outside, free_outside, reallocate_outside},
};

use crate::object::{Prototype, Str, Thread, Userdata};
use crate::string::intern::InternTable;
use account::Account;
use allocate::{CLASSES, Class, Cursor};
use arena::Arenas;
use external::{LargePayloads, Owned, Registry};
use mark::{Gray, Slice};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::ptr::null_mut;
use weak::WeakTable;

/// How a heap is to behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeapConfig {
    /// The most bytes that the heap may use, external memory included.
    pub(crate) memory_limit: usize,
    /// The seed of the string hash; random if there is none.
    pub(crate) hash_seed: Option<u64>,
}

/// What the collector starts from. Everything that the VM may still reach without going through another object.
pub(crate) trait Roots {
    /// Reports every root. Called several times in a cycle, so it should take time in proportion to what runs, not to what
    /// waits.
    fn trace(&mut self, marker: &mut Marker<'_>);
}

/// The stages of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No cycle is under way.
    Idle,
    /// Reachable objects are being marked.
    Mark,
    /// Userdata that are not marked yet are being listed, in case they have finalizers.
    Survey,
    /// Whatever refers to unmarked objects without keeping them alive forgets them; what they own is released.
    Purge,
    /// Unmarked cells become free runs.
    Sweep,
}

/// The heap: all objects of a VM, and the state of their collector.
pub struct Heap {
    cursors: [Cursor; CLASSES],
    /// Whether [`Heap::step`] should be called at the next safepoint.
    due: bool,
    /// The budget that is cut short when `due` becomes true; null if there is none.
    alarm: *mut i64,
    /// Whether barriers matter: from the start of marking to the atomic phase.
    marking: bool,
    /// Whether marking something is a mistake: see [`verify`].
    verifying: bool,
    phase: Phase,
    account: Account,
    pub(crate) strings: InternTable,
    classes: Vec<Class>,
    arenas: Arenas,

    gray: Vec<Gray>,
    /// Objects that were stored into after they had been scanned.
    gray_again: Vec<Gray>,
    /// Large tables that are being scanned piece by piece.
    slices: Vec<Slice>,
    weak: Vec<WeakTable>,
    /// Threads that ran since the last look at them in this cycle.
    resumed: Vec<*mut Thread>,
    /// Work done since the roots were traced last, and how often they were, in this cycle.
    round_work: usize,
    rounds: u32,

    large: LargePayloads,
    threads: Registry<*mut Thread>,
    userdata: Registry<Owned<Userdata>>,
    prototypes: Registry<Owned<Prototype>>,
    /// Userdata found unmarked by the survey, oldest first.
    suspects: Vec<*mut Userdata>,
    /// How many userdata the survey has looked at.
    surveyed: usize,
    /// Userdata whose `__gc` is to be called, in order.
    finalizers: VecDeque<*mut Userdata>,
    purge_stage: purge::Stage,
    sweep_class: usize,
    /// The names `__mode` and `__gc`.
    mode_name: *mut Str,
    finalizer_name: *mut Str,
}

impl Heap {
    /// An empty heap.
    pub(crate) fn new(config: HeapConfig) -> Heap {
        let seed = config.hash_seed.unwrap_or_else(|| std::hash::RandomState::new().hash_one(0));
        let mut heap = Heap {
            cursors: [Cursor::EMPTY; CLASSES],
            due: cfg!(feature = "gc-stress"),
            alarm: null_mut(),
            marking: false,
            verifying: false,
            phase: Phase::Idle,
            account: Account::new(config.memory_limit),
            strings: InternTable::new(seed),
            classes: std::iter::repeat_with(Class::default).take(CLASSES).collect(),
            arenas: Arenas::new(seed),
            gray: Vec::new(),
            gray_again: Vec::new(),
            slices: Vec::new(),
            weak: Vec::new(),
            resumed: Vec::new(),
            round_work: 0,
            rounds: 0,
            large: LargePayloads::default(),
            threads: Registry::default(),
            userdata: Registry::default(),
            prototypes: Registry::default(),
            suspects: Vec::new(),
            surveyed: 0,
            finalizers: VecDeque::new(),
            purge_stage: purge::Stage::Threads,
            sweep_class: 0,
            mode_name: null_mut(),
            finalizer_name: null_mut(),
        };
        heap.mode_name = heap.string(b"__mode");
        heap.finalizer_name = heap.string(b"__gc");
        heap
    }

    /// Does one slice of collection work, in proportion to what was allocated since the last.
    ///
    /// # Safety
    /// The VM is at a safepoint: `roots` reaches everything that is alive, and stored contexts are up to date.
    pub(crate) unsafe fn step(&mut self, roots: &mut dyn Roots) {
        if cfg!(feature = "gc-stress") {
            return self.collect(roots);
        }
        let quantum = self.account.take_debt();
        if quantum > 0 {
            self.advance(quantum, roots);
        }
        self.update_due();
    }

    /// Does as much work as `bytes` bytes of allocation call for; true if that ended a cycle.
    ///
    /// # Safety
    /// As [`Heap::step`].
    pub(crate) unsafe fn step_by(&mut self, bytes: usize, roots: &mut dyn Roots) -> bool {
        let mut left = bytes.max(account::STEP_SIZE);
        while left > 0 {
            let quantum = left.min(account::STEP_SIZE);
            left -= quantum;
            if self.advance(quantum, roots) {
                self.update_due();
                return true;
            }
        }
        self.update_due();
        false
    }

    /// Runs a complete cycle: everything that is unreachable now is freed, or has its finalizer queued.
    ///
    /// # Safety
    /// As [`Heap::step`].
    pub(crate) unsafe fn collect(&mut self, roots: &mut dyn Roots) {
        match self.phase {
            Phase::Idle => {}
            // What died since marking began may be marked: begin again.
            Phase::Mark | Phase::Survey => self.abandon_marking(),
            Phase::Purge | Phase::Sweep => while !self.advance(usize::MAX, roots) {},
        }
        while !self.advance(usize::MAX, roots) {}
        self.account.forgive_debt();
        self.update_due();
    }

    /// One slice of a cycle; true if it was the cycle's last.
    unsafe fn advance(&mut self, quantum: usize, roots: &mut dyn Roots) -> bool {
        match self.phase {
            Phase::Idle => self.begin_marking(roots),
            Phase::Mark => {
                if self.drain(self.account.marking_work(quantum)) && !self.begin_round(roots) {
                    self.begin_survey();
                }
            }
            Phase::Survey => {
                if self.survey(self.account.marking_work(quantum)) {
                    self.atomic(roots);
                }
            }
            Phase::Purge => {
                if self.purge(quantum) {
                    self.begin_sweep();
                }
            }
            Phase::Sweep => {
                if self.sweep(16 + (quantum >> 12)) {
                    self.phase = Phase::Idle;
                    self.account.set_threshold();
                    // What the heap will grow to before the next cycle is not worth returning.
                    self.arenas.release_free(self.account.threshold());
                    return true;
                }
            }
        }
        false
    }

    /// The end of marking, in one piece: whatever the mutator changed behind the marker's back is looked at again, weak
    /// references are cleared, finalizers queued.
    unsafe fn atomic(&mut self, roots: &mut dyn Roots) {
        self.trace_roots(roots);
        self.scan_resumed();
        self.rescan();
        self.drain(usize::MAX);
        self.separate_finalizable();
        self.drain(usize::MAX);
        self.rescan_changed_weak();
        self.clear_weak();
        debug_assert!(self.gray.is_empty() && self.slices.is_empty() && self.gray_again.is_empty());
        self.marking = false;
        if cfg!(any(debug_assertions, feature = "gc-stress")) {
            self.verify();
        }
        self.begin_purge();
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: no object is used any more; each registered object is dropped once.
        unsafe { self.release_everything() };
    }
}
