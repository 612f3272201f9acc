//! `watch_file`: calls a function when a file has changed.
//!
//! A watcher is a goroutine that waits for changes and calls its function. Editors write in several
//! steps, so it waits until there have been no events for a short time. Errors in the function go
//! to `on_error`; the executor then restarts the watcher. The default time limit is paused while a
//! watcher exists.

use super::file_system;
use futures_util::FutureExt;
use hashbrown::HashMap;
use solvm_runtime::Host;
use solvm_runtime::deadline::TimeoutPause;
use solvm_runtime::executor::Executor;
use solvm_runtime::host::{Service, Watch, path_of};
use solvm_runtime::integer::Integer;
use solvm_runtime::name::Name;
use solvm_runtime::pool::in_pool;
use solvm_runtime::registry::registry_table;
use solvm_runtime::reload;
use solvm_runtime::results::failure;
use solvm_runtime::timer::caller;
use solvm_vm::native::asynchronous::{self, Slot};
use solvm_vm::native::{Definition, Library, Results};
use solvm_vm::{Call, Error, Function, GoroutineId, Held, Table, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout;

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "reload_script" => reload::reload_script,
    "unwatch_file" => unwatch_file,
    "watch_file" => watch_file,
});

/// The body of a watcher's goroutine: its arguments are the watcher's number and function.
static RUN: Definition = Definition::new("watcher", run);

/// The time without events before the function is called.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// The maximum delay of a call while events continue.
const MAX_DEBOUNCE: Duration = Duration::from_millis(500);

struct Watcher {
    path: Vec<u8>,
    goroutine: GoroutineId,
    changes: Arc<Notify>,
    /// Whether its function is running; then removing the watcher must not end the goroutine.
    is_running: bool,
    /// Where it was created ("script.lua:12").
    place: Vec<u8>,
    watch: Watch,
    _pause: TimeoutPause,
    _held: Held,
}

/// Approximate memory of a watcher outside the heap, including the OS's watch.
const WATCHER_SIZE: usize = 2048;

/// The watchers by number.
#[derive(Default)]
pub(crate) struct Watchers {
    next: u64,
    watchers: HashMap<u64, Watcher>,
    by_goroutine: HashMap<GoroutineId, u64>,
    /// Notified of every change.
    any: Arc<Notify>,
}

impl Watchers {
    /// Returns where the watcher of a goroutine was created.
    fn place(&self, goroutine: GoroutineId) -> Option<&[u8]> {
        let number = self.by_goroutine.get(&goroutine)?;
        self.watchers.get(number).map(|watcher| &watcher.place[..])
    }

    fn remove(&mut self, number: u64) -> Option<Watcher> {
        let watcher = self.watchers.remove(&number)?;
        self.by_goroutine.remove(&watcher.goroutine);
        Some(watcher)
    }
}

/// The files that a program watched which has ended: a change may be a reason to run it again.
pub struct Changes {
    any: Arc<Notify>,
    watches: Vec<Watch>,
}

impl Changes {
    fn of(watchers: &mut Watchers) -> Changes {
        let Watchers { watchers, any, .. } = std::mem::take(watchers);
        // Earlier changes are known.
        let _ = any.notified().now_or_never();
        Changes { any, watches: watchers.into_values().map(|watcher| watcher.watch).collect() }
    }

    /// Whether no file was watched.
    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// Waits for the next change. Changes between two calls are not missed.
    pub async fn next(&self) {
        debounce(&self.any).await;
    }
}

/// Waits for a change and then for a pause.
async fn debounce(changes: &Notify) {
    changes.notified().await;
    let start = Instant::now();
    while start.elapsed() < MAX_DEBOUNCE && timeout(DEBOUNCE, changes.notified()).await.is_ok() {}
}

/// `watch_file(path, callback)`: calls `callback(path)` when the file has been written, replaced or
/// created.
fn watch_file<'c>(
    call: &mut Call<'c>,
    path: Name<'c>,
    _callback: Function<'c>,
) -> Result<impl Results<'c> + use<'c>, Error> {
    let files = file_system(call)?;
    let (name, place) = (path.bytes().to_vec(), caller(call));
    let changes: Arc<Notify> = Arc::default();
    let any =
        call.host::<Host>().map(|host| host.state::<Watchers>().any.clone()).unwrap_or_default();
    let notify = changes.clone();
    let changed = Box::new(move || {
        notify.notify_one();
        any.notify_one();
    });
    let path = path_of(&name);
    Ok(asynchronous::run(move |lua| async move {
        let watch = in_pool(move || files.watch(&path, changed)).await.flatten();
        lua.finish_with(|call| match watch {
            Ok(watch) => {
                let Some(function) = call.argument(1).and_then(Function::from_value) else {
                    return Ok(Vec::new());
                };
                Ok(vec![Value::number(start(call, name, place, changes, watch, function)? as f64)])
            }
            Err(error) => failure(call, &error, Some(&name)),
        })
    }))
}

