//! Object graphs that change while the collector works.

use super::{Random, TestRoots, heap, number};
use crate::heap::gc::{Heap, Phase, account};
use crate::heap::table;
use crate::layout::object::Table;
use crate::layout::value::Value;
use std::collections::HashMap;

/// A key of the graph that the random test works on: small integers, sparse ones, fractions, short
/// and long strings.
unsafe fn key(heap: &mut Heap, n: u64) -> Value {
    match n % 8 {
        0..3 => Value::number((n / 8 + 1) as f64),
        3 => Value::number((n * 1000) as f64),
        4 => Value::number(-(n as f64) - 0.5),
        5 => Value::from_string(
            heap.string(format!("a key that is too long to be interned, number {n}").as_bytes()),
        ),
        6 => Value::boolean(n & 8 == 0),
        _ => Value::from_string(heap.string(format!("key {n}").as_bytes())),
    }
}

fn key_number(n: u64) -> u64 {
    // Different numbers denote the same key in the first and in the boolean group.
    match n % 8 {
        0..3 => n / 8 * 8,
        6 => 6 + (n & 8),
        _ => n,
    }
}

/// Tables refer to each other at random and are reachable from a few roots only; a model knows what
/// each must contain.
#[test]
fn random_graph_survives_collection() {
    let operations = if cfg!(feature = "gc-stress") { 6_000 } else { 60_000 };
    for seed in 1..=6 {
        unsafe { random_graph(seed, operations) };
    }
}

unsafe fn random_graph(seed: u64, operations: usize) {
    let mut random = Random(seed * 0x9E37_79B9);
    let mut heap = heap();
    let mut roots = TestRoots::new();
    let mut model: HashMap<u64, HashMap<u64, u64>> = HashMap::new();
    let id_key = Value::from_string(heap.string(b"id"));
    roots.values.push(id_key);
    let mut next_id = 1000;
    // The number of different keys determines how large tables become; some must be scanned
    // incrementally.
    let keys = [40, 300, 20_000][seed as usize % 3];
    let mut new_table = |heap: &mut Heap, model: &mut HashMap<u64, HashMap<u64, u64>>| {
        next_id += 1;
        model.insert(next_id, HashMap::new());
        let table = heap.new_table(next_id as u32 % 5, (next_id % 7 / 2) as u32);
        table::set(heap, table, id_key, Value::number(next_id as f64)).unwrap();
        table
    };
    for _ in 0..8 {
        let table = new_table(&mut heap, &mut model);
        roots.values.push(Value::from_table(table));
    }
    let id_of = |table: *mut Table| table::get(table, id_key).as_f64() as u64;
    for _ in 0..operations {
        // Walk from a root to a table.
        let mut place = roots.values[1 + random.below(8) as usize].to_table().unwrap();
        for _ in 0..random.below(6) {
            let n = random.below(keys);
            let k = key(&mut heap, n);
            let found = table::get(place, k);
            let expected = model[&id_of(place)].get(&key_number(n)).copied().unwrap_or(0);
            match found.to_table() {
                Some(next) => {
                    assert_eq!(id_of(next), expected);
                    place = next;
                }
                None if expected == 0 => assert!(found.is_nil()),
                None => assert_eq!(found.as_f64(), expected as f64),
            }
        }
        let n = random.below(keys);
        let k = key(&mut heap, n);
        let contents = model.get_mut(&id_of(place)).unwrap();
        match random.below(10) {
            0..3 => {
                table::set(&mut heap, place, k, Value::NIL).unwrap();
                contents.remove(&key_number(n));
            }
            3..6 => {
                let table = new_table(&mut heap, &mut model);
                table::set(&mut heap, place, k, Value::from_table(table)).unwrap();
                model.get_mut(&id_of(place)).unwrap().insert(key_number(n), id_of(table));
            }
            6 => {
                let other = roots.values[1 + random.below(8) as usize];
                table::set(&mut heap, place, k, other).unwrap();
                contents.insert(key_number(n), id_of(other.to_table().unwrap()));
            }
            7 => {
                table::set(&mut heap, place, k, number(n as usize % 1000 + 1)).unwrap();
                contents.insert(key_number(n), n % 1000 + 1);
            }
            8 if random.below(20) == 0 => {
                let table =
                    if random.below(2) == 0 { place } else { new_table(&mut heap, &mut model) };
                roots.values[1 + random.below(8) as usize] = Value::from_table(table);
            }
            _ => {
                // Every entry, by both kinds of traversal.
                let mut position = 0;
                let mut key = Value::NIL;
                let mut count = 0;
                while let Some((next, k, v)) = table::iterate::next_from(place, position) {
                    assert!(table::iterate::next(place, key).unwrap().entry == Some((k, v)));
                    assert!(table::get(place, k) == v);
                    (position, key) = (next, k);
                    count += 1;
                }
                assert!(table::iterate::next(place, key).unwrap().entry.is_none());
                assert_eq!(count, contents.len() + 1);
            }
        }
        match random.below(1000) {
            0 => heap.collect(&mut roots),
            1..300 => {
                heap.step_by(1 + random.below(4) as usize * account::STEP_SIZE, &mut roots);
            }
            _ if heap.collection_due() => heap.step(&mut roots),
            _ => {}
        }
    }
}

/// A table too large to be scanned at once changes in every way while it is scanned.
#[test]
fn large_table_is_scanned_in_pieces() {
    unsafe {
        let mut random = Random(99);
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let list = heap.new_table(0, 0);
        roots.values.push(Value::from_table(list));
        let mut length = 0;
        let mut in_phase = [0; 2];
        for turn in 0..200_000_u64 {
            let item = heap.new_table(1, 0);
            table::set_integer(&mut heap, item, 1, number(7)).unwrap();
            let item = Value::from_table(item);
            match random.below(64) {
                0 if length > 20_000 => {
                    let position = 1 + random.below(length);
                    let removed = table::array::remove(&mut heap, list, position, length).unwrap();
                    // Held by nothing but another slot now.
                    table::set_integer(&mut heap, list, length as i64 - 5, removed).unwrap();
                    length -= 1;
                }
                1 if length > 20_000 => {
                    let position = 1 + random.below(length);
                    table::array::insert(&mut heap, list, position, length, item).unwrap();
                    length += 1;
                }
                2..12 => {
                    let key = random.below(30_000);
                    let key = match key % 3 {
                        0 => Value::number(key as f64 + 0.5),
                        // Such a key is a new object, which only the table will refer to.
                        1 => Value::from_string(heap.string(format!("{key:050}").as_bytes())),
                        _ => Value::from_string(heap.string(format!("{key}").as_bytes())),
                    };
                    table::set(&mut heap, list, key, item).unwrap();
                }
                _ if length < 30_000 => {
                    length += 1;
                    table::set_integer(&mut heap, list, length as i64, item).unwrap();
                }
                _ => {
                    let position = 1 + random.below(length);
                    table::set_integer(&mut heap, list, position as i64, item).unwrap();
                }
            }
            if heap.phase == Phase::Mark {
                in_phase[!heap.slices.is_empty() as usize] += 1;
            }
            if turn % 16 == 0 {
                heap.step_by(1, &mut roots);
            }
            assert_eq!(table::length(list), length);
        }
        assert!(in_phase[1] > 1000);
        let mut position = 0;
        while let Some((next, key, value)) = table::iterate::next_from(list, position) {
            assert!(table::get(list, key) == value);
            assert!(table::get_integer(value.to_table().unwrap(), 1) == number(7));
            position = next;
        }
    }
}
