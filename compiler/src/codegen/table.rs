//! Table constructors. The statically known part of a table goes into a template, which the VM
//! copies; computed values are stored afterwards, in the order of the source.

use super::call::Key;
use super::fold::{self, Literal};
use super::{Generator, MAX_INDEXED};
use crate::ast::{Expression, Table, TableItem};
use crate::bytecode::{Instruction, Opcode, TableTemplate, TemplateValue};
use crate::diagnostic::Position;
use crate::error::Fault;
use std::collections::HashSet;
use std::sync::Arc;

/// The number of keys for which a constructor makes room at most: a hash part has no more.
const MAX_SIZE_HINT: usize = 1 << 26;

/// The number of values that are collected in registers before they are stored together.
const BATCH: usize = 50;
/// `SetList` with this count stores all values up to the top.
const UP_TO_TOP: u16 = u16::MAX;

/// Values in the registers after the table's, to be stored under consecutive keys.
struct Batch {
    table: u8,
    /// The key of the first value.
    first: usize,
    count: usize,
}

impl From<Literal> for TemplateValue {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Nil => TemplateValue::Nil,
            Literal::Boolean(value) => TemplateValue::Boolean(value),
            Literal::Number(value) => TemplateValue::Number(value),
            Literal::String(text) => TemplateValue::String(text),
        }
    }
}

/// A template, and the keys that the constructor names more than once: their values are stored in
/// order, all of them.
struct Plan {
    template: TableTemplate,
    repeated: HashSet<Arc<[u8]>>,
}

impl<'c> Generator<'c> {
    #[inline(never)]
    pub(super) fn table(
        &mut self,
        table: &'c Table<'c>,
        target: u8,
        position: Position,
    ) -> Result<(), Fault> {
        let plan = self.plan(table)?;
        let stores_nothing = table.items.iter().all(|item| !self.is_stored(item, plan.as_ref()));
        let mark = self.state.free;
        let register = if stores_nothing { target } else { self.reserve(1)? };
        self.state.position.line = table.line;
        let plan = self.new_table(register, table, plan);
        if stores_nothing {
            return Ok(());
        }
        let mut batch = Batch { table: register, first: 1, count: 0 };
        for (index, item) in table.items.iter().enumerate() {
            self.poll()?;
            let is_stored = self.is_stored(item, plan.as_ref());
            match item {
                TableItem::Positional(value)
                    if index + 1 == table.items.len() && value.is_multiple() =>
                {
                    self.multiple_open(value)?;
                    self.set_list(&batch, UP_TO_TOP);
                    batch.count = 0;
                }
                TableItem::Positional(value) if is_stored => {
                    self.evaluate_next(value)?;
                    batch.count += 1;
                    if batch.count == BATCH {
                        self.flush(&mut batch);
                    }
                }
                TableItem::Positional(_) => {
                    self.flush(&mut batch);
                    batch.first += 1;
                }
                TableItem::Field(..) | TableItem::Keyed(..) if is_stored => {
                    self.keyed_item(register, item)?
                }
                TableItem::Field(..) | TableItem::Keyed(..) => {}
            }
        }
        self.state.position = position;
        self.flush(&mut batch);
        self.state.free = mark;
        self.move_register(target, register);
        Ok(())
    }

    /// The string that an item has as its key.
    fn string_key_of(&self, item: &TableItem) -> Option<Arc<[u8]>> {
        match item {
            TableItem::Field(name, _) => Some(self.name(*name)),
            TableItem::Keyed(key, _) => match fold::literal(key)? {
                Literal::String(text) => Some(text),
                _ => None,
            },
            TableItem::Positional(_) => None,
        }
    }

