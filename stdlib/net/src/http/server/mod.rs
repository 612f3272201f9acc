//! HTTP servers: `create_server`, `start_server`, `stop_server`, `handle_http`, `handle_ws`,
//! `use_middleware`, `serve_static`.
//!
//! Tasks of tokio speak HTTP ([`connection`]). They put requests into a queue, from which the
//! server's goroutine distributes them to goroutines ([`serve`]). The handler functions are in a
//! table of the registry, by number; everything else is in Rust.

mod body;
mod connection;
mod files;
mod handle;
mod handshake;
mod in_flight;
mod limits;
mod request;
mod response;
mod route;
mod serve;
mod transport;

use crate::sockets::{network, peers, port, tcp, tls};
use connection::{IncomingRequest, Shared};
use files::Directory;
use hashbrown::HashMap;
use in_flight::InFlight;
use limits::{Limits, OPTIONS};
use route::{Pattern, Router};
use serve::{NewQueue, SERVE, Task};
use solvm_files::file_system;
use solvm_runtime::Host;
use solvm_runtime::host::Service;
use solvm_runtime::name::Name;
use solvm_runtime::options::Options;
use solvm_runtime::pool::in_pool;
use solvm_runtime::registry::registry_table;
use solvm_runtime::system_error::reason;
use solvm_vm::native::{Library, Param, Results, asynchronous};
use solvm_vm::{Call, Error, Function, GoroutineId, Held, LuaString, Table, Value};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "create_server" => create_server,
    "handle_http" => handle_http,
    "handle_ws" => handle_ws,
    "serve_static" => serve_static,
    "start_server" => start_server,
    "stop_server" => stop_server,
    "use_middleware" => use_middleware,
});

/// The program's servers.
#[derive(Default)]
pub(crate) struct Servers {
    all: Vec<Server>,
    by_name: HashMap<Vec<u8>, usize>,
    /// The share of the account for servers, with their names and patterns.
    held: Option<Held>,
}

struct Server {
    name: Rc<str>,
    host: String,
    port: u16,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    handlers: Router<Handler>,
    /// Values are the numbers of functions.
    sockets: Router<usize>,
    middleware: Vec<(Pattern, usize)>,
    /// Requests that wait for a goroutine.
    waiting: VecDeque<Task>,
    in_flight: InFlight,
    /// The length of the last chunk that a function has generated.
    last_chunk: usize,
    running: Option<Running>,
}

/// The handler for a path.
#[derive(Clone)]
enum Handler {
    /// The function with this number.
    Function(usize),
    Files(Arc<Directory>),
}

/// A server that has been started and still has connections.
struct Running {
    goroutine: GoroutineId,
    stopping: CancellationToken,
}

impl Drop for Running {
    /// If the program ends, the tasks for accepting and for connections end, too.
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

fn servers<'a>(call: &'a mut Call) -> Option<&'a mut Servers> {
    call.host::<Host>().map(|host| host.state::<Servers>())
}

/// Approximate memory of a server, and of a pattern in addition to its text.
const SERVER_SIZE: usize = 1 << 13;
const PATTERN_SIZE: usize = 512;
/// A pattern's text is stored as a whole and as a key, or with a byte for each segment.
const COPIES_OF_PATTERN: usize = 3;

/// Accounts for a route whose pattern and directory have `length` bytes.
fn hold_pattern(call: &mut Call, length: usize) -> Result<(), Error> {
    hold(call, length.saturating_mul(COPIES_OF_PATTERN).saturating_add(PATTERN_SIZE))
}

/// Accounts for `bytes` bytes more of the servers, which exist until the program ends.
fn hold(call: &mut Call, bytes: usize) -> Result<(), Error> {
    let more = call.hold(bytes)?;
    if let Some(servers) = servers(call) {
        match &mut servers.held {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
    }
    Ok(())
}

/// Returns the table of handler functions by number.
fn functions<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    registry_table(call, "http functions")
}

/// Stores a function and returns its number.
fn keep<'c>(call: &mut Call<'c>, function: Function<'c>) -> Result<usize, Error> {
    let functions = functions(call)?;
    let number = functions.length().saturating_add(1);
    functions.set_index(call, number, function.value())?;
    Ok(number)
}

/// The name of a server as an argument, converted to its number.
struct ServerName(usize);

impl Param for ServerName {
    type Item<'c> = ServerName;

    fn take<'c>(call: &mut Call<'c>, index: &mut usize) -> Result<ServerName, Error> {
        let name = Name::take(call, index)?.bytes();
        let number = servers(call).and_then(|servers| servers.by_name.get(name).copied());
        let unknown = || {
            Error::argument(*index, format!("no server named '{}'", String::from_utf8_lossy(name)))
        };
        number.map(ServerName).ok_or_else(unknown)
    }
}

