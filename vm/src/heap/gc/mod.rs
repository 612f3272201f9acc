//! The heap and its collector.
//!
//! # Overview
//! The collector is incremental, tracing and non-moving: it marks what is reachable and sweeps the
//! rest, in small slices between which the program (the *mutator*) runs. It uses three colours.
//! White objects have not been reached; gray ones have, but their references have not been followed
//! yet; black ones are done with. When no gray object is left, white means dead.
//!
//! Objects are in cells of arenas ([`arena`]), with their marks in a bitmap at the arena's start:
//! sweeping reads the bitmap and never touches a dead object, marking dirties only one byte of an
//! object. Allocation moves a pointer within a run of free cells ([`allocate`]). Memory that does
//! not fit in a cell comes from the OS ([`external`]).
//!
//! # When it runs
//! Allocation never collects. It counts, and at last makes a collection *due*; the interpreter then
//! calls [`Heap::step`] at its next safepoint, where it can enumerate all roots. So native code may
//! hold pointers freely until it returns control. Work is in proportion to allocation: for every 32
//! KiB allocated four times as much is marked ([`account`]), and changes to objects that are
//! already marked count as well. A slice takes about a millisecond at most; the rest of a large
//! debt is paid when the program has run for a while. A cycle starts when the heap is twice as
//! large as after the last one, or earlier if the memory limit is near; the nearer it is, the more
//! work each slice does.
//!
//! # A cycle
//! - **Idle.** Nothing is marked. Barriers are off.
//! - **Mark** ([`mark`]). The roots become gray, and gray objects black, slice by slice; large
//!   tables are scanned in parts. The mutator may store references to white objects into black ones
//!   in the meantime, so stores have barriers ([`barrier`]). Stacks are the exception: they are
//!   written without barriers, and scanned again if their thread ran since. When no gray object is
//!   left, objects that were changed after they were scanned are marked in another round, as long
//!   as that is worthwhile, so that little is left for the atomic phase.
//! - **Survey** ([`finalize`], [`weak`]). Userdata that are still white are listed, in case they
//!   have finalizers; and weak references to white objects.
//! - **Atomic** ([`Heap::atomic`]). Without interruption: the rest is marked; dead userdata with a
//!   finalizer are queued and marked, with everything that they refer to; weak tables lose their
//!   dead entries ([`weak`]).
//! - **Purge** ([`purge`]). Structures that refer to objects without keeping them alive remove the
//!   dead ones: the intern table, the lists of threads, userdata, prototypes and large payloads.
//!   Memory that these own outside the heap is released.
//! - **Sweep** ([`sweep`]). Blocks are swept by allocation when it needs a run, and slice by slice.
//!
//! # Invariants
//! - TRICOLOR: while marking, no black object refers to a white one. (Stacks may, until the atomic
//!   phase.) See [`barrier`].
//! - CELL BITS: only the bit of a cell's first word is ever set. See [`arena`].
//! - RUNS: a free run never overlaps a live cell, and allocation takes runs of swept blocks only.
//!   See [`allocate`].
//! - PURGE BEFORE SWEEP: nothing is swept from the atomic phase to the end of the purge.
//! - BLACK RUNS: objects allocated in that time are marked, so a mark bit means "alive" for every
//!   cell.
//! - CLEAN START: when a cycle starts, every block is swept and no cell is marked.
//! - DEAD KEYS: the key of a table's node without a value is not marked, and never followed. See
//!   [`crate::heap::table::hash`].
//! - STACK ENDS: each cycle clears the slots of every marked thread above its live ones, after the
//!   thread ran last before the atomic phase. So values found there later were stored by then alive
//!   or since.
//! - PUBLISH: an object is complete when its constructor returns, and reachable by the next
//!   safepoint. See [`create`].
//! - REFERENCES: what an object that is alive refers to is alive, too, and of the kind that the
//!   field's type or the value's tag names. From the start of a cycle to the end of its purge the
//!   same is true of "not swept" instead of "alive". Weak references are the exception: they may be
//!   to dead objects until the atomic phase removes them, but never to swept ones.
//! - LISTS: what the collector's own lists and the intern table refer to is not swept: the atomic
//!   phase empties the lists of gray objects, threads, weak tables and suspects, and the purge
//!   removes dead objects from all others.
//! - BLOCKS: every cell that is not free and every block that a class lists is in an arena that
//!   exists, and the block's descriptor is initialised. See [`arena`].
//! - PAYLOADS: a payload belongs to one object, which marks it when it is scanned (a string buffer:
//!   to the long strings that are windows on it). Replacing a payload of a marked object makes the
//!   object gray again.
//!
//! Debug builds and `gc-stress` check them after each atomic phase ([`verify`]); debug builds also
//! fill free cells with a pattern.
//!
//! # Safety
//! All `unsafe` functions of this module and its children expect that the objects they are given
//! belong to this heap and are alive: reachable from the roots at the last safepoint, or created
//! since. Further conditions are stated at each. The invariants above are what makes reading
//! through the pointers found in living objects sound.
//!
//! A heap is used by one thread at a time. Objects are read and written through raw pointers, and
//! no Rust reference to a field of one exists while another function may write to that field.

