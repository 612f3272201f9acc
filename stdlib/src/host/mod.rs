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
#[cfg(unix)]
mod replacement;
mod sandbox;
mod stream;
mod watch;

pub use crate::progress::{Progress, Screen};
pub use file_system::{Changed, FileKind, FileSystem, Metadata, Names, Replacement, Source, Watch};
pub use limit::memory_allowed;
pub use network::{Network, NetworkUse};
pub use permissions::{Area, HostRule, InvalidRule, Permissions};
pub use process::{Process, path_of};
pub use sandbox::Sandbox;
pub use stream::{
    Buffering, Child, Deferred, OpenBase, OpenMode, OpenStream, Pipe, Stream, WaitForChild,
};

pub(crate) use lost::Lost;

use crate::io::OpenFiles;
use crate::runtime::executor::{Deadline, Timeout};
use solvm_vm::{Account, Clock, Held, OutOfMemory};
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

fn denied() -> io::Error {
    io::ErrorKind::PermissionDenied.into()
}

/// What went wrong in the system's words, without Rust's addition of the number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// The operating system's number of an error; that of "permission denied" for our own denials.
pub(crate) fn error_code(error: &io::Error) -> i32 {
    const EACCES: i32 = 13;
    error.raw_os_error().unwrap_or(if is_denial(error) { EACCES } else { 0 })
}

/// What is added to "no file 'x'" where permissions are the reason: empty for other errors.
pub(crate) fn denial_note(error: Option<&io::Error>) -> String {
    let denial = error.filter(|error| is_denial(error));
    denial.map_or(String::new(), |error| format!(" ({})", reason(error)))
}

/// Whether an error is that of a world or of permissions, not the operating system's.
pub(crate) fn is_denial(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

/// The files of the machine, whatever a program may do: for what the command itself reads.
pub fn disk() -> Arc<dyn FileSystem> {
    Arc::new(disk::Disk)
}

/// What the libraries keep beside the VM.
pub struct Host {
    /// The outside world.
    pub world: Box<dyn World>,
    /// The state of `math.random`.
    pub(crate) random: crate::math::Random,
    /// Compiled patterns.
    pub(crate) patterns: crate::string::PatternCache,
    /// The program's time limit.
    pub(crate) deadline: Deadline,
    /// The goroutines that run error handlers.
    pub(crate) handlers: crate::runtime::errors::Handlers,
    /// Timers that have not been cleared.
    pub(crate) timers: crate::runtime::timer::Timers,
    /// The figures of the program's start.
    pub(crate) memory_baseline: crate::runtime::goroutine::MemoryBaseline,
    /// The HTTP clients, with their connections.
    pub(crate) clients: crate::http::client::Clients,
    /// The script that is the program, if it is a file.
    pub(crate) script: Option<std::path::PathBuf>,
    /// The files that are watched.
    pub(crate) watchers: crate::runtime::watch::Watchers,
    /// Whether the program is to be run afresh.
    pub(crate) reload: crate::runtime::watch::Reload,
    /// The modules that are being loaded.
    pub(crate) loading: crate::import::Loading,
    /// Modules and archives that have been fetched.
    pub(crate) fetched: crate::import::Fetched,
    /// The HTTP servers.
    pub(crate) servers: crate::http::server::Servers,
    /// Holds the environment variables that the program has set.
    environment: Option<Held>,
    /// The other ends of the program's connections.
    pub(crate) peers: Option<crate::net::peers::Peers>,
    /// The files whose output is to be passed on when the program ends.
    pub(crate) files: OpenFiles,
}

impl Host {
    /// A host without a time limit, for programs that take the VM's turns themselves.
    pub fn new(world: impl World) -> Self {
        Host::with_deadline(world, Deadline::new(Timeout::Never, Clock::System))
    }

    pub(crate) fn with_deadline(world: impl World, deadline: Deadline) -> Self {
        Host {
            world: Box::new(world),
            random: crate::math::Random::new(0),
            patterns: Default::default(),
            deadline,
            handlers: Default::default(),
            timers: Default::default(),
            memory_baseline: Default::default(),
            clients: Default::default(),
            script: None,
            watchers: Default::default(),
            reload: Default::default(),
            loading: Default::default(),
            fetched: Default::default(),
            servers: Default::default(),
            peers: None,
            environment: None,
            files: Default::default(),
        }
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
