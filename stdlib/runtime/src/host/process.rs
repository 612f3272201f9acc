//! The world of a program that runs in this process.

use super::bounded_write::BoundedWriter;
use super::children::Children;
use super::disk::{Disk, stream_of};
use super::file_system::FileSystem;
use super::guarded::Guarded;
use super::network::{Network, WholeNetwork};
use super::permissions::Permissions;
use super::project::Modules;
use super::stream::{Buffering, Child, OpenStream, Pipe, Stream};
use super::system::{System, ThisSystem};
use super::{Printer, World, WriteError};
use crate::host::{Progress, Screen};
use crate::system_error::reason;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The world of a program that runs in this process.
///
/// The environment variables that the program sets or removes are stored separately: changing those
/// of a process with several threads is unsound.
pub struct Process {
    output: Vec<u8>,
    write_error: WriteError,
    buffering: Buffering,
    start: Instant,
    variables: HashMap<OsString, Option<OsString>>,
    progress: Progress,
    children: Children,
    output_writer: BoundedWriter,
    error_writer: BoundedWriter,
    printer: Option<Printer>,
    /// The program's permissions; None means all.
    permissions: Option<Arc<Permissions>>,
    /// The directory of the script, whose Lua files may be executed.
    code: Option<PathBuf>,
    /// The packages that are installed for the script.
    modules: Modules,
    /// Whether the output so far ends with a newline.
    is_at_line_start: bool,
}

impl Process {
    /// Creates the world.
    pub fn new() -> Self {
        let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
        let buffering = if is_terminal { Buffering::Line } else { Buffering::DEFAULT };
        Process {
            output: Vec::new(),
            write_error: WriteError::default(),
            buffering,
            start: Instant::now(),
            variables: HashMap::new(),
            progress: Progress::default(),
            children: Children::default(),
            output_writer: BoundedWriter::default(),
            error_writer: BoundedWriter::default(),
            printer: None,
            permissions: None,
            code: None,
            modules: Modules::None,
            is_at_line_start: true,
        }
    }

    /// Restricts the program to these permissions.
    #[must_use]
    pub fn with_permissions(mut self, permissions: Permissions) -> Self {
        self.permissions = Some(Arc::new(permissions));
        self
    }

    /// Shows progress if standard error is a terminal on which a line can be redrawn.
    #[must_use]
    pub fn with_progress(mut self) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        if io::IsTerminal::is_terminal(&io::stderr()) && !is_dumb {
            self.progress = Progress::on(Terminal { start: self.start });
        }
        self
    }
}

impl Default for Process {
    fn default() -> Self {
        Self::new()
    }
}

// Background work may outlive the program, and must not draw the progress line then.
impl Drop for Process {
    fn drop(&mut self) {
        self.progress.close();
    }
}

/// The terminal that standard error is connected to.
struct Terminal {
    start: Instant,
}

impl Screen for Terminal {
    fn columns(&self) -> usize {
        #[cfg(unix)]
        let columns =
            rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
        #[cfg(not(unix))]
        let columns = 0;
        if columns == 0 { 80 } else { columns }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn write(&mut self, text: &str) {
        // A failure cannot be reported.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// A stream of the terminal that also shows progress.
struct TerminalStream {
    stream: Box<dyn Stream>,
    progress: Progress,
}

impl Write for TerminalStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.progress.suspend(bytes.last().copied(), || self.stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Read for TerminalStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        // A line typed by the user ends with a newline, which the terminal has shown.
        let last = buffer.get(..count).and_then(<[u8]>::last).copied();
        self.progress.suspend(last, || ());
        Ok(count)
    }
}

impl Seek for TerminalStream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.stream.seek(to)
    }
}

