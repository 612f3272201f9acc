//! TLS connections, which take over the socket of a TCP connection.
//!
//! The environment table of a connection holds Lua values: its context, and the contexts of a
//! server's names.

use super::certificate;
use super::cipher::describe;
use super::context::{CHOOSES_PROTOCOL, Context, Mode, This as AnyContext, decode_protocols};
use super::parameters::{Parameters, reason};
use crate::luasocket::descriptor::{Descriptor, INVALID, find};
use crate::luasocket::failure::{CLOSED, message};
use crate::luasocket::object::{blocked, class, uninterrupted};
use crate::luasocket::stream::{self, Blocked, Stream, Transport};
use crate::luasocket::timeout::Timeout;
use rustls::pki_types::ServerName;
use rustls::server::{Accepted, Acceptor};
use rustls::{ClientConnection, Connection};
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{Either, FromLua, Library, Results};
use solvm_vm::{Call, Data, Error, LuaString, Table, Userdata, Value};
use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::Interest;

/// The name of the class.
pub(super) const CLASS: &str = "SSL:Connection";

pub(super) static METHODS: Library = solvm_vm::library!("" {
    "__tostring" => to_string,
    "close" => close,
    "dirty" => dirty,
    "dohandshake" => handshake,
    "exportkeyingmaterial" => export_key,
    "getalpn" => protocol,
    "getfd" => number,
    "getpeercertificate" => peer_certificate,
    "getpeerchain" => peer_chain,
    "getpeerverification" => peer_verification,
    "getsniname" => name,
    "getstats" => stats,
    "receive" => receive,
    "send" => send,
    "setstats" => set_stats,
    "settimeout" => set_timeout,
    "sni" => set_name,
    "want" => want,
});

/// The fields of a connection's environment.
const CONTEXT: &str = "context";
const NAMES: &str = "names";
const IS_STRICT: &str = "strict";
/// Memory of a connection outside the heap: the buffers of rustls.
const CONNECTION_SIZE: usize = 48 << 10;
/// How much rustls buffers for writing.
const RECORD: usize = 16 << 10;

/// The data of an object.
struct Secure(Rc<Inner>);

/// What the goroutines that use a connection share.
pub(in crate::luasocket) struct Inner {
    is_server: bool,
    descriptor: RefCell<Option<Rc<Descriptor>>>,
    tls: RefCell<Tls>,
    stream: Stream,
    timeout: Cell<Timeout>,
    /// What the last operation waited for.
    wanted: Cell<Option<Interest>>,
    /// The bytes that rustls has encrypted but the socket has not taken.
    pending: Cell<usize>,
    /// The name of a client's server.
    name: RefCell<Option<String>>,
}

/// The state of the protocol.
enum Tls {
    /// Before the handshake.
    New,
    /// A server waits for the client's first message.
    Accepting(Box<Acceptor>),
    Handshaking(Box<Connection>),
    Connected(Box<Connection>),
    Closed,
}

/// How far a handshake has come.
enum Progress {
    Done,
    Hello(Box<Accepted>),
    Blocked(Blocked),
}

impl Data for Secure {
    fn external_size(&self) -> usize {
        CONNECTION_SIZE
    }
}

/// An argument that is a connection.
#[derive(Clone, Copy)]
pub(super) struct This<'c>(&'c Rc<Inner>, Userdata<'c>);

impl FromLua for This<'_> {
    type Item<'c> = This<'c>;
    const EXPECTED: &'static str = CLASS;

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<This<'c>> {
        let userdata = Userdata::from_value(value)?;
        Some(This(&userdata.get::<Secure>()?.0, userdata))
    }
}

/// Returns the connection of a value, if it is one.
pub(in crate::luasocket) fn from_value<'c>(value: Value<'c>) -> Option<&'c Rc<Inner>> {
    Userdata::from_value(value)?.get::<Secure>().map(|secure| &secure.0)
}

