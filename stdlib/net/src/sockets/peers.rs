//! Peers of the program's connections, and the memory that they use.
//!
//! Invariant: all memory that is used for a peer (received data that the program has not read, and
//! data that the peer has not read) is a [`Load`] of that [`Peer`], in the clients' part of the
//! account; its connection is in another part. If either is scarce, peers that make no progress are
//! disconnected, first those that have used most for longest. So an attacker can exhaust neither.

use bytes::Bytes;
use hashbrown::HashMap;
use solvm_vm::{Account, Held, OutOfMemory};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Memory of a connection: its buffers, and the tables of the libraries.
pub(crate) const CONNECTION_SIZE: usize = 16 << 10;
/// The divisors of the memory limit for the clients' loads and connections.
const LOADS_SHARE: usize = 2;
const CONNECTIONS_SHARE: usize = 4;
/// Peers are disconnected when less than the limit divided by this is left.
const SCARCE: usize = 4;
/// A load of this size is not refused because of the script's garbage.
const SMALL: usize = 16 << 10;
/// A peer is slow if it has transferred less than its load divided by `PROGRESS` for `SLOW`.
const PROGRESS: usize = 16;
const SLOW: Duration = Duration::from_secs(1);
/// The time between two checks of the peers while memory is scarce.
const INTERVAL: Duration = Duration::from_millis(100);

/// The peers of a program.
#[derive(Clone)]
pub(crate) struct Peers(Arc<Inner>);

struct Inner {
    loads: Account,
    connections: Account,
    start: Instant,
    /// The time of the last check in milliseconds.
    checked: AtomicU64,
    all: Mutex<All>,
}

/// The peers that exist, by address. An address is not reused while it is in the table.
type All = HashMap<usize, Weak<Peer>>;

/// The peer of a connection, for the lifetime of the connection.
pub(crate) struct Peer {
    peers: Peers,
    place: Held,
    load: AtomicUsize,
    /// Bytes transferred since `since`, in milliseconds since the start.
    moved: AtomicUsize,
    since: AtomicU64,
    /// The number of requests that wait for the program's response.
    waiting: AtomicU32,
    is_cut: AtomicBool,
    cut: Notify,
}

/// Memory that is used for a peer.
pub(crate) struct Load {
    peer: Arc<Peer>,
    held: Held,
}

/// Returns bytes that are accounted for, by a load or another share, until all of them are dropped.
pub(crate) fn accounted<S: Send + 'static>(bytes: Vec<u8>, share: S) -> Bytes {
    Bytes::from_owner(Accounted { bytes, share })
}

struct Accounted<S> {
    bytes: Vec<u8>,
    #[expect(dead_code, reason = "released when it is dropped")]
    share: S,
}

impl<S> AsRef<[u8]> for Accounted<S> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Peers {
    /// Creates the peers of a program with this memory account.
    pub(crate) fn new(program: &Account) -> Peers {
        Peers(Arc::new(Inner {
            loads: program.part(program.limit() / LOADS_SHARE),
            connections: program.part(program.limit() / CONNECTIONS_SHARE),
            start: Instant::now(),
            checked: AtomicU64::new(0),
            all: Mutex::default(),
        }))
    }

