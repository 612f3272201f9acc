//! Every opcode, declared once: its name, its operands, what follows it, its effect in one line.
//! Encoding, disassembly, the interpreter's dispatch table, debug hooks and the search for variable
//! names in error messages all come from this list.
//!
//! Notation: `R[x]` register x of the running function, `K[x]` its constant x, `U[x]` its upvalue
//! x, `top` the end of an open list of values. A call word (`Call`, `CallOpen`, `ForEachCall`) has
//! the callee's slot in A and the expected number of results + 1 in B (`OPEN`: all results, their
//! end in `top`). The callee is in `R[A]`, `R[A+1]` is reserved for the return link, the arguments
//! start at `R[A+2]`; the results start at `R[A]`.
//!
//! Suffixes specify where operands are: V a register, K a constant, P a primitive (0 nil, 1 false,
//! 2 true).

/// The meaning of an operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Not used; zero.
    None,
    /// The register that receives the result.
    Target,
    /// A register that is read.
    Register,
    /// The first of multiple registers that are read, as the effect specifies.
    First,
    /// The first of multiple registers that receive results; what is in those above is lost, too.
    FirstTarget,
    /// The first of the registers, up to D, that receive the result.
    RangeTarget,
    /// The register that receives the result; the second one above it receives the object.
    MethodTarget,
    /// An index into the constants.
    Constant,
    /// The index of a string constant whose hash is the constant after it.
    Field,
    /// The index of a number constant that is whole, from 1 to 2^31, and whose reciprocal is the
    /// constant after it.
    Divisor,
    /// An index into the function's upvalues.
    Upvalue,
    /// 0 nil, 1 false, 2 true.
    Primitive,
    /// A literal number.
    Integer,
    /// A number of values + 1, or `OPEN`.
    Results,
    /// A signed distance in instructions, counted from the next instruction.
    Jump,
    /// An index into the nested prototypes.
    Prototype,
    /// An index into the table templates.
    Template,
}

impl Operand {
    /// Whether it is a register, or the first of several.
    pub const fn is_register(self) -> bool {
        self.is_target() || matches!(self, Operand::Register | Operand::First)
    }

    /// Whether it is a register that the instruction writes, or the first of several.
    pub const fn is_target(self) -> bool {
        matches!(
            self,
            Operand::Target | Operand::FirstTarget | Operand::RangeTarget | Operand::MethodTarget
        )
    }
}

/// What runs after an instruction, if it raises no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next instruction.
    Next,
    /// The next instruction is a `Jump` that belongs to this one: taken or skipped.
    Compare,
    /// The target of a jump.
    Jump,
    /// The next instruction or the target of a jump.
    Branch,
    /// A function, then the next instruction.
    Call,
    /// A function; then the caller's, or, if it is not a Lua function, the next instruction.
    TailCall,
    /// The caller.
    Return,
}

/// How the 32 bits of an instruction are divided: the opcode in bits 0-7, then A in bits 8-15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A, B in bits 16-23, C in bits 24-31.
    Abc,
    /// A, D in bits 16-31 (signed for a jump).
    Ad,
    /// A signed distance J in bits 8-31.
    J,
}

/// B of a call word or of `Vararg`: as many values as there are, their end in `top`.
pub const OPEN: u8 = 255;

