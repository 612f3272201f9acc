//! The child processes of a program that have not ended yet, so that they can be ended with it.
//!
//! They stay in the program's own group of processes, as a terminal expects it. So what a shell has
//! started in turn is looked for, where the system tells.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many children may run at a time.
const MAX_CHILDREN: usize = 256;

/// The numbers of the children that have not been waited for.
#[derive(Clone, Default)]
pub(super) struct Children(Arc<Mutex<Vec<u32>>>);

impl Children {
    fn running(&self) -> MutexGuard<'_, Vec<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error if there are as many as there may be.
    pub(super) fn check_room(&self) -> io::Result<()> {
        match self.running().len() < MAX_CHILDREN {
            true => Ok(()),
            false => Err(io::Error::other(format!("more than {MAX_CHILDREN} child processes"))),
        }
    }

    /// Notes a child.
    pub(super) fn add(&self, child: &Child) {
        self.running().push(child.id());
    }

    /// Waits for the end of a child.
    pub(super) fn wait(&self, mut child: Child) -> io::Result<ExitStatus> {
        // Its number is its own until the system is asked for its status, which is done where
        // nobody is about to use the number.
        await_end(&child);
        let mut running = self.running();
        running.retain(|&number| number != child.id());
        child.wait()
    }

    /// Ends all children, and those that they have started.
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
    // The outer ones first, which would go on when those end that they wait for.
    for pid in numbers.into_iter().filter_map(|number| Pid::from_raw(i32::try_from(number).ok()?)) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end(_: u32) {}
