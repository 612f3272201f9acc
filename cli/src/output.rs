//! Output of the command itself. No other code writes to standard output or standard error, so that
//! none of it panics: a pipe that was closed ends a command quietly, with the exit code so far, and
//! any other failure is a message and exit code 1.

use solvm_runtime::system_error::reason;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Writes to standard output at once.
pub(crate) fn write(text: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text)?;
    output.flush()
}

/// Prints the whole output of a command. Returns its exit code, which is `code` if that succeeds.
pub(crate) fn print(text: &[u8], code: ExitCode) -> ExitCode {
    finish(write(text), code)
}

/// The exit code of a command whose output ended like this; `code` if it was complete.
pub(crate) fn finish(written: io::Result<()>, code: ExitCode) -> ExitCode {
    match written.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(format_args!("cannot write the output: {}", reason(&error)))
        }
        _ => code,
    }
}

/// Writes a line to standard error. If that fails, there is nothing left to report it to.
pub(crate) fn print_error(message: impl Display) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Reports a failure. Returns the exit code for it.
pub(crate) fn fail(message: impl Display) -> ExitCode {
    print_error(format_args!("solvm: {message}"));
    ExitCode::FAILURE
}

/// The exit code of a usage error.
pub(crate) const BAD_USAGE: u8 = 2;

/// Prints clap's output: the requested help, or the usage error.
pub(crate) fn print_usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    if error.use_stderr() {
        return ExitCode::from(BAD_USAGE);
    }
    finish(printed, ExitCode::SUCCESS)
}
