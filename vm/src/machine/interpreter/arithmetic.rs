//! Arithmetic handlers: compute first, check the operands only if the result is a NaN.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{CONTINUE, cold_functions, dispatch, handlers};
use super::index::{call_metamethod, find_metamethod};
use super::operand::{b, c};
use crate::heap::coerce;
use crate::heap::table;
use crate::layout::frame;
use crate::layout::metamethod::Metamethod;
use crate::layout::object::{Str, Table};
use crate::layout::value::{STRING, TABLE, Value, is_pointer};
use crate::machine::debug_info;
use crate::machine::type_error::Operation;
use crate::machine::unwind::throw_text;
use crate::machine::vm::Vm;
use crate::messages::Dialect;
use crate::number::{FLOOR_LIMIT, floor_below_limit, round_below_limit, truncate};
use solvm_compiler::bytecode::{Instruction, Opcode};

/// Lua's modulo, `a - floor(a / b) * b`, without a call; None where the quotient is large, `y` is
/// 0, or an operand no number.
#[inline(always)]
fn modulo_fast(x: f64, y: f64) -> Option<f64> {
    let quotient = x / y;
    // The floor of -0 would be -0, and its difference to -0 is 0. Here the floor is 0: so `x` must
    // not be -0.
    (quotient.abs() < FLOOR_LIMIT).then(|| (x + 0.0) - floor_below_limit(quotient) * y)
}

/// The remainder of a whole number from 0 to 2^51 and a whole divisor up to 2^31 whose reciprocal
/// is known: without a division, which takes longer than all the rest. The product is near enough
/// to the quotient for the nearest whole number to be the quotient's floor or the number above.
#[inline(always)]
fn remainder_by_reciprocal(x: f64, divisor: f64, reciprocal: f64) -> f64 {
    let rest = x - round_below_limit(x * reciprocal) * divisor;
    rest + if rest < 0.0 { divisor } else { 0.0 }
}

/// Lua's modulo (manual, section 2.5.1).
pub(crate) fn modulo(x: f64, y: f64) -> f64 {
    x - (x / y).floor() * y
}

macro_rules! arithmetic {
    ($($vv:ident $vk:ident $kv:ident |$x:ident, $y:ident| $result:expr;)*) => {
        handlers! { (pc, base, d, a, k, vm) $(
            $vv {
                let ($x, $y) = ((*base.add(b(d))).as_f64(), (*base.add(c(d))).as_f64());
                let result: f64 = $result;
                if result.is_nan() {
                    cold!(arithmetic);
                }
                *base.add(a as usize) = Value::arithmetic(result);
            }
            $vk {
                let ($x, $y) = ((*base.add(b(d))).as_f64(), (*k.add(c(d))).as_f64());
                let result: f64 = $result;
                if result.is_nan() {
                    cold!(arithmetic);
                }
                *base.add(a as usize) = Value::arithmetic(result);
            }
            $kv {
                let ($x, $y) = ((*k.add(b(d))).as_f64(), (*base.add(c(d))).as_f64());
                let result: f64 = $result;
                if result.is_nan() {
                    cold!(arithmetic);
                }
                *base.add(a as usize) = Value::arithmetic(result);
            } )*
        }
    };
}

arithmetic! {
    AddVV AddVK AddKV |x, y| x + y;
    SubtractVV SubtractVK SubtractKV |x, y| x - y;
    MultiplyVV MultiplyVK MultiplyKV |x, y| x * y;
    DivideVV DivideVK DivideKV |x, y| x / y;
}

