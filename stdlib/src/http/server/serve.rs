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

use super::answer::{self, Answer, Failure, Source};
use super::body::{Body, Piece};
use super::connection::{Arrival, GRACE, plain_answer};
use super::files::Folder;
use super::handshake;
use super::request;
use super::route::{Pattern, segments};
use super::underway::{Place, Subject};
use super::{Handler, functions, servers};
use crate::http::headers;
use crate::net::client_account;
use crate::runtime::executor::Exemption;
use crate::websocket::{self, Socket, Surroundings};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use hyper::header::HeaderMap;
use hyper::http::response::Parts;
use hyper::{Method, Response, StatusCode};
use smallvec::SmallVec;
use solvm_vm::native::{Definition, Start, Step, Steps, Wanted};
use solvm_vm::{Account, Call, Data, Error, HoldLater, LuaString, Table, Userdata, Value};
use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// What a server's goroutine runs: its arguments are the server's number and its queue.
pub(super) static SERVE: Definition = Definition::new("start_server", serve);
/// What a request's goroutine runs: its argument is the server's number.
static HANDLE: Definition = Definition::new("handler", handle);

/// What a request's table takes without the body, roughly.
const REQUEST_SIZE: usize = 4096;
/// How long a handler took that was ended.
const TOO_SLOW: &str = "the handler took too long to answer (see -handler-timeout)";

/// The queue of a server, and the sign that it stops, on their way to the server's goroutine.
pub(super) struct NewQueue(
    pub(super) RefCell<Option<(mpsc::UnboundedReceiver<Arrival>, CancellationToken)>>,
);

impl Data for NewQueue {
    fn external_size(&self) -> usize {
        1 << 12
    }
}

/// Takes requests for as long as there are connections.
fn serve<'c>(call: &mut Call<'c>, server: f64, queue: Userdata<'c>) -> Result<Start<Serve>, Error> {
    let queue = queue.get::<NewQueue>().and_then(|queue| queue.0.take());
    let (arrivals, stopping) = queue.ok_or_else(|| Error::text("a server's queue is missing"))?;
    let exemption = call.host::<crate::Host>().map(|host| host.deadline.exempt());
    let grace = async move {
        stopping.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let grace = Some(grace.boxed_local());
    Ok(Start::new(Serve {
        server: server as usize,
        arrivals,
        alarm: None,
        grace,
        _exemption: exemption,
    }))
}

/// A server's goroutine.
struct Serve {
    server: usize,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    /// Rings when a handler may have taken too long.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Ends when the handlers of a server that stops have had their time; None when it has ended.
    grace: Option<LocalBoxFuture<'static, ()>>,
    _exemption: Option<Exemption>,
}

