//! Buffered streams: `send` and `receive` of TCP, Unix and TLS connections.
//!
//! Invariant: a receive takes nothing from the buffer before it has all it needs, or fails: then
//! the program gets what has arrived as a partial result. So a call that is repeated for lack of
//! memory finds the same data. What arrives beyond [`CHUNK`] is a load of the peer.

use super::descriptor::Descriptor;
use super::failure::{CLOSED, TIMEOUT};
use super::timeout::{Timeout, Timer};
use crate::sockets::peers;
use crate::sockets::peers::{Load, Peer};
use bytes::BytesMut;
use futures_util::future::{Either as First, select};
use solvm_runtime::name::Name;
use solvm_vm::native::asynchronous::{self, Lua, Slot};
use solvm_vm::native::{Either, FromLua, Results};
use solvm_vm::{Call, Error, LuaString, Value};
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::yield_now;
use tokio::time::Instant;

/// The size of a read, as in LuaSocket.
pub(super) const CHUNK: usize = 8192;
/// How much is transferred between two checks of the budget.
const SLICE: usize = 1 << 18;

/// Why an operation did not transfer anything.
pub(super) enum Blocked {
    /// It has to wait.
    Wait(Interest),
    Failed(String),
}

/// A connection whose data is transferred by a [`Stream`].
pub(super) trait Transport: 'static {
    fn stream(&self) -> &Stream;
    fn timeout(&self) -> Timeout;
    /// The open socket.
    fn descriptor(&self) -> Option<Rc<Descriptor>>;
    /// Reads some bytes; 0 at the end of the stream.
    fn read(&self, from: &Descriptor, into: &mut [u8]) -> Result<usize, Blocked>;
    /// Writes some bytes.
    fn write(&self, to: &Descriptor, data: &[u8]) -> Result<usize, Blocked>;
    /// The message of an operation that would have had to wait longer.
    fn late(&self, _: Interest) -> &'static str {
        TIMEOUT
    }
}

/// The state of a connection's data.
pub(super) struct Stream {
    /// Data that the program has not read; locked by the reading goroutine.
    received: Mutex<Received>,
    /// Locked by the writing goroutine.
    writing: Mutex<()>,
    is_dirty: Cell<bool>,
    peer: Arc<Peer>,
    /// `getstats`.
    bytes_received: Cell<f64>,
    bytes_sent: Cell<f64>,
    since: Cell<Instant>,
    /// The age that `setstats` has set, in addition to the time since then.
    age: Cell<f64>,
}

struct Received {
    bytes: BytesMut,
    load: Load,
}

/// What a receive needs.
#[derive(Clone, Copy)]
enum Pattern {
    Line,
    All,
    /// This number of bytes in addition to the prefix.
    Bytes(usize),
    /// Nothing: the prefix is enough.
    Nothing,
}

/// How a receive ends.
enum Ending {
    /// The first bytes complete it.
    Complete(usize),
    Failed(String),
}

/// How far an attempt to receive has come.
enum Progress {
    Ended(Ending),
    Wait(Interest),
    /// More may be there, but the buffer is to be accounted for, or others are to run.
    Continue,
}

impl Pattern {
    /// The argument of `receive`; `prefix` is the length of the next one.
    fn of(call: &mut Call, value: Value<'_>, prefix: usize) -> Result<Pattern, Error> {
        let invalid = || Error::argument(2, "invalid receive pattern");
        if let Some(count) = value.to_number() {
            if count.is_nan() || count < 0.0 {
                return Err(invalid());
            }
            let wanted = count as usize;
            return Ok(match wanted.checked_sub(prefix) {
                Some(missing) if prefix == 0 || missing > 0 => Pattern::Bytes(missing),
                _ => Pattern::Nothing,
            });
        }
        if value.is_nil() {
            return Ok(Pattern::Line);
        }
        let Some(text) = LuaString::from_value(value) else {
            return Err(Error::argument(2, Name::refusal(value)));
        };
        call.charge(1);
        match text.bytes() {
            [b'*', b'l', ..] => Ok(Pattern::Line),
            [b'*', b'a', ..] => Ok(Pattern::All),
            _ => Err(invalid()),
        }
    }

