//! From values to a message. A reader looks at a piece at a time, so that time limits interrupt it.
//!
//! While it reads, the native keeps the objects that it has found: an address stays the identity
//! of one object.

use super::{Item, Message, Object, Variable};
use crate::standard;
use solvm_vm::native::VariableId;
use solvm_vm::{Call, Error, Function, Held, LuaString, Table, Type, Value};
use std::collections::HashMap;

/// Longer strings are objects, which are sent once.
const SHORT: usize = 32;
/// Items that are read between two looks at the budget.
const ITEMS_PER_CHECK: usize = 256;
/// Units of the budget for an item.
const UNITS_PER_ITEM: usize = 4;
/// The bytes that are held ahead of what has been read.
const AHEAD: usize = 16 << 10;
/// What the lists of a table take beyond its entries: each has room for four at first.
const SMALL_TABLE: usize = 8 * size_of::<Item>();
/// The parts of a path that an error shows.
const MAX_PATH: usize = 8;

/// Where an object was found first.
#[derive(Clone)]
struct Origin {
    /// The object that it is a part of; None for a value of the message.
    parent: Option<usize>,
    /// Its place there: `.name`, `[1]`, `upvalue 'x'`.
    place: Box<str>,
}

/// A message that is being read. All values that the native keeps belong to it: the key that was
/// read last, then the objects.
pub(crate) struct Reader {
    roots: Vec<Item>,
    objects: Vec<Object>,
    variables: Vec<Variable>,
    origins: Vec<Origin>,
    /// The objects by address.
    seen: HashMap<usize, usize>,
    known: HashMap<VariableId, usize>,
    /// The object that is read.
    at: usize,
    held: Held,
    size: usize,
}

impl Reader {
    /// Begins with these values, during a step of a native that keeps nothing. `what` names a value
    /// in errors, given its index.
    pub(crate) fn new<'c>(
        call: &mut Call<'c>,
        values: &[Value<'c>],
        what: impl Fn(usize) -> String,
    ) -> Result<Reader, Error> {
        let mut reader = Reader {
            roots: Vec::new(),
            objects: Vec::new(),
            variables: Vec::new(),
            origins: Vec::new(),
            seen: HashMap::new(),
            known: HashMap::new(),
            at: 0,
            held: call.account().hold_nothing(),
            size: 0,
        };
        standard::note_libraries(call)?;
        call.keep(Value::NIL);
        for (index, &value) in values.iter().enumerate() {
            let item =
                reader.item(call, value, || Origin { parent: None, place: what(index).into() })?;
            reader.roots.push(item);
        }
        Ok(reader)
    }

    /// Continues. True if everything has been read, false if the budget is used up.
    pub(crate) fn read(&mut self, call: &mut Call<'_>) -> Result<bool, Error> {
        while self.at < self.objects.len() {
            let value = call.kept(1 + self.at);
            let is_read = match Table::from_value(value) {
                Some(table) => self.some_pairs(call, table)?,
                None => {
                    if let Some(function) = Function::from_value(value) {
                        self.upvalues(call, function)?;
                    }
                    true
                }
            };
            if is_read {
                self.at += 1;
                call.set_kept(0, Value::NIL);
            }
            if !call.charge(1) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The message, when everything has been read.
    pub(crate) fn finish(self) -> Message {
        Message {
            roots: self.roots,
            objects: self.objects,
            variables: self.variables,
            _held: self.held,
        }
    }

    /// Reads some entries of the table that is the current object. True at its end.
    fn some_pairs<'c>(&mut self, call: &mut Call<'c>, table: Table<'c>) -> Result<bool, Error> {
        let mut key = call.kept(0);
        for _ in 0..ITEMS_PER_CHECK {
            let Some((next, value)) = table.next(call, key)? else { return Ok(true) };
            key = next;
            let parent = Some(self.at);
            let place = || Origin { parent, place: place_of(next).into() };
            let value_item = self.item(call, value, place)?;
            let next_in_list = match self.objects.get(self.at) {
                Some(Object::Table { list, .. }) => list.len() as f64 + 1.0,
                _ => return Ok(true),
            };
            let key_item = match next.as_number() {
                Some(number) if number == next_in_list => None,
                _ => Some(self.item(call, next, || Origin { parent, place: "[a key]".into() })?),
            };
            if let Some(Object::Table { list, pairs }) = self.objects.get_mut(self.at) {
                match key_item {
                    None => list.push(value_item),
                    Some(key) => pairs.push((key, value_item)),
                }
            }
            // Lists have room for up to twice as many.
            self.hold(4 * size_of::<Item>())?;
        }
        call.charge(ITEMS_PER_CHECK * UNITS_PER_ITEM);
        call.set_kept(0, key);
        Ok(false)
    }

    /// Reads the upvalues of the function that is the current object.
    fn upvalues<'c>(&mut self, call: &mut Call<'c>, function: Function<'c>) -> Result<(), Error> {
        let mut captured = Vec::new();
        for (index, id) in call.variables(function).into_iter().enumerate() {
            let number = index + 1;
            let variable = match self.known.get(&id) {
                Some(&variable) => variable,
                None => {
                    let upvalue = call.upvalue_of(function, number);
                    let (name, value) = upvalue.unwrap_or((Vec::new(), Value::NIL));
                    let parent = Some(self.at);
                    let value = self.item(call, value, || Origin {
                        parent,
                        place: format!("upvalue '{}'", String::from_utf8_lossy(&name)).into(),
                    })?;
                    self.variables.push(Variable { value, owner: self.at, number });
                    self.hold(size_of::<Variable>())?;
                    self.known.insert(id, self.variables.len() - 1);
                    self.variables.len() - 1
                }
            };
            captured.push(variable);
        }
        call.charge(captured.len() * UNITS_PER_ITEM);
        if let Some(Object::Function { variables, .. }) = self.objects.get_mut(self.at) {
            *variables = captured;
        }
        Ok(())
    }

