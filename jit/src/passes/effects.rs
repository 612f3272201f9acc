//! What the nodes of a region do with the slots.

use super::kinds::Kind;
use crate::region::{Action, Argument, MetamethodCall, Node, Region, RegionFrame};
use solvm_compiler::bytecode::Opcode;
use solvm_vm::unit::Receiver;

/// What a node uses and defines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// The slots that it reads, and what they should be.
    pub(crate) uses: Vec<(usize, Kind)>,
    /// The slots that have a new value after it.
    pub(crate) defines: Vec<usize>,
    /// It copies a slot to another one, its target: what the value should be depends on the
    /// target's uses. The target is among the defined ones, the source not among the used ones.
    pub(crate) copy: Option<Copy>,
    /// What it needs of the frame's memory.
    pub(crate) memory: Memory,
}

/// The values that are in the frame's memory before a node does its work. What it defines is there
/// after it, too, unless it needs none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Memory {
    /// None have to be.
    #[default]
    None,
    /// Those that it uses.
    Uses,
    /// All, as if the interpreter did it.
    All,
}

/// A copy of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) target: usize,
    pub(crate) source: usize,
}

impl Effects {
    fn copy(target: usize, source: usize) -> Effects {
        Effects { defines: vec![target], copy: Some(Copy { target, source }), ..Effects::default() }
    }
}

/// The effects of all nodes.
pub(crate) fn effects(region: &Region) -> Vec<Effects> {
    region.nodes.iter().map(|node| effects_of(region, node)).collect()
}

fn effects_of(region: &Region, node: &Node) -> Effects {
    use Opcode::*;
    let slot = |register: u8| region.slot(node, register);
    let (a, b, c) = (slot(node.word.a()), slot(node.word.b()), slot(node.word.c()));
    let d = slot(node.word.d() as u8);
    match (node.action, node.opcode) {
        (Action::Leave(_), _) => Effects::default(),
        (Action::Call { first, count }, opcode) => {
            let inner = &region.frames[first..first + count];
            let parameters = |frame: &RegionFrame| usize::from(frame.code.prototype().parameters);
            let most = inner.iter().map(parameters).max().unwrap_or(0);
            let first_slot = inner.first().map_or(0, |frame| frame.first_slot);
            let given = region.arguments(node);
            let parameter = |index| first_slot + index;
            match opcode.is_tail_call() {
                // The frame is replaced.
                true => Effects {
                    uses: (0..given.min(most))
                        .map(|index| (a + 2 + index, Kind::Any))
                        .chain([(a, Kind::Any)])
                        .collect(),
                    defines: (0..most).map(parameter).chain([first_slot - 2]).collect(),
                    ..Effects::default()
                },
                // The arguments are in place; missing ones are nil.
                false => Effects {
                    uses: vec![(a, Kind::Any)],
                    defines: (given..most).map(parameter).collect(),
                    ..Effects::default()
                },
            }
        }
        (Action::Metamethod(call), _) => {
            let call = &region.metamethods[call];
            let first = region.frames[call.frame].first_slot;
            let parameters = region.frames[call.frame].code.prototype().parameters;
            let used = call.arguments.iter().enumerate().filter_map(|(place, &argument)| {
                let Argument::Slot(slot) = argument else { return None };
                Some((slot, argument_kind(call, place)))
            });
            Effects {
                uses: used.collect(),
                defines: (0..usize::from(parameters))
                    .map(|parameter| first + parameter)
                    .chain([first - 2])
                    .collect(),
                ..Effects::default()
            }
        }
        (Action::NumberFunction(..), _) => Effects {
            uses: vec![(a, Kind::Any), (a + 2, Kind::Number)],
            defines: vec![a],
            ..Effects::default()
        },
        (Action::Recurse, opcode) if opcode.is_tail_call() => {
            Effects { uses: passed(region, node, a), ..Effects::default() }
        }
        (Action::Native(_) | Action::Recurse, _) => Effects {
            uses: passed(region, node, a),
            defines: (0..region.expected(node)).map(|index| a + index).collect(),
            memory: Memory::All,
            ..Effects::default()
        },
        (Action::Step, _) => {
            let registers = node.word.registers();
            Effects {
                uses: registers.read.iter().map(|register| (slot(register), Kind::Any)).collect(),
                defines: registers.written.iter().map(slot).collect(),
                memory: Memory::All,
                ..Effects::default()
            }
        }
        (Action::Advance, _) => Effects {
            uses: (1..=3).map(|hidden| (a - hidden, Kind::Any)).collect(),
            defines: std::iter::once(a - 1)
                .chain((0..region.expected(node).max(2)).map(|index| a + index))
                .collect(),
            memory: Memory::Uses,
            ..Effects::default()
        },
        (_, ForEachPrepare) => Effects {
            uses: (1..=3).map(|hidden| (a - hidden, Kind::Any)).collect(),
            defines: vec![a - 3, a - 1],
            memory: Memory::Uses,
            ..Effects::default()
        },
        (_, Return0 | Return1 | Return | ReturnOpen) => returned(region, node),
        (_, Move) => Effects::copy(a, d),
        (_, GetUpvalue) => match captured_slot(region, node) {
            Some(source) => Effects::copy(a, source),
            None => Effects { defines: vec![a], ..Effects::default() },
        },
        (_, SetUpvalue) => match captured_slot(region, node) {
            Some(target) => Effects::copy(target, a),
            None => Effects { uses: vec![(a, Kind::Any)], ..Effects::default() },
        },
        (_, opcode) => {
            let number = |slots: &[usize]| -> Vec<_> {
                slots.iter().map(|&slot| (slot, Kind::Number)).collect()
            };
            let key = match node.action {
                Action::AnyKey => Kind::Any,
                _ => Kind::Number,
            };
            let uses = match opcode {
                SelfField if matches!(node.action, Action::StringMethod(_)) => {
                    vec![(b, Kind::Any)]
                }
                Length if matches!(node.action, Action::StringLength) => vec![(d, Kind::Any)],
                GetField | GetInteger | SelfField => vec![(b, Kind::Table)],
                SetField | SetInteger => vec![(b, Kind::Table), (a, Kind::Any)],
                SetList => {
                    let values =
                        (1..=usize::from(node.word.d())).map(|index| (a + index, Kind::Any));
                    values.chain([(a, Kind::Table)]).collect()
                }
                GetIndex => vec![(b, Kind::Table), (c, key)],
                SetIndex => vec![(b, Kind::Table), (c, key), (a, Kind::Any)],
                AddVV | SubtractVV | MultiplyVV | DivideVV | ModuloVV | PowerVV | IsLess
                | IsLessEqual => number(&[b, c]),
                AddVK | SubtractVK | MultiplyVK | DivideVK | ModuloVK | PowerVK => number(&[b]),
                AddKV | SubtractKV | MultiplyKV | DivideKV => number(&[c]),
                Negate => number(&[d]),
                Not => vec![(d, Kind::Any)],
                Length => vec![(d, Kind::Table)],
                LessVV | NotLessVV | LessEqualVV | NotLessEqualVV => number(&[a, d]),
                LessVK | LessKV | NotLessVK | NotLessKV | LessEqualVK | LessEqualKV
                | NotLessEqualVK | NotLessEqualKV => number(&[a]),
                EqualVV | NotEqualVV => vec![(a, Kind::Any), (d, Kind::Any)],
                EqualVK | NotEqualVK | EqualVP | NotEqualVP | JumpIfTrue | JumpIfFalse => {
                    vec![(a, Kind::Any)]
                }
                ForPrepare | ForPrepareStep | ForLoop | ForLoopStep => number(&[a, a + 1, a + 2]),
                _ => Vec::new(),
            };
            // The limit and the step of a loop stay as they are.
            let defines = match opcode {
                ForPrepare | ForPrepareStep => vec![a + 3],
                ForLoop | ForLoopStep => vec![a, a + 3],
                _ => node.word.registers().written.iter().map(slot).collect(),
            };
            Effects { uses, defines, ..Effects::default() }
        }
    }
}

