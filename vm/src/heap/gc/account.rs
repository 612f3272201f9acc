//! Accounting: how much memory is in use, how much it may be, and when the collector has to work.
//!
//! The heap reports its use to the program's account ([`crate::account`]), and checks the whole
//! account: bytes held outside the heap pace the collector as if they were allocated here.
//!
//! Work is in proportion to allocation: every [`STEP_SIZE`] bytes allocated make a slice due, which
//! works for no more than [`MAX_QUANTUM`]; the rest of the debt of a large allocation is paid when
//! the budget is used up, or at once if it becomes a backlog. Counting happens when a class takes a
//! run or a payload is large, never per object.

use super::{Heap, Phase};
use crate::account::Account;
use crate::reserve;

/// Bytes of allocation between two slices.
pub(super) const STEP_SIZE: usize = 32 << 10;
/// The most debt that one slice pays, so that one large allocation does not make one long pause.
const MAX_QUANTUM: usize = 128 << 10;
/// But it pays for at least 1/`LARGE_SHARE` of the allocation since the last slice, which has taken
/// longer.
const LARGE_SHARE: usize = 8;
/// Near the limit slices pay for up to this many times the allocation, but for no more than this.
const MAX_SPEEDUP: usize = 16;
const MAX_FAST_QUANTUM: usize = 4 * MAX_QUANTUM;
/// The debt may be 1/`BACKLOG_SHARE` of the live bytes, and in any case `MIN_BACKLOG`; beyond it
/// the next slice is due at once.
const BACKLOG_SHARE: usize = 16;
const MIN_BACKLOG: usize = 256 << 10;
/// A full collection for tasks that wait for memory is worthwhile when 1/`FULL_SHARE` of the limit
/// was allocated since the last.
const FULL_SHARE: usize = 16;
/// A cycle starts at the earliest when the heap has grown by this much.
const MIN_GROWTH: usize = 512 << 10;
/// The allocation after which a program's garbage is collected when it rests.
const MIN_GROWTH_AT_REST: usize = 4 << 20;

pub(super) struct Ledger {
    /// The account of the program, with the limit.
    program: Account,
    /// Bytes of this heap in use, payloads included.
    pub(super) used: usize,
    /// The part of `used` that the program's account has.
    published: usize,
    /// The rest of the account: as read last, and at the end of the last cycle.
    outside: usize,
    outside_survived: usize,
    /// Bytes allocated since the heap was created, and cycles ended.
    allocated: u64,
    /// `allocated` and `used` at the end of the last full collection.
    allocated_at_collection: u64,
    used_at_collection: usize,
    /// The same when the last collection at rest began; and when one began that has not ended.
    allocated_at_rest: u64,
    began_at_rest: Option<u64>,
    pub(super) cycles: u64,
    /// Bytes that were in use at the end of the last cycle.
    survived: usize,
    /// Bytes of `used` that are the intern table.
    pub(super) intern_table: usize,
    /// Bytes allocated that no work was done for yet.
    debt: usize,
    /// Bytes allocated since the last slice.
    recent: usize,
    /// A cycle starts when `used` reaches this.
    threshold: usize,
    /// In percent: how large the heap may become, relative to what survived, before the next cycle.
    pause: usize,
    /// In percent: `collectgarbage("setstepmul")`.
    step_multiplier: usize,
    stopped: bool,
}

impl Ledger {
    pub(super) fn new(program: Account) -> Ledger {
        Ledger {
            program,
            used: 0,
            published: 0,
            outside: 0,
            outside_survived: 0,
            allocated: 0,
            allocated_at_collection: 0,
            used_at_collection: 0,
            allocated_at_rest: 0,
            began_at_rest: None,
            cycles: 0,
            survived: 0,
            intern_table: 0,
            debt: 0,
            recent: 0,
            threshold: 2 * MIN_GROWTH,
            pause: 200,
            step_multiplier: 200,
            stopped: false,
        }
    }

    /// The size at which the next cycle starts.
    pub(super) fn threshold(&self) -> usize {
        self.threshold
    }

    pub(super) fn cycle_is_due(&self) -> bool {
        self.used + self.outside.saturating_sub(self.outside_survived) >= self.threshold
    }

    /// A cycle of a collection at rest starts.
    pub(super) fn begin_at_rest(&mut self) {
        self.began_at_rest = Some(self.allocated);
    }

    /// A cycle has ended; whether it was one of a collection at rest from its beginning.
    pub(super) fn end_at_rest(&mut self) -> bool {
        let began = self.began_at_rest.take();
        began.inspect(|&began| self.allocated_at_rest = began).is_some()
    }

