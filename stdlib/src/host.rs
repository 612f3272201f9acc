//! What programs reach of the outside world: one trait, so that it can be denied or faked.

use std::io::{self, Write};
use std::time::Duration;

/// The outside world as the libraries see it.
pub trait World: 'static {
    /// Writes to standard output; buffered by the implementation.
    fn write_output(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Passes on what is buffered.
    fn flush_output(&mut self) -> io::Result<()>;

    /// Reads a whole file.
    fn read_file(&mut self, path: &[u8]) -> io::Result<Vec<u8>>;

    /// Reads standard input to its end.
    fn read_input(&mut self) -> io::Result<Vec<u8>>;

    /// Whether a file is there to be read.
    fn is_readable(&mut self, path: &[u8]) -> bool;

    /// An environment variable.
    fn variable(&mut self, _name: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Time since some fixed moment.
    fn now(&self) -> Duration;

    /// Processor time that the program has used.
    fn processor_time(&self) -> Duration;
}

/// What the libraries keep beside the VM.
pub struct Host {
    /// The outside world.
    pub world: Box<dyn World>,
    /// The state of `math.random`.
    pub(crate) random: crate::math::Random,
    /// Compiled patterns.
    pub(crate) patterns: crate::string::PatternCache,
}

impl Host {
    /// A host for this world.
    pub fn new(world: impl World) -> Self {
        Host { world: Box::new(world), random: crate::math::Random::new(0), patterns: Default::default() }
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

    fn is_readable(&mut self, path: &[u8]) -> bool {
        std::fs::File::open(path_of(path)).is_ok()
    }

    fn variable(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        std::env::var_os(path_of(name).as_os_str()).map(|value| value.as_encoded_bytes().to_vec())
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn processor_time(&self) -> Duration {
        self.start.elapsed()
    }
}