/// Converts a string for the OS: any bytes where the OS allows them.
fn os_string(bytes: &[u8]) -> OsString {
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

/// Converts a path from Lua.
pub fn path_of(bytes: &[u8]) -> PathBuf {
    os_string(bytes).into()
}

/// A copy of a standard stream as an unbuffered file.
macro_rules! standard_file {
    ($stream:expr) => {{
        #[cfg(unix)]
        let copy = std::os::fd::AsFd::as_fd(&$stream).try_clone_to_owned();
        #[cfg(windows)]
        let copy = std::os::windows::io::AsHandle::as_handle(&$stream).try_clone_to_owned();
        copy.map(File::from)
    }};
}

/// Converts a pipe of the standard library to a file.
macro_rules! pipe_file {
    ($end:expr) => {{
        #[cfg(unix)]
        let file = File::from(std::os::fd::OwnedFd::from($end));
        #[cfg(windows)]
        let file = File::from(std::os::windows::io::OwnedHandle::from($end));
        file
    }};
}

/// Returns the raw status, as `system` in C does.
fn raw_status(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    {
        std::os::unix::process::ExitStatusExt::into_raw(status)
    }
    #[cfg(not(unix))]
    {
        status.code().unwrap_or(-1)
    }
}

/// The program that runs the commands of `os.execute` and `io.popen`.
const SHELL: &str = if cfg!(unix) { "/bin/sh" } else { "cmd" };

fn shell(command: &[u8]) -> Command {
    let option = if cfg!(unix) { "-c" } else { "/C" };
    let mut shell = Command::new(SHELL);
    // Messages of the shell begin with its name.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut shell, "sh");
    shell.arg(option).arg(os_string(command));
    shell
}

impl Process {
    /// Checks whether the program may run a shell command.
    fn may_run_shell(&self, command: &str) -> io::Result<()> {
        let Some(permissions) = &self.permissions else { return Ok(()) };
        let shell = Path::new(SHELL);
        let shell = shell.canonicalize().unwrap_or_else(|_| shell.to_path_buf());
        permissions.run(&shell, &format!("sh -c {command}"))
    }

    /// Writing to a closed pipe ends the program quietly: it has no reader.
    #[expect(clippy::disallowed_methods, reason = "what is buffered cannot be written")]
    fn check_pipe(&self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
            result => result,
        }
    }

    /// Flushes the buffered output.
    fn flush_buffer(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let mut output = std::mem::take(&mut self.output);
        let result = self.write_bytes(&output);
        output.clear();
        self.output = output;
        result
    }

    /// Writes bytes.
    fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(printer) = &mut self.printer {
            printer(bytes);
            return Ok(());
        }
        self.is_at_line_start = bytes.ends_with(b"\n");
        let mut write = || self.output_writer.write(io::stdout().lock(), bytes);
        let shares_terminal =
            self.progress.is_shown() && io::IsTerminal::is_terminal(&io::stdout());
        let result = if shares_terminal {
            self.progress.suspend(bytes.last().copied(), write)
        } else {
            write()
        };
        let result = self.check_pipe(result);
        self.write_error.record(result)
    }
}

impl World for Process {
    fn write_output(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffering.passes(self.output.len(), bytes) {
            self.flush_buffer()?;
            return self.write_bytes(bytes);
        }
        self.output.extend_from_slice(bytes);
        if self.buffering.is_due(self.output.len(), bytes) { self.flush_buffer() } else { Ok(()) }
    }

    fn write_error(&mut self, bytes: &[u8]) {
        // A failure cannot be reported.
        if let Some(printer) = &mut self.printer {
            return printer(bytes);
        }
        let writer = &mut self.error_writer;
        let _ = self.progress.suspend(bytes.last().copied(), || writer.write(io::stderr(), bytes));
    }

    fn flush_output(&mut self) -> io::Result<()> {
        self.flush_buffer().and_then(|()| self.write_error.check())
    }

    fn set_output_buffering(&mut self, buffering: Buffering) -> io::Result<()> {
        self.buffering = buffering;
        self.flush_buffer()
    }

    fn seek_output(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.flush_buffer()?;
        standard_file!(io::stdout())?.seek(to)
    }

    fn input(&mut self) -> io::Result<OpenStream> {
        let input = stream_of(standard_file!(io::stdin())?);
        if !self.progress.is_shown() || !input.is_terminal {
            return Ok(input);
        }
        Ok(OpenStream {
            stream: Box::new(TerminalStream {
                stream: input.stream,
                progress: self.progress.clone(),
            }),
            ..input
        })
    }

    fn error_output(&mut self) -> io::Result<OpenStream> {
        // It is written at once, like standard output, whatever it is connected to.
        let stream = TerminalStream {
            stream: Box::new(standard_file!(io::stderr())?),
            progress: self.progress.clone(),
        };
        Ok(OpenStream { stream: Box::new(stream), waits: false, is_terminal: false })
    }

    fn file_system(&self) -> Arc<dyn FileSystem> {
        match &self.permissions {
            Some(permissions) => Arc::new(Guarded::new(permissions.clone())),
            None => Arc::new(Disk),
        }
    }

    fn code_files(&self) -> Arc<dyn FileSystem> {
        match &self.permissions {
            Some(permissions) => {
                Arc::new(Guarded::with_code(permissions.clone(), self.code.clone()))
            }
            None => Arc::new(Disk),
        }
    }

    fn set_script(&mut self, path: &Path) {
        // Only permissions ask for it.
        let real = self.permissions.as_ref().and_then(|_| path.canonicalize().ok());
        self.code = real.and_then(|script| Some(script.parent()?.to_path_buf()));
        let is_confined = self.permissions.is_some();
        self.modules = Modules::Unknown { script: path.to_path_buf(), is_confined };
    }

    fn installed_modules(&mut self) -> Result<Option<PathBuf>, String> {
        self.modules.directory()
    }

    fn has_shell(&mut self) -> bool {
        (cfg!(not(unix)) || Path::new(SHELL).exists()) && self.may_run_shell("").is_ok()
    }

