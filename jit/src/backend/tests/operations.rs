//! Each operation with special values, as constants and in registers, on the stack and not.

use super::super::linear::{
    Address, Block, Builder, Class, Condition, Function, Instruction, Operand, Register, Value,
    Width,
};
use super::super::{Arena, Settings, compile, is_supported};
use super::values::{
    DOUBLE_COMPARISONS, DOUBLE_OPERATIONS, DOUBLES, INTEGER_COMPARISONS, INTEGER_OPERATIONS,
    INTEGERS, UNARY_OPERATIONS,
};
use super::world::{BUDGET, World};

/// Where the operands of an operation are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Constants,
    LeftConstant,
    RightConstant,
    Registers,
}

const KINDS: [Kind; 4] =
    [Kind::Constants, Kind::LeftConstant, Kind::RightConstant, Kind::Registers];

struct Test {
    arena: Arena,
    world: World,
}

impl Test {
    fn new() -> Option<Test> {
        is_supported().then(|| Test { arena: Arena::new(1 << 20), world: World::new() })
    }

    /// Interprets and runs a function with the operands in the first slots, and compares.
    fn compare(&mut self, function: &Function, operands: [u64; 2], kind: Kind, name: &str) {
        for limit in [0, usize::MAX] {
            let settings = Settings {
                integer_registers: limit,
                double_registers: limit,
                ..Settings::default()
            };
            let machine = compile(function, &settings).expect("it is well-formed");
            self.world.words()[..2].copy_from_slice(&operands);
            self.world.words()[2..4].fill(0);
            let expected = self.world.interpret(function, None);
            let result = self.world.run_once(&mut self.arena, &machine);
            let actual = (result, self.world.words().to_vec());
            assert!(
                actual == expected,
                "{name} {operands:x?} {kind:?}, {limit} registers: {:x?} instead of {:x?}",
                (actual.0, actual.1[2]),
                (expected.0, expected.1[2]),
            );
        }
    }
}

/// A function without the builder, which would fold constants: loads the operands, runs the
/// instruction, and stores the result.
fn function(
    class: Class,
    result: Class,
    operands: [u64; 2],
    kind: Kind,
    make: impl FnOnce(Register, Operand, Operand) -> Instruction,
) -> Function {
    let mut builder = Builder::new(BUDGET);
    let entry = builder.block();
    builder.start(entry, 0, false);
    let width = |class| if class == Class::Double { Width::Double } else { Width::Word };
    let left = builder.load(width(class), Value::BASE, 0);
    let right = builder.load(width(class), Value::BASE, 8);
    let target = builder.load(width(result), Value::BASE, 16);
    let registers = [left, right, target].map(|value| builder.register(value));
    builder.return_value(Value::integer(7));
    let mut function = builder.finish().clone();
    let constant = |bits: u64| match class {
        Class::Integer => Operand::Integer(bits as i64),
        Class::Double => Operand::Double(bits),
    };
    let [left, right] = match kind {
        Kind::Constants => operands.map(constant),
        Kind::LeftConstant => [constant(operands[0]), Operand::Register(registers[1])],
        Kind::RightConstant => [Operand::Register(registers[0]), constant(operands[1])],
        Kind::Registers => [Operand::Register(registers[0]), Operand::Register(registers[1])],
    };
    let address = Address { base: Operand::Register(Register::BASE), index: None, offset: 16 };
    let source = Operand::Register(registers[2]);
    let terminator = function.instructions.pop().expect("it has one");
    function.instructions.push(make(registers[2], left, right));
    function.instructions.push(Instruction::Store { source, width: width(result), address });
    function.instructions.push(terminator);
    function.blocks[0].instructions.end = function.instructions.len() as u32;
    function
}

#[test]
fn integer_operations() {
    let Some(mut test) = Test::new() else { return };
    for operation in INTEGER_OPERATIONS {
        let name = format!("{operation:?}");
        for (left, right) in pairs(&INTEGERS.map(|value| value as u64)) {
            if name.starts_with("Remainder") && right == 0 {
                continue;
            }
            for kind in KINDS {
                let integer = Class::Integer;
                let function =
                    function(integer, integer, [left, right], kind, |target, left, right| {
                        Instruction::Integer { operation, target, left, right }
                    });
                test.compare(&function, [left, right], kind, &name);
            }
        }
    }
}

