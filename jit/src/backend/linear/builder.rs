//! The builder of the linear form.
//!
//! A [`Value`] is an operand, or a comparison or scaled address that is not computed yet: these are
//! folded into the instruction that uses them, a branch or a memory access. Constants are folded,
//! and what an instruction computes only to be written to a variable is computed there at once.
//!
//! **Invariant.** A value is used before a variable that it reads is written again. Debug builds
//! assert it: each value has the time at which it was made, each register that of its last write.

use super::function::{BlockData, Exit, ExitId, Function, SlotValue, Span, WordWrite};
use super::instruction::{
    Address, Block, Class, Condition, Instruction, IntegerComparison, IntegerOperation,
    MAX_ARGUMENTS, Operand, Register, Width,
};
use super::value::{Kind, Value, Variable};

/// A register's entry in the builder.
#[derive(Clone, Copy)]
struct Entry {
    is_variable: bool,
    /// The register that it was replaced by, or itself.
    alias: Register,
    /// The time of its last write; of a replaced register, that of the replacement.
    written: u32,
}

/// Builds a [`Function`].
///
/// The first block is the entry. Each block is filled once: from [`start`](Builder::start) to the
/// terminator.
pub struct Builder {
    function: Function,
    entries: Vec<Entry>,
    current: Block,
    time: u32,
}

impl Builder {
    /// A builder of a function whose exits store the budget at this offset from CONTEXT.
    pub fn new(budget_offset: i32) -> Builder {
        let mut builder = Builder {
            function: Function::default(),
            entries: Vec::new(),
            current: Function::ENTRY,
            time: 0,
        };
        builder.clear(budget_offset);
        builder
    }

    /// Prepares for another function, with the memory of the last one.
    pub fn clear(&mut self, budget_offset: i32) {
        let function = &mut self.function;
        function.classes.clear();
        function.blocks.clear();
        function.instructions.clear();
        function.arguments.clear();
        function.exits.clear();
        function.values.clear();
        function.words.clear();
        function.budget_offset = budget_offset;
        function.counters = None;
        self.entries.clear();
        self.current = Function::ENTRY;
        self.time = 0;
        for _ in [Register::BASE, Register::CONTEXT] {
            self.new_register(Class::Integer, true);
        }
    }

    /// The finished function.
    pub fn finish(&mut self) -> &mut Function {
        debug_assert!(self.is_terminated(), "the last block has no terminator");
        for value in &mut self.function.values {
            value.register = self.entries[value.register.index()].alias;
        }
        &mut self.function
    }

    // Registers.

    fn new_register(&mut self, class: Class, is_variable: bool) -> Register {
        let register = Register(self.function.classes.len() as u32);
        self.function.classes.push(class);
        self.entries.push(Entry { is_variable, alias: register, written: 0 });
        register
    }

    pub(super) fn temporary(&mut self, class: Class) -> Register {
        let register = self.new_register(class, false);
        self.note_write(register);
        register
    }

    fn note_write(&mut self, register: Register) {
        self.time += 1;
        self.entries[register.index()].written = self.time;
    }

    pub(super) fn value(&self, kind: Kind) -> Value {
        Value { kind, time: self.time }
    }

    pub(super) fn register_value(&self, register: Register) -> Value {
        self.value(Kind::Operand(Operand::Register(register)))
    }

    /// A new variable.
    pub fn variable(&mut self, class: Class) -> Variable {
        Variable(self.new_register(class, true))
    }

    /// The value of a variable, until it is written again.
    pub fn read(&self, variable: Variable) -> Value {
        self.register_value(variable.0)
    }

    /// Writes a variable.
    pub fn write(&mut self, variable: Variable, value: Value) {
        let (target, source) = (variable.0, self.operand(value));
        debug_assert!(!target.is_fixed() && self.class(source) == self.function.class(target));
        if source == Operand::Register(target) {
            return;
        }
        if let Operand::Register(temporary) = source
            && !self.entries[temporary.index()].is_variable
            && let Some(last) = self.last_instruction()
            && let Some(defined) = last.target_mut()
            && *defined == temporary
        {
            *defined = target;
            self.note_write(target);
            let written = self.time;
            self.entries[temporary.index()] = Entry { is_variable: false, alias: target, written };
            return;
        }
        self.push(Instruction::Move { target, source });
        self.note_write(target);
    }

    /// A register that has the value, for exits.
    pub fn register(&mut self, value: Value) -> Register {
        match self.operand(value) {
            Operand::Register(register) => register,
            source => {
                let target = self.temporary(self.class(source));
                self.push(Instruction::Move { target, source });
                target
            }
        }
    }

    pub(super) fn class(&self, operand: Operand) -> Class {
        match operand {
            Operand::Register(register) => self.function.class(register),
            Operand::Integer(_) => Class::Integer,
            Operand::Double(_) => Class::Double,
        }
    }

    /// The class of a value.
    pub fn class_of(&self, value: Value) -> Class {
        match value.kind {
            Kind::Operand(operand) => self.class(operand),
            _ => Class::Integer,
        }
    }

