//! Comparison handlers: each reads the Jump word that follows it.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{CONTINUE, cold_functions, dispatch, handlers};
use super::index::{call_metamethod, find_metamethod};
use super::operand::{b, c, jump_target};
use crate::heap::string;
use crate::heap::table;
use crate::layout::frame;
use crate::layout::metamethod::Metamethod;
use crate::layout::object::{Kind, Str, Table};
use crate::layout::value::{STRING, TABLE, USERDATA, Value, is_pointer};
use crate::machine::type_error;
use crate::machine::unwind::throw_text;
use crate::machine::vm::Vm;
use solvm_compiler::bytecode::{Instruction, Opcode};
use std::cmp::Ordering;

macro_rules! orders {
    ($(
        $name:ident |$x:ident, $y:ident, $base:ident, $k:ident, $a:ident, $d:ident|
            $left:expr, $right:expr => $condition:expr;
    )*) => {
        handlers! { (pc, base, d, a, k, vm) $(
            $name {
                let ($base, $k, $a, $d) = (base, k, a as usize, d as usize);
                let $x = (*$left).as_f64();
                let $y = (*$right).as_f64();
                if $x.is_nan() | $y.is_nan() {
                    cold!(order);
                }
                pc = if $condition { jump_target(pc) } else { pc.add(1) };
            } )*
        }
    };
}

orders! {
    LessVV |x, y, base, k, a, d| base.add(a), base.add(d) => x < y;
    LessVK |x, y, base, k, a, d| base.add(a), k.add(d) => x < y;
    LessKV |x, y, base, k, a, d| k.add(d), base.add(a) => x < y;
    NotLessVV |x, y, base, k, a, d| base.add(a), base.add(d) => x >= y;
    NotLessVK |x, y, base, k, a, d| base.add(a), k.add(d) => x >= y;
    NotLessKV |x, y, base, k, a, d| k.add(d), base.add(a) => x >= y;
    LessEqualVV |x, y, base, k, a, d| base.add(a), base.add(d) => x <= y;
    LessEqualVK |x, y, base, k, a, d| base.add(a), k.add(d) => x <= y;
    LessEqualKV |x, y, base, k, a, d| k.add(d), base.add(a) => x <= y;
    NotLessEqualVV |x, y, base, k, a, d| base.add(a), base.add(d) => x > y;
    NotLessEqualVK |x, y, base, k, a, d| base.add(a), k.add(d) => x > y;
    NotLessEqualKV |x, y, base, k, a, d| k.add(d), base.add(a) => x > y;
}

macro_rules! equality {
    ($(
        $equal:ident $not_equal:ident |$x:ident, $y:ident, $base:ident, $k:ident, $d:ident|
            $second:expr => $holds:expr;
    )*) => { $(
        handlers! { (pc, $base, $d, a, $k, vm)
            $equal {
                let ($x, $y) = (*$base.add(a as usize), *$second);
                let equal = $holds;
                if !equal && may_be_equal($x, $y) {
                    cold!(equal);
                }
                pc = if equal { jump_target(pc) } else { pc.add(1) };
            }
            $not_equal {
                let ($x, $y) = (*$base.add(a as usize), *$second);
                let equal = $holds;
                if !equal && may_be_equal($x, $y) {
                    cold!(equal);
                }
                pc = if equal { pc.add(1) } else { jump_target(pc) };
            }
        }
    )* };
}

equality! {
    // NaN, which has equal bits, is equal to nothing.
    EqualVV NotEqualVV |x, y, base, k, d|
        base.add(d as usize) => x.as_f64() == y.as_f64() || (x == y && !x.is_number());
    // No constant is NaN.
    EqualVK NotEqualVK |x, y, base, k, d|
        k.add(d as usize) => x == y || x.as_f64() == y.as_f64();
}

handlers! { (pc, base, d, a, k, vm)
    EqualVP {
        let equal = (*base.add(a as usize)).0 == Value::NIL.0 - d;
        pc = if equal { jump_target(pc) } else { pc.add(1) };
    }
    NotEqualVP {
        let equal = (*base.add(a as usize)).0 == Value::NIL.0 - d;
        pc = if equal { pc.add(1) } else { jump_target(pc) };
    }
    IsLess {
        let (x, y) = ((*base.add(b(d))).as_f64(), (*base.add(c(d))).as_f64());
        if x.is_nan() | y.is_nan() {
            cold!(order_value);
        }
        *base.add(a as usize) = Value::boolean(x < y);
    }
    IsLessEqual {
        let (x, y) = ((*base.add(b(d))).as_f64(), (*base.add(c(d))).as_f64());
        if x.is_nan() | y.is_nan() {
            cold!(order_value);
        }
        *base.add(a as usize) = Value::boolean(x <= y);
    }
}

