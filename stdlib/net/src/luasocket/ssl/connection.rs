//! TLS connections, which take over the socket of a TCP connection.
//!
//! The environment table of a connection holds Lua values: its context, and the contexts of a
//! server's names.

use super::certificate;
use super::cipher::describe;
use super::context::{Context, Mode};
use super::parameters::reason;
use crate::luasocket::descriptor::{Descriptor, INVALID, find};
use crate::luasocket::failure::{CLOSED, message};
use crate::luasocket::object::{blocked, class, uninterrupted};
use crate::luasocket::stream::{self, Blocked, Stream, Transport};
use crate::luasocket::timeout::Timeout;
use rustls::Connection;
use rustls::server::Acceptor;
use socket2::Type;
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{Either, FromLua, Library, Results};
use solvm_vm::{Call, Data, Error, LuaString, Table, Userdata, Value};
use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use tokio::io::Interest;

/// The name of the class.
pub(super) const CLASS: &str = "SSL:Connection";

/// The fields of a connection's environment.
const CONTEXT: &str = "context";
pub(super) const NAMES: &str = "names";
pub(super) const IS_STRICT: &str = "strict";
/// Memory of a connection outside the heap: the buffers of rustls.
const CONNECTION_SIZE: usize = 48 << 10;
/// How much rustls buffers for writing.
pub(super) const RECORD: usize = 16 << 10;

/// The data of an object.
struct Secure(Rc<Inner>);

/// What the goroutines that use a connection share.
pub(in crate::luasocket) struct Inner {
    pub(super) is_server: bool,
    descriptor: RefCell<Option<Rc<Descriptor>>>,
    pub(super) tls: RefCell<Tls>,
    stream: Stream,
    pub(super) timeout: Cell<Timeout>,
    /// What the last operation waited for.
    pub(super) wanted: Cell<Option<Interest>>,
    /// The bytes that rustls has encrypted but the socket has not taken.
    pending: Cell<usize>,
    /// The name of a client's server.
    pub(super) name: RefCell<Option<String>>,
}

/// The state of the protocol.
pub(super) enum Tls {
    /// Before the handshake.
    New,
    /// A server waits for the client's first message.
    Accepting(Box<Acceptor>),
    Handshaking(Box<Connection>),
    Connected(Box<Connection>),
    Closed,
}

impl Data for Secure {
    fn external_size(&self) -> usize {
        CONNECTION_SIZE
    }
}

/// An argument that is a connection.
#[derive(Clone, Copy)]
pub(super) struct This<'c>(pub(super) &'c Rc<Inner>, Userdata<'c>);

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

/// Creates a connection without a socket.
pub(super) fn new<'c>(
    call: &mut Call<'c>,
    mode: Mode,
    context: Value<'c>,
    methods: &'static Library,
) -> Result<Value<'c>, Error> {
    let metatable = class(call, CLASS, methods)?;
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
    environment.set_field(call, CONTEXT, context)?;
    call.set_environment_of(connection, environment);
    Ok(connection)
}

/// `setfd(connection, number)`: takes over a socket.
pub(super) fn set_number<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    number: f64,
) -> Result<(), Error> {
    let descriptor = find(call, number, false, Type::STREAM)?;
    this.0.descriptor.replace(descriptor);
    Ok(())
}

pub(super) fn to_string(_: &mut Call, this: This) -> String {
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

    pub(super) fn with_connection<T>(&self, f: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        match &mut *self.tls.borrow_mut() {
            Tls::Handshaking(connection) | Tls::Connected(connection) => Some(f(connection)),
            _ => None,
        }
    }

    /// Ends the handshake or the connection.
    pub(super) fn fail(&self, error: &rustls::Error, socket: &Descriptor) -> Blocked {
        // The peer gets the reason, if it still listens.
        let _ = self.with_connection(|connection| flush(connection, socket));
        self.tls.replace(Tls::Closed);
        Blocked::Failed(reason(error))
    }
}

/// Writes what rustls has to send.
pub(super) fn flush(connection: &mut Connection, socket: &Descriptor) -> Result<(), Blocked> {
    while connection.wants_write() {
        let mut to = socket.socket();
        uninterrupted(|| connection.write_tls(&mut to))
            .map_err(|error| blocked(&error, Interest::WRITABLE))?;
    }
    Ok(())
}

