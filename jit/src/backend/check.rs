//! A checker of allocations, for debug builds.
//!
//! It follows the code as machine code would run, on all paths, and records which virtual register
//! was last written to each place. Every use must find its own. It depends on the allocator and the
//! liveness only for the places and for what is left out.

use super::allocate::{Allocation, Place};
use super::linear::{Class, Function, Instruction, Register};
use super::liveness::Lives;
use super::order::{NONE, Order};
use super::x64;
use std::collections::HashMap;

/// The last written register of each place; a place that is missing has an unknown value.
type State = HashMap<(Class, Place), Register>;

/// Panics if a use does not find the value of its register.
pub(super) fn check(function: &Function, order: &Order, lives: &Lives, allocation: &Allocation) {
    let key = |register: Register| match allocation.place(register) {
        // A word of the stack has values of both classes.
        place @ Place::Stack(_) => (Class::Integer, place),
        place => (function.class(register), place),
    };
    let mut starts: Vec<Option<State>> = vec![None; order.blocks.len()];
    let fixed = [Register::BASE, Register::CONTEXT];
    starts[0] = Some(fixed.into_iter().map(|register| (key(register), register)).collect());
    let mut work = vec![0];
    while let Some(place) = work.pop() {
        let placed = &order.blocks[place];
        let Some(mut state) = starts[place].clone() else { continue };
        for (sequence, instruction) in (placed.start..).zip(order.instructions(function, placed)) {
            if lives.is_dead(sequence) {
                continue;
            }
            function.uses(instruction, |register| {
                assert_ne!(allocation.place(register), Place::None, "{instruction:?}");
                assert_eq!(
                    state.get(&key(register)),
                    Some(&register),
                    "{sequence}: {instruction:?}"
                );
            });
            if let Instruction::Call { .. } = instruction {
                state.retain(|&(class, place), _| match place {
                    Place::Register(number) => {
                        x64::is_preserved(class, number)
                            || allocation.is_live_across(class, number, sequence)
                    }
                    _ => true,
                });
            }
            if let Some(target) = instruction.definition() {
                assert!(!target.is_fixed());
                state.insert(key(target), target);
            }
        }
        for successor in placed.successors.into_iter().filter(|&to| to != NONE) {
            let start = &mut starts[successor as usize];
            match start {
                None => *start = Some(state.clone()),
                Some(known) => {
                    let before = known.len();
                    known.retain(|place, register| state.get(place) == Some(register));
                    if known.len() == before {
                        continue;
                    }
                }
            }
            work.push(successor as usize);
        }
    }
}
