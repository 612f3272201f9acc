//! The start of the process on Linux, without Rust's runtime: see [`solvm_vm::c_main!`].

use crate::signals;
use std::fs::File;
use std::mem::forget;
use std::process::{ExitCode, exit};

/// Prepares the process, runs the command and ends the process.
pub(crate) fn run(command: fn() -> ExitCode) -> ! {
    signals::survive_broken_pipes();
    open_standard_streams();
    let code = command();
    exit((0..=u8::MAX).find(|&number| ExitCode::from(number) == code).unwrap_or(1).into())
}

/// Opens the standard streams that are closed, so that no file gets their numbers.
fn open_standard_streams() {
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        if rustix::io::fcntl_getfd(stream) == Err(rustix::io::Errno::BADF) {
            // It gets the lowest number that is free: that of the stream.
            let Ok(file) = File::options().read(true).write(true).open("/dev/null") else { return };
            // Child processes inherit it.
            let _ = rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty());
            forget(file);
        }
    }
}
