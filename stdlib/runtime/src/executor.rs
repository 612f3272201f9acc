//! Runs a VM on tokio: turns of Lua alternate with the timers, sockets and files that goroutines
//! wait for.
//!
//! Everything runs on one thread. [`Executor::drive`] is the only future that runs Lua: it takes a
//! turn, lets tokio process external events, and takes the next turn. If no goroutine is ready, it
//! sleeps until one is. Nothing polls.

use crate::Host;
use crate::deadline::{Deadline, Limits, Timeout};
use crate::host::{Printer, Progress, Services, World};
use crate::reload::Reload;
use crate::report::{Names, Report, Reporter};
use crate::{errors, uncaught};
use solvm_vm::native::CallerInfo;
#[cfg(debug_assertions)]
use solvm_vm::native::Unpaid;
use solvm_vm::unit::Compiler;
use solvm_vm::{
    Call, Clock, Config, Error, GoroutineId, LuaString, Rest, Traceback, TracedCall, Turn, Value,
    Vm,
};
use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How long the names of a program are taken for the same.
const NAMES_LIFE: Duration = Duration::from_millis(100);
/// How often output is flushed while code runs.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// Why driving a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The awaited goroutine, or all goroutines, have ended.
    Ended,
    /// The time limit was exceeded, or the program was cancelled.
    Interrupted,
    /// The program requested a restart: [`Executor::allow_reload`].
    Reload,
}

/// The most important goroutine that has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EndedGoroutines {
    None,
    /// Others, which failed.
    Others,
    /// The awaited one.
    Goal,
}

/// A VM with its libraries, and the state of its program.
pub struct Executor {
    vm: Box<Vm>,
    deadline: Deadline,
    run_limit: Duration,
    /// The goroutine of the main chunk.
    main: Option<GoroutineId>,
    /// Whether there was an uncaught error without a handler, or in the main chunk.
    failed: bool,
    /// Whether the program has ended: then errors of the remaining finalizers are ignored.
    finalizing: bool,
    /// Whether the program continues after errors, which do not make it fail.
    interactive: bool,
    /// Formats errors; None for the format of `lua`.
    reporter: Option<Reporter>,
    /// Reports whose error objects are being converted to strings, each by a goroutine.
    pending_reports: Vec<(GoroutineId, Report)>,
    /// The names for reports, and when they were read.
    names: Option<(Instant, Names)>,
    flushed: Instant,
}

/// How a goroutine ended: its results, or the error and its traceback.
pub type End<'a, 'c> = Result<&'a [Value<'c>], (Value<'c>, &'a Traceback)>;

