//! Socket objects: userdata whose class, such as `tcp{client}`, changes with their use.
//!
//! Invariant: the metatable of an object is that of its class, whose `__index` is a table of the
//! methods with the field `class`, as programs written for LuaSocket expect. A method checks the
//! class by the object's data, not by its metatable.

use super::descriptor::{self, Descriptor, INVALID, SOCKET_SIZE};
use super::failure::message;
use super::stream::{Blocked, Stream, Transport};
use super::timeout::Timeout;
use socket2::{Domain, Type};
use solvm_runtime::name::Name;
use solvm_runtime::registry::registry_table;
use solvm_vm::native::Library;
use solvm_vm::{Call, Data, Error, Table, Userdata, Value};
use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;
use tokio::io::Interest;

/// The kind of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    UnixStream,
    UnixDatagram,
}

/// What a socket is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Master,
    Client,
    Server,
    Unconnected,
    Connected,
}

/// The family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Unspecified,
    V4,
    V6,
}

/// The data of an object.
pub(super) struct Socket(pub(super) Rc<Inner>);

/// What the goroutines that use a socket share.
pub(super) struct Inner {
    pub(super) protocol: Protocol,
    pub(super) role: Cell<Role>,
    pub(super) family: Cell<Family>,
    pub(super) timeout: Cell<Timeout>,
    pub(super) stream: Stream,
    methods: &'static Library,
    /// None before the family is known, and after it was closed.
    descriptor: RefCell<Option<Rc<Descriptor>>>,
}

impl Data for Socket {
    fn external_size(&self) -> usize {
        SOCKET_SIZE
    }
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::UnixStream => "unixstream",
            Protocol::UnixDatagram => "unixdgram",
        }
    }

    pub(super) fn kind(self) -> Type {
        match self {
            Protocol::Tcp | Protocol::UnixStream => Type::STREAM,
            Protocol::Udp | Protocol::UnixDatagram => Type::DGRAM,
        }
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Client => "client",
            Role::Server => "server",
            Role::Unconnected => "unconnected",
            Role::Connected => "connected",
        }
    }
}

impl Family {
    pub(super) fn domain(self) -> Domain {
        if self == Family::V6 { Domain::IPV6 } else { Domain::IPV4 }
    }

    /// The name in the results of `getsockname`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Family::Unspecified => "unspec",
            Family::V4 => "inet",
            Family::V6 => "inet6",
        }
    }
}

/// The registry key of the table of metatables.
const CLASSES: &str = "luasocket classes";

fn class_name(protocol: Protocol, role: Role) -> String {
    format!("{}{{{}}}", protocol.name(), role.name())
}

/// Returns the metatable of a class, which is created on first use: `methods` whose names start
/// with `__` are metamethods, the others are in the table `__index`.
pub(super) fn class<'c>(
    call: &mut Call<'c>,
    name: &str,
    methods: &'static Library,
) -> Result<Table<'c>, Error> {
    let classes = registry_table(call, CLASSES)?;
    let key = call.string(name.as_bytes())?;
    if let Some(metatable) = Table::from_value(classes.get(key)) {
        return Ok(metatable);
    }
    let metatable = call.table(0, 4)?;
    let index = call.table(0, methods.functions.len().saturating_add(1))?;
    for definition in methods.functions.iter() {
        let method = call.function(definition, &[]);
        let owner = if definition.name.starts_with("__") { metatable } else { index };
        owner.set_field(call, definition.name, method)?;
    }
    for (alias, name) in methods.aliases {
        let key = call.string(name.as_bytes())?;
        index.set_field(call, alias, index.get(key))?;
    }
    index.set_field(call, "class", name)?;
    metatable.set_field(call, "__index", index)?;
    classes.set(call, key.value(), metatable.value())?;
    Ok(metatable)
}

/// Creates an object.
pub(super) fn new<'c>(
    call: &mut Call<'c>,
    protocol: Protocol,
    role: Role,
    methods: &'static Library,
    family: Family,
    descriptor: Option<Rc<Descriptor>>,
) -> Result<Userdata<'c>, Error> {
    let metatable = class(call, &class_name(protocol, role), methods)?;
    let inner = Inner {
        protocol,
        role: Cell::new(role),
        family: Cell::new(family),
        timeout: Cell::default(),
        stream: Stream::new(call),
        methods,
        descriptor: RefCell::new(descriptor),
    };
    Ok(call.userdata(Socket(Rc::new(inner)), Some(metatable)))
}

/// Changes what an object is used for.
pub(super) fn become_role<'c>(
    call: &mut Call<'c>,
    object: Value<'c>,
    role: Role,
) -> Result<(), Error> {
    let Some(socket) = Userdata::from_value(object).and_then(Userdata::get::<Socket>) else {
        return Ok(());
    };
    let inner = &socket.0;
    inner.role.set(role);
    let metatable = class(call, &class_name(inner.protocol, role), inner.methods)?;
    call.set_metatable(object, Some(metatable));
    Ok(())
}

