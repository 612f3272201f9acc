//! From a message to values of another VM, a piece at a time.
//!
//! All objects are made first, then filled: so an item finds its object, also in cycles.

use super::{Item, Message, Object};
use crate::standard;
use solvm_vm::native::UpvalueOf;
use solvm_vm::{Call, Error, Function, Table, Value};

/// Items that are written between two looks at the budget.
const ITEMS_PER_CHECK: usize = 256;
/// Units of the budget for an item.
const UNITS_PER_ITEM: usize = 4;
/// The largest number of entries that a table gets room for before it is filled.
const MAX_ROOM: usize = 1 << 16;

/// A message whose values are being made. All values that the native keeps are the objects.
pub(crate) struct Writer {
    message: Message,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Stage {
    /// The object with this number is made next.
    Making(usize),
    /// The entries of that table are set from this one on; pairs follow the list.
    Filling(usize, usize),
    /// The variable with this number gets its value next.
    Variables(usize),
    Done,
}

impl Writer {
    /// Begins. The native keeps nothing then.
    pub(crate) fn new(message: Message) -> Writer {
        Writer { message, stage: Stage::Making(0) }
    }

    /// Continues. True at the end, false if the budget is used up.
    pub(crate) fn write(&mut self, call: &mut Call<'_>) -> Result<bool, Error> {
        loop {
            self.stage = match self.stage {
                Stage::Making(number) if number < self.message.objects.len() => {
                    self.make(call, number)?;
                    Stage::Making(number + 1)
                }
                Stage::Making(_) => Stage::Filling(0, 0),
                Stage::Filling(number, entry) if number < self.message.objects.len() => {
                    match self.fill(call, number, entry)? {
                        Some(next) => Stage::Filling(number, next),
                        None => Stage::Filling(number + 1, 0),
                    }
                }
                Stage::Filling(..) => Stage::Variables(0),
                Stage::Variables(number) => match self.message.variables.get(number) {
                    Some(variable) => {
                        let value = self.value(call, &variable.value)?;
                        let owner = call.kept(variable.owner);
                        if let Some(function) = Function::from_value(owner) {
                            call.set_upvalue_of(function, variable.number, value);
                        }
                        Stage::Variables(number + 1)
                    }
                    None => Stage::Done,
                },
                Stage::Done => return Ok(true),
            };
            if !call.charge(UNITS_PER_ITEM) {
                return Ok(false);
            }
        }
    }

    /// The values, at the end.
    pub(crate) fn values<'c>(&self, call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
        self.message.roots.iter().map(|item| self.value(call, item)).collect()
    }

    fn make<'c>(&self, call: &mut Call<'c>, number: usize) -> Result<(), Error> {
        let Some(object) = self.message.objects.get(number) else { return Ok(()) };
        let value = match object {
            Object::Text(bytes) => {
                call.charge_bytes(bytes.len());
                call.string(bytes)?.value()
            }
            Object::Table { list, pairs } => {
                call.check_memory(
                    list.len().saturating_add(pairs.len()).saturating_mul(size_of::<Value<'_>>()),
                )?;
                call.table(list.len().min(MAX_ROOM), pairs.len().min(MAX_ROOM))?.value()
            }
            Object::Function { code, variables } => {
                let shared: Vec<Option<UpvalueOf<'c>>> =
                    variables.iter().map(|&variable| self.owner(call, variable)).collect();
                call.charge(code.size() / 8);
                call.function_of(code, &shared)?.value()
            }
        };
        call.keep(value);
        Ok(())
    }

    /// The upvalue of the function that has a variable, if that has been made.
    fn owner<'c>(&self, call: &mut Call<'c>, variable: usize) -> Option<UpvalueOf<'c>> {
        let variable = self.message.variables.get(variable)?;
        let function = Function::from_value(call.kept(variable.owner))?;
        Some(UpvalueOf { function, number: variable.number })
    }

    /// Sets some entries of a table. Returns the next one, if there is one.
    fn fill(
        &self,
        call: &mut Call<'_>,
        number: usize,
        entry: usize,
    ) -> Result<Option<usize>, Error> {
        let Some(Object::Table { list, pairs }) = self.message.objects.get(number) else {
            return Ok(None);
        };
        let Some(table) = Table::from_value(call.kept(number)) else {
            return Ok(None);
        };
        let end = entry + ITEMS_PER_CHECK;
        for index in entry..end {
            let (key, value) = match list.get(index) {
                Some(item) => {
                    let value = self.value(call, item)?;
                    table.set_index(call, index + 1, value)?;
                    continue;
                }
                None => match pairs.get(index - list.len()) {
                    Some((key, value)) => (self.value(call, key)?, self.value(call, value)?),
                    None => return Ok(None),
                },
            };
            table.set(call, key, value)?;
        }
        call.charge(ITEMS_PER_CHECK * UNITS_PER_ITEM);
        Ok(Some(end))
    }

    fn value<'c>(&self, call: &mut Call<'c>, item: &Item) -> Result<Value<'c>, Error> {
        Ok(match item {
            Item::Nil => Value::NIL,
            &Item::Boolean(boolean) => Value::boolean(boolean),
            &Item::Number(number) => Value::number(number),
            Item::Text(bytes) => call.string(bytes)?.value(),
            &Item::Object(number) => call.kept(number),
            Item::Native(definition) => standard::native(call, definition)?,
            Item::Standard(name) => standard::value(call, name)?,
            Item::Globals => call.globals().value(),
        })
    }
}