/// `create(context)`: returns a connection without a socket.
pub(super) fn create<'c>(
    call: &mut Call<'c>,
    context: AnyContext<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    let Some(mode) = *context.context().mode.borrow() else {
        return Ok(vec![Value::NIL, call.string(b"invalid mode")?.value()]);
    };
    let metatable = class(call, CLASS, &METHODS)?;
    let inner = Inner {
        is_server: mode == Mode::Server,
        descriptor: RefCell::new(None),
        tls: RefCell::new(Tls::New),
        stream: Stream::new(call),
        timeout: Cell::default(),
        wanted: Cell::new(None),
        pending: Cell::new(0),
        name: RefCell::new(None),
    };
    let connection = call.userdata(Secure(Rc::new(inner)), Some(metatable)).value();
    let environment = call.table(0, 3)?;
    environment.set_field(call, CONTEXT, context.value())?;
    call.set_environment_of(connection, environment);
    Ok(vec![connection])
}

/// `setfd(connection, number)`: takes over a socket.
pub(super) fn set_number<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    number: f64,
) -> Result<(), Error> {
    let descriptor = find(call, number);
    if descriptor.is_none() && number >= 0.0 {
        return Err(Error::argument(2, "descriptor of an open socket expected"));
    }
    this.0.descriptor.replace(descriptor);
    Ok(())
}

fn to_string(_: &mut Call, this: This) -> String {
    let address = this.1.value().address();
    match *this.0.tls.borrow() {
        Tls::Closed => format!("SSL connection: {address:#x} (closed)"),
        _ => format!("SSL connection: {address:#x}"),
    }
}

impl Inner {
    pub(in crate::luasocket) fn socket(&self) -> Option<Rc<Descriptor>> {
        self.descriptor.borrow().clone()
    }

    pub(in crate::luasocket) fn is_dirty(&self) -> bool {
        self.stream.is_dirty()
    }

    fn with_connection<T>(&self, f: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        match &mut *self.tls.borrow_mut() {
            Tls::Handshaking(connection) | Tls::Connected(connection) => Some(f(connection)),
            _ => None,
        }
    }

    /// Ends the handshake or the connection.
    fn fail(&self, error: &rustls::Error, socket: &Descriptor) -> Blocked {
        // The peer is told why, if it still listens.
        let _ = self.with_connection(|connection| flush(connection, socket));
        self.tls.replace(Tls::Closed);
        Blocked::Failed(reason(error))
    }

    /// Continues the handshake as far as possible without waiting.
    fn advance(&self, socket: &Descriptor) -> Progress {
        if let Tls::Accepting(_) = *self.tls.borrow() {
            return self.accept(socket);
        }
        loop {
            let step = self.with_connection(|connection| {
                flush(connection, socket)?;
                if !connection.is_handshaking() {
                    return Ok(None);
                }
                fill(connection, socket).map(Some)
            });
            match step {
                None => return Progress::Blocked(Blocked::Failed(CLOSED.into())),
                Some(Err(blocked)) => return Progress::Blocked(blocked),
                Some(Ok(None)) => {
                    let tls = self.tls.replace(Tls::Closed);
                    self.tls.replace(match tls {
                        Tls::Handshaking(connection) => Tls::Connected(connection),
                        other => other,
                    });
                    return Progress::Done;
                }
                Some(Ok(Some(Err(error)))) => {
                    return Progress::Blocked(self.fail(&error, socket));
                }
                Some(Ok(Some(Ok(0)))) => {
                    self.tls.replace(Tls::Closed);
                    return Progress::Blocked(Blocked::Failed(CLOSED.into()));
                }
                Some(Ok(Some(Ok(_)))) => {}
            }
        }
    }

    /// Reads the client's first message.
    fn accept(&self, socket: &Descriptor) -> Progress {
        let mut tls = self.tls.borrow_mut();
        let Tls::Accepting(acceptor) = &mut *tls else {
            return Progress::Blocked(Blocked::Failed(CLOSED.into()));
        };
        loop {
            let mut from = socket.socket();
            match uninterrupted(|| acceptor.read_tls(&mut from)) {
                Ok(0) => return Progress::Blocked(Blocked::Failed(CLOSED.into())),
                Ok(_) => {}
                Err(error) => return Progress::Blocked(blocked(&error, Interest::READABLE)),
            }
            match acceptor.accept() {
                Ok(Some(accepted)) => return Progress::Hello(Box::new(accepted)),
                Ok(None) => {}
                Err((error, mut alert)) => {
                    let _ = alert.write(&mut from);
                    *tls = Tls::Closed;
                    return Progress::Blocked(Blocked::Failed(reason(&error)));
                }
            }
        }
    }
}

