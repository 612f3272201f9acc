//! Channels: `chan`, `send`, `receive`, `close_channel`, and `select` on channels.

use super::size_of_buffer;
use crate::integer::{Integer, describe};
use crate::name::Name;
use crate::registry::registry_table;
use crate::timer;
use solvm_vm::native::{Either, Library, Start, StartWith, Step, Steps};
use solvm_vm::scheduler::Parked;
use solvm_vm::scheduler::channel::{ChannelHandle, SEND_ON_CLOSED, Transfer};
use solvm_vm::scheduler::select::{Offer, SelectResult, Selected};
use solvm_vm::{Call, Error, LuaString, Table, Userdata, Value};
use std::time::Duration;

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "chan" => chan,
    "close_channel" => close_channel,
    "receive" => receive,
    "send" => send,
});

/// Returns the table of named channels.
fn names<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    registry_table(call, "channels")
}

/// `chan(name[, size])`: returns a named channel. `chan([size])` creates an unnamed one.
fn chan<'c>(
    call: &mut Call<'c>,
    name: Option<Value<'c>>,
    size: Option<Integer>,
) -> Result<Userdata<'c>, Error> {
    let size = size.unwrap_or(Integer(0));
    let (name, size) = match name {
        Some(value) => match (LuaString::from_value(value), value.as_number()) {
            (Some(name), _) => {
                let name = Name::argument(name, 1)?;
                (Some(name.string()), size_of_buffer(2, size)?)
            }
            (None, Some(number)) => {
                let expected =
                    || Error::argument(1, format!("integer expected, got {}", describe(value)));
                (None, size_of_buffer(1, Integer::of(number).ok_or_else(expected)?)?)
            }
            _ => {
                return Err(Error::argument(
                    1,
                    format!("string expected, got {}", value.type_name()),
                ));
            }
        },
        None => (None, size_of_buffer(2, size)?),
    };
    if let Some(name) = name {
        if name.bytes().first() == Some(&b'#') || name.value().to_number().is_some() {
            return Err(Error::argument(1, "channel name must not be numeric or start with '#'"));
        }
        if !names(call)?.get(name).is_nil() {
            return Err(Error::argument(1, "channel name already in use"));
        }
    }
    let channel = super::new(call, size)?;
    if let Some(name) = name {
        names(call)?.set(call, name.value(), channel.value())?;
    }
    Ok(channel)
}

/// Returns the channel that argument `index` is or names.
#[inline]
fn channel_of<'c>(
    call: &mut Call<'c>,
    index: usize,
    value: Value<'c>,
) -> Result<ChannelHandle<'c>, Error> {
    match ChannelHandle::from_value(value) {
        Some(channel) => Ok(channel),
        None => named_channel(call, index, value),
    }
}

#[cold]
fn named_channel<'c>(
    call: &mut Call<'c>,
    index: usize,
    value: Value<'c>,
) -> Result<ChannelHandle<'c>, Error> {
    call.charge_for_string(value);
    let found = match LuaString::from_value(value) {
        Some(name) => {
            let name = Name::argument(name, index)?.string();
            let found = names(call)?.get(name);
            if found.is_nil() {
                let text = format!("no channel named '{}'", String::from_utf8_lossy(name.bytes()));
                return Err(Error::argument(index, text));
            }
            found
        }
        None => value,
    };
    ChannelHandle::from_value(found).ok_or_else(|| {
        Error::argument(index, format!("channel expected, got {}", value.type_name()))
    })
}

/// Converts a time limit in seconds.
fn timeout(seconds: Option<f64>) -> Result<Option<Duration>, Error> {
    seconds.map(|limit| timer::seconds(3, limit)).transpose()
}

/// `send(channel, value[, seconds])`: returns true when the value has been received or buffered,
/// false after the time limit.
fn send<'c>(
    call: &mut Call<'c>,
    channel: Value<'c>,
    value: Value<'c>,
    seconds: Option<f64>,
) -> Result<Either<bool, Parked>, Error> {
    let channel = channel_of(call, 1, channel)?;
    match call.channel_send(channel, value, timeout(seconds)?)? {
        Transfer::Done(()) => Ok(Either::Now(true)),
        Transfer::Wait(parked) => Ok(Either::Later(parked)),
        Transfer::Closed => Err(Error::text(SEND_ON_CLOSED)),
    }
}

