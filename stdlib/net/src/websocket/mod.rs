//! WebSockets of servers and clients: objects with `send`, `receive` and `close`.
//!
//! A separate task reads and writes each one ([`pump`]), so that pings are answered and the end is
//! noticed whatever the program does. The queues are short; when they are full, the sender waits.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod client;
mod meter;
mod pump;

use crate::sockets::peers::{Load, Peer};
use crate::sockets::{CLOSED, EndOfStream, failed, sent, within};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use meter::{Meter, Metered};
use pump::{Command, Ending};
use solvm_runtime::deadline::TimeoutPause;
use solvm_runtime::name::Name;
use solvm_runtime::object::{self, This};
use solvm_runtime::timer::seconds;
use solvm_vm::native::asynchronous::{self, Slot};
use solvm_vm::native::{Either, FromLua, Library, Results};
use solvm_vm::{Call, Data, Error, LuaString, Userdata, Value};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

static METHODS: Library = solvm_vm::library!("" {
    "__tostring" => to_string,
    "close" => close,
    "receive" => receive,
    "send" => send,
});

/// Size of the queue of received messages.
const INCOMING: usize = 4;
/// Size of the queue of messages to send.
const OUTGOING: usize = 16;
/// The status code of a normal closure.
const NORMAL: u16 = 1000;

/// The context of a WebSocket: its connection and limits.
pub(crate) struct ConnectionContext {
    /// The peer's address and port.
    pub(crate) remote: Arc<str>,
    /// Maximum size of a message.
    pub(crate) max_message: usize,
    /// Accounts for unread and unsent messages.
    pub(crate) peer: Arc<Peer>,
    /// Cancelled when the server stops.
    pub(crate) stopping: CancellationToken,
}

/// An open WebSocket before it becomes a Lua object.
pub(crate) struct Socket {
    remote: Arc<str>,
    commands: mpsc::Sender<Command>,
    messages: mpsc::Receiver<(Message, Load)>,
    ending: Arc<Ending>,
    peer: Arc<Peer>,
}

/// Size of the read buffer.
const READ_BUFFER: usize = 16 << 10;

/// Size of the write buffer.
const WRITE_BUFFER: usize = 16 << 10;

/// Creates the configuration. A frame's header announces its length, for which the library reserves
/// memory at once, so the maximum load of a peer is also the maximum size of a message.
fn config(context: &ConnectionContext) -> WebSocketConfig {
    let max_message = context.max_message.min(context.peer.max_load());
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

/// Opens the server's side of a WebSocket.
pub(crate) async fn serve(upgraded: Upgraded, context: ConnectionContext) -> Socket {
    let config = config(&context);
    let meter = Meter::new(&context.peer);
    let stream = Metered::new(TokioIo::new(upgraded), meter.clone());
    let stream = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    open(stream, meter, context)
}

fn open<S>(stream: WebSocketStream<Metered<S>>, meter: Meter, context: ConnectionContext) -> Socket
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (commands, to_do) = mpsc::channel(OUTGOING);
    let (incoming, messages) = mpsc::channel(INCOMING);
    let ending = Arc::new(Ending::default());
    let (remote, peer) = (context.remote.clone(), context.peer.clone());
    tokio::spawn(pump::run(stream, meter, to_do, incoming, ending.clone(), context));
    Socket { remote, commands, messages, ending, peer }
}

/// A WebSocket, the data of a userdata.
struct Handle(Rc<Shared>);

/// The state that the goroutines of a WebSocket share.
struct Shared {
    /// None after it was closed locally.
    commands: RefCell<Option<mpsc::Sender<Command>>>,
    messages: Mutex<mpsc::Receiver<(Message, Load)>>,
    ending: Arc<Ending>,
    /// Accounts for messages to send.
    peer: Arc<Peer>,
    /// Cancelled to end all waits when it is closed locally.
    closing: CancellationToken,
    end: EndOfStream,
    /// Pauses the timeout while a client's socket is open.
    pause: RefCell<Option<TimeoutPause>>,
}

impl Data for Handle {
    fn external_size(&self) -> usize {
        1 << 14
    }
}

/// Creates the object of a server's WebSocket.
pub(crate) fn to_lua<'c>(call: &mut Call<'c>, socket: Socket) -> Result<Userdata<'c>, Error> {
    new(call, socket, None)
}

fn new<'c>(
    call: &mut Call<'c>,
    socket: Socket,
    pause: Option<TimeoutPause>,
) -> Result<Userdata<'c>, Error> {
    let remote = call.string(socket.remote.as_bytes())?.value();
    let shared = Shared {
        commands: RefCell::new(Some(socket.commands)),
        messages: Mutex::new(socket.messages),
        ending: socket.ending,
        peer: socket.peer,
        closing: CancellationToken::new(),
        end: EndOfStream::default(),
        pause: RefCell::new(pause),
    };
    object::new(call, Handle(Rc::new(shared)), &METHODS, &[("remote_addr", remote)], &[])
}

fn to_string(_: &mut Call, this: This<Handle>) -> String {
    format!("websocket: {:#x}", this.object.value().address())
}

/// The type of a message.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Binary,
}

impl FromLua for Kind {
    type Item<'c> = Kind;
    const EXPECTED: &'static str = "'text' or 'binary'";

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<Kind> {
        match LuaString::from_value(value)?.bytes() {
            b"text" => Some(Kind::Text),
            b"binary" => Some(Kind::Binary),
            _ => None,
        }
    }
}