/// Whether two different words can still be equal: tables and userdata by a metamethod, long
/// strings by their bytes.
///
/// # Safety
/// The values are alive.
#[inline(always)]
unsafe fn may_be_equal(x: Value, y: Value) -> bool {
    let tag = x.tag();
    if tag != y.tag() {
        return false;
    }
    if tag == STRING {
        return (*(x.address() as *const Str)).header.kind as u8 != Kind::ShortString as u8;
    }
    (tag == TABLE) | (tag == USERDATA)
}

/// Whether a comparing instruction jumps when its relation does not hold.
#[inline(always)]
pub(crate) fn is_negated(instruction: u32) -> bool {
    use Opcode::*;
    const NEGATED: [Opcode; 8] = [
        NotLessVV,
        NotLessVK,
        NotLessKV,
        NotLessEqualVV,
        NotLessEqualVK,
        NotLessEqualKV,
        NotEqualVV,
        NotEqualVK,
    ];
    let opcode = instruction & 0xff;
    NEGATED.iter().any(|negated| *negated as u32 == opcode)
}

/// Ends the comparison before `vm.pc`: its relation holds or not.
///
/// # Safety
/// A comparison followed by a Jump word is before `vm.pc`.
unsafe fn decide(vm: &mut Vm, instruction: Instruction, holds: bool) -> u64 {
    vm.pc = if holds != is_negated(instruction.0) { jump_target(vm.pc) } else { vm.pc.add(1) };
    CONTINUE
}

/// `x < y` or `x <= y` where it takes no metamethod: None if it does.
fn order_raw(x: Value, y: Value, or_equal: bool) -> Option<bool> {
    if x.is_number() && y.is_number() {
        let (p, q) = (x.as_f64(), y.as_f64());
        return Some(if or_equal { p <= q } else { p < q });
    }
    let (p, q) = (x.to_string()?, y.to_string()?);
    // SAFETY: both values are live strings.
    let order = unsafe { string::order(p, q) };
    Some(order == Ordering::Less || or_equal && order == Ordering::Equal)
}

/// The metamethod that both operands share for an event (Lua 5.1 asks that they be the same).
///
/// # Safety
/// The values are alive.
#[inline(always)]
unsafe fn shared_metamethod(vm: &Vm, x: Value, y: Value, event: Metamethod) -> Value {
    let (p, q) = (x.untag(TABLE), y.untag(TABLE));
    if is_pointer(p)
        && is_pointer(q)
        && (*(p as *const Table)).metatable == (*(q as *const Table)).metatable
    {
        let metatable = (*(p as *const Table)).metatable;
        let name = vm.metamethod_names[event as usize];
        return match event {
            // That it is absent is remembered.
            Metamethod::Equal => table::metamethod(metatable, event, name),
            _ => table::operator(metatable, name),
        };
    }
    shared_metamethod_of_others(vm, x, y, event)
}

/// As [`shared_metamethod`], where not both are tables with the same metatable.
///
/// # Safety
/// The values are alive.
#[inline(never)]
unsafe fn shared_metamethod_of_others(vm: &Vm, x: Value, y: Value, event: Metamethod) -> Value {
    let first = find_metamethod(vm, x, event);
    if first.is_nil() || first == find_metamethod(vm, y, event) { first } else { Value::NIL }
}

/// What decides `x < y` or `x <= y`.
enum Order {
    Known(bool),
    /// Call the function with (x, y).
    Call(Value),
    /// Call the function with (y, x) and invert its result.
    CallInverted(Value),
    Impossible,
}

/// Decides an ordering if that takes no call.
///
/// # Safety
/// The values are alive.
#[inline(always)]
unsafe fn order_of(vm: &Vm, x: Value, y: Value, or_equal: bool) -> Order {
    if !x.is_table()
        && let Some(holds) = order_raw(x, y, or_equal)
    {
        return Order::Known(holds);
    }
    if or_equal {
        let method = shared_metamethod(vm, x, y, Metamethod::LessEqual);
        if !method.is_nil() {
            return Order::Call(method);
        }
    }
    let method = shared_metamethod(vm, x, y, Metamethod::Less);
    match (method.is_nil(), or_equal) {
        (true, _) => Order::Impossible,
        (false, false) => Order::Call(method),
        (false, true) => Order::CallInverted(method),
    }
}

