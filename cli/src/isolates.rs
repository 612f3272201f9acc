//! The isolates of the command: each has the options of the program, and its account.

use crate::arguments::Arguments;
use crate::session::new_isolate;
use solvm_runtime::executor::Executor;
use solvm_vm::Account;
use solvm_workers::{Factory, Pool, set_pool};
use std::io;
use std::thread::available_parallelism;

/// The least number of isolates that there may be by default.
const LEAST: usize = 4;

/// Makes isolates of a program.
struct Isolates {
    arguments: Arguments,
    account: Account,
}

impl Factory for Isolates {
    fn tokio(&self) -> io::Result<tokio::runtime::Runtime> {
        solvm::new_tokio()
    }

    fn executor(&self) -> Result<Executor, Vec<u8>> {
        new_isolate(&self.arguments, self.account.clone())
    }
}

/// Lets a program run functions in isolates.
pub(crate) fn allow(executor: &mut Executor, arguments: &Arguments) {
    let most = arguments.max_isolates.unwrap_or_else(|| {
        let cores = available_parallelism().map_or(1, usize::from);
        LEAST.max(cores.saturating_mul(2))
    });
    executor.enter(|call| {
        let account = call.account().clone();
        let pool = Pool::new(Isolates { arguments: arguments.clone(), account }, most);
        set_pool(call, pool, None);
    });
}
