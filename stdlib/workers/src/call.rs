//! The call that an isolate makes: from the message with the function and its arguments to the
//! message with the results.

use crate::message::{Message, Reader, Writer};
use crate::ticket::Outcome;
use solvm_runtime::Host;
use solvm_vm::native::{Definition, Special, Start, Step, Steps, Wanted};
use solvm_vm::{Call, Error, LuaString, Value};

/// What the VM is to do, and what has become of it.
#[derive(Default)]
pub(crate) struct Task {
    pub(crate) message: Option<Message>,
    pub(crate) outcome: Option<Outcome>,
    /// Of the error that was raised.
    pub(crate) traceback: Vec<u8>,
}

/// The function of the goroutine that makes the call.
pub(crate) static PERFORM: Definition = Definition::new("perform", perform);
static HANDLER: Definition = Definition::new("handler", handler);
static PROTECTED_CALL: Definition =
    Definition::special("xpcall", Special::ProtectedCallWithHandler);

/// A call in progress.
enum Perform {
    /// The values are made of the message.
    Making(Writer),
    /// The function is running.
    Calling,
    /// Its results are read; if it has failed, the error.
    Reading { reader: Option<Reader>, has_succeeded: bool },
}

fn perform(call: &mut Call<'_>) -> Result<Start<Perform>, Error> {
    let message = call.host::<Host>().and_then(|host| host.state::<Task>().message.take());
    let message = message.ok_or_else(|| Error::text("there is no call to make"))?;
    own_globals(call)?;
    // The objects are the native's first kept values.
    Ok(Start::new(Perform::Making(Writer::new(message))))
}

/// Gives the goroutine globals of its own, behind which are the others.
fn own_globals(call: &mut Call<'_>) -> Result<(), Error> {
    let standard = call.globals();
    let own = call.table(0, 4)?;
    let metatable = call.table(0, 2)?;
    metatable.set_field(call, "__index", standard)?;
    metatable.set_field(call, "__metatable", false)?;
    call.set_metatable(own.value(), Some(metatable));
    own.set_field(call, "_G", own)?;
    call.set_globals(own);
    Ok(())
}

/// Notes where an error was raised.
fn handler<'c>(call: &mut Call<'c>, error: Value<'c>) -> Value<'c> {
    let mut traceback = call.traceback(1).to_text();
    // The natives that make the call.
    while let Some(rest) = traceback.strip_suffix(b"\n\t[C]: ?") {
        traceback.truncate(rest.len());
    }
    if let Some(host) = call.host::<Host>() {
        host.state::<Task>().traceback = traceback;
    }
    error
}

impl Steps for Perform {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        match self {
            Perform::Making(writer) => {
                if !writer.write(call)? {
                    return call.again();
                }
                // The function and its arguments, with the handler in between.
                let mut values = writer.values(call)?;
                call.keep_only(Vec::new());
                *self = Perform::Calling;
                values.insert(values.len().min(1), call.function(&HANDLER, &[]).value());
                let protected = call.function(&PROTECTED_CALL, &[]).value();
                call.call(protected, &values, Wanted::All)
            }
            Perform::Calling => {
                let has_succeeded = call.returned(0).is_truthy();
                let results: Vec<Value<'c>> =
                    (1..call.returned_count()).map(|index| call.returned(index)).collect();
                let reader = Reader::new(call, &results, |index| match has_succeeded {
                    true => format!("result {}", index + 1),
                    false => "the error".into(),
                })?;
                *self = Perform::Reading { reader: Some(reader), has_succeeded };
                self.step(call)
            }
            Perform::Reading { reader, has_succeeded } => {
                let Some(mut current) = reader.take() else { return call.finish(()) };
                if !current.read(call)? {
                    *reader = Some(current);
                    return call.again();
                }
                if let Some(host) = call.host::<Host>() {
                    let (task, message) = (host.state::<Task>(), current.finish());
                    task.outcome = Some(match has_succeeded {
                        true => Outcome::Done(message),
                        false => Outcome::Raised(message, std::mem::take(&mut task.traceback)),
                    });
                }
                call.finish(())
            }
        }
    }
}

/// The error of a call, in the VM of its caller: a string has the traceback.
pub(crate) fn raised<'c>(
    call: &mut Call<'c>,
    error: Value<'c>,
    traceback: &[u8],
) -> Result<Error, Error> {
    let Some(text) = LuaString::from_value(error) else { return Ok(call.raise(error)) };
    let mut message = text.bytes().to_vec();
    if is_about_global(&message) {
        message.extend_from_slice(b" (a worker has the globals of the libraries only)");
    }
    if !traceback.is_empty() {
        message.extend_from_slice(b"\nstack traceback of the worker:");
        message.extend_from_slice(traceback);
    }
    let message = call.string(&message)?;
    Ok(call.raise(message.value()))
}

/// Whether a message says that a global is nil.
fn is_about_global(message: &[u8]) -> bool {
    let contains = |part: &[u8]| message.windows(part.len()).any(|window| window == part);
    message.len() < 1000 && contains(b" global '") && message.ends_with(b"(a nil value)")
}