handlers! { (pc, base, d, a, k, vm)
    ModuloVV {
        let Some(result) = modulo_fast((*base.add(b(d))).as_f64(), (*base.add(c(d))).as_f64())
        else {
            cold!(arithmetic);
        };
        *base.add(a as usize) = Value::number(result);
    }
    ModuloVK {
        let x = *base.add(b(d));
        let whole = truncate(x.as_f64());
        if (whole as f64).to_bits() != x.0 {
            jump!(modulo_by_constant, d, a);
        }
        if whole as u64 >> 51 != 0 {
            jump!(modulo_by_constant, d, a);
        }
        let (divisor, reciprocal) = ((*k.add(c(d))).as_f64(), (*k.add(c(d) + 1)).as_f64());
        let result = remainder_by_reciprocal(x.as_f64(), divisor, reciprocal);
        *base.add(a as usize) = Value::arithmetic(result);
    }
    /// `ModuloVK` of a value that is not an integer from 0 to 2^51.
    modulo_by_constant {
        let Some(result) = modulo_fast((*base.add(b(d))).as_f64(), (*k.add(c(d))).as_f64()) else {
            cold!(arithmetic);
        };
        *base.add(a as usize) = Value::number(result);
    }
    PowerVV { cold!(arithmetic) }
    PowerVK {
        let x = (*base.add(b(d))).as_f64();
        if (*k.add(c(d))).as_f64() != 2.0 {
            cold!(arithmetic);
        }
        let result = x * x;
        if result.is_nan() {
            cold!(arithmetic);
        }
        *base.add(a as usize) = Value::arithmetic(result);
    }
    Negate {
        let x = *base.add(d as usize);
        if !x.is_number() {
            cold!(arithmetic);
        }
        let result = -x.as_f64();
        if result.is_nan() {
            cold!(arithmetic);
        }
        *base.add(a as usize) = Value::arithmetic(result);
    }
    Not {
        *base.add(a as usize) = Value::boolean(!(*base.add(d as usize)).is_truthy());
    }
    Length {
        let value = *base.add(d as usize);
        let table = value.untag(TABLE);
        if !is_pointer(table) {
            jump!(length_of_string, d, a);
        }
        let table = table as *const Table;
        let size = (*table).array_size;
        if size == 0 {
            cold!(length);
        }
        if (*(*table).array.add(size as usize)).is_nil() {
            jump!(length_of_list, d, a);
        }
        if (*table).nodes != table::hash::empty() {
            cold!(length);
        }
        *base.add(a as usize) = Value::arithmetic(f64::from(size));
    }
    /// The border of a table whose array part has a last slot, with nil in it.
    length_of_list {
        let table = (*base.add(d as usize)).untag(TABLE) as *const Table;
        *base.add(a as usize) = Value::arithmetic(table::array::border(table) as i64 as f64);
    }
    length_of_string {
        let string = (*base.add(d as usize)).untag(STRING);
        if !is_pointer(string) {
            cold!(length);
        }
        *base.add(a as usize) = Value::arithmetic(f64::from((*(string as *const Str)).length));
    }
    /// `Length` where tables may have `__len`.
    length_of_objects { cold!(length); }
}

/// The operation of an arithmetic instruction.
#[derive(Clone, Copy)]
struct Meaning {
    event: Metamethod,
    left: Operand,
    right: Operand,
}

/// Where an operand is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    B,
    C,
    ConstantB,
    ConstantC,
    /// The only one.
    D,
}

impl Operand {
    /// Its value.
    ///
    /// # Safety
    /// The instruction is that of the running Lua frame.
    #[inline(always)]
    unsafe fn value(self, vm: &Vm, instruction: Instruction) -> Value {
        let base =
            if matches!(self, Operand::ConstantB | Operand::ConstantC) { vm.k } else { vm.base };
        let index = match self {
            Operand::B | Operand::ConstantB => u16::from(instruction.b()),
            Operand::C | Operand::ConstantC => u16::from(instruction.c()),
            Operand::D => instruction.d(),
        };
        *base.add(index as usize)
    }
}

