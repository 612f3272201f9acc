//! The isolates of the command: each has the options of the program, and its account.

use crate::arguments::Arguments;
use solvm_runtime::executor::Executor;
use solvm_vm::Account;
use solvm_workers::Factory;
use std::io;
use std::thread::available_parallelism;

/// The least number of isolates that there may be by default.
const LEAST: usize = 4;

/// Creates the VM of an isolate, for a program with these options and this account.
type NewVm = fn(&Arguments, Account) -> Result<Executor, Vec<u8>>;

/// Makes isolates of a program.
struct Isolates {
    arguments: Arguments,
    account: Account,
    new_vm: NewVm,
}

impl Factory for Isolates {
    fn most(&self) -> usize {
        self.arguments.max_isolates.unwrap_or_else(|| {
            let cores = available_parallelism().map_or(1, usize::from);
            LEAST.max(cores.saturating_mul(2))
        })
    }

    fn tokio(&self) -> io::Result<tokio::runtime::Runtime> {
        solvm::new_tokio()
    }

    fn executor(&self) -> Result<Executor, Vec<u8>> {
        (self.new_vm)(&self.arguments, self.account.clone())
    }
}

/// Lets a program run functions in isolates.
pub(crate) fn allow(executor: &mut Executor, arguments: &Arguments, new_vm: NewVm) {
    executor.enter(|call| {
        let account = call.account().clone();
        solvm_workers::allow(call, Isolates { arguments: arguments.clone(), account, new_vm });
    });
}
