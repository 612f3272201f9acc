//! What programs reach of the outside world: one trait, so that it can be denied or faked.

use crate::runtime::executor::{Deadline, Timeout};
use solvm_vm::Clock;
use std::io::{self, Write};
use std::time::Duration;

/// The outside world as the libraries see it.
pub trait World: 'static {
    /// Writes to standard output; buffered by the implementation.
    fn write_output(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Writes to standard error, at once.
    fn write_error(&mut self, bytes: &[u8]);

    /// Passes on what is buffered.
    fn flush_output(&mut self) -> io::Result<()>;

    /// Reads a whole file.
    fn read_file(&mut self, path: &[u8]) -> io::Result<Vec<u8>>;

    /// Reads standard input to its end.
    fn read_input(&mut self) -> io::Result<Vec<u8>>;

    /// Time since some fixed moment.
    fn now(&self) -> Duration;

    /// Processor time that the program has used.
    fn processor_time(&self) -> Duration;

    /// The time of day.
    fn wall_clock(&self) -> std::time::SystemTime;

    /// Bytes of memory that the process occupies; 0 where that is not known.
    fn resident_memory(&self) -> u64;
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
        }
    }
}

/// The process that the program runs in.
pub struct Process {
    output: io::BufWriter<io::Stdout>,
    is_terminal: bool,
    start: std::time::Instant,
}

impl Process {
    /// The world of the running process.
    pub fn new() -> Self {
        let stdout = io::stdout();
        let is_terminal = io::IsTerminal::is_terminal(&stdout);
        Process { output: io::BufWriter::with_capacity(1 << 16, stdout), is_terminal, start: std::time::Instant::now() }
    }
}

impl Default for Process {
    fn default() -> Self {
        Self::new()
    }
}

/// A path as Lua gives it: any bytes where the system allows them.
pub fn path_of(bytes: &[u8]) -> std::path::PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::ffi::OsStr::from_bytes(bytes).into()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(bytes).into_owned().into()
    }
}

impl World for Process {
    fn write_output(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        if self.is_terminal && bytes.contains(&b'\n') { self.output.flush() } else { Ok(()) }
    }

    fn write_error(&mut self, bytes: &[u8]) {
        // There is nowhere to report it.
        let _ = io::stderr().write_all(bytes);
    }

    fn flush_output(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    fn read_file(&mut self, path: &[u8]) -> io::Result<Vec<u8>> {
        std::fs::read(path_of(path))
    }

    fn read_input(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes)?;
        Ok(bytes)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn processor_time(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall_clock(&self) -> std::time::SystemTime {
        std::time::SystemTime::now()
    }

    fn resident_memory(&self) -> u64 {
        resident_memory().unwrap_or(0)
    }
}

/// From the system's own account of the process.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
