//! The running child processes of a program, which are ended with it.
//!
//! They stay in the program's process group, as terminals expect. So the processes that a shell has
//! started are searched for, where the OS supports it.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Maximum number of running children.
const MAX_CHILDREN: usize = 256;

/// The process ids of the children that have not been waited for.
#[derive(Clone, Default)]
pub(super) struct Children(Arc<Mutex<Vec<u32>>>);

impl Children {
    fn running(&self) -> MutexGuard<'_, Vec<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails if the maximum number of children is reached.
    pub(super) fn check_room(&self) -> io::Result<()> {
        match self.running().len() < MAX_CHILDREN {
            true => Ok(()),
            false => Err(io::Error::other(format!("more than {MAX_CHILDREN} child processes"))),
        }
    }

    /// Adds a child.
    pub(super) fn add(&self, child: &Child) {
        self.running().push(child.id());
    }

    /// Waits for a child to end.
    pub(super) fn wait(&self, mut child: Child) -> io::Result<ExitStatus> {
        // The process id stays valid until `child.wait`, which is called with the lock held.
        await_end(&child);
        let mut running = self.running();
        running.retain(|&number| number != child.id());
        child.wait()
    }

    /// Ends all children and their descendants.
    pub(super) fn end(&self) {
        self.running().drain(..).for_each(end);
    }
}

#[cfg(unix)]
fn await_end(child: &Child) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(
        waitid(WaitId::Pid(Pid::from_child(child)), options),
        Err(rustix::io::Errno::INTR)
    ) {}
}

#[cfg(not(unix))]
fn await_end(_: &Child) {}

#[cfg(unix)]
fn end(number: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    let mut numbers = vec![number];
    let mut next = 0;
    while let Some(number) = numbers.get(next) {
        next += 1;
        let children = std::fs::read_to_string(format!("/proc/{number}/task/{number}/children"))
            .unwrap_or_default();
        numbers.extend(children.split_whitespace().filter_map(|number| number.parse::<u32>().ok()));
    }
    // Parents first, which would otherwise continue when their children end.
    for pid in numbers.into_iter().filter_map(|number| Pid::from_raw(i32::try_from(number).ok()?)) {
        // The process may have ended already.
        let _ = kill_process(pid, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end(_: u32) {}
