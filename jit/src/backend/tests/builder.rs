//! The builder: what it folds, what it asserts, and what is not compiled.

use super::super::linear::{
    Address, Builder, Class, Condition, DoubleComparison, DoubleOperation, Form, Instruction,
    IntegerComparison, IntegerOperation, Operand, Origin, Register, SlotValue, UnaryOperation,
    Value, Width, WordSource, WordWrite,
};
use super::super::{Settings, Unsupported, compile};

/// A builder in its entry block.
fn builder() -> Builder {
    let mut builder = Builder::new(0);
    let entry = builder.block();
    builder.start(entry, 0, false);
    builder
}

fn instructions(builder: &mut Builder) -> Vec<Instruction> {
    builder.return_value(Value::integer(0));
    let mut instructions = builder.finish().instructions.clone();
    instructions.pop();
    instructions
}

#[test]
fn results_are_made_in_variables() {
    let mut builder = builder();
    let variable = builder.variable(Class::Integer);
    builder.write(variable, Value::integer(5));
    let old = builder.read(variable);
    let sum = builder.integer(IntegerOperation::Add, old, Value::integer(1));
    builder.write(variable, sum);
    // The temporary is the variable now.
    let new = builder.read(variable);
    builder.write(variable, new);
    builder.store(Width::Word, sum, Value::BASE, 8);
    let target = variable.register();
    let base = Operand::Register(Register::BASE);
    let source = Operand::Register(target);
    assert_eq!(
        instructions(&mut builder),
        [
            Instruction::Move { target, source: Operand::Integer(5) },
            Instruction::Integer {
                operation: IntegerOperation::Add,
                target,
                left: source,
                right: Operand::Integer(1)
            },
            Instruction::Store {
                source,
                width: Width::Word,
                address: Address { base, index: None, offset: 8 }
            },
        ]
    );
}

#[test]
fn addresses_and_conditions_are_folded() {
    let mut builder = builder();
    let index = builder.load(Width::U32, Value::BASE, 0);
    let scaled = builder.integer(IntegerOperation::ShiftLeft, index, Value::integer(3));
    let address = builder.integer(IntegerOperation::Add, scaled, Value::CONTEXT);
    let element = builder.load(Width::Word, address, 16);
    let is_less = builder.compare(IntegerComparison::Less, Value::integer(9), element);
    let negated = builder.not(is_less);
    let selected = builder.select(negated, element, index);
    builder.store(Width::U8, selected, Value::BASE, 0);
    let instructions = instructions(&mut builder);
    assert_eq!(instructions.len(), 4);
    let index = builder.register(index);
    let base = Operand::Register(Register::CONTEXT);
    let element = builder.register(element);
    let address = Address { base, index: Some(index), offset: 16 };
    assert_eq!(instructions[1], Instruction::Load { target: element, width: Width::Word, address });
    let (left, right) = (Operand::Register(element), Operand::Integer(9));
    let expected = Condition::Integer(IntegerComparison::LessOrEqual, left, right);
    let Instruction::Select { condition, .. } = instructions[2] else { panic!("a select") };
    assert_eq!(condition, expected);
}

#[test]
fn constants_are_folded() {
    let mut builder = builder();
    let x = builder.load(Width::Word, Value::BASE, 0);
    let count = |builder: &mut Builder, operation, value: i64| {
        let result = builder.integer(operation, x, Value::integer(value));
        (builder.register(result) == builder.register(x), result.as_integer())
    };
    assert_eq!(count(&mut builder, IntegerOperation::Add, 0), (true, None));
    assert_eq!(count(&mut builder, IntegerOperation::And, -1), (true, None));
    assert_eq!(count(&mut builder, IntegerOperation::Multiply, 1), (true, None));
    assert_eq!(count(&mut builder, IntegerOperation::Multiply, 0), (false, Some(0)));
    assert_eq!(count(&mut builder, IntegerOperation::RemainderSigned, -1), (false, Some(0)));
    let [six, seven] = [6, 7].map(Value::integer);
    let product = builder.integer(IntegerOperation::Multiply, six, seven);
    assert_eq!(product.as_integer(), Some(42));
    let double = builder.unary(UnaryOperation::ToDouble, product);
    let half = builder.double(DoubleOperation::Divide, double, Value::double(2.0));
    assert_eq!(half.as_double(), Some(21f64.to_bits()));
    let holds = builder.compare(IntegerComparison::Above, Value::integer(-1), Value::integer(1));
    assert_eq!(holds.as_integer(), Some(1));
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "was written before the use of an earlier value")]
fn a_condition_must_not_outlive_its_operands() {
    let mut builder = builder();
    let variable = builder.variable(Class::Integer);
    builder.write(variable, Value::integer(5));
    let value = builder.read(variable);
    let condition = builder.compare(IntegerComparison::Less, value, Value::integer(9));
    builder.write(variable, Value::integer(6));
    builder.select(condition, Value::integer(1), Value::integer(2));
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "was written before the use of an earlier value")]
fn a_replaced_temporary_must_not_outlive_its_variable() {
    let mut builder = builder();
    let variable = builder.variable(Class::Integer);
    let loaded = builder.load(Width::Word, Value::BASE, 0);
    builder.write(variable, loaded);
    builder.write(variable, Value::integer(6));
    builder.store(Width::Word, loaded, Value::BASE, 8);
}