    /// The number of received bytes that complete it. The first `searched` have been searched.
    fn complete(self, received: &[u8], searched: usize) -> Option<usize> {
        match self {
            Pattern::Line => {
                let end = memchr::memchr(b'\n', received.get(searched..)?)?;
                end.checked_add(searched)?.checked_add(1)
            }
            Pattern::All => None,
            // Even nothing is received only if the connection has data.
            Pattern::Bytes(count) => (received.len() >= count.max(1)).then_some(count),
            Pattern::Nothing => Some(0),
        }
    }

    /// Adds received bytes to the result, in which lines have no ends.
    fn add(self, result: &mut Vec<u8>, bytes: &[u8]) {
        match self {
            Pattern::Line => {
                result.extend(bytes.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')));
            }
            _ => result.extend_from_slice(bytes),
        }
    }
}

impl Stream {
    pub(super) fn new(call: &mut Call) -> Stream {
        let peer = peers(call).add_uncounted();
        Stream {
            received: Mutex::new(Received { bytes: BytesMut::new(), load: peer.nothing() }),
            writing: Mutex::new(()),
            is_dirty: Cell::new(false),
            peer,
            bytes_received: Cell::new(0.0),
            bytes_sent: Cell::new(0.0),
            since: Cell::new(Instant::now()),
            age: Cell::new(0.0),
        }
    }

    /// Whether there is data that was received but not read.
    pub(super) fn is_dirty(&self) -> bool {
        self.is_dirty.get()
    }

    /// `getstats`: the bytes received and sent, and the age in seconds.
    pub(super) fn stats(&self) -> (f64, f64, f64) {
        let age = self.since.get().elapsed().as_secs_f64() + self.age.get();
        (self.bytes_received.get(), self.bytes_sent.get(), age)
    }

    /// `setstats`.
    pub(super) fn set_stats(&self, received: Option<f64>, sent: Option<f64>, age: Option<f64>) {
        self.bytes_received.set(received.map_or(self.bytes_received.get(), f64::trunc));
        self.bytes_sent.set(sent.map_or(self.bytes_sent.get(), f64::trunc));
        if let Some(age) = age {
            self.since.set(Instant::now());
            self.age.set(age);
        }
    }

    /// Reads until a receive can end or has to wait.
    fn attempt(
        &self,
        transport: &impl Transport,
        descriptor: &Descriptor,
        received: &mut Received,
        pattern: Pattern,
        searched: &mut usize,
    ) -> Progress {
        let mut room = [0; CHUNK];
        let mut transferred = 0usize;
        loop {
            if let Some(count) = pattern.complete(&received.bytes, *searched) {
                return Progress::Ended(Ending::Complete(count));
            }
            *searched = received.bytes.len();
            let is_unaccounted = received.bytes.len() > received.load.bytes().saturating_add(CHUNK);
            let size = received.bytes.len().saturating_mul(2);
            if transferred >= SLICE || is_unaccounted && received.load.grow_to(size).is_err() {
                return Progress::Continue;
            }
            match transport.read(descriptor, &mut room) {
                Ok(0) => {
                    let all = received.bytes.len();
                    return Progress::Ended(match pattern {
                        Pattern::All if all > 0 => Ending::Complete(all),
                        _ => Ending::Failed(CLOSED.into()),
                    });
                }
                Ok(count) => {
                    self.peer.moved(count);
                    transferred = transferred.saturating_add(count);
                    received.bytes.extend_from_slice(room.get(..count).unwrap_or_default());
                    self.is_dirty.set(true);
                }
                Err(Blocked::Wait(interest)) => return Progress::Wait(interest),
                Err(Blocked::Failed(reason)) => return Progress::Ended(Ending::Failed(reason)),
            }
        }
    }

