//! The account of a program's memory: what it holds, and how much it may hold.
//!
//! There is one account per program, shared by its VMs and by tasks on other threads. A heap
//! publishes what it uses whenever it counts. Bytes outside heaps are held by shares ([`Held`]),
//! which count against the same limit and pace the same collector. So what a script or a client
//! makes the process keep is bounded, wherever it is kept.
//!
//! A *part* ([`Account::part`]) has its own limit within the whole: data of clients is held by a
//! part, so that they cannot starve the script. Large shares of a part leave room for small ones,
//! so that clients with large requests cannot starve those with small ones.
//!
//! Invariant: every byte held by a part is held by the whole, too.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// After this number of released bytes freed memory is returned to the OS at once. It takes the
/// allocator some milliseconds.
const TRIMMED: usize = 32 << 20;
/// The same for a program that rests.
const TRIMMED_AT_REST: usize = 1 << 20;

/// A share of a part leaves `LEFT` times its size to others, but not more than the limit divided by
/// `MOST_LEFT`.
const LEFT: usize = 3;
const MOST_LEFT: usize = 8;

/// glibc keeps freed memory, unless it is at the end of a heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn trim_allocator() {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> i32;
    }
    // SAFETY: it has no preconditions, and takes the allocator's locks itself.
    unsafe { malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn trim_allocator() {}

/// Makes all threads allocate from one heap: to be called when a program that applies the memory
/// limit to its process starts. glibc gives each thread a heap of its own, and keeps up to 64 MiB
/// of freed memory at the end of each.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn limit_allocator() {
    const M_ARENA_MAX: i32 = -8;
    unsafe extern "C" {
        fn mallopt(parameter: i32, value: i32) -> i32;
    }
    // SAFETY: it has no preconditions, and takes the allocator's locks itself.
    unsafe { mallopt(M_ARENA_MAX, 1) };
}

/// Other allocators need no limit.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn limit_allocator() {}

/// The limit forbids the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(crate::messages::NOT_ENOUGH_MEMORY)
    }
}

impl std::error::Error for OutOfMemory {}

impl From<OutOfMemory> for std::io::Error {
    fn from(error: OutOfMemory) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::OutOfMemory, error)
    }
}

/// The account of a program's memory, or a part of it. Clones are the same account.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    limit: usize,
    /// Bytes held by shares of this account and of its parts.
    held: AtomicUsize,
    /// Bytes that heaps use; 0 for a part.
    heaps: AtomicUsize,
    /// The account that this one is a part of.
    whole: Option<Account>,
    /// Bytes released since freed memory was returned to the OS.
    released: AtomicUsize,
    /// Whether `wishes` has any. Only the whole account has wishes.
    has_wishes: AtomicBool,
    wishes: Mutex<Wishes>,
}

/// What waits for room: a queue for each account that lacks it, first come, first served. None is
/// empty.
#[derive(Default)]
struct Wishes {
    queues: Vec<VecDeque<Arc<Wish>>>,
    /// Wakes the host, whose next turn collects garbage and responds.
    host: Option<Waker>,
}

impl Wishes {
    /// The place of an account's queue.
    fn position(&self, account: &Account) -> Option<usize> {
        let is_its = |wish: &Arc<Wish>| wish.account.is_same(account);
        self.queues.iter().position(|queue| queue.front().is_some_and(is_its))
    }
}

struct Wish {
    account: Account,
    bytes: usize,
    state: Mutex<WishState>,
}

enum WishState {
    Waiting(Waker),
    Answered(Result<Held, OutOfMemory>),
    /// The future was dropped, or has taken the response.
    Over,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Account {
    /// An account that allows `limit` bytes.
    pub fn new(limit: usize) -> Account {
        Account::with_whole(limit, None)
    }

    /// A part that allows `limit` bytes of this account. A share that takes a good deal of what is
    /// left is refused: see the head of the file.
    pub fn part(&self, limit: usize) -> Account {
        Account::with_whole(limit, Some(self.clone()))
    }

    fn with_whole(limit: usize, whole: Option<Account>) -> Account {
        Account(Arc::new(Inner {
            limit,
            held: AtomicUsize::new(0),
            heaps: AtomicUsize::new(0),
            whole,
            released: AtomicUsize::new(0),
            has_wishes: AtomicBool::new(false),
            wishes: Mutex::default(),
        }))
    }

    /// The most bytes that may be in use.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// Bytes in use: by heaps, and held outside them.
    pub fn used(&self) -> usize {
        self.0.held.load(Relaxed).saturating_add(self.0.heaps.load(Relaxed))
    }

    /// Bytes held outside heaps.
    pub fn held(&self) -> usize {
        self.0.held.load(Relaxed)
    }

    /// Bytes that the limits still allow.
    pub fn room(&self) -> usize {
        let own = self.0.limit.saturating_sub(self.used());
        self.0.whole.as_ref().map_or(own, |whole| own.min(whole.room()))
    }

    /// Whether a share of `bytes` bytes would be granted now.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.used().saturating_add(self.needed(bytes)) <= self.0.limit
            && self.0.whole.as_ref().is_none_or(|whole| whole.has_room(bytes))
    }