mod account;
mod allocate;
mod arena;
mod barrier;
mod budget;
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

pub use budget::BYTES_PER_UNIT;
#[cfg(debug_assertions)]
pub(crate) use budget::charged_in_all;
pub use mark::Marker;
pub(crate) use {
    allocate::{MAX_CELL, cell_size},
    arena::hash_seed_of,
    budget::{charge, charge_bytes_at},
};

use crate::account::{Account, OutOfMemory};
use crate::heap::string::intern::InternTable;
use crate::heap::table::Watched;
use crate::heap::userdata::Userdata;
use crate::layout::object::{Prototype, Str, Thread};
use account::Ledger;
use allocate::{CLASSES, Class, Cursor};
use arena::Arenas;
use external::{LargePayloads, Owned, Registry};
use mark::{Gray, Slice};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::ptr::null_mut;
use weak::{WeakEntries, WeakTable};

/// How a heap is to behave.
#[derive(Clone, Debug)]
pub(crate) struct HeapConfig {
    /// The account that it is a part of.
    pub(crate) account: Account,
    /// The seed of the string hash; random if there is none.
    pub(crate) hash_seed: Option<u64>,
}

/// `collectgarbage("step", 0)` does as much work as an allocation of this number of bytes requires.
const SMALLEST_STEP: usize = 1 << 10;
/// The bytes of allocation whose work a slice at rest does.
const SLICE_AT_REST: usize = 256 << 10;

/// The collector's roots: everything that the VM may still reach without going through another
/// object.
pub(crate) trait Roots {
    /// Reports every root. Called multiple times in a cycle, so it should take time in proportion
    /// to running goroutines, not to waiting ones.
    fn trace(&mut self, marker: &mut Marker<'_>);
}

/// The stages of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No cycle is in progress.
    Idle,
    /// Reachable objects are being marked.
    Mark,
    /// Userdata that are not marked yet are being listed, in case they have finalizers, and so are
    /// weak references.
    Survey,
    /// Structures that refer to unmarked objects without keeping them alive remove them; memory
    /// that they own is released.
    Purge,
    /// Unmarked cells become free runs.
    Sweep,
}

/// The heap: all objects of a VM, and the state of their collector.
pub(crate) struct Heap {
    /// Changes whenever something that machine code relies on may have changed: of the tables in
    /// `watched` the metatables, where their nodes are and which keys these have; of the upvalues
    /// where their values are; environments of functions; where stacks are.
    pub(crate) moves: u64,
    /// The tables and upvalues that machine code relies on.
    pub(crate) watched: Watched,
    cursors: [Cursor; CLASSES],
    /// Whether [`Heap::step`] should be called at the next safepoint.
    due: bool,
    /// Whether barriers matter: from the start of marking to the atomic phase.
    marking: bool,
    /// Whether marking something is a mistake: see [`verify`].
    verifying: bool,
    phase: Phase,
    account: Ledger,
    pub(crate) strings: InternTable,
    classes: Vec<Class>,
    arenas: Arenas,

