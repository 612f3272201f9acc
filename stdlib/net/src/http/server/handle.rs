//! The goroutine of a request: it runs the middleware, then the handler, and passes the response to
//! the connection's task. A body that a function generates is sent in chunks; each is a load of the
//! client. Before each call of the function, there must be room for a chunk as large as the
//! server's last one: chunks that wait for room would use the script's memory.

use super::body::{Body, Chunk};
use super::connection::IncomingRequest;
use super::handshake;
use super::in_flight::{InFlightEntry, Subject};
use super::request;
use super::response::{
    self, HandlerResponse, ResponseError, Source, plain_response, send_response,
};
use super::serve::{Target, Task};
use super::{Server, functions, servers};
use crate::headers::{self, Refusal};
use crate::sockets::peers::{Load, Peer, accounted};
use crate::websocket::{self, ConnectionContext, Socket};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, select};
use hyper::header::HeaderMap;
use hyper::http::response::Parts;
use hyper::{Method, Response, StatusCode};
use solvm_runtime::Host;
use solvm_vm::native::{Definition, Start, Step, Steps, Wanted};
use solvm_vm::{Call, Error, LuaString, Table, Value};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::mpsc;

/// The body of a request's goroutine: its argument is the server's number.
pub(super) static HANDLE: Definition = Definition::new("handler", handle);

/// The capacity up to which an empty queue of requests is kept.
const QUEUE: usize = 256;
/// Approximate size of a request's table without the body.
const REQUEST_SIZE: usize = 4096;

/// Returns a response's body as a load of its client. None if there is no room for it.
fn body_of(peer: &Arc<Peer>, text: &[u8]) -> Option<Body> {
    /// Shorter bodies are not accounted for.
    const SHORT: usize = 512;
    if text.len() <= SHORT {
        return Some(Body::full(text.to_vec()));
    }
    let load = peer.hold(text.len()).ok()?;
    Some(Body::full(accounted(text.to_vec(), load)))
}

/// Handles requests while some are waiting.
fn handle(_: &mut Call, server: f64) -> Start<Handle> {
    let (server, added) = (server as usize, HeaderMap::new());
    Start::new(Handle { server, task: None, entry: None, added, peer: None, stage: Stage::Begin })
}

/// A request's goroutine. Its kept values are the request's table and the function that generates
/// the body.
struct Handle {
    server: usize,
    /// The request, until the response.
    task: Option<Task>,
    /// Its entry among the requests in flight.
    entry: Option<InFlightEntry>,
    /// Header fields added by the middleware.
    added: HeaderMap,
    /// The client of a streamed body.
    peer: Option<Arc<Peer>>,
    stage: Stage,
}

