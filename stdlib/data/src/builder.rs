//! Builds Lua values from events, for the readers of all formats.
//!
//! The items of a list or map that is being read are on a stack until it ends, so that its table is
//! created with its final size. Items of a long one are moved to the table a thousand at a time,
//! which keeps the stack short. When a reader yields, the stack becomes the native's kept values.

use super::tags;
use super::{MAX_DEPTH, ParseError};
use solvm_vm::{Call, Error, Table, Value};

/// Maximum number of items on the stack for each list or map.
const BATCH: usize = 1024;
/// The number of values at the bottom of the stack: the value for null, the metatable of maps, the
/// table of named values (nil until it exists), and the number of fields that have been merged.
const FIRST: usize = 4;
const NULL: usize = 0;
const MARK: usize = 1;
const NAMED: usize = 2;
const MERGED: usize = 3;
/// Maximum number of fields that are merged into maps.
const MAX_MERGED: f64 = 1e6;

/// Why a value could not be added.
pub(super) enum BuildError {
    /// The document is invalid for this reason.
    Document(&'static str),
    /// A VM error.
    Vm(Error),
}

impl From<Error> for BuildError {
    fn from(error: Error) -> BuildError {
        BuildError::Vm(error)
    }
}

/// Why reading a document ended early.
pub(super) enum DecodeError {
    /// The document is invalid.
    Document(ParseError),
    /// A VM error.
    Vm(Error),
}

impl BuildError {
    /// Adds the position of the error.
    pub(super) fn at(self, at: usize) -> DecodeError {
        match self {
            BuildError::Document(reason) => DecodeError::Document(ParseError::new(reason, at)),
            BuildError::Vm(error) => DecodeError::Vm(error),
        }
    }
}

/// A list or map that has started.
pub(crate) struct Open {
    is_map: bool,
    /// The index of its table on the stack (nil until it exists); its items follow.
    start: usize,
    /// The number of items of a list that are in the table.
    stored: usize,
    /// Whether the next value is to be merged into the map.
    merges: bool,
}

/// A tree of values that is being built.
pub(super) struct Builder<'c> {
    stack: Vec<Value<'c>>,
    open: Vec<Open>,
    /// The value or key that was added last, until the builder yields.
    last: Value<'c>,
}

impl<'c> Builder<'c> {
    /// Creates a builder; `null` is the value for nulls.
    pub(super) fn new(call: &mut Call<'c>, null: Value<'c>) -> Result<Self, Error> {
        let metatable = tags::map_metatable(call)?.value();
        Ok(Builder {
            stack: vec![null, metatable, Value::NIL, Value::number(0.0)],
            open: Vec::new(),
            last: Value::NIL,
        })
    }

    /// Continues in a later step.
    pub(super) fn resume(call: &mut Call<'c>, open: Vec<Open>) -> Self {
        Builder { stack: call.all_kept().to_vec(), open, last: Value::NIL }
    }

    /// Returns the state to keep while the native yields.
    pub(super) fn suspend(self) -> (Vec<Open>, Vec<Value<'c>>) {
        (self.open, self.stack)
    }

