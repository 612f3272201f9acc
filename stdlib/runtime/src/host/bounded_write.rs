//! Writes to pipes whose reader may stall: bounded by the program's time limit and interruptible by
//! a signal.
//!
//! A pipe that polls as writable has room for `PIPE_BUF` bytes, so each chunk has at most that size
//! and is preceded by a poll. A poll can be interrupted; a blocked write cannot. After a timeout or
//! a signal nothing more is written. Files and terminals are written to directly.

use std::io::{self, Write};
use std::time::Instant;

/// A writer with a deadline.
#[derive(Default)]
pub(super) struct BoundedWriter {
    /// The deadline. None means no limit.
    pub(super) deadline: Option<Instant>,
    /// Whether a timeout or a signal ended the output: further output is lost.
    is_over: bool,
}

#[cfg(unix)]
impl BoundedWriter {
    /// Writes all bytes and flushes them.
    pub(super) fn write(
        &mut self,
        mut stream: impl Write + std::os::fd::AsFd,
        bytes: &[u8],
    ) -> io::Result<()> {
        if !is_pipe(&stream) {
            return stream.write_all(bytes).and_then(|()| stream.flush());
        }
        for piece in bytes.chunks(rustix::pipe::PIPE_BUF) {
            self.wait_for_room(&stream)?;
            stream.write_all(piece).and_then(|()| stream.flush())?;
        }
        Ok(())
    }

    fn wait_for_room(&mut self, stream: &impl std::os::fd::AsFd) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let limit = left.and_then(|left| Timespec::try_from(left).ok());
        // A signal ends the wait: it is to end the program, which checks signals only between
        // turns.
        let has_room = !self.is_over
            && poll(&mut [PollFd::new(stream, PollFlags::OUT)], limit.as_ref())
                .is_ok_and(|ready| ready > 0);
        self.is_over = !has_room;
        if has_room {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "write timed out: the pipe is not being read",
            ))
        }
    }
}

#[cfg(unix)]
fn is_pipe(stream: &impl std::os::fd::AsFd) -> bool {
    use rustix::fs::{FileType, fstat};
    let kind = fstat(stream).map(|status| FileType::from_raw_mode(status.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket))
}

#[cfg(not(unix))]
impl BoundedWriter {
    /// Writes all bytes and flushes them.
    pub(super) fn write(&mut self, mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).and_then(|()| stream.flush())
    }
}
