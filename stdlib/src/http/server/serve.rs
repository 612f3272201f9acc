//! The goroutines of a server: one that takes the requests as they arrive, and those that answer.
//!
//! A request's goroutine runs the middleware, then the handler, and gives the answer to the
//! connection's task. Whatever ends it before (an error, a limit, the end of a stream) drops its
//! end of that channel, by which the task knows.
//!
//! To make a goroutine costs as much as a short handler. So one that has answered goes on with the
//! next request that waits, as if it were a new one. The server's goroutine starts another whenever
//! something still waits after the others have had their turn: they are busy or wait themselves. So
//! nobody waits for a handler that waits, and handlers that do not need no more than one.

use super::body::Body;
use super::connection::{GRACE, IncomingRequest, plain_response};
use super::files::Directory;
use super::handle::HANDLE;
use super::handshake;
use super::route::{Pattern, segments};
use super::{Handler, servers};
use crate::deadline::TimeoutPause;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use smallvec::SmallVec;
use solvm_vm::native::{Definition, Start, Step, Steps};
use solvm_vm::{Call, Data, Error, Userdata, Value};
use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// What a server's goroutine runs: its arguments are the server's number and its queue.
pub(super) static SERVE: Definition = Definition::new("start_server", serve);

/// How long a handler took that was ended.
const TOO_SLOW: &str = "handler timed out (see -handler-timeout)";

/// The queue of a server, and the sign that it stops, on their way to the server's goroutine.
pub(super) struct NewQueue(
    pub(super) RefCell<Option<(mpsc::UnboundedReceiver<IncomingRequest>, CancellationToken)>>,
);

impl Data for NewQueue {
    fn external_size(&self) -> usize {
        1 << 12
    }
}

/// Takes requests for as long as there are connections.
fn serve<'c>(call: &mut Call<'c>, server: f64, queue: Userdata<'c>) -> Result<Start<Serve>, Error> {
    let queue = queue.get::<NewQueue>().and_then(|queue| queue.0.take());
    let (incoming, stopping) = queue.ok_or_else(|| Error::text("a server's queue is missing"))?;
    let pause = call.host::<crate::Host>().map(|host| host.deadline.pause_timeout());
    let grace = async move {
        stopping.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let grace = Some(grace.boxed_local());
    Ok(Start::new(Serve {
        server: server as usize,
        incoming,
        alarm: None,
        is_collected: false,
        bad_since: None,
        retry: None,
        grace,
        _pause: pause,
    }))
}

/// A server's goroutine.
struct Serve {
    server: usize,
    incoming: mpsc::UnboundedReceiver<IncomingRequest>,
    /// Rings when a handler may have taken too long.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Garbage was collected because no goroutine could be started.
    is_collected: bool,
    /// Since when that was in vain, and the sleep until it is tried again.
    bad_since: Option<Instant>,
    retry: Option<Pin<Box<Sleep>>>,
    /// Ends when the handlers of a server that stops have had their time; None when it has ended.
    grace: Option<LocalBoxFuture<'static, ()>>,
    _pause: Option<TimeoutPause>,
}

impl Steps for Serve {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let waker = call.waker();
        let mut context = Context::from_waker(&waker);
        self.grace.take_if(|grace| grace.as_mut().poll(&mut context).is_ready());
        loop {
            match self.incoming.poll_recv(&mut context) {
                Poll::Ready(Some(incoming)) => dispatch(call, self.server, incoming),
                Poll::Ready(None) => {
                    return match self.start(call) {
                        Started::One => call.again(),
                        Started::NoMemory => call.collect_garbage(None),
                        Started::Later => self.wait_to_retry(call),
                        Started::None => self.end(call),
                    };
                }
                Poll::Pending => break,
            }
        }
        while let Some(due) = end_slow_handlers(call, self.server) {
            let alarm =
                self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due.into())));
            if alarm.deadline() != due.into() {
                alarm.as_mut().reset(due.into());
            }
            if alarm.as_mut().poll(&mut context).is_pending() {
                break;
            }
        }
        match self.start(call) {
            // When the others have had their turn, it may be that more are needed.
            Started::One => call.again(),
            Started::NoMemory => call.collect_garbage(None),
            Started::Later => self.wait_to_retry(call),
            Started::None => call.wait_for_wake(),
        }
    }
}

/// How long requests wait when no goroutine can be started, until they are refused; and how often
/// it is tried.
const BAD_TIME: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(50);

/// Whether a goroutine was started.
enum Started {
    One,
    /// No request waits for one.
    None,
    /// A collection may make room for one.
    NoMemory,
    /// It was in vain: those that run now have to end first.
    Later,
}