    /// Returns the results of a receive and takes what they contain from the buffer.
    fn deliver<'c>(
        &self,
        call: &mut Call<'c>,
        received: &mut Received,
        pattern: Pattern,
        prefix: Value<'c>,
        ending: Ending,
    ) -> Result<Vec<Value<'c>>, Error> {
        let (count, failure) = match ending {
            Ending::Complete(count) => (count, None),
            Ending::Failed(reason) => (received.bytes.len(), Some(reason)),
        };
        let bytes = received.bytes.get(..count).unwrap_or_default();
        call.charge_bytes(count);
        let prefix = call.coerced_string(prefix).map_or(&b""[..], LuaString::bytes);
        let text = match pattern {
            Pattern::Bytes(_) | Pattern::All if prefix.is_empty() => call.string(bytes)?,
            _ => {
                call.charge_bytes(prefix.len());
                let size = count.saturating_add(prefix.len());
                let mut text = solvm_runtime::buffer::with_room(call, size)?;
                text.extend_from_slice(prefix);
                pattern.add(&mut text, bytes);
                call.string(&text)?
            }
        };
        let results = match failure {
            None => vec![text.value()],
            Some(reason) => {
                vec![Value::NIL, call.string(reason.as_bytes())?.value(), text.value()]
            }
        };
        let _ = received.bytes.split_to(count);
        if received.bytes.is_empty() {
            received.bytes = BytesMut::new();
        }
        received.load.set_existing(received.bytes.len().saturating_sub(CHUNK));
        self.bytes_received.set(self.bytes_received.get() + count as f64);
        self.is_dirty.set(!received.bytes.is_empty());
        Ok(results)
    }
}

/// `receive([pattern[, prefix]])`, of the object that is the first argument.
pub(super) fn receive<'c, T: Transport>(
    call: &mut Call<'c>,
    transport: &Rc<T>,
    pattern: Option<Value<'c>>,
    prefix: Option<LuaString<'c>>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, T>>, Error> {
    let length = prefix.map_or(0, |prefix| prefix.bytes().len());
    let pattern = Pattern::of(call, pattern.unwrap_or(Value::NIL), length)?;
    let timer = transport.timeout().start();
    let start = prefix.map_or(Value::NIL, LuaString::value);
    if let Ok(mut received) = transport.stream().received.try_lock() {
        call.charge_for_system_call();
        let stream = transport.stream();
        let progress = match transport.descriptor() {
            None if matches!(pattern, Pattern::Nothing) => Progress::Ended(Ending::Complete(0)),
            None => Progress::Ended(Ending::Failed(CLOSED.into())),
            Some(descriptor) => {
                stream.attempt(&**transport, &descriptor, &mut received, pattern, &mut 0)
            }
        };
        let ending = match progress {
            Progress::Ended(ending) => Some(ending),
            Progress::Wait(interest) if timer.is_zero() => {
                Some(Ending::Failed(transport.late(interest).into()))
            }
            _ => None,
        };
        if let Some(ending) = ending {
            let results = stream.deliver(call, &mut received, pattern, start, ending)?;
            return Ok(Either::Now(results));
        }
    } else if timer.is_zero() {
        let results = [Value::NIL, call.string(TIMEOUT.as_bytes())?.value(), start];
        return Ok(Either::Now(results.to_vec()));
    }
    let transport = transport.clone();
    Ok(Either::Later(asynchronous::run(move |lua| async move {
        receive_later(lua, &transport, pattern, timer).await
    })))
}

