//! What a register will probably hold when an instruction runs: what gave it its value is tried on
//! the objects as they are now. Of the elements of a list there may be several kinds.

use super::{FieldPlace, Inherited, Level, Node, Region};
use solvm_compiler::bytecode::{Flow, Instruction, Opcode};
use solvm_vm::Metamethod;
use solvm_vm::unit::{Code, Receiver, Sample, Seen, Table};
use std::cell::Cell;

/// How many values are followed back.
const MAX_DEPTH: usize = 20;
/// How many instructions are looked at in one search: both operands of an operation are followed.
const MAX_STEPS: usize = 100;
/// How many elements of a list are looked at.
const MAX_ELEMENTS: i64 = 16;
/// The maximum number of tables that an object's metatable leads to.
const MAX_LEVELS: usize = 4;

/// The event of an instruction, and what receives a metamethod's result.
pub(super) fn event(opcode: Opcode) -> Option<(Metamethod, Receiver)> {
    use Opcode::*;
    let event = match opcode {
        AddVV | AddVK | AddKV => Metamethod::Add,
        SubtractVV | SubtractVK | SubtractKV => Metamethod::Subtract,
        MultiplyVV | MultiplyVK | MultiplyKV => Metamethod::Multiply,
        DivideVV | DivideVK | DivideKV => Metamethod::Divide,
        ModuloVV | ModuloVK => Metamethod::Modulo,
        PowerVV | PowerVK => Metamethod::Power,
        Negate => Metamethod::Negate,
        GetField | GetIndex | GetInteger => Metamethod::Index,
        LessVV | NotLessVV => return Some((Metamethod::Less, Receiver::Condition)),
        LessEqualVV | NotLessEqualVV => return Some((Metamethod::LessEqual, Receiver::Condition)),
        EqualVV | NotEqualVV => return Some((Metamethod::Equal, Receiver::Condition)),
        _ => return None,
    };
    Some((event, Receiver::Result))
}

/// What a function returns.
enum Returned {
    /// One of its parameters.
    Parameter(usize),
    /// A new table, or what a call returns.
    Made,
}

/// What a function's first return gives, if that is known.
fn returned(code: Code) -> Option<Returned> {
    let prototype = code.prototype();
    let is_end = |word: &Instruction| {
        word.opcode().is_some_and(|opcode| matches!(opcode.flow(), Flow::Return | Flow::TailCall))
    };
    let end = prototype.code.iter().position(is_end)?;
    let word = prototype.code[end];
    if !matches!(word.opcode()?, Opcode::Return1 | Opcode::Return) {
        return Some(Returned::Made).filter(|_| word.opcode() != Some(Opcode::Return0));
    }
    let register = word.a();
    let mut before = prototype.code[..end].iter();
    match before.rfind(|word| word.registers().written.contains(register)) {
        None => Some(Returned::Parameter(register.into())),
        Some(definition) => {
            let opcode = definition.opcode()?;
            let is_made =
                opcode.is_call() || matches!(opcode, Opcode::NewTable | Opcode::DuplicateTable);
            is_made.then_some(Returned::Made)
        }
    }
}

/// Whether the operands B and C of an arithmetic instruction are registers.
fn operands(opcode: Opcode) -> [bool; 2] {
    use Opcode::*;
    match opcode {
        AddVV | SubtractVV | MultiplyVV | DivideVV | ModuloVV | PowerVV => [true, true],
        AddVK | SubtractVK | MultiplyVK | DivideVK | ModuloVK | PowerVK => [true, false],
        AddKV | SubtractKV | MultiplyKV | DivideKV => [false, true],
        _ => [false, false],
    }
}

/// Guesses values in a region.
pub(super) struct Guess<'s, 'v> {
    pub(super) sample: &'s Sample<'v>,
    /// The maximum number of kinds.
    kinds: usize,
    /// How many instructions the current search may still look at.
    steps: Cell<usize>,
}

/// The values that a register may hold.
type Values<'v> = Vec<Seen<'v>>;

