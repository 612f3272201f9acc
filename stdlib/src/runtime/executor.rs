//! Runs a VM on tokio: turns of Lua in between the timers, sockets and files that goroutines wait
//! for.
//!
//! Everything happens on one thread. [`Executor::drive`] is the one future that runs Lua: it takes
//! a turn, gives tokio a chance to look at what has happened outside, and takes the next one; if
//! nothing is ready it sleeps until something is. Nothing polls.
//!
//! **The time limit** ([`Timeout`]) is a deadline of the VM. A default limit holds only for
//! programs that compute and wait: it stands still as long as something holds an [`Exemption`] (a
//! server, a pending timer, a client's call, a read from a terminal).

use super::watch::{Changes, Reload};
use super::{errors, timer, uncaught, watch};
use crate::host::{FileSystem, Printer, World};
use crate::http::server;
use crate::load::{self, SourceFile};
use crate::progress::Progress;
use crate::{Host, Module};
use solvm_vm::native::CallerInfo;
#[cfg(debug_assertions)]
use solvm_vm::native::Unpaid;
use solvm_vm::{Call, Clock, Config, GoroutineId, LuaString, Rest, TracedCall, Turn, Value, Vm};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How often output is passed on while code runs.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// How long a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// This long, unless it serves, waits for a timer, or asks others ([`Exemption`]).
    Default(Duration),
    /// This long, whatever it does.
    Fixed(Duration),
    /// For ever.
    Never,
}

/// The limits of a program in time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the program.
    pub timeout: Timeout,
    /// Of a goroutine between two waits, while an exemption lifts the default timeout.
    pub run_limit: Duration,
    /// Of a server's handler until its answer begins, unless a timeout was given.
    pub handler_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            timeout: Timeout::Default(Duration::from_secs(5)),
            run_limit: Duration::from_secs(30),
            handler_timeout: Duration::from_secs(30),
        }
    }
}

/// The program's deadline, as the executor and the libraries share it.
#[derive(Clone)]
pub(crate) struct Deadline(Rc<DeadlineState>);

struct DeadlineState {
    clock: Clock,
    /// When the time is up, as if no exemption had been held. None is never.
    due: Cell<Option<Instant>>,
    /// Whether exemptions lift it.
    is_default: bool,
    exemptions: Cell<usize>,
    exempt_since: Cell<Option<Instant>>,
}

/// As long as it lives, the default time limit stands still.
pub(crate) struct Exemption(Rc<DeadlineState>);

impl Deadline {
    pub(crate) fn new(timeout: Timeout, clock: Clock) -> Self {
        let due = match timeout {
            Timeout::Default(limit) | Timeout::Fixed(limit) => clock.now().checked_add(limit),
            Timeout::Never => None,
        };
        Deadline(Rc::new(DeadlineState {
            clock,
            due: Cell::new(due),
            is_default: matches!(timeout, Timeout::Default(_)),
            exemptions: Cell::new(0),
            exempt_since: Cell::new(None),
        }))
    }

    /// Lets a default time limit stand still.
    pub(crate) fn exempt(&self) -> Exemption {
        let state = &self.0;
        if state.exemptions.replace(state.exemptions.get() + 1) == 0 {
            state.exempt_since.set(Some(state.clock.now()));
        }
        Exemption(state.clone())
    }

    fn is_lifted(&self) -> bool {
        self.0.is_default && self.0.exemptions.get() > 0
    }

    fn get(&self) -> Option<Instant> {
        if self.is_lifted() { None } else { self.0.due.get() }
    }
}

impl Drop for Exemption {
    fn drop(&mut self) {
        let left = self.0.exemptions.get() - 1;
        self.0.exemptions.set(left);
        if left == 0
            && self.0.is_default
            && let (Some(due), Some(since)) = (self.0.due.get(), self.0.exempt_since.take())
        {
            self.0.due.set(due.checked_add(self.0.clock.now().saturating_duration_since(since)));
        }
    }
}

/// How the goroutines of a program came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The goroutine that was waited for has ended, or all have.
    Ended,
    /// The time is up, or the program was cancelled.
    Interrupted,
    /// The program asks to be run afresh: [`Executor::allow_reload`].
    Reload,
}

/// An error that nobody caught.
pub struct Report {
    /// What it says, with the position if it has one.
    pub message: Vec<u8>,
    /// Whether the error was no text: it has no position of its own.
    pub is_object: bool,
    /// The calls that were active, lines that each begin with a line break; empty if no code was
    /// running.
    pub traceback: Vec<u8>,
    /// The number of the goroutine that it ended, if that is not the main chunk's.
    pub goroutine: Option<u64>,
}

