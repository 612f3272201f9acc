//! UDP: `udp_sendto`, and the sockets of `udp_recvfrom`.

use super::tcp::plain;
use super::{CLOSED, EndOfStream, allow_listening, failed, network, port, within};
use solvm_runtime::Host;
use solvm_runtime::buffer::copied;
use solvm_runtime::deadline::TimeoutPause;
use solvm_runtime::host::Network;
pub use solvm_runtime::host::network::{Purpose, addresses, look_up};
use solvm_runtime::name::Name;
use solvm_runtime::object::{self, This};
use solvm_runtime::options::Options;
use solvm_runtime::system_error::reason;
use solvm_runtime::timer::seconds;
use solvm_vm::native::{Library, Results, asynchronous};
use solvm_vm::{Call, Data, Error, LuaString, Table, Userdata, Value};
use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "udp_recvfrom" => udp_recvfrom,
    "udp_sendto" => udp_sendto,
});

static METHODS: Library = solvm_vm::library!("" {
    "__tostring" => to_string,
    "close" => close,
    "receive" => receive,
    "send" => send,
});

/// Maximum size of a datagram.
const MAX_DATAGRAM: usize = 1 << 16;

/// A socket, the data of a userdata.
struct Socket(Rc<Shared>);

/// The state that the goroutines of a socket share.
struct Shared {
    /// None after it was closed.
    socket: RefCell<Option<Rc<UdpSocket>>>,
    /// Cancelled to end all waits when it is closed.
    closing: CancellationToken,
    end: EndOfStream,
    /// An open socket pauses the timeout.
    pause: RefCell<Option<TimeoutPause>>,
}

impl Data for Socket {
    fn external_size(&self) -> usize {
        MAX_DATAGRAM
    }
}

/// `udp_sendto(host, port, data)`: returns true when the OS has accepted the datagram.
fn udp_sendto<'c>(
    call: &mut Call<'c>,
    host: Name<'c>,
    number: f64,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let port = port(2, number)?;
    send_from(call, None, host, port, data)
}

/// Sends a datagram from a socket, or from a temporary one.
fn send_from<'c>(
    call: &mut Call<'c>,
    socket: Option<Rc<Shared>>,
    host: Name<'c>,
    port: u16,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let host = String::from_utf8_lossy(host.bytes()).into_owned();
    let data = copied(call, data)?;
    let network = network(call)?;
    Ok(asynchronous::run(move |lua| async move {
        let pause = lua.with(|call| call.host::<Host>().map(|host| host.deadline.pause_timeout()));
        let target = first_address(&*network, &host, port).await;
        let sent = match (target, socket) {
            (Err(reason), _) => Err(reason),
            (Ok(target), None) => send_once(target, &host, &data).await,
            (Ok(target), Some(shared)) => {
                let send = shared.send(target, &host, &data);
                let sent = shared.closing.run_until_cancelled(send).await;
                sent.unwrap_or_else(|| Err(CLOSED.into()))
            }
        };
        drop(pause);
        lua.finish_with(|call| match sent {
            Ok(()) => Ok(vec![Value::boolean(true)]),
            Err(reason) => failed(call, &reason),
        })
    }))
}

/// Sends a datagram from a temporary socket.
#[expect(clippy::disallowed_methods, reason = "the target was judged")]
async fn send_once(target: SocketAddr, host: &str, data: &[u8]) -> Result<(), String> {
    let any: SocketAddr = match target {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let failed = |error: io::Error| format!("{host}:{}: {}", target.port(), reason(&error));
    let socket = UdpSocket::bind(any).await.map_err(failed)?;
    socket.send_to(data, target).await.map_err(failed)?;
    Ok(())
}

/// Returns the first address of a host that the program may send to.
async fn first_address(network: &dyn Network, host: &str, port: u16) -> Result<SocketAddr, String> {
    let addresses = addresses(network, Purpose::Connect, host, port).await?;
    addresses.first().copied().ok_or_else(|| format!("{host}: no address"))
}

impl Shared {
    async fn send(&self, mut target: SocketAddr, host: &str, data: &[u8]) -> Result<(), String> {
        let Some(socket) = self.socket.borrow().clone() else { return Err(CLOSED.into()) };
        let port = target.port();
        if let (SocketAddr::V4(address), Ok(SocketAddr::V6(_))) = (target, socket.local_addr()) {
            target = (address.ip().to_ipv6_mapped(), port).into();
        }
        let failed = |error: io::Error| format!("{host}:{port}: {}", reason(&error));
        socket.send_to(data, target).await.map(drop).map_err(failed)
    }
}

/// `udp_recvfrom(port[, options])`: returns a socket that receives datagrams.
fn udp_recvfrom<'c>(
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
        let socket = bind(&*network, &host, port).await;
        lua.finish_with(|call| match socket {
            Ok(socket) => Ok(vec![new_socket(call, socket)?.value()]),
            Err(reason) => failed(call, &reason),
        })
    }))
}

