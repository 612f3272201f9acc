//! Binding and connecting: what TCP, UDP and Unix sockets have in common.

use super::address::to_bind;
use super::address::to_connect;
use super::descriptor::Descriptor;
use super::failure::{CLOSED, TIMEOUT, message};
use super::object::{Family, Inner, Protocol, uninterrupted};
use super::timeout::Timer;
use crate::sockets::network;
use rustix::io::Errno;
use socket2::SockAddr;
use solvm_runtime::host::Network;
use solvm_vm::Call;
use solvm_vm::native::asynchronous::Lua;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::Interest;

/// A host and a port.
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

/// The program's network, inside a native that waits.
pub(super) fn network_of(lua: &Lua) -> Result<Arc<dyn Network>, String> {
    lua.with(|call| network(call).map_err(|error| error.to_string()))
}

impl Inner {
    /// The socket for an address: a socket of another family is replaced.
    fn open_for(&self, call: &mut Call, address: &SocketAddr) -> Result<Rc<Descriptor>, String> {
        let family = Family::of(address);
        let is_other = self.descriptor().is_some_and(|descriptor| {
            let local = descriptor.socket().local_addr().ok();
            local.is_some_and(|local| local.domain() != family.domain())
        });
        if is_other {
            self.close();
        }
        self.open(call, family.domain())
    }

    /// Binds it to the first possible address of a host.
    pub(super) async fn bind(&self, lua: &Lua, place: &Place) -> Result<(), String> {
        let network = network_of(lua)?;
        let found = to_bind(&*network, &place.host, place.port, self.family.get()).await?;
        let mut last = String::from(CLOSED);
        for address in found {
            let descriptor = match lua.with(|call| self.open_for(call, &address)) {
                Ok(descriptor) => descriptor,
                Err(reason) => {
                    last = reason;
                    continue;
                }
            };
            descriptor.forget_readiness();
            match descriptor.socket().bind(&address.into()) {
                Ok(()) => {
                    self.family.set(Family::of(&address));
                    if self.protocol == Protocol::Udp {
                        lua.with(|call| descriptor.serve(call));
                    }
                    return Ok(());
                }
                Err(error) => last = message(&error),
            }
        }
        Err(last)
    }

    /// Connects it to the first address of a host that accepts. The time limit holds for each of
    /// them.
    pub(super) async fn connect(&self, lua: &Lua, place: &Place) -> Result<(), String> {
        let network = network_of(lua)?;
        let found = to_connect(&*network, &place.host, place.port, self.family.get()).await?;
        let mut last = String::from(CLOSED);
        for address in found {
            let timer = self.timeout.get().start();
            let descriptor = match lua.with(|call| self.open_for(call, &address)) {
                Ok(descriptor) => descriptor,
                Err(reason) => {
                    last = reason;
                    continue;
                }
            };
            let result = connect_to(&descriptor, &address.into(), timer).await;
            if result.is_ok() || timer.is_zero() {
                self.family.set(Family::of(&address));
            }
            match result {
                Ok(()) => return Ok(()),
                Err(reason) if timer.is_zero() => return Err(reason),
                Err(reason) => last = reason,
            }
        }
        Err(last)
    }
}

/// Connects a socket.
pub(super) async fn connect_to(
    descriptor: &Descriptor,
    address: &SockAddr,
    timer: Timer,
) -> Result<(), String> {
    descriptor.forget_readiness();
    match uninterrupted(|| descriptor.socket().connect(address)) {
        Ok(()) => return Ok(()),
        Err(error) if is_in_progress(&error) => {}
        Err(error) => return Err(message(&error)),
    }
    loop {
        let ready = timer.wait(descriptor.ready(Interest::WRITABLE));
        match descriptor.closing.run_until_cancelled(ready).await {
            None => return Err(CLOSED.into()),
            Some(None) => return Err(TIMEOUT.into()),
            Some(Some(Err(error))) => return Err(message(&error)),
            Some(Some(Ok(()))) => {}
        }
        match descriptor.socket().take_error() {
            Ok(None) if descriptor.socket().peer_addr().is_err() => {}
            Ok(None) => return Ok(()),
            Ok(Some(error)) | Err(error) => return Err(message(&error)),
        }
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error())
}

/// Accepts a connection, waiting for one.
pub(super) async fn accept(
    descriptor: &Descriptor,
    timer: Timer,
) -> Result<socket2::Socket, String> {
    loop {
        match uninterrupted(|| descriptor.socket().accept()) {
            Ok((socket, _)) => return Ok(socket),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                return Err(message(&error));
            }
            Err(_) => {}
        }
        let ready = timer.wait(descriptor.ready(Interest::READABLE));
        match descriptor.closing.run_until_cancelled(ready).await {
            None => return Err(CLOSED.into()),
            Some(None) => return Err(TIMEOUT.into()),
            Some(Some(Err(error))) => return Err(message(&error)),
            Some(Some(Ok(()))) => {}
        }
    }
}