    /// Holds `bytes` bytes for as long as the share lives. Fails if a limit forbids it: a
    /// collection may help ([`Call::hold`](crate::Call::hold) tries one).
    pub fn hold(&self, bytes: usize) -> Result<Held, OutOfMemory> {
        let mut held = self.hold_nothing();
        held.grow(bytes)?;
        Ok(held)
    }

    /// A share of 0 bytes, to be grown.
    pub fn hold_nothing(&self) -> Held {
        Held { account: self.clone(), bytes: 0 }
    }

    /// Holds `bytes` bytes that exist already, regardless of the limit.
    pub fn hold_existing(&self, bytes: usize) -> Held {
        self.add(bytes);
        Held { account: self.clone(), bytes }
    }

    /// Waits for room, on any thread. If the whole account lacks it, a VM collects garbage at its
    /// next turn; the result is an error if that did not help. If a part lacks it, the wait lasts
    /// until other shares of that part are released: the caller limits the time.
    pub fn hold_later(&self, bytes: usize) -> HoldLater {
        HoldLater { account: self.clone(), bytes, wish: None }
    }

    /// How much room there has to be for a share of `bytes` bytes.
    fn needed(&self, bytes: usize) -> usize {
        match self.0.whole {
            Some(_) => {
                bytes.saturating_add((self.0.limit / MOST_LEFT).min(bytes.saturating_mul(LEFT)))
            }
            None => bytes,
        }
    }

    fn whole(&self) -> &Account {
        self.0.whole.as_ref().map_or(self, Account::whole)
    }

    fn try_add(&self, bytes: usize) -> Result<(), OutOfMemory> {
        if let Some(whole) = &self.0.whole {
            whole.try_add(bytes)?;
        }
        let added = self.try_add_here(bytes);
        if added.is_err()
            && let Some(whole) = &self.0.whole
        {
            whole.subtract(bytes);
        }
        added
    }

    /// Adds to this account and not to the whole that it is a part of.
    fn try_add_here(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let heaps = self.0.heaps.load(Relaxed);
        let needed = self.needed(bytes);
        let added = self.0.held.fetch_update(Relaxed, Relaxed, |held| {
            let sum = held.checked_add(needed)?.checked_add(heaps)?;
            (sum <= self.0.limit).then_some(held + bytes)
        });
        added.map(drop).map_err(|_| OutOfMemory)
    }

    fn add(&self, bytes: usize) {
        self.0.held.fetch_add(bytes, Relaxed);
        if let Some(whole) = &self.0.whole {
            whole.add(bytes);
        }
    }

    fn subtract(&self, bytes: usize) {
        self.0.held.fetch_sub(bytes, Relaxed);
        if let Some(whole) = &self.0.whole {
            whole.subtract(bytes);
        }
    }

    fn release(&self, bytes: usize) {
        self.subtract(bytes);
        let whole = self.whole();
        let before = whole.0.released.fetch_add(bytes, Relaxed);
        if before < TRIMMED_AT_REST && before.saturating_add(bytes) >= TRIMMED_AT_REST {
            // A host that waits does not see it otherwise.
            whole.wake_host();
        }
        if whole.has_wishes() {
            whole.grant_wishes();
        }
    }

    /// Adds what a heap uses to what all heaps use; `before` is what it published last.
    pub(crate) fn publish(&self, before: usize, now: usize) {
        self.0.heaps.fetch_add(now.wrapping_sub(before), Relaxed);
    }

