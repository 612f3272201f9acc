//! From events to Lua values: what readers of all formats call.
//!
//! The items of a list or map that is being read wait on a stack until it ends, so that its table
//! gets its size at once; of a long one they go into the table by the thousand, so that the stack
//! stays short. When a reader gives way, the stack becomes the values that the native keeps.

use super::tags;
use super::{Fault, MAX_DEPTH};
use solvm_vm::{Call, Error, Table, Value};

/// So many items wait on the stack at most.
const BATCH: usize = 1024;
/// The values at the bottom of the stack: what null becomes, the mark of maps, the table of named
/// values (nil until there is one), and how many fields have been merged.
const FIRST: usize = 4;
const NULL: usize = 0;
const MARK: usize = 1;
const NAMED: usize = 2;
const MERGED: usize = 3;
/// So many fields may be merged into maps.
const MAX_MERGED: f64 = 1e6;

/// Why a value could not be added.
pub(super) enum BuildError {
    /// The document is wrong, for this reason.
    Document(&'static str),
    /// The VM has failed.
    Vm(Error),
}

impl From<Error> for BuildError {
    fn from(error: Error) -> BuildError {
        BuildError::Vm(error)
    }
}

/// Why reading a document has ended early.
pub(super) enum Failure {
    /// The document is wrong.
    Document(Fault),
    /// The VM has failed.
    Vm(Error),
}

impl BuildError {
    /// The failure of a document at this byte.
    pub(super) fn at(self, at: usize) -> Failure {
        match self {
            BuildError::Document(reason) => Failure::Document(Fault::new(reason, at)),
            BuildError::Vm(error) => Failure::Vm(error),
        }
    }
}

/// A list or map that has begun.
pub(super) struct Open {
    is_map: bool,
    /// Where the stack has its table (nil until there is one); its items follow.
    start: usize,
    /// How many items of a list are in the table.
    stored: usize,
    /// The map has the key whose value is to be merged.
    merges: bool,
}

/// A tree of values that is being read.
pub(super) struct Builder<'c> {
    stack: Vec<Value<'c>>,
    open: Vec<Open>,
    /// The value or key that was added last, until the builder gives way.
    last: Value<'c>,
}

impl<'c> Builder<'c> {
    /// Begins; `null` is what a null becomes.
    pub(super) fn new(call: &mut Call<'c>, null: Value<'c>) -> Result<Self, Error> {
        let metatable = tags::map_metatable(call)?.value();
        Ok(Builder {
            stack: vec![null, metatable, Value::NIL, Value::number(0.0)],
            open: Vec::new(),
            last: Value::NIL,
        })
    }

    /// Goes on in a later step.
    pub(super) fn resume(call: &mut Call<'c>, open: Vec<Open>) -> Self {
        Builder { stack: call.all_kept().to_vec(), open, last: Value::NIL }
    }

    /// Gives way: what is to be kept until then.
    pub(super) fn suspend(self) -> (Vec<Open>, Vec<Value<'c>>) {
        (self.open, self.stack)
    }

    /// The whole tree, at the end.
    pub(super) fn finish(self) -> Value<'c> {
        self.stack.get(FIRST).copied().unwrap_or(Value::NIL)
    }

    /// A value of the stack.
    fn bottom(&self, place: usize) -> Value<'c> {
        self.stack.get(place).copied().unwrap_or(Value::NIL)
    }

    /// Adds a value: the next item of a list, the value of a key, or all there is.
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

    /// Adds the key of a value whose fields are to be merged into the map: it is a map or a list of
    /// maps.
    pub(super) fn merge_key(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.merges = true;
        }
        // No document has a table as a key.
        self.stack.push(self.bottom(MARK));
    }

    /// Names the value, or the key, that was added last.
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

    /// The value that has a name: the same one, not a copy.
    pub(super) fn named(&self, name: usize) -> Value<'c> {
        Table::from_value(self.bottom(NAMED)).map_or(Value::NIL, |named| named.get(name))
    }

    /// Begins a list or map.
    pub(super) fn begin(&mut self, is_map: bool) -> Result<(), BuildError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(BuildError::Document("nested too deeply"));
        }
        self.open.push(Open { is_map, start: self.stack.len(), stored: 0, merges: false });
        self.stack.push(Value::NIL);
        Ok(())
    }

    /// Whether a map is open, if anything is.
    pub(super) fn in_map(&self) -> Option<bool> {
        self.open.last().map(|open| open.is_map)
    }

    /// Ends the list or map that began last.
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

    /// Puts the waiting items of the innermost list or map into its table.
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

    /// Adds to a map what it is to merge, where it has no field of that name itself.
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
