//! Executable memory: packing, reuse, limits, and refusals of the operating system.

use super::super::{Arena, Machine, Refused, Statistics, Unit, is_supported};
use super::values::Random;
use super::world::World;

const PAGE: usize = 4096;

/// Code of this length that returns a number.
fn machine(number: u32, length: usize) -> Machine {
    let mut bytes = vec![0xb8];
    bytes.extend(number.to_le_bytes());
    bytes.push(0xc3);
    bytes.resize(length, 0xcc);
    Machine {
        bytes,
        hot: 0,
        exits: 0,
        distinct_exits: 0,
        registers: 0,
        spilled: 0,
        lines: Vec::new(),
    }
}

fn assert_returns(unit: &Unit, number: u32) {
    assert_eq!(World::new().run(unit), number.into());
}

#[test]
fn units_are_packed_and_freed() {
    if !is_supported() {
        return;
    }
    let mut arena = Arena::new(1 << 20);
    let units: Vec<Unit> =
        (0..100).map(|number| arena.install(&machine(number, 100)).expect("room")).collect();
    for (unit, number) in units.iter().zip(0..) {
        assert_returns(unit, number);
        assert_eq!(unit.address() % 16, 0);
    }
    let expected = Statistics { mapped: 64 << 10, used: 11_200, units: 100, returned_pages: 0 };
    assert_eq!(arena.statistics(), expected);
    let mut units = units.into_iter();
    // The first page contains 36 units and a part of the next one.
    units.by_ref().take(36).for_each(|unit| arena.free(unit));
    assert_eq!(arena.statistics().returned_pages, 0);
    units.by_ref().take(1).for_each(|unit| arena.free(unit));
    assert_eq!(arena.statistics().returned_pages, 1);
    // A freed range is used again.
    let again = arena.install(&machine(7, 3000)).expect("room");
    assert_returns(&again, 7);
    assert_eq!(again.address() % 4096, 0);
    for (unit, number) in units.by_ref().zip(37..) {
        assert_returns(&unit, number);
        arena.free(unit);
    }
    assert_returns(&again, 7);
    arena.free(again);
    assert_eq!((arena.statistics().mapped, arena.statistics().used), (0, 0));
}

#[test]
fn the_limit_holds() {
    if !is_supported() {
        return;
    }
    let mut arena = Arena::new(5 * PAGE - 1);
    assert_eq!(arena.install(&machine(1, 5 * PAGE)).err(), Some(Refused::Limit));
    let small = arena.install(&machine(1, 10)).expect("room");
    assert_eq!(arena.statistics().mapped, 4 * PAGE);
    let large = arena.install(&machine(2, 3 * PAGE)).expect("room");
    assert_eq!(arena.install(&machine(3, PAGE)).err(), Some(Refused::Limit));
    assert_returns(&small, 1);
    assert_returns(&large, 2);
    arena.free(large);
    let other = arena.install(&machine(3, PAGE)).expect("room");
    assert_returns(&other, 3);
    assert_eq!(Arena::new(0).install(&machine(1, 1)).err(), Some(Refused::Limit));
}

#[test]
fn refusals_change_nothing() {
    if !is_supported() {
        return;
    }
    let mut arena = Arena::new(1 << 20);
    // Of the first unit: the mapping, both changes of protection.
    for call in 0..3 {
        arena.refuse(call..call + 1);
        assert_eq!(arena.install(&machine(1, 10)).err(), Some(Refused::System));
        assert_eq!(arena.statistics(), Statistics::default());
    }
    arena.refuse(0..0);
    let first = arena.install(&machine(1, 10)).expect("room");
    let before = arena.statistics();
    // Another unit in the same page: to write and to execute.
    for call in 0..2 {
        arena.refuse(call..call + 1);
        assert_eq!(arena.install(&machine(2, 10)).err(), Some(Refused::System));
        assert_eq!(arena.statistics(), before);
        assert_returns(&first, 1);
    }
    // What undoes the change is refused as well.
    arena.refuse(1..3);
    assert_eq!(arena.install(&machine(2, 10)).err(), Some(Refused::Lost));
    assert_eq!(arena.statistics(), before);
    arena.refuse(0..0);
    assert_eq!(arena.install(&machine(2, 10)).err(), Some(Refused::Lost));
    arena.free(first);
    assert_eq!(arena.statistics().mapped, 0);
}

/// Random installations and frees; every unit keeps its code.
#[test]
fn random_units() {
    if !is_supported() {
        return;
    }
    let (mut arena, mut random) = (Arena::new(200 << 10), Random(1));
    let mut units: Vec<(Unit, u32, usize)> = Vec::new();
    for number in 0..3000 {
        if random.below(5) < 3 {
            let limit = random.pick(&[3000, 300, 3000, 70_000]);
            let length = 6 + random.below(limit);
            match arena.install(&machine(number, length)) {
                Ok(unit) => units.push((unit, number, length.next_multiple_of(16))),
                Err(refused) => assert_eq!(refused, Refused::Limit),
            }
        } else if !units.is_empty() {
            let (unit, number, _) = units.swap_remove(random.below(units.len()));
            assert_returns(&unit, number);
            arena.free(unit);
        }
        let statistics = arena.statistics();
        assert_eq!(statistics.units, units.len());
        assert_eq!(statistics.used, units.iter().map(|unit| unit.2).sum::<usize>());
        assert!(statistics.mapped <= 200 << 10);
    }
    for (unit, number, _) in units {
        assert_returns(&unit, number);
        arena.free(unit);
    }
    assert_eq!(arena.statistics().mapped, 0);
}
