//! The code of exits, after that of the function.
//!
//! An exit consists of a head, which counts it and loads the result, and a body, which writes the
//! values. Exits that write the same values share a body, and if nothing else differs, the head.
//! The result stays in rax; rdx and xmm14 are for what is written.

use super::super::allocate::Place;
use super::super::linear::{Exit, ExitId, Form, Operand, Origin, SlotValue, WordSource, WordWrite};
use super::assembler::Arithmetic;
use super::encoder::{Label, Size};
use super::operand::{General, Memory, RAX, RBP, RBX, RDX, Source, XMM14};
use super::select::Selection;

/// How many of the last bodies are compared: equal exits are near each other.
const COMPARED: usize = 16;

/// An exit whose body has been encoded, with the labels of its head and body.
struct Body {
    exit: ExitId,
    head: Label,
    label: Label,
}

impl Selection<'_> {
    /// Encodes the exits in use and returns how many bodies there are.
    pub(super) fn exits(&mut self) -> usize {
        let mut bodies: Vec<Body> = Vec::new();
        for (exit, head) in std::mem::take(&mut self.exits) {
            let data = *self.function.exit(exit);
            let mut last = bodies.iter().rev().take(COMPARED);
            let shared = last.find(|body| self.has_equal_body(body.exit, &data));
            if let Some(body) = shared
                && self.function.counters.is_none()
                && self.function.exit(body.exit).result == data.result
            {
                self.encoder.bind_same(head, body.head);
                continue;
            }
            self.encoder.bind(head);
            if let Some(address) = self.function.counters {
                let counter = address.wrapping_add(8 * exit.index() as u64);
                self.encoder.load_constant(RAX, counter as i64);
                let counter = Source::Memory(Memory::Base(RAX, 0));
                self.encoder.arithmetic_constant(Arithmetic::Add, counter, 1);
            }
            self.encoder.load_constant(RAX, data.result as i64);
            if let Some(body) = shared {
                self.encoder.jump(body.label);
                continue;
            }
            let label = self.encoder.label();
            self.encoder.bind(label);
            bodies.push(Body { exit, head, label });
            self.body(&data);
        }
        bodies.len()
    }

    fn has_equal_body(&self, other: ExitId, exit: &Exit) -> bool {
        let (function, other) = (self.function, self.function.exit(other));
        other.budget == exit.budget
            && other.refund == exit.refund
            && function.values(other) == function.values(exit)
            && function.words(other) == function.words(exit)
    }

    fn body(&mut self, exit: &Exit) {
        let function = self.function;
        function.values(exit).iter().for_each(|value| self.write_value(value));
        self.write_budget(exit);
        function.words(exit).iter().for_each(|word| self.write_word(word));
        self.encoder.ret();
    }

    fn write_budget(&mut self, exit: &Exit) {
        let place = Memory::Base(RBP, self.function.budget_offset);
        let budget = match (self.register_source(exit.budget), exit.refund) {
            (Source::Register(register), 0) => register,
            (Source::Register(register), refund) => {
                self.encoder.load_address(RDX, Memory::Base(register, refund));
                RDX
            }
            (memory, refund) => {
                self.encoder.move_word(RDX, memory);
                if refund != 0 {
                    let budget = Source::Register(RDX);
                    self.encoder.arithmetic_constant(Arithmetic::Add, budget, refund);
                }
                RDX
            }
        };
        self.encoder.store(Size::Quad, place, budget);
    }

    fn write_value(&mut self, value: &SlotValue) {
        let slot = Memory::Base(RBX, value.offset);
        let operand = Operand::Register(value.register);
        match value.form {
            Form::Double => match self.place(value.register) {
                Place::Register(_) => {
                    let vector = self.vector(operand, XMM14);
                    self.encoder.store_double(slot, vector);
                }
                _ => {
                    let bits = self.general(operand, RDX);
                    self.encoder.store(Size::Quad, slot, bits);
                }
            },
            Form::Word => {
                let word = self.general(operand, RDX);
                self.encoder.store(Size::Quad, slot, word);
            }
            Form::Integer => {
                let integer = self.register_source(value.register);
                self.encoder.clear_double(XMM14);
                self.encoder.convert_integer(XMM14, integer);
                self.encoder.store_double(slot, XMM14);
            }
            Form::Tagged(tag) => {
                let word = self.register_source(value.register);
                self.encoder.load_constant(RDX, (u64::from(tag) << 48) as i64);
                self.encoder.arithmetic(Arithmetic::Or, RDX, word);
                self.encoder.store(Size::Quad, slot, RDX);
            }
        }
    }

    fn write_word(&mut self, word: &WordWrite) {
        let origin: General = match word.origin {
            Origin::Base => RBX,
            Origin::Context => RBP,
        };
        let place = Memory::Base(origin, word.offset);
        match word.source {
            WordSource::Constant(constant) => match i32::try_from(constant as i64) {
                Ok(constant) => self.encoder.store_constant(Size::Quad, place, constant),
                Err(_) => {
                    self.encoder.load_constant(RDX, constant as i64);
                    self.encoder.store(Size::Quad, place, RDX);
                }
            },
            WordSource::Slot(offset) => {
                self.encoder.move_word(RDX, Source::Memory(Memory::Base(RBX, offset)));
                self.encoder.store(Size::Quad, place, RDX);
            }
            WordSource::BaseAddress(offset) => {
                self.encoder.load_address(RDX, Memory::Base(RBX, offset));
                self.encoder.store(Size::Quad, place, RDX);
            }
        }
    }
}