/// Receives, waiting for data.
async fn receive_later<T: Transport>(
    lua: Lua,
    transport: &Rc<T>,
    pattern: Pattern,
    timer: Timer,
) -> Result<asynchronous::Finished, Error> {
    let stream = transport.stream();
    let _pause = lua.with(|call| timer.pause(call));
    let prefix = Slot::argument(2);
    let Some(descriptor) = transport.descriptor() else {
        return finish(&lua, CLOSED, prefix);
    };
    let mut received = match lock(&stream.received, &descriptor, timer).await {
        Ok(received) => received,
        Err(reason) => return finish(&lua, reason, prefix),
    };
    let ending = {
        let wait = wait_for_data(&lua, transport, &descriptor, &mut received, pattern, timer);
        let wait = descriptor.closing.run_until_cancelled(wait);
        match select(pin!(wait), pin!(stream.peer.cut())).await {
            First::Left((Some(ending), _)) => ending?,
            // It was closed, or disconnected to free memory.
            First::Left((None, _)) => Ending::Failed(CLOSED.into()),
            First::Right(_) => {
                descriptor.close();
                Ending::Failed(CLOSED.into())
            }
        }
    };
    lua.finish_with(|call| {
        let start = prefix.get(call);
        stream.deliver(call, &mut received, pattern, start, ending)
    })
}

/// Waits for other goroutines that read or write. The error is why it could not.
async fn lock<'a, T>(
    mutex: &'a Mutex<T>,
    descriptor: &Descriptor,
    timer: Timer,
) -> Result<MutexGuard<'a, T>, &'static str> {
    if let Ok(guard) = mutex.try_lock() {
        return Ok(guard);
    }
    match descriptor.closing.run_until_cancelled(timer.wait(mutex.lock())).await {
        Some(Some(guard)) => Ok(guard),
        Some(None) => Err(TIMEOUT),
        None => Err(CLOSED),
    }
}

/// The results of a receive that has read nothing.
fn finish(lua: &Lua, reason: &str, prefix: Slot) -> Result<asynchronous::Finished, Error> {
    lua.finish_with(|call| {
        let prefix = prefix.get(call);
        let prefix = if prefix.is_nil() { call.string(b"")?.value() } else { prefix };
        Ok(vec![Value::NIL, call.string(reason.as_bytes())?.value(), prefix])
    })
}

async fn wait_for_data<T: Transport>(
    lua: &Lua,
    transport: &Rc<T>,
    descriptor: &Descriptor,
    received: &mut Received,
    pattern: Pattern,
    timer: Timer,
) -> Result<Ending, Error> {
    let stream = transport.stream();
    let mut searched = 0;
    loop {
        let before = received.bytes.len();
        let progress = stream.attempt(&**transport, descriptor, received, pattern, &mut searched);
        let read = received.bytes.len().saturating_sub(before);
        lua.with(|call| call.charge_bytes(read));
        match progress {
            Progress::Ended(ending) => return Ok(ending),
            Progress::Wait(interest) => {
                let ready = timer.wait(descriptor.ready(interest)).await;
                match ready {
                    None => return Ok(Ending::Failed(transport.late(interest).into())),
                    Some(Err(error)) => {
                        return Ok(Ending::Failed(super::failure::message(&error)));
                    }
                    Some(Ok(())) => {}
                }
            }
            Progress::Continue => {
                let size = received.bytes.len().saturating_mul(2);
                let missing = size.saturating_sub(received.load.bytes());
                received.load.merge(stream.peer.clone().hold_later(missing).await?);
                yield_now().await;
            }
        }
    }
}

/// `send(data[, first[, last]])`, of the object that is the first argument.
pub(super) fn send<'c, T: Transport>(
    call: &mut Call<'c>,
    transport: &Rc<T>,
    data: LuaString<'c>,
    first: Option<f64>,
    last: Option<f64>,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, T>>, Error> {
    let (first, end) = range(data.bytes().len(), first.unwrap_or(1.0), last.unwrap_or(-1.0));
    let timer = transport.timeout().start();
    let mut at = first;
    if first < end {
        let Some(descriptor) = transport.descriptor() else {
            return Ok(Either::Now(stopped(call, CLOSED, first)?));
        };
        let failure = match transport.stream().writing.try_lock() {
            Ok(_lock) => {
                call.charge_for_system_call();
                let some = end.min(first.saturating_add(SLICE));
                let part = data.bytes().get(first..some).unwrap_or_default();
                call.charge_bytes(part.len());
                push(&**transport, &descriptor, part, &mut at)
            }
            Err(_) => Some(Blocked::Wait(Interest::WRITABLE)),
        };
        match failure {
            Some(Blocked::Failed(reason)) => {
                return Ok(Either::Now(stopped(call, &reason, at)?));
            }
            Some(Blocked::Wait(interest)) if timer.is_zero() => {
                return Ok(Either::Now(stopped(call, transport.late(interest), at)?));
            }
            _ => {}
        }
    }
    if at >= end {
        return Ok(Either::Now(vec![Value::number(at.max(first) as f64)]));
    }
    // The argument may have been a number.
    call.set_argument(1, data.value());
    let transport = transport.clone();
    Ok(Either::Later(asynchronous::run(move |lua| async move {
        let _pause = lua.with(|call| timer.pause(call));
        let reason = send_rest(&lua, &transport, &mut at, end, timer).await;
        lua.finish_with(|call| match reason {
            None => Ok(vec![Value::number(at as f64)]),
            Some(reason) => stopped(call, &reason, at),
        })
    })))
}

