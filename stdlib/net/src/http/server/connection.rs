//! Server connections. One tokio task per connection speaks HTTP and passes requests to the
//! server's goroutine.
//!
//! The task waits for each response. If its sender is dropped, the client gets status 500. A
//! watchdog closes connections whose clients send too slowly or do not read.

use super::body::{self, Body, BodyError, Received};
use super::limits::{GRACE, Limits, MIN_HEADER_SIZE};
use super::response::plain_response;
use super::transport::{Activity, Stream, Transport, WatchdogResult};
use crate::headers;
use crate::sockets::peers::{Load, Peer, Peers};
use crate::sockets::tcp::{is_passing, plain};
use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use solvm_vm::OutOfMemory;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A request in the queue of a server's goroutine.
pub(super) struct IncomingRequest {
    pub(super) head: Parts,
    pub(super) body: Received,
    /// The load of the header.
    pub(super) _load: Load,
    pub(super) peer: Arc<Peer>,
    /// The client's address and port.
    pub(super) remote: Arc<str>,
    pub(super) responder: oneshot::Sender<Response<Body>>,
    /// The connection, for requests that upgrade the protocol.
    pub(super) upgrade: Option<OnUpgrade>,
}

/// The state that a server's tasks share.
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) tls: Option<TlsAcceptor>,
    /// The queue of requests. It ends with the last task.
    pub(super) incoming: mpsc::UnboundedSender<IncomingRequest>,
    pub(super) peers: Peers,
    /// Cancelled when the server stops.
    pub(super) stopping: CancellationToken,
}

/// Additional memory of a connection that is encrypted or uses HTTP/2.
const TLS_SIZE: usize = 48 << 10;
const HTTP2_SIZE: usize = 32 << 10;
/// Memory for data of an encrypted connection that the client has not read.
const TLS_BUFFER: usize = 16 << 10;
/// Memory for a header field in addition to its name and value, and for a request of HTTP/2.
const FIELD_SIZE: usize = 128;
const STREAM_SIZE: usize = 2048;
/// Factor between the header limits of HTTP/1.1 and HTTP/2, where a connection may have many
/// requests in flight.
const HTTP2_HEADER_SHARE: usize = 4;
/// Maximum number of header fields of a request. hyper has a limit of 100, for HTTP/1.1 only.
const MAX_FIELDS: usize = 200;
/// Headers up to this size are accounted for with an HTTP/1.1 connection.
const SMALL_HEADER: usize = 8192;
/// How long the server pauses when the process has no file descriptors left.
const REST: Duration = Duration::from_millis(50);
/// The first bytes of an unencrypted HTTP/2 connection.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Maximum number of concurrent requests of an HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// The interval of pings to idle HTTP/2 clients.
const PING: Duration = Duration::from_secs(20);

/// Accepts connections until the server stops.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(shared.limits.max_connections));
    loop {
        let accepted = async {
            let place = match places.clone().try_acquire_owned() {
                Ok(place) => place,
                Err(_) => {
                    shared.peers.evict_idle();
                    places.clone().acquire_owned().await.ok()?
                }
            };
            Some((place, listener.accept().await))
        };
        let Some(Some((place, accepted))) = shared.stopping.run_until_cancelled(accepted).await
        else {
            return;
        };
        match accepted {
            Ok((stream, remote)) => {
                // Without it responses may be delayed. If the socket is broken, its first use
                // fails.
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(stream, plain(remote), place, shared.clone()));
            }
            Err(error) if is_passing(&error) => {}
            Err(_) => tokio::time::sleep(REST).await,
        }
    }
}

