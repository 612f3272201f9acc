//! Functions of particular shapes.

use super::super::linear::{
    Builder, Class, Form, IntegerComparison, IntegerOperation, SlotValue, Value, Width,
};
use super::super::{Arena, Settings, compile, is_supported};
use super::world::{BUDGET, World};

/// A builder in its entry block.
fn builder() -> Builder {
    let mut builder = Builder::new(BUDGET);
    let entry = builder.block();
    builder.start(entry, 5, false);
    builder
}

/// Interprets and runs a function, last with counted exits, and compares.
fn compare(builder: &mut Builder) {
    let function = builder.finish();
    let (mut world, mut arena) = (World::new(), Arena::new(1 << 20));
    let all = usize::MAX;
    for (limit, is_counted) in [(0, false), (1, false), (all, false), (all, true)] {
        if is_counted {
            function.count_exits(world.counters());
        }
        let settings =
            Settings { integer_registers: limit, double_registers: limit, ..Settings::default() };
        let machine = compile(function, &settings).expect("it is well-formed");
        world.words()[..8].fill(1);
        let expected = world.interpret(function, None);
        let result = world.run_once(&mut arena, &machine);
        assert_eq!((result, world.words().to_vec()), expected);
    }
}

/// The entry is a loop, and not the block of the lowest rank.
#[test]
fn the_entry_may_be_a_loop() {
    if !is_supported() {
        return;
    }
    let mut builder = builder();
    let [entry, after] = [super::super::linear::Function::ENTRY, builder.block()];
    let value = builder.load(Width::Word, Value::BASE, 0);
    let value = builder.integer(IntegerOperation::Add, value, Value::integer(3));
    builder.store(Width::Word, value, Value::BASE, 0);
    let is_small = builder.compare(IntegerComparison::Less, value, Value::integer(50));
    builder.branch(is_small, entry, after);
    builder.start(after, 1, true);
    builder.return_value(value);
    compare(&mut builder);
}

/// Exits that are equal except in one respect are not shared.
#[test]
fn equal_exits_share_their_code() {
    if is_supported() {
        // The variable is 1: each exit is taken, and the last one.
        (-6..=2).for_each(leave_through);
    }
}

/// Leaves through the exit of this number from `start`.
fn leave_through(start: i64) {
    let mut builder = builder();
    let [variable, budget, other] = [Class::Integer; 3].map(|class| builder.variable(class));
    builder.write(budget, Value::integer(9));
    builder.write(other, Value::integer(8));
    let value = builder.load(Width::Word, Value::BASE, 8);
    builder.write(variable, value);
    let value = |form| SlotValue { offset: 16, form, register: variable.register() };
    let exits = [
        builder.exit(&[value(Form::Word)], budget, 0, &[], 1),
        builder.exit(&[value(Form::Word)], budget, 0, &[], 1),
        builder.exit(&[value(Form::Word)], budget, 0, &[], 2),
        builder.exit(&[value(Form::Integer)], budget, 0, &[], 1),
        builder.exit(&[value(Form::Word)], budget, 1, &[], 1),
        builder.exit(&[value(Form::Word), value(Form::Integer)], budget, 0, &[], 1),
        builder.exit(&[value(Form::Word)], other, 0, &[], 1),
    ];
    for (index, exit) in (start..).zip(exits) {
        let number = builder.read(variable);
        let matches = builder.compare(IntegerComparison::Equal, number, Value::integer(index));
        builder.leave_if(matches, exit);
    }
    builder.leave(exits[3]);
    let machine = compile(builder.finish(), &Settings::default()).expect("it is well-formed");
    assert_eq!(machine.distinct_exits, 5);
    compare(&mut builder);
}

/// What only cold blocks and exits use is live there.
#[test]
fn cold_blocks_and_calls() {
    if !is_supported() {
        return;
    }
    let mut builder = builder();
    let [cold, after] = [0; 2].map(|_| builder.block());
    let function = super::world::scramble as *const () as u64;
    let values: Vec<Value> =
        (0..6).map(|index| builder.load(Width::U32, Value::BASE, 8 * index)).collect();
    let doubles: Vec<Value> =
        (0..6).map(|index| builder.load(Width::Double, Value::BASE, 8 * index)).collect();
    // The arguments are passed in a cycle of the registers that have them.
    let result = builder.call(function, &values[..4]);
    let reversed = [values[3], values[2], values[1], values[0]];
    let other = builder.call(function, &reversed);
    let same = builder.call(function, &[other, other, result, Value::BASE]);
    let condition = builder.compare(IntegerComparison::Above, same, result);
    builder.branch(condition, cold, after);
    builder.start(cold, 0, true);
    builder.store(Width::U16, result, Value::BASE, 8);
    builder.jump(after);
    builder.start(after, 9, false);
    for (index, value) in (0..).zip(values) {
        builder.store(Width::Word, value, Value::BASE, 100 + 8 * index);
    }
    for (index, value) in (0..).zip(doubles) {
        builder.store(Width::Double, value, Value::BASE, 200 + 8 * index);
    }
    builder.return_value(other);
    compare(&mut builder);
}