/// Reads what the peer has sent, and returns the number of bytes, or the error of the protocol.
pub(super) fn fill(
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

/// A slot with the context of the connection that is the first argument of a native that waits.
pub(super) fn context_of(lua: &Lua) -> Result<Slot, Error> {
    let context = lua.slot();
    lua.with(|call| {
        let connection = Slot::argument(0).get(call);
        let value = field(call, connection, CONTEXT)?;
        context.set(call, value);
        Ok(context)
    })
}

/// The context of a connection, inside a native that waits: what `f` needs of it.
pub(super) fn with_context<T>(
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
pub(super) fn field<'c>(
    call: &mut Call<'c>,
    connection: Value<'c>,
    name: &str,
) -> Result<Value<'c>, Error> {
    let key = call.string(name.as_bytes())?;
    let environment = call.environment_of(connection);
    Ok(environment.map_or(Value::NIL, |environment| environment.get(key)))
}

/// `connection:receive([pattern[, prefix]])`
pub(super) fn receive<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    pattern: Option<Value<'c>>,
    prefix: Option<LuaString<'c>>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    stream::receive(call, this.0, pattern, prefix)
}

/// `connection:send(data[, first[, last]])`
pub(super) fn send<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    data: LuaString<'c>,
    first: Option<f64>,
    last: Option<f64>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    stream::send(call, this.0, data, first, last)
}

/// `connection:close()`
pub(super) fn close(call: &mut Call, this: This) -> bool {
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

pub(super) fn dirty(_: &mut Call, this: This) -> bool {
    this.0.is_dirty()
}

pub(super) fn number(_: &mut Call, this: This) -> f64 {
    this.0.socket().map_or(INVALID, |socket| socket.number())
}

/// `connection:want()`: what the last operation that could not be completed waits for.
pub(super) fn want(_: &mut Call, this: This) -> &'static str {
    match this.0.wanted.get() {
        None => "nothing",
        Some(interest) if interest.is_writable() => "write",
        Some(_) => "read",
    }
}

pub(super) fn stats(_: &mut Call, this: This) -> (f64, f64, f64) {
    this.0.stream.stats()
}

pub(super) fn set_stats(
    _: &mut Call,
    this: This,
    received: Option<f64>,
    sent: Option<f64>,
    age: Option<f64>,
) -> f64 {
    this.0.stream.set_stats(received, sent, age);
    1.0
}

pub(super) fn set_timeout(
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
pub(super) fn set_name<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    name: Value<'c>,
    is_strict: Option<Value<'c>>,
) -> Result<(), Error> {
    if !this.0.is_server {
        let text =
            Name::from_lua(call, name).ok_or_else(|| Error::argument(2, Name::refusal(name)))?;
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
pub(super) fn name(_: &mut Call, this: This) -> Option<String> {
    this.0.name.borrow().clone()
}

/// `connection:getalpn()`
pub(super) fn protocol<'c>(call: &mut Call<'c>, this: This<'c>) -> Result<Value<'c>, Error> {
    let protocol =
        this.0.with_connection(|connection| connection.alpn_protocol().map(<[u8]>::to_vec));
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
pub(super) fn peer_certificate<'c>(
    call: &mut Call<'c>,
    this: This<'c>,
    number: Option<f64>,
) -> Result<Value<'c>, Error> {
    let Some(index) = (number.unwrap_or(1.0) as usize).checked_sub(1) else {
        return Err(Error::argument(2, "invalid certificate index"));
    };
    let chain = certificates(this);
    call.charge_bytes(chain.iter().map(Vec::len).sum());
    match chain.into_iter().nth(index) {
        Some(der) => Ok(certificate::from_der(call, &der)?.unwrap_or(Value::NIL)),
        None => Ok(Value::NIL),
    }
}

/// `connection:getpeerchain()`: all certificates of the peer.
pub(super) fn peer_chain<'c>(call: &mut Call<'c>, this: This<'c>) -> Result<Table<'c>, Error> {
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
pub(super) fn peer_verification<'c>(
    _: &mut Call<'c>,
    this: This<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let chain = certificates(this);
    Ok(asynchronous::run(move |lua| async move {
        let context = context_of(&lua)?;
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
pub(super) fn export_key<'c>(
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