impl<'s, 'v> Guess<'s, 'v> {
    pub(super) fn new(sample: &'s Sample<'v>, kinds: usize) -> Self {
        Guess { sample, kinds, steps: Cell::new(0) }
    }

    /// The value of a register before a node.
    pub(super) fn register(
        &self,
        region: &Region<'v>,
        node: &Node<'v>,
        register: u8,
    ) -> Option<Seen<'v>> {
        self.registers(region, node, register).first().copied()
    }

    /// The values of several kinds that a register may have before a node.
    pub(super) fn registers(
        &self,
        region: &Region<'v>,
        node: &Node<'v>,
        register: u8,
    ) -> Values<'v> {
        self.steps.set(MAX_STEPS);
        self.search(region, node.frame, node.at, register, 0).unwrap_or_default()
    }

    fn search(
        &self,
        region: &Region<'v>,
        frame: usize,
        at: usize,
        register: u8,
        depth: usize,
    ) -> Option<Values<'v>> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.steps.set(self.steps.get().checked_sub(1)?);
        let this = &region.frames[frame];
        if let Some(definition) = this.definition(at, register) {
            let word = this.code.word(definition)?;
            let deeper = |from: u8| self.search(region, frame, definition, from, depth + 1);
            let fields = |from: u8, key: u8| {
                let key = this.code.constant(key.into())?;
                let objects = deeper(from)?.into_iter();
                Some(self.kinds(objects.filter_map(|object| self.field(object, key))))
            };
            return match word.opcode()? {
                Opcode::GetGlobal => {
                    let key = this.code.constant(word.d().into())?;
                    Some(vec![this.function.environment()?.get(key)])
                }
                Opcode::GetUpvalue => Some(vec![this.function.upvalue(word.d().into())?.value()]),
                Opcode::Move => deeper(word.d() as u8),
                Opcode::LoadConstant => Some(vec![this.code.constant(word.d().into())?]),
                Opcode::GetField => fields(word.b(), word.c()),
                Opcode::SelfField if register == word.a() => fields(word.b(), word.c()),
                Opcode::SelfField => deeper(word.b()),
                Opcode::GetIndex => Some(self.elements(*deeper(word.b())?.first()?)),
                Opcode::ForEachCall if register == word.a() + 1 => {
                    Some(self.elements(*deeper(word.a() - 2)?.first()?))
                }
                opcode if operands(opcode).iter().any(|is_register| *is_register) => {
                    let [left, right] = operands(opcode);
                    let sides = [(left, word.b()), (right, word.c())].map(|(is_register, side)| {
                        match is_register {
                            true => deeper(side).unwrap_or_default(),
                            false => this.code.constant(side.into()).into_iter().collect(),
                        }
                    });
                    // The register may have another value by now: `t[i - 1]` gives it the element.
                    let mut values = sides.iter().flatten().copied();
                    let number = values.find(|side| side.as_number().is_some());
                    self.result(opcode, sides).or_else(|| match (number, frame) {
                        (Some(number), _) => Some(vec![number]),
                        (None, 0) => self.running(region, register),
                        _ => None,
                    })
                }
                // What the last round has left there.
                _ if frame == 0 => self.running(region, register),
                _ => None,
            };
        }
        let Some((caller, call)) = this.caller else { return self.running(region, register) };
        let slot = this.first_slot + usize::from(register);
        let register = u8::try_from(slot - region.frames[caller].first_slot).ok()?;
        self.search(region, caller, region.nodes[call].at, register, depth + 1)
    }

    /// The result of an arithmetic instruction by a metamethod of its operands, if that returns one
    /// of them or what a call gives: that is probably of the object's kind.
    fn result(&self, opcode: Opcode, sides: [Values<'v>; 2]) -> Option<Values<'v>> {
        let key = self.sample.metamethod_key(event(opcode)?.0).0;
        let (object, method) = sides.iter().find_map(|side| {
            let method = side.first()?.as_table()?.metatable()?.get(key).as_function()?;
            Some((side, method))
        })?;
        match returned(method.code())? {
            Returned::Parameter(index) => sides.get(index).cloned(),
            Returned::Made => Some(object.clone()),
        }
    }

    /// What a register of the loop's frame holds now; of the value of a generic `for`, also what
    /// other entries have.
    fn running(&self, region: &Region<'v>, register: u8) -> Option<Values<'v>> {
        let value = region.running.register(usize::from(register))?;
        let is_entry = |word: &Instruction| {
            word.opcode() == Some(Opcode::ForEachCall) && register == word.a() + 1
        };
        let word = region.frames[0].code.word(*region.range.end()).filter(is_entry);
        let list = word.and_then(|word| region.running.register(usize::from(word.a()) - 2));
        let others = list.map(|list| self.elements(list)).unwrap_or_default();
        Some(self.kinds(std::iter::once(value).chain(others)))
    }

    /// The first elements of a list, one of each kind.
    fn elements(&self, list: Seen<'v>) -> Values<'v> {
        let elements = list
            .as_table()
            .into_iter()
            .flat_map(|table| (1..=MAX_ELEMENTS).map(move |index| table.element(index)));
        self.kinds(elements.filter(|element| !element.is_nil()))
    }

    /// One value of each kind: tables of one class, and functions of one code, differ from others.
    /// A second function of the same code follows the first one.
    fn kinds(&self, values: impl Iterator<Item = Seen<'v>>) -> Values<'v> {
        let kind = |value: &Seen<'v>| match (value.as_table(), value.as_function()) {
            (Some(table), _) => table.metatable().map_or(0, |metatable| metatable.address()),
            (None, Some(function)) => function.code().address(),
            (None, None) => 1,
        };
        let mut kinds: Vec<(Seen<'v>, Option<Seen<'v>>)> = Vec::new();
        for value in values {
            let count = kinds.len();
            match kinds.iter_mut().find(|(known, _)| kind(known) == kind(&value)) {
                Some((known, second)) => {
                    let is_other = value.as_function().is_some() && known.word() != value.word();
                    *second = second.or(is_other.then_some(value));
                }
                None if count < self.kinds => kinds.push((value, None)),
                None => {}
            }
        }
        kinds.into_iter().flat_map(|(first, second)| [Some(first), second]).flatten().collect()
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
        metatable.get(self.sample.metamethod_key(Metamethod::Index).0).as_table()
    }

    /// Where the field of an object that a node reads or writes is.
    pub(super) fn field_place(
        &self,
        region: &Region<'v>,
        node: &Node<'v>,
        object: Seen<'v>,
    ) -> Option<FieldPlace> {
        let object = object.as_table()?;
        let code = &region.frames[node.frame].code;
        let index = usize::from(node.word.c());
        let offset = object.field(code.constant(index)?, code.constant(index + 1)?)?;
        Some(FieldPlace { shift: object.shift(), offset })
    }

    /// How the field that a node reads is found, if the object's metatable leads to it.
    pub(super) fn inherited(
        &self,
        region: &Region<'v>,
        node: &Node<'v>,
        object: Seen<'v>,
    ) -> Option<Inherited<'v>> {
        let code = &region.frames[node.frame].code;
        let index = usize::from(node.word.c());
        let (key, hash) = (code.constant(index)?, code.constant(index + 1)?);
        let mut metatable = match object.as_table() {
            Some(table) if table.field(key, hash).is_some() => return None,
            Some(table) => table.metatable()?,
            None if object.is_string() => self.sample.string_metatable()?,
            None => return None,
        };
        let (index_name, index_hash) = self.sample.metamethod_key(Metamethod::Index);
        let mut levels = Vec::new();
        while levels.len() < MAX_LEVELS {
            let index = metatable.field(index_name, index_hash)?;
            let fields = metatable.get(index_name).as_table()?;
            levels.push(Level { metatable, index, fields });
            match fields.field(key, hash) {
                Some(_) if fields.get(key).is_nil() => return None,
                Some(field) => return Some(Inherited { index_name, levels, field }),
                None => metatable = fields.metatable()?,
            }
        }
        None
    }
}