cold_functions! {
    /// An ordering of strings, by metamethods, of NaNs, or of what has no order.
    fn order(vm, instruction) {
        let Some(opcode) = instruction.opcode() else { return CONTINUE };
        let (a, d) = (*vm.base.add(instruction.a() as usize), instruction.d() as usize);
        use Opcode::*;
        let (x, y) = match opcode {
            LessVV | NotLessVV | LessEqualVV | NotLessEqualVV => (a, *vm.base.add(d)),
            LessVK | NotLessVK | LessEqualVK | NotLessEqualVK => (a, *vm.k.add(d)),
            _ => (*vm.k.add(d), a),
        };
        let or_equal = matches!(
            opcode,
            LessEqualVV
                | LessEqualVK
                | LessEqualKV
                | NotLessEqualVV
                | NotLessEqualVK
                | NotLessEqualKV
        );
        match order_of(vm, x, y, or_equal) {
            Order::Known(holds) => decide(vm, instruction, holds),
            Order::Call(method) => call_metamethod(vm, method, &[x, y], frame::condition()),
            Order::CallInverted(method) => {
                call_metamethod(vm, method, &[y, x], frame::inverted_condition())
            }
            Order::Impossible => {
                let text = type_error::compare(vm.dialect, x, y);
                throw_text(vm, text)
            }
        }
    }
    /// The same where the result is a value.
    fn order_value(vm, instruction) {
        let x = *vm.base.add(instruction.b() as usize);
        let y = *vm.base.add(instruction.c() as usize);
        let or_equal = instruction.opcode() == Some(Opcode::IsLessEqual);
        match order_of(vm, x, y, or_equal) {
            Order::Known(holds) => {
                *vm.base.add(instruction.a() as usize) = Value::boolean(holds);
                CONTINUE
            }
            Order::Call(method) => call_metamethod(vm, method, &[x, y], frame::boolean()),
            Order::CallInverted(method) => {
                call_metamethod(vm, method, &[y, x], frame::inverted_boolean())
            }
            Order::Impossible => {
                let text = type_error::compare(vm.dialect, x, y);
                throw_text(vm, text)
            }
        }
    }
    /// Two different objects that may still be equal.
    fn equal(vm, instruction) {
        let Some(opcode) = instruction.opcode() else { return CONTINUE };
        let x = *vm.base.add(instruction.a() as usize);
        let d = instruction.d() as usize;
        let y = match opcode {
            Opcode::EqualVK | Opcode::NotEqualVK => *vm.k.add(d),
            _ => *vm.base.add(d),
        };
        if let (Some(p), Some(q)) = (x.to_string(), y.to_string()) {
            return decide(vm, instruction, string::equal(p, q));
        }
        let method = shared_metamethod(vm, x, y, Metamethod::Equal);
        if method.is_nil() {
            return decide(vm, instruction, false);
        }
        call_metamethod(vm, method, &[x, y], frame::condition())
    }
}

/// Whether two values are the same without metamethods (`rawequal`).
///
/// # Safety
/// The values are alive.
pub(crate) unsafe fn raw_equal(x: Value, y: Value) -> bool {
    if x.is_number() && y.is_number() {
        return x.as_f64() == y.as_f64();
    }
    match (x.to_string(), y.to_string()) {
        (Some(p), Some(q)) => string::equal(p, q),
        _ => x == y,
    }
}

/// Whether two values are equal; None if a metamethod decides.
///
/// # Safety
/// The values are alive.
pub(crate) unsafe fn equality(vm: &Vm, x: Value, y: Value) -> Option<bool> {
    if raw_equal(x, y) {
        return Some(true);
    }
    let has_strings = x.is_string() && y.is_string();
    let is_decided = has_strings || shared_metamethod(vm, x, y, Metamethod::Equal).is_nil();
    is_decided.then_some(false)
}

/// The `__lt` metamethod that two values share; nil if they have no order.
///
/// # Safety
/// The values are alive.
pub(crate) unsafe fn less_than_metamethod(vm: &Vm, x: Value, y: Value) -> Value {
    shared_metamethod(vm, x, y, Metamethod::Less)
}