/// Writes what rustls has to send.
fn flush(connection: &mut Connection, socket: &Descriptor) -> Result<(), Blocked> {
    while connection.wants_write() {
        let mut to = socket.socket();
        uninterrupted(|| connection.write_tls(&mut to))
            .map_err(|error| blocked(&error, Interest::WRITABLE))?;
    }
    Ok(())
}

/// Reads what the peer has sent, and returns the number of bytes, or the error of the protocol.
fn fill(
    connection: &mut Connection,
    socket: &Descriptor,
) -> Result<Result<usize, rustls::Error>, Blocked> {
    let mut from = socket.socket();
    let count = uninterrupted(|| connection.read_tls(&mut from))
        .map_err(|error| blocked(&error, Interest::READABLE))?;
    Ok(connection.process_new_packets().map(|_| count))
}

impl Transport for Inner {
    fn stream(&self) -> &Stream {
        &self.stream
    }

    fn timeout(&self) -> Timeout {
        self.timeout.get()
    }

    fn descriptor(&self) -> Option<Rc<Descriptor>> {
        match *self.tls.borrow() {
            Tls::Connected(_) => self.socket(),
            _ => None,
        }
    }

    fn read(&self, from: &Descriptor, into: &mut [u8]) -> Result<usize, Blocked> {
        self.wanted.set(None);
        loop {
            let read = self.with_connection(|connection| connection.reader().read(into));
            match read {
                None => return Err(Blocked::Failed(CLOSED.into())),
                Some(Ok(count)) => return Ok(count),
                // The peer has not said that it has ended.
                Some(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                Some(Err(error)) if error.kind() != ErrorKind::WouldBlock => {
                    return Err(Blocked::Failed(message(&error)));
                }
                Some(Err(_)) => {}
            }
            let filled = self.with_connection(|connection| {
                // What the protocol itself has to send may wait.
                let _ = flush(connection, from);
                fill(connection, from)
            });
            match filled {
                None => return Err(Blocked::Failed(CLOSED.into())),
                Some(Ok(Ok(_))) => {}
                Some(Ok(Err(error))) => return Err(self.fail(&error, from)),
                Some(Err(blocked)) => return Err(self.waits(blocked)),
            }
        }
    }

    /// A record that could not be written completely is continued: the program sends the same data
    /// again.
    fn write(&self, to: &Descriptor, data: &[u8]) -> Result<usize, Blocked> {
        self.wanted.set(None);
        let written = self.with_connection(|connection| {
            if self.pending.get() == 0 {
                let part = data.get(..RECORD).unwrap_or(data);
                let count = connection.writer().write(part);
                self.pending.set(count.map_err(|error| Blocked::Failed(message(&error)))?);
            }
            flush(connection, to)?;
            Ok(self.pending.take().min(data.len()))
        });
        match written {
            None => Err(Blocked::Failed(CLOSED.into())),
            Some(result) => result.map_err(|blocked| self.waits(blocked)),
        }
    }

    fn late(&self, interest: Interest) -> &'static str {
        if interest.is_writable() { "wantwrite" } else { "wantread" }
    }
}

impl Inner {
    /// Remembers what an operation waits for.
    fn waits(&self, blocked: Blocked) -> Blocked {
        if let Blocked::Wait(interest) = blocked {
            self.wanted.set(Some(interest));
        }
        blocked
    }
}

/// The context of a connection, inside a native that waits: what `f` needs of it.
fn with_context<T>(
    lua: &Lua,
    slot: Slot,
    f: impl FnOnce(&Context) -> T,
) -> Result<T, Error> {
    lua.with(|call| {
        let value = slot.get(call);
        let context = Userdata::from_value(value).and_then(Userdata::get::<Context>);
        Ok(f(context.ok_or_else(|| Error::text("invalid context"))?))
    })
}