    /// Publishes what the heap uses, and owes work for what is held outside it since the last time.
    fn publish(&mut self) {
        self.program.publish(self.published, self.used);
        self.published = self.used;
        let outside = self.program.used().saturating_sub(self.used);
        if outside > self.outside {
            self.owe(outside - self.outside);
        }
        self.outside = outside;
    }

    /// Bytes in use in all.
    fn total(&self) -> usize {
        self.program.used().wrapping_sub(self.published).wrapping_add(self.used)
    }

    fn owe(&mut self, bytes: usize) {
        self.debt += bytes;
        self.recent += bytes;
    }

    /// Takes the debt that the next slice is to pay; the bytes of allocation to work for.
    pub(super) fn take_debt(&mut self) -> usize {
        let quantum = self.debt.min(MAX_QUANTUM.max(self.recent / LARGE_SHARE));
        self.debt -= quantum;
        self.recent = 0;
        (quantum * self.speedup()).min(quantum.max(MAX_FAST_QUANTUM))
    }

    /// How many times as fast as usual the cycle has to be, so that it ends before the heap is
    /// full: a full collection would be one long pause. At the usual speed the heap grows by two
    /// fifths of what is alive during a cycle; that shall be half of the room.
    fn speedup(&self) -> usize {
        let room = self.room().max(1);
        let alive = self.survived.max(self.used / 2);
        (alive / 5 * 4 / room).clamp(1, MAX_SPEEDUP)
    }

    fn room(&self) -> usize {
        self.program.limit().saturating_sub(self.total())
    }

    pub(super) fn forgive_debt(&mut self) {
        self.debt = 0;
        self.recent = 0;
    }

    /// Bytes to mark for `quantum` bytes allocated. At a multiplier of 200 the marker runs four
    /// times as fast as the mutator.
    pub(super) fn marking_work(&self, quantum: usize) -> usize {
        match self.step_multiplier {
            0 => usize::MAX,
            percent => (quantum.saturating_mul(percent) / 50).max(1024),
        }
    }

    /// At the end of a cycle: when to start the next. It must be able to finish before the limit is
    /// reached.
    pub(super) fn set_threshold(&mut self) {
        self.survived = self.used;
        let wanted = (self.used / 100).saturating_mul(self.pause).saturating_add(MIN_GROWTH);
        self.publish();
        self.outside_survived = self.outside;
        let room = self.room();
        self.threshold = wanted.min(self.used + room / 2);
    }
}

impl Heap {
    /// Counts an allocation, and decides whether there is work to do.
    pub(super) fn account_allocation(&mut self, bytes: usize) {
        self.account.used += bytes;
        self.account.allocated += bytes as u64;
        self.account.owe(bytes);
        self.update_due();
    }

    /// Counts an object that has to be scanned again because it has changed: the marker must be
    /// faster than changes are, even if nothing is allocated.
    pub(super) fn account_change(&mut self, bytes: usize) {
        self.account.owe(bytes);
        if !self.due {
            self.update_due();
        }
    }

    pub(super) fn account_release(&mut self, bytes: usize) {
        debug_assert!(self.account.used >= bytes);
        self.account.used = self.account.used.saturating_sub(bytes);
    }

    /// Compares the account of memory outside the arenas with the allocator's count.
    #[cfg(feature = "account-check")]
    pub(crate) fn check_account(&self) {
        crate::check::check(self.arenas.size(), || {
            let blocks = self.arenas.blocks_in_use();
            // SAFETY: the descriptor of a block in use is initialised (BLOCKS).
            let used = |&block: &*mut super::arena::Block| unsafe { (*block).used } as usize;
            let in_cells: usize = blocks.iter().map(used).sum();
            self.account.total().saturating_sub(in_cells)
        });
    }

    /// The heap has been freed: it uses nothing.
    pub(super) fn close_account(&mut self) {
        self.account.used = 0;
        self.account.publish();
    }

    /// Reads the account, and decides whether there is work to do.
    pub(crate) fn update_due(&mut self) {
        let account = &mut self.account;
        account.publish();
        if account.stopped || self.phase == Phase::Idle && !account.cycle_is_due() {
            account.forgive_debt();
        }
        let is_behind = account.debt > MIN_BACKLOG.max(account.survived / BACKLOG_SHARE);
        self.due = account.recent >= STEP_SIZE
            || is_behind
            || account.total() > account.program.limit()
            || reserve::is_short()
            || cfg!(feature = "gc-stress");
        if self.due {
            self.arenas.shared.use_up();
        }
    }

    /// Counts what the intern table has grown or shrunk since it was counted last.
    pub(super) fn recount_intern_table(&mut self) {
        let size = self.strings.size();
        let counted = std::mem::replace(&mut self.account.intern_table, size);
        self.account.used = self.account.used - counted + size;
        self.account.allocated += size.saturating_sub(counted) as u64;
    }

