//! What a document consists of: the events that readers make, and their list.
//!
//! Invariant: the list asks the program's account before it grows. A reader that keeps other things
//! that grow with the document asks by [`Events::hold`].

use super::Fault;
use solvm_vm::{Held, OutOfMemory};

/// What the allocator takes for a box, beside its content.
const BOX_BYTES: usize = 24;
/// A key in a box of its own.
const KEY_BYTES: usize = size_of::<Event>() + BOX_BYTES;
/// The bytes that the account is asked for at a time.
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
    /// A list or a map begins.
    Begin {
        /// Which of the two.
        is_map: bool,
    },
    /// It ends.
    End,
    /// The value that has just ended, or the key before, has this name.
    Name(usize),
    /// The value with this name, once more.
    Named(usize),
    /// It is the key of the value that follows.
    NamedKey(usize),
}

impl Event {
    /// A string as the key of the value that follows.
    pub(super) fn key(name: &[u8]) -> Event {
        Event::Key(Box::new(Event::String(name.into())))
    }

    /// The bytes outside the list.
    fn external_size(&self) -> usize {
        match self {
            Event::String(bytes) => bytes.len().saturating_add(BOX_BYTES),
            Event::Key(key) => key.external_size().saturating_add(KEY_BYTES),
            _ => 0,
        }
    }
}

/// Why a document was not read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is wrong.
    Fault(Fault),
    /// The memory limit forbids what it takes.
    OutOfMemory,
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Unread {
        Unread::Fault(fault)
    }
}

impl From<OutOfMemory> for Unread {
    fn from(_: OutOfMemory) -> Unread {
        Unread::OutOfMemory
    }
}

/// The list of a document's events.
pub(super) struct Events {
    list: Vec<Event>,
    held: Held,
    /// How many bytes of `held` are needed.
    used: usize,
}

impl Events {
    /// No events yet. `held` is what they take first.
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
            // While it grows, the old list is there, too.
            self.hold(old.saturating_add(more).saturating_mul(size_of::<Event>()))?;
            self.list.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
            self.release(old.saturating_mul(size_of::<Event>()));
        }
        self.list.push(event);
        Ok(())
    }

    /// Holds `bytes` bytes for other things.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.used = self.used.saturating_add(bytes);
        if self.used > self.held.bytes() {
            let step = self.used.saturating_add(STEP);
            self.held.grow_to(step).or_else(|_| self.held.grow_to(self.used))?;
        }
        Ok(())
    }

    /// Releases `bytes` bytes: they are left for what follows.
    pub(super) fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// The bytes that were needed so far, including those that were refused last.
    pub(super) fn needed(&self) -> usize {
        self.used
    }

    /// The events in their order, and what they hold as long as they are there.
    pub(super) fn into_parts(self) -> (std::vec::IntoIter<Event>, Held) {
        (self.list.into_iter(), self.held)
    }
}
