//! Running a script again when it calls `reload_script`.
//!
//! Each run has its own VM, so nothing is left of the previous one. If a version of the script
//! fails, the files that the previous one watched are awaited: a typing error does not end a
//! program that reloads itself.

use crate::arguments::Arguments;
use crate::chunks::drive_chunks;
use crate::exit::Exit;
use crate::interactive::interact;
use crate::session::new_executor;
use solvm_files::watch::{self, Changes};
use solvm_runtime::executor::{Executor, Outcome};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Time limit for a run to end.
const GRACE: Duration = Duration::from_secs(5);

/// How a run of a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All goroutines have ended, or the program was interrupted.
    Rest(Outcome),
    /// An error or `os.exit` ended its main chunk, or it could not be read.
    Broken,
}

/// Runs the program, again whenever it requests that.
pub(crate) async fn drive(executor: &mut Executor, arguments: &Arguments) -> Outcome {
    let start = Instant::now();
    let mut watched: Option<Changes> = None;
    loop {
        let exit = catch_exit(executor, arguments);
        let mut end = drive_once(executor, arguments).await;
        if let Some(called) = exit.and_then(|exit| exit.take()) {
            executor.cancel_flag().store(false, Ordering::Relaxed);
            let _ = executor.flush_all();
            executor.write_error(format!("solvm: {called}\n").as_bytes());
            end = End::Broken;
        }
        if end == End::Broken && arguments.restart_on_change {
            watched = watch::take_watches(executor).or(watched);
            let _ = tokio::time::timeout(GRACE, executor.finish()).await;
        }
        match (end, &watched) {
            (End::Rest(Outcome::Reload), _) => {
                watched = watch::take_watches(executor);
                // Finalizers that do not end are not waited for.
                let _ = tokio::time::timeout(GRACE, executor.finish()).await;
            }
            (End::Rest(outcome), _) => return outcome,
            (End::Broken, None) => return Outcome::Ended,
            (End::Broken, Some(changes)) => {
                executor.write_error(b"solvm: waiting for file changes\n");
                if !wait(arguments, start, changes).await {
                    return Outcome::Interrupted;
                }
            }
        }
        let _ = executor.flush_all();
        match new_executor(arguments, start.elapsed()) {
            Ok(mut fresh) => {
                solvm_archive::import::inherit(&mut fresh, executor);
                *executor = fresh;
                drain_tasks().await;
            }
            Err(message) => {
                executor.fail(&message);
                return Outcome::Ended;
            }
        }
    }
}

/// Runs the program once, until everything has ended or it requests a restart.
async fn drive_once(executor: &mut Executor, arguments: &Arguments) -> End {
    let mut outcome = drive_chunks(executor, arguments).await;
    // An error in the main chunk is reported before the user types.
    if outcome == Outcome::Ended && arguments.interactive {
        outcome = interact(executor).await;
    }
    let is_broken = executor.has_failed();
    // Goroutines of the chunks continue; an error in the main chunk ends them.
    if outcome == Outcome::Ended && !is_broken {
        outcome = executor.drive_to_end().await;
    }
    // The files that a restarted program watched are read before it is ended.
    if outcome == Outcome::Ended && !(is_broken && arguments.restart_on_change) {
        outcome = executor.finish().await;
    }
    if outcome == Outcome::Ended && is_broken { End::Broken } else { End::Rest(outcome) }
}

/// Makes `os.exit` end only the run, if the program is run again after it.
fn catch_exit(executor: &mut Executor, arguments: &Arguments) -> Option<Exit> {
    let cancelled = executor.cancel_flag();
    let interrupt = move || cancelled.store(true, Ordering::Relaxed);
    // Without memory for it, nothing runs.
    arguments
        .restart_on_change
        .then(|| executor.enter(|call| Exit::replace(call, interrupt).ok()))
        .flatten()
}

/// The tasks of the previous program notice its end, and release their ports.
async fn drain_tasks() {
    let count = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for _ in 0..=count {
        tokio::task::yield_now().await;
    }
}

/// Waits for a change. False if the program times out before.
async fn wait(arguments: &Arguments, start: Instant, changes: &Changes) -> bool {
    match arguments.timeout.flatten() {
        Some(limit) => tokio::time::timeout(limit.saturating_sub(start.elapsed()), changes.next())
            .await
            .is_ok(),
        None => {
            changes.next().await;
            true
        }
    }
}