#[test]
fn double_operations() {
    let Some(mut test) = Test::new() else { return };
    for operation in DOUBLE_OPERATIONS {
        for (left, right) in pairs(&DOUBLES) {
            for kind in KINDS {
                let double = Class::Double;
                let function =
                    function(double, double, [left, right], kind, |target, left, right| {
                        Instruction::Double { operation, target, left, right }
                    });
                test.compare(&function, [left, right], kind, &format!("{operation:?}"));
            }
        }
    }
}

#[test]
fn unary_operations() {
    let Some(mut test) = Test::new() else { return };
    for operation in UNARY_OPERATIONS {
        let class = operation.operand_class();
        let values =
            if class == Class::Double { DOUBLES } else { INTEGERS.map(|value| value as u64) };
        for value in values {
            for kind in [Kind::Constants, Kind::Registers] {
                let result = operation.result_class();
                let function = function(class, result, [value, 0], kind, |target, operand, _| {
                    Instruction::Unary { operation, target, operand }
                });
                test.compare(&function, [value, 0], kind, &format!("{operation:?}"));
            }
        }
    }
}

fn pairs(values: &[u64]) -> impl Iterator<Item = (u64, u64)> {
    values.iter().flat_map(|&left| values.iter().map(move |&right| (left, right)))
}

/// All conditions: in `Set`, and in `Select` of both classes with the target in all positions.
#[test]
fn conditions() {
    let Some(mut test) = Test::new() else { return };
    let integers = INTEGER_COMPARISONS.map(|comparison| {
        let make = move |left, right| Condition::Integer(comparison, left, right);
        (Class::Integer, Box::new(make) as Box<dyn Fn(Operand, Operand) -> Condition>)
    });
    let doubles = DOUBLE_COMPARISONS.map(|comparison| {
        let make = move |left, right| Condition::Double(comparison, left, right);
        (Class::Double, Box::new(make) as Box<dyn Fn(Operand, Operand) -> Condition>)
    });
    for (class, condition) in integers.into_iter().chain(doubles) {
        let values: Vec<u64> = match class {
            Class::Integer => {
                INTEGERS[..4].iter().chain(&INTEGERS[10..]).map(|&x| x as u64).collect()
            }
            Class::Double => DOUBLES[..9].to_vec(),
        };
        for (left, right) in pairs(&values) {
            for kind in KINDS {
                let operands = [left, right];
                let set = function(class, Class::Integer, operands, kind, |target, left, right| {
                    Instruction::Set { target, condition: condition(left, right) }
                });
                test.compare(&set, operands, kind, "set");
                let select = function(class, class, operands, kind, |target, left, right| {
                    let target_value = Operand::Register(target);
                    let (yes, no) = match (left, kind) {
                        (_, Kind::Registers | Kind::Constants) => (left, right),
                        (_, Kind::LeftConstant) => (target_value, left),
                        _ => (right, target_value),
                    };
                    Instruction::Select { target, condition: condition(left, right), yes, no }
                });
                test.compare(&select, operands, kind, "select");
                let branch = branch(class, operands, kind, &*condition);
                test.compare(&branch, operands, kind, "branch");
            }
        }
    }
}

/// Returns 1 if the condition holds, 2 if it does not.
fn branch(
    class: Class,
    operands: [u64; 2],
    kind: Kind,
    condition: &dyn Fn(Operand, Operand) -> Condition,
) -> Function {
    let mut function = function(class, class, operands, kind, |_, left, right| {
        let condition = condition(left, right);
        Instruction::Branch { condition, yes: Block(1), no: Block(2) }
    });
    // The branch is the last but two: what follows it becomes the other blocks.
    let start = function.instructions.len() as u32 - 2;
    function.blocks[0].instructions.end = start;
    function.instructions.truncate(start as usize);
    for (value, rank) in [(1, 1), (2, (operands[0] % 3) as u32)] {
        let start = function.instructions.len() as u32;
        function.instructions.push(Instruction::Return { value: Operand::Integer(value) });
        let mut block = function.blocks[0];
        block.rank = rank;
        (block.instructions.start, block.instructions.end) = (start, start + 1);
        function.blocks.push(block);
    }
    function
}
