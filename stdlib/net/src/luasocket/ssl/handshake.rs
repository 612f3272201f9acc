//! Handshakes: of clients, and of servers, which choose a context and a protocol for the client's
//! first message.

use super::connection::{
    IS_STRICT, Inner, NAMES, RECORD, This, Tls, context_of, field, fill, flush, with_context,
};
use super::context::{CHOOSES_PROTOCOL, Context, decode_protocols};
use super::parameters::{Parameters, reason};
use crate::luasocket::descriptor::Descriptor;
use crate::luasocket::failure::{CLOSED, message};
use crate::luasocket::object::{blocked, uninterrupted};
use crate::luasocket::stream::{Blocked, Transport};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::Accepted;
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{FromLua, Results};
use solvm_vm::{Call, Error, Table, Userdata, Value};
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::Interest;

/// How far a handshake has come.
enum Progress {
    Done,
    Hello(Box<Accepted>),
    Blocked(Blocked),
}

impl Inner {
    /// Continues the handshake as far as possible without waiting.
    fn advance(&self, socket: &Descriptor) -> Progress {
        let is_accepting = matches!(*self.tls.borrow(), Tls::Accepting(_));
        if is_accepting {
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

/// `connection:dohandshake()`: returns true, or false and the reason.
pub(super) fn handshake<'c>(
    _: &mut Call<'c>,
    this: This<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let inner = this.0.clone();
    Ok(asynchronous::run(move |lua| async move {
        let _pause = lua.with(|call| inner.timeout.get().start().pause(call));
        let result = shake_hands(&lua, &inner).await?;
        lua.finish_with(|call| match result {
            Ok(()) => Ok(vec![Value::boolean(true)]),
            Err(reason) => Ok(vec![Value::boolean(false), call.string(reason.as_bytes())?.value()]),
        })
    }))
}

async fn shake_hands(lua: &Lua, inner: &Rc<Inner>) -> Result<Result<(), String>, Error> {
    let timer = inner.timeout.get().start();
    let context = context_of(lua)?;
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
        let clients = context.clients.borrow();
        let known = clients.iter().find(|(named, _)| *named == has_name);
        (context.parameters.borrow().clone(), known.map(|(_, config)| config.clone()))
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
                context.clients.borrow_mut().push((has_name, config.clone()));
            })?;
            config
        }
    };
    // An address as the name: then the handshake has none.
    let name = name.unwrap_or_else(|| "0.0.0.0".into());
    let connection = ServerName::try_from(name)
        .map_err(|_| String::from("invalid server name"))
        .and_then(|name| ClientConnection::new(config, name).map_err(|error| reason(&error)));
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
    let offered: Vec<Vec<u8>> = hello.alpn().into_iter().flatten().map(<[u8]>::to_vec).collect();
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