    fn now(&self) -> u64 {
        self.0.start.elapsed().as_millis() as u64
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a peer. If there is no room for its connection, waits until others have been
    /// disconnected.
    pub(crate) async fn enter(&self) -> Result<Arc<Peer>, OutOfMemory> {
        let account = &self.0.connections;
        let place = match account.hold(CONNECTION_SIZE) {
            Ok(place) => place,
            Err(OutOfMemory) => {
                let mut place = pin!(account.hold_later(CONNECTION_SIZE));
                loop {
                    self.evict_idle();
                    if let Ok(place) = timeout(INTERVAL, place.as_mut()).await {
                        break place?;
                    }
                }
            }
        };
        Ok(self.add(place))
    }

    /// Creates a peer whose connection is accounted for elsewhere.
    pub(crate) fn add_uncounted(&self) -> Arc<Peer> {
        self.add(self.0.connections.hold_nothing())
    }

    fn add(&self, place: Held) -> Arc<Peer> {
        let peer = Arc::new(Peer {
            peers: self.clone(),
            place,
            load: AtomicUsize::new(0),
            moved: AtomicUsize::new(0),
            since: AtomicU64::new(self.now()),
            waiting: AtomicU32::new(0),
            is_cut: AtomicBool::new(false),
            cut: Notify::new(),
        });
        self.all().insert(peer.address(), Arc::downgrade(&peer));
        peer
    }

    /// Disconnects some idle peers to make room for other connections.
    pub(crate) fn evict_idle(&self) {
        /// The divisor for the number of peers that are disconnected.
        const SHARE: usize = 16;
        if self.may_check() {
            let count = self.all().len() / SHARE;
            let is_idle = |peer: &Peer| peer.place.bytes() > 0 && peer.waiting.load(Relaxed) == 0;
            self.cut(is_idle, |cut, _| cut > count);
        }
    }

    /// Disconnects peers if less than `bytes` bytes are left and memory is scarce.
    fn evict_slow(&self, bytes: usize) {
        let account = &self.0.loads;
        let needed = (account.limit() / SCARCE).saturating_add(bytes);
        let missing = needed.saturating_sub(account.room());
        if missing > 0 && self.may_check() {
            self.cut(|peer| peer.load.load(Relaxed) > 0, |_, freed| freed >= missing);
        }
    }

    /// Whether the peers may be checked again.
    fn may_check(&self) -> bool {
        // The clock starts at 1, since 0 means "never".
        let now = self.now().saturating_add(1);
        let checked = self.0.checked.load(Relaxed);
        let is_due = checked == 0 || now >= checked.saturating_add(INTERVAL.as_millis() as u64);
        if is_due {
            self.0.checked.store(now, Relaxed);
        }
        is_due
    }

    /// Disconnects slow peers that satisfy `is_candidate`, until `is_enough` accepts their number
    /// and the freed bytes.
    fn cut(&self, is_candidate: impl Fn(&Peer) -> bool, is_enough: impl Fn(usize, usize) -> bool) {
        let now = self.now();
        let all: Vec<Arc<Peer>> = self.all().values().filter_map(Weak::upgrade).collect();
        let mut slow: Vec<(u64, &Arc<Peer>)> = all
            .iter()
            .filter(|peer| is_candidate(peer) && !peer.is_cut.load(Relaxed))
            .filter_map(|peer| {
                let time = now.saturating_sub(peer.since.load(Relaxed));
                let size = peer.load.load(Relaxed).saturating_add(CONNECTION_SIZE);
                let weight = (size as u64).saturating_mul(time);
                (time > SLOW.as_millis() as u64).then_some((weight, peer))
            })
            .collect();
        slow.sort_unstable_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let (mut count, mut freed) = (0usize, 0usize);
        for (_, peer) in slow {
            if is_enough(count, freed) {
                break;
            }
            count = count.saturating_add(1);
            freed = freed.saturating_add(peer.load.load(Relaxed));
            peer.is_cut.store(true, Relaxed);
            peer.cut.notify_one();
        }
    }
}

impl Peer {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Waits until the peer is to be disconnected.
    pub(crate) async fn cut(&self) {
        while !self.is_cut.load(Relaxed) {
            self.cut.notified().await;
        }
        // Several tasks may wait.
        self.cut.notify_one();
    }

    /// Records transferred bytes.
    pub(crate) fn moved(&self, bytes: usize) {
        let moved = self.moved.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if moved.saturating_mul(PROGRESS) >= self.load.load(Relaxed) {
            self.moved.store(0, Relaxed);
            self.since.store(self.peers.now(), Relaxed);
        }
    }

    /// Returns the maximum size of a load.
    pub(crate) fn max_load(&self) -> usize {
        self.peers.0.loads.limit()
    }

    /// Accounts for `bytes` bytes more of the connection itself.
    pub(crate) fn widen(&self, bytes: usize) -> Result<Held, OutOfMemory> {
        self.peers.0.connections.hold(bytes)
    }

    /// The peer waits for the program until the result is dropped.
    pub(crate) fn waits(self: &Arc<Self>) -> Waits {
        self.waiting.fetch_add(1, Relaxed);
        Waits(self.clone())
    }

    /// Creates an empty load.
    pub(crate) fn nothing(self: &Arc<Self>) -> Load {
        Load { peer: self.clone(), held: self.peers.0.loads.hold_nothing() }
    }

    /// Creates a load of `bytes` bytes.
    pub(crate) fn hold(self: &Arc<Self>, bytes: usize) -> Result<Load, OutOfMemory> {
        let mut load = self.nothing();
        load.grow(bytes)?;
        Ok(load)
    }

    /// Whether a load of `bytes` bytes would be granted now.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.peers.0.loads.has_room(bytes)
    }

