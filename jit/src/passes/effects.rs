//! What the nodes of a region do with the slots.

use super::kinds::Kind;
use crate::region::{Action, Node, Region};
use solvm_compiler::bytecode::Opcode;

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
}

/// A copy of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) target: usize,
    pub(crate) source: usize,
}

impl Effects {
    fn copy(target: usize, source: usize) -> Effects {
        Effects { uses: Vec::new(), defines: vec![target], copy: Some(Copy { target, source }) }
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
        (Action::Leave, _) => Effects::default(),
        (Action::Call { frame }, opcode) => {
            let inner = &region.frames[frame];
            let parameters = usize::from(inner.code.prototype().parameters);
            let given = region.arguments(node);
            let parameter = |index| inner.first_slot + index;
            match opcode.is_tail_call() {
                // The frame is replaced.
                true => Effects {
                    uses: (0..given.min(parameters))
                        .map(|index| (a + 2 + index, Kind::Any))
                        .chain([(a, Kind::Any)])
                        .collect(),
                    defines: (0..parameters).map(parameter).chain([inner.first_slot - 2]).collect(),
                    copy: None,
                },
                // The arguments are in place; missing ones are nil.
                false => Effects {
                    uses: vec![(a, Kind::Any)],
                    defines: (given..parameters).map(parameter).collect(),
                    copy: None,
                },
            }
        }
        (Action::NumberFunction(..), _) => Effects {
            uses: vec![(a, Kind::Any), (a + 2, Kind::Number)],
            defines: vec![a],
            copy: None,
        },
        (_, Return0 | Return1 | Return) => returned(region, node),
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
            let uses = match opcode {
                GetField | GetInteger | SelfField => vec![(b, Kind::Table)],
                SetField | SetInteger => vec![(b, Kind::Table), (a, Kind::Any)],
                SetList => {
                    let values =
                        (1..=usize::from(node.word.d())).map(|index| (a + index, Kind::Any));
                    values.chain([(a, Kind::Table)]).collect()
                }
                GetIndex => vec![(b, Kind::Table), (c, Kind::Number)],
                SetIndex => vec![(b, Kind::Table), (c, Kind::Number), (a, Kind::Any)],
                AddVV | SubtractVV | MultiplyVV | DivideVV | ModuloVV | IsLess | IsLessEqual => {
                    number(&[b, c])
                }
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
            Effects { uses, defines, copy: None }
        }
    }
}

/// The return of a called function.
fn returned(region: &Region, node: &Node) -> Effects {
    let frame = &region.frames[node.frame];
    let Some((_, call)) = frame.caller else { return Effects::default() };
    let (first, from) = (frame.first_slot - 2, region.slot(node, node.word.a()));
    let expected = region.expected(call);
    let given = match node.opcode {
        Opcode::Return0 => 0,
        Opcode::Return1 => 1,
        _ => usize::from(node.word.d()),
    };
    if expected == 1 && given == 1 {
        return Effects::copy(first, from);
    }
    Effects {
        uses: (0..given.min(expected)).map(|index| (from + index, Kind::Any)).collect(),
        defines: (first..first + expected).collect(),
        copy: None,
    }
}

/// The slot that an upvalue of a called function is, if it is a variable of the region's frames.
pub(crate) fn captured_slot(region: &Region, node: &Node) -> Option<usize> {
    if node.frame == 0 {
        return None;
    }
    let variable = region.frames[node.frame].function.upvalue(node.word.d().into())?;
    let distance = variable.slot().wrapping_sub(region.running.base());
    (distance < 8 * region.slots as u64).then_some(distance as usize / 8)
}