impl Steps for Serve {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let waker = call.waker();
        let mut context = Context::from_waker(&waker);
        self.grace.take_if(|grace| grace.as_mut().poll(&mut context).is_ready());
        loop {
            match self.arrivals.poll_recv(&mut context) {
                Poll::Ready(Some(arrival)) => dispatch(call, self.server, arrival),
                Poll::Ready(None) => {
                    if start(call, self.server) {
                        return call.again();
                    }
                    return self.end(call);
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
        if start(call, self.server) {
            // When the others have had their turn, it may be that more are needed.
            return call.again();
        }
        call.wait_for_wake()
    }
}

impl Serve {
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
        let left = server.underway.left(waker);
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
    let (late, next) = server.underway.late(Instant::now());
    for id in late {
        call.fail_goroutine(id, TOO_SLOW);
    }
    next
}

/// A request that a goroutine answers.
pub(super) struct Task {
    arrival: Arrival,
    /// The functions of the middleware, by number.
    middleware: SmallVec<[usize; 4]>,
    target: Target,
    pattern: Option<Arc<Pattern>>,
}

/// What comes after the middleware.
enum Target {
    /// The function with this number.
    Function(usize),
    Files(Arc<Folder>),
    /// The function with this number, with a WebSocket.
    Socket(usize),
    /// There is nothing at this path, or not in this way.
    Nothing(StatusCode),
}

/// Finds out who answers a request. It waits for a goroutine, if Lua has a part in that.
fn dispatch(call: &mut Call, number: usize, arrival: Arrival) {
    let Some(server) = servers(call).and_then(|servers| servers.all.get(number)) else { return };
    let path = arrival.head.uri.path();
    let wants_socket = arrival.upgrade.is_some() && handshake::is_wanted(&arrival.head.headers);
    let socket = server.sockets.find(path);
    let (target, pattern) = match (socket, server.handlers.find(path)) {
        (Some((pattern, function)), _) if wants_socket => {
            (Target::Socket(*function), Some(pattern))
        }
        (_, Some((pattern, Handler::Function(function)))) => {
            (Target::Function(*function), Some(pattern))
        }
        (_, Some((pattern, Handler::Files(folder)))) => {
            (Target::Files(folder.clone()), Some(pattern))
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
            Target::Nothing(status) => return give(arrival.answer, plain_answer(status)),
            Target::Files(folder) => {
                let Arrival { head, answer, .. } = arrival;
                folder.serve(head, HeaderMap::new(), answer);
                return;
            }
            Target::Function(_) | Target::Socket(_) => {}
        }
    }
    let pattern = pattern.filter(|pattern| pattern.has_parameters()).cloned();
    let task = Task { arrival, middleware, target, pattern };
    if let Some(server) = servers(call).and_then(|servers| servers.all.get_mut(number)) {
        server.waiting.push_back(task);
    }
}

/// A response's body, held by the clients' account. None if that has no room.
fn body_of(call: &mut Call, text: &[u8]) -> Option<Body> {
    /// Shorter ones are not worth a count.
    const SHORT: usize = 512;
    if text.len() <= SHORT {
        return Some(Body::whole(text.to_vec()));
    }
    let account = client_account(call);
    let held = account.hold(text.len());
    cut_slow_clients(call, &account, text.len());
    Some(Body::held(text.to_vec(), held.ok()?))
}

/// Cuts the connections of slow clients if the clients' account is short of room: `bytes` more are
/// about to be held.
fn cut_slow_clients(call: &mut Call, account: &Account, bytes: usize) {
    /// It is short when less than one part in so many is left.
    const SCARCE: usize = 4;
    let scarce = account.limit() / SCARCE;
    if account.room() < scarce
        && let Some(servers) = servers(call)
    {
        servers.connections.cut(bytes.saturating_add(scarce));
    }
}

/// Gives an answer to a client, who may be gone.
fn give(answer: oneshot::Sender<Response<Body>>, response: Response<Body>) {
    let _ = answer.send(response);
}

/// Starts a goroutine if requests wait for one. Whether it has.
fn start(call: &mut Call, number: usize) -> bool {
    let waiting = servers(call)
        .and_then(|servers| servers.all.get(number))
        .map(|server| server.waiting.len());
    if waiting.is_none_or(|waiting| waiting == 0) {
        return false;
    }
    let handle = call.function(&HANDLE, &[]);
    let is_started = call.spawn(handle, &[Value::number(number as f64)]).is_ok();
    if !is_started
        && let Some(server) = servers(call).and_then(|servers| servers.all.get_mut(number))
    {
        // There can be no more goroutines: it is a bad time.
        for task in server.waiting.drain(..) {
            give(task.arrival.answer, plain_answer(StatusCode::SERVICE_UNAVAILABLE));
        }
    }
    is_started
}

/// Answers requests for as long as some wait.
fn handle(_: &mut Call, server: f64) -> Start<Handle> {
    let (server, added) = (server as usize, HeaderMap::new());
    Start::new(Handle { server, task: None, place: None, added, stage: Stage::Begin })
}

/// A request's goroutine. Its first kept value is the request's table, the second one what makes
/// the body.
struct Handle {
    server: usize,
    /// The request, until it is answered.
    task: Option<Task>,
    /// Its place among the server's handlers.
    place: Option<Place>,
    /// Header fields that the middleware adds.
    added: HeaderMap,
    stage: Stage,
}

enum Stage {
    /// The next request that waits is begun with.
    Begin,
    /// The same, after a collection that was to make room for it.
    BeginAgain,
    /// This function of the middleware is next.
    Next(usize),
    /// This one has been called.
    Middleware(usize),
    /// The handler has been called.
    Handler,
    /// The function that makes the body has been called.
    Piece(mpsc::Sender<Piece>),
    /// A piece, which is kept, waits for room in the clients' account.
    Room(HoldLater, mpsc::Sender<Piece>),
    /// A piece is on its way to the client; None if the client is gone.
    Sending(LocalBoxFuture<'static, Option<mpsc::Sender<Piece>>>),
    /// The connection is about to become a WebSocket.
    Upgrading(LocalBoxFuture<'static, Option<Socket>>, usize),
    /// The handler of a WebSocket has been called.
    Socket,
}

impl Steps for Handle {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        /// Charged for what goes on between two calls of Lua.
        const UNITS: usize = 250;
        call.charge(UNITS);
        loop {
            match std::mem::replace(&mut self.stage, Stage::Handler) {
                stage @ (Stage::Begin | Stage::BeginAgain) => {
                    if self.task.is_none() {
                        self.take(call);
                    }
                    let Some(task) = &self.task else { return self.finish(call) };
                    let memory = call
                        .check_memory(task.arrival.body.bytes.len().saturating_add(REQUEST_SIZE));
                    if memory.is_err() && matches!(stage, Stage::Begin) {
                        self.stage = Stage::BeginAgain;
                        return call.collect_garbage(None);
                    }
                    memory?;
                    let request =
                        request::to_table(call, &task.arrival, task.pattern.as_deref())?.value();
                    if call.kept_count() == 0 {
                        call.keep(request);
                    } else {
                        call.set_kept(0, request);
                    }
                    self.stage = Stage::Next(0);
                }
                Stage::Next(place) => {
                    let Some(task) = &self.task else { return self.finish(call) };
                    match task.middleware.get(place) {
                        Some(&function) => {
                            self.stage = Stage::Middleware(place);
                            return call_function(call, function, None);
                        }
                        None => match self.go_on(call)? {
                            Some(step) => return Ok(step),
                            None => continue,
                        },
                    }
                }
                Stage::Middleware(place) => match self.heed(call)? {
                    Some(answer) => match self.answer(call, answer)? {
                        Some(step) => return Ok(step),
                        None => self.stage = Stage::Begin,
                    },
                    None => self.stage = Stage::Next(place.saturating_add(1)),
                },
                Stage::Handler => {
                    let value = call.returned(0);
                    match self.answer(call, value)? {
                        Some(step) => return Ok(step),
                        None => self.stage = Stage::Begin,
                    }
                }
                Stage::Piece(sender) => match piece(call)? {
                    Some(text) if text.bytes().is_empty() => {
                        self.stage = Stage::Piece(sender);
                        let function = call.kept(1);
                        return call.call(function, &[], Wanted::One);
                    }
                    Some(text) => {
                        if call.kept_count() == 2 {
                            call.keep(text.value());
                        } else {
                            call.set_kept(2, text.value());
                        }
                        let (account, length) = (client_account(call), text.bytes().len());
                        cut_slow_clients(call, &account, length);
                        self.stage = Stage::Room(account.hold_later(length), sender);
                    }
                    None => {
                        let send = async move {
                            let _ = sender.send(Piece::End).await;
                            None
                        };
                        self.stage = Stage::Sending(send.boxed_local());
                    }
                },
                Stage::Room(mut room, sender) => {
                    let waker = call.waker();
                    match Pin::new(&mut room).poll(&mut Context::from_waker(&waker)) {
                        Poll::Pending => {
                            self.stage = Stage::Room(room, sender);
                            return call.wait_for_wake();
                        }
                        Poll::Ready(held) => {
                            let held = held?;
                            let text = LuaString::from_value(call.kept(2));
                            let text = text.map_or(&b""[..], LuaString::bytes);
                            let piece = Piece::Data(text.to_vec(), held);
                            let send =
                                async move { sender.send(piece).await.is_ok().then_some(sender) };
                            self.stage = Stage::Sending(send.boxed_local());
                        }
                    }
                }
                Stage::Sending(mut sending) => {
                    let waker = call.waker();
                    match sending.as_mut().poll(&mut Context::from_waker(&waker)) {
                        Poll::Pending => {
                            self.stage = Stage::Sending(sending);
                            return call.wait_for_wake();
                        }
                        Poll::Ready(None) => return self.finish(call),
                        Poll::Ready(Some(sender)) => {
                            self.stage = Stage::Piece(sender);
                            let function = call.kept(1);
                            return call.call(function, &[], Wanted::One);
                        }
                    }
                }
                Stage::Upgrading(mut upgrading, function) => {
                    let waker = call.waker();
                    match upgrading.as_mut().poll(&mut Context::from_waker(&waker)) {
                        Poll::Pending => {
                            self.stage = Stage::Upgrading(upgrading, function);
                            return call.wait_for_wake();
                        }
                        Poll::Ready(None) => return self.finish(call),
                        Poll::Ready(Some(socket)) => {
                            let socket = websocket::to_lua(call, socket)?;
                            call.keep(socket.value());
                            self.stage = Stage::Socket;
                            return call_function(call, function, Some(socket.value()));
                        }
                    }
                }
                Stage::Socket => {
                    let socket = call.kept(1);
                    websocket::close_normally(socket);
                    return self.finish(call);
                }
            }
        }
    }
}

/// Calls a function with the request, or with a WebSocket and the request.
fn call_function<'c>(
    call: &mut Call<'c>,
    number: usize,
    socket: Option<Value<'c>>,
) -> Result<Step, Error> {
    let function = functions(call)?.get(number);
    let request = call.kept(0);
    match socket {
        Some(socket) => call.call(function, &[socket, request], Wanted::One),
        None => call.call(function, &[request], Wanted::One),
    }
}

/// The next piece of a body, as its function has returned it; None at the end.
fn piece<'c>(call: &mut Call<'c>) -> Result<Option<LuaString<'c>>, Error> {
    let value = call.returned(0);
    let text = LuaString::from_value(value).or_else(|| call.number_string(value.as_number()?));
    match text {
        Some(text) => Ok(Some(text)),
        None if value.is_nil() => Ok(None),
        None => {
            let text = format!(
                "the next piece of a body: string or nil expected, got {}",
                value.type_name()
            );
            Err(Error::text(text))
        }
    }
}