/// A field of the connection's environment.
fn field<'c>(call: &mut Call<'c>, connection: Value<'c>, name: &str) -> Result<Value<'c>, Error> {
    let key = call.string(name.as_bytes())?;
    let environment = call.environment_of(connection);
    Ok(environment.map_or(Value::NIL, |environment| environment.get(key)))
}

/// `connection:dohandshake()`: returns true, or false and the reason.
fn handshake<'c>(
    _: &mut Call<'c>,
    this: This<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = this.0.clone();
    Ok(asynchronous::run(move |lua| async move {
        let _pause = lua.with(|call| inner.timeout.get().start().pause(call));
        let result = shake_hands(&lua, &inner).await?;
        lua.finish_with(|call| match result {
            Ok(()) => Ok(vec![Value::boolean(true)]),
            Err(reason) => {
                Ok(vec![Value::boolean(false), call.string(reason.as_bytes())?.value()])
            }
        })
    }))
}

async fn shake_hands(lua: &Lua, inner: &Rc<Inner>) -> Result<Result<(), String>, Error> {
    let timer = inner.timeout.get().start();
    let context = lua.slot();
    lua.with(|call| {
        let connection = Slot::argument(0).get(call);
        let value = field(call, connection, CONTEXT)?;
        context.set(call, value);
        Ok::<(), Error>(())
    })?;
    let Some(socket) = inner.socket() else { return Ok(Err(CLOSED.into())) };
    let is_new = matches!(*inner.tls.borrow(), Tls::New);
    if is_new {
        let started = if inner.is_server {
            Ok(Tls::Accepting(Box::default()))
        } else {
            start_client(lua, inner, context).await?
        };
        match started {
            Ok(tls) => inner.tls.replace(tls),
            Err(reason) => return Ok(Err(reason)),
        };
    }
    loop {
        lua.with(|call| call.charge_for_system_call());
        inner.wanted.set(None);
        let interest = match inner.advance(&socket) {
            Progress::Done => return Ok(Ok(())),
            Progress::Blocked(Blocked::Failed(reason)) => return Ok(Err(reason)),
            Progress::Blocked(Blocked::Wait(interest)) => interest,
            Progress::Hello(accepted) => {
                if let Err(reason) = answer(lua, inner, context, *accepted, &socket).await? {
                    inner.tls.replace(Tls::Closed);
                    return Ok(Err(reason));
                }
                continue;
            }
        };
        inner.wanted.set(Some(interest));
        let ready = timer.wait(socket.ready(interest));
        match socket.closing.run_until_cancelled(ready).await {
            None => return Ok(Err(CLOSED.into())),
            Some(None) => return Ok(Err(inner.late(interest).into())),
            Some(Some(Err(error))) => return Ok(Err(message(&error))),
            Some(Some(Ok(()))) => {}
        }
    }
}

/// Starts the handshake of a client.
async fn start_client(
    lua: &Lua,
    inner: &Inner,
    context: Slot,
) -> Result<Result<Tls, String>, Error> {
    let name = inner.name.borrow().clone();
    let has_name = name.is_some();
    let (parameters, known) = with_context(lua, context, |context| {
        let known = context.clients.borrow()[usize::from(has_name)].clone();
        (context.parameters.borrow().clone(), known)
    })?;
    let config = match known {
        Some(config) => config,
        None => {
            let built = in_pool(move || parameters.client(has_name)).await;
            let built = built.map_err(|error| error.to_string()).flatten();
            let config = match built {
                Ok(config) => Arc::new(config),
                Err(reason) => return Ok(Err(reason)),
            };
            with_context(lua, context, |context| {
                context.clients.borrow_mut()[usize::from(has_name)] = Some(config.clone());
            })?;
            config
        }
    };
    // An address as the name: then the handshake has none.
    let name = name.unwrap_or_else(|| "0.0.0.0".into());
    let connection = ServerName::try_from(name)
        .map_err(|_| String::from("invalid server name"))
        .and_then(|name| {
            ClientConnection::new(config, name).map_err(|error| reason(&error))
        });
    Ok(connection.map(|mut connection| {
        connection.set_buffer_limit(Some(RECORD));
        Tls::Handshaking(Box::new(connection.into()))
    }))
}

