//! Decodes formats that a crate parses in one pass: first the text becomes events, then these
//! become values.
//!
//! Long texts are parsed on the blocking pool. The values are built in slices.

use super::builder::{BuildError, Builder, Open};
use super::events::{Event, Events, ReadError};
use super::{ParseError, Progress, failure};
use solvm_files::file_system;
use solvm_runtime::buffer::copied;
use solvm_runtime::host::path_of;
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_runtime::results::failure as io_failure;
use solvm_vm::native::asynchronous::{self, Lua};
use solvm_vm::native::{Either, Results};
use solvm_vm::{Call, Error, Held, LuaString, Table, Value};
use std::task::Poll;

/// Texts up to this size are parsed at once, in less than a millisecond.
const SHORT: usize = 16 << 10;
/// Events between two checks of the budget.
const EVENTS_PER_CHECK: usize = 64;

/// Turns a text into events.
pub(super) trait Reader:
    Fn(&[u8], &mut Events) -> Result<(), ReadError> + Send + 'static
{
}

impl<F: Fn(&[u8], &mut Events) -> Result<(), ReadError> + Send + 'static> Reader for F {}

/// Turns a text that must be UTF-8 into events.
pub(super) fn in_utf8(reader: fn(&str, &mut Events) -> Result<(), ReadError>) -> impl Reader {
    move |text: &[u8], events: &mut Events| match std::str::from_utf8(text) {
        Ok(text) => reader(text, events),
        Err(error) => Err(ParseError::new("invalid UTF-8", error.valid_up_to()).into()),
    }
}

/// Returns the value for nulls: the option `null` of the call's second argument.
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
/// table of checked options with the value for nulls.
pub(super) fn decode<'c, R>(
    call: &mut Call<'c>,
    text: LuaString<'c>,
    reader: R,
) -> Result<Either<Vec<Value<'c>>, impl Results<'c> + use<'c, R>>, Error>
where
    R: Reader,
{
    let argument = text;
    let text = argument.bytes();
    // The readers of the crates take several times as long as that of JSON.
    call.charge(text.len());
    if text.len() > SHORT {
        let (text, held) = (copied(call, argument)?, call.account().hold_nothing());
        return Ok(Either::Later(asynchronous::run(move |lua| async move {
            match read_in_pool(&lua, text, held, reader).await? {
                Ok(events) => build_in_slices(lua, events).await,
                Err(message) => lua.finish_with(|call| failure(call, &message)),
            }
        })));
    }
    let mut events = Events::new(call.account().hold_nothing());
    match reader(text, &mut events) {
        Ok(()) => {}
        Err(ReadError::Invalid(parse_error)) => {
            return Ok(Either::Now(failure(call, &parse_error.message(text))?));
        }
        Err(ReadError::OutOfMemory) => return Err(Error::out_of_memory()),
    }
    // Short texts need no slices.
    let null = null(call)?;
    let mut builder = Builder::new(call, null)?;
    let (mut events, _held) = events.into_parts();
    while !events.as_slice().is_empty() {
        if let Err(error) = build(call, &mut builder, &mut events) {
            return Ok(Either::Now(build_failure(call, error)?));
        }
    }
    Ok(Either::Now(vec![builder.finish()]))
}

/// Decodes a file. Error messages start with its path.
pub(super) fn decode_file<'c, R>(
    call: &mut Call<'c>,
    path: Name<'c>,
    reader: R,
) -> Result<impl Results<'c> + use<'c, R>, Error>
where
    R: Reader,
{
    let files = file_system(call)?;
    let name = path.bytes().to_vec();
    Ok(asynchronous::run(move |lua| async move {
        let text = match solvm_files::read(&lua, files, path_of(&name), u64::MAX).await? {
            Ok(text) => text,
            Err(error) => return lua.finish_with(|call| io_failure(call, &error, Some(&name))),
        };
        let held = lua.with(|call| call.account().hold(text.len()))?;
        match read_in_pool(&lua, text, held, reader).await? {
            Ok(events) => build_in_slices(lua, events).await,
            Err(message) => {
                let named = format!("{}: {message}", String::from_utf8_lossy(&name));
                lua.finish_with(|call| failure(call, &named))
            }
        }
    }))
}

/// Parses a text, whose memory is in `held`, on the blocking pool. If memory is short, it is parsed
/// again after a collection. Errors in the text are returned as messages.
async fn read_in_pool<R: Reader>(
    lua: &Lua,
    mut text: Vec<u8>,
    held: Held,
    mut reader: R,
) -> Result<Result<Events, String>, Error> {
    let account = lua.with(|call| call.account().clone());
    let mut for_events = account.hold_nothing();
    let mut is_first = true;
    loop {
        let result;
        let mut events = Events::new(for_events);
        (text, reader, events, result) = in_pool(move || {
            // Finding the line of an error needs as much time as reading up to it.
            let result = reader(&text, &mut events).map_err(|error| match error {
                ReadError::Invalid(parse_error) => Some(parse_error.message(&text)),
                ReadError::OutOfMemory => None,
            });
            (text, reader, events, result)
        })
        .await
        .map_err(|error| Error::text(error.to_string()))?;
        match result {
            Ok(()) => {
                drop(held);
                return Ok(Ok(events));
            }
            Err(Some(message)) => return Ok(Err(message)),
            Err(None) if is_first => {
                let needed = events.needed();
                drop(events);
                for_events = account.hold_later(needed).await?;
                is_first = false;
            }
            Err(None) => return Err(Error::out_of_memory()),
        }
    }
}

/// Converts an error to the results.
fn build_failure<'c>(call: &mut Call<'c>, error: BuildError) -> Result<Vec<Value<'c>>, Error> {
    match error {
        BuildError::Document(reason) => failure(call, reason),
        BuildError::Vm(error) => Err(error),
    }
}

async fn build_in_slices(lua: Lua, events: Events) -> Result<asynchronous::Finished, Error> {
    let (mut events, _held) = events.into_parts();
    let mut open: Option<Vec<Open>> = None;
    loop {
        // Between two slices only the builder's open lists and maps are left; the native keeps its
        // values.
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
            Ok(Progress::Paused) => yield_once().await,
            Ok(Progress::Finished) => {
                return lua
                    .finish_with(|call| Ok(vec![Builder::resume(call, Vec::new()).finish()]));
            }
            Err(error) => return lua.finish_with(|call| build_failure(call, error)),
        }
    }
}

/// Yields to other goroutines once.
pub async fn yield_once() {
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
) -> Result<Progress, BuildError> {
    loop {
        for _ in 0..EVENTS_PER_CHECK {
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
                            return Err(BuildError::Document(
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
            // A name refers to the value before it.
            if let Some(&Event::Name(name)) = events.as_slice().first() {
                builder.name(call, name)?;
                events.next();
            }
        }
        if !call.charge(EVENTS_PER_CHECK) {
            return Ok(Progress::Paused);
        }
    }
}
