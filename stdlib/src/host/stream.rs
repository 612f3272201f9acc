//! Files, pipes and the like as the libraries see them: a sequence of bytes, and whether using it
//! may take long.

use std::io::{Read, Seek, Write};

/// What an open file is read and written through. What it cannot do it answers with the system's
/// error.
pub trait Stream: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Stream for T {}

/// An open file.
pub struct OpenStream {
    /// Its bytes.
    pub stream: Box<dyn Stream>,
    /// Whether reading and writing may wait for somebody else: a pipe, a terminal, a device. Such
    /// streams are used on the blocking pool only.
    pub waits: bool,
    /// Whether somebody sits at the other end: to wait for what they type does not count against a
    /// default time limit.
    pub is_terminal: bool,
}

/// What a file is opened for, as `fopen` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenMode {
    /// What becomes of its contents.
    pub base: OpenBase,
    /// The "+": reading and writing.
    pub update: bool,
}

/// The first letter of a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenBase {
    /// The file is there, and is kept.
    Read,
    /// It is emptied, or made.
    Write,
    /// What is written goes to its end; it is made if need be.
    Append,
}

impl OpenMode {
    /// Reading alone.
    pub const READ: OpenMode = OpenMode { base: OpenBase::Read, update: false };
    /// Writing alone, from nothing.
    pub const WRITE: OpenMode = OpenMode { base: OpenBase::Write, update: false };

    /// The mode that a string means. As in the GNU library, what it does not know behind the first
    /// letter is ignored.
    pub fn parse(text: &[u8]) -> Option<OpenMode> {
        let (first, rest) = text.split_first()?;
        let base = match first {
            b'r' => OpenBase::Read,
            b'w' => OpenBase::Write,
            b'a' => OpenBase::Append,
            _ => return None,
        };
        Some(OpenMode { base, update: rest.contains(&b'+') })
    }

    /// Whether it allows reading.
    pub fn reads(self) -> bool {
        self.update || self.base == OpenBase::Read
    }

    /// Whether it allows writing.
    pub fn writes(self) -> bool {
        self.update || self.base != OpenBase::Read
    }
}

/// How much is gathered before it is passed on (`setvbuf`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffering {
    /// Nothing.
    None,
    /// A line.
    Line,
    /// This many bytes.
    Full(usize),
}

impl Buffering {
    /// As much as files gather by themselves.
    pub const DEFAULT: Buffering = Buffering::Full(1 << 16);

    /// Whether so much output, of which `new` is the newest part, is to be passed on.
    pub fn is_due(self, buffered: usize, new: &[u8]) -> bool {
        match self {
            Buffering::None => buffered > 0,
            Buffering::Line => new.contains(&b'\n') || buffered >= 1 << 16,
            Buffering::Full(capacity) => buffered >= capacity,
        }
    }

    /// Whether `new` is written as it is, after `buffered` bytes: a copy of it would be as large.
    pub fn passes(self, buffered: usize, new: &[u8]) -> bool {
        /// What is shorter is gathered.
        const SHORT: usize = 1 << 15;
        new.len() > SHORT && self.is_due(buffered.saturating_add(new.len()), new)
    }
}

/// Something that is there already, or that is to be done where waiting holds up nobody.
pub enum Deferred<T> {
    /// It is there.
    Now(T),
    /// This gives it, on the blocking pool.
    Later(Box<dyn FnOnce() -> T + Send>),
}

/// Which end of a child process the program holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// Its standard output is read.
    Output,
    /// Its standard input is written.
    Input,
}

/// A running child process.
pub struct Child {
    /// The program's end of the pipe that was asked for.
    pub stream: Option<OpenStream>,
    /// Waits for its end: the status as the system gives it. Called on the blocking pool.
    pub wait: WaitForChild,
}

/// See [`Child::wait`].
pub type WaitForChild = Box<dyn FnOnce() -> std::io::Result<i32> + Send>;
