//! TCP connections, and listeners, which are channels of incoming connections.
//!
//! A listener's goroutine accepts connections and sends them to the channel, whose buffer is small;
//! further ones wait in the OS's queue. The socket of a connection has no lock: one goroutine reads
//! at a time, and one writes; others wait for them.

use super::peers::{Load, Peer};
use super::read_mode::ReadMode;
use super::{
    CLOSED, CONNECT_TIMEOUT, EndOfStream, allow_listening, failed, network, peers, port, sent,
    within,
};
use bytes::BytesMut;
use futures_util::future::{Either as EitherFuture, select};
use solvm_runtime::Host;
use solvm_runtime::channel::named as channel;
use solvm_runtime::deadline::TimeoutPause;
use solvm_runtime::host::Network;
pub use solvm_runtime::host::network::{Purpose, addresses, allow_many_connections, look_up};
use solvm_runtime::name::Name;
use solvm_runtime::object::{self, This};
use solvm_runtime::options::Options;
use solvm_runtime::system_error::reason;
use solvm_runtime::timer::seconds;
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{Definition, Either, Library, Results, Start, Step, Steps};
use solvm_vm::scheduler::Parked;
use solvm_vm::scheduler::channel::{Channel, ChannelHandle};
use solvm_vm::scheduler::select::{Offer, SelectResult, Selected};
use solvm_vm::{Call, Data, Error, GoroutineId, LuaString, Table, Userdata, Value};
use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "tcp_connect" => tcp_connect,
    "tcp_listen" => tcp_listen,
});

static LISTENER: Library = solvm_vm::library!("" {
    "__tostring" => listener_to_string,
    "accept" => accept,
    "close" => close_listener,
});

static CONNECTION: Library = solvm_vm::library!("" {
    "__tostring" => connection_to_string,
    "close" => close,
    "close_write" => close_write,
    "read" => read,
    "write" => write,
});

/// The body of a listener's goroutine: its arguments are the listener and their shared state.
static ACCEPT: Definition = Definition::new("tcp_listen", accept_all);

/// The number of accepted connections that a listener buffers.
const ACCEPTED: usize = 16;
/// The size of the OS's queue.
const BACKLOG: u32 = 1024;
/// How long a listener pauses when the process has no file descriptors left.
const REST: Duration = Duration::from_millis(50);
/// The chunk size for reading.
const CHUNK: usize = 1 << 16;
/// Approximate memory of an open socket outside the heap.
const SOCKET_SIZE: usize = 4096;

/// Creates a listening socket for an interface, or for all of them (`host` is empty).
pub(crate) async fn listen(
    network: &dyn Network,
    host: &str,
    port: u16,
) -> Result<TcpListener, String> {
    allow_listening(network, host, port).map_err(|reason| format!("port {port}: {reason}"))?;
    allow_many_connections();
    let at = |address: SocketAddr| {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Otherwise the port stays in use for a while after a server has ended.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    let all = || match at((Ipv6Addr::UNSPECIFIED, port).into()) {
        // Without IPv6, or if it is separate, IPv4 is used.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            at((Ipv4Addr::UNSPECIFIED, port).into())
        }
        result => result,
    };
    let addresses = if host.is_empty() { Vec::new() } else { look_up(host, port).await? };
    let mut tries = 0;
    loop {
        match addresses.first().map_or_else(all, |&address| at(address)) {
            // A process that releases the port may need a moment.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < 2 => {
                yield_now().await
            }
            result => return result.map_err(|error| format!("port {port}: {}", reason(&error))),
        }
        tries = u32::saturating_add(tries, 1);
    }
}

/// Converts an address for programs: mapped IPv4 addresses to IPv4.
pub(crate) fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// `tcp_listen(port[, options])`: returns a listener.
fn tcp_listen<'c>(
    call: &mut Call<'c>,
    number: f64,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let port = port(1, number)?;
    let options = Options::new(options, 2, &["host"])?;
    let host = options.text(call, "host")?.unwrap_or_default();
    let host = String::from_utf8_lossy(host).into_owned();
    let network = network(call)?;
    Ok(asynchronous::run(move |lua| async move {
        let socket = listen(&*network, &host, port).await;
        lua.finish_with(|call| match socket {
            Ok(socket) => Ok(vec![start_listener(call, socket)?.value()]),
            Err(reason) => failed(call, &reason),
        })
    }))
}

/// The state that a listener and its goroutine share.
struct Acceptor {
    /// None before the goroutine is started, and after the listener is closed.
    goroutine: Cell<Option<GoroutineId>>,
    /// The socket, until the goroutine takes it.
    socket: RefCell<Option<TcpListener>>,
}

