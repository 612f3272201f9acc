//! Compares the account with the allocator, in builds with the feature `account-check`.
//!
//! A counting allocator knows all live bytes and where large ones were allocated. After each turn,
//! what lies outside the heap's arenas must be known to the account: live bytes are at most one and
//! a half times as many, and some MiB. If not, the process reports the largest places of allocation
//! and ends with [`EXIT_CODE`]. So every script that runs in such a build is a test of the account.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The exit code of a process whose account is wrong.
pub(crate) const EXIT_CODE: i32 = 86;
/// What need not be known: libraries, the runtime, buffers of a fixed number.
const SLACK: usize = 8 << 20;
/// Allocations from this size on are remembered with their place.
const LARGE: usize = 256 << 10;
/// How many places are reported.
const REPORTED: usize = 5;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PLACES: Mutex<Option<HashMap<usize, (usize, Backtrace)>>> = Mutex::new(None);

thread_local! {
    /// The allocator is being called by itself.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` on the places, unless that is what allocates.
fn with_places(f: impl FnOnce(&mut HashMap<usize, (usize, Backtrace)>)) {
    let is_busy = BUSY.try_with(|busy| busy.replace(true)).unwrap_or(true);
    if is_busy {
        return;
    }
    if let Ok(mut places) = PLACES.lock() {
        f(places.get_or_insert_default());
    }
    let _ = BUSY.try_with(|busy| busy.set(false));
}

fn allocated(pointer: *mut u8, size: usize) {
    if pointer.is_null() {
        return;
    }
    LIVE.fetch_add(size, Relaxed);
    if size >= LARGE {
        with_places(|places| {
            // Names are looked up for a report only: that takes memory itself.
            places.insert(pointer as usize, (size, Backtrace::force_capture()));
        });
    }
}

fn freed(pointer: *mut u8, size: usize) {
    LIVE.fetch_sub(size, Relaxed);
    if size >= LARGE {
        with_places(|places| _ = places.remove(&(pointer as usize)));
    }
}

// SAFETY: everything is passed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let pointer = System.alloc(layout);
        allocated(pointer, layout.size());
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        freed(pointer, layout.size());
        System.dealloc(pointer, layout);
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let pointer = System.alloc_zeroed(layout);
        allocated(pointer, layout.size());
        pointer
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let moved = System.realloc(pointer, layout, size);
        if !moved.is_null() {
            freed(pointer, layout.size());
            allocated(moved, size);
        }
        moved
    }
}

/// Ends the process if more is live outside the arenas than `known` bytes explain. `arenas` is the
/// size of the heap's arenas.
pub(crate) fn check(arenas: usize, known: impl FnOnce() -> usize) {
    let live = LIVE.load(Relaxed).saturating_sub(arenas);
    if live <= SLACK {
        return;
    }
    let known = known();
    if live <= known + known / 2 + SLACK {
        return;
    }
    eprintln!("account: {live} bytes are live outside the arenas, {known} are known");
    with_places(|places| {
        let mut largest: Vec<_> = places.values().collect();
        largest.sort_unstable_by_key(|(size, _)| std::cmp::Reverse(*size));
        // Arenas are known.
        let others = largest
            .into_iter()
            .map(|(size, place)| (size, place.to_string()))
            .filter(|(_, place)| !place.contains("Arenas"));
        for (size, place) in others.take(REPORTED) {
            let frames = place.lines().filter(|line| line.contains("solvm")).take(8);
            eprintln!("{size} bytes:\n{}", frames.collect::<Vec<_>>().join("\n"));
        }
    });
    std::process::exit(EXIT_CODE);
}