/// Serves a connection from its start to its end.
async fn serve(
    stream: TcpStream,
    remote: SocketAddr,
    place: OwnedSemaphorePermit,
    shared: Arc<Shared>,
) {
    // If there is no room, the client may try again later.
    let entering = tokio::time::timeout(shared.limits.header_timeout, shared.peers.enter());
    let Ok(Ok(peer)) = entering.await else { return };
    let tls_size = if shared.tls.is_some() { TLS_SIZE } else { 0 };
    let Ok(mut width) = peer.widen(tls_size) else { return };
    let activity = Arc::new(Activity::new(peer.clone()));
    // Errors are ignored: the client is disconnected.
    let begun = tokio::time::timeout(shared.limits.header_timeout, begin(stream, &shared));
    let begun = shared.stopping.run_until_cancelled(begun).await;
    let Some(Ok(Ok((stream, prefix, is_http2)))) = begun else { return };
    let io = TokioIo::new(Transport::new(stream, prefix, activity.clone(), place));
    let remote: Arc<str> = remote.to_string().into();
    let service = service_fn(|request| {
        let (remote, shared, activity) = (remote.clone(), shared.clone(), activity.clone());
        async move { Ok::<_, Infallible>(respond(request, remote, &shared, &activity).await) }
    });
    if is_http2 {
        activity.set_http2();
        let Ok(()) = width.grow(HTTP2_SIZE) else { return };
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(PING);
        let most = (shared.limits.max_header / HTTP2_HEADER_SHARE).max(MIN_HEADER_SIZE);
        builder.max_header_list_size(u32::try_from(most).unwrap_or(u32::MAX));
        watch(builder.serve_connection(io, service), &shared, &activity).await;
    } else {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(shared.limits.max_header).max_header_size(shared.limits.max_header);
        watch(builder.serve_connection(io, service).with_upgrades(), &shared, &activity).await;
    }
}

/// Starts a connection: returns the protocol, and the bytes that were read to detect it.
async fn begin(mut stream: TcpStream, shared: &Shared) -> std::io::Result<(Stream, Bytes, bool)> {
    if let Some(tls) = &shared.tls {
        let mut stream = tls.accept(stream).await?;
        stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        return Ok((Stream::Encrypted(Box::new(stream)), Bytes::new(), is_http2));
    }
    let mut prefix = BytesMut::with_capacity(1024);
    loop {
        if stream.read_buf(&mut prefix).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if prefix.starts_with(HTTP2_PREFACE) {
            return Ok((Stream::Plain(stream), prefix.freeze(), true));
        }
        if !HTTP2_PREFACE.starts_with(&prefix) {
            return Ok((Stream::Plain(stream), prefix.freeze(), false));
        }
    }
}

/// A connection that supports a graceful shutdown.
trait Connection: Future {
    fn graceful_shutdown(self: Pin<&mut Self>);
}

macro_rules! connection {
    ($($type:ty;)*) => { $(
        impl<S> Connection for $type
        where
            S: hyper::service::Service<
                    Request<Incoming>,
                    Response = Response<Body>,
                    Error = Infallible,
                >,
            S::Future: Send + 'static,
        {
            fn graceful_shutdown(self: Pin<&mut Self>) {
                self.graceful_shutdown();
            }
        }
    )* };
}
connection! {
    http1::UpgradeableConnection<TokioIo<Transport>, S>;
    http2::Connection<TokioIo<Transport>, S, TokioExecutor>;
}

/// Drives a connection with its watchdog, and shuts it down when the server stops.
async fn watch(connection: impl Connection, shared: &Shared, activity: &Activity) {
    let mut connection = pin!(connection);
    let limits = &shared.limits;
    let looking = async {
        loop {
            match activity.check(limits.header_timeout, limits.idle_timeout) {
                WatchdogResult::CheckAgainAfter(time) => tokio::time::sleep(time).await,
                WatchdogResult::Idle => return true,
                WatchdogResult::Stuck => return false,
            }
        }
    };
    let cut = activity.peer().cut();
    let watch = async {
        match select(pin!(looking), pin!(cut)).await {
            Either::Left((in_peace, _)) => in_peace,
            Either::Right(_) => false,
        }
    };
    let watch = pin!(watch);
    let stopping = pin!(shared.stopping.cancelled());
    let in_peace = match select(connection.as_mut(), select(watch, stopping)).await {
        Either::Left(_) => return,
        Either::Right((Either::Left((in_peace, _)), _)) => in_peace,
        Either::Right((Either::Right(_), _)) => true,
    };
    if in_peace {
        connection.as_mut().graceful_shutdown();
        // Connections that do not end in time are cut.
        let _ = tokio::time::timeout(GRACE, connection).await;
    }
}