/// A received value, or nil and the reason.
pub type Received<'c> = Either<Value<'c>, (Option<Value<'c>>, &'static str)>;

/// `receive(channel[, seconds])`: returns a value; nil and "closed" at the end, nil and "timeout"
/// after the time limit. A goroutine that receives again after the end is ended.
#[inline(always)]
pub fn receive<'c>(
    call: &mut Call<'c>,
    channel: Value<'c>,
    seconds: Option<f64>,
) -> Result<Either<Received<'c>, Parked>, Error> {
    let channel = channel_of(call, 1, channel)?;
    match call.channel_receive(channel, timeout(seconds)?)? {
        Transfer::Done(value) => Ok(Either::Now(Either::Now(value))),
        Transfer::Wait(parked) => Ok(Either::Later(parked)),
        Transfer::Closed if call.tell_of_end(channel) => {
            Ok(Either::Now(Either::Later((None, "closed"))))
        }
        Transfer::Closed => Err(Error::end_goroutine()),
    }
}

/// `select(a, b, ...)` on channels and names: waits until one of them has a value, and returns the
/// value and the channel as it was passed. The end of a channel is returned once (nil and the
/// channel), then the channel is skipped. A goroutine that has seen the end of all is ended.
pub fn select<'c>(call: &mut Call<'c>) -> Result<StartWith<'c, Select>, Error> {
    let mut channels = Vec::with_capacity(call.argument_count());
    for index in 0..call.argument_count() {
        let value = call.argument(index).unwrap_or(Value::NIL);
        channels.push(channel_of(call, index + 1, value)?.value());
    }
    Ok(Start::new(Select { places: (0..channels.len()).collect(), waits: false })
        .keep_all(channels))
}

/// A `select` in progress. Its kept values are the channels.
pub struct Select {
    /// The indices of the remaining arguments.
    places: Vec<usize>,
    waits: bool,
}

impl Select {
    fn channel<'c>(&self, call: &mut Call<'c>, offer: usize) -> Option<ChannelHandle<'c>> {
        let place = *self.places.get(offer)?;
        ChannelHandle::from_value(call.kept(place))
    }

    /// Returns a value and the name of its channel.
    fn finish<'c>(
        &self,
        call: &mut Call<'c>,
        offer: usize,
        value: Value<'c>,
    ) -> Result<Step, Error> {
        let name =
            self.places.get(offer).and_then(|&place| call.argument(place)).unwrap_or(Value::NIL);
        call.finish((value, name))
    }
}

impl Steps for Select {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if self.waits {
            return match call.selected() {
                SelectResult::Done(offer, value) => self.finish(call, offer, value),
                SelectResult::Closed(offer) => {
                    if let Some(channel) = self.channel(call, offer) {
                        call.tell_of_end(channel);
                    }
                    self.finish(call, offer, Value::NIL)
                }
                SelectResult::Failed(reason) => call.finish((Value::NIL, reason)),
            };
        }
        while !self.places.is_empty() {
            let offers: Vec<Offer<'c>> = (0..self.places.len())
                .filter_map(|offer| self.channel(call, offer))
                .map(Offer::Receive)
                .collect();
            match call.select(&offers)? {
                Selected::Done(offer, value) => return self.finish(call, offer, value),
                Selected::Closed(offer) => {
                    if self.channel(call, offer).is_none_or(|channel| call.tell_of_end(channel)) {
                        return self.finish(call, offer, Value::NIL);
                    }
                    self.places.remove(offer);
                }
                Selected::None => {
                    self.waits = true;
                    return call.wait_for_offers(&offers, None);
                }
            }
        }
        Err(Error::end_goroutine())
    }
}

/// `close_channel(channel)`: closes a channel; buffered values are still delivered.
fn close_channel<'c>(call: &mut Call<'c>, channel: Value<'c>) -> Result<(), Error> {
    let channel = channel_of(call, 1, channel)?;
    close(call, channel)
}

/// Closes a channel; buffered values are still delivered.
pub fn close<'c>(call: &mut Call<'c>, channel: ChannelHandle<'c>) -> Result<(), Error> {
    let closed = call.string(b"closed")?.value();
    call.channel_close(channel, &[Value::NIL, closed]);
    Ok(())
}
