//! Generates events from Lua values, for the writers of all formats.
//!
//! Tables are read raw, without metamethods. The stack holds each open table and, for maps, the
//! sorted keys; when the walk yields, the stack becomes the native's kept values. Lua code that
//! runs in between may change the tables: an item that vanished from a map is skipped, one that
//! vanished from a list is an error.

use super::tags;
use super::{MAX_DEPTH, Progress};
use solvm_vm::{Call, Error, LuaString, Table, Type, Userdata, Value};
use std::cmp::Ordering;

/// Items between two checks of the budget.
const ITEMS_PER_CHECK: usize = 64;
/// Units charged for an item in addition to its bytes.
const UNITS_PER_ITEM: usize = 4;

/// The memory for shorter strings is only checked with the budget.
const LONG_STRING: usize = 4096;

/// Fails if the memory limit does not allow that many more bytes twice: in the output, which is
/// outside the heap, and in the resulting string.
fn check_room<W: Writer>(call: &mut Call, writer: &W, more: usize) -> Result<(), Error> {
    call.check_memory(writer.written().saturating_add(more).saturating_mul(2))
}

/// A key of a map.
#[derive(Clone, Copy)]
pub enum Key<'c> {
    /// Any bytes.
    String(&'c [u8]),
    /// A number.
    Number(f64),
    /// A boolean.
    Boolean(bool),
}

/// Why a format cannot write a value.
pub type EncodeResult = Result<(), &'static str>;

/// A writer for a format.
pub trait Writer {
    /// Whether maps may have keys that are not strings. Otherwise only tagged maps may have numeric
    /// keys; an untagged one is probably a damaged list.
    const ANY_KEY: bool;
    /// Whether [`Writer::begin_list`] needs to know if all items are maps.
    const ASKS_FOR_MAPS: bool = false;

    /// Nil, or `json.null`.
    fn null(&mut self) -> EncodeResult;
    /// A boolean.
    fn boolean(&mut self, value: bool) -> EncodeResult;
    /// A number.
    fn number(&mut self, value: f64) -> EncodeResult;
    /// A string: any bytes.
    fn string(&mut self, bytes: &[u8]) -> EncodeResult;
    /// A userdata that is not `json.null`.
    fn object(&mut self, _object: Userdata<'_>) -> EncodeResult {
        Err("cannot encode a userdata")
    }

    /// Starts a list of `length` items. If requested, `only_maps` says that it is not empty and all
    /// items are maps.
    fn begin_list(&mut self, length: usize, only_maps: bool) -> EncodeResult;
    /// Starts the next item of the list.
    fn item(&mut self);
    /// Ends a list.
    fn end_list(&mut self);
    /// Starts a map of `length` fields.
    fn begin_map(&mut self, length: usize) -> EncodeResult;
    /// Writes a key, whose value follows.
    fn key(&mut self, key: Key<'_>) -> EncodeResult;
    /// Ends a map.
    fn end_map(&mut self);
    /// Returns the number of bytes written.
    fn written(&self) -> usize;
    /// Estimates the number of bytes for a string.
    fn size_of_string(&self, bytes: &[u8]) -> usize {
        bytes.len()
    }
}

/// A table that is being walked.
pub struct Open {
    is_map: bool,
    /// The index of the table on the stack; the keys of a map follow.
    start: usize,
    /// The next item: of a list counted from 1, of a map the index after the table.
    next: usize,
    /// The number of items.
    length: usize,
}

/// A walk in progress.
pub struct Walker<'c> {
    stack: Vec<Value<'c>>,
    open: Vec<Open>,
    /// The keys of a map, each after a number that usually determines its order.
    keys: Vec<(u64, Value<'c>)>,
}

/// The shape of a table.
enum Shape {
    List {
        length: usize,
        only_maps: bool,
    },
    /// Its sorted keys are in [`Walker::keys`].
    Map,
}

/// The units for what was written since a writer had `before` bytes.
fn cost<W: Writer>(writer: &W, before: usize) -> usize {
    writer.written().saturating_sub(before) / 8
}

impl<'c> Walker<'c> {
    /// Starts with a value. The error is raised.
    pub fn new<W: Writer>(
        call: &mut Call<'c>,
        value: Value<'c>,
        writer: &mut W,
    ) -> Result<Self, Error> {
        let mut walker = Walker { stack: Vec::new(), open: Vec::new(), keys: Vec::new() };
        let before = writer.written();
        walker.value(call, value, writer)?;
        call.charge(cost(writer, before));
        Ok(walker)
    }

    /// Continues in a later step.
    pub fn resume(call: &mut Call<'c>, open: Vec<Open>) -> Self {
        Walker { stack: call.all_kept().to_vec(), open, keys: Vec::new() }
    }

    /// Returns the state to keep while the native yields.
    pub fn suspend(self) -> (Vec<Open>, Vec<Value<'c>>) {
        (self.open, self.stack)
    }

