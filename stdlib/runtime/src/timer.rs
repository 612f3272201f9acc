//! Timers: `set_timeout`, `set_interval`, `cron` and the functions that clear them.
//!
//! A timer is a goroutine that sleeps and calls its function. Delays do not accumulate: the times
//! of an interval are multiples of its period; those that pass while the function runs are skipped.
//! Errors in the function go to `on_error`; the executor then restarts a repeating timer. The
//! default time limit is paused while a timer is pending.

use crate::Host;
use crate::cron;
use crate::deadline::TimeoutPause;
use crate::duration;
use crate::host::Service;
use crate::integer::Integer;
use crate::name::Name;
use crate::registry::registry_table;
use croner::Cron;
use hashbrown::HashMap;
use solvm_vm::native::{Definition, Library, Start, Step, Steps, Wanted};
use solvm_vm::{Call, Data, Error, Function, GoroutineId, Table, Value};
use std::time::{Duration, Instant};

/// The functions, which are globals.
pub static LIBRARY: Library = solvm_vm::library!("" {
    "clear_cron" => clear_cron,
    "clear_interval" => clear_interval,
    "clear_timeout" => clear_timeout,
    "cron" => set_cron,
    "set_interval" => set_interval,
    "set_timeout" => set_timeout,
});

/// The body of a timer's goroutine: its arguments are the timer's number, its function and its
/// weight.
static RUN: Definition = Definition::new("timer", run);

/// When a timer calls its function.
#[derive(Clone)]
enum Schedule {
    /// Once, after this time.
    Once(Duration),
    /// Repeatedly.
    Every(Duration),
    /// At the times of a cron schedule, in local time.
    Cron(Box<Cron>),
}

/// Memory of a timer outside the heap. The timer's goroutine holds it, so the heap counts it while
/// that exists.
struct Weight(usize);

impl Data for Weight {
    fn external_size(&self) -> usize {
        self.0
    }
}

impl Schedule {
    fn weight(&self) -> Weight {
        /// Approximate memory of the tables of timers and goroutines, and of a schedule.
        const TIMER: usize = 512;
        const CRON: usize = 5632;
        Weight(if let Schedule::Cron(_) = self { TIMER + CRON } else { TIMER })
    }
}

/// The functions that create timers, each with one that clears them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Timeout,
    Interval,
    Cron,
}

struct Timer {
    kind: Kind,
    schedule: Schedule,
    goroutine: GoroutineId,
    /// Whether its function is running; then clearing the timer must not end the goroutine.
    is_running: bool,
    /// When the last call was due; before the first one, when the timer was created.
    due: Instant,
    /// Where it was created ("script.lua:12").
    place: Vec<u8>,
    _pause: TimeoutPause,
}

/// The timers that have not been cleared, by number.
#[derive(Default)]
pub(crate) struct Timers {
    next: u64,
    timers: HashMap<u64, Timer>,
    by_goroutine: HashMap<GoroutineId, u64>,
}

impl Timers {
    /// Returns where the timer of a goroutine was created.
    fn place(&self, goroutine: GoroutineId) -> Option<&[u8]> {
        let number = self.by_goroutine.get(&goroutine)?;
        self.timers.get(number).map(|timer| &timer.place[..])
    }

    fn remove(&mut self, number: u64) -> Option<Timer> {
        let timer = self.timers.remove(&number)?;
        self.by_goroutine.remove(&timer.goroutine);
        // The table's size counts as a part of the timers.
        if self.timers.capacity() > 1000 && self.timers.len() < self.timers.capacity() / 4 {
            self.timers.shrink_to(2 * self.timers.len());
            self.by_goroutine.shrink_to(2 * self.timers.len());
        }
        Some(timer)
    }
}

/// Converts seconds. Times too long to be represented never come.
pub fn seconds(index: usize, seconds: f64) -> Result<Duration, Error> {
    if seconds.is_nan() {
        return Err(Error::argument(index, "number of seconds expected, got nan"));
    }
    Ok(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

/// `set_timeout(f, seconds)`: calls `f` once, later; returns the timer's number.
fn set_timeout<'c>(call: &mut Call<'c>, function: Function<'c>, after: f64) -> Result<f64, Error> {
    let after = seconds(2, after)?;
    start(call, Kind::Timeout, Schedule::Once(after), function)
}

/// `set_interval(f, seconds)`: calls `f` repeatedly.
fn set_interval<'c>(
    call: &mut Call<'c>,
    function: Function<'c>,
    period: f64,
) -> Result<f64, Error> {
    let period = seconds(2, period)?;
    if period.is_zero() {
        return Err(Error::argument(2, "interval must be positive"));
    }
    start(call, Kind::Interval, Schedule::Every(period), function)
}

