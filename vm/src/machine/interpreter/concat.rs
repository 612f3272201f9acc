//! Concatenation: right to left, as many strings at once as possible, metamethods in between.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{CALL, CONTINUE, cold_functions, dispatch, handlers};
use super::index::find_metamethod;
use crate::heap::coerce;
use crate::heap::gc::{self, Heap};
use crate::heap::string::{self, NoString};
use crate::layout::frame;
use crate::layout::metamethod::Metamethod;
use crate::layout::object::{MAX_SHORT, Str};
use crate::layout::value::Value;
use crate::machine::debug_info;
use crate::machine::scheduler;
use crate::machine::thread;
use crate::machine::type_error::Operation;
use crate::machine::unwind::{throw_out_of_memory, throw_text};
use crate::machine::vm::Vm;
use crate::messages;
use crate::number::NumberText;
use smallvec::SmallVec;
use solvm_compiler::bytecode::Instruction;
use std::ptr::null_mut;

handlers! { (pc, base, d, a, k, vm)
    Concatenate { cold!(concatenate) }
}

cold_functions! {
    fn concatenate(vm, instruction) {
        if !scheduler::safepoint(vm) {
            return throw_out_of_memory(vm);
        }
        let (first, last) = (instruction.b() as usize, instruction.c() as usize);
        let operands = std::slice::from_raw_parts(vm.base.add(first), last - first + 1);
        if let Some(joined) = join_short(&mut vm.heap, operands) {
            *vm.base.add(instruction.a() as usize) = Value::from_string(joined);
            gc::charge(&mut vm.fuel, last - first);
            return CONTINUE;
        }
        concatenate_from(vm, instruction, instruction.c() as usize)
    }
}

/// The concatenation of strings and numbers, if it is a short string.
///
/// # Safety
/// The operands are alive.
#[inline(always)]
unsafe fn join_short(heap: &mut Heap, operands: &[Value]) -> Option<*mut Str> {
    let mut bytes = [0; MAX_SHORT];
    let mut length = 0;
    for operand in operands {
        let number;
        let piece = match operand.to_string() {
            Some(string) => string::bytes(string),
            None if operand.is_number() => {
                number = NumberText::new(operand.as_f64());
                &number
            }
            None => return None,
        };
        let target = bytes.get_mut(length..length + piece.len())?;
        string::copy_few(piece.as_ptr(), target.as_mut_ptr(), piece.len());
        length += piece.len();
    }
    Some(heap.intern(&bytes[..length]))
}

/// Joins `R[B]` to `R[last]`, where what came after `last` is already part of `R[last]`.
///
/// # Safety
/// A Lua frame is running, and `instruction` is its Concatenate before `vm.pc`; `last` is one of
/// its operands.
pub(crate) unsafe fn concatenate_from(vm: &mut Vm, instruction: Instruction, last: usize) -> u64 {
    let first = instruction.b() as usize;
    let mut last = last;
    while last > first {
        let base = vm.base;
        let mut start = last + 1;
        while start > first && coerce::is_string_or_number(*base.add(start - 1)) {
            start -= 1;
        }
        if start < last {
            let operands = std::slice::from_raw_parts(base.add(start), last - start + 1);
            let numbers = operands.iter().filter(|value| value.is_number());
            let numbers: SmallVec<[NumberText; 4]> =
                numbers.map(|value| NumberText::new(value.as_f64())).collect();
            let mut number = numbers.iter();
            let mut length = 0;
            let mut pieces = SmallVec::<[&[u8]; 8]>::new();
            for operand in operands {
                let piece = match operand.to_string() {
                    Some(string) => string::bytes(string),
                    None => number.next().map_or(&[][..], |text| text),
                };
                pieces.push(piece);
                length += piece.len();
            }
            if length <= string::MAX_LENGTH && vm.heap.would_exceed(length) {
                // The parts are those of operands, which a collection keeps alive.
                let top = vm.base;
                thread::save(vm, top);
                scheduler::collect(vm);
                if vm.heap.would_exceed(length) {
                    return throw_out_of_memory(vm);
                }
            }
            let base = vm.base;
            let first = (*base.add(start)).to_string().unwrap_or(null_mut());
            match vm.heap.concatenate(first, &pieces) {
                Ok(joined) => *base.add(start) = Value::from_string(joined),
                Err(NoString::TooLong) => return throw_text(vm, messages::STRING_OVERFLOW),
                Err(NoString::OutOfMemory) => return throw_out_of_memory(vm),
            }
            gc::charge(&mut vm.fuel, last - start);
            last = start;
            continue;
        }
        let (x, y) = (*base.add(last - 1), *base.add(last));
        let mut method = find_metamethod(vm, x, Metamethod::Concatenate);
        if method.is_nil() {
            method = find_metamethod(vm, y, Metamethod::Concatenate);
        }
        if method.is_nil() {
            let culprit = if coerce::is_string_or_number(x) { last } else { last - 1 };
            let text = debug_info::register_error(vm, Operation::Concatenation(x, y), culprit);
            return throw_text(vm, text);
        }
        let frame_size = (*frame::prototype_of(base)).frame_size as usize;
        let above = base.add(frame_size);
        *above = Value((last - 1) as u64);
        *above.add(1) = *base.sub(2);
        *above.add(2) = frame::link(frame_size + 3, vm.pc);
        *above.add(3) = method;
        *above.add(5) = x;
        *above.add(6) = y;
        vm.top = above.add(7);
        vm.base = above.add(3);
        vm.pc = frame::concatenation();
        return CALL;
    }
    *vm.base.add(instruction.a() as usize) = *vm.base.add(first);
    vm.k = frame::constants_of(vm.base);
    CONTINUE
}
