//! What a register will probably hold when an instruction runs: what gave it its value is tried on
//! the objects as they are now.

use super::{FieldPlace, Method, Node, Region};
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::{Sample, Seen, Table};

/// How many values are followed back.
const MAX_DEPTH: usize = 20;

/// Guesses values in a region.
pub(super) struct Guess<'s, 'v> {
    pub(super) sample: &'s Sample<'v>,
}

impl<'v> Guess<'_, 'v> {
    /// The value of a register before an instruction of a frame of the region.
    pub(super) fn register(
        &self,
        region: &Region<'v>,
        frame: usize,
        at: usize,
        register: u8,
    ) -> Option<Seen<'v>> {
        self.search(region, frame, at, register, 0)
    }

    fn search(
        &self,
        region: &Region<'v>,
        frame: usize,
        at: usize,
        register: u8,
        depth: usize,
    ) -> Option<Seen<'v>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let this = &region.frames[frame];
        let start = if frame == 0 { region.header } else { 0 };
        for definition in (start..at).rev() {
            let word = this.code.word(definition)?;
            let previous = definition.checked_sub(1).and_then(|at| this.code.word(at));
            let is_data =
                previous.and_then(|word| word.opcode()).is_some_and(Opcode::has_data_word);
            let registers = word.registers();
            if is_data || !registers.written.contains(register) {
                continue;
            }
            let deeper = |from: u8| self.search(region, frame, definition, from, depth + 1);
            return match word.opcode()? {
                Opcode::GetGlobal => {
                    let key = this.code.constant(word.d().into())?;
                    Some(this.function.environment()?.get(key))
                }
                Opcode::GetUpvalue => Some(this.function.upvalue(word.d().into())?.value()),
                Opcode::Move => deeper(word.d() as u8),
                Opcode::LoadConstant => this.code.constant(word.d().into()),
                Opcode::GetField => {
                    self.field(deeper(word.b())?, this.code.constant(word.c().into())?)
                }
                Opcode::SelfField if register == word.a() => {
                    self.field(deeper(word.b())?, this.code.constant(word.c().into())?)
                }
                Opcode::SelfField => deeper(word.b()),
                Opcode::GetIndex => {
                    // An element like the first one.
                    Some(deeper(word.b())?.as_table()?.element(1))
                }
                // What the last round has left there.
                _ if frame == 0 => region.running.register(usize::from(register)),
                _ => None,
            };
        }
        match this.caller {
            None => region.running.register(usize::from(register)),
            Some((caller, call)) => {
                let slot = this.first_slot + usize::from(register);
                let register = u8::try_from(slot - region.frames[caller].first_slot).ok()?;
                self.search(region, caller, region.nodes[call].at, register, depth + 1)
            }
        }
    }

    /// A field of an object, its own or one that its metatable leads to.
    fn field(&self, object: Seen<'v>, key: Seen<'v>) -> Option<Seen<'v>> {
        let mut table = match object.as_table() {
            Some(table) => table,
            None if object.is_string() => self.index_of(self.sample.string_metatable()?)?,
            None => return None,
        };
        for _ in 0..MAX_DEPTH {
            let value = table.get(key);
            if !value.is_nil() {
                return Some(value);
            }
            table = self.index_of(table.metatable()?)?;
        }
        None
    }

    /// The table that a metatable's `__index` is.
    fn index_of(&self, metatable: Table<'v>) -> Option<Table<'v>> {
        metatable.get(self.sample.index_key().0).as_table()
    }

    /// Where the field that a node reads or writes is.
    pub(super) fn field_place(&self, region: &Region<'v>, node: &Node<'v>) -> Option<FieldPlace> {
        let object = self.register(region, node.frame, node.at, node.word.b())?.as_table()?;
        let code = &region.frames[node.frame].code;
        let index = usize::from(node.word.c());
        let offset = object.field(code.constant(index)?, code.constant(index + 1)?)?;
        Some(FieldPlace { shift: object.shift(), offset })
    }

    /// How the method that a node reads is found, if the object's metatable leads to it.
    pub(super) fn method(&self, region: &Region<'v>, node: &Node<'v>) -> Option<Method<'v>> {
        let object = self.register(region, node.frame, node.at, node.word.b())?.as_table()?;
        let code = &region.frames[node.frame].code;
        let index = usize::from(node.word.c());
        let (key, hash) = (code.constant(index)?, code.constant(index + 1)?);
        if object.field(key, hash).is_some() {
            return None;
        }
        let metatable = object.metatable()?;
        let (index_name, index_hash) = self.sample.index_key();
        let index = metatable.field(index_name, index_hash)?;
        let methods = metatable.get(index_name).as_table()?;
        let method = methods.field(key, hash).filter(|_| !methods.get(key).is_nil())?;
        Some(Method { index_name, metatable, index, methods, method })
    }
}