    fn spawn(&mut self, command: &[u8], pipe: Option<Pipe>) -> io::Result<Child> {
        self.may_run_shell(&String::from_utf8_lossy(command))?;
        // The output of both is in the order in which they write.
        self.flush_buffer()?;
        self.progress.clear_line();
        let mut shell = shell(command);
        if let Some(permissions) = &self.permissions
            && !permissions.allows_whole_environment()
        {
            let is_shown = |name: &OsString| permissions.allows_variable(name.as_encoded_bytes());
            shell.env_clear().envs(std::env::vars_os().filter(|(name, _)| is_shown(name)));
        }
        for (name, value) in &self.variables {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        match pipe {
            Some(Pipe::Output) => shell.stdout(Stdio::piped()),
            Some(Pipe::Input) => shell.stdin(Stdio::piped()),
            None => &mut shell,
        };
        self.children.check_room()?;
        let mut child = shell.spawn()?;
        let input = child.stdin.take().map(|end| pipe_file!(end));
        let output = child.stdout.take().map(|end| pipe_file!(end));
        let stream = input.or(output).map(|file| OpenStream {
            stream: Box::new(file),
            waits: true,
            is_terminal: false,
        });
        self.children.add(&child);
        let children = self.children.clone();
        Ok(Child { stream, wait: Box::new(move || children.wait(child).map(raw_status)) })
    }

    fn end_children(&mut self) {
        self.children.end();
    }

    fn variable(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        if self.permissions.as_ref().is_some_and(|permissions| !permissions.allows_variable(name)) {
            return None;
        }
        let name = os_string(name);
        let value = match self.variables.get(&name) {
            Some(value) => value.clone(),
            None => std::env::var_os(&name),
        };
        value.map(OsString::into_encoded_bytes)
    }

    fn set_variable(&mut self, name: &[u8], value: &[u8]) -> io::Result<()> {
        // Names and values that the OS rejects must not fail only when a child process is started.
        if name.is_empty() || name.iter().any(|byte| matches!(byte, b'=' | 0)) || value.contains(&0)
        {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "Invalid argument"));
        }
        if let Some(permissions) = &self.permissions {
            permissions.set_variable(name)?;
        }
        self.variables.insert(os_string(name), Some(os_string(value)));
        Ok(())
    }

    fn remove_variable(&mut self, name: &[u8]) -> io::Result<()> {
        if name.is_empty() || name.iter().any(|byte| matches!(byte, b'=' | 0)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "Invalid argument"));
        }
        if let Some(permissions) = &self.permissions {
            permissions.set_variable(name)?;
        }
        let name = os_string(name);
        // Only variables of the process must be remembered.
        if std::env::var_os(&name).is_some() {
            self.variables.insert(name, None);
        } else {
            self.variables.remove(&name);
        }
        Ok(())
    }

    fn variables(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let of_process = std::env::vars_os().map(|(name, _)| name);
        let mut names: Vec<OsString> = of_process.chain(self.variables.keys().cloned()).collect();
        names.sort();
        names.dedup();
        let names = names.into_iter().map(OsString::into_encoded_bytes);
        names.filter_map(|name| Some((name.clone(), self.variable(&name)?))).collect()
    }

    fn system(&self) -> Box<dyn System> {
        Box::new(ThisSystem(self.permissions.clone()))
    }

    fn network(&self) -> Arc<dyn Network> {
        match &self.permissions {
            Some(permissions) => Arc::new(permissions.clone()),
            None => Arc::new(WholeNetwork),
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn processor_time(&self) -> Duration {
        #[cfg(unix)]
        {
            let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
            Duration::try_from(used).unwrap_or_default()
        }
        // As `clock` in the C library of that system.
        #[cfg(not(unix))]
        {
            self.start.elapsed()
        }
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::now()
    }

    fn resident_memory(&self) -> u64 {
        resident_memory().unwrap_or(0)
    }

    fn limit_output(&mut self, deadline: Option<Instant>) {
        self.output_writer.deadline = deadline;
        self.error_writer.deadline = deadline;
    }

    fn print_through(&mut self, printer: Option<Printer>) {
        if printer.is_some() {
            // Typed input starts a line.
            let line_end: &[u8] =
                if self.output.last().map_or(self.is_at_line_start, |&last| last == b'\n') {
                    b""
                } else {
                    b"\n"
                };
            self.output.extend_from_slice(line_end);
        }
        // The user sees the output; if not, a failure cannot be reported.
        let _ = self.flush_buffer();
        self.printer = printer;
    }

    fn progress(&self) -> Progress {
        self.progress.clone()
    }

    #[expect(clippy::disallowed_methods, reason = "everything was written")]
    fn exit(&mut self, code: i32) {
        self.progress.close();
        let Err(error) = self.flush_output() else { std::process::exit(code) };
        let message = format!("solvm: cannot write the output: {}\n", reason(&error));
        self.write_error(message.as_bytes());
        std::process::exit(if code == 0 { 1 } else { code })
    }
}

/// Reads the OS's statistics in their shortest form, since this happens at every start.
fn resident_memory() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
        let resident: u64 = pages.split(' ').nth(1)?.parse().ok()?;
        Some(resident * rustix::param::page_size() as u64)
    }
    #[cfg(not(target_os = "linux"))]
    {
        None
    }
}
