//! Random functions, interpreted and compiled with different numbers of registers.
//!
//! `SOLVM_JIT_FUNCTIONS` is the number of functions, `SOLVM_JIT_SEED` the first seed.

use super::super::linear::Builder;
use super::super::{Arena, Settings, compile, is_supported};
use super::generate::generate;
use super::values::Random;
use super::world::{BUDGET, TAIL_CODE, World};

const LIMITS: [usize; 5] = [0, 1, 2, 3, usize::MAX];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn random_functions() {
    if !is_supported() {
        return;
    }
    let first = number("SOLVM_JIT_SEED", 1);
    let count = number("SOLVM_JIT_FUNCTIONS", 300);
    let mut test = Test {
        arena: Arena::new(1 << 20),
        world: World::new(),
        tail: Builder::new(BUDGET),
        builder: Builder::new(BUDGET),
        spilled: 0,
    };
    for seed in first..first + count {
        test.run(seed);
    }
    assert!(count < 300 || test.spilled as u64 > count / 50, "{} spilled", test.spilled);
    assert_eq!(test.arena.statistics().units, 0);
    assert_eq!(test.arena.statistics().mapped, 0);
}

struct Test {
    arena: Arena,
    world: World,
    tail: Builder,
    builder: Builder,
    /// How many functions have registers on the stack although all machine registers are used.
    spilled: usize,
}

impl Test {
    fn run(&mut self, seed: u64) {
        let mut random = Random(seed);
        // Some are large, with more live registers than the machine has.
        let limit = if seed % 100 == 99 { 400 } else { 2 + (seed % 60) as usize };
        let size = 2 + random.below(limit);
        generate(&mut self.tail, &self.world, random.next(), 6, false);
        generate(&mut self.builder, &self.world, random.next(), size, true);
        let (tail, function) = (self.tail.finish(), self.builder.finish());
        let world = &mut self.world;
        world.clear_counters();
        world.fill(|| random.word());
        world.set_context(BUDGET, random.below(60) as u64);
        let before = world.words().to_vec();
        for limit in LIMITS {
            let double_limit = if random.below(4) == 0 { random.pick(&LIMITS) } else { limit };
            let settings = Settings {
                integer_registers: limit,
                double_registers: double_limit,
                ..Settings::default()
            };
            let machine =
                compile(tail, &settings).unwrap_or_else(|error| panic!("{error}\n{}", tail));
            let tail_unit = self.arena.install(&machine).expect("there is memory");
            world.words().copy_from_slice(&before);
            world.set_context(TAIL_CODE, tail_unit.address());
            let expected = world.interpret(function, Some(tail));
            let machine = compile(function, &settings)
                .unwrap_or_else(|error| panic!("{error}\n{}", function));
            self.spilled += usize::from(limit == usize::MAX && machine.spilled > 0);
            let result = world.run_once(&mut self.arena, &machine);
            self.arena.free(tail_unit);
            let actual = (result, world.words().to_vec());
            assert!(
                actual == expected,
                "seed {seed}, {settings:?}: {:x} instead of {:x}; words {:x?}\n{}",
                actual.0,
                expected.0,
                (actual.1.iter().zip(&expected.1).enumerate())
                    .filter(|(_, (actual, expected))| actual != expected)
                    .collect::<Vec<_>>(),
                function,
            );
        }
    }
}
