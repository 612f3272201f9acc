//! The account of a program's memory: what it holds, and how much it may hold.
//!
//! There is one account per program, shared by its VMs and by tasks on other threads. A heap
//! publishes what it uses whenever it counts. Bytes outside heaps are held by shares ([`Held`]),
//! which count against the same limit and pace the same collector. So what a script or a client
//! makes the process keep is bounded, wherever it is kept.
//!
//! A *part* ([`Account::part`]) has a limit of its own within the whole: what clients send is held
//! by a part, so that they cannot starve the script.
//!
//! Invariant: every byte held by a part is held by the whole, too.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Freed memory goes back to the system when so many bytes have been released. It takes the
/// allocator some milliseconds.
const TRIMMED: usize = 32 << 20;

/// glibc keeps freed memory, unless it lies at the end of a heap.
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

/// The limit forbids what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(crate::messages::NOT_ENOUGH_MEMORY)
    }
}

impl std::error::Error for OutOfMemory {}

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
    /// Bytes released since freed memory was given back to the system.
    released: AtomicUsize,
    /// Whether `wishes` has any. Only the whole account has wishes.
    has_wishes: AtomicBool,
    wishes: Mutex<Wishes>,
}

/// What waits for room, first come, first served.
#[derive(Default)]
struct Wishes {
    queue: VecDeque<Arc<Wish>>,
    /// Wakes the host, whose next turn collects garbage and answers.
    host: Option<Waker>,
}

struct Wish {
    account: Account,
    bytes: usize,
    state: Mutex<WishState>,
}

enum WishState {
    Waiting(Waker),
    Answered(Result<Held, OutOfMemory>),
    /// The future was dropped, or has taken the answer.
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

    /// A part that allows `limit` bytes of this account.
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

    /// Holds `bytes` bytes that exist already, whatever the limit says.
    pub fn hold_existing(&self, bytes: usize) -> Held {
        self.add(bytes);
        Held { account: self.clone(), bytes }
    }

    /// Waits for room, on any thread. If the whole account lacks it, a VM collects garbage at its
    /// next turn; the answer is an error if that did not help. If a part lacks it, the wait lasts
    /// until other shares of that part are released: the caller limits the time.
    pub fn hold_later(&self, bytes: usize) -> HoldLater {
        HoldLater { account: self.clone(), bytes, wish: None }
    }

    fn whole(&self) -> &Account {
        self.0.whole.as_ref().map_or(self, Account::whole)
    }

    fn try_add(&self, bytes: usize) -> Result<(), OutOfMemory> {
        if let Some(whole) = &self.0.whole {
            whole.try_add(bytes)?;
        }
        let heaps = self.0.heaps.load(Relaxed);
        let added = self.0.held.fetch_update(Relaxed, Relaxed, |held| {
            let sum = held.checked_add(bytes)?;
            (sum.checked_add(heaps)? <= self.0.limit).then_some(sum)
        });
        if added.is_err() {
            if let Some(whole) = &self.0.whole {
                whole.subtract(bytes);
            }
            return Err(OutOfMemory);
        }
        Ok(())
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
        whole.0.released.fetch_add(bytes, Relaxed);
        if whole.has_wishes() {
            whole.grant_wishes();
        }
    }

    /// Adds what a heap uses to what all heaps use; `before` is what it published last.
    pub(crate) fn publish(&self, before: usize, now: usize) {
        self.0.heaps.fetch_add(now.wrapping_sub(before), Relaxed);
    }

    /// Gives memory back that the allocator keeps, if much was released since the last time.
    pub(crate) fn trim(&self) {
        if self.0.released.load(Relaxed) >= TRIMMED {
            self.0.released.store(0, Relaxed);
            trim_allocator();
        }
    }

    /// Whether tasks wait for room.
    pub(crate) fn has_wishes(&self) -> bool {
        self.0.has_wishes.load(Relaxed)
    }

    /// The host is woken when a task begins to wait for room.
    pub(crate) fn set_host(&self, waker: &Waker) {
        let mut wishes = lock(&self.0.wishes);
        if !wishes.host.as_ref().is_some_and(|host| host.will_wake(waker)) {
            wishes.host = Some(waker.clone());
        }
    }

    /// Answers wishes, in order, for as long as there is room. Whether the whole account lacks room
    /// for the next one.
    pub(crate) fn grant_wishes(&self) -> bool {
        loop {
            let Some(wish) = lock(&self.0.wishes).queue.front().cloned() else { break };
            match wish.account.hold(wish.bytes) {
                Ok(held) => {
                    self.forget(&wish);
                    wish.answer(Ok(held));
                }
                Err(OutOfMemory) => return self.room() < wish.bytes,
            }
        }
        false
    }

    /// Refuses the wishes for which the whole account has no room.
    pub(crate) fn refuse_wishes(&self) {
        while self.grant_wishes() {
            let Some(wish) = lock(&self.0.wishes).queue.front().cloned() else { break };
            self.forget(&wish);
            wish.answer(Err(OutOfMemory));
        }
    }