/// `ws:send(message[, kind])`: returns true when the message is queued; false and the reason if the
/// connection is closed.
fn send<'c>(
    call: &mut Call<'c>,
    this: This<'c, Handle>,
    message: LuaString<'c>,
    kind: Option<Kind>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    let bytes = message.bytes();
    let is_text = match (kind, std::str::from_utf8(bytes)) {
        (None | Some(Kind::Text), Ok(_)) => true,
        (Some(Kind::Text), Err(_)) => return Err(Error::argument(1, "text is not valid UTF-8")),
        (None, Err(_)) | (Some(Kind::Binary), _) => false,
    };
    let sender = this.0.commands.borrow().clone();
    let Some(sender) = sender.filter(|_| !this.0.ending.is_known()) else {
        return Ok(Either::Now(sent(call, Err(CLOSED.into()))?));
    };
    if let Ok(place) = sender.try_reserve()
        && let Ok(load) = this.0.peer.hold(bytes.len())
    {
        place.send(Command::Send(to_message(bytes, is_text), load));
        return Ok(Either::Now(vec![Value::boolean(true)]));
    }
    if sender.is_closed() {
        return Ok(Either::Now(sent(call, Err(CLOSED.into()))?));
    }
    let (shared, length) = (this.0.clone(), bytes.len());
    // The argument may have been a number.
    let index = this.first(call);
    call.set_argument(index, message.value());
    let slot = Slot::argument(index);
    Ok(Either::Later(asynchronous::run(move |lua| async move {
        let closing = shared.closing.clone();
        // The message is copied when there is room for it.
        let sending = async {
            let place = sender.reserve().await.ok()?;
            Some((place, shared.peer.clone().hold_later(length).await))
        };
        let result = match closing.run_until_cancelled(sending).await {
            Some(Some((place, load))) => {
                let load = load?;
                let message = lua.get(slot, |_, value| {
                    let text = LuaString::from_value(value).map_or(&b""[..], LuaString::bytes);
                    to_message(text, is_text)
                });
                place.send(Command::Send(message, load));
                Ok(())
            }
            _ => Err(CLOSED.into()),
        };
        lua.finish_with(|call| sent(call, result))
    })))
}

fn to_message(bytes: &[u8], is_text: bool) -> Message {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text => Message::Text(Utf8Bytes::from(text)),
        _ => Message::Binary(bytes.to_vec().into()),
    }
}

/// `ws:receive([seconds])`: returns the next message, and whether it is "text" or "binary".
fn receive<'c>(
    _: &mut Call<'c>,
    this: This<'c, Handle>,
    limit: Option<f64>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let limit = limit.map(|limit| seconds(1, limit)).transpose()?;
    let shared = this.0.clone();
    Ok(asynchronous::run(move |lua| async move {
        let receiving = async { shared.messages.lock().await.recv().await };
        let received = within(limit, shared.closing.run_until_cancelled(receiving)).await;
        lua.finish_with(|call| match received {
            None => failed(call, "timeout"),
            Some(None) => shared.end.results(call, CLOSED),
            Some(Some(Some((message, _load)))) => {
                let kind = if message.is_text() { "text" } else { "binary" };
                Ok(vec![
                    call.string(&message.into_data())?.value(),
                    call.string(kind.as_bytes())?.value(),
                ])
            }
            Some(Some(None)) => {
                shared.pause.take();
                let mut results = shared.end.results(call, CLOSED)?;
                let (code, reason) = shared.ending.get();
                results.extend([
                    Value::number(f64::from(code)),
                    call.string(reason.as_bytes())?.value(),
                ]);
                Ok(results)
            }
        })
    }))
}

/// `ws:close([code[, reason]])`: closes the connection; waits of other goroutines end.
fn close(
    _: &mut Call,
    this: This<Handle>,
    code: Option<f64>,
    reason: Option<Name>,
) -> Result<(), Error> {
    let number = code.unwrap_or(f64::from(NORMAL));
    // RFC 6455, section 7.4: the codes below are reserved or undefined.
    if !matches!(number as u16, 1000..=1003 | 1007..=1014 | 3000..=4999)
        || f64::from(number as u16) != number
    {
        return Err(Error::argument(
            1,
            "invalid close code (expected 1000-1003, 1007-1014 or 3000-4999)",
        ));
    }
    let reason = String::from_utf8_lossy(reason.map_or(b"", Name::bytes)).into_owned();
    if reason.len() > 123 {
        return Err(Error::argument(2, "close reason is longer than 123 bytes"));
    }
    this.0.close(number as u16, reason);
    Ok(())
}

impl Shared {
    fn close(&self, code: u16, reason: String) {
        self.closing.cancel();
        self.pause.take();
        if let Some(commands) = self.commands.take() {
            // If the queue is full, the task notices that its sender was dropped, and closes the
            // connection normally.
            let _ = commands.try_send(Command::Close(code, reason));
        }
    }
}

/// Closes a server's WebSocket after its handler has returned, if it is still open.
pub(crate) fn close_normally(object: Value) {
    if let Some(handle) = Userdata::from_value(object).and_then(|object| object.get::<Handle>()) {
        handle.0.close(NORMAL, String::new());
    }
}