    /// Whether the interpreter must call [`Heap::step`] (and, over the limit, [`Heap::collect`]) at
    /// the next safepoint.
    #[inline(always)]
    pub(crate) fn collection_due(&self) -> bool {
        self.due
    }

    /// Whether it is to do so once the program has run for a while: what one slice could not pay.
    pub(crate) fn collection_owed(&self) -> bool {
        self.due || self.account.debt >= STEP_SIZE || reserve::is_short()
    }

    /// Bytes in use, external memory included: the result of `collectgarbage("count")`.
    pub(crate) fn used(&self) -> usize {
        self.account.used - self.unallocated()
    }

    /// Bytes allocated since the heap was created.
    pub(crate) fn allocated(&self) -> u64 {
        self.account.allocated - self.unallocated() as u64
    }

    /// Cycles that have ended.
    pub(crate) fn cycles(&self) -> u64 {
        self.account.cycles
    }

    /// Whether so little is left below the limit that another full collection would follow at once:
    /// after one that exceeded the limit it is time to give up, or the program would do nothing but
    /// collect.
    pub(crate) fn is_nearly_full(&self) -> bool {
        let limit = self.account.program.limit();
        self.account.total() > limit - limit / 32 || reserve::is_short()
    }

    /// Whether enough was allocated since the last full collection for another one to be worth
    /// while.
    pub(crate) fn has_grown_since_collection(&self) -> bool {
        let allocated = self.account.allocated - self.account.allocated_at_collection;
        allocated > (self.account.program.limit() / FULL_SHARE) as u64
    }

    /// Whether a collection at rest is worthwhile: enough was allocated since the last one, or
    /// released, of which the caller counted `released` bytes.
    pub(crate) fn is_worth_collecting(&self, released: u64) -> bool {
        /// The live bytes divided by this are enough.
        const SHARE: usize = 16;
        let account = &self.account;
        let changed = (account.allocated - account.allocated_at_rest).saturating_add(released);
        !account.stopped && changed > MIN_GROWTH_AT_REST.max(account.survived / SHARE) as u64
    }

    /// Bytes that were in use when the last cycle had ended.
    pub(crate) fn survived(&self) -> usize {
        self.account.survived
    }

    /// A full collection has ended.
    pub(super) fn note_collection(&mut self) {
        if reserve::is_short() {
            crate::account::trim_allocator();
            reserve::restore();
        }
        let account = &mut self.account;
        let allocated = account.allocated - account.allocated_at_collection;
        let grown = account.used as i64 - account.used_at_collection as i64;
        let freed = (allocated as i64).saturating_sub(grown);
        account.program.note_freed(usize::try_from(freed).unwrap_or(0));
        account.allocated_at_collection = account.allocated;
        account.used_at_collection = account.used;
        account.forgive_debt();
    }

    /// The most bytes that the program may use.
    pub(crate) fn limit(&self) -> usize {
        self.account.program.limit()
    }

    /// The account of the program.
    pub(crate) fn program_account(&self) -> &Account {
        &self.account.program
    }

    /// Whether `bytes` more would exceed the limit, or leave too little for smaller objects: among
    /// many large requests, a small one must succeed.
    #[inline(never)]
    pub(crate) fn would_exceed(&self, bytes: usize) -> bool {
        /// `LEFT` times the size is left, but not more than the limit divided by `MOST_LEFT`.
        const LEFT: usize = 64;
        const MOST_LEFT: usize = 16;
        let limit = self.account.program.limit();
        let left = bytes.saturating_mul(LEFT).min(limit / MOST_LEFT);
        self.account.total().saturating_add(bytes) > limit - left || reserve::is_short()
    }

    /// How many bytes more the limit allows.
    pub(crate) fn room(&self) -> usize {
        self.account.room()
    }

    /// Stops the collector (`collectgarbage("stop")`), except for a heap over its limit.
    pub(crate) fn stop(&mut self) {
        self.account.stopped = true;
        self.update_due();
    }

    /// Lets the collector run again (`collectgarbage("restart")`).
    pub(crate) fn restart(&mut self) {
        self.account.stopped = false;
        self.update_due();
    }

    /// Sets the pause in percent and returns the old one (`collectgarbage("setpause")`).
    pub(crate) fn set_pause(&mut self, percent: usize) -> usize {
        std::mem::replace(&mut self.account.pause, percent)
    }

    /// Sets the step multiplier in percent and returns the old one
    /// (`collectgarbage("setstepmul")`).
    pub(crate) fn set_step_multiplier(&mut self, percent: usize) -> usize {
        std::mem::replace(&mut self.account.step_multiplier, percent)
    }
}
