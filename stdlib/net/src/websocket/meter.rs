//! Accounts for incomplete messages of a WebSocket.
//!
//! A peer may start a message and never end it. The part that it has sent is its load; if memory is
//! short, reading stops.

use crate::sockets::peers::{Load, Peer};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use solvm_vm::OutOfMemory;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The part of a message that is not accounted for.
const FREE: usize = 16 << 10;
/// The number of bytes that are added at a time.
const STEP: usize = 64 << 10;

/// The bytes of the current message.
#[derive(Clone)]
pub(super) struct Meter(Arc<Mutex<State>>);

struct State {
    peer: Arc<Peer>,
    unfinished: usize,
    load: Load,
    waiting: Option<BoxFuture<'static, Result<Load, OutOfMemory>>>,
}

impl Meter {
    pub(super) fn new(peer: &Arc<Peer>) -> Meter {
        Meter(Arc::new(Mutex::new(State {
            peer: peer.clone(),
            unfinished: 0,
            load: peer.nothing(),
            waiting: None,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a message of `length` bytes: its load now covers the whole message.
    pub(super) fn finish(&self, length: usize) -> Load {
        let mut state = self.state();
        state.unfinished = 0;
        let nothing = state.peer.nothing();
        let mut load = std::mem::replace(&mut state.load, nothing);
        drop(state);
        load.set_existing(length);
        load
    }

    /// Skips a control frame of `length` bytes, which is not a part of a message.
    pub(super) fn skip(&self, length: usize) {
        /// A client's frame has a mask.
        const HEADER: usize = 6;
        let mut state = self.state();
        state.unfinished = state.unfinished.saturating_sub(length.saturating_add(HEADER));
    }

    /// Waits until there is room for more bytes.
    fn poll_room(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        while state.unfinished >= state.load.bytes().saturating_add(FREE) {
            let peer = state.peer.clone();
            let waiting = state.waiting.get_or_insert_with(|| peer.hold_later(STEP).boxed());
            let result = ready!(waiting.as_mut().poll(context));
            state.waiting = None;
            match result {
                Ok(load) => state.load.merge(load),
                Err(_) => return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into())),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// A stream that counts the bytes read.
pub(super) struct Metered<S> {
    stream: S,
    meter: Meter,
}

impl<S> Metered<S> {
    pub(super) fn new(stream: S, meter: Meter) -> Self {
        Metered { stream, meter }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.meter.poll_room(context))?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len().saturating_sub(before);
        let mut state = self.meter.state();
        state.unfinished = state.unfinished.saturating_add(read);
        drop(state);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
