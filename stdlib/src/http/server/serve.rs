//! The goroutines of a server: one that takes the requests as they arrive, and one for each request.
//!
//! A request's goroutine runs the middleware, then the handler, and gives the answer to the connection's task. Whatever ends it
//! before (an error, a limit, the end of a stream) drops its end of that channel, by which the task knows.

use super::answer::{self, Answer, Source};
use super::body::{Body, Piece};
use super::connection::{Arrival, plain_answer};
use super::files::Folder;
use super::handshake;
use super::request;
use super::route::{Pattern, segments};
use super::{Handler, Running, functions, servers};
use crate::http::headers;
use crate::runtime::executor::Exemption;
use crate::websocket::{self, Socket, Surroundings};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use hyper::header::HeaderMap;
use hyper::http::response::Parts;
use hyper::{Method, Response, StatusCode};
use smallvec::SmallVec;
use solvm_vm::native::{Definition, Start, StartWith, Step, Steps, Wanted};
use solvm_vm::{Call, Data, Error, LuaString, Table, Userdata, Value};
use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;

/// What a server's goroutine runs: its arguments are the server's number and its queue.
pub(super) static SERVE: Definition = Definition::new("start_server", serve);
/// What a request's goroutine runs: its argument is the request's number.
static HANDLE: Definition = Definition::new("handler", handle);

/// What a request's table takes without the body, roughly.
const REQUEST_SIZE: usize = 4096;
/// How long a handler took that was ended.
const TOO_SLOW: &str = "the handler took too long to answer (see -handler-timeout)";

/// The queue of a server, on its way to the server's goroutine.
pub(super) struct NewQueue(pub(super) RefCell<Option<mpsc::UnboundedReceiver<Arrival>>>);

impl Data for NewQueue {}

/// Takes requests for as long as there are connections.
fn serve<'c>(call: &mut Call<'c>, server: f64, queue: Userdata<'c>) -> Result<Start<Serve>, Error> {
    let arrivals = queue.get::<NewQueue>().and_then(|queue| queue.0.take());
    let arrivals = arrivals.ok_or_else(|| Error::text("a server's queue is missing"))?;
    let exemption = call.host::<crate::Host>().map(|host| host.deadline.exempt());
    Ok(Start::new(Serve { server: server as usize, arrivals, alarm: None, _exemption: exemption }))
}

/// A server's goroutine.
struct Serve {
    server: usize,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    /// Rings when a handler may have taken too long.
    alarm: Option<Pin<Box<Sleep>>>,
    _exemption: Option<Exemption>,
}

impl Steps for Serve {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        let waker = call.waker();
        let mut context = Context::from_waker(&waker);
        loop {
            match self.arrivals.poll_recv(&mut context) {
                Poll::Ready(Some(arrival)) => dispatch(call, self.server, arrival),
                Poll::Ready(None) => {
                    // Meanwhile it may have been started anew.
                    let id = call.goroutine();
                    if let Some(server) = servers(call).and_then(|servers| servers.all.get_mut(self.server)) {
                        server.running.take_if(|running| Some(running.goroutine) == id);
                    }
                    return call.finish(());
                }
                Poll::Pending => break,
            }
        }
        while let Some(due) = end_slow_handlers(call, self.server) {
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due.into())));
            if alarm.deadline() != due.into() {
                alarm.as_mut().reset(due.into());
            }
            if alarm.as_mut().poll(&mut context).is_pending() {
                break;
            }
        }
        call.wait_for_wake()
    }
}

/// Ends handlers whose time is up. Gives the time when the next one's may be.
fn end_slow_handlers(call: &mut Call, server: usize) -> Option<Instant> {
    let now = Instant::now();
    let running = running(call, server)?;
    if let Some(due) = running.next_due.filter(|&due| due > now) {
        return Some(due);
    }
    let late: Vec<_> = running.due.iter().filter(|&(_, &due)| due <= now).map(|(&id, _)| id).collect();
    for id in &late {
        running.due.remove(id);
    }
    running.next_due = running.due.values().min().copied();
    let next = running.next_due;
    for id in late {
        call.fail_goroutine(id, TOO_SLOW);
    }
    next
}

