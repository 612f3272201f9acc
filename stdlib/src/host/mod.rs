//! What programs reach of the outside world: one trait, so that it can be denied or faked.
#![allow(clippy::disallowed_methods, reason = "the outside world is reached here, and only here")]

mod children;
mod disk;
mod file_system;
mod guarded;
mod limit;
mod lost;
pub(crate) mod network;
mod patience;
mod permissions;
mod process;
mod progress;
#[cfg(unix)]
mod replacement;
mod sandbox;
mod service;
mod state;
mod stream;
#[cfg_attr(not(feature = "watch"), path = "no_watch.rs")]
mod watch;

pub use file_system::{Changed, FileKind, FileSystem, Metadata, Names, Replacement, Source, Watch};
pub use limit::memory_allowed;
pub use network::{Network, NetworkUse};
pub use permissions::{Area, HostRule, InvalidRule, Permissions};
pub use process::{Process, path_of};
pub(crate) use progress::Bar;
pub use progress::{Progress, Screen};
pub use sandbox::Sandbox;
pub use stream::{
    Buffering, Child, Deferred, OpenBase, OpenMode, OpenStream, Pipe, Stream, WaitForChild,
};

pub(crate) use lost::Lost;
pub(crate) use service::{Service, Services};

use crate::deadline::{Deadline, Timeout};
use crate::system_error::denied;
use solvm_vm::{Account, Call, Clock, Error, Held, OutOfMemory};
use state::States;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Another way for what a program writes: see [`World::print_through`].
pub type Printer = Box<dyn FnMut(&[u8])>;

/// The outside world as the libraries see it. What is not provided is denied.
pub trait World: 'static {
    /// Writes to standard output; buffered by the implementation.
    fn write_output(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Writes to standard error, at once.
    fn write_error(&mut self, bytes: &[u8]);

    /// Writes what is buffered. The error is that of the first write that has failed so far.
    fn flush_output(&mut self) -> io::Result<()>;

    /// How much of the output is gathered before it is passed on.
    fn set_output_buffering(&mut self, _buffering: Buffering) -> io::Result<()> {
        Ok(())
    }

    /// Moves within standard output, if that is a file.
    fn seek_output(&mut self, _to: SeekFrom) -> io::Result<u64> {
        Err(denied())
    }

    /// Standard input.
    fn input(&mut self) -> io::Result<OpenStream> {
        Err(denied())
    }

    /// The standard error output.
    fn error_output(&mut self) -> io::Result<OpenStream> {
        Err(denied())
    }

    /// Writing to the standard streams may be held up until then by whoever reads them; None is for
    /// ever.
    fn limit_output(&mut self, _deadline: Option<Instant>) {}

    /// From now on what is written goes this way, so that it does not get into a line that somebody
    /// types; None is the usual way.
    fn print_through(&mut self, _printer: Option<Printer>) {}

    /// Where the progress of long work is shown: nowhere.
    fn progress(&self) -> Progress {
        Progress::default()
    }

    /// The files that the program may reach.
    fn file_system(&self) -> Arc<dyn FileSystem> {
        Arc::new(file_system::NoFiles)
    }

    /// The files that the program may run as Lua code.
    fn code_files(&self) -> Arc<dyn FileSystem> {
        self.file_system()
    }

    /// The program is this script: its directory is the project's.
    fn set_script(&mut self, _path: &Path) {}

    /// Whether there is a shell for [`World::spawn`].
    fn has_shell(&mut self) -> bool {
        false
    }

    /// Starts a shell command.
    fn spawn(&mut self, _command: &[u8], _pipe: Option<Pipe>) -> io::Result<Child> {
        Err(denied())
    }

    /// Ends the child processes that have not ended: the time of the program is up.
    fn end_children(&mut self) {}

    /// An environment variable.
    fn variable(&mut self, _name: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Sets an environment variable, for this program and for its child processes.
    fn set_variable(&mut self, _name: &[u8], _value: &[u8]) -> io::Result<()> {
        Err(denied())
    }

    /// What the program may use of the network.
    fn network(&self) -> Arc<dyn Network> {
        Arc::new(network::NoNetwork)
    }

    /// Time since some fixed moment.
    fn now(&self) -> Duration;

    /// Processor time that the program has used.
    fn processor_time(&self) -> Duration;

    /// The time of day.
    fn wall_clock(&self) -> SystemTime;

    /// Bytes of memory that the process occupies; 0 where that is not known.
    fn resident_memory(&self) -> u64;

    /// Ends the program at once. Returns only if the world does not allow it.
    fn exit(&mut self, _code: i32) {}
}

/// The files of the machine, whatever a program may do: for what the command itself reads.
pub fn disk() -> Arc<dyn FileSystem> {
    Arc::new(disk::Disk)
}

/// What the libraries have beside the VM: the outside world, the time limit, and what each keeps
/// for itself.
pub struct Host {
    /// The outside world.
    pub world: Box<dyn World>,
    /// The program's time limit.
    pub(crate) deadline: Deadline,
    /// How long a server's handler may take until its answer begins, where the server does not say.
    pub(crate) handler_timeout: Option<Duration>,
    /// The script that is the program, if it is a file.
    pub(crate) script: Option<std::path::PathBuf>,
    /// What outlives the program's main chunk.
    pub(crate) services: Services,
    states: States,
    /// Holds the environment variables that the program has set.
    environment: Option<Held>,
}

impl Host {
    /// A host without a time limit, for programs that take the VM's turns themselves.
    pub fn new(world: impl World) -> Self {
        Host::with_deadline(world, Deadline::new(Timeout::Never, Clock::System), &[])
    }

    pub(crate) fn with_deadline(world: impl World, deadline: Deadline, services: Services) -> Self {
        Host {
            world: Box::new(world),
            deadline,
            handler_timeout: None,
            script: None,
            services,
            states: States::default(),
            environment: None,
        }
    }

    /// What a library keeps for the program, made when it is first asked for.
    pub(crate) fn state<T: Default + 'static>(&mut self) -> &mut T {
        self.states.get()
    }

    /// Sets an environment variable, which counts against the memory limit.
    pub(crate) fn set_variable(
        &mut self,
        account: &Account,
        name: &[u8],
        value: &[u8],
    ) -> Result<io::Result<()>, OutOfMemory> {
        /// What the tables of variables have of each.
        const ENTRY: usize = 128;
        let old = self.world.variable(name).map(|old| old.len());
        let held = self.environment.get_or_insert_with(|| account.hold_nothing());
        match old {
            None => held.grow(ENTRY + name.len() + value.len())?,
            Some(old) if old < value.len() => held.grow(value.len() - old)?,
            Some(old) => held.shrink_to(held.bytes().saturating_sub(old - value.len())),
        }
        Ok(self.world.set_variable(name, value))
    }
}

/// The host of the running program.
pub(crate) fn host<'a>(call: &'a mut Call<'_>) -> Result<&'a mut Host, Error> {
    call.host::<Host>().ok_or_else(|| Error::text("system access is not available"))
}