impl Report {
    /// As `lua` words it.
    fn as_text(&self) -> Vec<u8> {
        let head: &[u8] = if self.traceback.is_empty() { b"" } else { b"\nstack traceback:" };
        [&self.message, head, &self.traceback].concat()
    }
}

/// Words a report for somebody who reads it, given the names of the globals.
pub type Reporter = fn(&Report, &[String]) -> String;

/// Which goroutines have come to an end that someone cares about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    None,
    /// Some that failed.
    Others,
    /// The one that is waited for among them.
    Goal,
}

/// A VM with its libraries, and how its program is doing.
pub struct Executor {
    vm: Box<Vm>,
    deadline: Deadline,
    run_limit: Duration,
    /// The goroutine of the main chunk.
    main: Option<GoroutineId>,
    /// An error was not caught, and no handler was there for it; or it was the main chunk's.
    failed: bool,
    /// The program has ended; what is left are finalizers, whose errors are of no interest any
    /// more.
    finalizing: bool,
    /// Errors are reported to somebody who goes on: they do not fail the program.
    interactive: bool,
    /// Words errors; if None, they are told as `lua` does.
    reporter: Option<Reporter>,
    flushed: Instant,
}

/// How a goroutine ended: its results, or the error and the traceback of the place where it was
/// raised.
pub type End<'a, 'c> = Result<&'a [Value<'c>], (Value<'c>, &'a [u8])>;