    /// Walks until the end, or until the budget is used up.
    pub fn walk<W: Writer>(
        &mut self,
        call: &mut Call<'c>,
        writer: &mut W,
    ) -> Result<Progress, Error> {
        loop {
            let before = writer.written();
            for _ in 0..ITEMS_PER_CHECK {
                if self.open.is_empty() {
                    call.charge(cost(writer, before));
                    return Ok(Progress::Finished);
                }
                self.advance(call, writer)?;
            }
            check_room(call, writer, 0)?;
            let units = (ITEMS_PER_CHECK * UNITS_PER_ITEM).saturating_add(cost(writer, before));
            if !call.charge(units) {
                return Ok(Progress::Paused);
            }
        }
    }

    /// Handles the next item of the innermost table.
    fn advance<W: Writer>(&mut self, call: &mut Call<'c>, writer: &mut W) -> Result<(), Error> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let table = self.stack.get(open.start).copied().and_then(Table::from_value);
        let (Some(table), true) = (table, open.next <= open.length) else {
            if open.is_map {
                writer.end_map()
            } else {
                writer.end_list()
            }
            self.stack.truncate(open.start);
            self.open.pop();
            return Ok(());
        };
        let place = open.next;
        open.next = place.saturating_add(1);
        if !open.is_map {
            writer.item();
            return self.value(call, table.get(place), writer);
        }
        let key = self.stack.get(open.start.saturating_add(place)).copied().unwrap_or(Value::NIL);
        let value = table.get(key);
        if value.is_nil() {
            return Ok(());
        }
        let written = match key_of(key) {
            Some(key) => writer.key(key),
            None => Err("cannot encode a key of this type"),
        };
        written.map_err(|reason| self.error(reason))?;
        self.value(call, value, writer)
    }

    /// Writes a value, or starts a table.
    #[inline]
    fn value<W: Writer>(
        &mut self,
        call: &mut Call<'c>,
        value: Value<'c>,
        writer: &mut W,
    ) -> Result<(), Error> {
        let written = match value.kind() {
            Type::Nil if self.open.last().is_some_and(|open| !open.is_map) => {
                Err("cannot encode a list with gaps")
            }
            Type::Nil => writer.null(),
            Type::Boolean => writer.boolean(value.is_truthy()),
            Type::Number => writer.number(value.as_number().unwrap_or_default()),
            Type::String => {
                let bytes = LuaString::from_value(value).map_or(&[][..], LuaString::bytes);
                // Before writing, since the writer may reject it.
                call.charge_for_string(value);
                if bytes.len() >= LONG_STRING {
                    check_room(call, writer, writer.size_of_string(bytes))?;
                }
                writer.string(bytes)
            }
            Type::Table => return self.table(call, value, writer),
            Type::Userdata if tags::is_null(value) => writer.null(),
            Type::Function => Err("cannot encode a function"),
            Type::Thread => Err("cannot encode a coroutine"),
            Type::Userdata => {
                Userdata::from_value(value).map_or(Ok(()), |object| writer.object(object))
            }
        };
        written.map_err(|reason| self.error(reason))
    }

    fn table<W: Writer>(
        &mut self,
        call: &mut Call<'c>,
        value: Value<'c>,
        writer: &mut W,
    ) -> Result<(), Error> {
        let Some(table) = Table::from_value(value) else { return Ok(()) };
        if self.open.len() >= MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let is_cycle =
            |open: &Open| self.stack.get(open.start).is_some_and(|outer| outer.raw_equal(value));
        if self.open.iter().any(is_cycle) {
            return Err(self.error("cannot encode a table that contains itself"));
        }
        // Both the shape and the items are determined.
        call.charge(table.capacity().saturating_mul(2));
        let is_marked = match table.metatable() {
            Some(metatable) => metatable == tags::map_metatable(call)?,
            None => false,
        };
        let start = self.stack.len();
        let shape = self
            .shape::<W>(table, is_marked)
            .map_err(|(key, reason)| self.error_at(key, reason))?;
        let (is_map, length) = match shape {
            Shape::List { length, only_maps } => {
                writer.begin_list(length, only_maps).map_err(|reason| self.error(reason))?;
                self.stack.push(value);
                (false, length)
            }
            Shape::Map => {
                let length = self.keys.len();
                writer.begin_map(length).map_err(|reason| self.error(reason))?;
                self.stack.push(value);
                self.stack.extend(self.keys.drain(..).map(|(_, key)| key));
                (true, length)
            }
        };
        self.open.push(Open { is_map, start, next: 1, length });
        Ok(())
    }