fn server<'a>(call: &'a mut Call, ServerName(number): ServerName) -> Result<&'a mut Server, Error> {
    let server = servers(call).and_then(|servers| servers.all.get_mut(number));
    server.ok_or_else(|| Error::text("server no longer exists"))
}

/// `create_server(name, port[, https[, certificate, key]][, options])`: creates a server, which
/// `start_server` starts.
fn create_server<'c>(
    call: &mut Call<'c>,
    name: Name<'c>,
    number: f64,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let port = port(2, number)?;
    if servers(call).is_some_and(|servers| servers.by_name.contains_key(name.bytes())) {
        return Err(Error::argument(1, "server name already in use"));
    }
    // The last argument that is not nil.
    let is_given =
        |count: &usize| !call.argument(count.saturating_sub(1)).is_some_and(Value::is_nil);
    let count = (3..=call.argument_count()).rev().find(is_given).unwrap_or(2);
    let options = call.argument(count.saturating_sub(1)).filter(|_| count > 2);
    let options = options.and_then(Table::from_value);
    let options = Options::new(options, count, &OPTIONS)?;
    let limits = Limits::read(call, &options)?;
    let host =
        String::from_utf8_lossy(options.text(call, "host")?.unwrap_or_default()).into_owned();
    let certificate = certificate(call)?;
    let texts = name.bytes().len().saturating_mul(4).saturating_add(host.len());
    hold(call, texts.saturating_add(SERVER_SIZE))?;
    let files = file_system(call)?;
    let name = name.bytes().to_vec();
    Ok(asynchronous::run(move |lua| async move {
        let tls = match certificate {
            None => None,
            Some((certificate, key)) => {
                let config = in_pool(move || {
                    tls::server_config(&*files, &certificate, &key, &[b"h2", b"http/1.1"])
                });
                let config = config.await.flatten().map_err(|error| Error::text(reason(&error)))?;
                Some(TlsAcceptor::from(Arc::new(config)))
            }
        };
        lua.with(|call| {
            let Some(servers) = servers(call) else { return };
            let (handlers, sockets) = (Router::default(), Router::default());
            let server = Server {
                name: String::from_utf8_lossy(&name).into(),
                host,
                port,
                limits,
                tls,
                handlers,
                sockets,
                middleware: Vec::new(),
                waiting: VecDeque::new(),
                in_flight: InFlight::default(),
                last_chunk: 0,
                running: None,
            };
            servers.by_name.insert(name, servers.all.len());
            servers.all.push(server);
        });
        lua.finish(&[])
    }))
}

/// The paths of a certificate and of its key.
type CertificateFiles = (Vec<u8>, Vec<u8>);

/// Reads arguments 3 to 5: the files for HTTPS.
fn certificate(call: &mut Call) -> Result<Option<CertificateFiles>, Error> {
    let third = call.argument(2).unwrap_or(Value::NIL);
    let is_secure = match third.as_boolean() {
        Some(is_secure) => is_secure,
        None if third.is_nil() || Table::from_value(third).is_some() => false,
        None => {
            return Err(Error::argument(
                3,
                format!("boolean or table expected, got {}", third.type_name()),
            ));
        }
    };
    let path = |index: usize, what: &str| {
        let value = call.argument(index.saturating_sub(1)).unwrap_or(Value::NIL);
        let expected = || format!("{what} path expected, got {}", value.type_name());
        let path = LuaString::from_value(value).ok_or_else(expected).and_then(Name::check);
        path.map(|path| path.bytes().to_vec()).map_err(|text| Error::argument(index, text))
    };
    if is_secure { Ok(Some((path(4, "certificate")?, path(5, "key")?))) } else { Ok(None) }
}

fn pattern(call: &mut Call, text: Name) -> Result<Pattern, Error> {
    hold_pattern(call, text.bytes().len())?;
    Pattern::parse(text.bytes()).map_err(|reason| {
        Error::argument(2, format!("pattern '{}': {reason}", String::from_utf8_lossy(text.bytes())))
    })
}

/// `handle_http(name, pattern, f)`: handles requests for matching paths with `f(req)`.
fn handle_http<'c>(
    call: &mut Call<'c>,
    name: ServerName,
    path: Name<'c>,
    function: Function<'c>,
) -> Result<(), Error> {
    let pattern = pattern(call, path)?;
    let number = keep(call, function)?;
    server(call, name)?.handlers.add(pattern, Handler::Function(number));
    Ok(())
}

/// `handle_ws(name, pattern, f)`: handles WebSockets at matching paths with `f(ws, req)`.
fn handle_ws<'c>(
    call: &mut Call<'c>,
    name: ServerName,
    path: Name<'c>,
    function: Function<'c>,
) -> Result<(), Error> {
    let pattern = pattern(call, path)?;
    let number = keep(call, function)?;
    server(call, name)?.sockets.add(pattern, number);
    Ok(())
}