/// Looks at the end of the goroutine that was waited for. Answers whether an error is dealt with
/// thereby: if not, it goes to the handlers of `on_error` and is reported like others.
pub type Look<'l> = dyn for<'c> FnMut(&mut Call<'c>, End<'_, 'c>) -> bool + 'l;

impl Executor {
    /// A VM with all libraries.
    pub fn new(config: Config, limits: Limits, world: impl World) -> Result<Executor, String> {
        Executor::with_libraries(config, limits, world, |_| true)
    }

    /// A VM with some of the libraries.
    pub fn with_libraries(
        config: Config,
        limits: Limits,
        world: impl World,
        is_chosen: impl Fn(&Module) -> bool,
    ) -> Result<Executor, String> {
        let deadline = Deadline::new(limits.timeout, config.clock.clone());
        let mut vm = Vm::new(config);
        let mut host = Host::with_deadline(world, deadline.clone());
        if let Timeout::Default(_) = limits.timeout {
            host.servers.handler_timeout = Some(limits.handler_timeout);
        }
        if let Timeout::Fixed(_) = limits.timeout {
            host.world.limit_output(deadline.get());
        }
        vm.set_host(host);
        vm.enter(|call| crate::open_some(call, is_chosen))
            .map_err(|_| String::from("not enough memory for the libraries"))?;
        Ok(Executor {
            vm,
            deadline,
            run_limit: limits.run_limit,
            main: None,
            failed: false,
            finalizing: false,
            interactive: false,
            reporter: None,
            flushed: Instant::now(),
        })
    }

    /// Writes a line for every function call and return to the standard error output.
    pub fn trace_calls(&mut self) {
        self.vm.set_tracer(write_traced_call);
    }

    /// Writes a line to the standard error output for every native that takes longer than it has
    /// charged for.
    #[cfg(debug_assertions)]
    #[expect(clippy::print_stderr, reason = "it is for tests alone")]
    pub fn report_unpaid_work(&mut self) {
        self.vm.report_unpaid_work(|unpaid| {
            let Unpaid { native, time, units, due, in_a_row } = unpaid;
            eprintln!(
                "unpaid work: {native} took {time:?}, due {due} units, charged {units}, {in_a_row} \
                 in a row"
            );
        });
    }

    /// Whether the interpreter's handlers jump to each other, or return to a loop after every
    /// instruction.
    pub fn is_chained(&self) -> bool {
        self.vm.is_chained()
    }

    /// Looks at the VM as if from a native function.
    pub fn enter<R>(&mut self, f: impl for<'c> FnOnce(&mut Call<'c>) -> R) -> R {
        self.vm.set_deadline(self.deadline.get());
        self.vm.relieve_memory();
        self.vm.enter(f)
    }

    /// From now on the program may take this long, whatever it does; for ever if None.
    pub fn limit_time(&mut self, limit: Option<Duration>) {
        let state = &self.deadline.0;
        state.due.set(limit.and_then(|limit| state.clock.now().checked_add(limit)));
    }

    /// When the program's time is up: what it does not wait for itself must end then, too. None is
    /// never.
    pub fn due(&self) -> Option<Instant> {
        self.deadline.get()
    }

    /// Stops the program from another thread, whatever it does, while it is set.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        self.vm.cancel_flag()
    }

    /// Whether the time is up, or the program was cancelled.
    pub fn is_interrupted(&self) -> bool {
        self.vm.is_interrupted()
    }

    /// Whether the program has failed: an error in its main chunk, or one that no handler was there
    /// for.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Notes a failure and reports it.
    pub fn fail(&mut self, message: &[u8]) {
        self.failed |= !self.interactive;
        self.report(&Report {
            message: message.to_vec(),
            is_object: false,
            traceback: Vec::new(),
            goroutine: None,
        });
    }

    /// From now on errors are reported in these words.
    pub fn set_reporter(&mut self, reporter: Reporter) {
        self.reporter = Some(reporter);
    }

    /// Says which file the program is: its folder is the project's.
    pub fn set_script(&mut self, path: &Path) {
        if let Some(host) = self.vm.host::<Host>() {
            host.script = Some(path.to_path_buf());
            host.world.set_script(path);
        }
    }

    /// Reads a source file, or standard input without a path. The inner error is the message. None
    /// if the program's time is up before it is read.
    pub async fn read_source(
        &mut self,
        files: Arc<dyn FileSystem>,
        path: Option<&[u8]>,
    ) -> Option<Result<SourceFile, Vec<u8>>> {
        let Some(host) = self.vm.host::<Host>() else {
            return Some(Err(b"file access is not available".to_vec()));
        };
        let input = path.is_none().then(|| host.world.input());
        // The time that a user takes to type does not count.
        let is_typed = matches!(&input, Some(Ok(input)) if input.is_terminal);
        let _exemption = is_typed.then(|| host.deadline.exempt());
        let due = self.deadline.get();
        let held = self.enter(|call| call.account().hold_nothing());
        let read = async {
            match (path, input) {
                (Some(path), _) => load::read_file(files, path.to_vec(), held).await,
                (None, Some(input)) => load::read_input(input, held).await,
                (None, None) => Ok(Err(b"file access is not available".to_vec())),
            }
        };
        let source = match due {
            Some(due) => tokio::time::timeout_at(due.into(), read).await.ok()?,
            None => read.await,
        };
        Some(source.unwrap_or_else(|_| Err(b"not enough memory".to_vec())))
    }

    /// Lets the program ask to be run afresh (`reload_script`): whoever drives it is ready for
    /// [`Outcome::Reload`].
    pub fn allow_reload(&mut self) {
        if let Some(host) = self.vm.host::<Host>() {
            host.reload = Reload::Possible;
        }
    }

    fn is_reload_asked(&mut self) -> bool {
        !self.finalizing && self.vm.host::<Host>().is_some_and(|host| host.reload == Reload::Asked)
    }

    /// What the program watches, to go on watching it when the program has ended.
    pub fn take_watched(&mut self) -> Option<Changes> {
        let changes = self.vm.host::<Host>().map(|host| Changes::of(&mut host.watchers));
        changes.filter(|changes| !changes.is_empty())
    }

    /// Takes over from a program that was run in the same process what it has fetched.
    pub fn inherit(&mut self, other: &mut Executor) {
        if let (Some(host), Some(other)) = (self.vm.host::<Host>(), other.vm.host::<Host>()) {
            host.fetched = other.fetched.clone();
        }
    }

    /// Whether somebody sees the errors and goes on: then they are printed without the program's
    /// name and do not fail the program.
    pub fn set_interactive(&mut self, interactive: bool) {
        self.interactive = interactive;
    }

    /// Prints an error.
    fn report(&mut self, report: &Report) {
        self.flush();
        let name: &[u8] = if self.interactive { b"" } else { b"solvm: " };
        let text = match self.reporter {
            Some(reporter) => reporter(report, &self.global_names()).into_bytes(),
            None => [name, &report.as_text(), b"\n"].concat(),
        };
        self.write_error(&text);
    }

    /// The names of the globals.
    fn global_names(&mut self) -> Vec<String> {
        self.enter(|call| {
            let names = call.globals().pairs().filter_map(|(key, _)| LuaString::from_value(key));
            names.map(|name| String::from_utf8_lossy(name.bytes()).into_owned()).collect()
        })
    }

    /// Ends the child processes that the program has started.
    pub fn end_children(&mut self) {
        if let Some(host) = self.vm.host::<Host>() {
            host.world.end_children();
        }
    }

    /// Writes to the program's standard error output.
    pub fn write_error(&mut self, text: &[u8]) {
        if let Some(host) = self.vm.host::<Host>() {
            host.world.write_error(text);
        }
    }

    /// What is written goes this way from now on, or the usual one: see [`World::print_through`].
    pub fn print_through(&mut self, printer: Option<Printer>) {
        if let Some(host) = self.vm.host::<Host>() {
            host.world.print_through(printer);
        }
    }

    /// Where the program's progress is shown.
    pub fn progress(&mut self) -> Progress {
        self.vm.host::<Host>().map_or_else(Progress::default, |host| host.world.progress())
    }

    /// Passes on everything that was written, as at the end of a program: to files, too, but for
    /// pipes that might block.
    ///
    /// # Errors
    /// That of the first write to standard output that has failed so far.
    pub fn flush_all(&mut self) -> std::io::Result<()> {
        let Some(host) = self.vm.host::<Host>() else { return Ok(()) };
        host.files.flush(false);
        host.world.flush_output()
    }

    /// Passes on what was printed.
    pub fn flush(&mut self) {
        self.flushed = Instant::now();
        if let Some(host) = self.vm.host::<Host>() {
            // A closed pipe is dealt with where it is written to.
            let _ = host.world.flush_output();
        }
    }

    /// Runs a goroutine as the main chunk until it has ended; the others go on until then.
    pub async fn drive_main(&mut self, main: GoroutineId) -> Outcome {
        self.drive_main_for(main, &mut |_, _| false).await
    }

    /// The same; `look` sees how it ends.
    pub async fn drive_main_for(&mut self, main: GoroutineId, look: &mut Look<'_>) -> Outcome {
        self.main = Some(main);
        self.vm.set_main(main);
        let outcome = self.drive_for(Some(main), look).await;
        if self.failed && outcome == Outcome::Ended {
            return self.drive_error_handlers().await;
        }
        outcome
    }

    /// Runs until every goroutine has ended.
    pub async fn drive_to_end(&mut self) -> Outcome {
        self.drive(None).await
    }

    /// Runs the handlers of the error that ends the program.
    async fn drive_error_handlers(&mut self) -> Outcome {
        while let Some(handler) = self.vm.enter(errors::running_handler) {
            let outcome = self.drive(Some(handler)).await;
            if outcome != Outcome::Ended {
                return outcome;
            }
        }
        Outcome::Ended
    }

    /// Stops all servers; ends when the requests that are under way have been answered.
    pub async fn stop_servers(&mut self) -> Outcome {
        self.vm.enter(server::stop_all);
        while let Some(server) = self.vm.enter(server::running_server) {
            if self.drive(Some(server)).await == Outcome::Interrupted {
                return Outcome::Interrupted;
            }
        }
        Outcome::Ended
    }

    /// Ends the goroutines that are left, then runs the finalizers of everything, as `lua_close`
    /// does.
    pub async fn finish(&mut self) -> Outcome {
        self.finalizing = true;
        self.vm.end_goroutines();
        while let Some(finalizers) = self.vm.finalize() {
            if self.drive(Some(finalizers)).await == Outcome::Interrupted {
                return Outcome::Interrupted;
            }
        }
        Outcome::Ended
    }

    /// Runs until a goroutine has ended; until none is left if None.
    pub async fn drive(&mut self, goal: Option<GoroutineId>) -> Outcome {
        self.drive_for(goal, &mut |_, _| false).await
    }

    /// The same; `look` sees how the goroutine ends.
    pub async fn drive_for(&mut self, goal: Option<GoroutineId>, look: &mut Look<'_>) -> Outcome {
        self.vm.watch(goal);
        let mut sleep = pin!(tokio::time::sleep(Duration::ZERO));
        poll_fn(|context| self.poll(goal, look, sleep.as_mut(), context)).await
    }

    fn poll(
        &mut self,
        goal: Option<GoroutineId>,
        look: &mut Look<'_>,
        mut sleep: Pin<&mut tokio::time::Sleep>,
        context: &mut Context<'_>,
    ) -> Poll<Outcome> {
        loop {
            self.vm.set_deadline(self.deadline.get());
            self.vm.set_run_limit(self.deadline.is_lifted().then_some(self.run_limit));
            let turn = self.vm.turn(context);
            let ends = self.take_ends(goal, look);
            if self.is_reload_asked() {
                return Poll::Ready(Outcome::Reload);
            }
            match ends {
                Ends::Goal => return Poll::Ready(Outcome::Ended),
                // Handlers may have been started since.
                Ends::Others if turn != Turn::Interrupted => continue,
                Ends::Others | Ends::None => {}
            }
            match turn {
                Turn::Done => return Poll::Ready(Outcome::Ended),
                Turn::Interrupted => return Poll::Ready(Outcome::Interrupted),
                Turn::Deadlocked => {
                    self.vm.resolve_deadlock();
                }
                Turn::Ready => {
                    if self.flushed.elapsed() >= FLUSH_INTERVAL {
                        self.flush();
                    }
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Turn::Waiting => {
                    self.flush();
                    let mut due =
                        [self.vm.next_timer(), self.deadline.get()].into_iter().flatten().min();
                    if let Clock::System = self.deadline.0.clock {
                        match self.vm.rest() {
                            Rest::Nothing => {}
                            Rest::At(time) => due = due.into_iter().chain([time]).min(),
                            Rest::Soon => {
                                context.waker().wake_by_ref();
                                return Poll::Pending;
                            }
                        }
                    }
                    let Some(due) = due else { return Poll::Pending };
                    if let Clock::Manual(_) = self.deadline.0.clock {
                        // Nothing happens until then, so it may as well be then.
                        let clock = &self.deadline.0.clock;
                        clock.advance(due.saturating_duration_since(clock.now()));
                        continue;
                    }
                    sleep.as_mut().reset(due.into());
                    if sleep.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Deals with the goroutines that have failed, and the one that is waited for.
    fn take_ends(&mut self, goal: Option<GoroutineId>, look: &mut Look<'_>) -> Ends {
        let mut ends = Ends::None;
        loop {
            let main = self.main;
            let end = self.vm.next_end(|call, id, end| {
                let end = match &end {
                    Ok(values) => Ok(&values[..]),
                    Err((error, traceback)) => Err((*error, &traceback[..])),
                };
                let is_dealt_with = Some(id) == goal && look(call, end);
                let (error, traceback) = match end {
                    Err(failure) if !is_dealt_with => failure,
                    _ => return (id, None, true),
                };
                let is_handled = errors::hand_over(call, id, error);
                timer::go_on(call, id);
                watch::go_on(call, id);
                let is_reported = !is_handled || Some(id) == main;
                let report = is_reported.then(|| {
                    let calls = uncaught::calls(traceback);
                    let subject = server::subject(call, id)
                        .map(|subject| format!("\n\tin the response to {subject}"));
                    Report {
                        message: uncaught::message(call, error),
                        is_object: LuaString::from_value(error).is_none(),
                        traceback: [calls, subject.unwrap_or_default().as_bytes()].concat(),
                        goroutine: (Some(id) != main).then(|| id.number()),
                    }
                });
                (id, report, is_handled && Some(id) != main)
            });
            let Some((id, report, is_fine)) = end else { break };
            if ends != Ends::Goal {
                ends = if Some(id) == goal { Ends::Goal } else { Ends::Others };
            }
            if self.finalizing {
                continue;
            }
            self.failed |= !is_fine && !self.interactive;
            if let Some(report) = report {
                self.report(&report);
            }
        }
        if let Some(host) = self.vm.host::<Host>() {
            host.servers.forget_broken_off();
        }
        ends
    }
}

/// A line of the trace: the goroutine, where it stands, what it does, and where the function is
/// defined.
fn write_traced_call(host: &mut Host, call: &TracedCall) {
    let mut line = b"trace: ".to_vec();
    if let Some(goroutine) = call.goroutine {
        line.extend_from_slice(format!("{} ", goroutine.number()).as_bytes());
    }
    if let Some(CallerInfo { source, line: number }) = &call.position {
        line.extend_from_slice(source);
        line.extend_from_slice(
            &number.map_or(Vec::new(), |number| format!(":{number}").into_bytes()),
        );
        line.extend_from_slice(b": ");
    }
    let name = call.name.as_deref().unwrap_or(b"?");
    line.extend_from_slice(
        &[call.event.as_bytes(), b" ", name, b" <", &call.definition, b">\n"].concat(),
    );
    host.world.write_error(&line);
}