macro_rules! opcodes {
    (@format A $($rest:ident)*) => { opcodes!(@format2 $($rest)*) };
    (@format J) => { Format::J };
    (@format) => { Format::Ad };
    (@format B $($rest:ident)*) => { Format::Abc };
    (@format D) => { Format::Ad };
    (@format2 D) => { Format::Ad };
    (@format2) => { Format::Ad };
    (@format2 $($rest:ident)*) => { Format::Abc };
    (($dollar:tt) $(
        $(#[doc = $section:literal])*
        $name:ident ( $($field:ident : $operand:ident),* ) $([$flow:ident])? $effect:literal
    )*) => {
        /// An operation of the virtual machine.
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Opcode { $( #[doc = $effect] $name ),* }

        /// Calls a macro with the name of every opcode, in the order of its number.
        #[macro_export]
        macro_rules! for_each_opcode {
            ($dollar callback:ident) => { $dollar callback! { $($name)* } };
        }

        impl Opcode {
            /// Every opcode, in the order of its number.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name),*];
            /// The number of opcodes; numbers from here on, up to those of [entry
            /// words](Self::entry), are free for the interpreter's own use.
            pub const COUNT: usize = Self::ALL.len();

            /// The name as written in a disassembly.
            pub const fn name(self) -> &'static str {
                match self { $(Opcode::$name => stringify!($name)),* }
            }
            /// The effect in one line.
            pub const fn effect(self) -> &'static str {
                match self { $(Opcode::$name => $effect),* }
            }
            /// What runs after it.
            pub const fn flow(self) -> Flow {
                match self { $(Opcode::$name => opcodes!(@flow $($flow)?)),* }
            }
            /// The division of the instruction's bits.
            pub const fn format(self) -> Format {
                match self { $(Opcode::$name => opcodes!(@format $($field)*)),* }
            }
            /// The operands in the order A, B, C or A, D or J, with their meaning.
            pub const fn operands(self) -> &'static [(char, Operand)] {
                match self {
                    $(Opcode::$name => &[$((opcodes!(@letter $field), Operand::$operand)),*]),*
                }
            }
        }
    };
    (@flow) => { Flow::Next };
    (@flow $flow:ident) => { Flow::$flow };
    (@letter A) => { 'A' };
    (@letter B) => { 'B' };
    (@letter C) => { 'C' };
    (@letter D) => { 'D' };
    (@letter J) => { 'J' };
}

/// The opcodes that have a second number.
const ENTRIES: [Opcode; 4] =
    [Opcode::Loop, Opcode::ForLoop, Opcode::ForLoopStep, Opcode::ForEachCall];
/// The first of these numbers.
const FIRST_ENTRY: u8 = 240;

impl Opcode {
    /// The opcode of a number, first or second; None if it has none.
    pub fn of_number(number: u8) -> Option<Opcode> {
        let entry = || ENTRIES.get(usize::from(number.checked_sub(FIRST_ENTRY)?));
        Opcode::ALL.get(usize::from(number)).or_else(entry).copied()
    }

    /// The second number of an opcode that has one: it means the same, and the interpreter looks
    /// for machine code that continues after it. Compiled functions never contain it; a VM writes
    /// it into its own copy of the code.
    pub const fn entry(self) -> Option<u8> {
        let mut at = 0;
        while at < ENTRIES.len() {
            if ENTRIES[at] as u8 == self as u8 {
                return Some(FIRST_ENTRY + at as u8);
            }
            at += 1;
        }
        None
    }

    /// Whether the word after the instruction is data.
    pub const fn has_data_word(self) -> bool {
        matches!(self, Opcode::LoadConstantWide | Opcode::SetList)
    }

    /// Whether the instruction is a comparison, which the word after it, a `Jump`, belongs to.
    pub const fn is_comparison(self) -> bool {
        matches!(self.flow(), Flow::Compare)
    }

    /// Whether it calls the function in `R[A]`. (`ForEachCall` calls its generator.)
    pub const fn is_call(self) -> bool {
        matches!(self.flow(), Flow::Call | Flow::TailCall) && !matches!(self, Opcode::ForEachCall)
    }

    /// Whether it is a call that ends its function.
    pub const fn is_tail_call(self) -> bool {
        matches!(self.flow(), Flow::TailCall)
    }

    /// Whether it reads or writes a value of a table by a key in the source.
    pub const fn is_indexing(self) -> bool {
        matches!(
            self,
            Opcode::GetField
                | Opcode::SetField
                | Opcode::GetInteger
                | Opcode::SetInteger
                | Opcode::GetIndex
                | Opcode::SetIndex
                | Opcode::SelfField
                | Opcode::SelfIndex
        )
    }

