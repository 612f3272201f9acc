//! Machine code for x86-64 with AVX and BMI2.
//!
//! **Registers.** rbx is BASE, rbp is CONTEXT. rax, rdx, xmm14 and xmm15 are scratch registers:
//! their values do not outlive an instruction of the linear form, and with them any operand may be
//! on the stack. All others except rsp are for the allocator.
//!
//! **Frame.** The trampoline makes one frame of [`FRAME`] bytes for all units. Above the return
//! address are the words of the allocator; the upper [`KEPT`] words hold registers during calls.

mod arithmetic;
mod assembler;
mod call;
mod conditions;
mod encoder;
mod exits;
mod layout;
mod operand;
mod select;
#[cfg(test)]
mod tests;
mod trampoline;

use super::allocate::{Allocation, Banks};
use super::linear::{Block, Class, Function};
use super::liveness::Lives;
use super::order::Order;
use super::{Machine, Settings};
use operand::{Memory, RBP, RBX, RSP};
use select::Selection;
#[cfg(all(target_arch = "x86_64", unix))]
pub(super) use trampoline::enter;

use trampoline::FRAME;

/// rcx, rsi, rdi, r8 to r15: those that calls preserve are last.
const INTEGER: [u8; 11] = [1, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// The registers that calls preserve, and rbx and rbp.
const PRESERVED: [u8; 6] = [3, 5, 12, 13, 14, 15];
/// xmm0 to xmm13; calls destroy all of them.
const DOUBLE: [u8; 14] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];

/// The words of the frame in which registers are kept during calls.
const KEPT: usize = 32;
/// The largest number of words for the allocator.
const MAX_STACK: usize = FRAME / 8 - KEPT;

/// The machine registers that the allocator may use.
pub(super) fn banks(settings: &Settings) -> Banks {
    Banks {
        integer: &INTEGER[..settings.integer_registers.min(INTEGER.len())],
        double: &DOUBLE[..settings.double_registers.min(DOUBLE.len())],
        fixed: [RBX.0, RBP.0],
        stack: MAX_STACK as u32,
    }
}

/// Whether a register that the allocator uses has the same value after a call.
pub(super) fn is_preserved(class: Class, register: u8) -> bool {
    class == Class::Integer && PRESERVED.contains(&register)
}

/// A word of the frame.
fn frame_word(word: usize) -> Memory {
    Memory::Base(RSP, 8 + 8 * word as i32)
}

/// Encodes a function whose registers have places.
pub(super) fn lower(
    function: &Function,
    order: &Order,
    lives: &Lives,
    allocation: &Allocation,
    has_lines: bool,
) -> Machine {
    let mut selection = Selection::new(function, order, allocation);
    let mut lines = Vec::new();
    for (place, placed) in order.blocks.iter().enumerate() {
        selection.start_block(place);
        if !selection.is_entered(Block(placed.block)) {
            continue;
        }
        if has_lines {
            lines.push((selection.encoder.position(), format!("block {}", placed.block)));
        }
        for (sequence, instruction) in (placed.start..).zip(order.instructions(function, placed)) {
            if !lives.is_dead(sequence) {
                if has_lines {
                    let line = function.line(instruction).to_string();
                    lines.push((selection.encoder.position(), line));
                }
                selection.instruction(sequence, instruction);
            }
        }
    }
    let hot = selection.encoder.position();
    if has_lines {
        lines.push((hot, "exits".to_string()));
    }
    let distinct_exits = selection.exits();
    let end = selection.encoder.position();
    let code = selection.encoder.finish();
    Machine {
        lines: lines.into_iter().map(|(position, line)| (code.offset(position), line)).collect(),
        hot: code.offset(hot),
        exits: code.offset(end) - code.offset(hot),
        bytes: code.bytes,
        distinct_exits,
        registers: allocation.registers,
        spilled: allocation.spilled,
    }
}
