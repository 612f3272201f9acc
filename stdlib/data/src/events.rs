//! Events of documents: readers create lists of them.
//!
//! Invariant: the list checks the program's account before it grows. A reader that keeps other data
//! that grows with the document calls [`Events::hold`].

use super::ParseError;
use solvm_vm::{Held, OutOfMemory};

/// The allocator's overhead for a box.
pub(super) const BOX_BYTES: usize = 24;
/// A boxed key.
const KEY_BYTES: usize = size_of::<Event>() + BOX_BYTES;
/// The number of bytes that are added to the account at a time.
const STEP: usize = 16 << 10;

/// A part of a document.
#[derive(Debug)]
pub(super) enum Event {
    /// A null.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A string.
    String(Box<[u8]>),
    /// The key of the value that follows: a null, boolean, number or string.
    Key(Box<Event>),
    /// The key of a value whose fields are merged into the map.
    MergeKey,
    /// The start of a list or map.
    Begin {
        /// Whether it is a map.
        is_map: bool,
    },
    /// The end of the innermost list or map.
    End,
    /// Names the value that has just ended, or the key.
    Name(usize),
    /// The value with this name again.
    Named(usize),
    /// The value with this name as the key of the value that follows.
    NamedKey(usize),
}

impl Event {
    /// Creates the event for a string key.
    pub(super) fn key(name: &[u8]) -> Event {
        Event::Key(Box::new(Event::String(name.into())))
    }

    /// Returns the number of bytes outside the list.
    fn external_size(&self) -> usize {
        match self {
            Event::String(bytes) => bytes.len().saturating_add(BOX_BYTES),
            Event::Key(key) => key.external_size().saturating_add(KEY_BYTES),
            _ => 0,
        }
    }
}

/// Why reading ended early.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The document is invalid.
    Invalid(ParseError),
    /// The memory limit was reached.
    OutOfMemory,
}

impl From<ParseError> for ReadError {
    fn from(parse_error: ParseError) -> ReadError {
        ReadError::Invalid(parse_error)
    }
}

impl From<OutOfMemory> for ReadError {
    fn from(_: OutOfMemory) -> ReadError {
        ReadError::OutOfMemory
    }
}

/// The list of a document's events.
pub(super) struct Events {
    list: Vec<Event>,
    held: Held,
    /// The number of bytes of `held` that are in use.
    used: usize,
}

impl Events {
    /// Creates an empty list, which uses `held` first.
    pub(super) fn new(held: Held) -> Events {
        Events { list: Vec::new(), held, used: 0 }
    }

    /// Adds an event.
    pub(super) fn push(&mut self, event: Event) -> Result<(), OutOfMemory> {
        let size = event.external_size();
        if size > 0 {
            self.hold(size)?;
        }
        if self.list.len() == self.list.capacity() {
            let old = self.list.capacity();
            let more = old.max(64);
            // While the list grows, the old one exists, too.
            self.hold(old.saturating_add(more).saturating_mul(size_of::<Event>()))?;
            self.list.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
            self.release(old.saturating_mul(size_of::<Event>()));
        }
        self.list.push(event);
        Ok(())
    }

    /// Accounts for `bytes` bytes of other data.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.used = self.used.saturating_add(bytes);
        if self.used > self.held.bytes() {
            let step = self.used.saturating_add(STEP);
            self.held.grow_to(step).or_else(|_| self.held.grow_to(self.used))?;
        }
        Ok(())
    }

    /// Releases `bytes` bytes, which are used for what follows.
    pub(super) fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Returns the number of bytes used so far, including a refused request.
    pub(super) fn needed(&self) -> usize {
        self.used
    }

    /// Returns the events in order, and the share of the account that they need.
    pub(super) fn into_parts(self) -> (std::vec::IntoIter<Event>, Held) {
        (self.list.into_iter(), self.held)
    }
}
