//! The outside world of a program: one trait, so that it can be denied or replaced.
#![allow(clippy::disallowed_methods, reason = "the outside world is reached here, and only here")]

mod bounded_write;
mod children;
mod disk;
mod file_system;
mod guarded;
mod limit;
pub mod network;
mod permissions;
mod process;
mod progress;
mod project;
#[cfg(unix)]
mod replacement;
mod sandbox;
mod service;
mod state;
mod stream;
mod system;
#[cfg_attr(not(feature = "watch"), path = "no_watch.rs")]
mod watch;
mod write_error;

pub use file_system::{Changed, FileKind, FileSystem, Metadata, Names, Replacement, Source, Watch};
pub use limit::memory_allowed;
pub use network::{Network, NetworkUse};
pub use permissions::{Area, HostRule, InvalidRule, Permissions};
pub use process::{Process, path_of};
pub use progress::Bar;
pub use progress::{Progress, Screen};
pub use project::{PROJECT_FILE, project_file};
pub use sandbox::Sandbox;
pub use stream::{
    Buffering, Child, Deferred, OpenBase, OpenMode, OpenStream, Pipe, Stream, WaitForChild,
};

pub use service::{Service, Services};
pub use system::{Identity, Kernel, System};
pub use write_error::WriteError;

use crate::deadline::{Deadline, Timeout};
use crate::system_error::denied;
use solvm_vm::{Account, Call, Clock, Error, Held, OutOfMemory};
use state::States;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// An alternative output for a program: see [`World::print_through`].
pub type Printer = Box<dyn FnMut(&[u8])>;

/// The outside world for the libraries. Operations that are not implemented are denied.
pub trait World: 'static {
    /// Writes to standard output; buffered by the implementation.
    fn write_output(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Writes to standard error, unbuffered.
    fn write_error(&mut self, bytes: &[u8]);

    /// Flushes the output. The error is the first failed write so far.
    fn flush_output(&mut self) -> io::Result<()>;

    /// Sets the buffering of the output.
    fn set_output_buffering(&mut self, _buffering: Buffering) -> io::Result<()> {
        Ok(())
    }

    /// Seeks in standard output, if it is a file.
    fn seek_output(&mut self, _to: SeekFrom) -> io::Result<u64> {
        Err(denied())
    }

    /// Standard input.
    fn input(&mut self) -> io::Result<OpenStream> {
        Err(denied())
    }

    /// Standard error.
    fn error_output(&mut self) -> io::Result<OpenStream> {
        Err(denied())
    }

    /// Sets a deadline for writing to the standard streams, whose readers may block it; None means
    /// no limit.
    fn limit_output(&mut self, _deadline: Option<Instant>) {}

    /// Redirects the output so that it does not disturb a line that is being edited; None restores
    /// the default.
    fn print_through(&mut self, _printer: Option<Printer>) {}

    /// The progress display; none by default.
    fn progress(&self) -> Progress {
        Progress::default()
    }

    /// The files that the program can access.
    fn file_system(&self) -> Arc<dyn FileSystem> {
        Arc::new(file_system::NoFiles)
    }

    /// The files that the program may execute as Lua code.
    fn code_files(&self) -> Arc<dyn FileSystem> {
        self.file_system()
    }

    /// Sets the script that is the program: its directory is the project's.
    fn set_script(&mut self, _path: &Path) {}

    /// The directory of the packages that are installed for the script's project. The error is the
    /// reason why there is none although there is a project.
    fn installed_modules(&mut self) -> Result<Option<PathBuf>, String> {
        Ok(None)
    }

    /// Whether there is a shell for [`World::spawn`].
    fn has_shell(&mut self) -> bool {
        false
    }

    /// Starts a shell command.
    fn spawn(&mut self, _command: &[u8], _pipe: Option<Pipe>) -> io::Result<Child> {
        Err(denied())
    }

    /// Ends the running child processes, because the program's time limit is exceeded.
    fn end_children(&mut self) {}

    /// An environment variable.
    fn variable(&mut self, _name: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Sets an environment variable, for this program and for its child processes.
    fn set_variable(&mut self, _name: &[u8], _value: &[u8]) -> io::Result<()> {
        Err(denied())
    }

    /// Removes an environment variable, for this program and for its child processes.
    fn remove_variable(&mut self, _name: &[u8]) -> io::Result<()> {
        Err(denied())
    }

    /// The environment variables that the program may read.
    fn variables(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }

    /// The operating system, as far as the program may inspect it.
    fn system(&self) -> Box<dyn System> {
        Box::new(system::NoSystem)
    }

    /// The network, as far as the program may use it.
    fn network(&self) -> Arc<dyn Network> {
        Arc::new(network::NoNetwork)
    }

    /// Time since an arbitrary fixed point.
    fn now(&self) -> Duration;

    /// Processor time that the program has used.
    fn processor_time(&self) -> Duration;

    /// The time of day.
    fn wall_clock(&self) -> SystemTime;

    /// The resident memory of the process in bytes; 0 if it is unknown.
    fn resident_memory(&self) -> u64;

    /// Ends the program at once. Returns only if the world does not allow it.
    fn exit(&mut self, _code: i32) {}
}

/// The local file system without permissions, for files that the command itself reads.
pub fn disk() -> Arc<dyn FileSystem> {
    Arc::new(disk::Disk)
}

/// The state of the libraries outside the VM: the outside world, the time limit, and each library's
/// own state.
pub struct Host {
    /// The outside world.
    pub world: Box<dyn World>,
    /// The program's time limit.
    pub deadline: Deadline,
    /// The limit until a server's handler starts its response, where the server does not set one.
    pub handler_timeout: Option<Duration>,
    /// The script of the program, if it is a file.
    pub script: Option<std::path::PathBuf>,
    /// The services, which may outlive the program's main chunk.
    pub(crate) services: Services,
    states: States,
    /// The share of the account for environment variables that the program has set.
    environment: Option<Held>,
}

impl Host {
    /// Creates a host without a time limit, for programs that drive the VM's turns themselves.
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

    /// Returns a library's state, which is created on first use.
    pub fn state<T: Default + 'static>(&mut self) -> &mut T {
        self.states.get()
    }

    /// Sets an environment variable, which counts against the memory limit.
    pub fn set_variable(
        &mut self,
        account: &Account,
        name: &[u8],
        value: &[u8],
    ) -> Result<io::Result<()>, OutOfMemory> {
        let old = self.world.variable(name).map(|old| old.len());
        let held = self.environment.get_or_insert_with(|| account.hold_nothing());
        match old {
            None => held.grow(VARIABLE_SIZE + name.len() + value.len())?,
            Some(old) if old < value.len() => held.grow(value.len() - old)?,
            Some(old) => held.shrink_to(held.bytes().saturating_sub(old - value.len())),
        }
        Ok(self.world.set_variable(name, value))
    }

    /// Removes an environment variable.
    pub fn remove_variable(&mut self, name: &[u8]) -> io::Result<()> {
        let old = self.world.variable(name).map(|old| old.len());
        self.world.remove_variable(name)?;
        if let (Some(old), Some(held)) = (old, &mut self.environment) {
            let size = VARIABLE_SIZE + name.len() + old;
            held.shrink_to(held.bytes().saturating_sub(size));
        }
        Ok(())
    }
}

/// The memory of an environment variable apart from its name and value.
const VARIABLE_SIZE: usize = 128;

/// Returns the host of the running program.
pub fn host<'a>(call: &'a mut Call<'_>) -> Result<&'a mut Host, Error> {
    call.host::<Host>().ok_or_else(|| Error::text("system access is not available"))
}