#[test]
fn what_is_not_compiled() {
    let settings = Settings::default();
    let mut undefined = builder();
    let variable = undefined.variable(Class::Integer);
    let value = undefined.read(variable);
    undefined.return_value(value);
    let expected = Unsupported::Undefined(variable.register());
    assert_eq!(compile(undefined.finish(), &settings).err(), Some(expected));

    let mut unfinished = builder();
    let never_filled = unfinished.block();
    unfinished.jump(never_filled);
    assert_eq!(compile(unfinished.finish(), &settings).err(), Some(Unsupported::Unfinished));
    assert_eq!(compile(Builder::new(0).finish(), &settings).err(), Some(Unsupported::Unfinished));

    let mut large = builder();
    let values: Vec<Value> = (0..600).map(|i| large.load(Width::Word, Value::BASE, i)).collect();
    values.iter().for_each(|&value| large.store(Width::Word, value, Value::BASE, 0));
    large.return_value(Value::integer(0));
    assert_eq!(compile(large.finish(), &settings).err(), Some(Unsupported::Frame));
}

/// What computes nothing that is used has no code.
#[test]
fn dead_instructions_are_left_out() {
    let mut dead = builder();
    let loaded = dead.load(Width::Word, Value::BASE, 0);
    let sum = dead.integer(IntegerOperation::Add, loaded, Value::integer(100));
    dead.unary(UnaryOperation::ToDouble, sum);
    dead.return_value(Value::integer(0));
    let machine = compile(dead.finish(), &Settings::default()).expect("it is well-formed");
    // mov eax, 0; ret
    assert_eq!(machine.bytes, [0xb8, 0, 0, 0, 0, 0xc3]);
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "an exit has a temporary whose variable was written again")]
fn an_exit_must_not_outlive_a_replaced_temporary() {
    let mut builder = builder();
    let [variable, budget] = [Class::Integer; 2].map(|class| builder.variable(class));
    builder.write(budget, Value::integer(1));
    let loaded = builder.load(Width::Word, Value::BASE, 0);
    let register = builder.register(loaded);
    let value = SlotValue { offset: 0, form: Form::Word, register };
    let exit = builder.exit(&[value], budget, 0, &[], 0);
    builder.write(variable, loaded);
    builder.leave_if(loaded, exit);
    builder.write(variable, Value::integer(6));
    builder.leave(exit);
}

#[test]
fn functions_as_text() {
    let mut builder = builder();
    let budget = builder.variable(Class::Integer);
    builder.write(budget, Value::integer(-1));
    let double = builder.load(Width::Double, Value::BASE, -8);
    let register = builder.register(double);
    let value = SlotValue { offset: 16, form: Form::Double, register };
    let source = WordSource::BaseAddress(24);
    let word = WordWrite { origin: Origin::Context, offset: 8, source };
    let exit = builder.exit(&[value], budget, 1, &[word], 0x99);
    builder.charge(budget, exit);
    let half = builder.double(DoubleOperation::Multiply, double, Value::double(0.5));
    builder.store(Width::Double, half, Value::CONTEXT, 0);
    let is_small = builder.compare_doubles(DoubleComparison::Less, half, Value::double(1.0));
    let next = builder.block();
    builder.branch(is_small, next, next);
    builder.start(next, 7, true);
    builder.call(0x1234, &[Value::BASE, Value::integer(1 << 40)]);
    builder.return_value(Value::integer(7));
    let text = "\
block 0, rank 0:
  r2 = -1
  r3 = Load Double [base -8]
  Charge r2; exit 0: 0x99, budget r2 +1, [+16] = Double r3, [context +8] = base +24
  r4 = Multiply r3, 0.5
  Store Double [context +0] = r4
  Branch r4 Less 1.0 ? 1 : 1
block 1, rank 7, cold:
  r5 = Call 0x1234 base 0x10000000000
  Return 7
";
    assert_eq!(builder.finish().to_string(), text);
}