    /// Returns the finished tree.
    pub(super) fn finish(self) -> Value<'c> {
        self.stack.get(FIRST).copied().unwrap_or(Value::NIL)
    }

    /// Returns a value at the bottom of the stack.
    fn bottom(&self, place: usize) -> Value<'c> {
        self.stack.get(place).copied().unwrap_or(Value::NIL)
    }

    /// Adds a value: the next item of a list, the value of a key, or the whole document.
    #[inline]
    pub(super) fn value(&mut self, call: &mut Call<'c>, value: Value<'c>) -> Result<(), Error> {
        self.last = value;
        self.stack.push(value);
        if let Some(open) = self.open.last()
            && let waiting = self.stack.len().saturating_sub(open.start)
            && waiting > BATCH
            // Not between a key and its value.
            && (!open.is_map || waiting % 2 == 1)
        {
            return self.store(call);
        }
        Ok(())
    }

    /// Adds a null.
    pub(super) fn null(&mut self, call: &mut Call<'c>) -> Result<(), Error> {
        let null = self.bottom(NULL);
        self.value(call, null)
    }

    /// Adds a string.
    #[inline]
    pub(super) fn string(&mut self, call: &mut Call<'c>, bytes: &[u8]) -> Result<(), Error> {
        let string = call.string(bytes)?;
        self.value(call, string.value())
    }

    /// Adds the key of the value that follows.
    #[inline]
    pub(super) fn key(&mut self, key: Value<'c>) {
        self.last = key;
        self.stack.push(key);
    }

    /// Adds the key of a value whose fields are merged into the map. The value must be a map or a
    /// list of maps.
    pub(super) fn merge_key(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.merges = true;
        }
        // No document has a table as a key.
        self.stack.push(self.bottom(MARK));
    }

    /// Names the value or the key that was added last.
    pub(super) fn name(&mut self, call: &mut Call<'c>, name: usize) -> Result<(), Error> {
        let named = match Table::from_value(self.bottom(NAMED)) {
            Some(named) => named,
            None => {
                let named = call.table(0, 4)?;
                if let Some(slot) = self.stack.get_mut(NAMED) {
                    *slot = named.value();
                }
                named
            }
        };
        named.set_index(call, name, self.last)
    }

    /// Returns the value with a name: the same one, not a copy.
    pub(super) fn named(&self, name: usize) -> Value<'c> {
        Table::from_value(self.bottom(NAMED)).map_or(Value::NIL, |named| named.get(name))
    }

    /// Starts a list or map.
    pub(super) fn begin(&mut self, is_map: bool) -> Result<(), BuildError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(BuildError::Document("nested too deeply"));
        }
        self.open.push(Open { is_map, start: self.stack.len(), stored: 0, merges: false });
        self.stack.push(Value::NIL);
        Ok(())
    }

    /// Whether the innermost open value is a map. None if nothing is open.
    pub(super) fn in_map(&self) -> Option<bool> {
        self.open.last().map(|open| open.is_map)
    }

    /// Ends the innermost list or map.
    pub(super) fn end(&mut self, call: &mut Call<'c>) -> Result<(), BuildError> {
        self.store(call)?;
        let Some(open) = self.open.pop() else { return Ok(()) };
        let table = self.bottom(open.start);
        if open.merges {
            self.merge(call, table)?;
        }
        if open.is_map
            && let Some(fields) = Table::from_value(table)
            && (fields.pairs().next().is_none() || !fields.get(1).is_nil())
        {
            let mark = Table::from_value(self.bottom(MARK));
            call.set_metatable(table, mark);
        }
        self.stack.truncate(open.start);
        self.value(call, table)?;
        Ok(())
    }

    /// Moves the items of the innermost list or map from the stack to its table.
    fn store(&mut self, call: &mut Call<'c>) -> Result<(), Error> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let Some((slot, items)) = self.stack.get_mut(open.start..).and_then(<[_]>::split_first_mut)
        else {
            return Ok(());
        };
        let table = match Table::from_value(*slot) {
            Some(table) => table,
            None => {
                let table = if open.is_map {
                    call.table(0, items.len() / 2)?
                } else {
                    call.table(items.len(), 0)?
                };
                *slot = table.value();
                table
            }
        };
        if open.is_map {
            for &[key, value] in items.as_chunks::<2>().0 {
                table.set(call, key, value)?;
            }
        } else {
            for &item in items.iter() {
                open.stored = open.stored.saturating_add(1);
                table.set_index(call, open.stored, item)?;
            }
        }
        self.stack.truncate(open.start.saturating_add(1));
        Ok(())
    }

    /// Merges a map into another one, which keeps its own fields.
    fn merge(&mut self, call: &mut Call<'c>, map: Value<'c>) -> Result<(), BuildError> {
        let mark = self.bottom(MARK);
        let Some(map) = Table::from_value(map) else { return Ok(()) };
        let Some(source) = Table::from_value(map.get(mark)) else { return Ok(()) };
        map.set(call, mark, Value::NIL)?;
        let list = source.length();
        let sources = if list == 0 {
            vec![source.value()]
        } else {
            (1..=list).map(|i| source.get(i)).collect()
        };
        let mut merged = self.bottom(MERGED).as_number().unwrap_or_default();
        for source in sources.into_iter().filter_map(Table::from_value) {
            for (key, value) in source.pairs() {
                merged += 1.0;
                call.charge(1);
                if merged > MAX_MERGED {
                    return Err(BuildError::Document("too many merged fields"));
                }
                if map.get(key).is_nil() {
                    map.set(call, key, value)?;
                }
            }
        }
        if let Some(slot) = self.stack.get_mut(MERGED) {
            *slot = Value::number(merged);
        }
        Ok(())
    }
}