impl Data for Acceptor {
    fn external_size(&self) -> usize {
        SOCKET_SIZE
    }
}

fn start_listener<'c>(call: &mut Call<'c>, socket: TcpListener) -> Result<Userdata<'c>, Error> {
    let port = socket.local_addr().map_or(0, |address| address.port());
    let acceptor = Acceptor { goroutine: Cell::new(None), socket: RefCell::new(Some(socket)) };
    let acceptor = call.userdata(acceptor, None);
    let fields = [("port", Value::number(f64::from(port)))];
    let listener =
        object::new(call, Channel::new(ACCEPTED), &LISTENER, &fields, &[acceptor.value()])?;
    let accept = call.function(&ACCEPT, &[]);
    let goroutine = call.spawn(accept, &[listener.value(), acceptor.value()])?;
    if let Some(acceptor) = acceptor.get::<Acceptor>() {
        acceptor.goroutine.set(Some(goroutine));
    }
    Ok(listener)
}

/// Accepts connections while the listener is open.
fn accept_all<'c>(
    call: &mut Call<'c>,
    _listener: Userdata<'c>,
    acceptor: Userdata<'c>,
) -> Result<Start<Accept>, Error> {
    let socket = acceptor.get::<Acceptor>().and_then(|acceptor| acceptor.socket.take());
    let socket = socket.ok_or_else(|| Error::text("a listener's socket is missing"))?;
    let pause = call.host::<Host>().map(|host| host.deadline.pause_timeout());
    Ok(Start::new(Accept { socket, sends: false, _pause: pause }))
}

/// A listener's goroutine.
struct Accept {
    socket: TcpListener,
    /// Whether it waits for room in the channel.
    sends: bool,
    _pause: Option<TimeoutPause>,
}

impl Steps for Accept {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        call.charge_for_system_call();
        if std::mem::take(&mut self.sends) && !matches!(call.selected(), SelectResult::Done(..)) {
            return call.finish(());
        }
        let waker = call.waker();
        loop {
            let (stream, peer) = match self.socket.poll_accept(&mut Context::from_waker(&waker)) {
                Poll::Pending => return call.wait_for_wake(),
                Poll::Ready(Ok(accepted)) => accepted,
                Poll::Ready(Err(error)) if is_passing(&error) => continue,
                // The process has no file descriptors left; this may change.
                Poll::Ready(Err(_)) => {
                    let due = call.now().checked_add(REST).unwrap_or_else(|| call.now());
                    return call.sleep_until(due);
                }
            };
            let Some(listener) = call.argument(0).and_then(ChannelHandle::from_value) else {
                return call.finish(());
            };
            let connection = new_connection(call, stream, peer)?.value();
            let offers = [Offer::Send(listener, connection)];
            match call.select(&offers)? {
                Selected::Done(..) => {}
                Selected::Closed(_) => return call.finish(()),
                Selected::None => {
                    self.sends = true;
                    // With a limit it counts as a wait for an external event, not as a part of a
                    // deadlock.
                    return call.wait_for_offers(&offers, Some(Duration::MAX));
                }
            }
        }
    }
}

/// Whether an error concerns only the connection that was being accepted.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn listener_to_string(_: &mut Call, this: This<Channel>) -> String {
    format!("tcp listener: {:#x}", this.object.value().address())
}

/// `listener:accept([seconds])`: returns the next connection, like `receive(listener[, seconds])`.
fn accept<'c>(
    call: &mut Call<'c>,
    this: This<'c, Channel>,
    limit: Option<f64>,
) -> Result<Either<channel::Received<'c>, Parked>, Error> {
    channel::receive(call, this.object.value(), limit)
}

/// `listener:close()`: frees the port and ends all waits for connections.
fn close_listener<'c>(call: &mut Call<'c>, this: This<'c, Channel>) -> Result<(), Error> {
    let acceptor = call
        .upvalue(1)
        .and_then(Userdata::from_value)
        .and_then(|acceptor| acceptor.get::<Acceptor>());
    // If its goroutine has not started, the socket is still here.
    acceptor.and_then(|acceptor| acceptor.socket.take());
    if let Some(goroutine) = acceptor.and_then(|acceptor| acceptor.goroutine.take()) {
        call.end_goroutine(goroutine);
        if let Some(channel) = ChannelHandle::from_value(this.object.value()) {
            channel::close(call, channel)?;
        }
    }
    Ok(())
}

/// A connection, the data of a userdata.
struct Connection(Rc<Shared>);

