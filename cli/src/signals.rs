//! The signals that end a program: SIGINT and SIGTERM, on Windows Ctrl-C and Ctrl-Break.
//!
//! The first one is checked between turns of the VM. The second one ends the process in the signal
//! handler, since the VM may be in a long operation.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
#[cfg(unix)]
use tokio::signal::unix::{Signal as Source, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

/// A received signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    /// Returns the exit code of a program that the signal has ended: 128 plus its number, as in
    /// shells.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 128 + 2,
            Signal::Terminate => 128 + 15,
        }
    }
}

/// Makes a write to a closed pipe fail with an error: see [`crate::start`]. Child processes do not
/// inherit the handler.
#[cfg(all(not(test), target_os = "linux", target_env = "gnu"))]
pub(crate) fn survive_broken_pipes() {
    let number = rustix::process::Signal::PIPE.as_raw();
    // If the OS refuses, such a write ends the process.
    let _ = signal_hook::flag::register(number, Default::default());
}

/// Makes a write beyond the maximum size of a file (`ulimit -f`) fail with an error: without a
/// handler the signal ends the process. Child processes do not inherit the handler.
pub(crate) fn survive_file_size_limit() {
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
        if limit.current.is_none() {
            return;
        }
        let number = rustix::process::Signal::XFSZ.as_raw();
        // If the OS refuses, such a write ends the process, as it does by default.
        let _ = signal_hook::flag::register(number, Default::default());
    }
}

/// Receives signals. After the first one, they no longer end the process.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: Source,
    #[cfg(unix)]
    terminate: Source,
    #[cfg(windows)]
    interrupt: CtrlC,
    #[cfg(windows)]
    terminate: CtrlBreak,
}

/// Makes the second signal end the process at once.
#[cfg(unix)]
pub(crate) fn end_at_the_second() -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag::{register, register_conditional_shutdown};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    let has_come = Arc::new(AtomicBool::new(false));
    for (number, signal) in [(SIGINT, Signal::Interrupt), (SIGTERM, Signal::Terminate)] {
        // Actions run in the order in which they are registered: no signal is the second one to
        // itself.
        register_conditional_shutdown(number, signal.exit_code().into(), has_come.clone())?;
        register(number, has_come.clone())?;
    }
    Ok(())
}

/// Windows ends a program that does not react.
#[cfg(not(unix))]
pub(crate) fn end_at_the_second() -> io::Result<()> {
    Ok(())
}

impl Signals {
    pub(crate) fn new() -> io::Result<Signals> {
        #[cfg(unix)]
        let (interrupt, terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        #[cfg(windows)]
        let (interrupt, terminate) = (ctrl_c()?, ctrl_break()?);
        Ok(Signals { interrupt, terminate })
    }

    /// Waits for a future, or until a signal comes.
    pub(crate) async fn unless_one_comes<T>(
        &mut self,
        future: impl Future<Output = T>,
    ) -> Result<T, Signal> {
        let mut future = pin!(future);
        poll_fn(|context| {
            if self.interrupt.poll_recv(context).is_ready() {
                return Poll::Ready(Err(Signal::Interrupt));
            }
            if self.terminate.poll_recv(context).is_ready() {
                return Poll::Ready(Err(Signal::Terminate));
            }
            future.as_mut().poll(context).map(Ok)
        })
        .await
    }
}