    // Values.

    /// Whether the register, or the one that replaced it, still has its value of that time.
    fn has_value_of(&self, register: Register, time: u32) -> bool {
        let entry = self.entries[register.index()];
        let time = if entry.alias == register { time } else { entry.written };
        self.entries[entry.alias.index()].written <= time
    }

    /// The register that now has the value of `register` at that time.
    pub(super) fn current_register(&self, register: Register, time: u32) -> Register {
        let alias = self.entries[register.index()].alias;
        debug_assert!(
            self.has_value_of(register, time),
            "{alias} was written before the use of an earlier value"
        );
        alias
    }

    /// Whether no variable that the value reads has been written since it was made.
    pub fn is_current(&self, value: Value) -> bool {
        let is_current = |operand: Operand| {
            operand.register().is_none_or(|register| self.has_value_of(register, value.time))
        };
        match value.kind {
            Kind::Operand(operand) => is_current(operand),
            Kind::Condition(condition) => condition.operands().into_iter().all(is_current),
            Kind::Scaled(index) => is_current(Operand::Register(index)),
            Kind::Element(base, index) => is_current(base) && is_current(Operand::Register(index)),
        }
    }

    pub(super) fn current_operand(&self, operand: Operand, time: u32) -> Operand {
        match operand {
            Operand::Register(register) => Operand::Register(self.current_register(register, time)),
            constant => constant,
        }
    }

    fn current_condition(&self, condition: Condition, time: u32) -> Condition {
        let [left, right] = condition.operands().map(|operand| self.current_operand(operand, time));
        match condition {
            Condition::Integer(comparison, ..) => Condition::Integer(comparison, left, right),
            Condition::Double(comparison, ..) => Condition::Double(comparison, left, right),
        }
    }

    /// The value as an operand; computes what was put off.
    pub(super) fn operand(&mut self, value: Value) -> Operand {
        match value.kind {
            Kind::Operand(operand) => self.current_operand(operand, value.time),
            Kind::Condition(condition) => {
                let condition = self.current_condition(condition, value.time);
                let target = self.temporary(Class::Integer);
                self.push(Instruction::Set { target, condition });
                Operand::Register(target)
            }
            Kind::Scaled(register) => {
                let left = Operand::Register(self.current_register(register, value.time));
                let operation = IntegerOperation::ShiftLeft;
                self.push_integer(operation, left, Operand::Integer(3))
            }
            Kind::Element(base, index) => {
                let scaled = self.operand(Value { kind: Kind::Scaled(index), time: value.time });
                let base = self.current_operand(base, value.time);
                self.push_integer(IntegerOperation::Add, base, scaled)
            }
        }
    }

    fn address(&mut self, pointer: Value, offset: i32) -> Address {
        if let Kind::Element(base, index) = pointer.kind {
            let base = self.current_operand(base, pointer.time);
            let index = Some(self.current_register(index, pointer.time));
            return Address { base, index, offset };
        }
        Address { base: self.operand(pointer), index: None, offset }
    }

    pub(super) fn condition(&mut self, value: Value) -> Condition {
        match value.kind {
            Kind::Condition(condition) => self.current_condition(condition, value.time),
            _ => {
                let (left, right) = (self.operand(value), Operand::Integer(0));
                Condition::Integer(IntegerComparison::NotEqual, left, right)
            }
        }
    }

    /// Whether the temporaries of an exit that were replaced by variables still have their values.
    fn has_current_values(&self, exit: ExitId) -> bool {
        let values = self.function.values(self.function.exit(exit));
        values.iter().all(|value| self.has_value_of(value.register, u32::MAX))
    }

    // Blocks.

    /// A new block; the first one is the entry.
    pub fn block(&mut self) -> Block {
        self.function.blocks.push(BlockData::default());
        Block(self.function.blocks.len() as u32 - 1)
    }

    /// Starts to fill a block. Blocks are placed in the order of their ranks, then in that in which
    /// they are filled; cold ones after all others.
    pub fn start(&mut self, block: Block, rank: u32, is_cold: bool) {
        debug_assert!(self.is_terminated(), "block {} has no terminator", self.current.0);
        let start = self.function.instructions.len() as u32;
        let data = &mut self.function.blocks[block.index()];
        debug_assert!(data.instructions == Span::default(), "block {} is filled twice", block.0);
        *data = BlockData { instructions: Span { start, end: start }, rank, is_cold };
        self.current = block;
    }

    /// Whether the current block has ended, or there is none.
    pub fn is_terminated(&self) -> bool {
        let Some(data) = self.function.blocks.get(self.current.index()) else { return true };
        let last = self.function.instructions[data.instructions.range()].last();
        last.map_or(data.instructions == Span::default(), Instruction::is_terminator)
    }

    fn last_instruction(&mut self) -> Option<&mut Instruction> {
        let range = self.function.block(self.current).instructions.range();
        self.function.instructions[range].last_mut()
    }

