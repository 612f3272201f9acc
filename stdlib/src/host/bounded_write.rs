//! Writing to a pipe whose reader may stall: for no longer than the program may run, and not after
//! a signal.
//!
//! A pipe that says so has room for a piece of a certain size. So only such pieces are written, and
//! nothing before the pipe says so; the wait for that can be ended, which a write cannot. Files and
//! terminals are written to as they are.

use std::io::{self, Write};
use std::time::Instant;

/// How long writing may be held up.
#[derive(Default)]
pub(super) struct BoundedWriter {
    /// Until when. None is for ever.
    pub(super) deadline: Option<Instant>,
    /// Nobody waits any more: what is written is lost.
    is_over: bool,
}

#[cfg(unix)]
impl BoundedWriter {
    /// Writes everything, and passes it on at once.
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
        // A signal ends the wait: whoever sent it wants the program to end, and it looks at signals
        // only between its turns.
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
    /// Writes everything, and passes it on at once.
    pub(super) fn write(&mut self, mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).and_then(|()| stream.flush())
    }
}
