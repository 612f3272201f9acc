//! The heap's part of the interpreter's budget.
//!
//! Invariant: work on memory that takes more than about a microsecond is charged, wherever it is
//! done, since it may be all that a loop does. The heap charges for the bytes that it copies and
//! compares; where a native only reads, it charges itself (`Call::charge`).

use std::cell::Cell;

/// Bytes that are copied or compared in the time of one unit of the budget (a call or a back-edge).
pub const BYTES_PER_UNIT: usize = 64;
/// Less than this is not worth a thought.
const FREE_BYTES: usize = 1 << 10;
/// No amount of charged work takes the budget lower: it is a debt of some slices, and all of them
/// are over.
const LOWEST: i64 = -200_000;

#[cfg(debug_assertions)]
thread_local! {
    /// All units that this thread has been charged, whatever became of the debt.
    static CHARGED: Cell<u64> = const { Cell::new(0) };
}

/// The units that this thread has been charged since it began.
#[cfg(debug_assertions)]
pub(crate) fn charged_in_all() -> u64 {
    CHARGED.with(Cell::get)
}

/// Takes units from a budget.
#[inline]
pub(crate) fn charge(budget: &mut i64, units: usize) {
    #[cfg(debug_assertions)]
    CHARGED.with(|charged| charged.set(charged.get() + units as u64));
    let left = budget.saturating_sub_unsigned(units as u64);
    *budget = left.max(LOWEST.min(*budget));
}

/// Data that every arena of a heap has, so that it is found from any object.
pub(super) struct Shared {
    /// The seed of the string hash.
    pub(super) hash_seed: u64,
    /// The interpreter's budget; null if there is none.
    pub(super) budget: Cell<*mut i64>,
}

impl Shared {
    /// Uses the budget up: something is to be done at the next safepoint.
    pub(super) fn use_up(&self) {
        let budget = self.budget.get();
        if !budget.is_null() {
            // SAFETY: see `Heap::set_budget`.
            unsafe { *budget = (*budget).min(0) }
        }
    }

    /// Charges for this number of bytes that are copied, compared or hashed.
    #[inline]
    pub(super) fn charge_bytes(&self, bytes: usize) {
        if bytes >= FREE_BYTES {
            self.charge_many(bytes);
        }
    }

    #[cold]
    fn charge_many(&self, bytes: usize) {
        let budget = self.budget.get();
        if !budget.is_null() {
            // SAFETY: see `Heap::set_budget`.
            charge(unsafe { &mut *budget }, bytes / BYTES_PER_UNIT);
        }
    }
}

impl super::Heap {
    /// The interpreter's budget. It is used up at once when a collection becomes due, so that
    /// natives that allocate need not look, and charged with work on memory.
    ///
    /// # Safety
    /// Whenever the heap or one of its objects is used, the budget set last is alive, and no
    /// reference to it exists.
    pub(crate) unsafe fn set_budget(&mut self, budget: *mut i64) {
        self.arenas.shared.budget.set(budget);
    }

    /// Charges the budget for this number of bytes that are copied.
    #[inline]
    pub(crate) fn charge_bytes(&self, bytes: usize) {
        self.arenas.shared.charge_bytes(bytes);
    }
}

/// Charges the budget of the heap that a cell belongs to for this number of bytes that are compared
/// or hashed.
///
/// # Safety
/// `cell` is in a live arena.
#[inline]
pub(crate) unsafe fn charge_bytes_at<T>(cell: *const T, bytes: usize) {
    // SAFETY: the cell is in an arena that exists, as the caller asserts, and the shared data lives
    // longer than the arenas.
    unsafe { (*super::arena::shared_of(cell)).charge_bytes(bytes) };
}