    /// A value. Objects are read later.
    fn item<'c>(
        &mut self,
        call: &mut Call<'c>,
        value: Value<'c>,
        origin: impl FnOnce() -> Origin,
    ) -> Result<Item, Error> {
        Ok(match value.kind() {
            Type::Nil => Item::Nil,
            Type::Boolean => Item::Boolean(value.is_truthy()),
            Type::Number => Item::Number(value.as_number().unwrap_or_default()),
            Type::String => {
                let Some(text) = LuaString::from_value(value) else { return Ok(Item::Nil) };
                if text.bytes().len() <= SHORT {
                    self.hold(text.bytes().len())?;
                    return Ok(Item::Text(text.bytes().into()));
                }
                self.object(call, value, origin)?
            }
            Type::Table => match call.globals().value().raw_equal(value) {
                true => Item::Globals,
                false => match standard::name(call, value)? {
                    Some(name) => Item::Standard(name),
                    None => self.object(call, value, origin)?,
                },
            },
            Type::Function => {
                let native = Function::from_value(value).filter(|function| !function.is_lua());
                match native {
                    None => self.object(call, value, origin)?,
                    Some(function) => match call.definition(function) {
                        Some(definition) => Item::Native(definition),
                        None => match standard::name(call, value)? {
                            Some(name) => Item::Standard(name),
                            None => return Err(self.refused(value, &origin())),
                        },
                    },
                }
            }
            _ => return Err(self.refused(value, &origin())),
        })
    }

    /// An object, a new one or one that has been found before.
    fn object<'c>(
        &mut self,
        call: &mut Call<'c>,
        value: Value<'c>,
        origin: impl FnOnce() -> Origin,
    ) -> Result<Item, Error> {
        if let Some(&known) = self.seen.get(&value.address()) {
            return Ok(Item::Object(known));
        }
        let (object, size) = match (LuaString::from_value(value), Function::from_value(value)) {
            (Some(text), _) => {
                call.charge_for_string(value);
                // Before it is copied.
                self.hold(text.bytes().len())?;
                (Object::Text(text.bytes().into()), 0)
            }
            (None, Some(function)) => match call.shared_code(function) {
                Some(code) => (Object::Function { code, variables: Vec::new() }, 64),
                None => return Err(self.refused(value, &origin())),
            },
            (None, None) => (Object::Table { list: Vec::new(), pairs: Vec::new() }, SMALL_TABLE),
        };
        // Also of the tables here.
        self.hold(size + size_of::<Object>() + 2 * size_of::<Origin>() + 48)?;
        call.keep(value);
        let number = self.objects.len();
        self.objects.push(object);
        self.origins.push(origin());
        self.seen.insert(value.address(), number);
        Ok(Item::Object(number))
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Error> {
        self.size += bytes;
        if self.size > self.held.bytes() {
            self.held.grow_to(self.size + AHEAD.min(self.size))?;
        }
        Ok(())
    }

    fn refused(&self, value: Value<'_>, origin: &Origin) -> Error {
        let mut parts = vec![origin.place.clone()];
        let mut parent = origin.parent;
        while let Some(above) = parent.and_then(|index| self.origins.get(index)) {
            parts.push(above.place.clone());
            parent = above.parent;
        }
        let is_cut = parts.len() > MAX_PATH;
        let shown: Vec<&str> = match parts.split_last() {
            Some((root, _)) if is_cut => {
                let last = parts.iter().take(MAX_PATH - 1).rev();
                [&**root, "..."].into_iter().chain(last.map(|part| &**part)).collect()
            }
            _ => parts.iter().rev().map(|part| &**part).collect(),
        };
        let mut path = String::new();
        for part in shown {
            let is_joined = part.starts_with('[') || part.starts_with('.');
            if !path.is_empty() && !is_joined {
                path.push_str(", ");
            }
            path.push_str(part);
        }
        let kind = match value.kind() {
            Type::Function => "a native function that belongs to this program",
            Type::Thread => "a coroutine",
            _ => "a userdata",
        };
        Error::text(format!("cannot send {path}: it is {kind}"))
    }
}

/// A key as the end of a path. Long ones are cut.
fn place_of(key: Value<'_>) -> String {
    const LONGEST: usize = 40;
    match (LuaString::from_value(key), key.as_number(), key.as_boolean()) {
        (Some(name), ..) => {
            let bytes = name.bytes();
            let shown = String::from_utf8_lossy(bytes.get(..LONGEST).unwrap_or(bytes)).into_owned();
            let is_name = |(index, byte): (usize, u8)| {
                byte == b'_' || byte.is_ascii_alphabetic() || index > 0 && byte.is_ascii_digit()
            };
            match !shown.is_empty() && shown.bytes().enumerate().all(is_name) {
                true => format!(".{shown}"),
                false => format!("[{shown:?}]"),
            }
        }
        (None, Some(number), _) => format!("[{number}]"),
        (None, None, Some(boolean)) => format!("[{boolean}]"),
        _ => format!("[a {}]", key.type_name()),
    }
}