/// Chooses a server's context and protocol for the client's first message.
async fn answer(
    lua: &Lua,
    inner: &Inner,
    context: Slot,
    accepted: Accepted,
    socket: &Descriptor,
) -> Result<Result<(), String>, Error> {
    let hello = accepted.client_hello();
    let name = hello.server_name().map(str::to_string);
    let offered: Vec<Vec<u8>> =
        hello.alpn().into_iter().flatten().map(<[u8]>::to_vec).collect();
    drop(hello);
    inner.name.replace(name.clone());
    let is_known = lua.with(|call| {
        let connection = Slot::argument(0).get(call);
        choose_context(call, connection, context, name.as_deref())
    })?;
    if !is_known {
        return Ok(Err("unrecognized name".into()));
    }
    let protocols = choose_protocol(lua, context, &offered).await?;
    let parameters: Parameters =
        with_context(lua, context, |context| context.parameters.borrow().clone())?;
    let built = in_pool(move || parameters.server(protocols)).await;
    let built = built.map_err(|error| error.to_string()).flatten();
    let config = match built {
        Ok(config) => Arc::new(config),
        Err(reason) => return Ok(Err(reason)),
    };
    Ok(match accepted.into_connection(config) {
        Ok(mut connection) => {
            connection.set_buffer_limit(Some(RECORD));
            inner.tls.replace(Tls::Handshaking(Box::new(connection.into())));
            Ok(())
        }
        Err((error, mut alert)) => {
            let mut to = socket.socket();
            let _ = alert.write(&mut to);
            Err(reason(&error))
        }
    })
}

/// Puts the context of a name into its slot. False if the server accepts only names that it knows.
fn choose_context<'c>(
    call: &mut Call<'c>,
    connection: Value<'c>,
    context: Slot,
    name: Option<&str>,
) -> Result<bool, Error> {
    let Some(names) = Table::from_value(field(call, connection, NAMES)?) else {
        return Ok(true);
    };
    let key = call.string(name.unwrap_or_default().as_bytes())?;
    let chosen = names.get(key);
    if Userdata::from_value(chosen).is_some_and(|chosen| chosen.get::<Context>().is_some()) {
        context.set(call, chosen);
        return Ok(true);
    }
    Ok(!field(call, connection, IS_STRICT)?.is_truthy())
}

/// Returns the protocol that a server uses; at most one.
async fn choose_protocol(
    lua: &Lua,
    context: Slot,
    offered: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, Error> {
    let (function, argument) = (lua.slot(), lua.slot());
    let is_asked = lua.with(|call| {
        let value = context.get(call);
        let chooses = field(call, value, CHOOSES_PROTOCOL)?;
        let mut list = Vec::new();
        for name in offered {
            list.push(u8::try_from(name.len()).unwrap_or(0));
            list.extend_from_slice(name);
        }
        let list = call.string(&list)?.value();
        function.set(call, chooses);
        argument.set(call, list);
        Ok::<bool, Error>(!chooses.is_nil() && !offered.is_empty())
    })?;
    if !is_asked {
        return Ok(Vec::new());
    }
    lua.call(function, &[argument], argument).await?;
    let accepted = lua.get(argument, |call, value| {
        let text = Name::from_lua(call, value).map_or(&b""[..], Name::bytes);
        decode_protocols(text)
    });
    Ok(accepted.into_iter().find(|name| offered.contains(name)).into_iter().collect())
}

/// `connection:receive([pattern[, prefix]])`
fn receive<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    pattern: Option<Value<'c>>,
    prefix: Option<LuaString<'c>>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    stream::receive(call, this.0, pattern, prefix)
}

