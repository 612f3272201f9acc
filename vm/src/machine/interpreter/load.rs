//! Handlers that load registers: constants, primitives, moves.
//!
//! Safety: the contract of handlers in [`super::dispatch`].

use super::dispatch::{dispatch, handlers};
use crate::layout::value::Value;
use crate::machine::vm::Vm;

handlers! { (pc, base, d, a, k, vm)
    Move {
        *base.add(a as usize) = *base.add(d as usize);
    }
    LoadConstant {
        *base.add(a as usize) = *k.add(d as usize);
    }
    LoadConstantWide {
        *base.add(a as usize) = *k.add(*pc as usize);
        pc = pc.add(1);
    }
    LoadPrimitive {
        *base.add(a as usize) = Value(Value::NIL.0 - d);
    }
    LoadNil {
        let mut slot = a;
        while slot <= d {
            *base.add(slot as usize) = Value::NIL;
            slot += 1;
        }
    }
}
