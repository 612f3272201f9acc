//! Handlers of the generic `for`. Loops over `next` and over the iterator of `ipairs` run without a
//! call: ForEachPrepare replaces the hidden generator by a mark, and ForEachCall does the work of
//! the ForEachLoop that follows it.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::call::DoCall;
use super::dispatch::{CONTINUE, cold_functions, dispatch, handlers, keep_loop};
use super::operand::{b, cut_off, distance};
use crate::heap::table;
use crate::layout::object::Table;
use crate::layout::value::{TABLE, Value};
use crate::machine::unit::{self, Advance};
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::Instruction;

/// Represents the generator `next`; the control is then a position in the table.
pub(crate) const NEXT_MARK: Value = Value(Value::NIL.0 - 3);
/// Represents the generator that `ipairs` returns; the control is the last index.
pub(crate) const INDEX_MARK: Value = Value(Value::NIL.0 - 4);

/// Where the body of a generic `for` starts, according to the `ForEachLoop` at `pc`.
///
/// # Safety
/// `pc` is after a `ForEachCall` of running code.
#[inline(always)]
unsafe fn body(pc: *const u32) -> *const u32 {
    pc.offset(1 + distance(u64::from(*pc >> 16)))
}

/// Marks a generic `for` whose generator is `next` or the iterator of `ipairs`.
///
/// # Safety
/// `slot` is that of the first variable of such a loop, which is about to start.
#[inline(always)]
pub(crate) unsafe fn prepare_loop(vm: *mut Vm, slot: *mut Value) {
    let generator = *slot.sub(3);
    if (*slot.sub(2)).is_table() {
        if (generator == (*vm).next_function) & (*slot.sub(1)).is_nil() {
            *slot.sub(3) = NEXT_MARK;
            *slot.sub(1) = Value(0);
            // Charged at once: there may be nothing left in a large table, and then the loop has no
            // body to charge for.
            let table = (*slot.sub(2)).untag(TABLE) as *const Table;
            let nodes = 1i64 << ((32 - u32::from((*table).shift)) & 63);
            (*vm).fuel -= (i64::from((*table).array_size) + nodes) >> 4;
        } else if (generator == (*vm).index_iterator) & ((*slot.sub(1)).0 == 0) {
            *slot.sub(3) = INDEX_MARK;
        }
    }
}

handlers! { (pc, base, d, a, k, vm)
    ForEachPrepare {
        prepare_loop(vm, base.add(a as usize));
        pc = pc.offset(distance(d));
    }
    ForEachCall {
        charge!();
        let slot = base.add(a as usize);
        let generator = *slot.sub(3);
        if generator == NEXT_MARK {
            jump!(next_pair, d, a);
        }
        if generator == INDEX_MARK {
            jump!(next_index_pair, d, a);
        }
        pass_to_generator(slot);
        jump!(DoCall, (d & 0xff) | 2 << 8, a);
    }
    /// An entry word: the instruction, then the unit behind it.
    for_each_call_entry {
        charge!();
        jump!(unit::enter_loop, d, a);
    }
    /// The next entry of the table that a loop with `next` goes through, from the place in its
    /// control variable on.
    next_pair {
        let slot = base.add(a as usize);
        let table = (*slot.sub(2)).untag(TABLE) as *const Table;
        let position = (*slot.sub(1)).0;
        if position >= u64::from((*table).array_size) {
            jump!(next_node, d, a);
        }
        let value = *(*table).array.add(position as usize + 1);
        *slot.sub(1) = Value(position + 1);
        if value.is_nil() {
            jump!(skip_slots, d, a);
        }
        *slot = Value::arithmetic((position + 1) as i64 as f64);
        *slot.add(1) = value;
        if b(d) > 3 {
            jump!(clear_rest, d, a);
        }
        pc = body(pc);
    }
    /// The same, after the array part.
    next_node {
        let slot = base.add(a as usize);
        let table = (*slot.sub(2)).untag(TABLE) as *const Table;
        let position = (*slot.sub(1)).0;
        let index = position - u64::from((*table).array_size);
        if index >> ((32 - u32::from((*table).shift)) & 63) != 0 {
            dispatch!(pc.add(1), base, k, vm)
        }
        let node = (*table).nodes.add(index as usize);
        *slot.sub(1) = Value(position + 1);
        let value = (*node).value;
        if value.is_nil() {
            jump!(skip_nodes, d, a);
        }
        *slot = (*node).key;
        *slot.add(1) = value;
        if b(d) > 3 {
            jump!(clear_rest, d, a);
        }
        pc = body(pc);
    }
    /// Passes what is nil in the array part.
    skip_slots {
        let slot = base.add(a as usize);
        let table = (*slot.sub(2)).untag(TABLE) as *const Table;
        let mut position = (*slot.sub(1)).0;
        while position < u64::from((*table).array_size)
            && (*(*table).array.add(position as usize + 1)).is_nil()
        {
            position += 1;
        }
        *slot.sub(1) = Value(position);
        jump!(next_pair, d, a);
    }
    /// Passes free nodes.
    skip_nodes {
        let slot = base.add(a as usize);
        let table = (*slot.sub(2)).untag(TABLE) as *const Table;
        let size = u64::from((*table).array_size);
        let count = 1u64 << ((32 - u32::from((*table).shift)) & 63);
        let mut index = (*slot.sub(1)).0 - size;
        while index < count && (*(*table).nodes.add(index as usize)).value.is_nil() {
            index += 1;
        }
        *slot.sub(1) = Value(size + index);
        jump!(next_node, d, a);
    }
    /// The next element of the list that a loop with `ipairs` goes through.
    next_index_pair {
        let slot = base.add(a as usize);
        let table = (*slot.sub(2)).untag(TABLE) as *const Table;
        let index = (*slot.sub(1)).as_f64() + 1.0;
        let place = cut_off(index);
        if place.wrapping_sub(1) >= (*table).array_size {
            cold!(next_index);
        }
        let value = *(*table).array.add(place as usize);
        if value.is_nil() {
            cold!(next_index);
        }
        *slot = Value::arithmetic(index);
        *slot.add(1) = value;
        *slot.sub(1) = Value::arithmetic(index);
        if b(d) > 3 {
            jump!(clear_rest, d, a);
        }
        pc = body(pc);
    }
    /// A marked loop with more than two variables: the others are nil.
    clear_rest {
        let mut slot = 2;
        while slot + 1 < b(d) {
            *base.add(a as usize + slot) = Value::NIL;
            keep_loop!();
            slot += 1;
        }
        pc = body(pc);
    }
    ForEachLoop {
        let value = *base.add(a as usize);
        if !value.is_nil() {
            *base.add(a as usize - 1) = value;
            pc = pc.offset(distance(d));
        }
    }
}

