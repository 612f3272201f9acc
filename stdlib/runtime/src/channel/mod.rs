//! `channel`, as in gopher-lua: channels as values with methods, and `channel.select`.
//!
//! These are the channels of `chan`, `send` and `receive` (see [`named`]) with different results.

pub mod named;

use crate::integer::Integer;
use solvm_vm::native::{Either, FromLua, Library, Rest, Start, StartWith, Step, Steps, Wanted};
use solvm_vm::scheduler::channel::{Channel, ChannelHandle, SEND_ON_CLOSED};
use solvm_vm::scheduler::select::{Offer, SelectResult, Selected};
use solvm_vm::{Call, Error, Function, LuaString, Table, Userdata, Value};

/// The library `channel`.
pub static LIBRARY: Library = solvm_vm::library!("channel" {
    "make" => make,
    "select" => select,
});

static METHODS: Library = solvm_vm::library!("" {
    "__tostring" => to_string,
    "close" => close,
    "receive" => receive,
    "send" => send,
});

/// The registry key of the channels' metatable.
const METATABLE: &str = "channel";
/// Maximum buffer size of a channel.
const MAX_SIZE: usize = 1_000_000_000;

/// Creates the channels' metatable.
pub fn finish(call: &mut Call) -> Result<(), Error> {
    let metatable = call.table(0, METHODS.functions.len() + 1)?;
    call.fill(metatable, &METHODS)?;
    metatable.set_field(call, "__index", metatable)?;
    call.registry().set_field(call, METATABLE, metatable)
}

/// Creates a channel that buffers `size` values.
pub(crate) fn new<'c>(call: &mut Call<'c>, size: usize) -> Result<Userdata<'c>, Error> {
    let key = call.string(METATABLE.as_bytes())?;
    let metatable = Table::from_value(call.registry().get(key));
    Ok(call.userdata(Channel::new(size), metatable))
}

fn make<'c>(call: &mut Call<'c>, size: Option<Integer>) -> Result<Userdata<'c>, Error> {
    let size = size_of_buffer(1, size.unwrap_or(Integer(0)))?;
    new(call, size)
}

/// Converts argument `index` to the buffer size of a channel.
pub(crate) fn size_of_buffer(index: usize, size: Integer) -> Result<usize, Error> {
    let size = size.size().filter(|&size| size <= MAX_SIZE);
    size.ok_or_else(|| Error::argument(index, "size out of range"))
}

fn to_string(_: &mut Call, channel: ChannelHandle) -> String {
    format!("channel: {:#x}", channel.value().address())
}

fn closed() -> Error {
    Error::text(SEND_ON_CLOSED)
}

/// `channel:send(value)`: returns when the value has been received or buffered.
fn send<'c>(
    call: &mut Call<'c>,
    channel: ChannelHandle<'c>,
    value: Value<'c>,
) -> Result<Either<(), Start<Send>>, Error> {
    match call.select(&[Offer::Send(channel, value)])? {
        Selected::Done(..) => Ok(Either::Now(())),
        Selected::Closed(_) => Err(closed()),
        Selected::None => Ok(Either::Later(Start::new(Send { waits: false }))),
    }
}

/// A send that waits.
struct Send {
    waits: bool,
}

impl Steps for Send {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if !std::mem::replace(&mut self.waits, true) {
            let value = call.argument(1).unwrap_or(Value::NIL);
            let Some(channel) = argument(call) else { return call.finish(()) };
            return call.wait_for_offers(&[Offer::Send(channel, value)], None);
        }
        match call.selected() {
            SelectResult::Done(..) => call.finish(()),
            SelectResult::Closed(_) => Err(closed()),
            SelectResult::Failed(reason) => Err(call.raise(reason)),
        }
    }
}

/// Returns the channel that a method was called on.
fn argument<'c>(call: &mut Call<'c>) -> Option<ChannelHandle<'c>> {
    let value = call.argument(0)?;
    ChannelHandle::from_lua(call, value)
}

/// `channel:receive()`: returns true and a value; false at the end.
fn receive<'c>(
    call: &mut Call<'c>,
    channel: ChannelHandle<'c>,
) -> Result<Either<(bool, Value<'c>), Start<Receive>>, Error> {
    Ok(match call.select(&[Offer::Receive(channel)])? {
        Selected::Done(_, value) => Either::Now((true, value)),
        Selected::Closed(_) => Either::Now((false, Value::NIL)),
        Selected::None => Either::Later(Start::new(Receive { waits: false })),
    })
}

/// A receive that waits.
struct Receive {
    waits: bool,
}

impl Steps for Receive {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if !std::mem::replace(&mut self.waits, true) {
            let Some(channel) = argument(call) else { return call.finish(()) };
            return call.wait_for_offers(&[Offer::Receive(channel)], None);
        }
        match call.selected() {
            SelectResult::Done(_, value) => call.finish((true, value)),
            SelectResult::Closed(_) => call.finish((false, Value::NIL)),
            SelectResult::Failed(reason) => call.finish((Value::NIL, reason)),
        }
    }
}