/// `connection:send(data[, first[, last]])`
fn send<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    data: LuaString<'c>,
    first: Option<f64>,
    last: Option<f64>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    stream::send(call, this.0, data, first, last)
}

/// `connection:close()`
fn close(call: &mut Call, this: This) -> bool {
    call.charge_for_system_call();
    if let Some(socket) = this.0.descriptor.take() {
        let _ = this.0.with_connection(|connection| {
            connection.send_close_notify();
            flush(connection, &socket)
        });
        socket.close();
    }
    this.0.tls.replace(Tls::Closed);
    true
}

fn dirty(_: &mut Call, this: This) -> bool {
    this.0.is_dirty()
}

fn number(_: &mut Call, this: This) -> f64 {
    this.0.socket().map_or(INVALID, |socket| socket.number())
}

/// `connection:want()`: what the last operation that could not be completed waits for.
fn want(_: &mut Call, this: This) -> &'static str {
    match this.0.wanted.get() {
        None => "nothing",
        Some(interest) if interest.is_writable() => "write",
        Some(_) => "read",
    }
}

fn stats(_: &mut Call, this: This) -> (f64, f64, f64) {
    this.0.stream.stats()
}

fn set_stats(
    _: &mut Call,
    this: This,
    received: Option<f64>,
    sent: Option<f64>,
    age: Option<f64>,
) -> f64 {
    this.0.stream.set_stats(received, sent, age);
    1.0
}

fn set_timeout(
    _: &mut Call,
    this: This,
    seconds: Option<f64>,
    mode: Option<Name>,
) -> Result<f64, Error> {
    let mut timeout = this.0.timeout.get();
    let result = timeout.set(seconds, mode)?;
    this.0.timeout.set(timeout);
    Ok(result)
}

/// `connection:sni(name)` of a client; `connection:sni(contexts by name[, strict])` of a server.
fn set_name<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    name: Value<'c>,
    is_strict: Option<Value<'c>>,
) -> Result<(), Error> {
    if !this.0.is_server {
        let text = Name::from_lua(call, name)
            .ok_or_else(|| Error::argument(2, Name::refusal(name)))?;
        let text = String::from_utf8_lossy(text.bytes()).into_owned();
        this.0.name.replace(Some(text));
        return Ok(());
    }
    let Some(names) = Table::from_value(name) else {
        return Err(Error::argument(2, format!("table expected, got {}", name.type_name())));
    };
    if let Some(environment) = call.environment_of(this.1.value()) {
        environment.set_field(call, NAMES, names)?;
        let is_strict = is_strict.is_some_and(Value::is_truthy);
        environment.set_field(call, IS_STRICT, is_strict)?;
    }
    Ok(())
}

/// `connection:getsniname()`
fn name(_: &mut Call, this: This) -> Option<String> {
    this.0.name.borrow().clone()
}

/// `connection:getalpn()`
fn protocol<'c>(call: &mut Call<'c>, this: This<'c>) -> Result<Value<'c>, Error> {
    let protocol = this.0.with_connection(|connection| {
        connection.alpn_protocol().map(<[u8]>::to_vec)
    });
    match protocol.flatten() {
        Some(protocol) => Ok(call.string(&protocol)?.value()),
        None => Ok(Value::NIL),
    }
}

/// The certificates of the peer.
fn certificates(this: This) -> Vec<Vec<u8>> {
    let found = this.0.with_connection(|connection| {
        let chain = connection.peer_certificates().unwrap_or_default();
        chain.iter().map(|certificate| certificate.to_vec()).collect()
    });
    found.unwrap_or_default()
}

/// `connection:getpeercertificate([number])`: the peer's certificate, or another one of its chain.
fn peer_certificate<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    number: Option<f64>,
) -> Result<Value<'c>, Error> {
    let number = number.unwrap_or(1.0);
    if number < 1.0 {
        return Err(Error::argument(2, "invalid certificate index"));
    }
    let chain = certificates(this);
    call.charge_bytes(chain.iter().map(Vec::len).sum());
    match chain.into_iter().nth(number as usize - 1) {
        Some(der) => Ok(certificate::from_der(call, &der)?.unwrap_or(Value::NIL)),
        None => Ok(Value::NIL),
    }
}

