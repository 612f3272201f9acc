//! Decoding of formats that a crate reads in one go: first the whole text becomes events, then these become values.
//!
//! Reading a text of some length happens on the blocking pool; building the values happens in slices.

use super::builder::{Builder, Open, Refusal};
use super::{BYTES_PER_UNIT, Fault, Progress, failure};
use crate::io::file::in_pool;
use solvm_vm::native::asynchronous::{self, Lua};
use solvm_vm::native::{Either, Results};
use solvm_vm::{Call, Error, LuaString, Value};
use std::task::Poll;

/// Texts up to this size are read at once: that takes less than a millisecond.
const SHORT: usize = 16 << 10;
/// What events take in memory at most, for a byte of text.
const EVENT_BYTES_PER_BYTE: usize = 8;
/// Events between two looks at the budget.
const EVENTS_PER_LOOK: usize = 64;

/// A part of a document.
#[derive(Debug)]
pub(super) enum Event {
    /// A null.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A string.
    String(Box<[u8]>),
    /// The key of the value that follows: a null, boolean, number or string.
    Key(Box<Event>),
    /// The key of a value whose fields are merged into the map.
    MergeKey,
    /// A list or a map begins.
    Begin {
        /// Which of the two.
        is_map: bool,
    },
    /// It ends.
    End,
    /// The value that has just ended has this name.
    Name(usize),
    /// The value with this name, once more.
    Named(usize),
}

/// Makes the events of a text.
pub(super) type Reader = fn(&str) -> Result<Vec<Event>, Fault>;

fn read(text: &[u8], reader: Reader) -> Result<Vec<Event>, Fault> {
    match std::str::from_utf8(text) {
        Ok(text) => reader(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => Err(Fault::new("invalid UTF-8", error.valid_up_to())),
    }
}

/// Decodes a text: the results are its value, or nil and a message.
pub(super) fn decode<'c>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    reader: Reader,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c>>, Error> {
    let text = text.bytes();
    call.check_memory(text.len().saturating_mul(EVENT_BYTES_PER_BYTE))?;
    if text.len() > SHORT {
        let text = text.to_vec();
        return Ok(Either::Later(asynchronous::run(move |lua| async move {
            let events = in_pool(move || read(&text, reader).map_err(|fault| fault.message(&text))).await;
            match events.map_err(|error| Error::text(error.to_string()))? {
                Ok(events) => build_in_slices(lua, events).await,
                Err(message) => lua.finish_with(|call| failure(call, &message)),
            }
        })));
    }
    call.charge(text.len() / BYTES_PER_UNIT);
    let events = match read(text, reader) {
        Ok(events) => events,
        Err(fault) => return Ok(Either::Now(failure(call, &fault.message(text))?)),
    };
    // It is short: there is no need for slices.
    let mut builder = Builder::new(call, Value::NIL)?;
    let mut events = events.into_iter();
    while !events.as_slice().is_empty() {
        if let Err(refusal) = build(call, &mut builder, &mut events) {
            return Ok(Either::Now(refused(call, refusal)?));
        }
    }
    Ok(Either::Now(vec![builder.finish()]))
}

/// What a document's refusal makes the results.
fn refused<'c>(call: &mut Call<'c>, refusal: Refusal) -> Result<Vec<Value<'c>>, Error> {
    match refusal {
        Refusal::Document(reason) => failure(call, reason),
        Refusal::Vm(error) => Err(error),
    }
}

async fn build_in_slices(lua: Lua, events: Vec<Event>) -> Result<asynchronous::Finished, Error> {
    let mut events = events.into_iter();
    let mut open: Option<Vec<Open>> = None;
    loop {
        // What is left of the builder between two slices: what it has open. Its values are kept by the native.
        let slice = lua.with(|call| {
            let mut builder = match open.take() {
                Some(open) => Builder::resume(call, open),
                None => Builder::new(call, Value::NIL)?,
            };
            let progress = build(call, &mut builder, &mut events)?;
            let (now_open, kept) = builder.suspend();
            open = Some(now_open);
            call.keep_only(kept);
            Ok(progress)
        });
        match slice {
            Ok(Progress::Paused) => give_way().await,
            Ok(Progress::Finished) => {
                return lua.finish_with(|call| Ok(vec![Builder::resume(call, Vec::new()).finish()]));
            }
            Err(refusal) => return lua.finish_with(|call| refused(call, refusal)),
        }
    }
}

/// Lets others run.
async fn give_way() {
    let mut has_waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Builds values until there are no more events, or the budget is used up.
fn build<'c>(
    call: &mut Call<'c>,
    builder: &mut Builder<'c>,
    events: &mut std::vec::IntoIter<Event>,
) -> Result<Progress, Refusal> {
    loop {
        for _ in 0..EVENTS_PER_LOOK {
            let Some(event) = events.next() else { return Ok(Progress::Finished) };
            match event {
                Event::Null => builder.null(call)?,
                Event::Boolean(value) => builder.value(call, Value::boolean(value))?,
                Event::Number(x) => builder.value(call, Value::number(x))?,
                Event::String(bytes) => builder.string(call, &bytes)?,
                Event::Key(key) => {
                    let key = match *key {
                        Event::Boolean(value) => Value::boolean(value),
                        Event::Number(x) if !x.is_nan() => Value::number(x),
                        Event::String(bytes) => call.string(&bytes)?.value(),
                        _ => return Err(Refusal::Document("a key must be a string, a number or a boolean")),
                    };
                    builder.key(key);
                }
                Event::MergeKey => builder.merge_key(),
                Event::Begin { is_map } => builder.begin(is_map)?,
                Event::End => builder.end(call)?,
                Event::Name(name) => builder.name(call, name)?,
                Event::Named(name) => builder.named(call, name)?,
            }
            // A name belongs to the value before it.
            if let Some(&Event::Name(name)) = events.as_slice().first() {
                builder.name(call, name)?;
                events.next();
            }
        }
        if !call.charge(EVENTS_PER_LOOK) {
            return Ok(Progress::Paused);
        }
    }
}