#[expect(clippy::disallowed_methods, reason = "listening was allowed")]
async fn bind(network: &dyn Network, host: &str, port: u16) -> Result<UdpSocket, String> {
    allow_listening(network, host, port).map_err(|reason| format!("port {port}: {reason}"))?;
    let failed = |error: io::Error| format!("port {port}: {}", reason(&error));
    if !host.is_empty() {
        let addresses = look_up(host, port).await?;
        return UdpSocket::bind(&addresses[..]).await.map_err(failed);
    }
    // Without IPv6, or if it is separate, IPv4 is used.
    match UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).await.map_err(failed)
        }
        result => result.map_err(failed),
    }
}

fn new_socket<'c>(call: &mut Call<'c>, socket: UdpSocket) -> Result<Userdata<'c>, Error> {
    let port = socket.local_addr().map_or(0, |address| address.port());
    let shared = Shared {
        socket: RefCell::new(Some(Rc::new(socket))),
        closing: CancellationToken::new(),
        end: EndOfStream::default(),
        pause: RefCell::new(call.host::<Host>().map(|host| host.deadline.pause_timeout())),
    };
    let fields = [("port", Value::number(f64::from(port)))];
    object::new(call, Socket(Rc::new(shared)), &METHODS, &fields, &[])
}

fn to_string(_: &mut Call, this: This<Socket>) -> String {
    format!("udp socket: {:#x}", this.object.value().address())
}

/// The result of a receive.
enum Receiving {
    Datagram(Vec<u8>, SocketAddr),
    Failed(String),
    TimedOut,
    Closed,
}

/// `socket:receive([seconds])`: returns the next datagram.
fn receive<'c>(
    _: &mut Call<'c>,
    this: This<'c, Socket>,
    limit: Option<f64>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let limit = limit.map(|limit| seconds(1, limit)).transpose()?;
    let shared = this.0.clone();
    Ok(asynchronous::run(move |lua| async move {
        let receiving = within(limit, shared.closing.run_until_cancelled(shared.receive())).await;
        let receiving = receiving.unwrap_or(Some(Receiving::TimedOut)).unwrap_or(Receiving::Closed);
        lua.finish_with(|call| match receiving {
            Receiving::Datagram(data, from) => Ok(vec![message(call, &data, from)?.value()]),
            Receiving::Failed(reason) => failed(call, &reason),
            Receiving::TimedOut => failed(call, "timeout"),
            Receiving::Closed => shared.end.results(call, CLOSED),
        })
    }))
}

impl Shared {
    async fn receive(&self) -> Receiving {
        let Some(socket) = self.socket.borrow().clone() else { return Receiving::Closed };
        // The buffer is not accounted for: it is small, and no sender would learn of a
        // failure.
        let mut data = vec![0; MAX_DATAGRAM];
        match socket.recv_from(&mut data).await {
            Ok((size, from)) => {
                data.truncate(size);
                Receiving::Datagram(data, plain(from))
            }
            Err(error) => Receiving::Failed(reason(&error)),
        }
    }
}

/// Returns a datagram as a table: `data`, and the source `addr` and `port`.
fn message<'c>(call: &mut Call<'c>, data: &[u8], from: SocketAddr) -> Result<Table<'c>, Error> {
    let message = call.table(0, 3)?;
    message.set_field(call, "data", data)?;
    message.set_field(call, "addr", from.ip().to_string())?;
    message.set_field(call, "port", f64::from(from.port()))?;
    Ok(message)
}

/// `socket:send(host, port, data)`: sends a datagram from the socket's port.
fn send<'c>(
    call: &mut Call<'c>,
    this: This<'c, Socket>,
    host: Name<'c>,
    number: f64,
    data: LuaString<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let port = port(2, number)?;
    send_from(call, Some(this.0.clone()), host, port, data)
}

/// `socket:close()`: frees the port and ends all waits for datagrams.
fn close(_: &mut Call, this: This<Socket>) {
    this.0.closing.cancel();
    this.0.socket.take();
    this.0.pause.take();
}
