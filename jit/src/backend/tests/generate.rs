//! Random functions of the linear form.
//!
//! They are well-formed: all variables are written first, every loop charges the budget, and all
//! addresses are in the world. Temporaries are used in the blocks that their own dominates.

use super::super::linear::{
    Block, Builder, Class, ExitId, Form, IntegerComparison, IntegerOperation, Origin, SlotValue,
    UnaryOperation, Value, Variable, Width, WordSource, WordWrite,
};
use super::values::{
    DOUBLE_COMPARISONS, DOUBLE_OPERATIONS, INTEGER_COMPARISONS, INTEGER_OPERATIONS, Random,
    UNARY_OPERATIONS,
};
use super::world::{
    BUDGET, CONTEXT, DATA_POINTER, FREE, TAIL_CODE, World, constant, exchange, scramble,
};

const NARROW: [Width; 4] = [Width::U32, Width::S32, Width::U16, Width::U8];

/// A function in progress.
pub(super) struct Generator<'a> {
    pub(super) random: Random,
    builder: &'a mut Builder,
    data: u64,
    budget: Variable,
    integers: Vec<Variable>,
    doubles: Vec<Variable>,
    /// Values that may be used again, with the depth of blocks at which they were made.
    kept: Vec<(usize, Value)>,
    depth: usize,
    rank: u32,
    may_tail: bool,
    is_rebased: bool,
}

/// Fills the builder with a random function of about this many statements.
pub(super) fn generate(
    builder: &mut Builder,
    world: &World,
    seed: u64,
    statements: usize,
    may_tail: bool,
) {
    builder.clear(BUDGET);
    let mut random = Random(seed);
    let entry = builder.block();
    builder.start(entry, random.below(3) as u32, false);
    let budget = builder.variable(Class::Integer);
    let integers = (0..1 + random.below(8)).map(|_| builder.variable(Class::Integer)).collect();
    let doubles = (0..1 + random.below(8)).map(|_| builder.variable(Class::Double)).collect();
    let mut generator = Generator {
        random,
        builder,
        data: world.data(),
        budget,
        integers,
        doubles,
        kept: Vec::new(),
        depth: 0,
        rank: 0,
        may_tail,
        is_rebased: false,
    };
    generator.start_variables();
    if !generator.statements(statements) {
        generator.terminate();
    }
    if generator.random.once_in(3) {
        generator.builder.finish().count_exits(world.counters());
    }
}

