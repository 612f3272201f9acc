//! The task that reads and writes a WebSocket, from its opening to the end of the connection.

use super::ConnectionContext;
use super::meter::{Meter, Metered};
use crate::sockets::peers::Load;
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

/// The time without input after which the peer is pinged. After two pings without a reply it is
/// disconnected.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Time limit for the peer to reply to a close, or to read the remaining data.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum size of a fragment to send, and of the library's buffer for the lifetime of the
/// WebSocket.
const FRAME: usize = 16 << 10;
const BUFFER: usize = 32 << 10;

/// Coordinates the reader and the writer for replies to pings.
#[derive(Default)]
struct Pongs {
    made: Notify,
    sent: Notify,
}

/// The next action of the writer.
enum Next {
    Command(Option<Command>),
    Pong,
}

/// The close reason for a message that does not fit into memory.
const NO_ROOM: &str = "not enough memory";

/// A command of the program.
pub(super) enum Command {
    Send(Message, Load),
    Close(u16, String),
}

/// Why a WebSocket ended: the peer's close frame, or the error.
#[derive(Default)]
pub(super) struct Ending(OnceLock<(u16, String)>);

impl Ending {
    fn set(&self, code: u16, reason: &str) {
        // The first reason counts.
        let _ = self.0.set((code, reason.into()));
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.get().is_some()
    }

    /// Returns the code and the reason; 1006 if there was no close frame.
    pub(super) fn get(&self) -> (u16, &str) {
        self.0.get().map_or((1006, ""), |(code, reason)| (*code, reason))
    }
}

/// Reads and writes until either side closes, then completes the closing handshake.
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
            // The peer was disconnected to free memory.
            Either::Right(_) => {
                ending.set(1006, "");
                None
            }
        }
    };
    let Some(frame) = reply else { return };
    // The rest of the closing handshake: our close frame, the peer's, and the end of the
    // connection, which a client leaves to the server. It has a time limit.
    let part = async {
        let _ = sink.send(Message::Close(frame)).await;
        while let Some(Ok(_)) = stream.next().await {}
        let _ = sink.close().await;
    };
    let _ = timeout(CLOSE_TIMEOUT, part).await;
}

/// The close frame that is still to be sent. The outer None: the connection is broken; the inner
/// None: no frame is due.
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
                    // No receiver is left.
                    return frame(1000, "");
                }
            }
            Some(Ok(Message::Close(close))) => {
                match &close {
                    Some(frame) => ending.set(frame.code.into(), &frame.reason),
                    None => ending.set(1005, ""),
                }
                // The library replies.
                return Some(None);
            }
            Some(Ok(Message::Ping(content))) => {
                meter.skip(content.len());
                // The library has created the pong. Until the peer reads it, no input is read: a
                // peer that sends pings and does not read pongs only makes one wait.
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

/// Returns the close frame for an error of the peer.
fn close_reply(error: &Error) -> CloseReply {
    match error {
        Error::Capacity(_) => frame(1009, "the message is too large"),
        Error::Utf8(_) => frame(1007, "text is not valid UTF-8"),
        Error::Io(error) if error.kind() == ErrorKind::OutOfMemory => frame(1009, NO_ROOM),
        Error::Protocol(reason) => frame(1002, &reason.to_string()),
        _ => None,
    }
}

/// Splits a large message into fragments, since the library keeps a buffer that has grown.
fn frames(message: Message) -> impl Iterator<Item = Message> {
    let is_whole = message.len() <= FRAME;
    let opcode = if message.is_text() { Data::Text } else { Data::Binary };
    let (small, mut rest) =
        if is_whole { (Some(message), Bytes::new()) } else { (None, message.into_data()) };
    let mut opcode = Some(opcode);
    let fragments = std::iter::from_fn(move || {
        let piece = rest.split_to(rest.len().min(FRAME));
        let opcode = OpCode::Data(opcode.take().unwrap_or(Data::Continue));
        (!piece.is_empty()).then(|| Message::Frame(Frame::message(piece, opcode, rest.is_empty())))
    });
    small.into_iter().chain(fragments)
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
            // The reader knows the reason if the peer caused it.
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
        // All available messages are sent at once.
        let mut unsent = Vec::new();
        loop {
            match command {
                Command::Close(code, reason) => {
                    // Buffered messages are sent first.
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
