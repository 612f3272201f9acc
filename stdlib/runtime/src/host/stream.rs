//! Streams: files, pipes and others as sequences of bytes that may block.

use std::io::{Read, Seek, Write};

/// An open stream. Unsupported operations return the OS's error.
pub trait Stream: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Stream for T {}

/// An open stream with its properties.
pub struct OpenStream {
    /// Its bytes.
    pub stream: Box<dyn Stream>,
    /// Whether reading and writing may wait for another process or the user: for pipes, terminals,
    /// devices. Such streams are only used on the blocking pool.
    pub waits: bool,
    /// Whether it is a terminal: waiting for input does not count towards the default time limit.
    pub is_terminal: bool,
}

/// The mode of an open file, as in `fopen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenMode {
    /// The effect on existing contents.
    pub base: OpenBase,
    /// The "+": reading and writing.
    pub update: bool,
}

/// The first letter of a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenBase {
    /// The file must exist, and is kept.
    Read,
    /// The file is truncated or created.
    Write,
    /// All output is appended; the file is created if it is missing.
    Append,
}

impl OpenMode {
    /// Only reading.
    pub const READ: OpenMode = OpenMode { base: OpenBase::Read, update: false };
    /// Only writing, to an empty file.
    pub const WRITE: OpenMode = OpenMode { base: OpenBase::Write, update: false };

    /// Parses a mode. As in the GNU library, unknown characters after the first letter are ignored.
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

/// How much output is buffered before it is flushed (`setvbuf`).
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
    /// The default buffering of files.
    pub const DEFAULT: Buffering = Buffering::Full(1 << 16);

    /// Whether `buffered` bytes, of which `new` is the newest part, must be flushed.
    pub fn is_due(self, buffered: usize, new: &[u8]) -> bool {
        match self {
            Buffering::None => buffered > 0,
            Buffering::Line => new.contains(&b'\n') || buffered >= 1 << 16,
            Buffering::Full(capacity) => buffered >= capacity,
        }
    }

    /// Whether `new` is written directly after `buffered` bytes: a copy of it would be as large.
    pub fn passes(self, buffered: usize, new: &[u8]) -> bool {
        /// Shorter output is buffered.
        const SHORT: usize = 1 << 15;
        new.len() > SHORT && self.is_due(buffered.saturating_add(new.len()), new)
    }
}

/// A value that is available, or that must be computed where blocking is allowed.
pub enum Deferred<T> {
    /// The value.
    Now(T),
    /// Computes the value on the blocking pool.
    Later(Box<dyn FnOnce() -> T + Send>),
}

/// The end of a child process's pipe that the program holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// The program reads its standard output.
    Output,
    /// The program writes its standard input.
    Input,
}

/// A running child process.
pub struct Child {
    /// The program's end of the requested pipe.
    pub stream: Option<OpenStream>,
    /// Waits for it to end and returns the raw status. Called on the blocking pool.
    pub wait: WaitForChild,
}

/// See [`Child::wait`].
pub type WaitForChild = Box<dyn FnOnce() -> std::io::Result<i32> + Send>;
