//! Decoding of formats that a crate reads in one go: first the whole text becomes events, then
//! these become values.
//!
//! Reading a text of some length happens on the blocking pool; building the values happens in
//! slices.

use super::builder::{Builder, Open, Refusal};
use super::{BYTES_PER_UNIT, Fault, Progress, failure};
use crate::files::{self, file_system};
use crate::host::path_of;
use crate::io::file::{failure as io_failure, in_pool};
use solvm_vm::native::asynchronous::{self, Lua};
use solvm_vm::native::{Either, Results};
use solvm_vm::{Call, Error, Held, LuaString, Table, Value};
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
    /// The value that has just ended, or the key before, has this name.
    Name(usize),
    /// The value with this name, once more.
    Named(usize),
    /// It is the key of the value that follows.
    NamedKey(usize),
}

/// Makes the events of a text in UTF-8.
pub(super) fn in_utf8(
    reader: impl FnOnce(&str) -> Result<Vec<Event>, Fault> + Send + 'static,
) -> impl FnOnce(&[u8]) -> Result<Vec<Event>, Fault> + Send + 'static {
    move |text| match std::str::from_utf8(text) {
        Ok(text) => reader(text),
        Err(error) => Err(Fault::new("invalid UTF-8", error.valid_up_to())),
    }
}

/// What a null becomes: the option `null` of the call's second argument.
fn null<'c>(call: &mut Call<'c>) -> Result<Value<'c>, Error> {
    match call.argument(1).and_then(Table::from_value) {
        Some(options) => {
            let key = call.string(b"null")?;
            Ok(options.get(key))
        }
        None => Ok(Value::NIL),
    }
}

/// Decodes a text: the results are its value, or nil and a message. The second argument may be a
/// table of options, which have been checked, with the value that nulls become.
pub(super) fn decode<'c, R>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    reader: R,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, R>>, Error>
where
    R: FnOnce(&[u8]) -> Result<Vec<Event>, Fault> + Send + 'static,
{
    let text = text.bytes();
    if text.len() > SHORT {
        let held = call.hold(text.len().saturating_mul(EVENT_BYTES_PER_BYTE))?;
        let text = text.to_vec();
        let run = move |lua| decode_in_pool(lua, text, held, reader);
        return Ok(Either::Later(asynchronous::run(run)));
    }
    call.charge(text.len() / BYTES_PER_UNIT);
    let events = match reader(text) {
        Ok(events) => events,
        Err(fault) => return Ok(Either::Now(failure(call, &fault.message(text))?)),
    };
    // It is short: there is no need for slices.
    let null = null(call)?;
    let mut builder = Builder::new(call, null)?;
    let mut events = events.into_iter();
    while !events.as_slice().is_empty() {
        if let Err(refusal) = build(call, &mut builder, &mut events) {
            return Ok(Either::Now(refused(call, refusal)?));
        }
    }
    Ok(Either::Now(vec![builder.finish()]))
}

/// Decodes a file. The message of what is wrong begins with its path.
pub(super) fn decode_file<'c, R>(
    call: &mut Call<'c>,
    path: LuaString<'c>,
    reader: R,
) -> Result<impl Results<'c> + use<'c, R>, Error>
where
    R: FnOnce(&[u8]) -> Result<Vec<Event>, Fault> + Send + 'static,
{
    let files = file_system(call)?;
    let name = path.bytes().to_vec();
    Ok(asynchronous::run(move |lua| async move {
        let text = match files::read(&lua, files, path_of(&name), u64::MAX).await? {
            Ok(text) => text,
            Err(error) => return lua.finish_with(|call| io_failure(call, &error, Some(&name))),
        };
        let size = text.len().saturating_mul(EVENT_BYTES_PER_BYTE);
        let held = lua.with(|call| call.hold(size))?;
        let named = move |fault: Fault, text: &[u8]| {
            format!("{}: {}", String::from_utf8_lossy(&name), fault.message(text))
        };
        match in_pool(move || reader(&text).map_err(|fault| named(fault, &text))).await {
            Ok(Ok(events)) => build_in_slices(lua, events, held).await,
            Ok(Err(message)) => lua.finish_with(|call| failure(call, &message)),
            Err(error) => Err(Error::text(error.to_string())),
        }
    }))
}

async fn decode_in_pool<R>(
    lua: Lua,
    text: Vec<u8>,
    held: Held,
    reader: R,
) -> Result<asynchronous::Finished, Error>
where
    R: FnOnce(&[u8]) -> Result<Vec<Event>, Fault> + Send + 'static,
{
    match in_pool(move || reader(&text).map_err(|fault| fault.message(&text))).await {
        Ok(Ok(events)) => build_in_slices(lua, events, held).await,
        Ok(Err(message)) => lua.finish_with(|call| failure(call, &message)),
        Err(error) => Err(Error::text(error.to_string())),
    }
}

/// What a document's refusal makes the results.
fn refused<'c>(call: &mut Call<'c>, refusal: Refusal) -> Result<Vec<Value<'c>>, Error> {
    match refusal {
        Refusal::Document(reason) => failure(call, reason),
        Refusal::Vm(error) => Err(error),
    }
}

/// Builds the value of a document; `held` holds its events.
async fn build_in_slices(
    lua: Lua,
    events: Vec<Event>,
    mut held: Held,
) -> Result<asynchronous::Finished, Error> {
    // The text is gone. The strings of events take no more than it did.
    let size = events.capacity().saturating_mul(size_of::<Event>());
    held.set_existing(size.saturating_add(held.bytes() / EVENT_BYTES_PER_BYTE));
    let mut events = events.into_iter();
    let mut open: Option<Vec<Open>> = None;
    loop {
        // What is left of the builder between two slices: what it has open. Its values are kept by
        // the native.
        let slice = lua.with(|call| {
            let mut builder = match open.take() {
                Some(open) => Builder::resume(call, open),
                None => {
                    let null = null(call)?;
                    Builder::new(call, null)?
                }
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
                return lua
                    .finish_with(|call| Ok(vec![Builder::resume(call, Vec::new()).finish()]));
            }
            Err(refusal) => return lua.finish_with(|call| refused(call, refusal)),
        }
    }
}

/// Lets others run.
pub(crate) async fn give_way() {
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
                        _ => {
                            return Err(Refusal::Document(
                                "a key must be a string, a number or a boolean",
                            ));
                        }
                    };
                    builder.key(key);
                }
                Event::MergeKey => builder.merge_key(),
                Event::Begin { is_map } => builder.begin(is_map)?,
                Event::End => builder.end(call)?,
                Event::Name(name) => builder.name(call, name)?,
                Event::Named(name) => {
                    let value = builder.named(name);
                    builder.value(call, value)?;
                }
                Event::NamedKey(name) => {
                    let key = builder.named(name);
                    builder.key(key);
                }
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