fn running<'a>(call: &'a mut Call, server: usize) -> Option<&'a mut Running> {
    servers(call)?.all.get_mut(server)?.running.as_mut()
}

/// A request that a goroutine is going to answer.
pub(super) struct Task {
    server: usize,
    arrival: Arrival,
    /// The functions of the middleware, by number.
    middleware: SmallVec<[usize; 4]>,
    target: Target,
    pattern: Option<Arc<Pattern>>,
    /// The memory limit did not allow to begin with it.
    lacked_memory: bool,
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

/// Finds out who answers a request, and starts a goroutine for it.
fn dispatch(call: &mut Call, number: usize, arrival: Arrival) {
    let Some(server) = servers(call).and_then(|servers| servers.all.get(number)) else { return };
    let path = arrival.head.uri.path();
    let wants_socket = arrival.upgrade.is_some() && handshake::is_wanted(&arrival.head.headers);
    let socket = server.sockets.find(path);
    let (target, pattern) = match (socket, server.handlers.find(path)) {
        (Some((pattern, function)), _) if wants_socket => (Target::Socket(*function), Some(pattern)),
        (_, Some((pattern, Handler::Function(function)))) => (Target::Function(*function), Some(pattern)),
        (_, Some((pattern, Handler::Files(folder)))) => (Target::Files(folder.clone()), Some(pattern)),
        (Some((pattern, _)), None) => (Target::Nothing(StatusCode::UPGRADE_REQUIRED), Some(pattern)),
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
    start(call, Task { server: number, arrival, middleware, target, pattern, lacked_memory: false });
}

/// Gives an answer to a client, who may be gone.
fn give(answer: oneshot::Sender<Response<Body>>, response: Response<Body>) {
    let _ = answer.send(response);
}

/// Starts the goroutine of a request. If there can be none, the client is told that it is a bad time.
fn start(call: &mut Call, task: Task) {
    let server = task.server;
    let Some(servers) = servers(call) else { return };
    servers.last_task += 1;
    let number = servers.last_task;
    servers.tasks.insert(number, task);
    let handle = call.function(&HANDLE, &[]);
    let started = call.spawn(handle, &[Value::number(number as f64)]);
    let Some(servers) = self::servers(call) else { return };
    match started {
        Ok(id) => {
            let standard = servers.handler_timeout;
            let server = servers.all.get_mut(server);
            let limit = server.as_ref().and_then(|server| server.limits.handler_timeout).or(standard);
            let running = server.and_then(|server| server.running.as_mut());
            if let (Some(running), Some(due)) = (running, limit.and_then(|limit| Instant::now().checked_add(limit))) {
                running.due.insert(id, due);
                running.next_due = Some(running.next_due.map_or(due, |next| next.min(due)));
            }
        }
        Err(_) => {
            if let Some(task) = servers.tasks.remove(&number) {
                give(task.arrival.answer, plain_answer(StatusCode::SERVICE_UNAVAILABLE));
            }
        }
    }
}

/// Answers a request.
fn handle<'c>(call: &mut Call<'c>, number: f64) -> Result<StartWith<'c, Handle>, Error> {
    let number = number as u64;
    let waiting = servers(call).and_then(|servers| servers.tasks.get_mut(&number));
    let waiting = waiting.ok_or_else(|| Error::text("a request is missing"))?;
    let (size, is_last_try) = (waiting.arrival.body.bytes.len(), waiting.lacked_memory);
    // As long as nothing has been done, this function is called again after a collection.
    waiting.lacked_memory = true;
    let memory = call.check_memory(size + REQUEST_SIZE);
    if !is_last_try {
        memory?;
    }
    // Whatever fails from here on drops the request, so that the client gets its answer.
    let task = servers(call).and_then(|servers| servers.tasks.remove(&number));
    let task = task.ok_or_else(|| Error::text("a request is missing"))?;
    call.check_memory(size + REQUEST_SIZE)?;
    let request = request::to_table(call, &task.arrival, task.pattern.as_deref())?;
    let handle = Handle { server: task.server, task: Some(task), added: HeaderMap::new(), stage: Stage::Next(0) };
    Ok(Start::new(handle).keep(request.value()))
}