/// Returns the socket of the first argument, whatever it is used for.
pub(super) fn any<'c>(object: Value<'c>, protocol: Protocol) -> Result<&'c Rc<Inner>, Error> {
    let socket = Userdata::from_value(object).and_then(Userdata::get::<Socket>);
    match socket {
        Some(socket) if socket.0.protocol == protocol => Ok(&socket.0),
        _ => Err(Error::argument(1, format!("{}{{any}} expected", protocol.name()))),
    }
}

/// Returns the socket of the first argument, which must be used for this.
pub(super) fn of<'c>(
    object: Value<'c>,
    protocol: Protocol,
    role: Role,
) -> Result<&'c Rc<Inner>, Error> {
    match any(object, protocol) {
        Ok(inner) if inner.role.get() == role => Ok(inner),
        _ => Err(Error::argument(1, format!("{} expected", class_name(protocol, role)))),
    }
}

/// Returns the socket of a value, if it is a socket object.
pub(super) fn from_value<'c>(value: Value<'c>) -> Option<&'c Rc<Inner>> {
    Userdata::from_value(value)?.get::<Socket>().map(|socket| &socket.0)
}

/// `__tostring` of all classes.
pub(super) fn to_string(_: &mut Call, object: Value) -> String {
    match from_value(object) {
        Some(inner) => {
            format!("{}: {:#x}", class_name(inner.protocol, inner.role.get()), object.address())
        }
        None => "not a socket".into(),
    }
}

impl Inner {
    pub(super) fn descriptor(&self) -> Option<Rc<Descriptor>> {
        self.descriptor.borrow().clone()
    }

    pub(super) fn set_descriptor(&self, descriptor: Option<Rc<Descriptor>>) {
        self.descriptor.replace(descriptor);
    }

    /// Closes the socket and ends all waits for it.
    pub(super) fn close(&self) {
        if let Some(descriptor) = self.descriptor.take() {
            descriptor.close();
        }
    }

    /// Returns the socket, which is created if there is none.
    pub(super) fn open(&self, call: &mut Call, domain: Domain) -> Result<Rc<Descriptor>, String> {
        if let Some(descriptor) = self.descriptor() {
            return Ok(descriptor);
        }
        let created = descriptor::create(call, domain, self.protocol.kind());
        let descriptor = created.map_err(|error| message(&error))?;
        self.set_descriptor(Some(descriptor.clone()));
        Ok(descriptor)
    }

    /// `getfd`.
    pub(super) fn number(&self) -> f64 {
        self.descriptor.borrow().as_ref().map_or(INVALID, |descriptor| descriptor.number())
    }

    /// `setfd`: takes over another object's socket, or gives its own up.
    pub(super) fn set_number(&self, call: &mut Call, number: f64) -> Result<(), Error> {
        let is_unix = matches!(self.protocol, Protocol::UnixStream | Protocol::UnixDatagram);
        let descriptor = descriptor::find(call, number, is_unix, self.protocol.kind())?;
        self.set_descriptor(descriptor);
        Ok(())
    }

    /// `settimeout`.
    pub(super) fn set_timeout(
        &self,
        seconds: Option<f64>,
        mode: Option<Name<'_>>,
    ) -> Result<f64, Error> {
        let mut timeout = self.timeout.get();
        let result = timeout.set(seconds, mode)?;
        self.timeout.set(timeout);
        Ok(result)
    }
}

/// The error of an operation on a socket, as a reason to wait or to fail.
pub(super) fn blocked(error: &io::Error, interest: Interest) -> Blocked {
    match error.kind() {
        io::ErrorKind::WouldBlock => Blocked::Wait(interest),
        _ => Blocked::Failed(message(error)),
    }
}

/// Repeats an operation that a signal interrupts.
pub(super) fn uninterrupted<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl Transport for Inner {
    fn stream(&self) -> &Stream {
        &self.stream
    }

    fn timeout(&self) -> Timeout {
        self.timeout.get()
    }

    fn descriptor(&self) -> Option<Rc<Descriptor>> {
        Inner::descriptor(self)
    }

    fn read(&self, from: &Descriptor, into: &mut [u8]) -> Result<usize, Blocked> {
        uninterrupted(|| from.socket().read(into))
            .map_err(|error| blocked(&error, Interest::READABLE))
    }

    fn write(&self, to: &Descriptor, data: &[u8]) -> Result<usize, Blocked> {
        uninterrupted(|| to.socket().send(data))
            .map_err(|error| blocked(&error, Interest::WRITABLE))
    }
}
