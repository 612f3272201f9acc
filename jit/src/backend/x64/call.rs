//! Calls of `extern "C"` functions.
//!
//! Registers that a call destroys are kept in the upper words of the frame if they are live across
//! it. So are those that hold arguments and are destroyed by the passing of others.

use super::super::allocate::Place;
use super::super::linear::{Class, Operand, Register, Span};
use super::encoder::Size;
use super::operand::{General, Memory, RAX, RCX, RDI, RDX, RSI, Source, Vector};
use super::select::Selection;
use super::{DOUBLE, INTEGER, MAX_STACK, frame_word, is_preserved};

/// The registers of the arguments.
const ARGUMENTS: [General; 4] = [RDI, RSI, RDX, RCX];

/// Where a general register is kept.
fn kept(register: General) -> Memory {
    frame_word(MAX_STACK + register.0 as usize)
}

/// Where a vector register is kept.
fn kept_vector(register: Vector) -> Memory {
    frame_word(MAX_STACK + 16 + register.0 as usize)
}

impl Selection<'_> {
    pub(super) fn call(&mut self, sequence: u32, target: Register, function: u64, arguments: Span) {
        let (allocation, linear) = (self.allocation, self.function);
        let arguments = &linear.arguments[arguments.range()];
        let target_place = self.place(target);
        let is_live = |class: Class, number: u8| {
            let is_target = class == Class::Integer && target_place == Place::Register(number);
            let is_kept = is_target || is_preserved(class, number);
            !is_kept && allocation.is_live_across(class, number, sequence)
        };
        let general = || {
            let live = INTEGER.iter().filter(|&&number| is_live(Class::Integer, number));
            live.map(|&number| General(number))
        };
        let vectors = || {
            let live = DOUBLE.iter().filter(|&&number| is_live(Class::Double, number));
            live.map(|&number| Vector(number))
        };
        for register in general() {
            self.encoder.store(Size::Quad, kept(register), register);
        }
        for register in vectors() {
            self.encoder.store_double(kept_vector(register), register);
        }
        self.pass(arguments);
        self.encoder.load_constant(RAX, function as i64);
        self.encoder.call(RAX);
        for register in general() {
            self.encoder.move_word(register, Source::Memory(kept(register)));
        }
        for register in vectors() {
            self.encoder.move_double(register, Source::Memory(kept_vector(register)));
        }
        self.settle(target, RAX);
    }

    fn pass(&mut self, arguments: &[Operand]) {
        let register_of =
            |selection: &Self, argument: Operand| match selection.place(argument.register()?) {
                Place::Register(number) => Some(General(number)),
                _ => None,
            };
        // An argument that is in the register of another one is read from memory.
        let in_the_way =
            |source: General, own: General| source != own && ARGUMENTS.contains(&source);
        for (&argument, own) in arguments.iter().zip(ARGUMENTS) {
            if let Some(source) = register_of(self, argument)
                && in_the_way(source, own)
            {
                self.encoder.store(Size::Quad, kept(source), source);
            }
        }
        for (&argument, own) in arguments.iter().zip(ARGUMENTS) {
            match register_of(self, argument) {
                Some(source) if in_the_way(source, own) => {
                    self.encoder.move_word(own, Source::Memory(kept(source)));
                }
                _ => self.move_general(own, argument),
            }
        }
    }
}