/// The state that the goroutines of a connection share.
struct Shared {
    /// None after it was closed locally.
    stream: RefCell<Option<Rc<TcpStream>>>,
    /// Cancelled to end all waits when the connection is closed locally.
    closing: CancellationToken,
    /// Received data that was not read yet; locked by the reading goroutine.
    received: Mutex<Received>,
    peer: Arc<Peer>,
    /// Whether the peer has ended its stream: no read finds more.
    is_at_end: Cell<bool>,
    /// Locked by the writing goroutine.
    writing: Mutex<()>,
    end: EndOfStream,
}

/// Received data, a load of the peer.
struct Received {
    bytes: BytesMut,
    load: Load,
}

impl Data for Connection {
    fn external_size(&self) -> usize {
        SOCKET_SIZE
    }
}

fn new_connection<'c>(
    call: &mut Call<'c>,
    stream: TcpStream,
    peer: SocketAddr,
) -> Result<Userdata<'c>, Error> {
    // A socket that does not support this is closed, and its first use fails.
    let _ = stream.set_nodelay(true);
    let other = peers(call).add_uncounted();
    let shared = Shared {
        stream: RefCell::new(Some(Rc::new(stream))),
        closing: CancellationToken::new(),
        received: Mutex::new(Received { bytes: BytesMut::new(), load: other.nothing() }),
        peer: other,
        is_at_end: Cell::new(false),
        writing: Mutex::new(()),
        end: EndOfStream::default(),
    };
    let address = call.string(plain(peer).to_string().as_bytes())?.value();
    object::new(call, Connection(Rc::new(shared)), &CONNECTION, &[("remote_addr", address)], &[])
}

fn connection_to_string(_: &mut Call, this: This<Connection>) -> String {
    format!("tcp connection: {:#x}", this.object.value().address())
}

/// `tcp_connect(host, port[, options])`: returns a connection.
fn tcp_connect<'c>(
    call: &mut Call<'c>,
    host: Name<'c>,
    number: f64,
    options: Option<Table<'c>>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let port = port(2, number)?;
    let host = String::from_utf8_lossy(host.bytes()).into_owned();
    let limit = Options::new(options, 3, &["timeout"])?
        .seconds(call, "timeout")?
        .unwrap_or(CONNECT_TIMEOUT);
    let network = network(call)?;
    Ok(asynchronous::run(move |lua| async move {
        let pause = lua.with(|call| call.host::<Host>().map(|host| host.deadline.pause_timeout()));
        let connected = connect(&*network, &host, port, limit).await;
        drop(pause);
        lua.finish_with(|call| match connected {
            Ok((stream, peer)) => Ok(vec![new_connection(call, stream, peer)?.value()]),
            Err(reason) => failed(call, &reason),
        })
    }))
}

/// Connects to the first address of a host that accepts. The error is the reason.
#[expect(clippy::disallowed_methods, reason = "the addresses were judged")]
pub(crate) async fn connect(
    network: &dyn Network,
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<(TcpStream, SocketAddr), String> {
    let connect = async {
        let mut last = String::new();
        for address in addresses(network, Purpose::Connect, host, port).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => last = format!("{host}:{port}: {}", reason(&error)),
            }
        }
        Err(last)
    };
    let late = || Err(format!("{host}:{port}: timed out after {limit:?}"));
    within(Some(limit), connect).await.unwrap_or_else(late)
}

/// The result of a read.
enum Reading {
    Data(Vec<u8>),
    /// The end of the stream, for this reason.
    End(String),
    TimedOut,
}

/// `connection:read([n | "*l" | "*a"[, seconds]])`: reads available data; n bytes; a line;
/// everything.
fn read<'c>(
    _: &mut Call<'c>,
    this: This<'c, Connection>,
    read_mode: Option<ReadMode>,
    limit: Option<f64>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let limit = limit.map(|limit| seconds(2, limit)).transpose()?;
    let shared = this.0.clone();
    Ok(asynchronous::run(move |lua| async move {
        let reading = async {
            let reading = shared.read(read_mode.unwrap_or(ReadMode::Some));
            match select(pin!(reading), pin!(shared.peer.cut())).await {
                EitherFuture::Left((reading, _)) => reading,
                // The peer was disconnected to free memory.
                EitherFuture::Right(_) => {
                    shared.stream.take();
                    Ok(Reading::End(CLOSED.into()))
                }
            }
        };
        let reading = within(limit, shared.closing.run_until_cancelled(reading)).await;
        let reading = match reading {
            Some(Some(result)) => result?,
            Some(None) => Reading::End(CLOSED.into()),
            None => Reading::TimedOut,
        };
        lua.finish_with(|call| match reading {
            Reading::Data(data) => Ok(vec![call.string(&data)?.value()]),
            Reading::TimedOut => failed(call, "timeout"),
            Reading::End(reason) => shared.end.results(call, &reason),
        })
    }))
}