/// The meaning of every arithmetic instruction, by the low byte of its word.
static MEANINGS: [Meaning; 256] = {
    use Metamethod::*;
    use Operand::*;
    let mut meanings = [Meaning { event: Negate, left: D, right: D }; 256];
    let mut i = 0;
    let events = [Add, Subtract, Multiply, Divide, Modulo, Power];
    let opcodes = [
        [Opcode::AddVV, Opcode::AddVK, Opcode::AddKV],
        [Opcode::SubtractVV, Opcode::SubtractVK, Opcode::SubtractKV],
        [Opcode::MultiplyVV, Opcode::MultiplyVK, Opcode::MultiplyKV],
        [Opcode::DivideVV, Opcode::DivideVK, Opcode::DivideKV],
        // These two have no form with a constant on the left.
        [Opcode::ModuloVV, Opcode::ModuloVK, Opcode::ModuloVK],
        [Opcode::PowerVV, Opcode::PowerVK, Opcode::PowerVK],
    ];
    while i < events.len() {
        let [both, right, left] = opcodes[i];
        meanings[left as usize] = Meaning { event: events[i], left: ConstantB, right: C };
        meanings[right as usize] = Meaning { event: events[i], left: B, right: ConstantC };
        meanings[both as usize] = Meaning { event: events[i], left: B, right: C };
        i += 1;
    }
    meanings
};

/// The number that an arithmetic event gives for two numbers.
pub(crate) fn compute(event: Metamethod, x: f64, y: f64) -> f64 {
    match event {
        Metamethod::Add => x + y,
        Metamethod::Subtract => x - y,
        Metamethod::Multiply => x * y,
        Metamethod::Divide => x / y,
        Metamethod::Modulo => modulo(x, y),
        Metamethod::Power => x.powf(y),
        _ => -x,
    }
}

/// Arithmetic on values that are not tables with a metamethod: numeric strings, other objects,
/// errors.
///
/// # Safety
/// As for cold functions. The operands are alive.
#[inline(never)]
unsafe fn arithmetic_of_others(
    vm: &mut Vm,
    instruction: Instruction,
    event: Metamethod,
    x: Value,
    y: Value,
) -> u64 {
    if let (Some(p), Some(q)) = (coerce::to_number(x), coerce::to_number(y)) {
        *vm.base.add(instruction.a() as usize) = Value::number(compute(event, p, q));
        return CONTINUE;
    }
    let mut method = find_metamethod(vm, x, event);
    if method.is_nil() {
        method = find_metamethod(vm, y, event);
    }
    if method.is_nil() {
        let culprit = if coerce::to_number(x).is_none() { x } else { y };
        let text = debug_info::operand_error(vm, Operation::Arithmetic(event, x, y), culprit);
        return throw_text(vm, text);
    }
    call_metamethod(vm, method, &[x, y], frame::result())
}

cold_functions! {
    /// Operands that are strings, have metamethods, are not numbers, or result in a NaN.
    fn arithmetic(vm, instruction) {
        let Meaning { event, left, right } = MEANINGS[(instruction.0 & 0xff) as usize];
        let (x, y) = (left.value(vm, instruction), right.value(vm, instruction));
        if let Some(table) = x.to_table() {
            let method = table::operator((*table).metatable, vm.metamethod_names[event as usize]);
            if !method.is_nil() {
                return call_metamethod(vm, method, &[x, y], frame::result());
            }
        }
        arithmetic_of_others(vm, instruction, event, x, y)
    }
    /// The length of a string, of a table whose border is not at the end of its array part, or by a
    /// metamethod.
    fn length(vm, instruction) {
        let value = *vm.base.add(instruction.d() as usize);
        let string = value.untag(STRING);
        let length = if is_pointer(string) {
            u64::from((*(string as *const Str)).length)
        } else if let Some(table) = value.to_table() {
            if vm.dialect == Dialect::GopherLua {
                let method = find_metamethod(vm, value, Metamethod::Length);
                if !method.is_nil() {
                    return call_metamethod(vm, method, &[value], frame::result());
                }
            }
            table::length(table)
        } else {
            let method = find_metamethod(vm, value, Metamethod::Length);
            if method.is_nil() {
                let text = debug_info::operand_error(vm, Operation::Length, value);
                return throw_text(vm, text);
            }
            return call_metamethod(vm, method, &[value], frame::result());
        };
        *vm.base.add(instruction.a() as usize) = Value::number(length as f64);
        CONTINUE
    }
}