enum Stage {
    /// Start with the next waiting request.
    Begin,
    /// Start again, after a collection that was to free memory.
    BeginAgain,
    /// Call this function of the middleware next.
    Next(usize),
    /// This function of the middleware has been called.
    Middleware(usize),
    /// The handler has been called.
    Handler,
    /// The function that generates the body has been called. If memory is scarce, some is reserved.
    Chunk(mpsc::Sender<Chunk>, Option<Load>),
    /// Waiting for an event; None if the client is disconnected.
    Waiting(LocalBoxFuture<'static, Option<Event>>),
    /// The handler of a WebSocket has been called.
    Socket,
}

/// An event that a handler waits for.
enum Event {
    /// There is room for the next chunk of the body, which is to be generated.
    Reserved(mpsc::Sender<Chunk>, Load),
    /// There is room for the chunk that is the third kept value.
    Room(mpsc::Sender<Chunk>, Load),
    /// The connection has taken the chunk.
    Sent(mpsc::Sender<Chunk>),
    /// The connection is a WebSocket, for the function with this number.
    Upgraded(Socket, usize),
}

impl Steps for Handle {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        /// Units charged between two calls of Lua.
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
                        .check_memory(task.incoming.body.bytes.len().saturating_add(REQUEST_SIZE));
                    if memory.is_err() && matches!(stage, Stage::Begin) {
                        self.stage = Stage::BeginAgain;
                        return call.collect_garbage(None);
                    }
                    memory?;
                    let request =
                        request::to_table(call, &task.incoming, task.pattern.as_deref())?.value();
                    if call.kept_count() == 0 {
                        call.keep(request);
                    } else {
                        call.set_kept(0, request);
                    }
                    self.stage = Stage::Next(0);
                }
                Stage::Next(index) => {
                    let Some(task) = &self.task else { return self.finish(call) };
                    match task.middleware.get(index) {
                        Some(&function) => {
                            self.stage = Stage::Middleware(index);
                            return call_function(call, function, None);
                        }
                        None => match self.advance(call)? {
                            Some(step) => return Ok(step),
                            None => continue,
                        },
                    }
                }
                Stage::Middleware(index) => match self.handle_middleware_result(call)? {
                    Some(result) => {
                        if let Some(step) = self.respond(call, result)? {
                            return Ok(step);
                        }
                    }
                    None => self.stage = Stage::Next(index.saturating_add(1)),
                },
                Stage::Handler => {
                    let value = call.returned(0);
                    if let Some(step) = self.respond(call, value)? {
                        return Ok(step);
                    }
                }
                Stage::Chunk(sender, reserved) => match chunk(call)? {
                    Some(text) if text.bytes().is_empty() => {
                        self.stage = Stage::Chunk(sender, reserved);
                        return generate_chunk(call);
                    }
                    Some(text) => {
                        let Some(peer) = self.peer.clone() else { return self.finish(call) };
                        let length = text.bytes().len();
                        if let Some(server) = self.server(call) {
                            server.last_chunk = length;
                        }
                        let mut load = reserved.unwrap_or_else(|| peer.nothing());
                        if load.grow_to(length).is_ok() {
                            load.set_existing(length);
                            self.send(sender, text, load);
                        } else {
                            call.set_kept(2, text.value());
                            self.wait(async move {
                                let load = room(&sender, peer, length).await?;
                                Some(Event::Room(sender, load))
                            });
                        }
                    }
                    None => self.wait(async move {
                        let _ = sender.send(Chunk::End).await;
                        None
                    }),
                },
                Stage::Waiting(mut event) => match poll(call, &mut event) {
                    Poll::Pending => {
                        self.stage = Stage::Waiting(event);
                        return call.wait_for_wake();
                    }
                    Poll::Ready(None) => return self.finish(call),
                    Poll::Ready(Some(event)) => {
                        if let Some(step) = self.advance_after(call, event)? {
                            return Ok(step);
                        }
                    }
                },
                Stage::Socket => {
                    let socket = call.kept(1);
                    websocket::close_normally(socket);
                    return self.finish(call);
                }
            }
        }
    }
}

/// Polls a future for the running goroutine.
fn poll<T>(call: &mut Call, future: &mut LocalBoxFuture<'static, T>) -> Poll<T> {
    let waker = call.waker();
    future.as_mut().poll(&mut Context::from_waker(&waker))
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

/// Calls the function that generates a body for its next chunk.
fn generate_chunk(call: &mut Call) -> Result<Step, Error> {
    let function = call.kept(1);
    call.call(function, &[], Wanted::One)
}

/// Returns the next chunk of a body, which its function has returned; None at the end.
fn chunk<'c>(call: &mut Call<'c>) -> Result<Option<LuaString<'c>>, Error> {
    let value = call.returned(0);
    let text = call.coerced_string(value);
    if text.is_none() && !value.is_nil() {
        return Err(Error::text(format!(
            "body chunk: string or nil expected, got {}",
            value.type_name()
        )));
    }
    Ok(text)
}

/// Waits for room for a chunk while the client is connected.
async fn room(sender: &mpsc::Sender<Chunk>, peer: Arc<Peer>, bytes: usize) -> Option<Load> {
    match select(pin!(sender.closed()), pin!(peer.hold_later(bytes))).await {
        Either::Left(_) => None,
        Either::Right((load, _)) => load.ok(),
    }
}

impl Handle {
    /// Waits for an event in the next stage.
    fn wait(&mut self, event: impl Future<Output = Option<Event>> + 'static) {
        self.stage = Stage::Waiting(event.boxed_local());
    }

    /// Continues after an event. None if the next stage follows at once.
    fn advance_after(&mut self, call: &mut Call, event: Event) -> Result<Option<Step>, Error> {
        match event {
            Event::Reserved(sender, load) => {
                self.stage = Stage::Chunk(sender, Some(load));
                generate_chunk(call).map(Some)
            }
            Event::Room(sender, load) => {
                let text = LuaString::from_value(call.kept(2));
                let Some(text) = text else { return self.finish(call).map(Some) };
                self.send(sender, text, load);
                Ok(None)
            }
            Event::Sent(sender) => self.next_chunk(call, sender),
            Event::Upgraded(socket, function) => {
                let socket = websocket::to_lua(call, socket)?;
                call.keep(socket.value());
                self.stage = Stage::Socket;
                call_function(call, function, Some(socket.value())).map(Some)
            }
        }
    }

