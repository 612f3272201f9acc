//! Assignments: targets are evaluated left to right, then the values, then the stores happen right
//! to left.

use super::Generator;
use super::call::Key;
use crate::ast::{Expression, ExpressionKind, LocalId, Suffix, SuffixKind};
use crate::bytecode::{Instruction, Opcode};
use crate::diagnostic::Span;
use crate::error::Fault;
use crate::lexer::token::Name;

/// Where a value goes.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Local(LocalId),
    Upvalue(u8),
    Global(Name),
    Indexed { table: u8, key: Key, span: Span },
}

impl<'c> Generator<'c> {
    #[inline(never)]
    pub(super) fn assign(
        &mut self,
        targets: &'c [Expression<'c>],
        values: &'c [Expression<'c>],
    ) -> Result<(), Fault> {
        let mark = self.state.free;
        let mut places = Vec::with_capacity(targets.len());
        for (index, target) in targets.iter().enumerate() {
            let later = targets.get(index + 1..).unwrap_or_default();
            let place = self.target(target)?;
            places.push(self.guard(place, later)?);
        }
        let direct =
            if values.len() == targets.len() { places.pop().zip(values.last()) } else { None };
        let first = if let Some((place, value)) = direct {
            let before = values.get(..values.len() - 1).unwrap_or_default();
            let first = self.adjusted(before, before.len())?;
            self.store_expression(place, value)?;
            first
        } else {
            self.adjusted(values, targets.len())?
        };
        for (index, place) in places.iter().enumerate().rev() {
            self.store(*place, first + index as u8)?;
        }
        self.state.free = mark;
        Ok(())
    }

    /// Evaluates what a target needs. Temporaries stay reserved.
    #[inline(never)]
    pub(super) fn target(&mut self, target: &'c Expression<'c>) -> Result<Target, Fault> {
        match &target.kind {
            ExpressionKind::Upvalue(index) => Ok(Target::Upvalue(*index)),
            ExpressionKind::Global(name) => Ok(Target::Global(*name)),
            ExpressionKind::Local(id) => Ok(Target::Local(*id)),
            ExpressionKind::Suffixed(suffixed)
                if let Some((Suffix { kind: SuffixKind::Index(key), position }, before)) =
                    suffixed.suffixes.split_last() =>
            {
                let table = self.prefix(&suffixed.base, before)?;
                let key = self.index_key(key, *position)?;
                Ok(Target::Indexed { table, key, span: position.span })
            }
            // The parser accepts nothing else here.
            _ => Err(self.error("syntax error")),
        }
    }

    /// Copies the table and the key of a target if they are locals that a later target, stored
    /// before it, changes.
    fn guard(&mut self, place: Target, later: &[Expression]) -> Result<Target, Fault> {
        let Target::Indexed { table, key, span } = place else { return Ok(place) };
        let table = self.guarded(table, later)?;
        let key = match key {
            Key::Register(register) => Key::Register(self.guarded(register, later)?),
            key => key,
        };
        Ok(Target::Indexed { table, key, span })
    }

    fn guarded(&mut self, register: u8, later: &[Expression]) -> Result<u8, Fault> {
        let is_changed = later.iter().any(|target| match target.kind {
            ExpressionKind::Local(id) => self.local_register(id) == register,
            _ => false,
        });
        if !is_changed {
            return Ok(register);
        }
        let copy = self.reserve(1)?;
        self.move_register(copy, register);
        Ok(copy)
    }

    /// Evaluates and stores. To a local it goes directly.
    #[inline(never)]
    pub(super) fn store_expression(
        &mut self,
        target: Target,
        value: &'c Expression<'c>,
    ) -> Result<(), Fault> {
        let mark = self.state.free;
        let is_direct = match (target, &value.unparenthesized().kind) {
            (Target::Local(id), ExpressionKind::And(_) | ExpressionKind::Or(_)) => {
                Self::may_overwrite(value, id)
            }
            (Target::Local(_), _) => true,
            _ => false,
        };
        if let (Target::Local(id), true) = (target, is_direct) {
            let register = self.local_register(id);
            self.evaluate(value, register)?;
        } else {
            let register = self.evaluate_any(value)?;
            self.state.position = value.position;
            self.store(target, register)?;
        }
        self.state.free = mark;
        Ok(())
    }

    pub(super) fn store(&mut self, target: Target, value: u8) -> Result<(), Fault> {
        match target {
            Target::Local(id) => {
                let register = self.local_register(id);
                self.move_register(register, value);
            }
            Target::Upvalue(index) => {
                self.emit(Instruction::ad(Opcode::SetUpvalue, value, u16::from(index)));
            }
            Target::Global(name) => self.store_global(name, value)?,
            Target::Indexed { table, key, span } => {
                self.state.position.span = span;
                self.set(value, table, key);
            }
        }
        Ok(())
    }

    fn store_global(&mut self, name: Name, value: u8) -> Result<(), Fault> {
        let name = self.name(name);
        let index = self.state.constants.field(&name);
        if let Ok(index) = u16::try_from(index) {
            self.emit(Instruction::ad(Opcode::SetGlobal, value, index));
            return Ok(());
        }
        let mark = self.state.free;
        let environment = self.reserve(1)?;
        let key = self.reserve(1)?;
        self.emit(Instruction::ad(Opcode::GetEnvironment, environment, 0));
        self.load_constant(key, index);
        self.emit(Instruction::abc(Opcode::SetIndex, value, environment, key));
        self.state.free = mark;
        Ok(())
    }
}