/// A request's goroutine. Its first kept value is the request's table, the second one what makes the body.
struct Handle {
    server: usize,
    /// The request, until it is answered.
    task: Option<Task>,
    /// Header fields that the middleware adds.
    added: HeaderMap,
    stage: Stage,
}

enum Stage {
    /// This function of the middleware is next.
    Next(usize),
    /// This one has been called.
    Middleware(usize),
    /// The handler has been called.
    Handler,
    /// The function that makes the body has been called.
    Piece(mpsc::Sender<Piece>),
    /// A piece is on its way to the client; None if the client is gone.
    Sending(LocalBoxFuture<'static, Option<mpsc::Sender<Piece>>>),
    /// The connection is about to become a WebSocket.
    Upgrading(LocalBoxFuture<'static, Option<Socket>>, usize),
    /// The handler of a WebSocket has been called.
    Socket,
}

impl Steps for Handle {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        loop {
            match std::mem::replace(&mut self.stage, Stage::Handler) {
                Stage::Next(place) => {
                    let Some(task) = &self.task else { return call.finish(()) };
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
                    Some(answer) => return self.answer(call, answer),
                    None => self.stage = Stage::Next(place + 1),
                },
                Stage::Handler => {
                    let value = call.returned(0);
                    return self.answer(call, value);
                }
                Stage::Piece(sender) => match piece(call)? {
                    Piece::Data(bytes) if bytes.is_empty() => {
                        self.stage = Stage::Piece(sender);
                        let function = call.kept(1);
                        return call.call(function, &[], Wanted::One);
                    }
                    piece => {
                        let is_end = matches!(piece, Piece::End);
                        let send =
                            async move { sender.send(piece).await.is_ok().then_some(sender).filter(|_| !is_end) };
                        self.stage = Stage::Sending(send.boxed_local());
                    }
                },
                Stage::Sending(mut sending) => {
                    let waker = call.waker();
                    match sending.as_mut().poll(&mut Context::from_waker(&waker)) {
                        Poll::Pending => {
                            self.stage = Stage::Sending(sending);
                            return call.wait_for_wake();
                        }
                        Poll::Ready(None) => return call.finish(()),
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
                        Poll::Ready(None) => return call.finish(()),
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
                    return call.finish(());
                }
            }
        }
    }
}

/// Calls a function with the request, or with a WebSocket and the request.
fn call_function<'c>(call: &mut Call<'c>, number: usize, socket: Option<Value<'c>>) -> Result<Step, Error> {
    let function = functions(call)?.get(number);
    let request = call.kept(0);
    match socket {
        Some(socket) => call.call(function, &[socket, request], Wanted::One),
        None => call.call(function, &[request], Wanted::One),
    }
}

/// The next piece of a body, as its function has returned it.
fn piece(call: &mut Call) -> Result<Piece, Error> {
    let value = call.returned(0);
    let text = LuaString::from_value(value).or_else(|| call.number_string(value.as_number()?));
    match text {
        Some(text) => Ok(Piece::Data(Bytes::copy_from_slice(text.bytes()))),
        None if value.is_nil() => Ok(Piece::End),
        None => {
            let text = format!("the next piece of a body: string or nil expected, got {}", value.type_name());
            Err(Error::text(text))
        }
    }
}

impl Handle {
    /// What a function of the middleware has returned: an answer, header fields to add, or nothing.
    fn heed<'c>(&mut self, call: &mut Call<'c>) -> Result<Option<Value<'c>>, Error> {
        let value = call.returned(0);
        if value.as_boolean() == Some(false) {
            self.give_plainly(call, StatusCode::UNAUTHORIZED);
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
        added.map_err(|reason| Error::text(format!("wrong answer of middleware: {reason}")))?;
        Ok(None)
    }