    /// Whether it returns to the caller.
    pub const fn is_return(self) -> bool {
        matches!(self.flow(), Flow::Return)
    }

    /// Whether it ends a basic block: what comes next may not be the next instruction.
    pub const fn ends_block(self) -> bool {
        !matches!(self.flow(), Flow::Next | Flow::Call)
    }

    /// The register operand that it writes, if it does: always A.
    pub const fn target(self) -> Option<Operand> {
        match self.operands() {
            [('A', operand), ..] if operand.is_target() => Some(*operand),
            _ => None,
        }
    }
}

opcodes! {
    ($)
    // Loading registers.
    Move(A: Target, D: Register) "R[A] := R[D]"
    LoadConstant(A: Target, D: Constant) "R[A] := K[D]"
    LoadConstantWide(A: Target) "R[A] := K[next word]; skip the next word"
    LoadPrimitive(A: Target, D: Primitive) "R[A] := nil, false or true"
    LoadNil(A: RangeTarget, D: Register) "R[A], ..., R[D] := nil"

    // Upvalues, globals, closures.
    GetUpvalue(A: Target, D: Upvalue) "R[A] := U[D]"
    SetUpvalue(A: Register, D: Upvalue) "U[D] := R[A]"
    GetGlobal(A: Target, D: Field) "R[A] := environment[K[D]]"
    SetGlobal(A: Register, D: Field) "environment[K[D]] := R[A]"
    GetEnvironment(A: Target) "R[A] := environment of the running function"
    Closure(A: Target, D: Prototype) "R[A] := new closure of prototype D"
    Close(A: First) "close every open upvalue of R[A] and above"

    // Tables.
    NewTable(A: Target, B: Integer, C: Integer)
        "R[A] := {} with room for B array values and, if C > 0, 2^(C-1) other keys"
    DuplicateTable(A: Target, D: Template) "R[A] := copy of template D"
    SetList(A: First, D: Integer)
        "R[A][n+i-1] := R[A+i] for i = 1..D (D = 65535: up to top), n the next word; skip the \
         next word"
    GetField(A: Target, B: Register, C: Field) "R[A] := R[B][K[C]]"
    SetField(A: Register, B: Register, C: Field) "R[B][K[C]] := R[A]"
    GetInteger(A: Target, B: Register, C: Integer) "R[A] := R[B][C]"
    SetInteger(A: Register, B: Register, C: Integer) "R[B][C] := R[A]"
    GetIndex(A: Target, B: Register, C: Register) "R[A] := R[B][R[C]]"
    SetIndex(A: Register, B: Register, C: Register) "R[B][R[C]] := R[A]"
    SelfField(A: MethodTarget, B: Register, C: Field) "R[A+2] := R[B]; R[A] := R[B][K[C]]"
    SelfIndex(A: MethodTarget, B: Register, C: Register) "R[A+2] := R[B]; R[A] := R[B][R[C]]"

    // Arithmetic, length, concatenation, negation.
    AddVV(A: Target, B: Register, C: Register) "R[A] := R[B] + R[C]"
    AddVK(A: Target, B: Register, C: Constant) "R[A] := R[B] + K[C]"
    AddKV(A: Target, B: Constant, C: Register) "R[A] := K[B] + R[C]"
    SubtractVV(A: Target, B: Register, C: Register) "R[A] := R[B] - R[C]"
    SubtractVK(A: Target, B: Register, C: Constant) "R[A] := R[B] - K[C]"
    SubtractKV(A: Target, B: Constant, C: Register) "R[A] := K[B] - R[C]"
    MultiplyVV(A: Target, B: Register, C: Register) "R[A] := R[B] * R[C]"
    MultiplyVK(A: Target, B: Register, C: Constant) "R[A] := R[B] * K[C]"
    MultiplyKV(A: Target, B: Constant, C: Register) "R[A] := K[B] * R[C]"
    DivideVV(A: Target, B: Register, C: Register) "R[A] := R[B] / R[C]"
    DivideVK(A: Target, B: Register, C: Constant) "R[A] := R[B] / K[C]"
    DivideKV(A: Target, B: Constant, C: Register) "R[A] := K[B] / R[C]"
    ModuloVV(A: Target, B: Register, C: Register) "R[A] := R[B] % R[C]"
    ModuloVK(A: Target, B: Register, C: Divisor) "R[A] := R[B] % K[C]"
    PowerVV(A: Target, B: Register, C: Register) "R[A] := R[B] ^ R[C]"
    PowerVK(A: Target, B: Register, C: Constant) "R[A] := R[B] ^ K[C]"
    Negate(A: Target, D: Register) "R[A] := -R[D]"
    Not(A: Target, D: Register) "R[A] := not R[D]"
    Length(A: Target, D: Register) "R[A] := #R[D]"
    Concatenate(A: Target, B: First, C: Register)
        "R[A] := R[B] .. R[B+1] .. ... .. R[C]; R[B] to R[C] are lost"
    IsLess(A: Target, B: Register, C: Register) "R[A] := R[B] < R[C]"
    IsLessEqual(A: Target, B: Register, C: Register) "R[A] := R[B] <= R[C]"

    // Comparisons: the next word is a Jump, taken if the condition holds and skipped otherwise.
    // Only forward.
    LessVV(A: Register, D: Register) [Compare] "if R[A] < R[D] then jump"
    LessVK(A: Register, D: Constant) [Compare] "if R[A] < K[D] then jump"
    LessKV(A: Register, D: Constant) [Compare] "if K[D] < R[A] then jump"
    NotLessVV(A: Register, D: Register) [Compare] "if not (R[A] < R[D]) then jump"
    NotLessVK(A: Register, D: Constant) [Compare] "if not (R[A] < K[D]) then jump"
    NotLessKV(A: Register, D: Constant) [Compare] "if not (K[D] < R[A]) then jump"
    LessEqualVV(A: Register, D: Register) [Compare] "if R[A] <= R[D] then jump"
    LessEqualVK(A: Register, D: Constant) [Compare] "if R[A] <= K[D] then jump"
    LessEqualKV(A: Register, D: Constant) [Compare] "if K[D] <= R[A] then jump"
    NotLessEqualVV(A: Register, D: Register) [Compare] "if not (R[A] <= R[D]) then jump"
    NotLessEqualVK(A: Register, D: Constant) [Compare] "if not (R[A] <= K[D]) then jump"
    NotLessEqualKV(A: Register, D: Constant) [Compare] "if not (K[D] <= R[A]) then jump"
    EqualVV(A: Register, D: Register) [Compare] "if R[A] == R[D] then jump"
    NotEqualVV(A: Register, D: Register) [Compare] "if R[A] ~= R[D] then jump"
    EqualVK(A: Register, D: Constant) [Compare] "if R[A] == K[D] then jump"
    NotEqualVK(A: Register, D: Constant) [Compare] "if R[A] ~= K[D] then jump"
    EqualVP(A: Register, D: Primitive) [Compare] "if R[A] == primitive D then jump"
    NotEqualVP(A: Register, D: Primitive) [Compare] "if R[A] ~= primitive D then jump"

    // Jumps. Every backward edge is a Loop, ForLoop or ForEachLoop: these charge the budget.
    Jump(J: Jump) [Jump] "jump by J"
    Loop(J: Jump) [Jump] "jump by J, backward; charges the budget"
    JumpIfTrue(A: Register, D: Jump) [Branch]
        "if R[A] is neither nil nor false then jump by D; only forward"
    JumpIfFalse(A: Register, D: Jump) [Branch]
        "if R[A] is nil or false then jump by D; only forward"

    // Loops. Numeric: R[A] index, R[A+1] limit, R[A+2] step, R[A+3] the visible variable.
    ForPrepare(A: FirstTarget, D: Jump) [Branch]
        "check the three numbers; if R[A] <= R[A+1] then R[A+3] := R[A] else jump by D; step is a \
         constant > 0"
    ForLoop(A: FirstTarget, D: Jump) [Branch]
        "R[A] += R[A+2]; if R[A] <= R[A+1] then R[A+3] := R[A], jump by D; step is a constant > \
         0; charges the budget"
    ForPrepareStep(A: FirstTarget, D: Jump) [Branch] "as ForPrepare, for a step of either sign"
    ForLoopStep(A: FirstTarget, D: Jump) [Branch] "as ForLoop, for a step of either sign"
    // Generic: R[A-3] generator, R[A-2] state, R[A-1] control, R[A] and up the visible variables.
    ForEachPrepare(A: First, D: Jump) [Jump]
        "recognise next and the iterator of ipairs in R[A-3]; jump by D (to the ForEachCall)"
    ForEachCall(A: FirstTarget, B: Results, C: Integer) [Call]
        "R[A], ..., R[A+B-2] := R[A-3](R[A-2], R[A-1]); C is 2; a call word; charges the budget"
    ForEachLoop(A: First, D: Jump) [Branch]
        "if R[A] ~= nil then R[A-1] := R[A], jump by D; always follows its ForEachCall"

    // Calls and returns.
    Call(A: FirstTarget, B: Results, C: Integer) [Call]
        "R[A], ..., R[A+B-2] := R[A](R[A+2], ..., R[A+1+C]); charges the budget"
    CallOpen(A: FirstTarget, B: Results) [Call] "as Call, with the arguments R[A+2] up to top"
    // A ReturnOpen A follows a tail call: it runs if the callee is not a Lua function (B is OPEN
    // then, as in any call word).
    TailCall(A: FirstTarget, B: Results, C: Integer) [TailCall]
        "return R[A](R[A+2], ..., R[A+1+C]); charges the budget"
    TailCallOpen(A: FirstTarget, B: Results) [TailCall]
        "as TailCall, with the arguments R[A+2] up to top"
    Return0() [Return] "return; not in a vararg function"
    Return1(A: Register) [Return] "return R[A]; not in a vararg function"
    Return(A: First, D: Integer) [Return] "return R[A], ..., R[A+D-1]"
    ReturnOpen(A: First) [Return] "return R[A], ... up to top"
    Vararg(A: FirstTarget, B: Results) "R[A], ..., R[A+B-2] := the extra arguments"
    VarargTable(A: Target) "R[A] := { n = number of extra arguments, the extra arguments }"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_numbers_are_free() {
        assert!(Opcode::COUNT < usize::from(FIRST_ENTRY));
        for &opcode in Opcode::ALL {
            assert_eq!(Opcode::of_number(opcode as u8), Some(opcode));
            if let Some(number) = opcode.entry() {
                assert_eq!(Opcode::of_number(number), Some(opcode));
            }
        }
        assert_eq!(Opcode::of_number(FIRST_ENTRY - 1), None);
        assert_eq!(Opcode::of_number(255), None);
    }

    #[test]
    fn what_is_declared_fits_together() {
        for &opcode in Opcode::ALL {
            let jumps = opcode.operands().iter().any(|&(_, operand)| operand == Operand::Jump);
            let expected = matches!(opcode.flow(), Flow::Jump | Flow::Branch);
            assert_eq!(jumps, expected, "{}", opcode.name());
            let targets = opcode.operands().iter().filter(|(_, operand)| operand.is_target());
            assert_eq!(
                targets.count(),
                usize::from(opcode.target().is_some()),
                "{}",
                opcode.name()
            );
        }
    }
}