/// Observes the end of the awaited goroutine. Returns whether an error is handled; otherwise it
/// goes to the handlers of `on_error` and is reported like others.
pub type EndObserver<'l> = dyn for<'c> FnMut(&mut Call<'c>, End<'_, 'c>) -> bool + 'l;

impl Executor {
    /// Creates a VM with the libraries that `open` adds, and their services.
    pub fn new(
        config: Config,
        limits: Limits,
        world: impl World,
        services: Services,
        open: impl FnOnce(&mut Call) -> Result<(), Error>,
    ) -> Result<Executor, String> {
        let deadline = Deadline::new(limits.timeout, config.clock.clone());
        let mut vm = Vm::new(config);
        let mut host = Host::with_deadline(world, deadline.clone(), services);
        if let Timeout::Default(_) = limits.timeout {
            host.handler_timeout = Some(limits.handler_timeout);
        }
        if let Timeout::Fixed(_) = limits.timeout {
            host.world.limit_output(deadline.get());
        }
        vm.set_host(host);
        vm.enter(open).map_err(|_| String::from("not enough memory for the libraries"))?;
        Ok(Executor {
            vm,
            deadline,
            run_limit: limits.run_limit,
            main: None,
            failed: false,
            finalizing: false,
            interactive: false,
            reporter: None,
            pending_reports: Vec::new(),
            names: None,
            flushed: Instant::now(),
        })
    }

    /// Lets machine code be made for what runs often, of chunks that are loaded from now on.
    pub fn set_compiler(&mut self, compiler: Box<dyn Compiler>) {
        self.vm.set_compiler(compiler);
    }

    /// Writes every function call and return to standard error.
    pub fn trace_calls(&mut self) {
        self.vm.set_tracer(write_traced_call);
    }

    /// Reports natives that use more time than they charge for, on standard error.
    #[cfg(debug_assertions)]
    #[expect(clippy::print_stderr, reason = "it is for tests alone")]
    pub fn report_unpaid_work(&mut self, tolerance: std::num::NonZeroU64) {
        self.vm.report_unpaid_work(tolerance, |unpaid| {
            let Unpaid { native, time, units, due, in_a_row } = unpaid;
            eprintln!(
                "unpaid work: {native} took {time:?}, due {due} units, charged {units}, {in_a_row} \
                 in a row"
            );
        });
    }

    /// Whether the interpreter's handlers jump to each other, instead of returning to a loop after
    /// every instruction.
    pub fn is_chained(&self) -> bool {
        self.vm.is_chained()
    }

    /// Calls `f` with access to the VM, as in a native function.
    pub fn enter<R>(&mut self, f: impl for<'c> FnOnce(&mut Call<'c>) -> R) -> R {
        self.vm.set_deadline(self.deadline.get());
        self.vm.relieve_memory();
        self.vm.enter(f)
    }

    /// Sets a fixed time limit; None means no limit.
    pub fn limit_time(&mut self, limit: Option<Duration>) {
        self.deadline.limit(limit);
    }

    /// Returns the program's deadline, which also applies to work outside it. None means no limit.
    pub fn due(&self) -> Option<Instant> {
        self.deadline.get()
    }

    /// Returns a flag with which another thread stops the program.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        self.vm.cancel_flag()
    }

    /// Whether the time limit was exceeded, or the program was cancelled.
    pub fn is_interrupted(&self) -> bool {
        self.vm.is_interrupted()
    }

    /// Whether the program has failed: an error in its main chunk, or one without a handler.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Records and reports a failure.
    pub fn fail(&mut self, message: &[u8]) {
        self.fail_with(&Report::new(message));
    }

    /// The same for any report.
    pub fn fail_with(&mut self, report: &Report) {
        self.failed |= !self.interactive;
        self.report(report);
    }

    /// Sets the formatter of error reports.
    pub fn set_reporter(&mut self, reporter: Reporter) {
        self.reporter = Some(reporter);
    }

    /// Sets the file of the program: its directory is the project's.
    pub fn set_script(&mut self, path: &Path) {
        if let Some(host) = self.vm.host::<Host>() {
            host.script = Some(path.to_path_buf());
            host.world.set_script(path);
        }
    }

    /// Allows the program to request a restart (`reload_script`): the caller handles
    /// [`Outcome::Reload`].
    pub fn allow_reload(&mut self) {
        if let Some(host) = self.vm.host::<Host>() {
            *host.state() = Reload::Possible;
        }
    }

    fn is_reload_asked(&mut self) -> bool {
        !self.finalizing
            && self.vm.host::<Host>().is_some_and(|host| *host.state::<Reload>() == Reload::Asked)
    }

    /// Sets whether the program is interactive: then errors are printed without the program's name
    /// and do not make it fail.
    pub fn set_interactive(&mut self, interactive: bool) {
        self.interactive = interactive;
    }

    /// Prints an error report.
    fn report(&mut self, report: &Report) {
        self.flush();
        let name: &[u8] = if self.interactive { b"" } else { b"solvm: " };
        let text = match self.reporter {
            Some(reporter) => {
                // Many goroutines may fail at once.
                let names = match self.names.take() {
                    Some((read, names)) if read.elapsed() <= NAMES_LIFE => (read, names),
                    _ => (Instant::now(), self.enter(Names::of)),
                };
                let (_, names) = self.names.insert(names);
                reporter(report, names).into_bytes()
            }
            None => [name, &report.as_text(), b"\n"].concat(),
        };
        self.write_error(&text);
    }

    /// Ends the program's child processes.
    pub fn end_children(&mut self) {
        if let Some(host) = self.vm.host::<Host>() {
            host.world.end_children();
        }
    }

    /// Writes to the program's standard error.
    pub fn write_error(&mut self, text: &[u8]) {
        if let Some(host) = self.vm.host::<Host>() {
            host.world.write_error(text);
        }
    }

    /// Redirects the output, or restores the default: see [`World::print_through`].
    pub fn print_through(&mut self, printer: Option<Printer>) {
        if let Some(host) = self.vm.host::<Host>() {
            host.world.print_through(printer);
        }
    }

    /// Returns the program's progress display.
    pub fn progress(&mut self) -> Progress {
        self.vm.host::<Host>().map_or_else(Progress::default, |host| host.world.progress())
    }

    /// Flushes all output, as at the end of a program: also that of files, except for pipes that
    /// might block.
    ///
    /// # Errors
    /// The first failed write to standard output so far.
    pub fn flush_all(&mut self) -> std::io::Result<()> {
        let Some(host) = self.vm.host::<Host>() else { return Ok(()) };
        for service in host.services {
            service.flush(host);
        }
        host.world.flush_output()
    }

    /// Flushes standard output.
    pub fn flush(&mut self) {
        self.flushed = Instant::now();
        if let Some(host) = self.vm.host::<Host>() {
            // A closed pipe is handled by the writer.
            let _ = host.world.flush_output();
        }
    }

    /// Runs a goroutine as the main chunk until it has ended, together with all others.
    pub async fn drive_main(&mut self, main: GoroutineId) -> Outcome {
        self.drive_main_for(main, &mut |_, _| false).await
    }

    /// As [`Executor::drive_main`]; `observe` observes its end.
    pub async fn drive_main_for(
        &mut self,
        main: GoroutineId,
        observe: &mut EndObserver<'_>,
    ) -> Outcome {
        self.main = Some(main);
        self.vm.set_main(main);
        let outcome = self.drive_for(Some(main), observe).await;
        if self.failed && outcome == Outcome::Ended {
            return self.drive_error_handlers().await;
        }
        outcome
    }

    /// Runs until every goroutine has ended.
    pub async fn drive_to_end(&mut self) -> Outcome {
        self.drive(None).await
    }

    /// Runs the handlers of the error that ends the program, and what makes its report.
    async fn drive_error_handlers(&mut self) -> Outcome {
        loop {
            let converter = self.pending_reports.first().map(|(goroutine, _)| *goroutine);
            let Some(handler) = converter.or_else(|| self.vm.enter(errors::running_handler)) else {
                return Outcome::Ended;
            };
            let outcome = self.drive(Some(handler)).await;
            if outcome != Outcome::Ended {
                return outcome;
            }
        }
    }

    /// Stops all services and waits for work in progress: responses to requests that servers have
    /// received.
    pub async fn stop_services(&mut self) -> Outcome {
        let services = self.services();
        for service in services {
            self.vm.enter(|call| service.stop(call));
        }
        for service in services {
            while let Some(goroutine) = self.vm.enter(|call| service.running(call)) {
                if self.drive(Some(goroutine)).await == Outcome::Interrupted {
                    return Outcome::Interrupted;
                }
            }
        }
        Outcome::Ended
    }

    fn services(&mut self) -> Services {
        self.vm.host::<Host>().map_or(&[], |host| host.services)
    }

    /// Ends the remaining goroutines, then runs all finalizers, like `lua_close`.
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

    /// Runs until a goroutine has ended; until all have if None.
    pub async fn drive(&mut self, goal: Option<GoroutineId>) -> Outcome {
        self.drive_for(goal, &mut |_, _| false).await
    }

    /// As [`Executor::drive`]; `observe` observes the end of the goroutine.
    pub async fn drive_for(
        &mut self,
        goal: Option<GoroutineId>,
        observe: &mut EndObserver<'_>,
    ) -> Outcome {
        self.vm.watch(goal);
        let mut sleep = pin!(tokio::time::sleep(Duration::ZERO));
        let outcome = poll_fn(|context| self.poll(goal, observe, sleep.as_mut(), context)).await;
        if outcome == Outcome::Interrupted {
            for (_, report) in std::mem::take(&mut self.pending_reports) {
                self.report(&report);
            }
        }
        outcome
    }

    fn poll(
        &mut self,
        goal: Option<GoroutineId>,
        observe: &mut EndObserver<'_>,
        mut sleep: Pin<&mut tokio::time::Sleep>,
        context: &mut Context<'_>,
    ) -> Poll<Outcome> {
        loop {
            self.vm.set_deadline(self.deadline.get());
            self.vm.set_run_limit(self.deadline.is_paused().then_some(self.run_limit));
            let turn = self.vm.turn(context);
            let ends = self.take_ends(goal, observe);
            if self.is_reload_asked() {
                return Poll::Ready(Outcome::Reload);
            }
            match ends {
                EndedGoroutines::Goal => return Poll::Ready(Outcome::Ended),
                // They may have started handlers.
                EndedGoroutines::Others if turn != Turn::Interrupted => continue,
                EndedGoroutines::Others | EndedGoroutines::None => {}
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
                    if let Clock::System = *self.deadline.clock() {
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
                    if let Clock::Manual(_) = *self.deadline.clock() {
                        // Nothing can happen earlier, so the clock may advance.
                        let clock = self.deadline.clock();
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

    /// Handles the failed goroutines and the awaited one.
    fn take_ends(
        &mut self,
        goal: Option<GoroutineId>,
        observe: &mut EndObserver<'_>,
    ) -> EndedGoroutines {
        let mut ends = EndedGoroutines::None;
        let services = self.services();
        loop {
            let main = self.main;
            let pending = &mut self.pending_reports;
            let end = self.vm.next_end(|call, id, end| {
                let end = match &end {
                    Ok(values) => Ok(&values[..]),
                    Err((error, traceback)) => Err((*error, traceback)),
                };
                if let Some(place) = pending.iter().position(|(converter, _)| *converter == id) {
                    let (_, mut report) = pending.swap_remove(place);
                    let text = end.ok().and_then(|values| LuaString::from_value(*values.first()?));
                    if let Some(text) = text {
                        report.message = uncaught::shown(text);
                    }
                    return (id, Some(report), true);
                }
                let is_dealt_with = Some(id) == goal && observe(call, end);
                let (error, traceback) = match end {
                    Err(failure) if !is_dealt_with => failure,
                    _ => return (id, None, true),
                };
                let is_handled = errors::dispatch(call, id, error);
                for service in services {
                    service.restart(call, id);
                }
                // As in `lua`, an error without a value ends the program without a message.
                let is_silent = error.is_nil() && Some(id) == main;
                let is_reported = (!is_handled || Some(id) == main) && !is_silent;
                let report = is_reported.then(|| {
                    let subject = services.iter().find_map(|service| service.subject(call, id));
                    Report {
                        message: uncaught::message(call, error),
                        is_object: LuaString::from_value(error).is_none(),
                        traceback: traceback.clone(),
                        subject,
                        source: None,
                        goroutine: (Some(id) != main).then(|| id.number()),
                    }
                });
                let report = match (report, uncaught::converter(call, error)) {
                    (Some(report), Some(converter)) => {
                        pending.push((converter, report));
                        None
                    }
                    (report, _) => report,
                };
                (id, report, is_handled && Some(id) != main)
            });
            let Some((id, report, is_fine)) = end else { break };
            if ends != EndedGoroutines::Goal {
                ends =
                    if Some(id) == goal { EndedGoroutines::Goal } else { EndedGoroutines::Others };
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
            for service in services {
                service.ends_seen(host);
            }
        }
        ends
    }
}

/// Writes a line of the trace: the goroutine, its position, the event, and where the function is
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
