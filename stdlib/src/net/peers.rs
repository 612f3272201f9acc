//! Peers of the program's connections, and what they make it hold.
//!
//! Invariant: whatever is kept in memory because of a peer (what it has sent and the program has
//! not taken, what it is sent and has not taken) is a [`Load`] of that [`Peer`], in the clients'
//! part of the account; its connection has a place in another part. Where either is scarce, peers
//! are cut that make no progress: those first that hold most for longest. So an attacker can
//! exhaust neither.

use hashbrown::HashMap;
use solvm_vm::{Account, Held, OutOfMemory};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout;

/// What a connection takes: its buffers, and the tables of the libraries.
pub(crate) const CONNECTION_SIZE: usize = 16 << 10;
/// The memory limit divided by these is what clients' loads and connections may take.
const LOADS_SHARE: usize = 2;
const CONNECTIONS_SHARE: usize = 4;
/// Peers are cut when less than the limit divided by this is left.
const SCARCE: usize = 4;
/// A load of this size is not refused because of the script's garbage.
const SMALL: usize = 16 << 10;
/// A peer is slow if it has moved less than its load divided by `PROGRESS` for `SLOW`.
const PROGRESS: usize = 16;
const SLOW: Duration = Duration::from_secs(1);
/// How often peers are looked at while memory is scarce.
const INTERVAL: Duration = Duration::from_millis(100);

/// The peers of a program.
#[derive(Clone)]
pub(crate) struct Peers(Arc<Inner>);

struct Inner {
    loads: Account,
    connections: Account,
    start: Instant,
    /// When peers were looked at, in milliseconds.
    looked: AtomicU64,
    all: Mutex<All>,
}

/// The peers that live, by address. An address is not used again while it is in the table.
type All = HashMap<usize, Weak<Peer>>;

/// The other end of a connection, for as long as the connection lives.
pub(crate) struct Peer {
    peers: Peers,
    place: Held,
    load: AtomicUsize,
    /// Bytes that have come and gone since `since`, in milliseconds after the beginning.
    moved: AtomicUsize,
    since: AtomicU64,
    /// Requests whose answers are being made.
    waiting: AtomicU32,
    is_cut: AtomicBool,
    cut: Notify,
}

/// Bytes that a peer makes the program hold.
pub(crate) struct Load {
    peer: Arc<Peer>,
    held: Held,
}

impl Peers {
    /// The peers of a program whose memory this account counts.
    pub(crate) fn new(program: &Account) -> Peers {
        Peers(Arc::new(Inner {
            loads: program.part(program.limit() / LOADS_SHARE),
            connections: program.part(program.limit() / CONNECTIONS_SHARE),
            start: Instant::now(),
            looked: AtomicU64::new(0),
            all: Mutex::default(),
        }))
    }