/// `use_middleware(name, pattern, f)`: calls `f(req)` before the handlers of matching paths.
fn use_middleware<'c>(
    call: &mut Call<'c>,
    name: ServerName,
    path: Name<'c>,
    function: Function<'c>,
) -> Result<(), Error> {
    let pattern = pattern(call, path)?;
    let number = keep(call, function)?;
    server(call, name)?.middleware.push((pattern, number));
    Ok(())
}

/// `serve_static(name, prefix, directory)`: serves the files of a directory below a prefix.
fn serve_static<'c>(
    call: &mut Call<'c>,
    name: ServerName,
    prefix: Name<'c>,
    directory: Name<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let text = prefix.bytes();
    let text = text.strip_suffix(b"/").unwrap_or(text);
    let pattern =
        Pattern::parse(&[text, b"/*"].concat()).map_err(|reason| Error::argument(2, reason))?;
    let segments = text.iter().filter(|&&byte| byte == b'/').count();
    hold_pattern(call, text.len().saturating_add(directory.bytes().len()))?;
    let path = directory.bytes().to_vec();
    let shown = String::from_utf8_lossy(&path).into_owned();
    let files = file_system(call)?;
    Ok(asynchronous::run(move |lua| async move {
        let directory = in_pool(move || Directory::new(files, &path, segments)).await.flatten();
        let directory =
            directory.map_err(|error| Error::text(format!("{shown}: {}", reason(&error))))?;
        lua.finish_with(|call| {
            server(call, name)?.handlers.add(pattern, Handler::Files(Arc::new(directory)));
            Ok(Vec::new())
        })
    }))
}

/// `start_server(name)`: starts a server and returns its port.
fn start_server<'c>(
    call: &mut Call<'c>,
    name: ServerName,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let ServerName(number) = name;
    let server = server(call, name)?;
    if server.running.as_ref().is_some_and(|running| !running.stopping.is_cancelled()) {
        return Err(Error::argument(1, "server is already running"));
    }
    let (host, port) = (server.host.clone(), server.port);
    let network = network(call)?;
    Ok(asynchronous::run(move |lua| async move {
        let listener = tcp::listen(&*network, &host, port).await.map_err(Error::text)?;
        lua.finish_with(|call| Ok(vec![Value::number(f64::from(run(call, number, listener)?))]))
    }))
}

/// Starts a server's goroutine and the task that accepts connections; returns the port.
fn run(call: &mut Call, number: usize, listener: TcpListener) -> Result<u16, Error> {
    let port = listener.local_addr().map_or(0, |address| address.port());
    let (incoming, queue) = mpsc::unbounded_channel::<IncomingRequest>();
    let stopping = CancellationToken::new();
    let queue = call.userdata(NewQueue(RefCell::new(Some((queue, stopping.clone())))), None);
    let serve = call.function(&SERVE, &[]);
    let goroutine = call.spawn(serve, &[Value::number(number as f64), queue.value()])?;
    let peers = peers(call);
    let server = server(call, ServerName(number))?;
    server.running = Some(Running { goroutine, stopping: stopping.clone() });
    let (limits, tls) = (server.limits, server.tls.clone());
    let shared = Shared { limits, tls, incoming, peers, stopping };
    tokio::spawn(connection::accept(listener, Arc::new(shared)));
    Ok(port)
}

/// `stop_server(name)`: rejects new requests; those in flight are completed. Returns whether the
/// server was running.
fn stop_server(call: &mut Call, name: ServerName) -> Result<bool, Error> {
    let server = server(call, name)?;
    let running = server.running.as_ref().filter(|running| !running.stopping.is_cancelled());
    running.inspect(|running| running.stopping.cancel());
    Ok(running.is_some())
}

/// The servers as a service of the executor.
pub struct ServerService;

impl Service for ServerService {
    fn stop(&self, call: &mut Call) {
        for server in servers(call).into_iter().flat_map(|servers| &servers.all) {
            if let Some(running) = &server.running {
                running.stopping.cancel();
            }
        }
    }

    fn running(&self, call: &mut Call) -> Option<GoroutineId> {
        let mut all = servers(call)?.all.iter();
        all.find_map(|server| server.running.as_ref().map(|running| running.goroutine))
    }

    fn subject(&self, call: &mut Call, failed: GoroutineId) -> Option<String> {
        let subject = servers(call)?.all.iter().find_map(|server| server.in_flight.subject(failed));
        subject.map(|subject| format!("the response to {subject}"))
    }

    fn ends_seen(&self, host: &mut Host) {
        host.state::<Servers>().all.iter().for_each(|server| server.in_flight.forget_failed());
    }
}
