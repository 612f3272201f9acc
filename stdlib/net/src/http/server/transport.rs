//! The bytes and the activity of a connection.

use crate::sockets::peers::{CONNECTION_SIZE, Load, Peer};
use bytes::{Buf, Bytes};
use smallvec::SmallVec;
use solvm_vm::OutOfMemory;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;

/// The number of bytes that a connection may read before it yields.
const MAX_CONSECUTIVE: usize = 8 << 10;
/// Responses up to this size are joined before they are sent.
const SMALL: usize = 2048;
/// Headers of responses up to this size are accounted for with the connection.
const SMALL_HEADERS: usize = 4 << 10;

/// A client's connection, encrypted or not.
pub(super) enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// A connection with its permit.
pub(super) struct Transport {
    stream: Stream,
    /// The bytes that were read to detect the protocol.
    prefix: Bytes,
    activity: Arc<Activity>,
    /// The size of the current header, and of the connection's buffers.
    header: usize,
    buffers: Load,
    /// Bytes that were read without yielding.
    consecutive: usize,
    _place: OwnedSemaphorePermit,
}

/// The state of a connection for its watchdog. Times are milliseconds since its start.
pub(super) struct Activity {
    start: Instant,
    peer: Arc<Peer>,
    /// Whether a part of a request's header has arrived. Unknown for HTTP/2.
    in_header: AtomicBool,
    /// When the connection became idle, or when the last bytes arrived within a request.
    since: AtomicU64,
    /// When the client stopped reading; 0 if it reads.
    stalled_since: AtomicU64,
    /// The number of requests without a complete response.
    requests: AtomicU32,
    /// The number of requests whose bodies are being read.
    reading: AtomicU32,
    is_http2: AtomicBool,
    /// Approximate bytes of the headers of responses that hyper has not sent, and the load for the
    /// buffer in which it joins them, which never shrinks. Only for HTTP/1.1.
    unsent: AtomicUsize,
    header_buffer: Mutex<Load>,
}

/// The state that the watchdog has found.
pub(super) enum WatchdogResult {
    /// Active; to be checked again after this time.
    CheckAgainAfter(Duration),
    /// Idle: it may be shut down gracefully.
    Idle,
    /// The peer does not send or read.
    Stuck,
}

impl Activity {
    pub(super) fn new(peer: Arc<Peer>) -> Self {
        let header_buffer = Mutex::new(peer.nothing());
        Activity {
            start: Instant::now(),
            peer,
            in_header: AtomicBool::new(true),
            since: AtomicU64::new(0),
            stalled_since: AtomicU64::new(0),
            requests: AtomicU32::new(0),
            reading: AtomicU32::new(0),
            is_http2: AtomicBool::new(false),
            unsent: AtomicUsize::new(0),
            header_buffer,
        }
    }

    fn now(&self) -> u64 {
        // Never 0, which means "not stalled".
        (self.start.elapsed().as_millis() as u64).saturating_add(1)
    }

    pub(super) fn set_http2(&self) {
        self.is_http2.store(true, Relaxed);
        self.in_header.store(false, Relaxed);
    }

    /// Returns the client.
    pub(super) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Records received bytes.
    fn received(&self) {
        let counts = if self.requests.load(Relaxed) > 0 {
            self.reading.load(Relaxed) > 0
        } else {
            // A header starts with its first bytes.
            self.is_http2.load(Relaxed) || !self.in_header.swap(true, Relaxed)
        };
        if counts {
            self.since.store(self.now(), Relaxed);
        }
    }

    /// Records a complete header.
    pub(super) fn request(self: &Arc<Self>) -> RequestGuard {
        self.requests.fetch_add(1, Relaxed);
        self.in_header.store(false, Relaxed);
        RequestGuard(self.clone())
    }

    /// Records that a request's body is being read.
    pub(super) fn reading(&self) -> Reading<'_> {
        self.since.store(self.now(), Relaxed);
        self.reading.fetch_add(1, Relaxed);
        Reading(self)
    }

    /// Accounts for the header of a response of HTTP/1.1, which hyper copies. A client that does
    /// not read can request any number of them.
    pub(super) fn hold_header(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let unsent = self.unsent.load(Relaxed).saturating_add(bytes);
        if unsent > SMALL_HEADERS {
            let mut load = self.header_buffer.lock().unwrap_or_else(PoisonError::into_inner);
            // A buffer doubles when it grows.
            load.grow_to(unsent.saturating_mul(2))?;
        }
        self.unsent.store(unsent, Relaxed);
        Ok(())
    }

    fn record_progress(&self, takes: bool) {
        if !takes {
            if self.stalled_since.load(Relaxed) == 0 {
                self.stalled_since.store(self.now(), Relaxed);
            }
        } else if self.stalled_since.load(Relaxed) != 0 {
            self.stalled_since.store(0, Relaxed);
        }
    }

    /// Checks the connection.
    pub(super) fn check(&self, header_timeout: Duration, idle_timeout: Duration) -> WatchdogResult {
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

/// A request without a complete response.
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
        Transport { stream, prefix, activity, header: 0, buffers, consecutive: 0, _place: place }
    }
}

impl Transport {
    /// Accounts for the part of an HTTP/1.1 header that has arrived, and for `spare` bytes; hyper
    /// keeps buffers that have grown.
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
        if self.consecutive >= MAX_CONSECUTIVE {
            self.consecutive = 0;
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
            self.consecutive = self.consecutive.saturating_add(count);
            self.header = self.header.saturating_add(count);
            self.activity.received();
            self.activity.peer.moved(count);
        } else {
            self.consecutive = 0;
        }
        read
    }
}

/// Records the result of a write.
fn record_write(activity: &Activity, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    activity.record_progress(result.is_ready());
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
        record_write(&self.activity, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        chunks: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // One small write is cheaper than several.
        let size: usize = chunks.iter().map(|chunk| chunk.len()).sum();
        if size <= SMALL {
            let mut joined = SmallVec::<[u8; SMALL]>::new();
            chunks.iter().for_each(|chunk| joined.extend_from_slice(chunk));
            return self.poll_write(context, &joined);
        }
        let written = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, chunks),
            Stream::Encrypted(stream) => Pin::new(stream).poll_write_vectored(context, chunks),
        };
        record_write(&self.activity, written)
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
        self.activity.record_progress(flushed.is_ready());
        // hyper flushes when it has written everything.
        self.activity.unsent.store(0, Relaxed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