    /// A heap has freed this much since its last full collection: what the allocator keeps of it
    /// would add to what is allocated next.
    pub(crate) fn note_freed(&self, bytes: usize) {
        self.0.released.fetch_add(bytes, Relaxed);
        self.trim();
    }

    /// Gives memory back that the allocator keeps, if much was released since the last time.
    pub(crate) fn trim(&self) {
        self.trim_over(TRIMMED);
    }

    /// The same for a program that rests, to which less is worth the time: nothing, if its heap
    /// has just been collected.
    pub(crate) fn trim_at_rest(&self, is_collected: bool) {
        self.trim_over(if is_collected { 0 } else { TRIMMED_AT_REST });
    }

    /// Whether [`Account::trim_at_rest`] has something to do.
    pub(crate) fn is_untrimmed(&self) -> bool {
        self.0.released.load(Relaxed) >= TRIMMED_AT_REST
    }

    fn trim_over(&self, least: usize) {
        if self.0.released.load(Relaxed) >= least {
            self.0.released.store(0, Relaxed);
            trim_allocator();
        }
    }

    /// Whether tasks wait for room.
    pub(crate) fn has_wishes(&self) -> bool {
        self.0.has_wishes.load(Relaxed)
    }

    /// The host is woken when a task starts to wait for room.
    pub(crate) fn set_host(&self, waker: &Waker) {
        let mut wishes = lock(&self.0.wishes);
        if !wishes.host.as_ref().is_some_and(|host| host.will_wake(waker)) {
            wishes.host = Some(waker.clone());
        }
    }

    /// Answers wishes, those of each account in order, for as long as there is room. Whether the
    /// whole account lacks room for one.
    pub(crate) fn grant_wishes(&self) -> bool {
        self.blocked_wishes().iter().any(|wish| self.room() < wish.bytes)
    }

    /// Refuses the wishes for which the whole account has no room.
    pub(crate) fn refuse_wishes(&self) {
        loop {
            let mut blocked = self.blocked_wishes();
            blocked.retain(|wish| self.room() < wish.bytes);
            if blocked.is_empty() {
                return;
            }
            for wish in blocked {
                self.forget(&wish);
                wish.answer(Err(OutOfMemory));
            }
        }
    }

    /// Grants what there is room for. Gives the first wish of each account that lacks it.
    fn blocked_wishes(&self) -> Vec<Arc<Wish>> {
        let mut blocked: Vec<Arc<Wish>> = Vec::new();
        loop {
            let next = {
                let wishes = lock(&self.0.wishes);
                let mut fronts = wishes.queues.iter().filter_map(VecDeque::front);
                let is_next = |wish: &&Arc<Wish>| {
                    !blocked.iter().any(|other| wish.account.is_same(&other.account))
                };
                fronts.find(is_next).cloned()
            };
            let Some(wish) = next else { return blocked };
            match wish.account.hold(wish.bytes) {
                Ok(held) => {
                    self.forget(&wish);
                    wish.answer(Ok(held));
                }
                Err(OutOfMemory) => blocked.push(wish),
            }
        }
    }

    fn is_same(&self, other: &Account) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn forget(&self, wish: &Arc<Wish>) {
        let mut wishes = lock(&self.0.wishes);
        if let Some(position) = wishes.position(&wish.account) {
            let queue = &mut wishes.queues[position];
            if queue.front().is_some_and(|front| Arc::ptr_eq(front, wish)) {
                queue.pop_front();
            } else {
                queue.retain(|other| !Arc::ptr_eq(other, wish));
            }
            if queue.is_empty() {
                wishes.queues.remove(position);
            }
        }
        self.0.has_wishes.store(!wishes.queues.is_empty(), Relaxed);
    }

    /// Whether others wait for room in `account`.
    fn is_awaited(&self, account: &Account) -> bool {
        self.has_wishes() && lock(&self.0.wishes).position(account).is_some()
    }

    fn wish(&self, account: &Account, bytes: usize, waker: &Waker) -> Arc<Wish> {
        let state = Mutex::new(WishState::Waiting(waker.clone()));
        let wish = Arc::new(Wish { account: account.clone(), bytes, state });
        {
            let mut wishes = lock(&self.0.wishes);
            match wishes.position(account) {
                Some(position) => wishes.queues[position].push_back(wish.clone()),
                None => wishes.queues.push(VecDeque::from([wish.clone()])),
            }
            self.0.has_wishes.store(true, Relaxed);
        }
        self.wake_host();
        wish
    }

