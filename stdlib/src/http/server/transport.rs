//! The bytes of a connection, and how long it has been still.

use crate::net::peers::{CONNECTION_SIZE, Load, Peer};
use bytes::{Buf, Bytes};
use smallvec::SmallVec;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;

/// The bytes that a connection may read before others have their turn.
const IN_A_ROW: usize = 8 << 10;
/// Answers up to this size are joined before they are sent.
const SMALL: usize = 2048;

/// A connection of a client, encrypted or not.
pub(super) enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// A connection with its place among those that are allowed.
pub(super) struct Transport {
    stream: Stream,
    /// What was read to find out which protocol is spoken.
    prefix: Bytes,
    activity: Arc<Activity>,
    /// Bytes of the current header, and what the connection's buffers have grown to hold.
    header: usize,
    buffers: Load,
    /// Bytes that were read without a pause.
    in_a_row: usize,
    _place: OwnedSemaphorePermit,
}

/// What a connection is doing, and since when: all that the watch over it needs to know. Times are
/// milliseconds since it began.
pub(super) struct Activity {
    start: Instant,
    peer: Arc<Peer>,
    /// Whether the beginning of a request has come, but not all of its header. Not known of HTTP/2.
    in_header: AtomicBool,
    /// When it began to lie still, or when the last bytes came in the middle of a request.
    since: AtomicU64,
    /// When the client stopped taking what is sent; 0 if it takes it.
    stalled_since: AtomicU64,
    /// Requests that have begun and whose answers have not ended.
    requests: AtomicU32,
    /// Those whose bodies are being read.
    reading: AtomicU32,
    is_http2: AtomicBool,
}

/// What the watch over a connection finds.
pub(super) enum WatchdogResult {
    /// Nothing before this time has passed.
    CheckAgainAfter(Duration),
    /// Nobody asks for anything: it may be closed in peace.
    Idle,
    /// The other end does not do its part.
    Stuck,
}

impl Activity {
    pub(super) fn new(peer: Arc<Peer>) -> Self {
        Activity {
            start: Instant::now(),
            peer,
            in_header: AtomicBool::new(true),
            since: AtomicU64::new(0),
            stalled_since: AtomicU64::new(0),
            requests: AtomicU32::new(0),
            reading: AtomicU32::new(0),
            is_http2: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        // Never 0, which means "not at all".
        (self.start.elapsed().as_millis() as u64).saturating_add(1)
    }

    pub(super) fn set_http2(&self) {
        self.is_http2.store(true, Relaxed);
        self.in_header.store(false, Relaxed);
    }

    /// The client.
    pub(super) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Bytes have come in.
    fn received(&self) {
        let counts = if self.requests.load(Relaxed) > 0 {
            self.reading.load(Relaxed) > 0
        } else {
            // Only with its first bytes does a header begin.
            self.is_http2.load(Relaxed) || !self.in_header.swap(true, Relaxed)
        };
        if counts {
            self.since.store(self.now(), Relaxed);
        }
    }

    /// A request's header is complete.
    pub(super) fn request(self: &Arc<Self>) -> RequestGuard {
        self.requests.fetch_add(1, Relaxed);
        self.in_header.store(false, Relaxed);
        RequestGuard(self.clone())
    }

    /// A request's body is going to be read.
    pub(super) fn reading(&self) -> Reading<'_> {
        self.since.store(self.now(), Relaxed);
        self.reading.fetch_add(1, Relaxed);
        Reading(self)
    }

    fn took(&self, takes: bool) {
        if !takes {
            if self.stalled_since.load(Relaxed) == 0 {
                self.stalled_since.store(self.now(), Relaxed);
            }
        } else if self.stalled_since.load(Relaxed) != 0 {
            self.stalled_since.store(0, Relaxed);
        }
    }

    /// Looks at the connection.
    pub(super) fn judge(&self, header_timeout: Duration, idle_timeout: Duration) -> WatchdogResult {
        let now = self.now();
        let left = |since: u64, limit: Duration| {
            limit.checked_sub(Duration::from_millis(now.saturating_sub(since)))
        };
        let since = self.since.load(Relaxed);
        let stalled_since = self.stalled_since.load(Relaxed);
        let mut next = header_timeout.min(idle_timeout);
        if stalled_since != 0 {
            match left(stalled_since, idle_timeout) {
                None | Some(Duration::ZERO) => return WatchdogResult::Stuck,
                Some(left) => next = next.min(left),
            }
        }
        let (limit, verdict) = if self.requests.load(Relaxed) > 0 {
            if self.reading.load(Relaxed) == 0 {
                return WatchdogResult::CheckAgainAfter(next);
            }
            (idle_timeout, WatchdogResult::Stuck)
        } else if self.in_header.load(Relaxed) {
            (header_timeout, WatchdogResult::Stuck)
        } else {
            (idle_timeout, WatchdogResult::Idle)
        };
        match left(since, limit) {
            None | Some(Duration::ZERO) => verdict,
            Some(left) => WatchdogResult::CheckAgainAfter(next.min(left)),
        }
    }
}

/// A request that has not been answered to its end.
pub(super) struct RequestGuard(Arc<Activity>);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if self.0.requests.fetch_sub(1, Relaxed) == 1 {
            self.0.since.store(self.0.now(), Relaxed);
        }
    }
}

/// A body that is being read.
pub(super) struct Reading<'a>(&'a Activity);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.reading.fetch_sub(1, Relaxed);
    }
}

impl Transport {
    pub(super) fn new(
        stream: Stream,
        prefix: Bytes,
        activity: Arc<Activity>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let buffers = activity.peer.nothing();
        Transport { stream, prefix, activity, header: 0, buffers, in_a_row: 0, _place: place }
    }
}

impl Transport {
    /// Holds what HTTP/1.1 gathers of a header, and `spare` bytes for more; hyper keeps buffers
    /// that have grown.
    fn hold_buffers(&mut self, spare: usize) -> io::Result<()> {
        if !self.activity.in_header.load(Relaxed) {
            self.header = 0;
        }
        let size = self.header.saturating_add(spare).saturating_sub(CONNECTION_SIZE);
        let held = self.buffers.grow_to(size);
        held.map_err(|_| io::ErrorKind::OutOfMemory.into())
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.prefix.is_empty() {
            let count = self.prefix.len().min(buffer.remaining());
            buffer.put_slice(self.prefix.get(..count).unwrap_or_default());
            self.prefix.advance(count);
            return Poll::Ready(Ok(()));
        }
        if self.in_a_row >= IN_A_ROW {
            self.in_a_row = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.hold_buffers(buffer.remaining())?;
        let before = buffer.filled().len();
        let read = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Encrypted(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        let count = buffer.filled().len().saturating_sub(before);
        if count > 0 {
            self.in_a_row = self.in_a_row.saturating_add(count);
            self.header = self.header.saturating_add(count);
            self.activity.received();
            self.activity.peer.moved(count);
        } else {
            self.in_a_row = 0;
        }
        read
    }
}

/// What writing came to, noted.
fn noted(activity: &Activity, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    activity.took(result.is_ready());
    if let Poll::Ready(Ok(count)) = &result {
        activity.peer.moved(*count);
    }
    result
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        noted(&self.activity, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // One small piece is sent with less effort than several.
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        if size <= SMALL {
            let mut joined = SmallVec::<[u8; SMALL]>::new();
            pieces.iter().for_each(|piece| joined.extend_from_slice(piece));
            return self.poll_write(context, &joined);
        }
        let written = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
            Stream::Encrypted(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
        };
        noted(&self.activity, written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        };
        self.activity.took(flushed.is_ready());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
