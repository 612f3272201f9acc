//! `worker.run`, `worker.spawn` and the handles of calls. `map` and `file` are in `worker.lua`.

use crate::call::raised;
use crate::message::{Reader, Writer};
use crate::pool::Job;
use crate::program::pool;
use crate::ticket::{CancelOnDrop, Outcome, Ticket};
use solvm_lua::lua_source::{self, Calling, Source};
use solvm_runtime::Host;
use solvm_vm::native::{Class, Library, Object, Rest, Start, Step, Steps, This};
use solvm_vm::{Call, Data, Error, Function, Value};
use std::sync::Arc;
use std::task::{Context, Poll};

/// The library `worker`.
pub static LIBRARY: Library = solvm_vm::library!(lazy "worker" {
    "file" => in_lua,
    "map" => in_lua,
    "run" => run,
    "size" => size,
    "spawn" => spawn,
});

static SOURCE: Source =
    Source { name: "worker", text: include_str!("worker.lua"), natives: &NATIVES };

static NATIVES: Library = solvm_vm::library!(lazy "" {
    "run_in_worker" => run,
    "size" => size,
    "spawn" => spawn,
});

fn in_lua(call: &mut Call<'_>, arguments: Rest) -> Start<Calling> {
    lua_source::call(call, &SOURCE, arguments)
}

/// `size()`: the number of isolates in the pool.
fn size(call: &mut Call<'_>) -> Result<usize, Error> {
    Ok(pool(call)?.0.most())
}

/// `run(f, ...)`: calls a function in an isolate and returns its results.
fn run<'c>(_: &mut Call<'c>, _function: Function<'c>, _arguments: Rest) -> Start<Sending> {
    Start::new(Sending { waits: true, reader: None, receiving: None })
}

/// `spawn(f, ...)`: starts that call and returns its handle.
fn spawn<'c>(_: &mut Call<'c>, _function: Function<'c>, _arguments: Rest) -> Start<Sending> {
    Start::new(Sending { waits: false, reader: None, receiving: None })
}

/// A call on its way to an isolate.
struct Sending {
    /// Whether the native returns the results, not the handle.
    waits: bool,
    /// The message, while it is read.
    reader: Option<Reader>,
    /// The wait for the end; the call ends with it.
    receiving: Option<(Receiving, CancelOnDrop)>,
}

impl Steps for Sending {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if let Some((receiving, _)) = &mut self.receiving {
            return receiving.step(call);
        }
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => {
                let values: Vec<Value<'c>> = Rest { first: 0 }.values(call).collect();
                Reader::new(call, &values, |index| match index {
                    0 => "the function".into(),
                    _ => format!("argument {index}"),
                })?
            }
        };
        if !reader.read(call)? {
            self.reader = Some(reader);
            return call.again();
        }
        call.keep_only(Vec::new());
        call.charge_for_system_call();
        // What has been printed comes before what the call prints.
        if let Some(host) = call.host::<Host>() {
            let _ = host.world.flush_output();
        }
        let ticket = Arc::new(Ticket::default());
        let (pool, depth) = pool(call)?;
        let job = Job { depth, message: reader.finish(), ticket: ticket.clone() };
        pool.submit(job).map_err(Error::text)?;
        if !self.waits {
            return call.finish(Object(Handle { ticket }));
        }
        let receiving = Receiving::new(ticket.clone());
        self.receiving.insert((receiving, CancelOnDrop(ticket))).0.step(call)
    }
}

/// A call in an isolate, for its caller.
struct Handle {
    ticket: Arc<Ticket>,
}

impl Data for Handle {
    fn external_size(&self) -> usize {
        size_of::<Ticket>()
    }
}

impl Class for Handle {
    const NAME: &'static str = "worker call";
    const METHODS: &'static Library = &METHODS;
}

static METHODS: Library = solvm_vm::library!("worker call" {
    "__tostring" => to_string,
    "cancel" => cancel,
    "wait" => wait,
});

fn to_string(_: &mut Call<'_>, this: This<'_, Handle>) -> String {
    format!("worker call: {:p}", Arc::as_ptr(&this.ticket))
}

/// `call:cancel()`: stops it, unless it has ended.
fn cancel(_: &mut Call<'_>, this: This<'_, Handle>) {
    this.ticket.cancel();
}

/// `call:wait()`: its results; raises its error.
fn wait(_: &mut Call<'_>, this: This<'_, Handle>) -> Start<Receiving> {
    Start::new(Receiving::new(this.ticket.clone()))
}

/// The wait for the end of a call.
struct Receiving {
    ticket: Arc<Ticket>,
    /// The results that are being made; of an error, its traceback.
    writing: Option<(Writer, Option<Vec<u8>>)>,
}

impl Receiving {
    fn new(ticket: Arc<Ticket>) -> Receiving {
        Receiving { ticket, writing: None }
    }
}

impl Steps for Receiving {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if self.writing.is_none() {
            let waker = call.waker();
            let outcome = match self.ticket.poll(&mut Context::from_waker(&waker)) {
                Poll::Pending => return call.wait_for_wake(),
                Poll::Ready(outcome) => outcome,
            };
            self.writing = Some(match outcome {
                None => return Err(Error::text("the results have been returned already")),
                Some(Outcome::Failed(why)) => return Err(Error::text(why)),
                Some(Outcome::Done(message)) => (Writer::new(message), None),
                Some(Outcome::Raised(message, traceback)) => {
                    (Writer::new(message), Some(traceback))
                }
            });
        }
        let Some((writer, traceback)) = &mut self.writing else { return call.finish(()) };
        if !writer.write(call)? {
            return call.again();
        }
        let values = writer.values(call)?;
        match traceback {
            None => call.finish(values),
            Some(traceback) => {
                let error = values.first().copied().unwrap_or(Value::NIL);
                Err(raised(call, error, traceback)?)
            }
        }
    }
}