    /// Determines the shape of a table. The error says why it has none, and which key is the
    /// reason, if there is one.
    fn shape<W: Writer>(
        &mut self,
        table: Table<'c>,
        is_marked: bool,
    ) -> Result<Shape, (Option<Value<'c>>, &'static str)> {
        let length = if is_marked { 0 } else { table.length() };
        if length > 0 {
            // A list has no keys except those up to its length.
            let mut count = 0;
            let counted = |key| {
                count = usize::saturating_add(count, 1);
                is_index(key, length)
            };
            if table.pairs().map(|(key, _)| key).all(counted) && count == length {
                let only_maps = W::ASKS_FOR_MAPS && table.pairs().all(|(_, value)| is_map(value));
                return Ok(Shape::List { length, only_maps });
            }
        }
        self.keys.clear();
        self.keys.extend(table.pairs().map(|(key, _)| (rank(key), key)));
        if self.keys.is_empty() && !is_marked {
            return Ok(Shape::List { length: 0, only_maps: false });
        }
        if !W::ANY_KEY && !is_marked && self.keys.iter().any(|(_, key)| key.as_number().is_some()) {
            let has_fraction = |key: &Value<'c>| key.as_number().is_some_and(|x| x.trunc() != x);
            if let Some(key) = self.keys.iter().map(|(_, key)| *key).find(has_fraction) {
                return Err((Some(key), "cannot encode a fractional key"));
            }
            let mixed = self.keys.iter().any(|(_, key)| key.kind() == Type::String);
            let reason = if mixed {
                "cannot encode a table with both list items and fields"
            } else {
                "cannot encode a list with gaps"
            };
            return Err((None, reason));
        }
        self.keys.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(a.1, b.1)));
        Ok(Shape::Map)
    }

    /// Returns the error for a value that cannot be written, with the path to it.
    fn error(&self, reason: &str) -> Error {
        self.error_at(None, reason)
    }

    /// Returns the same error with a path that ends at a key.
    #[cold]
    fn error_at(&self, key: Option<Value<'c>>, reason: &str) -> Error {
        /// The number of steps that are shown at each end of a path.
        const SHOWN: usize = 10;
        let mut path = b"value".to_vec();
        for (depth, open) in self.open.iter().enumerate() {
            if depth >= SHOWN && depth < self.open.len().saturating_sub(SHOWN) {
                if depth == SHOWN {
                    path.extend_from_slice(b"...");
                }
                continue;
            }
            let place = open.next.saturating_sub(1);
            if open.is_map {
                let key =
                    self.stack.get(open.start.saturating_add(place)).copied().unwrap_or(Value::NIL);
                write_step(key, &mut path);
            } else {
                path.extend_from_slice(format!("[{place}]").as_bytes());
            }
        }
        if let Some(key) = key {
            write_step(key, &mut path);
        }
        path.extend_from_slice(b": ");
        path.extend_from_slice(reason.as_bytes());
        Error::text(path)
    }
}

/// Whether a key is an index of a list of this length.
pub(super) fn is_index(key: Value<'_>, length: usize) -> bool {
    key.as_number().is_some_and(|x| x.fract() == 0.0 && x >= 1.0 && x <= length as f64)
}

/// Appends a key to a path.
fn write_step(key: Value<'_>, path: &mut Vec<u8>) {
    /// Longer keys are truncated.
    const SHOWN: usize = 40;
    match key_of(key) {
        Some(Key::String(name)) => {
            let is_name = name.first().is_some_and(|byte| !byte.is_ascii_digit())
                && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let shown = String::from_utf8_lossy(name.get(..SHOWN).unwrap_or(name));
            let step = if is_name { format!(".{shown}") } else { format!("[{shown:?}]") };
            path.extend_from_slice(step.as_bytes());
        }
        Some(Key::Number(x)) => path.extend_from_slice(format!("[{x}]").as_bytes()),
        Some(Key::Boolean(value)) => path.extend_from_slice(format!("[{value}]").as_bytes()),
        None => path.extend_from_slice(format!("[{}]", key.type_name()).as_bytes()),
    }
}

fn key_of(key: Value<'_>) -> Option<Key<'_>> {
    match key.kind() {
        Type::String => LuaString::from_value(key).map(|key| Key::String(key.bytes())),
        Type::Number => key.as_number().map(Key::Number),
        Type::Boolean => Some(Key::Boolean(key.is_truthy())),
        _ => None,
    }
}

/// Whether a value in a list is a table that is written as a map.
fn is_map(value: Value<'_>) -> bool {
    Table::from_value(value).is_some_and(|table| {
        let is_empty = table.pairs().next().is_none();
        if is_empty {
            table.metatable().is_some()
        } else {
            table.get(1).is_nil() || table.metatable().is_some()
        }
    })
}

/// Returns the first bytes of a string as a number; 0 for other keys, which come first. Ranks have
/// the order of the keys.
fn rank(key: Value<'_>) -> u64 {
    let Some(name) = LuaString::from_value(key) else { return 0 };
    let mut first = [0; 8];
    for (to, byte) in first.iter_mut().zip(name.bytes()) {
        *to = *byte;
    }
    u64::from_be_bytes(first)
}

/// Compares keys: booleans, then numbers by value, then strings by bytes.
fn compare(a: Value<'_>, b: Value<'_>) -> Ordering {
    match (LuaString::from_value(a), LuaString::from_value(b)) {
        (Some(a), Some(b)) => a.bytes().cmp(b.bytes()),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => match (a.as_number(), b.as_number()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (None, None) => a.is_truthy().cmp(&b.is_truthy()),
        },
    }
}