    /// After the middleware. None if the next stage goes on at once.
    fn go_on<'c>(&mut self, call: &mut Call<'c>) -> Result<Option<Step>, Error> {
        let Some(task) = &self.task else { return call.finish(()).map(Some) };
        match task.target {
            Target::Function(function) => {
                self.stage = Stage::Handler;
                call_function(call, function, None).map(Some)
            }
            Target::Nothing(status) => {
                self.give_plainly(call, status);
                call.finish(()).map(Some)
            }
            Target::Files(ref folder) => {
                let folder = folder.clone();
                if let Some(task) = self.answered(call) {
                    let Arrival { head, answer, .. } = task.arrival;
                    folder.serve(head, std::mem::take(&mut self.added), answer);
                }
                call.finish(()).map(Some)
            }
            Target::Socket(function) => {
                let Some(mut task) = self.answered(call) else { return call.finish(()).map(Some) };
                let response = match handshake::answer(&task.arrival.head) {
                    Ok(response) => response,
                    Err(status) => {
                        give(task.arrival.answer, plain_answer(status));
                        return call.finish(()).map(Some);
                    }
                };
                let Some(upgrade) = task.arrival.upgrade.take() else { return call.finish(()).map(Some) };
                let server = servers(call).and_then(|servers| servers.all.get(self.server));
                let limit = server.map_or(0, |server| server.limits.max_message);
                let stopping = server.and_then(|server| Some(server.running.as_ref()?.stopping.clone()));
                let host = call.host::<crate::Host>();
                let surroundings = Surroundings {
                    remote: task.arrival.remote.clone(),
                    max_message: limit,
                    budget: host.map(|host| host.budget.clone()).unwrap_or_default(),
                    stopping: stopping.unwrap_or_default(),
                };
                let (mut head, body) = response.into_parts();
                head.headers.extend(std::mem::take(&mut self.added));
                give(task.arrival.answer, Response::from_parts(head, body));
                let upgrading = async move { Some(websocket::serve(upgrade.await.ok()?, surroundings).await) };
                self.stage = Stage::Upgrading(upgrading.boxed_local(), function);
                Ok(None)
            }
        }
    }

    /// The request is answered: its time does not run any more.
    fn answered(&mut self, call: &mut Call) -> Option<Task> {
        let id = call.goroutine();
        if let (Some(id), Some(running)) = (id, running(call, self.server)) {
            running.due.remove(&id);
        }
        self.task.take()
    }

    fn give_plainly(&mut self, call: &mut Call, status: StatusCode) {
        let added = std::mem::take(&mut self.added);
        if let Some(task) = self.answered(call) {
            let mut response = plain_answer(status);
            response.headers_mut().extend(added);
            give(task.arrival.answer, response);
        }
    }

    /// Answers with what a handler has returned.
    fn answer<'c>(&mut self, call: &mut Call<'c>, value: Value<'c>) -> Result<Step, Error> {
        let Some(task) = &self.task else { return call.finish(()) };
        let is_head = task.arrival.head.method == Method::HEAD;
        let Answer { head, body } = answer::from_lua(call, value, std::mem::take(&mut self.added), is_head)?;
        match body {
            Source::Whole(bytes) => {
                if let Some(task) = self.answered(call) {
                    give(task.arrival.answer, Response::from_parts(head, Body::whole(bytes)));
                }
                call.finish(())
            }
            Source::Function(function, length) => self.begin_pieces(call, head, function, length),
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
        if let Some(task) = self.answered(call) {
            give(task.arrival.answer, Response::from_parts(head, Body::pieces(pieces, length)));
        }
        call.keep(function);
        self.stage = Stage::Piece(sender);
        call.call(function, &[], Wanted::One)
    }
}