    gray: Vec<Gray>,
    /// Objects that were stored into after they had been scanned.
    gray_again: Vec<Gray>,
    /// Large tables that are being scanned incrementally.
    slices: Vec<Slice>,
    weak: Vec<WeakTable>,
    /// How many of them the survey has visited, its position in the next one, and the entries that
    /// may have to be removed.
    weak_surveyed: usize,
    weak_place: usize,
    weak_suspects: Vec<WeakEntries>,
    /// Threads that ran since their last scan in this cycle.
    resumed: Vec<*mut Thread>,
    /// Those of them that the marker is about to scan again.
    looked_at_again: Vec<*mut Thread>,
    /// Work done since the roots were traced last, and between the two times before that; how often
    /// they were, in this cycle.
    round_work: usize,
    last_round_work: usize,
    rounds: u32,

    large: LargePayloads,
    threads: Registry<*mut Thread>,
    userdata: Registry<*mut Userdata>,
    prototypes: Registry<Owned<Prototype>>,
    /// Userdata found unmarked by the survey, oldest first.
    suspects: Vec<*mut Userdata>,
    /// How many userdata the survey has visited.
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
            moves: 0,
            watched: Watched::new(),
            cursors: [Cursor::EMPTY; CLASSES],
            due: cfg!(feature = "gc-stress"),
            marking: false,
            verifying: false,
            phase: Phase::Idle,
            account: Ledger::new(config.account),
            strings: InternTable::new(seed),
            classes: std::iter::repeat_with(Class::default).take(CLASSES).collect(),
            arenas: Arenas::new(seed),
            gray: Vec::new(),
            gray_again: Vec::new(),
            slices: Vec::new(),
            weak: Vec::new(),
            weak_surveyed: 0,
            weak_place: 0,
            weak_suspects: Vec::new(),
            resumed: Vec::new(),
            looked_at_again: Vec::new(),
            round_work: 0,
            last_round_work: usize::MAX,
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
    /// The VM is at a safepoint: `roots` reaches everything that is alive, and stored contexts are
    /// up to date.
    pub(crate) unsafe fn step(&mut self, roots: &mut dyn Roots) {
        if cfg!(feature = "gc-stress") {
            // SAFETY: the VM is at a safepoint, as the caller asserts.
            return unsafe { self.collect(roots) };
        }
        match self.account.take_debt() {
            0 => self.update_due(),
            // SAFETY: as above.
            quantum => _ = unsafe { self.step_by(quantum, roots) },
        }
    }

    /// Does as much work as `bytes` bytes of allocation call for; true if that ended a cycle.
    ///
    /// # Safety
    /// As [`Heap::step`].
    pub(crate) unsafe fn step_by(&mut self, bytes: usize, roots: &mut dyn Roots) -> bool {
        let mut left = bytes.max(SMALLEST_STEP);
        while left > 0 {
            let quantum = left.min(account::STEP_SIZE);
            left -= quantum;
            // SAFETY: the VM is at a safepoint, as the caller asserts, and no code of it runs
            // between two slices.
            if unsafe { self.advance(quantum, roots) } {
                self.update_due();
                return true;
            }
        }
        self.update_due();
        false
    }

    /// One slice of a collection while the program rests; true if it has found all that was garbage
    /// when it began.
    ///
    /// # Safety
    /// As [`Heap::step`].
    pub(crate) unsafe fn step_at_rest(&mut self, roots: &mut dyn Roots) -> bool {
        if self.phase == Phase::Idle {
            self.account.begin_at_rest();
        }
        // SAFETY: the VM is at a safepoint, as the caller asserts.
        unsafe { self.step_by(SLICE_AT_REST, roots) && self.account.end_at_rest() }
    }

    /// Runs a complete cycle: everything that is unreachable now is freed, or has its finalizer
    /// queued.
    ///
    /// # Safety
    /// As [`Heap::step`].
    pub(crate) unsafe fn collect(&mut self, roots: &mut dyn Roots) {
        // SAFETY: the VM is at a safepoint, as the caller asserts, and stays there, since no code
        // of it runs between two slices. Marking is abandoned only in a phase of marking.
        unsafe {
            match self.phase {
                Phase::Idle => {}
                // Objects that died since marking started may be marked: start again.
                Phase::Mark | Phase::Survey => self.abandon_marking(),
                Phase::Purge | Phase::Sweep => while !self.advance(usize::MAX, roots) {},
            }
            while !self.advance(usize::MAX, roots) {}
        }
        self.note_collection();
        self.update_due();
    }