/// The bytes that the positions of `send` denote: from the first one up to the second one.
fn range(length: usize, first: f64, last: f64) -> (usize, usize) {
    let position = |at: f64| {
        let at = at.trunc();
        if at < 0.0 { length as f64 + at + 1.0 } else { at }
    };
    let first = position(first).max(1.0) - 1.0;
    (first as usize, position(last).max(0.0).min(length as f64) as usize)
}

/// The results of a send that has ended early: nil, the reason, and the last byte that was sent.
fn stopped<'c>(call: &mut Call<'c>, reason: &str, at: usize) -> Result<Vec<Value<'c>>, Error> {
    let reason = call.string(reason.as_bytes())?.value();
    Ok(vec![Value::NIL, reason, Value::number(at as f64)])
}

/// Writes until everything is written, or one write fails.
fn push<T: Transport>(
    transport: &T,
    descriptor: &Descriptor,
    mut data: &[u8],
    at: &mut usize,
) -> Option<Blocked> {
    let stream = transport.stream();
    while !data.is_empty() {
        match transport.write(descriptor, data) {
            Ok(count) => {
                stream.peer.moved(count);
                stream.bytes_sent.set(stream.bytes_sent.get() + count as f64);
                *at = at.saturating_add(count);
                data = data.get(count..).unwrap_or_default();
            }
            Err(blocked) => return Some(blocked),
        }
    }
    None
}

/// Sends the second argument from byte `at` to `end`, waiting for the peer. Returns the reason if
/// it ends early.
async fn send_rest<T: Transport>(
    lua: &Lua,
    transport: &Rc<T>,
    at: &mut usize,
    end: usize,
    timer: Timer,
) -> Option<String> {
    let stream = transport.stream();
    let Some(descriptor) = transport.descriptor() else { return Some(CLOSED.into()) };
    let closing = &descriptor.closing;
    let _lock = match lock(&stream.writing, &descriptor, timer).await {
        Ok(lock) => lock,
        Err(reason) => return Some(reason.into()),
    };
    while *at < end {
        let blocked = lua.get(Slot::argument(1), |call, value| {
            let data = LuaString::from_value(value).map_or(&b""[..], LuaString::bytes);
            let some = end.min(at.saturating_add(SLICE));
            let before = *at;
            let part = data.get(*at..some).unwrap_or_default();
            let blocked = push(&**transport, &descriptor, part, at);
            call.charge_bytes(at.saturating_sub(before));
            blocked
        });
        match blocked {
            Some(Blocked::Failed(reason)) => return Some(reason),
            Some(Blocked::Wait(interest)) => {
                let ready = timer.wait(descriptor.ready(interest));
                match closing.run_until_cancelled(ready).await {
                    None => return Some(CLOSED.into()),
                    Some(None) => return Some(transport.late(interest).into()),
                    Some(Some(Err(error))) => return Some(super::failure::message(&error)),
                    Some(Some(Ok(()))) => {}
                }
            }
            None => yield_now().await,
        }
    }
    None
}