    fn forget(&self, wish: &Arc<Wish>) {
        let mut wishes = lock(&self.0.wishes);
        if wishes.queue.front().is_some_and(|front| Arc::ptr_eq(front, wish)) {
            wishes.queue.pop_front();
        } else {
            wishes.queue.retain(|other| !Arc::ptr_eq(other, wish));
        }
        self.0.has_wishes.store(!wishes.queue.is_empty(), Relaxed);
    }

    fn wish(&self, account: &Account, bytes: usize, waker: &Waker) -> Arc<Wish> {
        let state = Mutex::new(WishState::Waiting(waker.clone()));
        let wish = Arc::new(Wish { account: account.clone(), bytes, state });
        let host = {
            let mut wishes = lock(&self.0.wishes);
            wishes.queue.push_back(wish.clone());
            self.0.has_wishes.store(true, Relaxed);
            wishes.host.take()
        };
        if let Some(host) = host {
            host.wake();
        }
        wish
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
            if self.bytes > self.account.limit().min(self.account.whole().limit()) {
                return Poll::Ready(Err(OutOfMemory));
            }
            // Those that wait already come first.
            if !self.account.whole().has_wishes()
                && let Ok(held) = self.account.hold(self.bytes)
            {
                return Poll::Ready(Ok(held));
            }
            let wish = self.account.whole().wish(&self.account, self.bytes, context.waker());
            self.wish = Some(wish);
            // Room may have been made in the meantime.
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

    /// Holds exactly `bytes` bytes, whatever the limit says: they exist already.
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
mod tests {
    use super::*;

    #[test]
    fn shares_count_against_the_limit_until_they_are_dropped() {
        let account = Account::new(100);
        account.publish(0, 30);
        let mut held = account.hold(60).unwrap();
        assert_eq!(held.grow(11), Err(OutOfMemory));
        held.grow(10).unwrap();
        assert_eq!((account.used(), account.room()), (100, 0));
        held.shrink_to(20);
        assert_eq!(account.room(), 50);
        drop(held);
        assert_eq!(account.held(), 0);
    }

    #[test]
    fn a_part_has_the_smaller_of_two_limits() {
        let account = Account::new(100);
        let part = account.part(40);
        assert!(part.hold(41).is_err());
        assert_eq!(account.held(), 0, "a refusal by the part leaves nothing");
        let _held = part.hold(40).unwrap();
        let _rest = account.hold(50).unwrap();
        assert_eq!((part.room(), account.room()), (0, 10));
        drop(_held);
        assert!(part.hold(40).is_ok());
        let _more = account.hold(50).unwrap();
        assert!(part.hold(1).is_err(), "the whole is full");
    }

    #[test]
    fn wishes_are_granted_in_order_or_refused() {
        let mut context = Context::from_waker(Waker::noop());
        let account = Account::new(200);
        let part = account.part(60);
        let first = part.hold(60).unwrap();
        let mut a = part.hold_later(50);
        let mut b = part.hold_later(10);
        assert!(Pin::new(&mut a).poll(&mut context).is_pending());
        assert!(Pin::new(&mut b).poll(&mut context).is_pending());
        account.refuse_wishes();
        assert!(Pin::new(&mut a).poll(&mut context).is_pending(), "only the part is full");
        drop(first);
        let Poll::Ready(Ok(a)) = Pin::new(&mut a).poll(&mut context) else { panic!("granted") };
        let Poll::Ready(Ok(b)) = Pin::new(&mut b).poll(&mut context) else { panic!("granted") };
        assert_eq!((a.bytes(), b.bytes(), part.held()), (50, 10, 60));
        drop((a, b));
        account.publish(0, 190);
        let mut c = part.hold_later(20);
        assert!(Pin::new(&mut c).poll(&mut context).is_pending());
        account.refuse_wishes();
        assert!(matches!(Pin::new(&mut c).poll(&mut context), Poll::Ready(Err(OutOfMemory))));
        assert!(!account.has_wishes());
        let mut never = part.hold_later(61);
        assert!(matches!(Pin::new(&mut never).poll(&mut context), Poll::Ready(Err(_))));
    }

    #[test]
    fn an_abandoned_wish_makes_room_for_the_next() {
        let mut context = Context::from_waker(Waker::noop());
        let account = Account::new(100);
        let _first = account.hold(50).unwrap();
        let mut large = account.hold_later(60);
        let mut small = account.hold_later(10);
        assert!(Pin::new(&mut large).poll(&mut context).is_pending());
        assert!(Pin::new(&mut small).poll(&mut context).is_pending());
        drop(large);
        let Poll::Ready(Ok(held)) = Pin::new(&mut small).poll(&mut context) else {
            panic!("granted")
        };
        assert_eq!((held.bytes(), account.held()), (10, 60));
        drop(held);
        drop(small);
        assert_eq!(account.held(), 50);
    }
}