    /// The nodes of a table are others, one has another key, or the metatable is another one; or an
    /// upvalue was closed.
    #[inline(always)]
    pub(crate) fn moved<T>(&mut self, object: *const T) {
        if self.watched.may_have(object) {
            self.moves += 1;
        }
    }

    /// One slice of a cycle; true if it was the cycle's last.
    ///
    /// # Safety
    /// As [`Heap::step`].
    unsafe fn advance(&mut self, quantum: usize, roots: &mut dyn Roots) -> bool {
        self.moves += 1;
        match self.phase {
            // SAFETY: nothing is marked in this phase (CLEAN START), and the VM is at a safepoint,
            // as the caller asserts.
            Phase::Idle => unsafe { self.begin_marking(roots) },
            Phase::Mark => {
                let looks_at_threads = !self.looked_at_again.is_empty();
                // SAFETY: what is gray is not swept (LISTS), since nothing is swept while marking.
                let is_dry = unsafe { self.drain(self.account.marking_work(quantum)) };
                if looks_at_threads {
                    // The thread that continues may have been among them.
                    roots.trace(&mut Marker::new(self));
                }
                // SAFETY: the VM is at a safepoint, as the caller asserts.
                if is_dry && unsafe { !self.begin_round(roots) } {
                    self.begin_survey();
                }
            }
            // SAFETY: the VM is at a safepoint, as the caller asserts. The atomic phase follows the
            // last slice of the survey at once.
            Phase::Survey => unsafe {
                if self.survey(self.account.marking_work(quantum)) {
                    self.atomic(roots);
                }
            },
            // SAFETY: the phase started after the atomic phase, so a mark means "alive" (BLACK
            // RUNS). Once all is purged, nothing refers to unmarked cells, and sweeping may start.
            Phase::Purge => unsafe {
                if self.purge(quantum) {
                    self.begin_sweep();
                }
            },
            Phase::Sweep => {
                // SAFETY: nothing refers to unmarked cells since the end of the purge.
                if unsafe { self.sweep(16 + (quantum >> 12)) } {
                    self.account.set_threshold();
                    // Memory up to the heap's size at the next cycle is not worth returning.
                    if self.arenas.release_free(self.account.threshold(), 1 + (quantum >> 17)) {
                        self.phase = Phase::Idle;
                        self.account.cycles += 1;
                        return true;
                    }
                }
            }
        }
        false
    }

    /// The end of marking, without interruption: objects that the mutator changed after they were
    /// scanned are scanned again, weak references are cleared, finalizers queued.
    ///
    /// # Safety
    /// As [`Heap::step`]. The survey has just ended.
    unsafe fn atomic(&mut self, roots: &mut dyn Roots) {
        // SAFETY: the VM is at a safepoint, as the caller asserts, so `roots` reaches everything
        // alive. Gray objects, threads, suspects and weak tables are not swept (LISTS). Weak
        // references are cleared when everything alive is marked, and nothing else runs until the
        // purge starts.
        unsafe {
            self.trace_roots(roots);
            self.rescan();
            self.drain(usize::MAX);
            self.separate_finalizable();
            self.drain(usize::MAX);
            let modes_changed = self.rescan_changed_weak();
            self.clear_weak(modes_changed);
            debug_assert!(
                self.gray.is_empty() && self.slices.is_empty() && self.gray_again.is_empty()
            );
            debug_assert!(self.resumed.is_empty() && self.looked_at_again.is_empty());
            self.marking = false;
            if cfg!(any(debug_assertions, feature = "gc-stress")) {
                self.verify();
            }
            self.begin_purge();
        }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: no object is used any more; each registered object is dropped once.
        unsafe { self.release_everything() };
        self.close_account();
    }
}
