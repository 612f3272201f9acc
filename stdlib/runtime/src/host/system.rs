//! The operating system as programs may inspect it: the process, its terminal, signals.
//!
//! Inspecting the process and its mask for new files belong to the permission for the environment,
//! sending signals to that
//! for running programs; both need all of it. Whether the standard streams are terminals is not
//! restricted: a program may write to them anyway.

use super::permissions::Permissions;
use crate::system_error::denied;
use std::io;
use std::sync::Arc;

/// The operating system of a program. Operations that are not implemented are denied.
pub trait System {
    /// Whether a standard stream (0 to 2) is a terminal.
    fn is_terminal(&self, _descriptor: i64) -> bool {
        false
    }

    /// The lines and columns of the terminal on standard output.
    fn terminal_size(&self) -> io::Result<(u16, u16)> {
        Err(denied())
    }

    /// The process and its users.
    fn identity(&self) -> io::Result<Identity> {
        Err(denied())
    }

    /// The name and version of the operating system.
    fn kernel(&self) -> io::Result<Kernel> {
        Err(denied())
    }

    /// Replaces the mask of permissions that files do not get when they are created, and returns
    /// the previous one.
    fn replace_file_mask(&self, _mask: u32) -> io::Result<u32> {
        Err(denied())
    }

    /// Sends a signal to a process, or to a group if the number is negative; 0 only checks whether
    /// it is possible.
    fn signal(&self, _process: i32, _signal: i32) -> io::Result<()> {
        Err(denied())
    }
}

/// The numbers of a process and of its users and groups.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The process.
    pub process: u32,
    /// Its parent; 0 if there is none.
    pub parent: u32,
    /// Its group of processes.
    pub group_of_processes: u32,
    /// The user.
    pub user: u32,
    /// The user whose permissions apply.
    pub effective_user: u32,
    /// The group.
    pub group: u32,
    /// The group whose permissions apply.
    pub effective_group: u32,
}

/// The name and version of an operating system, as `uname` gives them.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// The operating system.
    pub system: String,
    /// The computer's name in the network.
    pub node: String,
    /// The release of the operating system.
    pub release: String,
    /// Its version.
    pub version: String,
    /// The kind of hardware.
    pub machine: String,
}

/// No operating system.
pub(super) struct NoSystem;

impl System for NoSystem {}

/// That of this process, as far as the permissions allow; None means all.
pub(super) struct ThisSystem(pub(super) Option<Arc<Permissions>>);

impl ThisSystem {
    fn may_inspect(&self, what: &str) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |permissions| permissions.inspect(what))
    }
}

impl System for ThisSystem {
    fn is_terminal(&self, descriptor: i64) -> bool {
        use io::IsTerminal;
        match descriptor {
            0 => io::stdin().is_terminal(),
            1 => io::stdout().is_terminal(),
            2 => io::stderr().is_terminal(),
            _ => false,
        }
    }

    #[cfg(unix)]
    fn terminal_size(&self) -> io::Result<(u16, u16)> {
        let size = rustix::termios::tcgetwinsize(io::stdout())?;
        Ok((size.ws_row, size.ws_col))
    }

    #[cfg(unix)]
    fn identity(&self) -> io::Result<Identity> {
        use rustix::process;
        self.may_inspect("process")?;
        let number = |pid: process::Pid| u32::try_from(pid.as_raw_nonzero().get()).unwrap_or(0);
        Ok(Identity {
            process: std::process::id(),
            parent: process::getppid().map_or(0, number),
            group_of_processes: number(process::getpgrp()),
            user: process::getuid().as_raw(),
            effective_user: process::geteuid().as_raw(),
            group: process::getgid().as_raw(),
            effective_group: process::getegid().as_raw(),
        })
    }

    #[cfg(unix)]
    fn kernel(&self) -> io::Result<Kernel> {
        self.may_inspect("operating system")?;
        let names = rustix::system::uname();
        let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
        Ok(Kernel {
            system: text(names.sysname()),
            node: text(names.nodename()),
            release: text(names.release()),
            version: text(names.version()),
            machine: text(names.machine()),
        })
    }

    #[cfg(unix)]
    fn replace_file_mask(&self, mask: u32) -> io::Result<u32> {
        use rustix::fs::Mode;
        self.may_inspect("process")?;
        let mask = Mode::from_bits_truncate(mask & 0o777);
        Ok(rustix::process::umask(mask).bits() & 0o777)
    }

    #[cfg(unix)]
    fn signal(&self, process: i32, signal: i32) -> io::Result<()> {
        use rustix::process::{self, Pid, Signal};
        if let Some(permissions) = &self.0 {
            permissions.signal(process)?;
        }
        let invalid = || io::Error::from(rustix::io::Errno::INVAL);
        let signal = match signal {
            0 => None,
            signal => Some(Signal::from_named_raw(signal).ok_or_else(invalid)?),
        };
        let target = Pid::from_raw(process.checked_abs().ok_or_else(invalid)?);
        match (process, target, signal) {
            // Neither this group of processes nor all processes.
            (0 | -1, ..) | (_, None, _) => return Err(invalid()),
            (1.., Some(target), Some(signal)) => process::kill_process(target, signal)?,
            (1.., Some(target), None) => process::test_kill_process(target)?,
            (_, Some(target), Some(signal)) => process::kill_process_group(target, signal)?,
            (_, Some(target), None) => process::test_kill_process_group(target)?,
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn identity(&self) -> io::Result<Identity> {
        self.may_inspect("process")?;
        Err(io::ErrorKind::Unsupported.into())
    }
}