fn close<'c>(call: &mut Call<'c>, channel: ChannelHandle<'c>) -> Result<(), Error> {
    named::close(call, channel)
}

/// `channel.select(cases...)`: waits until a case can proceed, calls its function, and returns its
/// index, the value received, and whether one was. Cases are `{"|<-", channel, f}`, `{"<-|",
/// channel, value, f}` and `{"default", f}`.
fn select<'c>(call: &mut Call<'c>, cases: Rest) -> Result<StartWith<'c, Select>, Error> {
    let mut select = Select { offers: Vec::new(), default: None, stage: Stage::Try };
    let mut kept = Vec::new();
    let cases: Vec<Value<'c>> = cases.values(call).collect();
    for (index, value) in cases.into_iter().enumerate() {
        let invalid = |text: Vec<u8>| Error::argument(index + 1, text);
        let Some(case) = Table::from_value(value) else {
            return Err(invalid(format!("table expected, got {}", value.type_name()).into_bytes()));
        };
        let Some(direction) = LuaString::from_value(case.get(1)) else {
            return Err(invalid(b"invalid select case".into()));
        };
        let is_send = match direction.bytes() {
            b"default" => {
                select.default = Some(index);
                continue;
            }
            b"|<-" => false,
            b"<-|" => true,
            other => return Err(invalid([b"invalid channel direction:", other].concat())),
        };
        let Some(channel) = ChannelHandle::from_lua(call, case.get(2)) else {
            return Err(invalid(b"invalid select case".into()));
        };
        select.offers.push(Case { index, is_send });
        kept.extend([channel.value(), if is_send { case.get(3) } else { Value::NIL }]);
    }
    Ok(Start::new(select).keep_all(kept))
}

/// A send or receive case of `channel.select`. Its channel and the value to send are kept values.
struct Case {
    /// Its index in the arguments, from 0.
    index: usize,
    is_send: bool,
}

/// `channel.select` in progress.
struct Select {
    offers: Vec<Case>,
    /// The index of the default case.
    default: Option<usize>,
    stage: Stage,
}

enum Stage {
    Try,
    Wait,
    /// The function of the case with this index has been called. The flag says whether a value was
    /// received.
    Called(usize, bool),
}

impl Select {
    fn offers<'c>(&self, call: &mut Call<'c>) -> Vec<Offer<'c>> {
        let mut offers = Vec::with_capacity(self.offers.len());
        for (place, case) in self.offers.iter().enumerate() {
            let Some(channel) = ChannelHandle::from_value(call.kept(2 * place)) else { continue };
            let value = call.kept(2 * place + 1);
            offers.push(if case.is_send {
                Offer::Send(channel, value)
            } else {
                Offer::Receive(channel)
            });
        }
        offers
    }

    /// Handles a case that proceeded; `value` is None if its channel was closed.
    fn taken<'c>(
        &mut self,
        call: &mut Call<'c>,
        offer: usize,
        value: Option<Value<'c>>,
    ) -> Result<Step, Error> {
        let Some(&Case { index, is_send }) = self.offers.get(offer) else { return call.finish(()) };
        if is_send {
            let sent = call.kept(2 * offer + 1);
            return match value {
                Some(_) => self.call_function(call, index, &[sent], Value::NIL, false),
                None => Err(closed()),
            };
        }
        let received = value.unwrap_or(Value::NIL);
        self.call_function(
            call,
            index,
            &[Value::boolean(value.is_some()), received],
            received,
            value.is_some(),
        )
    }

    /// Calls the function at the end of a case, if any.
    fn call_function<'c>(
        &mut self,
        call: &mut Call<'c>,
        index: usize,
        arguments: &[Value<'c>],
        received: Value<'c>,
        is_received: bool,
    ) -> Result<Step, Error> {
        let case = call.argument(index).and_then(Table::from_value);
        let last = case.map_or(Value::NIL, |case| case.get(case.length()));
        if Function::from_value(last).is_none() {
            return call.finish((index + 1, received, is_received));
        }
        self.stage = Stage::Called(index + 1, is_received);
        // It follows the values to send.
        call.keep(received);
        call.call(last, arguments, Wanted::One)
    }
}

impl Steps for Select {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        match self.stage {
            Stage::Try => {
                let offers = self.offers(call);
                match (call.select(&offers)?, self.default) {
                    (Selected::Done(offer, value), _) => self.taken(call, offer, Some(value)),
                    (Selected::Closed(offer), _) => self.taken(call, offer, None),
                    (Selected::None, Some(index)) => {
                        self.call_function(call, index, &[], Value::NIL, false)
                    }
                    (Selected::None, None) => {
                        self.stage = Stage::Wait;
                        call.wait_for_offers(&offers, None)
                    }
                }
            }
            Stage::Wait => match call.selected() {
                SelectResult::Done(offer, value) => self.taken(call, offer, Some(value)),
                SelectResult::Closed(offer) => self.taken(call, offer, None),
                SelectResult::Failed(reason) => call.finish((Value::NIL, reason)),
            },
            Stage::Called(number, is_received) => {
                let received = call.kept(2 * self.offers.len());
                call.finish((number, received, is_received))
            }
        }
    }
}
