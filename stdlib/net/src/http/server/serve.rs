//! A server's goroutines: one receives requests, the others handle them.
//!
//! A handler goroutine runs the middleware, then the handler, and passes the response to the
//! connection's task. If it ends earlier (an error, a limit, the end of a stream), its end of the
//! channel is dropped, and the task responds with 500.
//!
//! Creating a goroutine costs as much as a short handler. So a goroutine that has responded takes
//! the next waiting request, as if it were new. The receiving goroutine starts another one whenever
//! requests still wait after the others have had their turn, because they are busy or waiting. So
//! no request waits for a handler that waits, and handlers that never wait need only one goroutine.

use super::connection::IncomingRequest;
use super::files::Directory;
use super::handle::HANDLE;
use super::handshake;
use super::limits::GRACE;
use super::response::{plain_response, send_response};
use super::route::{Pattern, segments};
use super::{Handler, servers};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use smallvec::SmallVec;
use solvm_runtime::deadline::TimeoutPause;
use solvm_vm::native::{Definition, Start, Step, Steps};
use solvm_vm::{Call, Data, Error, Userdata, Value};
use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// The body of a server's goroutine: its arguments are the server's number and its queue.
pub(super) static SERVE: Definition = Definition::new("start_server", serve);

/// The error of a handler that exceeded its time limit.
const TOO_SLOW: &str = "handler timed out (see -handler-timeout)";

/// The queue of a server, and the token that is cancelled when it stops, for the server's
/// goroutine.
pub(super) struct NewQueue(
    pub(super) RefCell<Option<(mpsc::UnboundedReceiver<IncomingRequest>, CancellationToken)>>,
);

impl Data for NewQueue {
    fn external_size(&self) -> usize {
        1 << 12
    }
}

/// Receives requests while there are connections.
fn serve<'c>(call: &mut Call<'c>, server: f64, queue: Userdata<'c>) -> Result<Start<Serve>, Error> {
    let queue = queue.get::<NewQueue>().and_then(|queue| queue.0.take());
    let (incoming, stopping) = queue.ok_or_else(|| Error::text("a server's queue is missing"))?;
    let pause = call.host::<solvm_runtime::Host>().map(|host| host.deadline.pause_timeout());
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
        failing_since: None,
        retry: None,
        grace,
        _pause: pause,
    }))
}

/// A server's goroutine.
struct Serve {
    server: usize,
    incoming: mpsc::UnboundedReceiver<IncomingRequest>,
    /// Expires when a handler may have exceeded its time limit.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Whether garbage was collected because no goroutine could be started.
    is_collected: bool,
    /// Since when starting has failed, and the timer until the next attempt.
    failing_since: Option<Instant>,
    retry: Option<Pin<Box<Sleep>>>,
    /// The time that handlers of a stopped server have left; None when it has elapsed.
    grace: Option<LocalBoxFuture<'static, ()>>,
    _pause: Option<TimeoutPause>,
}

impl Steps for Serve {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let waker = call.waker();
        let mut context = Context::from_waker(&waker);
        self.grace.take_if(|grace| grace.as_mut().poll(&mut context).is_ready());
        let mut is_budget_left = true;
        while is_budget_left {
            match self.incoming.poll_recv(&mut context) {
                Poll::Ready(Some(incoming)) => {
                    is_budget_left = dispatch(call, self.server, incoming);
                }
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
            // After the other goroutines have had their turn, more may be needed.
            Started::One => call.again(),
            Started::NoMemory => call.collect_garbage(None),
            Started::Later => self.wait_to_retry(call),
            Started::None if !is_budget_left => call.again(),
            Started::None => call.wait_for_wake(),
        }
    }
}

/// How long requests wait when no goroutine can be started before they are rejected, and the time
/// between attempts.
const RETRY_TIME: Duration = Duration::from_secs(2);
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The result of trying to start a goroutine.
enum Started {
    One,
    /// No request is waiting.
    None,
    /// A collection may free enough memory.
    NoMemory,
    /// It failed: running handlers must end first.
    Later,
}

impl Serve {
    /// Starts a goroutine if requests are waiting.
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
            self.failing_since = None;
            return Started::One;
        }
        if !std::mem::replace(&mut self.is_collected, true) {
            return Started::NoMemory;
        }
        self.is_collected = false;
        let now = Instant::now();
        if now.duration_since(*self.failing_since.get_or_insert(now)) < RETRY_TIME {
            self.retry = Some(Box::pin(tokio::time::sleep(RETRY_INTERVAL)));
            return Started::Later;
        }
        self.failing_since = None;
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

    /// Ends the server after its last connection. Handlers whose clients have disconnected may
    /// still be running; they have the usual time limit.
    fn end<'c>(&self, call: &mut Call<'c>) -> Result<Step, Error> {
        let (id, waker) = (call.goroutine(), call.waker());
        let server = servers(call).and_then(|servers| servers.all.get_mut(self.server));
        // The server may have been restarted; then the handlers belong to its new run.
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

/// Ends handlers that exceed their time limit. Returns the next deadline.
fn end_slow_handlers(call: &mut Call, server: usize) -> Option<Instant> {
    let server = servers(call)?.all.get(server)?;
    let (late, next) = server.in_flight.late(Instant::now());
    for id in late {
        call.fail_goroutine(id, TOO_SLOW);
    }
    next
}

/// A request for a handler goroutine.
pub(super) struct Task {
    pub(super) incoming: IncomingRequest,
    /// The numbers of the middleware functions.
    pub(super) middleware: SmallVec<[usize; 4]>,
    pub(super) target: Target,
    pub(super) pattern: Option<Arc<Pattern>>,
}

/// The target after the middleware.
pub(super) enum Target {
    /// The function with this number.
    Function(usize),
    Files(Arc<Directory>),
    /// The function with this number, for a WebSocket.
    Socket(usize),
    /// No handler for this path or method.
    Nothing(StatusCode),
}

/// Finds the target of a request, and queues it for a goroutine if Lua is involved. False if the
/// budget is used up.
fn dispatch(call: &mut Call, number: usize, incoming: IncomingRequest) -> bool {
    /// Units of the budget for comparing a segment.
    const UNITS: usize = 4;
    let mut work = 0;
    route(call, number, incoming, &mut work);
    call.charge(work.saturating_mul(UNITS))
}

fn route(call: &mut Call, number: usize, incoming: IncomingRequest, work: &mut usize) {
    let Some(server) = servers(call).and_then(|servers| servers.all.get(number)) else { return };
    let path = incoming.head.uri.path();
    let is_websocket =
        incoming.upgrade.is_some() && handshake::is_requested(&incoming.head.headers);
    let socket = server.sockets.find(path, work);
    let (target, pattern) = match (socket, server.handlers.find(path, work)) {
        (Some((pattern, function)), _) if is_websocket => {
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
        let matching = server.middleware.iter().filter(|(pattern, _)| {
            *work = work.saturating_add(pattern.work(&path));
            pattern.matches(&path)
        });
        middleware.extend(matching.map(|&(_, function)| function));
    }
    if middleware.is_empty() {
        // These do not involve Lua.
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
