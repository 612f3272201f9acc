//! WebSockets, of servers and of clients: objects with `send`, `receive` and `close`.
//!
//! A task of its own reads and writes each one ([`pump`]): pings are answered and the end is
//! noticed whatever the program does. Few messages wait on either side; beyond that, the sender
//! waits.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub(crate) mod client;
mod pump;

use crate::net::budget::{Budget, Share};
use crate::net::{CLOSED, EndOfStream, failed, sent, within};
use crate::object::{self, This};
use crate::runtime::executor::Exemption;
use crate::runtime::timer::seconds;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use pump::{Command, Ending};
use solvm_vm::native::{Either, FromLua, Library, Results, asynchronous};
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

/// Messages that wait to be received.
const INCOMING: usize = 4;
/// Messages that wait to be sent.
const OUTGOING: usize = 16;
/// The code of an end as planned.
const NORMAL: u16 = 1000;

/// What a WebSocket depends on.
pub(crate) struct Surroundings {
    /// The other end's address and port.
    pub(crate) remote: Arc<str>,
    /// The size of the largest message.
    pub(crate) max_message: usize,
    pub(crate) budget: Budget,
    /// The server stops.
    pub(crate) stopping: CancellationToken,
}

/// A WebSocket that is open, on its way to Lua.
pub(crate) struct Socket {
    remote: Arc<str>,
    commands: mpsc::Sender<Command>,
    messages: mpsc::Receiver<(Message, Share)>,
    ending: Arc<Ending>,
}

fn config(max_message: usize) -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(max_message)).max_frame_size(Some(max_message))
}

/// A server's end of a connection that has become a WebSocket.
pub(crate) async fn serve(upgraded: Upgraded, surroundings: Surroundings) -> Socket {
    let config = config(surroundings.max_message);
    let stream =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    open(stream, surroundings)
}

fn open<S>(stream: WebSocketStream<S>, surroundings: Surroundings) -> Socket
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (commands, to_do) = mpsc::channel(OUTGOING);
    let (incoming, messages) = mpsc::channel(INCOMING);
    let ending = Arc::new(Ending::default());
    let remote = surroundings.remote.clone();
    tokio::spawn(pump::run(stream, to_do, incoming, ending.clone(), surroundings));
    Socket { remote, commands, messages, ending }
}

/// A WebSocket, as the data of a userdata.
struct Handle(Rc<Shared>);

/// What the goroutines that use a WebSocket share.
struct Shared {
    /// None when it has been closed from this end.
    commands: RefCell<Option<mpsc::Sender<Command>>>,
    messages: Mutex<mpsc::Receiver<(Message, Share)>>,
    ending: Arc<Ending>,
    /// Ends every wait when it is closed from this end.
    closing: CancellationToken,
    end: EndOfStream,
    /// What a client's socket lets stand still.
    exemption: RefCell<Option<Exemption>>,
}

impl Data for Handle {
    fn external_size(&self) -> usize {
        1 << 14
    }
}

/// The object of a server's WebSocket.
pub(crate) fn to_lua<'c>(call: &mut Call<'c>, socket: Socket) -> Result<Userdata<'c>, Error> {
    new(call, socket, None)
}

fn new<'c>(
    call: &mut Call<'c>,
    socket: Socket,
    exemption: Option<Exemption>,
) -> Result<Userdata<'c>, Error> {
    let remote = call.string(socket.remote.as_bytes())?.value();
    let shared = Shared {
        commands: RefCell::new(Some(socket.commands)),
        messages: Mutex::new(socket.messages),
        ending: socket.ending,
        closing: CancellationToken::new(),
        end: EndOfStream::default(),
        exemption: RefCell::new(exemption),
    };
    object::new(call, Handle(Rc::new(shared)), &METHODS, &[("remote_addr", remote)], &[])
}

fn to_string(_: &mut Call, this: This<Handle>) -> String {
    format!("websocket: {:#x}", this.object.value().address())
}