    /// Requests the next chunk of a body, at once or (None) when there is room for it.
    fn next_chunk(
        &mut self,
        call: &mut Call,
        sender: mpsc::Sender<Chunk>,
    ) -> Result<Option<Step>, Error> {
        let Some(peer) = self.peer.clone() else { return self.finish(call).map(Some) };
        let expected =
            self.server(call).map_or(0, |server| server.last_chunk.min(peer.max_load() / 2));
        if peer.has_room(expected) {
            self.stage = Stage::Chunk(sender, None);
            return generate_chunk(call).map(Some);
        }
        self.wait(async move {
            let load = room(&sender, peer, expected).await?;
            Some(Event::Reserved(sender, load))
        });
        Ok(None)
    }

    fn server<'a>(&self, call: &'a mut Call) -> Option<&'a mut Server> {
        servers(call)?.all.get_mut(self.server)
    }

    /// Sends a chunk of a body when the client can take it.
    fn send(&mut self, sender: mpsc::Sender<Chunk>, text: LuaString, load: Load) {
        let chunk = Chunk::Data(accounted(text.bytes().to_vec(), load));
        self.wait(async move {
            sender.send(chunk).await.ok()?;
            Some(Event::Sent(sender))
        });
    }

    /// Ends the goroutine's work.
    fn finish<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        self.entry.take().into_iter().for_each(InFlightEntry::leave);
        call.finish(())
    }

    /// Takes the next waiting request: it belongs to this goroutine from now on, and its time limit
    /// starts.
    fn take(&mut self, call: &mut Call) {
        self.entry.take().into_iter().for_each(InFlightEntry::leave);
        let id = call.renew_goroutine();
        let standard = call.host::<Host>().and_then(|host| host.handler_timeout);
        let Some(servers) = servers(call) else { return };
        let Some(server) = servers.all.get_mut(self.server) else { return };
        self.task = server.waiting.pop_front();
        if server.waiting.is_empty() && server.waiting.capacity() > QUEUE {
            // There was a burst of requests.
            server.waiting = VecDeque::new();
        }
        if let (Some(task), Some(id)) = (&self.task, id) {
            let limit = server.limits.handler_timeout.or(standard);
            let due = limit.and_then(|limit| Instant::now().checked_add(limit));
            let subject = Subject::new(&server.name, &task.incoming.head);
            self.entry = Some(server.in_flight.enter(id, subject, due));
        }
    }

    /// Handles the result of a middleware function: a response, header fields to add, or nothing.
    fn handle_middleware_result<'c>(
        &mut self,
        call: &mut Call<'c>,
    ) -> Result<Option<Value<'c>>, Error> {
        let value = call.returned(0);
        if value.as_boolean() == Some(false) {
            self.respond_plain(StatusCode::UNAUTHORIZED);
            return Ok(Some(Value::NIL));
        }
        let Some(table) = Table::from_value(value) else { return Ok(None) };
        let body = call.string(b"body")?;
        if !table.get(body).is_nil() {
            return Ok(Some(value));
        }
        // Either the header fields themselves, or a table that contains them like a response.
        let key = call.string(b"headers")?;
        let fields = Table::from_value(table.get(key)).unwrap_or(table);
        let Some(task) = &self.task else { return Ok(None) };
        match headers::from_table(call, fields, &mut self.added, Some(&task.incoming.peer)) {
            Ok(()) => Ok(None),
            Err(Refusal::Invalid(reason)) => Err(self.invalid_response("middleware", &reason)),
            Err(Refusal::NoMemory(_)) => {
                self.added = HeaderMap::new();
                self.respond_plain(StatusCode::SERVICE_UNAVAILABLE);
                Ok(Some(Value::NIL))
            }
        }
    }

    /// Returns the error for an invalid response. No Lua code is running, so the message names the
    /// request.
    fn invalid_response(&mut self, whose: &str, reason: &str) -> Error {
        let entry = self.entry.take();
        let subject = entry
            .as_ref()
            .and_then(InFlightEntry::subject)
            .map_or(String::new(), |subject| format!("{subject}: "));
        entry.into_iter().for_each(InFlightEntry::leave);
        Error::text(format!("{subject}invalid response from {whose}: {reason}"))
    }

    /// Continues after the middleware. None if the next stage follows at once.
    fn advance<'c>(&mut self, call: &mut Call<'c>) -> Result<Option<Step>, Error> {
        let Some(task) = &self.task else { return self.finish(call).map(Some) };
        match task.target {
            Target::Function(function) => {
                self.stage = Stage::Handler;
                call_function(call, function, None).map(Some)
            }
            Target::Nothing(status) => {
                self.respond_plain(status);
                self.finish(call).map(Some)
            }
            Target::Files(ref directory) => {
                let directory = directory.clone();
                if let Some(task) = self.take_task() {
                    let IncomingRequest { head, responder, peer, .. } = task.incoming;
                    directory.serve(head, std::mem::take(&mut self.added), responder, peer);
                }
                self.finish(call).map(Some)
            }
            Target::Socket(function) => {
                let Some(mut task) = self.take_task() else { return self.finish(call).map(Some) };
                let response = match handshake::accept(&task.incoming.head) {
                    Ok(response) => response,
                    Err(status) => {
                        send_response(task.incoming.responder, plain_response(status));
                        return self.finish(call).map(Some);
                    }
                };
                let Some(upgrade) = task.incoming.upgrade.take() else {
                    return self.finish(call).map(Some);
                };
                call.charge_for_system_call();
                let server = self.server(call).map(|server| &*server);
                let limit = server.map_or(0, |server| server.limits.max_message);
                let stopping =
                    server.and_then(|server| Some(server.running.as_ref()?.stopping.clone()));
                let context = ConnectionContext {
                    remote: task.incoming.remote.clone(),
                    max_message: limit,
                    peer: task.incoming.peer.clone(),
                    stopping: stopping.unwrap_or_default(),
                };
                let (mut head, body) = response.into_parts();
                headers::add(&mut head.headers, std::mem::take(&mut self.added));
                send_response(task.incoming.responder, Response::from_parts(head, body));
                self.wait(async move {
                    let socket = websocket::serve(upgrade.await.ok()?, context).await;
                    Some(Event::Upgraded(socket, function))
                });
                Ok(None)
            }
        }
    }

    /// Takes the request for its response: its time limit ends.
    fn take_task(&mut self) -> Option<Task> {
        self.entry.iter().for_each(InFlightEntry::mark_responded);
        self.task.take()
    }

    fn respond_plain(&mut self, status: StatusCode) {
        let added = std::mem::take(&mut self.added);
        if let Some(task) = self.take_task() {
            let mut response = plain_response(status);
            headers::add(response.headers_mut(), added);
            send_response(task.incoming.responder, response);
        }
    }

    /// Responds with a handler's result. None if the next stage follows at once.
    fn respond<'c>(
        &mut self,
        call: &mut Call<'c>,
        value: Value<'c>,
    ) -> Result<Option<Step>, Error> {
        let Some(task) = &self.task else { return self.finish(call).map(Some) };
        let (is_head, peer) =
            (task.incoming.head.method == Method::HEAD, task.incoming.peer.clone());
        let added = std::mem::take(&mut self.added);
        let response = match response::from_lua(call, value, &peer, added, is_head) {
            Ok(response) => response,
            Err(ResponseError::Invalid(reason)) => {
                return Err(self.invalid_response("handler", &reason));
            }
            Err(ResponseError::Raise(error)) => return Err(error),
            Err(ResponseError::NoRoom) => {
                self.respond_plain(StatusCode::SERVICE_UNAVAILABLE);
                self.stage = Stage::Begin;
                return Ok(None);
            }
        };
        let HandlerResponse { head, body } = response;
        match body {
            Source::Full(text) => {
                let body = body_of(&peer, text);
                if let Some(task) = self.take_task() {
                    let response = match body {
                        Some(body) => Response::from_parts(head, body),
                        None => plain_response(StatusCode::SERVICE_UNAVAILABLE),
                    };
                    send_response(task.incoming.responder, response);
                }
                self.stage = Stage::Begin;
                Ok(None)
            }
            Source::Function(function, length) => self.begin_stream(call, head, function, length),
        }
    }

    fn begin_stream<'c>(
        &mut self,
        call: &mut Call<'c>,
        head: Parts,
        function: Value<'c>,
        length: Option<u64>,
    ) -> Result<Option<Step>, Error> {
        let (sender, chunks) = mpsc::channel(1);
        if let Some(task) = self.take_task() {
            self.peer = Some(task.incoming.peer);
            send_response(
                task.incoming.responder,
                Response::from_parts(head, Body::chunks(chunks, length)),
            );
        }
        call.keep(function);
        call.keep(Value::NIL);
        self.next_chunk(call, sender)
    }
}
