//! The task that reads and writes a WebSocket, from its opening to the end of its connection.

use super::ConnectionContext;
use super::meter::{Meter, Metered};
use crate::net::peers::Load;
use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

/// How long the other end may say nothing until it is asked whether it is there. Asked twice in
/// vain, it is not.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long the other end may take to agree to a close, or to take what is still to be sent.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest fragment of a message that is sent, and what the library's buffer takes then, for as
/// long as the WebSocket lives.
const FRAME: usize = 16 << 10;
const BUFFER: usize = 32 << 10;

/// How the reader lets the writer send what answers pings.
#[derive(Default)]
struct Pongs {
    made: Notify,
    sent: Notify,
}

/// What the writer does next.
enum Next {
    Command(Option<Command>),
    Pong,
}

/// The reason of a close when a message does not fit into memory.
const NO_ROOM: &str = "not enough memory";

/// What the program wants to be done.
pub(super) enum Command {
    Send(Message, Load),
    Close(u16, String),
}

/// Why a WebSocket ended: what the other end said, or what was wrong with it.
#[derive(Default)]
pub(super) struct Ending(OnceLock<(u16, String)>);

impl Ending {
    fn set(&self, code: u16, reason: &str) {
        // The first reason is the true one.
        let _ = self.0.set((code, reason.into()));
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.get().is_some()
    }

    /// The code and the reason; 1006 if nothing was said.
    pub(super) fn get(&self) -> (u16, &str) {
        self.0.get().map_or((1006, ""), |(code, reason)| (*code, reason))
    }
}

/// Reads and writes until either side closes, then parts as the protocol wants it.
pub(super) async fn run<S>(
    stream: WebSocketStream<Metered<S>>,
    meter: Meter,
    commands: mpsc::Receiver<Command>,
    messages: mpsc::Sender<(Message, Load)>,
    ending: std::sync::Arc<Ending>,
    context: ConnectionContext,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sink, mut stream) = stream.split();
    let (heard, pongs) = (AtomicBool::new(true), Pongs::default());
    let reply = {
        let reading = pin!(read(&mut stream, messages, &meter, &ending, &heard, &pongs));
        let (peer, stopping) = (&context.peer, &context.stopping);
        let buffer = peer.nothing();
        let writing = pin!(write(&mut sink, commands, stopping, &heard, &pongs, buffer));
        let cut = pin!(peer.cut());
        match select(select(reading, writing), cut).await {
            Either::Left((Either::Left((reply, _)) | Either::Right((reply, _)), _)) => reply,
            // Others need its memory.
            Either::Right(_) => {
                ending.set(1006, "");
                None
            }
        }
    };
    let Some(frame) = reply else { return };
    // What is left of the conversation: our close, the other end's, and the end of the connection,
    // which a client leaves to the server. Whoever does not take part is left alone.
    let part = async {
        let _ = sink.send(Message::Close(frame)).await;
        while let Some(Ok(_)) = stream.next().await {}
        let _ = sink.close().await;
    };
    let _ = timeout(CLOSE_TIMEOUT, part).await;
}

/// What is still to be said: None if the connection is broken; otherwise the frame of a close, if
/// one is due.
type CloseReply = Option<Option<CloseFrame>>;

fn frame(code: u16, reason: &str) -> CloseReply {
    Some(Some(CloseFrame { code: CloseCode::from(code), reason: reason.into() }))
}

async fn read<S>(
    stream: &mut SplitStream<WebSocketStream<S>>,
    messages: mpsc::Sender<(Message, Load)>,
    meter: &Meter,
    ending: &Ending,
    heard: &AtomicBool,
    pongs: &Pongs,
) -> CloseReply
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let next = stream.next().await;
        heard.store(true, Relaxed);
        match next {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                let load = meter.finish(message.len());
                if messages.send((message, load)).await.is_err() {
                    // Nobody is left to receive.
                    return frame(1000, "");
                }
            }
            Some(Ok(Message::Close(close))) => {
                match &close {
                    Some(frame) => ending.set(frame.code.into(), &frame.reason),
                    None => ending.set(1005, ""),
                }
                // The library answers it.
                return Some(None);
            }
            Some(Ok(Message::Ping(content))) => {
                meter.skip(content.len());
                // The library has made the pong. Until the peer takes it, nothing more is read:
                // one that sends pings and takes no pong makes only one wait.
                pongs.made.notify_one();
                pongs.sent.notified().await;
            }
            Some(Ok(other)) => meter.skip(other.len()),
            Some(Err(error)) => {
                let reply = close_reply(&error);
                if let Some(Some(frame)) = &reply {
                    ending.set(frame.code.into(), &frame.reason);
                } else {
                    ending.set(1006, "");
                }
                return reply;
            }
            None => {
                ending.set(1006, "");
                return None;
            }
        }
    }
}