    /// Wakes the host if it has not been since its last turn.
    fn wake_host(&self) {
        let host = lock(&self.0.wishes).host.take();
        if let Some(host) = host {
            host.wake();
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Account({} of {} bytes)", self.used(), self.limit())
    }
}

impl Wish {
    fn answer(&self, answer: Result<Held, OutOfMemory>) {
        let before = {
            let mut state = lock(&self.state);
            if let WishState::Over = *state {
                return;
            }
            std::mem::replace(&mut *state, WishState::Answered(answer))
        };
        if let WishState::Waiting(waker) = before {
            waker.wake();
        }
    }
}

/// Waits for room: see [`Account::hold_later`].
pub struct HoldLater {
    account: Account,
    bytes: usize,
    wish: Option<Arc<Wish>>,
}

impl Future for HoldLater {
    type Output = Result<Held, OutOfMemory>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(wish) = &self.wish else {
            // A wish that no release can fulfil is refused at once.
            let whole = self.account.whole();
            if self.account.needed(self.bytes) > self.account.limit() || self.bytes > whole.limit()
            {
                return Poll::Ready(Err(OutOfMemory));
            }
            // Those that wait already come first.
            if !whole.is_awaited(&self.account)
                && let Ok(held) = self.account.hold(self.bytes)
            {
                return Poll::Ready(Ok(held));
            }
            let wish = self.account.whole().wish(&self.account, self.bytes, context.waker());
            self.wish = Some(wish);
            // There may be room again in the meantime.
            self.account.whole().grant_wishes();
            return match self.take_answer(context) {
                Some(answer) => Poll::Ready(answer),
                None => Poll::Pending,
            };
        };
        debug_assert!(wish.bytes == self.bytes);
        self.take_answer(context).map_or(Poll::Pending, Poll::Ready)
    }
}

impl HoldLater {
    fn take_answer(&self, context: &mut Context<'_>) -> Option<Result<Held, OutOfMemory>> {
        let mut state = lock(&self.wish.as_ref()?.state);
        match std::mem::replace(&mut *state, WishState::Over) {
            WishState::Answered(answer) => Some(answer),
            WishState::Waiting(mut waker) => {
                waker.clone_from(context.waker());
                *state = WishState::Waiting(waker);
                None
            }
            WishState::Over => Some(Err(OutOfMemory)),
        }
    }
}

impl Drop for HoldLater {
    fn drop(&mut self) {
        if let Some(wish) = &self.wish {
            let state = std::mem::replace(&mut *lock(&wish.state), WishState::Over);
            match state {
                WishState::Waiting(_) => {
                    self.account.whole().forget(wish);
                    // The next one may need less.
                    self.account.whole().grant_wishes();
                }
                WishState::Answered(answer) => drop(answer),
                WishState::Over => {}
            }
        }
    }
}

/// A share of an account: bytes outside heaps. Dropping it releases them.
#[derive(Debug)]
pub struct Held {
    account: Account,
    bytes: usize,
}

impl Held {
    /// The bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds `bytes` bytes more. On failure nothing has changed.
    pub fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.account.try_add(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// The same for a part's share, if the part alone has room: the whole account may be full of
    /// garbage that has not been collected yet. For a few bytes.
    pub fn grow_in_part(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.account.try_add_here(bytes)?;
        self.account.0.whole.iter().for_each(|whole| whole.add(bytes));
        self.bytes += bytes;
        Ok(())
    }

    /// Holds at least `bytes` bytes.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.grow(bytes.saturating_sub(self.bytes))
    }

    /// Holds at most `bytes` bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        if let Some(released) = self.bytes.checked_sub(bytes).filter(|&released| released > 0) {
            self.bytes = bytes;
            self.account.release(released);
        }
    }

    /// Holds exactly `bytes` bytes, regardless of the limit: they exist already.
    pub fn set_existing(&mut self, bytes: usize) {
        self.account.add(bytes.saturating_sub(self.bytes));
        self.bytes = self.bytes.max(bytes);
        self.shrink_to(bytes);
    }

    /// Takes over what another share of the same account holds.
    pub fn merge(&mut self, mut other: Held) {
        debug_assert!(Arc::ptr_eq(&self.account.0, &other.account.0));
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests;
