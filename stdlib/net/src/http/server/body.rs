//! Bodies of requests, received within limits, and of responses.

use super::transport::RequestGuard;
use crate::sockets::peers::{Load, Peer};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;

/// How much of a rejected body is read, and for how long.
const DISCARD: usize = 64 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// A request's body, and its load.
#[derive(Default)]
pub(super) struct Received {
    pub(super) bytes: Bytes,
    _load: Option<Load>,
}

/// Why a body was rejected.
pub(super) enum BodyError {
    /// It is larger than the limit.
    TooLarge,
    /// Memory is short.
    NoRoom,
    /// The client disconnected or sent invalid data.
    Broken,
}

/// Returns the size of a body according to the header.
pub(super) fn announced_size(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads the rest of a rejected body for a while: if the connection were cut at once, the client
/// might not see the response.
pub(super) fn discard(mut body: Incoming) {
    tokio::spawn(tokio::time::timeout(DISCARD_TIME, async move {
        let mut left = DISCARD;
        while left > 0
            && let Some(Ok(frame)) = body.frame().await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        }
    }));
}

/// Receives a request's body.
pub(super) async fn receive(
    mut body: Incoming,
    limit: usize,
    peer: &Arc<Peer>,
) -> Result<Received, BodyError> {
    let mut bytes = Bytes::new();
    let mut buffer = BytesMut::new();
    let mut load = peer.nothing();
    loop {
        let Some(frame) = body.frame().await else { break };
        let Ok(chunk) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let size = bytes.len().saturating_add(buffer.len()).saturating_add(chunk.len());
        if size > limit {
            discard(body);
            return Err(BodyError::TooLarge);
        }
        // Most bodies arrive in one chunk.
        if bytes.is_empty() && buffer.is_empty() {
            load.grow_to(size).map_err(|_| BodyError::NoRoom)?;
            bytes = chunk;
        } else {
            if size > buffer.capacity() {
                let capacity = (size.saturating_mul(3) / 2).min(limit);
                load.grow_to(capacity).map_err(|_| BodyError::NoRoom)?;
                buffer.reserve(capacity.saturating_sub(buffer.len()));
            }
            buffer.extend_from_slice(&std::mem::take(&mut bytes));
            buffer.extend_from_slice(&chunk);
        }
    }
    if bytes.is_empty() {
        bytes = buffer.freeze();
    }
    Ok(Received { bytes, _load: Some(load) })
}

/// A chunk of a streamed body.
pub(super) enum Chunk {
    Data(Bytes),
    /// The end of the body. A stream that ends without it was cut off.
    End,
}

/// The body of a response.
pub(super) struct Body {
    content: Content,
    /// Marks the request as done when the body is dropped.
    _request: Option<RequestGuard>,
}

enum Content {
    Full(Bytes),
    /// A stream of chunks; of this length, if it is known.
    Stream(mpsc::Receiver<Chunk>, Option<u64>),
    Ended,
}

impl Body {
    pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
        Body { content: Content::Full(bytes.into()), _request: None }
    }

    pub(super) fn chunks(chunks: mpsc::Receiver<Chunk>, length: Option<u64>) -> Body {
        Body { content: Content::Stream(chunks, length), _request: None }
    }

    /// Attaches the request that this body responds to.
    pub(super) fn of(mut self, request: RequestGuard) -> Body {
        self._request = Some(request);
        self
    }
}

/// The program stopped in the middle of a body: the connection is cut, so that the client does not
/// accept it as complete.
#[derive(Debug)]
pub(super) struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the body was cut off")
    }
}

impl std::error::Error for CutOff {}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match &mut self.content {
            Content::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.content = Content::Ended;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Content::Stream(chunks, _) => match ready!(chunks.poll_recv(context)) {
                Some(Chunk::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Chunk::End) => {
                    self.content = Content::Ended;
                    Poll::Ready(None)
                }
                None => {
                    self.content = Content::Ended;
                    Poll::Ready(Some(Err(CutOff)))
                }
            },
            Content::Ended => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Full(bytes) => bytes.is_empty(),
            Content::Stream(..) => false,
            Content::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(_, Some(length)) => SizeHint::with_exact(*length),
            Content::Stream(_, None) => SizeHint::default(),
            Content::Ended => SizeHint::with_exact(0),
        }
    }
}
