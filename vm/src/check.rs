//! Compares the account with the allocator, in builds with the feature `account-check`.
//!
//! A counting allocator counts all live bytes, and samples where some were allocated: each thread
//! records one allocation, with its call stack, per [`SAMPLED`] bytes that it allocates. After each
//! turn, memory outside the heap's arenas must be in the account: live bytes are at most one and a
//! half times as many, and 8 MiB. If not, the process reports the call stacks that allocated most
//! and ends with [`EXIT_CODE`]. So every script that runs in such a build is a test of the account.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// The exit code of a process whose account is incorrect.
const EXIT_CODE: i32 = 86;
/// What need not be known: libraries, the runtime, buffers of a fixed number.
const SLACK: usize = 8 << 20;
/// Adding up the account takes time: it is done when live bytes have grown by `GROWTH`, and every
/// `RARE` turns.
const GROWTH: usize = 1 << 20;
const RARE: usize = 16;
/// The bytes of allocations of which one is remembered.
const SAMPLED: usize = 128 << 10;
/// How many call stacks are reported, and how many calls of each.
const REPORTED: usize = 5;
const FRAMES: usize = 10;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// Turns so far, and live bytes when the account was right the last time.
static TURNS: AtomicUsize = AtomicUsize::new(0);
static CHECKED: AtomicUsize = AtomicUsize::new(0);
/// Allocations that are remembered, by address: the bytes that each represents, and its call stack.
static SAMPLES: Mutex<Option<HashMap<usize, (usize, Backtrace)>>> = Mutex::new(None);
/// How many remembered addresses have each hash, so that few releases look into `SAMPLES`.
static SAMPLES_BY_HASH: [AtomicU16; 1 << 14] = [const { AtomicU16::new(0) }; 1 << 14];

thread_local! {
    /// The allocator is being called recursively.
    static BUSY: Cell<bool> = const { Cell::new(false) };
    /// Bytes allocated since the last sample.
    static UNSAMPLED: Cell<usize> = const { Cell::new(0) };
}

/// Runs `f` on the samples, unless that is what allocates.
fn with_samples(f: impl FnOnce(&mut HashMap<usize, (usize, Backtrace)>)) {
    let is_busy = BUSY.try_with(|busy| busy.replace(true)).unwrap_or(true);
    if is_busy {
        return;
    }
    let mut samples = SAMPLES.lock().unwrap_or_else(PoisonError::into_inner);
    f(samples.get_or_insert_default());
    drop(samples);
    let _ = BUSY.try_with(|busy| busy.set(false));
}

fn count_by_hash(address: usize) -> &'static AtomicU16 {
    &SAMPLES_BY_HASH[(address >> 4).wrapping_mul(0x9e37_79b9) >> 8 & (SAMPLES_BY_HASH.len() - 1)]
}

fn allocated(pointer: *mut u8, size: usize) {
    if pointer.is_null() {
        return;
    }
    LIVE.fetch_add(size, Relaxed);
    let sampled = UNSAMPLED.try_with(|unsampled| {
        let bytes = unsampled.get() + size;
        unsampled.set(if bytes < SAMPLED { bytes } else { 0 });
        bytes
    });
    // A panic that is being reported holds the lock that call stacks need.
    if let Ok(bytes @ SAMPLED..) = sampled
        && !std::thread::panicking()
    {
        with_samples(|samples| {
            // Names are looked up for a report only: that takes memory itself.
            samples.insert(pointer as usize, (bytes, Backtrace::force_capture()));
            count_by_hash(pointer as usize).fetch_add(1, Relaxed);
        });
    }
}

fn freed(pointer: *mut u8, size: usize) {
    LIVE.fetch_sub(size, Relaxed);
    if count_by_hash(pointer as usize).load(Relaxed) > 0 {
        with_samples(|samples| {
            if samples.remove(&(pointer as usize)).is_some() {
                count_by_hash(pointer as usize).fetch_sub(1, Relaxed);
            }
        });
    }
}

// SAFETY: everything is passed to the OS's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller fulfils the contract of `GlobalAlloc`, which is the same there.
        let pointer = unsafe { System.alloc(layout) };
        allocated(pointer, layout.size());
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        freed(pointer, layout.size());
        // SAFETY: the caller fulfils the contract of `GlobalAlloc`, which is the same there.
        unsafe { System.dealloc(pointer, layout) };
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller fulfils the contract of `GlobalAlloc`, which is the same there.
        let pointer = unsafe { System.alloc_zeroed(layout) };
        allocated(pointer, layout.size());
        pointer
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Before another thread may get the address.
        freed(pointer, layout.size());
        // SAFETY: the caller fulfils the contract of `GlobalAlloc`, which is the same there.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        if moved.is_null() {
            LIVE.fetch_add(layout.size(), Relaxed);
        }
        allocated(moved, size);
        moved
    }
}

/// Ends the process if more is live outside the arenas than `known` bytes explain. `arenas` is the
/// size of the heap's arenas.
pub(crate) fn check(arenas: usize, known: impl FnOnce() -> usize) {
    let live = LIVE.load(Relaxed).saturating_sub(arenas);
    let turn = TURNS.fetch_add(1, Relaxed);
    let has_grown = live > CHECKED.load(Relaxed).saturating_add(GROWTH);
    if live <= SLACK || !has_grown && turn % RARE != 0 {
        return;
    }
    let known = known();
    if live <= known + known / 2 + SLACK {
        CHECKED.store(live, Relaxed);
        return;
    }
    eprintln!("account: {live} bytes are live outside the arenas, {known} are known");
    with_samples(|samples| report(samples));
    std::process::exit(EXIT_CODE);
}

/// Prints the call stacks that allocated most.
fn report(samples: &HashMap<usize, (usize, Backtrace)>) {
    let mut stacks: HashMap<String, usize> = HashMap::new();
    for (bytes, stack) in samples.values() {
        *stacks.entry(calls_of(&stack.to_string())).or_default() += bytes;
    }
    // Arenas are known.
    let mut stacks: Vec<_> =
        stacks.into_iter().filter(|(stack, _)| !stack.contains("gc/arena.rs")).collect();
    stacks.sort_unstable_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    for (stack, bytes) in stacks.into_iter().take(REPORTED) {
        eprintln!("about {bytes} bytes:\n{stack}");
    }
}

/// The innermost calls of functions of ours in a call stack, a line each.
fn calls_of(stack: &str) -> String {
    let is_ours = |place: &str| {
        let others = ["/rustc/", "/registry/", "/.rustup/", "src/check.rs"];
        !others.iter().any(|part| place.contains(part))
    };
    let lines: Vec<&str> = stack.lines().map(str::trim).collect();
    let mut calls = Vec::new();
    for pair in lines.windows(2) {
        // "12: function" and "at file:line:column".
        if let ([call, place], true) = (pair, calls.len() < FRAMES)
            && let Some(place) = place.strip_prefix("at ").filter(|place| is_ours(place))
        {
            let name = call.split_once(": ").map_or(*call, |(_, name)| name);
            let name = name.split(['<', '{']).next().unwrap_or_default().trim_end_matches("::");
            calls
                .push(format!("    {} at {place}", if name.is_empty() { "closure" } else { name }));
        }
    }
    calls.join("\n")
}