impl Handle {
    /// Everything is done.
    fn finish<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        self.place.take().into_iter().for_each(Place::leave);
        call.finish(())
    }

    /// Takes the next request that waits: the goroutine counts as one of its own from now on, and
    /// its time runs.
    fn take(&mut self, call: &mut Call) {
        self.place.take().into_iter().for_each(Place::leave);
        let id = call.renew_goroutine();
        let Some(servers) = servers(call) else { return };
        let standard = servers.handler_timeout;
        let Some(server) = servers.all.get_mut(self.server) else { return };
        self.task = server.waiting.pop_front();
        if let (Some(task), Some(id)) = (&self.task, id) {
            let limit = server.limits.handler_timeout.or(standard);
            let due = limit.and_then(|limit| Instant::now().checked_add(limit));
            let subject = Subject::new(&server.name, &task.arrival.head);
            self.place = Some(server.underway.enter(id, subject, due));
        }
    }

    /// What a function of the middleware has returned: an answer, header fields to add, or nothing.
    fn heed<'c>(&mut self, call: &mut Call<'c>) -> Result<Option<Value<'c>>, Error> {
        let value = call.returned(0);
        if value.as_boolean() == Some(false) {
            self.give_plainly(StatusCode::UNAUTHORIZED);
            return Ok(Some(Value::NIL));
        }
        let Some(table) = Table::from_value(value) else { return Ok(None) };
        let body = call.string(b"body")?;
        if !table.get(body).is_nil() {
            return Ok(Some(value));
        }
        // Either the header fields themselves, or a table with them, as an answer has.
        let key = call.string(b"headers")?;
        let fields = Table::from_value(table.get(key)).unwrap_or(table);
        let added = headers::from_table(call, fields, &mut self.added);
        added.map_err(|reason| self.wrong("middleware", &reason))?;
        Ok(None)
    }

    /// An answer cannot be sent. Nobody's code is at fault where this comes up, so the message says
    /// whose answer it is.
    fn wrong(&mut self, whose: &str, reason: &str) -> Error {
        let place = self.place.take();
        let subject = place
            .as_ref()
            .and_then(Place::subject)
            .map_or(String::new(), |subject| format!("{subject}: "));
        place.into_iter().for_each(Place::leave);
        Error::text(format!("{subject}wrong answer of the {whose}: {reason}"))
    }

    /// After the middleware. None if the next stage goes on at once.
    fn go_on<'c>(&mut self, call: &mut Call<'c>) -> Result<Option<Step>, Error> {
        let Some(task) = &self.task else { return self.finish(call).map(Some) };
        match task.target {
            Target::Function(function) => {
                self.stage = Stage::Handler;
                call_function(call, function, None).map(Some)
            }
            Target::Nothing(status) => {
                self.give_plainly(status);
                self.finish(call).map(Some)
            }
            Target::Files(ref folder) => {
                let folder = folder.clone();
                if let Some(task) = self.answered() {
                    let Arrival { head, answer, .. } = task.arrival;
                    folder.serve(head, std::mem::take(&mut self.added), answer);
                }
                self.finish(call).map(Some)
            }
            Target::Socket(function) => {
                let Some(mut task) = self.answered() else { return self.finish(call).map(Some) };
                let response = match handshake::answer(&task.arrival.head) {
                    Ok(response) => response,
                    Err(status) => {
                        give(task.arrival.answer, plain_answer(status));
                        return self.finish(call).map(Some);
                    }
                };
                let Some(upgrade) = task.arrival.upgrade.take() else {
                    return self.finish(call).map(Some);
                };
                let server = servers(call).and_then(|servers| servers.all.get(self.server));
                let limit = server.map_or(0, |server| server.limits.max_message);
                let stopping =
                    server.and_then(|server| Some(server.running.as_ref()?.stopping.clone()));
                let surroundings = Surroundings {
                    remote: task.arrival.remote.clone(),
                    max_message: limit,
                    account: client_account(call),
                    stopping: stopping.unwrap_or_default(),
                };
                let (mut head, body) = response.into_parts();
                headers::add(&mut head.headers, std::mem::take(&mut self.added));
                give(task.arrival.answer, Response::from_parts(head, body));
                let upgrading =
                    async move { Some(websocket::serve(upgrade.await.ok()?, surroundings).await) };
                self.stage = Stage::Upgrading(upgrading.boxed_local(), function);
                Ok(None)
            }
        }
    }

    /// The request is answered: its time does not run any more.
    fn answered(&mut self) -> Option<Task> {
        self.place.iter().for_each(Place::has_answered);
        self.task.take()
    }

    fn give_plainly(&mut self, status: StatusCode) {
        let added = std::mem::take(&mut self.added);
        if let Some(task) = self.answered() {
            let mut response = plain_answer(status);
            headers::add(response.headers_mut(), added);
            give(task.arrival.answer, response);
        }
    }

    /// Answers with what a handler has returned.
    /// None if the next request is to be begun with.
    fn answer<'c>(&mut self, call: &mut Call<'c>, value: Value<'c>) -> Result<Option<Step>, Error> {
        let Some(task) = &self.task else { return self.finish(call).map(Some) };
        let is_head = task.arrival.head.method == Method::HEAD;
        let answer = answer::from_lua(call, value, std::mem::take(&mut self.added), is_head);
        let Answer { head, body } = answer.map_err(|failure| match failure {
            Failure::Unfit(reason) => self.wrong("handler", &reason),
            Failure::Raise(error) => error,
        })?;
        match body {
            Source::Whole(text) => {
                let body = body_of(call, text);
                if let Some(task) = self.answered() {
                    let response = match body {
                        Some(body) => Response::from_parts(head, body),
                        None => plain_answer(StatusCode::SERVICE_UNAVAILABLE),
                    };
                    give(task.arrival.answer, response);
                }
                Ok(None)
            }
            Source::Function(function, length) => {
                self.begin_pieces(call, head, function, length).map(Some)
            }
        }
    }

    fn begin_pieces<'c>(
        &mut self,
        call: &mut Call<'c>,
        head: Parts,
        function: Value<'c>,
        length: Option<u64>,
    ) -> Result<Step, Error> {
        let (sender, pieces) = mpsc::channel(1);
        if let Some(task) = self.answered() {
            give(task.arrival.answer, Response::from_parts(head, Body::pieces(pieces, length)));
        }
        call.keep(function);
        self.stage = Stage::Piece(sender);
        call.call(function, &[], Wanted::One)
    }
}
