//! Measures how long the back-end takes for each instruction of the linear form.
//!
//! The functions look like those of compiled loops: array elements are loaded with checks that
//! leave, computed with in doubles and stored, in nested loops. Prints the best of many runs, and
//! the first one of each size, whose caches are cold.
#![allow(clippy::print_stdout, reason = "it prints figures")]

use solvm_jit::backend::linear::{
    Builder, Class, DoubleComparison, DoubleOperation, ExitId, Form, Function, IntegerComparison,
    IntegerOperation, Origin, SlotValue, Value, Variable, Width, WordSource, WordWrite,
};
use solvm_jit::backend::{Arena, Machine, Settings, Unsupported, compile};
use std::time::{Duration, Instant};

struct Variables {
    budget: Variable,
    counter: Variable,
    sum: Variable,
    doubles: Vec<Variable>,
}

fn exit(builder: &mut Builder, variables: &Variables, result: u64) -> ExitId {
    let double = |(index, variable): (usize, &Variable)| SlotValue {
        offset: 8 * index as i32,
        form: Form::Double,
        register: variable.register(),
    };
    let mut values: Vec<SlotValue> = variables.doubles.iter().enumerate().map(double).collect();
    values.push(SlotValue {
        offset: 200,
        form: Form::Integer,
        register: variables.counter.register(),
    });
    let source = WordSource::Constant(0x7fff_0000_1234);
    let words = [WordWrite { origin: Origin::Context, offset: 8, source }];
    builder.exit(&values, variables.budget, 0, &words, result)
}

/// An element of an array, with a check of its index and of its kind.
fn element(builder: &mut Builder, variables: &Variables, array: Value, result: u64) -> Value {
    let leave = exit(builder, variables, result);
    let index = builder.read(variables.counter);
    let size = builder.load(Width::U32, Value::BASE, 300);
    let is_outside = builder.compare(IntegerComparison::AboveOrEqual, index, size);
    builder.leave_if(is_outside, leave);
    let index = builder.integer(IntegerOperation::ShiftLeft, index, Value::integer(3));
    let address = builder.integer(IntegerOperation::Add, array, index);
    let value = builder.load(Width::Double, address, -8);
    let is_other = builder.compare_doubles(DoubleComparison::Unordered, value, value);
    builder.leave_if(is_other, leave);
    value
}

fn build(builder: &mut Builder, loops: usize, width: usize) {
    builder.clear(0);
    let entry = builder.block();
    builder.start(entry, 0, false);
    let variables = Variables {
        budget: builder.variable(Class::Integer),
        counter: builder.variable(Class::Integer),
        sum: builder.variable(Class::Double),
        doubles: (0..6).map(|_| builder.variable(Class::Double)).collect(),
    };
    let budget = builder.load(Width::Word, Value::CONTEXT, 0);
    builder.write(variables.budget, budget);
    builder.write(variables.sum, Value::double(0.0));
    for (index, &variable) in variables.doubles.iter().enumerate() {
        let value = builder.load(Width::Double, Value::BASE, 8 * index as i32);
        builder.write(variable, value);
    }
    for number in 0..loops {
        let [header, after] = [0; 2].map(|_| builder.block());
        builder.write(variables.counter, Value::integer(1));
        builder.jump(header);
        builder.start(header, 2 * number as u32 + 1, false);
        for step in 0..width {
            let array = builder.load(Width::Word, Value::BASE, 400);
            let value = element(builder, &variables, array, step as u64);
            let variable = variables.doubles[step % variables.doubles.len()];
            let other = builder.read(variable);
            let product = builder.double(DoubleOperation::Multiply, value, other);
            let sum = builder.read(variables.sum);
            let sum = builder.double(DoubleOperation::Add, sum, product);
            builder.write(variables.sum, sum);
            if step % 3 == 0 {
                builder.write(variable, product);
            }
        }
        let next = builder.read(variables.counter);
        let next = builder.integer(IntegerOperation::Add, next, Value::integer(1));
        builder.write(variables.counter, next);
        let leave = exit(builder, &variables, 99);
        builder.charge(variables.budget, leave);
        let is_done = builder.compare(IntegerComparison::Greater, next, Value::integer(100));
        builder.branch(is_done, after, header);
        builder.start(after, 2 * number as u32 + 2, false);
    }
    let leave = exit(builder, &variables, 100);
    builder.leave(leave);
}

/// The first and the best time.
fn measure(mut run: impl FnMut() -> Result<(), Unsupported>) -> Result<[Duration; 2], Unsupported> {
    let (mut first, mut best) = (None, Duration::MAX);
    for _ in 0..300 {
        let start = Instant::now();
        run()?;
        let time = start.elapsed();
        first.get_or_insert(time);
        best = best.min(time);
    }
    Ok([first.unwrap_or(best), best])
}

fn report(name: &str, [first, best]: [Duration; 2], instructions: usize) {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / instructions as f64;
    println!("  {name:<8} first {:6.3} best {:6.3} us per instruction", each(first), each(best));
}

fn install(arena: &mut Arena, machine: &Machine) {
    if let Ok(unit) = arena.install(machine) {
        arena.free(unit);
    }
}

fn main() -> Result<(), Unsupported> {
    let settings = Settings::default();
    for (loops, width) in [(1, 2), (1, 12), (4, 6), (10, 12), (40, 20)] {
        let mut builder = Builder::new(0);
        let build_time = measure(|| {
            build(&mut builder, loops, width);
            builder.finish();
            Ok(())
        })?;
        let function: &Function = builder.finish();
        let count = function.instruction_count();
        let compile_time = measure(|| compile(function, &settings).map(|_| ()))?;
        let machine = compile(function, &settings)?;
        let mut arena = Arena::new(1 << 24);
        let kept = arena.install(&machine);
        let install_time = measure(|| {
            install(&mut arena, &machine);
            Ok(())
        })?;
        drop(kept);
        println!(
            "{count} instructions, {} registers ({} on the stack), {} bytes: hot {}, exits {}",
            machine.registers,
            machine.spilled,
            machine.bytes.len(),
            machine.hot,
            machine.exits
        );
        report("build", build_time, count);
        report("compile", compile_time, count);
        report("install", install_time, count);
    }
    Ok(())
}