impl Shared {
    async fn read(&self, read_mode: ReadMode) -> Result<Reading, Error> {
        let Received { bytes: received, load } = &mut *self.received.lock().await;
        let Some(stream) = self.stream.borrow().clone() else {
            return Ok(Reading::End(CLOSED.into()));
        };
        let mut searched = 0;
        loop {
            if let Some(data) = read_mode.take_from(received, searched) {
                load.set_existing(received.len());
                return Ok(Reading::Data(data));
            }
            searched = received.len();
            if self.is_at_end.get() {
                return Ok(if received.is_empty() {
                    Reading::End(CLOSED.into())
                } else {
                    Reading::Data(received.split().into())
                });
            }
            // An incomplete read may become large.
            if !received.is_empty() {
                let size = received.len().saturating_mul(2).saturating_add(CHUNK);
                let missing = size.saturating_sub(load.bytes());
                load.merge(self.peer.clone().hold_later(missing).await?);
            }
            received.reserve(CHUNK);
            let read = read_some(&stream, received).await;
            self.peer.moved(*read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => {
                    self.is_at_end.set(true);
                    if let ReadMode::All = read_mode {
                        return Ok(Reading::Data(received.split().into()));
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    self.is_at_end.set(true);
                    if received.is_empty() {
                        return Ok(Reading::End(reason(&error)));
                    }
                }
            }
        }
    }
}

async fn read_some(stream: &TcpStream, into: &mut BytesMut) -> io::Result<usize> {
    loop {
        match stream.try_read_buf(into) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.readable().await?,
            result => return result,
        }
    }
}

/// `connection:write(data)`: returns true when the OS has accepted the data; false and the reason
/// if the connection is closed.
fn write<'c>(
    call: &mut Call<'c>,
    this: This<'c, Connection>,
    text: LuaString<'c>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    let shared = this.0.clone();
    let data = text.bytes();
    let mut written = 0;
    if let (Ok(_lock), Some(stream)) = (shared.writing.try_lock(), &*shared.stream.borrow()) {
        match stream.try_write(data) {
            Ok(count) if count == data.len() => return Ok(Either::Now(vec![Value::boolean(true)])),
            Ok(count) => written = count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Ok(Either::Now(sent(call, Err(short_message(&error)))?)),
        }
    }
    // The argument may have been a number.
    let index = this.first(call);
    call.set_argument(index, text.value());
    Ok(Either::Later(asynchronous::run(move |lua| async move {
        let writing = shared.write(&lua, Slot::argument(index), written);
        let result = shared.closing.run_until_cancelled(writing).await;
        lua.finish_with(|call| sent(call, result.unwrap_or_else(|| Err(CLOSED.into()))))
    })))
}

/// Returns a short message: "closed", or the OS's.
fn short_message(error: &io::Error) -> String {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected => CLOSED.into(),
        _ => reason(error),
    }
}

impl Shared {
    /// Writes a string from byte `written` on.
    async fn write(&self, lua: &Lua, slot: Slot, mut written: usize) -> Result<(), String> {
        let _lock = self.writing.lock().await;
        let Some(stream) = self.stream.borrow().clone() else { return Err(CLOSED.into()) };
        loop {
            let result = lua.get(slot, |_, value| {
                let data = LuaString::from_value(value).map_or(&b""[..], LuaString::bytes);
                let rest = data.get(written..).unwrap_or_default();
                (!rest.is_empty()).then(|| stream.try_write(rest))
            });
            match result {
                None => return Ok(()),
                Some(Ok(count)) => {
                    self.peer.moved(count);
                    written = written.saturating_add(count);
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    stream.writable().await.map_err(|error| short_message(&error))?;
                }
                Some(Err(error)) => return Err(short_message(&error)),
            }
        }
    }
}

/// `connection:close_write()`: signals the end of the output; input can still be read.
fn close_write<'c>(_: &mut Call<'c>, this: This<'c, Connection>) -> impl Results<'c> + use<'c> {
    let shared = this.0.clone();
    asynchronous::run(move |lua| async move {
        // Writes of other goroutines are completed first.
        let _lock = shared.writing.lock().await;
        if let Some(stream) = shared.stream.borrow().as_deref() {
            // The peer may have closed it already.
            let _ = socket2::SockRef::from(stream).shutdown(Shutdown::Write);
        }
        lua.finish_with(|_| Ok(Vec::new()))
    })
}

/// `connection:close()`: written data is still sent; waits of other goroutines end.
fn close(call: &mut Call, this: This<Connection>) {
    call.charge_for_system_call();
    this.0.closing.cancel();
    if let Some(stream) = this.0.stream.take() {
        // The peer may have closed it already.
        let _ = socket2::SockRef::from(&*stream).shutdown(Shutdown::Both);
    }
}