/// Units charged for parsing a schedule.
const UNITS_PER_SCHEDULE: usize = 4000;

/// `cron(schedule, f)`: calls `f` whenever the time matches.
fn set_cron<'c>(
    call: &mut Call<'c>,
    schedule: Name<'c>,
    function: Function<'c>,
) -> Result<f64, Error> {
    // Finding the next time iterates over the calendar.
    call.charge(UNITS_PER_SCHEDULE + schedule.bytes().len() / 4);
    let text = String::from_utf8_lossy(schedule.bytes()).into_owned();
    let schedule = parse(call, text.trim());
    let schedule =
        schedule.map_err(|reason| Error::argument(1, format!("schedule '{text}': {reason}")))?;
    start(call, Kind::Cron, schedule, function)
}

fn parse(call: &mut Call, text: &str) -> Result<Schedule, String> {
    if let Some(period) = text.strip_prefix("@every ") {
        let period = duration::parse(period.trim())
            .ok_or("invalid duration (expected e.g. 300ms, 10s, 1m30s)")?;
        return if period.is_zero() {
            Err("the interval must be positive".into())
        } else {
            Ok(Schedule::Every(period))
        };
    }
    let schedule = cron::parse(text)?;
    let now = call.host::<Host>().map(|host| host.world.wall_clock());
    if now.is_some_and(|now| cron::wait(&schedule, now).is_none()) {
        return Err("schedule never matches".into());
    }
    Ok(Schedule::Cron(Box::new(schedule)))
}

fn clear_timeout(call: &mut Call, number: Integer) -> bool {
    clear(call, Kind::Timeout, number)
}

fn clear_interval(call: &mut Call, number: Integer) -> bool {
    clear(call, Kind::Interval, number)
}

fn clear_cron(call: &mut Call, number: Integer) -> bool {
    clear(call, Kind::Cron, number)
}

fn timers<'a>(call: &'a mut Call) -> Option<&'a mut Timers> {
    call.host::<Host>().map(|host| host.state::<Timers>())
}

/// Clears a timer, whose function is not called again. Returns whether it existed with that kind
/// and number.
fn clear(call: &mut Call, kind: Kind, number: Integer) -> bool {
    // No timer has number 0.
    let number = number.size().unwrap_or_default() as u64;
    let Some(timers) = timers(call) else { return false };
    if timers.timers.get(&number).is_none_or(|timer| timer.kind != kind) {
        return false;
    }
    let Some(timer) = forget(call, number) else { return false };
    if !timer.is_running {
        call.end_goroutine(timer.goroutine);
    }
    true
}

/// Removes a timer and its function from the tables.
fn forget(call: &mut Call, number: u64) -> Option<Timer> {
    if let Ok(functions) = functions(call) {
        // Removing an entry needs no memory.
        let _ = functions.set(call, Value::number(number as f64), Value::NIL);
    }
    timers(call)?.remove(number)
}

/// Returns the table of timers' functions by number: repeating timers need them after an error.
fn functions<'c>(call: &mut Call<'c>) -> Result<Table<'c>, Error> {
    registry_table(call, "timers")
}

fn start<'c>(
    call: &mut Call<'c>,
    kind: Kind,
    schedule: Schedule,
    function: Function<'c>,
) -> Result<f64, Error> {
    call.check_memory(schedule.weight().0)?;
    let due = call.now();
    let place = caller(call);
    let Some(host) = call.host::<Host>() else {
        return Err(Error::text("timers are not available"));
    };
    let pause = host.deadline.pause_timeout();
    let next = &mut host.state::<Timers>().next;
    *next += 1;
    let number = *next;
    let functions = functions(call)?;
    functions.set(call, Value::number(number as f64), function.value())?;
    let goroutine = spawn(call, number, function, schedule.weight())?;
    if let Some(timers) = timers(call) {
        timers.by_goroutine.insert(goroutine, number);
        let timer =
            Timer { kind, schedule, goroutine, is_running: false, due, place, _pause: pause };
        timers.timers.insert(number, timer);
    }
    Ok(number as f64)
}

