//! Handlers of jumps and numeric loops, and the end of a budget.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{CONTINUE, cold_functions, dispatch, handlers};
use super::operand::{distance, jump_target};
use crate::layout::value::Value;
use crate::machine::scheduler;
use crate::machine::unit;
use crate::machine::unwind::throw_text;
use crate::machine::vm::Vm;
use crate::messages;
use solvm_compiler::bytecode::Instruction;
use solvm_compiler::locate::Culprit;

handlers! { (pc, base, d, a, k, vm)
    Jump {
        pc = jump_target(pc.sub(1));
    }
    Loop {
        charge!();
        pc = jump_target(pc.sub(1));
    }
    JumpIfTrue {
        if (*base.add(a as usize)).is_truthy() {
            pc = pc.offset(distance(d));
        }
    }
    JumpIfFalse {
        if !(*base.add(a as usize)).is_truthy() {
            pc = pc.offset(distance(d));
        }
    }
    ForPrepare {
        let slot = base.add(a as usize);
        let (index, limit) = ((*slot).as_f64(), (*slot.add(1)).as_f64());
        if index.is_nan() | limit.is_nan() {
            cold!(for_prepare);
        }
        if index <= limit {
            *slot.add(3) = Value::arithmetic(index);
        } else {
            pc = pc.offset(distance(d));
        }
    }
    ForLoop {
        charge!();
        let slot = base.add(a as usize);
        let index = (*slot).as_f64() + (*slot.add(2)).as_f64();
        if index <= (*slot.add(1)).as_f64() {
            *slot = Value::arithmetic(index);
            *slot.add(3) = Value::arithmetic(index);
            pc = pc.offset(distance(d));
        }
    }
    /// An entry word: the instruction, then the unit behind it.
    loop_entry {
        charge!();
        jump!(unit::enter, 0, 0);
    }
    for_loop_entry {
        charge!();
        let slot = base.add(a as usize);
        let index = (*slot).as_f64() + (*slot.add(2)).as_f64();
        if index <= (*slot.add(1)).as_f64() {
            *slot = Value::arithmetic(index);
            *slot.add(3) = Value::arithmetic(index);
            jump!(unit::enter, 0, 0);
        }
    }
    for_loop_step_entry {
        charge!();
        let slot = base.add(a as usize);
        let (limit, step) = ((*slot.add(1)).as_f64(), (*slot.add(2)).as_f64());
        let index = (*slot).as_f64() + step;
        if if step > 0.0 { index <= limit } else { index >= limit } {
            *slot = Value::arithmetic(index);
            *slot.add(3) = Value::arithmetic(index);
            jump!(unit::enter, 0, 0);
        }
    }
    ForPrepareStep {
        let slot = base.add(a as usize);
        let (index, limit) = ((*slot).as_f64(), (*slot.add(1)).as_f64());
        let step = (*slot.add(2)).as_f64();
        if index.is_nan() | limit.is_nan() | step.is_nan() {
            cold!(for_prepare);
        }
        if if step > 0.0 { index <= limit } else { index >= limit } {
            *slot.add(3) = Value::arithmetic(index);
        } else {
            pc = pc.offset(distance(d));
        }
    }
    ForLoopStep {
        charge!();
        let slot = base.add(a as usize);
        let (limit, step) = ((*slot.add(1)).as_f64(), (*slot.add(2)).as_f64());
        let index = (*slot).as_f64() + step;
        if if step > 0.0 { index <= limit } else { index >= limit } {
            *slot = Value::arithmetic(index);
            *slot.add(3) = Value::arithmetic(index);
            pc = pc.offset(distance(d));
        }
    }
}

cold_functions! {
    /// The loop's numbers are strings, not numbers at all, or NaN.
    fn for_prepare(vm, instruction) {
        let slot = vm.base.add(instruction.a() as usize);
        let parts = [messages::FOR_INITIAL, messages::FOR_LIMIT, messages::FOR_STEP];
        for (offset, what) in parts.into_iter().enumerate() {
            match crate::heap::coerce::to_number(*slot.add(offset)) {
                Some(x) => *slot.add(offset) = Value::number(x),
                None => {
                    vm.blame(Culprit::Argument(offset + 1));
                    return throw_text(vm, what.of(vm.dialect));
                }
            }
        }
        let (index, limit) = ((*slot).as_f64(), (*slot.add(1)).as_f64());
        let step = (*slot.add(2)).as_f64();
        if if step > 0.0 { index <= limit } else { index >= limit } {
            *slot.add(3) = *slot;
        } else {
            vm.pc = vm.pc.offset(instruction.short_jump() as isize);
        }
        CONTINUE
    }
    /// The budget is used up; nothing of the interrupted instruction has happened yet.
    fn budget(vm, _instruction) {
        scheduler::budget_exhausted(vm)
    }
}