/// What the other end is told about its mistake.
fn close_reply(error: &Error) -> CloseReply {
    match error {
        Error::Capacity(_) => frame(1009, "the message is too large"),
        Error::Utf8(_) => frame(1007, "text is not valid UTF-8"),
        Error::Io(error) if error.kind() == ErrorKind::OutOfMemory => frame(1009, NO_ROOM),
        Error::Protocol(reason) => frame(1002, &reason.to_string()),
        _ => None,
    }
}

/// A message as it is sent: a large one in fragments, since the library keeps a buffer that has
/// grown.
fn frames(message: Message) -> impl Iterator<Item = Message> {
    let is_whole = message.len() <= FRAME;
    let opcode = if message.is_text() { Data::Text } else { Data::Binary };
    let (whole, mut rest) =
        if is_whole { (Some(message), Bytes::new()) } else { (None, message.into_data()) };
    let mut opcode = Some(opcode);
    let fragments = std::iter::from_fn(move || {
        let piece = rest.split_to(rest.len().min(FRAME));
        let opcode = OpCode::Data(opcode.take().unwrap_or(Data::Continue));
        (!piece.is_empty()).then(|| Message::Frame(Frame::message(piece, opcode, rest.is_empty())))
    });
    whole.into_iter().chain(fragments)
}

async fn write<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    mut commands: mpsc::Receiver<Command>,
    stopping: &CancellationToken,
    heard: &AtomicBool,
    pongs: &Pongs,
    mut buffer: Load,
) -> CloseReply
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut silences = 0;
    loop {
        let next = async {
            let (command, pong) = (pin!(commands.recv()), pin!(pongs.made.notified()));
            match select(command, pong).await {
                Either::Left((command, _)) => Next::Command(command),
                Either::Right(_) => Next::Pong,
            }
        };
        let next = match timeout(PING_INTERVAL, stopping.run_until_cancelled(next)).await {
            Ok(Some(Next::Pong)) => {
                if sink.flush().await.is_err() {
                    return std::future::pending().await;
                }
                pongs.sent.notify_one();
                continue;
            }
            Ok(Some(Next::Command(command))) => Ok(Some(command)),
            Ok(None) => Ok(None),
            Err(silence) => Err(silence),
        };
        let mut command = match next {
            // The reader sees why, if it is the other end's doing.
            Err(_) => {
                silences =
                    if heard.swap(false, Relaxed) { 0 } else { u32::saturating_add(silences, 1) };
                if silences > 2 || sink.send(Message::Ping(Default::default())).await.is_err() {
                    return None;
                }
                continue;
            }
            Ok(None) => return frame(1001, "server is shutting down"),
            Ok(Some(None)) => return frame(1000, ""),
            Ok(Some(Some(command))) => command,
        };
        // Everything that is there goes out at once.
        let mut unsent = Vec::new();
        loop {
            match command {
                Command::Close(code, reason) => {
                    // What was fed before goes first.
                    return frame(code, &reason);
                }
                Command::Send(message, load) => {
                    unsent.push(load);
                    if message.len() > FRAME {
                        buffer.set_existing(BUFFER);
                    }
                    for frame in frames(message) {
                        if sink.feed(frame).await.is_err() {
                            return std::future::pending().await;
                        }
                    }
                }
            }
            match commands.try_recv() {
                Ok(next) => command = next,
                Err(_) => break,
            }
        }
        if sink.flush().await.is_err() {
            return std::future::pending().await;
        }
    }
}