impl Generator<'_> {
    fn start_variables(&mut self) {
        let budget = self.builder.load(Width::Word, Value::CONTEXT, BUDGET);
        self.builder.write(self.budget, budget);
        for variable in self.integers.clone() {
            let value = match self.random.below(3) {
                0 => Value::integer(self.random.integer()),
                _ => self.builder.load(Width::Word, Value::BASE, 8 * self.random.below(32) as i32),
            };
            self.builder.write(variable, value);
        }
        for variable in self.doubles.clone() {
            let value = match self.random.below(3) {
                0 => Value::double(f64::from_bits(self.random.double())),
                _ => {
                    self.builder.load(Width::Double, Value::BASE, 8 * self.random.below(32) as i32)
                }
            };
            self.builder.write(variable, value);
        }
    }

    // Values.

    fn keep(&mut self, value: Value) -> Value {
        if self.random.once_in(3) {
            self.kept.push((self.depth, value));
        }
        value
    }

    fn kept(&mut self, class: Class) -> Option<Value> {
        let builder = &self.builder;
        let fit = self.kept.iter().filter(|(_, value)| builder.class_of(*value) == class);
        let fit: Vec<Value> = fit.map(|&(_, value)| value).collect();
        if fit.is_empty() { None } else { Some(self.random.pick(&fit)) }
    }

    fn write(&mut self, variable: Variable, value: Value) {
        self.builder.write(variable, value);
        self.forget();
    }

    fn forget(&mut self) {
        let builder = &self.builder;
        self.kept.retain(|&(_, value)| builder.is_current(value));
    }

    /// An address in the world; accesses from it may be at offsets up to 64.
    fn pointer(&mut self) -> (Value, i32) {
        let base = match self.random.below(5) {
            0 => Value::integer(self.data as i64),
            1 => self.builder.load(Width::Word, Value::CONTEXT, DATA_POINTER),
            _ => Value::BASE,
        };
        let offset = self.random.below(16) as i32 * 8;
        if self.random.once_in(2) {
            return (base, offset);
        }
        let index = self.leaf_integer();
        let mask = Value::integer(self.random.pick(&[7, 15]));
        let index = self.builder.integer(IntegerOperation::And, index, mask);
        let scaled = self.builder.integer(IntegerOperation::ShiftLeft, index, Value::integer(3));
        (self.builder.integer(IntegerOperation::Add, base, scaled), offset)
    }

    fn load(&mut self, width: Width) -> Value {
        if self.random.once_in(6) {
            let offset = FREE + 8 * self.random.below(CONTEXT - FREE as usize / 8) as i32;
            return self.builder.load(width, Value::CONTEXT, offset);
        }
        let (pointer, offset) = self.pointer();
        let offset =
            if NARROW.contains(&width) { offset + self.random.below(5) as i32 } else { offset };
        self.builder.load(width, pointer, offset)
    }

    fn leaf_integer(&mut self) -> Value {
        if self.random.once_in(3)
            && let Some(value) = self.kept(Class::Integer)
        {
            return value;
        }
        match self.random.below(8) {
            0 => Value::integer(self.random.integer()),
            1 => self.builder.read(self.budget),
            2 if self.random.once_in(3) => self.random.pick(&[Value::BASE, Value::CONTEXT]),
            _ => {
                let variable = self.random.pick(&self.integers);
                self.builder.read(variable)
            }
        }
    }

    fn leaf_double(&mut self) -> Value {
        if self.random.once_in(3)
            && let Some(value) = self.kept(Class::Double)
        {
            return value;
        }
        if self.random.once_in(6) {
            return Value::double(f64::from_bits(self.random.double()));
        }
        let variable = self.random.pick(&self.doubles);
        self.builder.read(variable)
    }

    fn integer(&mut self, depth: usize) -> Value {
        if depth == 0 || self.random.once_in(4) {
            return self.leaf_integer();
        }
        let value = match self.random.below(10) {
            0..=4 => {
                let operation = self.random.pick(&INTEGER_OPERATIONS);
                let (left, mut right) = (self.integer(depth - 1), self.integer(depth - 1));
                if matches!(
                    operation,
                    IntegerOperation::Remainder | IntegerOperation::RemainderSigned
                ) {
                    right = match self.random.below(3) {
                        0 => Value::integer(self.random.integer() | 1),
                        _ => self.builder.integer(IntegerOperation::Or, right, Value::integer(1)),
                    };
                }
                self.builder.integer(operation, left, right)
            }
            5 => {
                let width =
                    self.random.pick(&[NARROW[0], NARROW[1], NARROW[2], NARROW[3], Width::Word]);
                self.load(width)
            }
            6 => {
                let operand = self.double(depth - 1);
                let operations = [UnaryOperation::ToInteger, UnaryOperation::ToBits];
                let operation = self.random.pick(&operations);
                self.builder.unary(operation, operand)
            }
            7 | 8 => self.condition(depth - 1),
            _ => {
                let (yes, no) = (self.integer(depth - 1), self.integer(depth - 1));
                let condition = self.condition(depth - 1);
                self.builder.select(condition, yes, no)
            }
        };
        self.keep(value)
    }

    fn double(&mut self, depth: usize) -> Value {
        if depth == 0 || self.random.once_in(4) {
            return self.leaf_double();
        }
        let value = match self.random.below(9) {
            0..=3 => {
                let operation = self.random.pick(&DOUBLE_OPERATIONS);
                let (left, right) = (self.double(depth - 1), self.double(depth - 1));
                self.builder.double(operation, left, right)
            }
            4 => self.load(Width::Double),
            5 | 6 => {
                let operation = self.random.pick(&UNARY_OPERATIONS[..5]);
                let operand = self.double(depth - 1);
                self.builder.unary(operation, operand)
            }
            7 => {
                let operand = self.integer(depth - 1);
                let operations = [UnaryOperation::ToDouble, UnaryOperation::FromBits];
                let operation = self.random.pick(&operations);
                self.builder.unary(operation, operand)
            }
            _ => {
                let (yes, no) = (self.double(depth - 1), self.double(depth - 1));
                let condition = self.condition(depth - 1);
                self.builder.select(condition, yes, no)
            }
        };
        self.keep(value)
    }

    fn condition(&mut self, depth: usize) -> Value {
        match self.random.below(5) {
            0 => self.integer(depth),
            1 | 2 => {
                let comparison = self.random.pick(&INTEGER_COMPARISONS);
                let (left, right) = (self.integer(depth), self.integer(depth));
                self.builder.compare(comparison, left, right)
            }
            _ => {
                let comparison = self.random.pick(&DOUBLE_COMPARISONS);
                let (left, right) = (self.double(depth), self.double(depth));
                self.builder.compare_doubles(comparison, left, right)
            }
        }
    }

    // Statements.

    fn exit(&mut self, refund: i32) -> ExitId {
        let values: Vec<SlotValue> = (0..self.random.below(7))
            .map(|_| {
                let form = match self.random.below(4) {
                    0 => Form::Word,
                    1 => Form::Double,
                    2 => Form::Integer,
                    _ => Form::Tagged(self.random.next() as u16),
                };
                let value = match form.class() {
                    Class::Integer => self.leaf_integer(),
                    Class::Double => self.leaf_double(),
                };
                let offset = 8 * self.random.below(32) as i32;
                SlotValue { offset, form, register: self.builder.register(value) }
            })
            .collect();
        let words: Vec<WordWrite> = (0..self.random.below(3))
            .map(|_| {
                let origin = self.random.pick(&[Origin::Base, Origin::Context]);
                let free = FREE + 8 * self.random.below(CONTEXT - FREE as usize / 8) as i32;
                let source = match self.random.below(4) {
                    0 => WordSource::BaseAddress(self.random.below(400) as i32 - 200),
                    1 => WordSource::Slot(8 * self.random.below(32) as i32),
                    _ => WordSource::Constant(self.random.integer() as u64),
                };
                WordWrite { origin, offset: free, source }
            })
            .collect();
        let result = self.random.integer() as u64;
        self.builder.exit(&values, self.budget, refund, &words, result)
    }

    /// Adds statements to the current block; returns whether it has ended.
    fn statements(&mut self, count: usize) -> bool {
        let mut left = count;
        while left > 0 {
            left -= 1;
            match self.random.below(17) {
                0..=3 => {
                    let (variable, value) = (self.random.pick(&self.integers), self.integer(3));
                    self.write(variable, value);
                }
                4..=7 => {
                    let (variable, value) = (self.random.pick(&self.doubles), self.double(3));
                    self.write(variable, value);
                }
                8 | 9 => self.store(),
                10 | 11 => {
                    let (exit, condition) = (self.exit(0), self.condition(2));
                    // Else most functions would leave at once.
                    let rare = self.builder.read(self.budget);
                    let rare =
                        self.builder.compare(IntegerComparison::Less, rare, Value::integer(5));
                    let both = self.builder.integer(IntegerOperation::And, rare, condition);
                    let condition = if self.random.once_in(5) { condition } else { both };
                    match self.random.below(2) {
                        0 => self.builder.leave_if(condition, exit),
                        _ if self.random.once_in(4) => self.builder.leave_unless(condition, exit),
                        _ => {
                            let negated = self.builder.not(condition);
                            self.builder.leave_unless(negated, exit);
                        }
                    }
                }
                12 => self.call(),
                13 => {
                    let exit = self.exit(self.depth as i32);
                    self.builder.charge(self.budget, exit);
                    self.forget();
                }
                14 if self.depth < 4 && left > 1 => {
                    let inner = left / 2;
                    left -= inner;
                    self.branch(inner);
                }
                15 if self.depth < 4 && left > 1 => {
                    let inner = left / 2;
                    left -= inner;
                    self.repeat(inner);
                }
                16 if !self.is_rebased && left > 1 => {
                    let inner = left / 2;
                    left -= inner;
                    if self.rebased(inner) {
                        return true;
                    }
                }
                _ if self.depth > 0 && self.random.once_in(20) => {
                    self.terminate();
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    fn store(&mut self) {
        let width = self.random.pick(&[
            Width::Word,
            Width::Word,
            Width::Double,
            Width::Double,
            Width::U32,
            Width::S32,
            Width::U16,
            Width::U8,
        ]);
        let value = match width {
            Width::Double => self.double(2),
            _ => self.integer(2),
        };
        let (pointer, offset) = self.pointer();
        self.builder.store(width, value, pointer, offset);
    }

    fn call(&mut self) {
        let value = match self.random.below(4) {
            0 => self.builder.call(constant as *const () as u64, &[]),
            1 => {
                let offset = Value::integer(8 * self.random.below(16) as i64);
                let pointer = self.builder.integer(IntegerOperation::Add, Value::BASE, offset);
                let value = self.leaf_integer();
                self.builder.call(exchange as *const () as u64, &[pointer, value])
            }
            _ => {
                let arguments = [0; 4].map(|_| self.integer(1));
                self.builder.call(scramble as *const () as u64, &arguments)
            }
        };
        let value = self.keep(value);
        if self.random.once_in(2) {
            let variable = self.random.pick(&self.integers);
            self.write(variable, value);
        }
    }

    fn start(&mut self, block: Block) {
        if !self.random.once_in(8) {
            self.rank += 1;
        }
        let is_cold = self.random.once_in(6);
        self.builder.start(block, self.rank, is_cold);
    }

    /// Statements in an inner scope; returns whether they have ended.
    fn inner(&mut self, count: usize) -> bool {
        self.depth += 1;
        let has_ended = self.statements(count);
        self.depth -= 1;
        self.kept.retain(|&(depth, _)| depth <= self.depth);
        has_ended
    }

    /// Statements with another BASE; returns whether they have ended.
    fn rebased(&mut self, count: usize) -> bool {
        let distance = 8 * (1 + self.random.below(4)) as i32;
        self.builder.rebase(distance);
        self.forget();
        self.is_rebased = true;
        let has_ended = self.statements(count);
        self.is_rebased = false;
        if !has_ended {
            self.builder.rebase(-distance);
            self.forget();
        }
        has_ended
    }

    fn branch(&mut self, count: usize) {
        let condition = self.condition(2);
        let [yes, no, after] = [0; 3].map(|_| self.builder.block());
        let has_no = self.random.once_in(2);
        self.builder.branch(condition, yes, if has_no { no } else { after });
        self.start(yes);
        if !self.inner(count) {
            self.builder.jump(after);
        }
        if has_no {
            self.start(no);
            if !self.inner(count / 2) {
                self.builder.jump(after);
            }
        }
        self.start(after);
    }

    fn repeat(&mut self, count: usize) {
        let [header, body, after] = [0; 3].map(|_| self.builder.block());
        self.builder.jump(header);
        self.start(header);
        let exit = self.exit(1);
        self.builder.charge(self.budget, exit);
        self.forget();
        let condition = self.condition(2);
        match self.random.below(2) {
            0 => self.builder.branch(condition, body, after),
            _ => self.builder.branch(condition, after, body),
        }
        self.start(body);
        if !self.inner(count) {
            match self.random.below(3) {
                0 => {
                    let known = self.kept.len();
                    let condition = self.condition(1);
                    self.kept.truncate(known);
                    self.builder.branch(condition, header, after);
                }
                _ => self.builder.jump(header),
            }
        }
        self.start(after);
    }

    fn terminate(&mut self) {
        match self.random.below(4) {
            0 => {
                let value = self.integer(2);
                self.builder.return_value(value);
            }
            1 if self.may_tail => {
                let shift = Value::integer(8 * self.random.below(8) as i64);
                let base = self.builder.integer(IntegerOperation::Add, Value::BASE, shift);
                let code = self.builder.load(Width::Word, Value::CONTEXT, TAIL_CODE);
                self.builder.tail(base, code);
            }
            _ => {
                let exit = self.exit(0);
                self.builder.leave(exit);
            }
        }
    }
}