/// Sets up the call of a loop's generator, in the slots of the loop's variables.
///
/// # Safety
/// `slot` is that of the first variable of a generic `for`.
#[inline(always)]
pub(crate) unsafe fn pass_to_generator(slot: *mut Value) {
    *slot = *slot.sub(3);
    *slot.add(2) = *slot.sub(2);
    *slot.add(3) = *slot.sub(1);
}

/// Passes the next entry of a loop to its first two variables, for machine code.
///
/// # Safety
/// `slot` is that of the first variable of a generic `for` whose body is running or is about to.
pub(crate) unsafe fn advance_loop(slot: *mut Value) -> u64 {
    let generator = *slot.sub(3);
    if generator == INDEX_MARK {
        let table = (*slot.sub(2)).untag(TABLE) as *const Table;
        let index = (*slot.sub(1)).as_f64() + 1.0;
        let place = cut_off(index);
        let mut value = Value::NIL;
        if place.wrapping_sub(1) < (*table).array_size {
            value = *(*table).array.add(place as usize);
        }
        if value.is_nil() {
            value = table::get(table, Value::number(index));
        }
        if value.is_nil() {
            return Advance::ENDED;
        }
        *slot = Value::number(index);
        *slot.add(1) = value;
        *slot.sub(1) = Value::number(index);
        return Advance::FOUND;
    }
    if generator != NEXT_MARK {
        return Advance::CALLS;
    }
    let table = (*slot.sub(2)).untag(TABLE) as *const Table;
    match table::iterate::next_from(table, (*slot.sub(1)).0) {
        Some((position, key, value)) => {
            *slot.sub(1) = Value(position);
            *slot = key;
            *slot.add(1) = value;
            Advance::FOUND
        }
        None => Advance::ENDED,
    }
}

/// Clears the variables of a loop after the first two.
///
/// # Safety
/// `slot` is that of the first variable, and there are `variables`.
pub(crate) unsafe fn clear_rest_of_loop(slot: *mut Value, variables: usize) {
    for rest in 2..variables {
        *slot.add(rest) = Value::NIL;
    }
}

/// Sets the hidden variables of a loop, from the generator on, to the values that a loop without
/// marks would have: a debugger reads or changes them. The loop continues with calls.
///
/// # Safety
/// The slots are those of a generic `for` whose body is running.
pub(crate) unsafe fn unmark_loop(vm: &Vm, generator: *mut Value) {
    if *generator == INDEX_MARK {
        *generator = vm.index_iterator;
    } else if *generator == NEXT_MARK {
        let table = (*generator.add(1)).untag(TABLE) as *const Table;
        let control = generator.add(2);
        *control = table::iterate::key_before(table, (*control).0).unwrap_or(*control.add(1));
        *generator = vm.next_function;
    }
}

cold_functions! {
    /// The next index of an `ipairs` loop is not in the array part: it may be in the hash part, or
    /// the loop ends.
    fn next_index(vm, instruction) {
        let slot = vm.base.add(instruction.a() as usize);
        if advance_loop(slot) == Advance::ENDED {
            vm.pc = vm.pc.add(1);
            return CONTINUE;
        }
        clear_rest_of_loop(slot, (instruction.b() as usize).saturating_sub(1));
        vm.pc = vm.pc.offset(1 + Instruction(*vm.pc).short_jump() as isize);
        CONTINUE
    }
}
