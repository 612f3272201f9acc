//! A stream with an input buffer and an output buffer.
//!
//! Invariant: at most one of them is not empty. Reading flushes the output first; writing seeks
//! back over the unread input.

use super::read::{Progress, Reading};
use solvm_runtime::host::{Buffering, OpenMode, OpenStream, Stream, WaitForChild, WriteError};
use std::io::{self, ErrorKind, SeekFrom};

/// Size of the input buffer.
pub(super) const CHUNK: usize = 1 << 15;
/// Maximum size of a buffered line.
const LINES: usize = 1 << 16;

/// Returns the memory for the buffers of a file in use.
pub(super) fn buffers_size(buffering: Buffering) -> usize {
    match buffering {
        Buffering::None => CHUNK,
        Buffering::Line => LINES,
        Buffering::Full(capacity) => capacity.max(CHUNK),
    }
}

pub(super) struct Buffered {
    /// None after it was closed.
    stream: Option<Box<dyn Stream>>,
    waits: bool,
    is_terminal: bool,
    mode: OpenMode,
    buffering: Buffering,
    input: Vec<u8>,
    /// The number of bytes of `input` that have been consumed.
    position: usize,
    output: Vec<u8>,
    write_error: WriteError,
    /// The child process at the other end of a pipe.
    child: Option<WaitForChild>,
}

/// The error for reading a file opened for writing, and vice versa.
pub(super) fn bad_descriptor() -> io::Error {
    if cfg!(unix) {
        const EBADF: i32 = 9;
        return io::Error::from_raw_os_error(EBADF);
    }
    io::Error::new(ErrorKind::PermissionDenied, "Bad file descriptor")
}

impl Buffered {
    pub(super) fn new(open: OpenStream, mode: OpenMode, buffering: Buffering) -> Self {
        Buffered {
            stream: Some(open.stream),
            waits: open.waits,
            is_terminal: open.is_terminal,
            mode,
            buffering,
            input: Vec::new(),
            position: 0,
            output: Vec::new(),
            write_error: WriteError::default(),
            child: None,
        }
    }

    /// Returns the memory for its buffers.
    pub(super) fn buffers_size(&self) -> usize {
        if self.mode.writes() { buffers_size(self.buffering) } else { CHUNK }
    }

    pub(super) fn with_child(self, wait: WaitForChild) -> Self {
        Buffered { child: Some(wait), ..self }
    }

    fn stream(&mut self) -> io::Result<&mut Box<dyn Stream>> {
        self.stream.as_mut().ok_or_else(bad_descriptor)
    }

    /// Whether operations on the stream itself may block.
    pub(super) fn waits(&self) -> bool {
        self.waits
    }

    /// Whether any operation may wait for another process or for a user.
    pub(super) fn may_wait(&self) -> bool {
        self.waits || self.child.is_some()
    }

    /// Whether it is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Returns the unread input.
    pub(super) fn unread(&self) -> &[u8] {
        &self.input[self.position..]
    }

    /// Consumes `count` bytes of the unread input.
    pub(super) fn consume(&mut self, count: usize) {
        self.position = self.input.len().min(self.position + count);
    }

    /// Fills the input buffer if it is empty. False at the end of the file.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if !self.mode.reads() {
            return Err(bad_descriptor());
        }
        self.flush_buffer()?;
        self.input.resize(CHUNK, 0);
        self.position = 0;
        let mut input = std::mem::take(&mut self.input);
        let result = loop {
            match self.stream()?.read(&mut input) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        input.truncate(*result.as_ref().unwrap_or(&0));
        self.input = input;
        result.map(|count| count > 0)
    }

    /// Continues a read with at most `allowed` reads of the stream.
    pub(super) fn read(&mut self, reading: &mut Reading, allowed: usize) -> io::Result<Progress> {
        if !self.mode.reads() {
            return Err(bad_descriptor());
        }
        reading.resume(self, allowed)
    }

    /// Whether `count` bytes can be written quickly and without blocking.
    pub(super) fn has_room(&self, count: usize) -> bool {
        match self.buffering {
            _ if !self.waits => count <= 1 << 22,
            Buffering::Full(capacity) => self.output.len() + count < capacity,
            _ => false,
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.mode.writes() {
            return Err(bad_descriptor());
        }
        self.seek_back()?;
        if self.buffering.passes(self.output.len(), bytes) {
            self.flush_buffer()?;
            let written = self.stream().and_then(|stream| stream.write_all(bytes));
            return self.write_error.record(written);
        }
        self.output.extend_from_slice(bytes);
        if self.buffering.is_due(self.output.len(), bytes) { self.flush_buffer() } else { Ok(()) }
    }

    /// Seeks back to the position up to which the program has read.
    fn seek_back(&mut self) -> io::Result<()> {
        let unread = self.unread().len() as i64;
        self.input.clear();
        self.position = 0;
        if unread > 0 && !self.waits {
            self.stream()?.seek(SeekFrom::Current(-unread))?;
        }
        Ok(())
    }

    /// Whether there is output to flush.
    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Flushes the output. The error is the first failed write so far.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.flush_buffer().and_then(|()| self.write_error.check())
    }

    /// Flushes the output.
    fn flush_buffer(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let mut output = std::mem::take(&mut self.output);
        let written = self.stream().and_then(|stream| stream.write_all(&output));
        output.clear();
        output.shrink_to(CHUNK);
        self.output = output;
        self.write_error.record(written)
    }

    pub(super) fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.flush_buffer()?;
        if self.waits {
            // If seeking fails, the unread input is kept.
            return self.stream()?.seek(to);
        }
        self.seek_back()?;
        self.stream()?.seek(to)
    }

    pub(super) fn set_buffering(&mut self, buffering: Buffering) -> io::Result<()> {
        self.buffering = buffering;
        self.flush_buffer()
    }

    /// Whether closing may block.
    pub(super) fn closing_waits(&self) -> bool {
        self.child.is_some() || self.waits && self.has_output()
    }

    /// Flushes the output, closes the stream, and waits for the child process.
    pub(super) fn close(&mut self) -> io::Result<()> {
        let flushed = self.flush();
        self.stream = None;
        self.input = Vec::new();
        self.position = 0;
        if let Some(wait) = self.child.take() {
            wait()?;
        }
        flushed
    }
}