/// Returns the response to a request.
async fn respond(
    mut request: Request<Incoming>,
    remote: Arc<str>,
    shared: &Shared,
    activity: &Arc<Activity>,
) -> Response<Body> {
    let guard = activity.request();
    if let Some(status) = rejection(&request, &shared.limits) {
        body::discard(request.into_body());
        return error_response(status).map(|body| body.of(guard));
    }
    let (is_head, is_http2) =
        (request.method() == Method::HEAD, request.version() == Version::HTTP_2);
    let upgrade = request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (mut head, incoming) = request.into_parts();
    if let Some(host) = host_of_http2(&head) {
        head.headers.insert(HOST, host);
    }
    let load = match hold_header(&head, activity.peer()) {
        Ok(load) => load,
        Err(OutOfMemory) => {
            body::discard(incoming);
            return error_response(StatusCode::SERVICE_UNAVAILABLE).map(|body| body.of(guard));
        }
    };
    let has_body = !incoming.is_end_stream();
    let body = if has_body {
        let _reading = activity.reading();
        body::receive(incoming, shared.limits.max_body, activity.peer()).await
    } else {
        Ok(Received::default())
    };
    let response = match body {
        Ok(body) => {
            let (responder, response) = oneshot::channel();
            // If the queue has ended, the sender is dropped, too.
            let peer = activity.peer().clone();
            let _waits = peer.waits();
            let request =
                IncomingRequest { head, body, _load: load, peer, remote, responder, upgrade };
            let _ = shared.incoming.send(request);
            response.await.unwrap_or_else(|_| plain_response(StatusCode::INTERNAL_SERVER_ERROR))
        }
        Err(BodyError::TooLarge) => error_response(StatusCode::PAYLOAD_TOO_LARGE),
        Err(BodyError::NoRoom) => error_response(StatusCode::SERVICE_UNAVAILABLE),
        Err(BodyError::Broken) => error_response(StatusCode::BAD_REQUEST),
    };
    let size = if is_http2 { 0 } else { headers::sent_size(response.headers()) };
    let response = match activity.hold_header(size) {
        Ok(()) if is_head => without_body(response),
        Ok(()) => response,
        Err(OutOfMemory) => error_response(StatusCode::SERVICE_UNAVAILABLE),
    };
    response.map(|body| body.of(guard))
}

/// Returns the response to HEAD, with the header of the whole response. (hyper does this only for
/// HTTP/1.1.)
fn without_body(mut response: Response<Body>) -> Response<Body> {
    if let Some(length) = response.body().size_hint().exact().filter(|&length| length > 0) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    response.map(|_| Body::full(Bytes::new()))
}

/// Returns a response after which the connection ends.
fn error_response(status: StatusCode) -> Response<Body> {
    let mut response = plain_response(status);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Accounts for a request's header, and the table that is created from it, until the response.
fn hold_header(head: &Parts, peer: &Arc<Peer>) -> Result<Load, OutOfMemory> {
    let fields = head.headers.iter().map(|(name, value)| {
        name.as_str().len().saturating_add(value.len()).saturating_add(FIELD_SIZE)
    });
    let size = fields.fold(uri_length(&head.uri), usize::saturating_add).saturating_mul(2);
    match head.version {
        Version::HTTP_2 => peer.hold(size.saturating_add(STREAM_SIZE)),
        _ => peer.hold(if size > SMALL_HEADER { size } else { 0 }),
    }
}

fn uri_length(uri: &Uri) -> usize {
    uri.path_and_query().map_or(0, |path| path.as_str().len())
}

/// Returns the host, which HTTP/2 has in a pseudo-header.
fn host_of_http2(head: &Parts) -> Option<HeaderValue> {
    let authority = head.uri.authority().filter(|_| !head.headers.contains_key(HOST))?;
    HeaderValue::from_str(authority.as_str()).ok()
}

/// Checks a request before its body is read.
fn rejection(request: &Request<Incoming>, limits: &Limits) -> Option<StatusCode> {
    // HTTP/2 can encode a field in one byte.
    if request.headers().len() > MAX_FIELDS {
        return Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let has_one_host = hosts.next().is_some() && hosts.next().is_none();
    if request.version() == Version::HTTP_11 && !has_one_host {
        return Some(StatusCode::BAD_REQUEST);
    }
    let size = body::announced_size(request.headers())?;
    (size > limits.max_body as u64).then_some(StatusCode::PAYLOAD_TOO_LARGE)
}