/// What a message is.
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

/// `ws:send(message[, kind])`: true when it is on its way; false and the reason if the other end is
/// gone.
fn send<'c>(
    call: &mut Call<'c>,
    this: This<'c, Handle>,
    message: LuaString<'c>,
    kind: Option<Kind>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    let bytes = message.bytes();
    call.check_memory(bytes.len())?;
    let message = match (kind, std::str::from_utf8(bytes)) {
        (None | Some(Kind::Text), Ok(text)) => Message::Text(Utf8Bytes::from(text)),
        (Some(Kind::Text), Err(_)) => return Err(Error::argument(1, "text that is not UTF-8")),
        (None, Err(_)) | (Some(Kind::Binary), _) => Message::Binary(bytes.to_vec().into()),
    };
    let sender = this.0.commands.borrow().clone();
    let Some(sender) = sender.filter(|_| !this.0.ending.is_known()) else {
        return Ok(Either::Now(sent(call, Err(CLOSED.into()))?));
    };
    let message = match sender.try_send(Command::Send(message)) {
        Ok(()) => return Ok(Either::Now(vec![Value::boolean(true)])),
        Err(mpsc::error::TrySendError::Closed(_)) => {
            return Ok(Either::Now(sent(call, Err(CLOSED.into()))?));
        }
        Err(mpsc::error::TrySendError::Full(message)) => message,
    };
    let shared = this.0.clone();
    Ok(Either::Later(asynchronous::run(move |lua| async move {
        let result = shared.closing.run_until_cancelled(sender.send(message)).await;
        let result = if let Some(Ok(())) = result { Ok(()) } else { Err(CLOSED.into()) };
        lua.finish_with(|call| sent(call, result))
    })))
}

/// `ws:receive([seconds])`: the next message, and whether it is "text" or "binary".
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
            Some(None) => shared.end.tell(call, CLOSED),
            Some(Some(Some((message, _share)))) => {
                let kind = if message.is_text() { "text" } else { "binary" };
                Ok(vec![
                    call.string(&message.into_data())?.value(),
                    call.string(kind.as_bytes())?.value(),
                ])
            }
            Some(Some(None)) => {
                shared.exemption.take();
                let mut results = shared.end.tell(call, CLOSED)?;
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

/// `ws:close([code[, reason]])`: tells the other end; whoever waits for it learns that it is
/// closed.
fn close(
    _: &mut Call,
    this: This<Handle>,
    code: Option<f64>,
    reason: Option<LuaString>,
) -> Result<(), Error> {
    let number = code.unwrap_or(f64::from(NORMAL));
    // RFC 6455, section 7.4: those below have meanings of their own, or none.
    if !matches!(number as u16, 1000..=1003 | 1007..=1014 | 3000..=4999)
        || f64::from(number as u16) != number
    {
        return Err(Error::argument(
            1,
            "code of a close: 1000, 1001, 1002, 1003, 1007 to 1014 or 3000 to 4999 expected",
        ));
    }
    let reason = String::from_utf8_lossy(reason.map_or(b"", LuaString::bytes)).into_owned();
    if reason.len() > 123 {
        return Err(Error::argument(2, "reason of at most 123 bytes expected"));
    }
    this.0.close(number as u16, reason);
    Ok(())
}

impl Shared {
    fn close(&self, code: u16, reason: String) {
        self.closing.cancel();
        self.exemption.take();
        if let Some(commands) = self.commands.take() {
            // If there is no room, the task finds that nobody holds the other end any more, and
            // closes it normally.
            let _ = commands.try_send(Command::Close(code, reason));
        }
    }
}

/// A handler has returned: the WebSocket that it was given is closed, if it is still open.
pub(crate) fn close_normally(object: Value) {
    if let Some(handle) = Userdata::from_value(object).and_then(|object| object.get::<Handle>()) {
        handle.0.close(NORMAL, String::new());
    }
}
