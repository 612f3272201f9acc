//! Open sockets by their descriptors, and waiting for them.
//!
//! Invariant: every descriptor that a program sees belongs to a [`Descriptor`] of the same program;
//! `setfd` and `select` look numbers up in the [`Registry`] and never adopt others. A socket is
//! registered with tokio only when an operation has to wait, and again after `connect`: epoll
//! reports an unconnected socket as closed, which tokio would remember.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};
use solvm_runtime::Host;
use solvm_runtime::deadline::TimeoutPause;
pub(super) use solvm_runtime::host::network::allow_many_connections;
use solvm_vm::{Call, Error};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::{Rc, Weak};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio_util::sync::CancellationToken;

/// Approximate memory of an open socket outside the heap.
pub(super) const SOCKET_SIZE: usize = 4096;
/// The number of a closed socket.
pub(super) const INVALID: f64 = -1.0;

/// An open socket. It is closed with its last owner.
pub(super) struct Descriptor {
    socket: Rc<Socket>,
    /// The registration with tokio.
    registration: RefCell<Option<Rc<AsyncFd<Rc<Socket>>>>>,
    /// Cancelled to end all waits when the socket is closed.
    pub(super) closing: CancellationToken,
    /// A socket that others connect or send to pauses the default time limit.
    serving: RefCell<Option<TimeoutPause>>,
    registry: Rc<Registry>,
}

/// The program's open sockets by number.
#[derive(Default)]
struct Registry(RefCell<HashMap<RawFd, Weak<Descriptor>>>);

fn registry(call: &mut Call) -> Rc<Registry> {
    call.host::<Host>().map(|host| host.state::<Rc<Registry>>().clone()).unwrap_or_default()
}

/// Returns an open socket by its number.
pub(super) fn find_any(call: &mut Call, number: f64) -> Option<Rc<Descriptor>> {
    let key = number as RawFd;
    if f64::from(key) != number {
        return None;
    }
    registry(call).0.borrow().get(&key)?.upgrade()
}

/// Returns the socket that `setfd` gives an object, none for a negative number. It must be of the
/// object's kind: permissions are those of the object's functions.
pub(super) fn find(
    call: &mut Call,
    number: f64,
    is_unix: bool,
    kind: Type,
) -> Result<Option<Rc<Descriptor>>, Error> {
    if number < 0.0 {
        return Ok(None);
    }
    let found = find_any(call, number).filter(|descriptor| {
        let socket = descriptor.socket();
        socket.local_addr().is_ok_and(|address| address.is_unix() == is_unix)
            && socket.r#type().is_ok_and(|found| found == kind)
    });
    match found {
        Some(descriptor) => Ok(Some(descriptor)),
        None => Err(Error::argument(2, "descriptor of an open socket of the same kind expected")),
    }
}

/// Creates a socket.
pub(super) fn create(call: &mut Call, domain: Domain, kind: Type) -> io::Result<Rc<Descriptor>> {
    allow_many_connections();
    let socket = Socket::new(domain, kind, None)?;
    if domain == Domain::IPV6 {
        // As in LuaSocket: the same port of IPv4 is separate.
        let _ = socket.set_only_v6(true);
    }
    adopt(call, socket)
}

/// Makes a socket the program's.
pub(super) fn adopt(call: &mut Call, socket: Socket) -> io::Result<Rc<Descriptor>> {
    socket.set_nonblocking(true)?;
    let registry = registry(call);
    let number = socket.as_raw_fd();
    let descriptor = Rc::new(Descriptor {
        socket: Rc::new(socket),
        registration: RefCell::new(None),
        closing: CancellationToken::new(),
        serving: RefCell::new(None),
        registry: registry.clone(),
    });
    registry.0.borrow_mut().insert(number, Rc::downgrade(&descriptor));
    Ok(descriptor)
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.registry.0.borrow_mut().remove(&self.socket.as_raw_fd());
    }
}

impl Descriptor {
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The number for programs.
    pub(super) fn number(&self) -> f64 {
        f64::from(self.socket.as_raw_fd())
    }

    /// Others may connect or send to it from now on.
    pub(super) fn serve(&self, call: &mut Call) {
        let pause = call.host::<Host>().map(|host| host.deadline.pause_timeout());
        self.serving.replace(pause);
    }

    /// Ends all waits. The socket is closed when they have ended.
    pub(super) fn close(&self) {
        self.serving.take();
        self.closing.cancel();
    }

    /// Forgets what is known about the socket's state, which `connect` changes.
    pub(super) fn forget_readiness(&self) {
        self.registration.take();
    }

    /// Waits until an operation that would have blocked may succeed; it is to be tried again.
    #[expect(
        deprecated,
        reason = "unsound only for types whose descriptor changes; that of a socket does not"
    )]
    pub(super) async fn ready(&self, interest: Interest) -> io::Result<()> {
        let known = self.registration.borrow().clone();
        let registration = match known {
            Some(registration) => registration,
            None => {
                let both = Interest::READABLE | Interest::WRITABLE;
                let new = Rc::new(AsyncFd::with_interest(self.socket.clone(), both)?);
                self.registration.replace(Some(new.clone()));
                new
            }
        };
        let mut guard = registration.ready(interest).await?;
        // What arrives after this is reported again.
        guard.clear_ready();
        Ok(())
    }
}

/// Checks which sockets are readable, or writable, without waiting. One that has failed is both.
pub(super) fn poll_now(sockets: &[Rc<Descriptor>], wanted: Interest) -> io::Result<Vec<bool>> {
    let wanted = if wanted.is_readable() { PollFlags::IN } else { PollFlags::OUT };
    let mut polled: Vec<PollFd<'_>> =
        sockets.iter().map(|socket| PollFd::new(socket.socket(), wanted)).collect();
    poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    let any = wanted | PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    Ok(polled.iter().map(|socket| socket.revents().intersects(any)).collect())
}