/// What an argument of a metamethod has to be: the object a table, as are both operands of a
/// comparison; a number before the object of an arithmetic operation.
pub(crate) fn argument_kind(call: &MetamethodCall, argument: usize) -> Kind {
    match call.receiver {
        Receiver::Condition => Kind::Table,
        _ if argument == call.object => Kind::Table,
        _ if argument < call.object => Kind::Number,
        _ => Kind::Any,
    }
}

/// The slots that a call passes, from that of the callee on.
fn passed(region: &Region, node: &Node, callee: usize) -> Vec<(usize, Kind)> {
    let arguments = (0..region.arguments(node)).map(|index| callee + 2 + index);
    std::iter::once(callee).chain(arguments).map(|slot| (slot, Kind::Any)).collect()
}

/// A return: of a called function, to its caller's frame.
fn returned(region: &Region, node: &Node) -> Effects {
    let frame = &region.frames[node.frame];
    let from = region.slot(node, node.word.a());
    let given = region.returned(node);
    let Some((_, call)) = frame.caller else {
        let uses = (0..given).map(|index| (from + index, Kind::Any)).collect();
        return Effects { uses, ..Effects::default() };
    };
    let call = &region.nodes[call];
    let first = match frame.receiver {
        None => frame.first_slot - 2,
        Some(Receiver::Result) => region.slot(call, call.word.a()),
        Some(Receiver::Condition | Receiver::Discard) => {
            let uses = (0..given.min(1)).map(|_| (from, Kind::Any)).collect();
            return Effects { uses, ..Effects::default() };
        }
    };
    let expected = if frame.receiver.is_some() { 1 } else { region.expected(call) };
    if expected == 1 && given == 1 {
        return Effects::copy(first, from);
    }
    Effects {
        uses: (0..given.min(expected)).map(|index| (from + index, Kind::Any)).collect(),
        defines: (first..first + expected).collect(),
        ..Effects::default()
    }
}

/// The slot that an upvalue of a called function is, if it is a variable of the region's frames.
/// The frames of a function are others each time.
pub(crate) fn captured_slot(region: &Region, node: &Node) -> Option<usize> {
    if node.frame == 0 || region.is_function() {
        return None;
    }
    let variable = region.frames[node.frame].function.upvalue(node.word.d().into())?;
    let distance = variable.slot().wrapping_sub(region.running.base());
    (distance < 8 * region.slots as u64).then_some(distance as usize / 8)
}