    /// Waits until there is room.
    pub(crate) async fn hold_later(self: Arc<Self>, bytes: usize) -> Result<Load, OutOfMemory> {
        // Other tasks may wait for more.
        if let Ok(load) = self.hold(bytes) {
            return Ok(load);
        }
        let mut held = pin!(self.peers.0.loads.hold_later(bytes));
        loop {
            self.peers.evict_slow(bytes);
            if let Ok(held) = timeout(INTERVAL, held.as_mut()).await {
                let held = held?;
                self.add(bytes);
                return Ok(Load { held, peer: self.clone() });
            }
        }
    }

    fn add(&self, bytes: usize) {
        if bytes > 0 && self.load.fetch_add(bytes, Relaxed) == 0 {
            // The measurement starts.
            self.moved.store(0, Relaxed);
            self.since.store(self.peers.now(), Relaxed);
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut all = self.peers.all();
        all.remove(&self.address());
        // Shrinks after a burst.
        if all.capacity() / 8 > all.len() {
            let capacity = all.len().saturating_mul(2);
            all.shrink_to(capacity);
        }
    }
}

/// A peer that waits for the program.
pub(crate) struct Waits(Arc<Peer>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

impl Load {
    /// Returns the size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.held.bytes()
    }

    /// Adds `bytes` bytes. On failure the load is unchanged.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        if bytes > 0 {
            self.peer.peers.evict_slow(bytes);
            if bytes <= SMALL {
                self.held.grow_in_part(bytes)?;
            } else {
                self.held.grow(bytes)?;
            }
            self.peer.add(bytes);
        }
        Ok(())
    }

    /// Grows to at least `bytes` bytes.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.grow(bytes.saturating_sub(self.bytes()))
    }

    /// Sets the size regardless of the limit: the memory exists already.
    pub(crate) fn set_existing(&mut self, bytes: usize) {
        let before = self.bytes();
        self.held.set_existing(bytes);
        self.peer.add(bytes.saturating_sub(before));
        self.peer.load.fetch_sub(before.saturating_sub(bytes), Relaxed);
    }

    /// Adds another load of the same peer.
    pub(crate) fn merge(&mut self, other: Load) {
        let bytes = other.bytes();
        drop(other);
        self.set_existing(self.bytes().saturating_add(bytes));
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.peer.load.fetch_sub(self.bytes(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers() -> Peers {
        Peers::new(&Account::new(16 << 20))
    }

    #[test]
    fn loads_are_released_with_their_owner() {
        let peers = peers();
        let peer = peers.add_uncounted();
        let mut load = peer.hold(1000).unwrap();
        load.merge(peer.hold(500).unwrap());
        load.set_existing(1200);
        assert_eq!((load.bytes(), peer.load.load(Relaxed)), (1200, 1200));
        assert_eq!(peers.0.loads.held(), 1200);
        drop(load);
        assert_eq!((peer.load.load(Relaxed), peers.0.loads.held()), (0, 0));
    }

    #[test]
    fn where_memory_is_scarce_the_peer_is_cut_that_holds_most_and_moves_least() {
        let peers = peers();
        let [large, small, busy] = [(); 3].map(|()| peers.add_uncounted());
        let _large = large.hold(4 << 20).unwrap();
        let _busy = busy.hold(2 << 20).unwrap();
        let _small = small.hold(64 << 10).unwrap();
        std::thread::sleep(SLOW + INTERVAL);
        busy.moved(1 << 20);
        let other = peers.add_uncounted();
        let _refused = other.hold(1 << 20);
        let is_cut = [&large, &small, &busy, &other].map(|peer| peer.is_cut.load(Relaxed));
        assert_eq!(is_cut, [true, false, false, false]);
    }

    #[test]
    fn idle_connections_make_place_for_new_ones() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let peers = peers();
            let mut all = Vec::new();
            while let Ok(peer) = timeout(Duration::from_millis(5), peers.enter()).await {
                all.push(peer.unwrap());
            }
            assert!(all.len() > 200, "{}", all.len());
            let waits = all[0].waits();
            tokio::time::sleep(SLOW).await;
            // Disconnected connections end.
            let (entered, ()) = futures_util::future::join(peers.enter(), async {
                while all.iter().all(|peer| !peer.is_cut.load(Relaxed)) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                all.retain(|peer| !peer.is_cut.load(Relaxed));
            })
            .await;
            assert!(entered.is_ok());
            assert!(all.len() > 200, "{}", all.len());
            assert!(!waits.0.is_cut.load(Relaxed), "it waits for an answer");
        });
    }
}
