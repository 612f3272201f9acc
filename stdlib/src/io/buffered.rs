//! A stream with its buffers: what has been read ahead, and what is still to be written.
//!
//! Invariant: at most one of the two holds something. Reading passes on the output first; writing
//! gives back what was read ahead.

use super::read::{Progress, Reading};
use crate::host::{Buffering, Lost, OpenMode, OpenStream, Stream, WaitForChild};
use std::io::{self, ErrorKind, SeekFrom};

/// How much is read ahead.
const CHUNK: usize = 1 << 15;
/// What a file that is used takes for its buffers.
pub(super) const BUFFERS_SIZE: usize = CHUNK;

pub(super) struct Buffered {
    /// None once it is closed.
    stream: Option<Box<dyn Stream>>,
    waits: bool,
    is_terminal: bool,
    mode: OpenMode,
    buffering: Buffering,
    input: Vec<u8>,
    /// What lies before this in `input` has been used.
    position: usize,
    output: Vec<u8>,
    lost: Lost,
    /// The child process at the other end.
    child: Option<WaitForChild>,
}

/// The error of reading what was opened for writing, and of the opposite.
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
            lost: Lost::default(),
            child: None,
        }
    }

    pub(super) fn with_child(self, wait: WaitForChild) -> Self {
        Buffered { child: Some(wait), ..self }
    }

    fn stream(&mut self) -> io::Result<&mut Box<dyn Stream>> {
        self.stream.as_mut().ok_or_else(bad_descriptor)
    }

    /// Whether using the stream itself may wait for somebody else.
    pub(super) fn waits(&self) -> bool {
        self.waits
    }

    /// Whether any use may wait for another process or for a user.
    pub(super) fn may_wait(&self) -> bool {
        self.waits || self.child.is_some()
    }

    /// Whether somebody sits at the other end.
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// What has been read ahead.
    pub(super) fn unread(&self) -> &[u8] {
        &self.input[self.position..]
    }

    /// Takes note that so much of it has been used.
    pub(super) fn consume(&mut self, count: usize) {
        self.position = self.input.len().min(self.position + count);
    }

    /// Reads ahead when nothing is left. False at the end of the file.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if !self.mode.reads() {
            return Err(bad_descriptor());
        }
        self.pass_on()?;
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

    /// Goes on with a read, as long as it needs to ask the stream no more than `allowed` times.
    pub(super) fn read(&mut self, reading: &mut Reading, allowed: usize) -> io::Result<Progress> {
        if !self.mode.reads() {
            return Err(bad_descriptor());
        }
        reading.resume(self, allowed)
    }

    /// Whether so much more can be written without a wait, and soon.
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
        self.give_back()?;
        if self.buffering.passes(self.output.len(), bytes) {
            self.pass_on()?;
            let written = self.stream().and_then(|stream| stream.write_all(bytes));
            return self.lost.note(written);
        }
        self.output.extend_from_slice(bytes);
        if self.buffering.is_due(self.output.len(), bytes) { self.pass_on() } else { Ok(()) }
    }

    /// Moves the stream back to where the program has read to.
    fn give_back(&mut self) -> io::Result<()> {
        let unread = self.unread().len() as i64;
        self.input.clear();
        self.position = 0;
        if unread > 0 && !self.waits {
            self.stream()?.seek(SeekFrom::Current(-unread))?;
        }
        Ok(())
    }

    /// Whether there is output to pass on.
    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Writes what is buffered. The error is that of the first write that has failed so far.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.pass_on().and_then(|()| self.lost.check())
    }

    /// Writes what is buffered.
    fn pass_on(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let mut output = std::mem::take(&mut self.output);
        let written = self.stream().and_then(|stream| stream.write_all(&output));
        output.clear();
        output.shrink_to(CHUNK);
        self.output = output;
        self.lost.note(written)
    }

    pub(super) fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.pass_on()?;
        if self.waits {
            // What was read ahead stays if the stream cannot seek.
            return self.stream()?.seek(to);
        }
        self.give_back()?;
        self.stream()?.seek(to)
    }

    pub(super) fn set_buffering(&mut self, buffering: Buffering) -> io::Result<()> {
        self.buffering = buffering;
        self.pass_on()
    }

    /// Whether closing it may wait for somebody else.
    pub(super) fn closing_waits(&self) -> bool {
        self.child.is_some() || self.waits && self.has_output()
    }

    /// Passes on what was written, closes the stream, waits for the child process.
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