    pub(super) fn push(&mut self, instruction: Instruction) {
        debug_assert!(!self.function.blocks.is_empty(), "no block was started");
        debug_assert!(
            instruction.exit().is_none_or(|exit| self.has_current_values(exit)),
            "an exit has a temporary whose variable was written again"
        );
        self.function.instructions.push(instruction);
        let end = self.function.instructions.len() as u32;
        self.function.blocks[self.current.index()].instructions.end = end;
    }

    // Memory.

    /// Loads from `pointer + offset`.
    pub fn load(&mut self, width: Width, pointer: Value, offset: i32) -> Value {
        let address = self.address(pointer, offset);
        let class = if width == Width::Double { Class::Double } else { Class::Integer };
        let target = self.temporary(class);
        self.push(Instruction::Load { target, width, address });
        self.register_value(target)
    }

    /// Stores to `pointer + offset`.
    pub fn store(&mut self, width: Width, value: Value, pointer: Value, offset: i32) {
        let source = self.operand(value);
        debug_assert_eq!(self.class(source) == Class::Double, width == Width::Double);
        let address = self.address(pointer, offset);
        self.push(Instruction::Store { source, width, address });
    }

    // Calls and exits.

    /// Calls the `extern "C"` function at an address, with up to four integers.
    pub fn call(&mut self, function: u64, arguments: &[Value]) -> Value {
        debug_assert!(arguments.len() <= MAX_ARGUMENTS);
        let mut operands = [Operand::Integer(0); MAX_ARGUMENTS];
        for (operand, &value) in operands.iter_mut().zip(arguments) {
            *operand = self.operand(value);
            debug_assert_eq!(self.class(*operand), Class::Integer);
        }
        let start = self.function.arguments.len() as u32;
        self.function.arguments.extend(&operands[..arguments.len().min(MAX_ARGUMENTS)]);
        let arguments = Span { start, end: self.function.arguments.len() as u32 };
        let target = self.temporary(Class::Integer);
        self.push(Instruction::Call { target, function, arguments });
        self.register_value(target)
    }

    /// A new exit: writes the slots, the budget plus `refund`, and the words; returns `result`.
    pub fn exit(
        &mut self,
        values: &[SlotValue],
        budget: Variable,
        refund: i32,
        words: &[WordWrite],
        result: u64,
    ) -> ExitId {
        let function = &mut self.function;
        debug_assert!(
            values.iter().all(|value| function.class(value.register) == value.form.class())
        );
        let first = (function.values.len() as u32, function.words.len() as u32);
        function.values.extend_from_slice(values);
        function.words.extend_from_slice(words);
        function.exits.push(Exit {
            values: Span { start: first.0, end: function.values.len() as u32 },
            budget: budget.0,
            refund,
            words: Span { start: first.1, end: function.words.len() as u32 },
            result,
        });
        ExitId(function.exits.len() as u32 - 1)
    }

    /// Subtracts one from the budget and leaves if it is then below zero.
    pub fn charge(&mut self, budget: Variable, exit: ExitId) {
        self.push(Instruction::Charge { budget: budget.0, exit });
        self.note_write(budget.0);
    }

    /// Moves BASE by a number of bytes.
    pub fn rebase(&mut self, distance: i32) {
        self.push(Instruction::Rebase { distance });
        self.note_write(Register::BASE);
    }

    /// Leaves if the value is not 0.
    pub fn leave_if(&mut self, condition: Value, exit: ExitId) {
        if condition.as_integer() == Some(0) {
            return;
        }
        let condition = self.condition(condition);
        self.push(Instruction::Leave { condition, exit });
    }

    /// Leaves if the value is 0.
    pub fn leave_unless(&mut self, condition: Value, exit: ExitId) {
        let negated = self.not(condition);
        self.leave_if(negated, exit);
    }

    // Terminators.

    /// Leaves.
    pub fn leave(&mut self, exit: ExitId) {
        self.push(Instruction::Exit { exit });
    }

    /// Continues in a block.
    pub fn jump(&mut self, to: Block) {
        self.push(Instruction::Jump { to });
    }

    /// Continues in `yes` if the value is not 0, else in `no`.
    pub fn branch(&mut self, condition: Value, yes: Block, no: Block) {
        if let Some(constant) = condition.as_integer() {
            return self.jump(if constant == 0 { no } else { yes });
        }
        let condition = self.condition(condition);
        self.push(Instruction::Branch { condition, yes, no });
    }

    /// Continues at the start of another unit's code, which gets `base` as its BASE.
    pub fn tail(&mut self, base: Value, code: Value) {
        let (base, code) = (self.operand(base), self.operand(code));
        self.push(Instruction::Tail { base, code });
    }

    /// Returns an integer to the caller.
    pub fn return_value(&mut self, value: Value) {
        let value = self.operand(value);
        debug_assert_eq!(self.class(value), Class::Integer);
        self.push(Instruction::Return { value });
    }
}
