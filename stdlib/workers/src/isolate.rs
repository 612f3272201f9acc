//! An isolate: a thread with a tokio runtime and a VM, which makes calls for other VMs.
//!
//! A call has globals of its own, behind which are those of the libraries. A VM is used again if
//! the call has left nothing behind: no goroutine, server, timer, channel or handler. Otherwise the
//! next call gets a new one.

use crate::call::{self, Task};
use crate::pool::{Job, Pool};
use crate::program::set_pool;
use crate::ticket::Outcome;
use solvm_runtime::Host;
use solvm_runtime::executor::{EndObserver, Executor, Outcome as Drive};
use solvm_runtime::registry::registry_table;
use solvm_runtime::uncaught;
use solvm_vm::{Call, Error, Held};
use std::io;
use std::thread;
use tokio::sync::oneshot;

/// The largest heap that is kept for the next call. Another VM cannot collect its garbage.
const MOST_KEPT: usize = 4 << 20;

/// What a VM takes outside its heap, and what its thread and tokio take.
const FIXED_SIZE: usize = 256 << 10;

/// Starts an isolate, which gets its first job there and the others from the pool.
pub(crate) fn start(pool: Pool, first: oneshot::Receiver<Job>) -> io::Result<()> {
    thread::Builder::new().name("isolate".into()).spawn(move || run(&pool, first)).map(drop)
}

/// Makes calls until the program has ended.
fn run(pool: &Pool, first: oneshot::Receiver<Job>) {
    match pool.factory().tokio() {
        Ok(tokio) => tokio.block_on(async {
            let mut isolate = Isolate { pool, vm: None };
            let mut arrival = first;
            while let Ok(job) = arrival.await {
                arrival = isolate.make_calls(job).await;
            }
        }),
        Err(error) => {
            let mut next = first.blocking_recv();
            while let Ok(job) = next {
                let depth = job.depth;
                let why = format!("cannot start an isolate: {error}");
                job.ticket.end(Outcome::Failed(why.into_bytes()));
                next = pool.next(depth).or_else(oneshot::Receiver::blocking_recv);
            }
        }
    }
}

/// A VM and where its calls are from.
struct Isolate<'p> {
    pool: &'p Pool,
    /// The VM with its share of the account.
    vm: Option<(Executor, Held)>,
}

impl Isolate<'_> {
    fn new_vm(&self) -> Result<(Executor, Held), Vec<u8>> {
        let mut vm = self.pool.factory().executor()?;
        let held = vm.enter(|call| call.account().hold(FIXED_SIZE));
        Ok((vm, held.map_err(|error| error.to_string().into_bytes())?))
    }

    /// Makes a call, and those of its depth that wait. Returns where the next job will arrive.
    async fn make_calls(&mut self, mut job: Job) -> oneshot::Receiver<Job> {
        loop {
            let depth = job.depth;
            let vm = match self.vm.take() {
                Some(vm) => Ok(vm),
                None => self.new_vm(),
            };
            match vm {
                Ok((mut vm, held)) => {
                    vm.enter(|call| set_pool(call, self.pool.clone(), depth + 1));
                    self.vm = make_call(vm, job).await.map(|vm| (vm, held));
                }
                Err(why) => job.ticket.end(Outcome::Failed(why)),
            }
            job = match self.pool.next(depth) {
                Ok(next) => next,
                Err(arrival) => return arrival,
            };
        }
    }
}

/// Makes a call. Returns the VM if it may be used again.
async fn make_call(mut executor: Executor, job: Job) -> Option<Executor> {
    let Job { message, ticket, .. } = job;
    if !ticket.begin(executor.cancel_flag()) {
        return Some(executor);
    }
    let started = executor.enter(|lua| -> Result<_, Error> {
        let function = lua.function(&call::PERFORM, &[]);
        if let Some(host) = lua.host::<Host>() {
            *host.state() = Task { message: Some(message), ..Task::default() };
        }
        lua.spawn(function, &[])
    });
    let goroutine = match started {
        Ok(goroutine) => goroutine,
        Err(error) => {
            ticket.end(Outcome::Failed(error.to_string().into_bytes()));
            return None;
        }
    };
    let mut failure = None;
    let observe: &mut EndObserver<'_> = &mut |call, end| {
        let Err((error, _)) = end else { return true };
        failure = Some(uncaught::message(call, error));
        true
    };
    let outcome = tokio::select! {
        outcome = executor.drive_for(Some(goroutine), observe) => outcome,
        () = ticket.until_cancelled() => Drive::Interrupted,
    };
    let written = executor.flush_all();
    if outcome != Drive::Ended {
        executor.end_children();
        drop(executor);
        ticket.end(Outcome::Failed(b"interrupted".to_vec()));
        return None;
    }
    let is_reusable = executor.enter(is_reusable);
    let result = executor.enter(|call| call.host::<Host>()?.state::<Task>().outcome.take());
    let result = match (result, failure, written) {
        (_, Some(failure), _) => Outcome::Failed(failure),
        (Some(Outcome::Done(_)), None, Err(error)) => {
            Outcome::Failed(format!("cannot write its output: {error}").into_bytes())
        }
        (Some(outcome), None, _) => outcome,
        (None, None, _) => Outcome::Failed(b"the call was lost".to_vec()),
    };
    // The caller may need the memory.
    let kept = is_reusable.then_some(executor);
    ticket.end(result);
    // What cancels the call may stop the VM only now.
    kept.filter(|_| !ticket.is_cancelled())
}

/// Whether a call has left nothing behind, and little garbage.
fn is_reusable(call: &mut Call<'_>) -> bool {
    let is_empty = |call: &mut Call<'_>, name| {
        registry_table(call, name).is_ok_and(|table| table.pairs().next().is_none())
    };
    call.goroutine_count() == 0
        && call.memory_used() <= MOST_KEPT
        && is_empty(call, "channels")
        && is_empty(call, "error handlers")
}