    fn now(&self) -> u64 {
        self.0.start.elapsed().as_millis() as u64
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new peer. Where there is no place for its connection, waits until others have been cut.
    pub(crate) async fn enter(&self) -> Result<Arc<Peer>, OutOfMemory> {
        let account = &self.0.connections;
        let place = match account.hold(CONNECTION_SIZE) {
            Ok(place) => place,
            Err(OutOfMemory) => {
                let mut place = pin!(account.hold_later(CONNECTION_SIZE));
                loop {
                    self.make_places();
                    if let Ok(place) = timeout(INTERVAL, place.as_mut()).await {
                        break place?;
                    }
                }
            }
        };
        Ok(self.add(place))
    }

    /// A new peer, whose connection is held elsewhere.
    pub(crate) fn add_elsewhere(&self) -> Arc<Peer> {
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

    /// Cuts some of the peers that say and take nothing, so that others find a place.
    pub(crate) fn make_places(&self) {
        /// The number of peers divided by this is cut.
        const SHARE: usize = 16;
        if self.may_look() {
            let count = self.all().len() / SHARE;
            let is_idle = |peer: &Peer| peer.place.bytes() > 0 && peer.waiting.load(Relaxed) == 0;
            self.cut(is_idle, |cut, _| cut > count);
        }
    }

    /// Cuts peers if room is scarce, so that there is more than `bytes`.
    fn make_room(&self, bytes: usize) {
        let account = &self.0.loads;
        let wanted = (account.limit() / SCARCE).saturating_add(bytes);
        let missing = wanted.saturating_sub(account.room());
        if missing > 0 && self.may_look() {
            self.cut(|peer| peer.load.load(Relaxed) > 0, |_, freed| freed >= missing);
        }
    }

    /// Whether it is time to look at the peers again.
    fn may_look(&self) -> bool {
        // A millisecond later than "never".
        let now = self.now().saturating_add(1);
        let looked = self.0.looked.load(Relaxed);
        let is_due = looked == 0 || now >= looked.saturating_add(INTERVAL.as_millis() as u64);
        if is_due {
            self.0.looked.store(now, Relaxed);
        }
        is_due
    }

    /// Cuts slow peers of this kind until it is enough, by their number and the bytes that become
    /// free.
    fn cut(&self, is_meant: impl Fn(&Peer) -> bool, is_enough: impl Fn(usize, usize) -> bool) {
        let now = self.now();
        let all: Vec<Arc<Peer>> = self.all().values().filter_map(Weak::upgrade).collect();
        let mut slow: Vec<(u64, &Arc<Peer>)> = all
            .iter()
            .filter(|peer| is_meant(peer) && !peer.is_cut.load(Relaxed))
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

    /// Returns when the connection is to be cut.
    pub(crate) async fn cut(&self) {
        while !self.is_cut.load(Relaxed) {
            self.cut.notified().await;
        }
        // Others may wait for it, too.
        self.cut.notify_one();
    }

    /// Bytes have come from the peer, or gone to it.
    pub(crate) fn moved(&self, bytes: usize) {
        let moved = self.moved.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if moved.saturating_mul(PROGRESS) >= self.load.load(Relaxed) {
            self.moved.store(0, Relaxed);
            self.since.store(self.peers.now(), Relaxed);
        }
    }

    /// The most that a load may be.
    pub(crate) fn most(&self) -> usize {
        self.peers.0.loads.limit()
    }

    /// Holds `bytes` bytes more for the connection itself.
    pub(crate) fn widen(&self, bytes: usize) -> Result<Held, OutOfMemory> {
        self.peers.0.connections.hold(bytes)
    }

    /// The peer waits for the program until this is dropped.
    pub(crate) fn waits(self: &Arc<Self>) -> Waits {
        self.waiting.fetch_add(1, Relaxed);
        Waits(self.clone())
    }

    /// A load of no bytes, to be grown.
    pub(crate) fn nothing(self: &Arc<Self>) -> Load {
        Load { peer: self.clone(), held: self.peers.0.loads.hold_nothing() }
    }

    /// Holds `bytes` bytes that the peer is to take, or has sent.
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
        // Those that wait may need more.
        if let Ok(load) = self.hold(bytes) {
            return Ok(load);
        }
        let mut held = pin!(self.peers.0.loads.hold_later(bytes));
        loop {
            self.peers.make_room(bytes);
            if let Ok(held) = timeout(INTERVAL, held.as_mut()).await {
                let held = held?;
                self.add(bytes);
                return Ok(Load { held, peer: self.clone() });
            }
        }
    }

    fn add(&self, bytes: usize) {
        if bytes > 0 && self.load.fetch_add(bytes, Relaxed) == 0 {
            // Its time begins.
            self.moved.store(0, Relaxed);
            self.since.store(self.peers.now(), Relaxed);
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut all = self.peers.all();
        all.remove(&self.address());
        // What many have taken at once is not kept.
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
    /// The bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.held.bytes()
    }

    /// Holds `bytes` bytes more. On failure nothing has changed.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        if bytes > 0 {
            self.peer.peers.make_room(bytes);
            if bytes <= SMALL {
                self.held.grow_in_part(bytes)?;
            } else {
                self.held.grow(bytes)?;
            }
            self.peer.add(bytes);
        }
        Ok(())
    }

    /// Holds at least `bytes` bytes.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.grow(bytes.saturating_sub(self.bytes()))
    }

    /// Holds exactly `bytes` bytes, whatever the limit says: they exist already.
    pub(crate) fn set_existing(&mut self, bytes: usize) {
        let before = self.bytes();
        self.held.set_existing(bytes);
        self.peer.add(bytes.saturating_sub(before));
        self.peer.load.fetch_sub(before.saturating_sub(bytes), Relaxed);
    }

    /// Takes over what another load of the same peer holds.
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
        let peer = peers.add_elsewhere();
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
        let [large, small, busy] = [(); 3].map(|()| peers.add_elsewhere());
        let _large = large.hold(4 << 20).unwrap();
        let _busy = busy.hold(2 << 20).unwrap();
        let _small = small.hold(64 << 10).unwrap();
        std::thread::sleep(SLOW + INTERVAL);
        busy.moved(1 << 20);
        let other = peers.add_elsewhere();
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
            // Connections that are cut end.
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