fn start<'c>(
    call: &mut Call<'c>,
    path: Vec<u8>,
    place: Vec<u8>,
    changes: Arc<Notify>,
    watch: Watch,
    function: Function<'c>,
) -> Result<u64, Error> {
    let held = call.hold(WATCHER_SIZE + 2 * path.len())?;
    let Some(host) = call.host::<Host>() else {
        return Err(Error::text("file access is not available"));
    };
    let pause = host.deadline.pause_timeout();
    let next = &mut host.state::<Watchers>().next;
    *next += 1;
    let number = *next;
    functions(call)?.set(call, Value::number(number as f64), function.value())?;
    let goroutine = spawn(call, number, function)?;
    if let Some(watchers) = watchers(call) {
        watchers.by_goroutine.insert(goroutine, number);
        let watcher = Watcher {
            path,
            goroutine,
            changes,
            is_running: false,
            place,
            watch,
            _pause: pause,
            _held: held,
        };
        watchers.watchers.insert(number, watcher);
    }
    Ok(number)
}

/// `unwatch_file(id)`: removes a watcher. Returns whether it existed.
fn unwatch_file(call: &mut Call, number: Integer) -> bool {
    // No watcher has number 0.
    let number = number.size().unwrap_or_default() as u64;
    if let Ok(functions) = functions(call) {
        // Removing an entry needs no memory.
        let _ = functions.set(call, Value::number(number as f64), Value::NIL);
    }
    let Some(watcher) = watchers(call).and_then(|watchers| watchers.remove(number)) else {
        return false;
    };
    if !watcher.is_running {
        call.end_goroutine(watcher.goroutine);
    }
    true
}

/// Returns the table of the watchers' functions by number: they are needed after an error.
fn functions<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    registry_table(call, "watchers")
}

fn watchers<'a>(call: &'a mut Call) -> Option<&'a mut Watchers> {
    call.host::<Host>().map(|host| host.state::<Watchers>())
}

fn spawn<'c>(
    call: &mut Call<'c>,
    number: u64,
    function: Function<'c>,
) -> Result<GoroutineId, Error> {
    let run = call.function(&RUN, &[]);
    call.spawn(run, &[Value::number(number as f64), function.value()])
}

/// The watchers as a service of the executor.
pub struct WatcherService;

impl Service for WatcherService {
    fn place(&self, host: &mut Host, goroutine: GoroutineId) -> Option<Vec<u8>> {
        host.state::<Watchers>().place(goroutine).map(<[u8]>::to_vec)
    }

    fn restart(&self, call: &mut Call, failed: GoroutineId) {
        restart(call, failed);
    }
}

/// Takes over the watches of a program that has ended.
pub fn take_watches(executor: &mut Executor) -> Option<Changes> {
    let changes = executor.enter(|call| watchers(call).map(Changes::of));
    changes.filter(|changes| !changes.is_empty())
}

/// Restarts a watcher in a new goroutine after an error.
fn restart(call: &mut Call, failed: GoroutineId) {
    let Some(number) = watchers(call).and_then(|watchers| watchers.by_goroutine.remove(&failed))
    else {
        return;
    };
    let function = functions(call)
        .ok()
        .and_then(|functions| Function::from_value(functions.get(Value::number(number as f64))));
    let Some(goroutine) = function.and_then(|function| spawn(call, number, function).ok()) else {
        return;
    };
    if let Some(watchers) = watchers(call)
        && let Some(watcher) = watchers.watchers.get_mut(&number)
    {
        watcher.goroutine = goroutine;
        watcher.is_running = false;
        watchers.by_goroutine.insert(goroutine, number);
    }
}

fn run<'c>(_: &mut Call<'c>, number: f64, _callback: Function<'c>) -> impl Results<'c> + use<'c> {
    let number = number as u64;
    asynchronous::run(move |lua| async move {
        let (callback, path, result) = (Slot::argument(1), lua.slot(), lua.slot());
        loop {
            let known = lua.with(|call| {
                let watcher = watchers(call)?.watchers.get_mut(&number)?;
                watcher.is_running = false;
                let (changes, name) = (watcher.changes.clone(), watcher.path.clone());
                Some((changes, name, file_system(call).ok()?))
            });
            // The function may have removed its own watcher.
            let Some((changes, name, files)) = known else { return lua.finish(&[]) };
            debounce(&changes).await;
            // A removed file is waited for.
            let file = path_of(&name);
            if !in_pool(move || files.metadata(&file, true).is_ok()).await.unwrap_or(false) {
                continue;
            }
            lua.with(|call| {
                if let Some(watcher) =
                    watchers(call).and_then(|watchers| watchers.watchers.get_mut(&number))
                {
                    watcher.is_running = true;
                }
                let name = call.string(&name)?.value();
                path.set(call, name);
                Ok::<(), Error>(())
            })?;
            lua.call(callback, &[path], result).await?;
        }
    })
}