    /// The statically known part of the table. It is empty if a key is not a constant string: such
    /// a key may be equal to any other, and then the order of the stores matters.
    #[inline(never)]
    fn plan(&mut self, table: &Table) -> Result<Option<Plan>, Fault> {
        let mut template = Vec::new();
        let mut keys = HashSet::new();
        let mut repeated = HashSet::new();
        let mut array = Vec::new();
        for (index, item) in table.items.iter().enumerate() {
            self.poll()?;
            let value = match item {
                TableItem::Positional(value)
                    if index + 1 == table.items.len() && value.is_multiple() =>
                {
                    continue;
                }
                TableItem::Positional(value)
                | TableItem::Field(_, value)
                | TableItem::Keyed(_, value) => value,
            };
            let value = fold::literal(value).map_or(TemplateValue::Nil, TemplateValue::from);
            if matches!(item, TableItem::Positional(_)) {
                array.push(value);
                continue;
            }
            let Some(key) = self.string_key_of(item) else { return Ok(None) };
            if keys.insert(key.clone()) {
                template.push((key, value));
            } else {
                repeated.insert(key);
            }
        }
        for (key, value) in &mut template {
            if repeated.contains(key) {
                *value = TemplateValue::Nil;
            }
        }
        let is_literal = |item: &TableItem| match item {
            TableItem::Positional(value) => fold::literal(value).is_some(),
            _ => false,
        };
        let is_useful = !template.is_empty() || table.items.iter().any(is_literal);
        let fits = self.state.templates.len() < MAX_INDEXED;
        let template = TableTemplate { array: array.into(), fields: template.into() };
        Ok((is_useful && fits).then_some(Plan { template, repeated }))
    }

    /// Whether an instruction has to store the item: it is not in the template.
    fn is_stored(&self, item: &TableItem, plan: Option<&Plan>) -> bool {
        let Some(plan) = plan else { return true };
        let value = match item {
            TableItem::Positional(value)
            | TableItem::Field(_, value)
            | TableItem::Keyed(_, value) => value,
        };
        let is_repeated = self.string_key_of(item).is_some_and(|key| plan.repeated.contains(&key));
        is_repeated || fold::literal(value).is_none()
    }

    /// Creates the table. The template goes to the function, what else was planned is given back.
    #[inline(never)]
    fn new_table(&mut self, register: u8, table: &Table, plan: Option<Plan>) -> Option<Plan> {
        match plan {
            Some(plan) => {
                let index = self.state.templates.len() as u16;
                self.emit(Instruction::ad(Opcode::DuplicateTable, register, index));
                self.state.templates.push(plan.template);
                Some(Plan { template: TableTemplate::default(), ..plan })
            }
            None => {
                let positional = table
                    .items
                    .iter()
                    .filter(|item| matches!(item, TableItem::Positional(_)))
                    .count();
                let array_size = u8::try_from(positional).unwrap_or(u8::MAX);
                let others = table.items.len() - positional;
                let others_size = if others == 0 {
                    0
                } else {
                    others.min(MAX_SIZE_HINT).next_power_of_two().trailing_zeros() as u8 + 1
                };
                self.emit(Instruction::abc(Opcode::NewTable, register, array_size, others_size));
                None
            }
        }
    }

    #[inline(never)]
    fn keyed_item(&mut self, table: u8, item: &'c TableItem<'c>) -> Result<(), Fault> {
        let mark = self.state.free;
        let (key, value, culprit): (_, &'c Expression<'c>, &Expression<'_>) = match item {
            TableItem::Field(name, value) => (self.field_key(*name)?, value, value),
            TableItem::Keyed(key, value) => (self.key(key)?, value, key),
            TableItem::Positional(_) => return Ok(()),
        };
        let register = self.evaluate_any(value)?;
        // A key that is nil or not a number is the only error.
        let span = culprit.position.span;
        self.state.position = Position { line: value.position.line, span };
        self.set(register, table, key);
        self.state.free = mark;
        Ok(())
    }

    /// Stores the batch and starts the next.
    fn flush(&mut self, batch: &mut Batch) {
        match (batch.count, u8::try_from(batch.first)) {
            (0, _) => return,
            (1, Ok(first)) => self.set(batch.table + 1, batch.table, Key::Integer(first)),
            (count, _) => self.set_list(batch, count as u16),
        }
        batch.first += batch.count;
        batch.count = 0;
        self.state.free = usize::from(batch.table) + 1;
    }

    fn set_list(&mut self, batch: &Batch, count: u16) {
        self.emit(Instruction::ad(Opcode::SetList, batch.table, count));
        self.emit(Instruction(batch.first as u32));
    }
}