impl Serve {
    /// Starts a goroutine if requests wait for one.
    fn start(&mut self, call: &mut Call) -> Started {
        let server = servers(call).and_then(|servers| servers.all.get(self.server));
        if server.is_none_or(|server| server.waiting.is_empty()) {
            return Started::None;
        }
        if self.retry.is_some() {
            return Started::Later;
        }
        let handle = call.function(&HANDLE, &[]);
        if call.spawn(handle, &[Value::number(self.server as f64)]).is_ok() {
            self.is_collected = false;
            self.bad_since = None;
            return Started::One;
        }
        if !std::mem::replace(&mut self.is_collected, true) {
            return Started::NoMemory;
        }
        self.is_collected = false;
        let now = Instant::now();
        if now.duration_since(*self.bad_since.get_or_insert(now)) < BAD_TIME {
            self.retry = Some(Box::pin(tokio::time::sleep(RETRY)));
            return Started::Later;
        }
        self.bad_since = None;
        if let Some(server) = servers(call).and_then(|servers| servers.all.get_mut(self.server)) {
            for task in server.waiting.drain(..) {
                send_response(
                    task.incoming.responder,
                    plain_response(StatusCode::SERVICE_UNAVAILABLE),
                );
            }
        }
        Started::None
    }

    /// Waits until a goroutine may be started again.
    fn wait_to_retry<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let waker = call.waker();
        let mut context = Context::from_waker(&waker);
        let due = self.retry.take_if(|sleep| sleep.as_mut().poll(&mut context).is_ready());
        if due.is_some() { call.again() } else { call.wait_for_wake() }
    }

    /// All connections have ended. Handlers may still run whose clients have gone: they, too, have
    /// the time that is given to all.
    fn end<'c>(&self, call: &mut Call<'c>) -> Result<Step, Error> {
        let (id, waker) = (call.goroutine(), call.waker());
        let server = servers(call).and_then(|servers| servers.all.get_mut(self.server));
        // Meanwhile it may have been started anew; then they are the successor's.
        let Some(server) =
            server.filter(|server| server.running.as_ref().map(|running| running.goroutine) == id)
        else {
            return call.finish(());
        };
        let left = server.in_flight.left(waker);
        if left.is_empty() {
            server.running = None;
            return call.finish(());
        }
        if self.grace.is_none() {
            for id in left {
                call.end_goroutine(id);
            }
        }
        call.wait_for_wake()
    }
}

/// Ends handlers whose time is up. Gives the time when the next one's may be.
fn end_slow_handlers(call: &mut Call, server: usize) -> Option<Instant> {
    let server = servers(call)?.all.get(server)?;
    let (late, next) = server.in_flight.late(Instant::now());
    for id in late {
        call.fail_goroutine(id, TOO_SLOW);
    }
    next
}

/// A request that a goroutine answers.
pub(super) struct Task {
    pub(super) incoming: IncomingRequest,
    /// The functions of the middleware, by number.
    pub(super) middleware: SmallVec<[usize; 4]>,
    pub(super) target: Target,
    pub(super) pattern: Option<Arc<Pattern>>,
}

/// What comes after the middleware.
pub(super) enum Target {
    /// The function with this number.
    Function(usize),
    Files(Arc<Directory>),
    /// The function with this number, with a WebSocket.
    Socket(usize),
    /// There is nothing at this path, or not in this way.
    Nothing(StatusCode),
}

/// Finds out who answers a request. It waits for a goroutine, if Lua has a part in that.
fn dispatch(call: &mut Call, number: usize, incoming: IncomingRequest) {
    let Some(server) = servers(call).and_then(|servers| servers.all.get(number)) else { return };
    let path = incoming.head.uri.path();
    let wants_socket = incoming.upgrade.is_some() && handshake::is_wanted(&incoming.head.headers);
    let socket = server.sockets.find(path);
    let (target, pattern) = match (socket, server.handlers.find(path)) {
        (Some((pattern, function)), _) if wants_socket => {
            (Target::Socket(*function), Some(pattern))
        }
        (_, Some((pattern, Handler::Function(function)))) => {
            (Target::Function(*function), Some(pattern))
        }
        (_, Some((pattern, Handler::Files(directory)))) => {
            (Target::Files(directory.clone()), Some(pattern))
        }
        (Some((pattern, _)), None) => {
            (Target::Nothing(StatusCode::UPGRADE_REQUIRED), Some(pattern))
        }
        (None, None) => (Target::Nothing(StatusCode::NOT_FOUND), None),
    };
    let mut middleware = SmallVec::new();
    if !server.middleware.is_empty() {
        let path = segments(path);
        let matching = server.middleware.iter().filter(|(pattern, _)| pattern.matches(&path));
        middleware.extend(matching.map(|&(_, function)| function));
    }
    if middleware.is_empty() {
        // Lua has no part in these.
        match target {
            Target::Nothing(status) => {
                return send_response(incoming.responder, plain_response(status));
            }
            Target::Files(directory) => {
                let IncomingRequest { head, responder, peer, .. } = incoming;
                directory.serve(head, HeaderMap::new(), responder, peer);
                return;
            }
            Target::Function(_) | Target::Socket(_) => {}
        }
    }
    let pattern = pattern.filter(|pattern| pattern.has_parameters()).cloned();
    let task = Task { incoming, middleware, target, pattern };
    if let Some(server) = servers(call).and_then(|servers| servers.all.get_mut(number)) {
        server.waiting.push_back(task);
    }
}

/// Gives an answer to a client, who may be gone.
pub(super) fn send_response(responder: oneshot::Sender<Response<Body>>, response: Response<Body>) {
    let _ = responder.send(response);
}
