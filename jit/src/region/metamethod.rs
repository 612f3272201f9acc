//! Metamethods that are Lua functions: they run in frames above that of the instruction, whose
//! results go to a receiver (see [`Receiver`]).

use super::build::Builder;
use super::guess::event;
use super::{Action, Node};
use solvm_compiler::bytecode::{Opcode, Operand};
use solvm_vm::Metamethod;
use solvm_vm::unit::{Receiver, Seen, Table};

/// A metamethod that an instruction probably runs.
pub(crate) struct MetamethodCall<'v> {
    /// The metamethod's frame.
    pub(crate) frame: usize,
    /// The metatable, the metamethod's key, and where that is there.
    pub(crate) metatable: Table<'v>,
    pub(crate) key: Seen<'v>,
    pub(crate) place: i32,
    /// What is passed.
    pub(crate) arguments: Vec<Argument<'v>>,
    /// Which of the arguments has the metatable.
    pub(crate) object: usize,
    pub(crate) receiver: Receiver,
}

/// An argument of a metamethod.
#[derive(Clone, Copy)]
pub(crate) enum Argument<'v> {
    Slot(usize),
    Constant(Seen<'v>),
    Number(f64),
}

/// The operands that are passed to a metamethod: registers, or what they mean.
fn operands(node: &Node) -> [(u16, Operand); 2] {
    let place = |index: usize| {
        let (letter, operand) = node.opcode.operands()[index];
        let value = match letter {
            'A' => node.word.a().into(),
            'B' => node.word.b().into(),
            'C' => node.word.c().into(),
            _ => node.word.d(),
        };
        (value, operand)
    };
    match node.opcode {
        // Twice.
        Opcode::Negate => [place(1), place(1)],
        opcode if opcode.is_comparison() => [place(0), place(1)],
        _ => [place(1), place(2)],
    }
}

impl<'v> Builder<'_, 'v> {
    /// The metamethod that a node runs with the objects as they are.
    pub(super) fn metamethod(&mut self, index: usize) -> Option<Action<'v>> {
        let node = &self.region.nodes[index];
        let (event, receiver) = event(node.opcode)?;
        let code = self.region.frames[node.frame].code;
        let operands = operands(node);
        let guesses = operands.map(|(value, operand)| match operand {
            Operand::Register => self.guess.register(&self.region, node, value as u8),
            Operand::Integer => None,
            _ => code.constant(value.into()),
        });
        let (key, hash) = self.guess.sample.metamethod_key(event);
        let method = |value: Option<Seen<'v>>| {
            let metatable = value?.as_table()?.metatable()?;
            let function = metatable.get(key).as_function()?;
            Some((metatable, metatable.field(key, hash)?, function))
        };
        let is_number = guesses[0].is_some_and(|value| value.as_number().is_some());
        let (object, (metatable, place, function)) = match method(guesses[0]) {
            Some(found) => (0, found),
            None if is_number && receiver == Receiver::Result => (1, method(guesses[1])?),
            None => return None,
        };
        if event == Metamethod::Index && object == 1 {
            return None;
        }
        // A field that the object has is read.
        if node.opcode == Opcode::GetField
            && let (Some(table), Some(name), Some(hash)) = (
                guesses[0].and_then(|value| value.as_table()),
                guesses[1],
                code.constant(usize::from(node.word.c()) + 1),
            )
            && table.field(name, hash).is_some()
        {
            return None;
        }
        let arguments = operands
            .into_iter()
            .map(|(value, operand)| match operand {
                Operand::Register => Some(Argument::Slot(self.region.slot(node, value as u8))),
                Operand::Integer => Some(Argument::Number(value.into())),
                _ => code.constant(value.into()).map(Argument::Constant),
            })
            .collect::<Option<Vec<_>>>()?;
        let frame = self.metamethod_frame(index, function, receiver).ok()?;
        self.region.slots = self.region.slots.max(frame.first_slot + frame.code.frame_size());
        let call = MetamethodCall {
            frame: self.region.frames.len(),
            metatable,
            key,
            place,
            arguments,
            object,
            receiver,
        };
        self.region.frames.push(frame);
        self.region.metamethods.push(call);
        Some(Action::Metamethod(self.region.metamethods.len() - 1))
    }
}