/// Returns the position of the Lua code that called the running native; "[C]" if there is none.
pub fn caller(call: &mut Call) -> Vec<u8> {
    let position = call.position(1);
    position.strip_suffix(b": ").unwrap_or(b"[C]").to_vec()
}

fn spawn<'c>(
    call: &mut Call<'c>,
    number: u64,
    function: Function<'c>,
    weight: Weight,
) -> Result<GoroutineId, Error> {
    let run = call.function(&RUN, &[]);
    let weight = call.userdata(weight, None);
    call.spawn(run, &[Value::number(number as f64), function.value(), weight.value()])
}

/// The timers as a service of the executor.
pub struct TimerService;

impl Service for TimerService {
    fn place(&self, host: &mut Host, goroutine: GoroutineId) -> Option<Vec<u8>> {
        host.state::<Timers>().place(goroutine).map(<[u8]>::to_vec)
    }

    fn restart(&self, call: &mut Call, failed: GoroutineId) {
        restart(call, failed);
    }
}

/// Restarts a repeating timer in a new goroutine after an error.
fn restart(call: &mut Call, failed: GoroutineId) {
    let Some(timers) = timers(call) else { return };
    let Some(number) = timers.by_goroutine.remove(&failed) else { return };
    let schedule = timers.timers.get(&number).map(|timer| &timer.schedule);
    let weight =
        schedule.filter(|schedule| !matches!(schedule, Schedule::Once(_))).map(Schedule::weight);
    let function = functions(call)
        .ok()
        .and_then(|functions| Function::from_value(functions.get(Value::number(number as f64))));
    match (weight, function) {
        (Some(weight), Some(function)) => {
            let Ok(goroutine) = spawn(call, number, function, weight) else { return };
            let Some(timers) = self::timers(call) else { return };
            timers.by_goroutine.insert(goroutine, number);
            if let Some(timer) = timers.timers.get_mut(&number) {
                timer.goroutine = goroutine;
                timer.is_running = false;
            }
        }
        _ => drop(forget(call, number)),
    }
}

fn run(_: &mut Call, number: f64, _function: Value) -> Start<Running> {
    Start::new(Running { number: number as u64, slept: false, called: false })
}

struct Running {
    number: u64,
    slept: bool,
    called: bool,
}

impl Steps for Running {
    fn step<'c>(&mut self, call: &mut Call<'c>) -> Result<Step, Error> {
        if std::mem::take(&mut self.slept) {
            let Some(timer) = timers(call).and_then(|timers| timers.timers.get_mut(&self.number))
            else {
                return call.finish(());
            };
            timer.is_running = true;
            self.called = true;
            let function = call.argument(1).unwrap_or(Value::NIL);
            return call.call(function, &[], Wanted::One);
        }
        let now = call.now();
        let Some(host) = call.host::<Host>() else { return call.finish(()) };
        let wall_clock = host.world.wall_clock();
        let Some(timer) = host.state::<Timers>().timers.get_mut(&self.number) else {
            return call.finish(());
        };
        timer.is_running = false;
        if self.called && matches!(timer.schedule, Schedule::Once(_)) {
            forget(call, self.number);
            return call.finish(());
        }
        match timer.next(now, wall_clock) {
            Some(due) => {
                timer.due = due;
                self.slept = true;
                call.sleep_until(due)
            }
            None => {
                forget(call, self.number);
                Err(Error::text("schedule has no future run"))
            }
        }
    }
}

impl Timer {
    /// Returns the time of the next call.
    fn next(&self, now: Instant, wall_clock: std::time::SystemTime) -> Option<Instant> {
        match &self.schedule {
            // A time that cannot be represented is replaced by the farthest one. It counts from
            // when the timer was set, not from when its goroutine first ran.
            Schedule::Once(after) => Some(self.due.checked_add(*after).unwrap_or(now + FAR_FUTURE)),
            Schedule::Every(period) => {
                let missed =
                    now.saturating_duration_since(self.due).as_nanos() / period.as_nanos().max(1);
                let periods = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
                let due = period.checked_mul(periods).and_then(|after| self.due.checked_add(after));
                Some(due.unwrap_or(now + FAR_FUTURE))
            }
            Schedule::Cron(schedule) => now.checked_add(cron::wait(schedule, wall_clock)?),
        }
    }
}

const FAR_FUTURE: Duration = Duration::from_secs(1 << 32);