/// `connection:getpeerchain()`: all certificates of the peer.
fn peer_chain<'c>(call: &mut Call<'c>, this: This<'c>) -> Result<Table<'c>, Error> {
    let chain = certificates(this);
    call.charge_bytes(chain.iter().map(Vec::len).sum());
    let list = call.table(chain.len(), 0)?;
    for (place, der) in (1usize..).zip(chain) {
        let certificate = certificate::from_der(call, &der)?.unwrap_or(Value::NIL);
        list.set_index(call, place, certificate)?;
    }
    Ok(list)
}

/// `connection:getpeerverification()`: true, or false and a list whose first element has the
/// reasons.
fn peer_verification<'c>(
    _: &mut Call<'c>,
    this: This<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let chain = certificates(this);
    Ok(asynchronous::run(move |lua| async move {
        let context = lua.slot();
        lua.with(|call| {
            let connection = Slot::argument(0).get(call);
            let value = field(call, connection, CONTEXT)?;
            context.set(call, value);
            Ok::<(), Error>(())
        })?;
        let parameters =
            with_context(&lua, context, |context| context.parameters.borrow().clone())?;
        let verified = in_pool(move || {
            let chain: Vec<_> = chain.into_iter().map(Into::into).collect();
            parameters.verify(&chain)
        });
        let verified = verified.await.map_err(|error| error.to_string()).flatten();
        lua.finish_with(|call| match verified {
            Ok(()) => Ok(vec![Value::boolean(true)]),
            Err(reason) => {
                let (errors, reasons) = (call.table(1, 0)?, call.table(1, 0)?);
                let reason = call.string(reason.as_bytes())?.value();
                reasons.set_index(call, 1, reason)?;
                errors.set_index(call, 1, reasons.value())?;
                Ok(vec![Value::boolean(false), errors.value()])
            }
        })
    }))
}

/// `connection:exportkeyingmaterial(label, length[, context])`
fn export_key<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    label: Name<'c>,
    length: f64,
    context: Option<Name<'c>>,
) -> Result<Vec<Value<'c>>, Error> {
    /// More is not useful as a key.
    const MAX: usize = 1 << 16;
    let mut key = vec![0; (length as usize).min(MAX)];
    call.charge_bytes(key.len());
    let context = context.map(Name::bytes);
    let exported = this.0.with_connection(|connection| {
        connection.export_keying_material(&mut key, label.bytes(), context).is_ok()
    });
    if exported == Some(true) {
        return Ok(vec![call.string(&key)?.value()]);
    }
    let reason = call.string(b"error exporting keying material")?.value();
    Ok(vec![Value::NIL, reason])
}

/// `info(connection)`: the cipher suite in OpenSSL's form, its bits twice, and the protocol.
pub(super) fn info<'c>(call: &mut Call<'c>, this: This<'c>) -> Result<Vec<Value<'c>>, Error> {
    let suite = this.0.with_connection(|connection| connection.negotiated_cipher_suite());
    let Some(cipher) = suite.flatten().and_then(|suite| describe(suite.suite())) else {
        return Ok(vec![Value::NIL]);
    };
    let text = format!(
        "{} {} Kx={} Au={} Enc={} Mac=AEAD\n",
        cipher.name, cipher.protocol, cipher.key_exchange, cipher.authentication, cipher.encryption
    );
    let text = call.string(text.as_bytes())?.value();
    let bits = Value::number(cipher.bits);
    let protocol = call.string(cipher.protocol.as_bytes())?.value();
    Ok(vec![text, bits, bits, protocol])
}

/// `compression(connection)`: there is none; nil and "closed" without a connection.
pub(super) fn compression<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
) -> Result<Vec<Value<'c>>, Error> {
    if this.0.with_connection(|_| ()).is_some() {
        return Ok(vec![Value::NIL]);
    }
    Ok(vec![Value::NIL, call.string(CLOSED.as_bytes())?.value()])
}
