//! Tables against a model.

use super::{KeyError, array, get, hash, iterate, length, set, set_integer, set_string};
use crate::heap::gc::Heap;
use crate::heap::gc::tests::{Random, TestRoots, heap};
use crate::layout::metamethod::Metamethod;
use crate::layout::object::Table;
use crate::layout::value::Value;
use std::collections::HashMap;
use std::ptr::null_mut;

fn number(x: f64) -> Value {
    Value::number(x)
}

/// A table that the test keeps alive.
unsafe fn new_table(heap: &mut Heap, roots: &mut TestRoots) -> *mut Table {
    let table = heap.new_table(0, 0);
    roots.values.push(Value::from_table(table));
    table
}

/// Checks everything that can be known of a table's structure.
unsafe fn check(table: *mut Table) {
    let slots = (*table).array_size as usize;
    for index in 0..hash::node_count(table) {
        let node = (*table).nodes.add(index);
        if (*node).value.is_nil() {
            continue;
        }
        let key = (*node).key;
        assert!(get(table, key) == (*node).value, "a node is not reachable from its home");
        if key.is_number() {
            let x = key.as_f64();
            assert!(
                !(x.fract() == 0.0 && 1.0 <= x && x <= slots as f64),
                "{x} belongs in the array part"
            );
        }
    }
}

#[test]
fn random_keys_against_a_model() {
    for seed in 1..=8 {
        unsafe {
            let mut random = Random(seed);
            let (mut heap, mut roots) = (heap(), TestRoots::new());
            let table = new_table(&mut heap, &mut roots);
            // Values are integral, so that their bits identify them; so are keys.
            let mut model: HashMap<u64, u64> = HashMap::new();
            let range = [20, 200, 5000, 100_000][seed as usize % 4];
            for turn in 0..100_000 {
                let n = random.below(range);
                let key = match random.below(5) {
                    0 => number(n as f64 * 0.25),
                    1 => number(-(n as f64)),
                    2 => Value::from_string(heap.string(format!("{n}").as_bytes())),
                    _ => number(n as f64),
                };
                // -0 is 0.
                let bits = if key == number(-0.0) { number(0.0).0 } else { key.0 };
                if let Some(string) = key.to_string() {
                    roots.values.push(Value::from_string(string));
                }
                // Phases of growth, of change and of decay.
                let removes = [1, 4, 7][turn / 20_000 % 3];
                if random.below(8) < removes {
                    set(&mut heap, table, key, Value::NIL).unwrap();
                    model.remove(&bits);
                } else {
                    let value = random.below(1 << 40);
                    set(&mut heap, table, key, number(value as f64)).unwrap();
                    model.insert(bits, value);
                }
                let probe = number(random.below(range) as f64);
                match model.get(&probe.0) {
                    Some(&value) => assert!(get(table, probe) == number(value as f64)),
                    None => assert!(get(table, probe).is_nil()),
                }
                if turn % 5000 == 0 {
                    check(table);
                    let mut position = 0;
                    let mut count = 0;
                    while let Some((next, key, value)) = iterate::next_from(table, position) {
                        assert_eq!(Some(value.as_f64() as u64), model.get(&key.0).copied());
                        position = next;
                        count += 1;
                    }
                    assert_eq!(count, model.len());
                    let border = length(table) as i64;
                    assert!(border == 0 || !get(table, number(border as f64)).is_nil());
                    assert!(get(table, number(border as f64 + 1.0)).is_nil());
                }
            }
        }
    }
}

#[test]
fn keys_that_are_none() {
    unsafe {
        let mut heap = heap();
        let table = heap.new_table(0, 0);
        assert_eq!(set(&mut heap, table, Value::NIL, Value::TRUE), Err(KeyError::Nil));
        assert_eq!(set(&mut heap, table, number(f64::NAN), Value::TRUE), Err(KeyError::NaN));
        assert!(get(table, Value::NIL).is_nil());
        assert!(get(table, number(f64::NAN)).is_nil());
        set(&mut heap, table, number(-0.0), Value::TRUE).unwrap();
        assert!(get(table, number(0.0)) == Value::TRUE);
        assert!(
            iterate::next(table, Value::NIL).unwrap().entry == Some((number(0.0), Value::TRUE))
        );
        assert!(iterate::next(table, number(7.0)) == Err(iterate::InvalidKey));
        assert!(iterate::next(table, number(f64::NAN)) == Err(iterate::InvalidKey));
        for x in [f64::INFINITY, f64::MIN, 2_f64.powi(53), -1.0, 0.5, 1e300] {
            set(&mut heap, table, number(x), number(x)).unwrap();
            assert!(get(table, number(x)) == number(x));
        }
    }
}

#[test]
fn long_strings_are_equal_by_content() {
    unsafe {
        let (mut heap, mut roots) = (heap(), TestRoots::new());
        let table = new_table(&mut heap, &mut roots);
        let text = [b'k'; 100];
        let first = Value::from_string(heap.string(&text));
        let second = Value::from_string(heap.string(&text));
        assert!(first != second);
        set(&mut heap, table, first, Value::TRUE).unwrap();
        assert!(get(table, second) == Value::TRUE);
        set(&mut heap, table, second, Value::FALSE).unwrap();
        assert!(get(table, first) == Value::FALSE);
        assert!(iterate::next(table, second).unwrap().entry.is_none());
        // The key dies with its value, and comes back as another object.
        set(&mut heap, table, second, Value::NIL).unwrap();
        heap.collect(&mut roots);
        let third = Value::from_string(heap.string(&text));
        assert!(get(table, third).is_nil());
        set(&mut heap, table, third, Value::TRUE).unwrap();
        assert!(get(table, third) == Value::TRUE);
        assert!(iterate::next(table, Value::NIL).unwrap().entry == Some((third, Value::TRUE)));
    }
}

/// Keys of removed entries die while their nodes remain; their addresses come to denote other
/// objects.
#[test]
fn dead_keys_are_not_followed() {
    unsafe {
        let (mut heap, mut roots) = (heap(), TestRoots::new());
        let table = new_table(&mut heap, &mut roots);
        let mut random = Random(3);
        let mut alive: HashMap<u64, u64> = HashMap::new();
        for turn in 0..50_000_u64 {
            let key = match random.below(3) {
                0 => Value::from_table(heap.new_table(0, 0)),
                1 => Value::from_string(heap.string(format!("{turn}").as_bytes())),
                _ => Value::from_string(heap.string(format!("{turn:060}").as_bytes())),
            };
            assert!(get(table, key).is_nil());
            set(&mut heap, table, key, number(turn as f64)).unwrap();
            alive.insert(key.0, turn);
            if alive.len() > 40 {
                let &victim = alive.keys().min_by_key(|&&key| key.wrapping_mul(turn | 1)).unwrap();
                alive.remove(&victim);
                set(&mut heap, table, Value(victim), Value::NIL).unwrap();
            }
            if turn % 50 == 0 {
                heap.step_by(1 << 16, &mut roots);
                check(table);
                for (&key, &turn) in &alive {
                    assert!(get(table, Value(key)) == number(turn as f64));
                }
            }
        }
        assert!(hash::node_count(table) <= 128);
    }
}

#[test]
fn fields_may_be_cleared_during_traversal() {
    unsafe {
        let (mut heap, mut roots) = (heap(), TestRoots::new());
        let table = new_table(&mut heap, &mut roots);
        for n in 1..=1000 {
            set_integer(&mut heap, table, n, Value::TRUE).unwrap();
            let key = Value::from_string(heap.string(format!("{n}").as_bytes()));
            set(&mut heap, table, key, Value::TRUE).unwrap();
        }
        let mut key = Value::NIL;
        let mut count = 0;
        while let Some((next, _)) = iterate::next(table, key).unwrap().entry {
            set(&mut heap, table, next, Value::NIL).unwrap();
            if count % 100 == 0 {
                // The traversal's own key is alive, as it is in a register.
                roots.values.push(next);
                heap.collect(&mut roots);
            }
            key = next;
            count += 1;
        }
        assert_eq!(count, 2000);
        assert!(iterate::next(table, Value::NIL).unwrap().entry.is_none());
    }
}

#[test]
fn length_is_a_border() {
    unsafe {
        let mut heap = heap();
        let table = heap.new_table(0, 0);
        assert_eq!(length(table), 0);
        let mut random = Random(8);
        let mut expected = 0;
        for _ in 0..100_000 {
            // Push and pop at random, in runs.
            if random.below(100) < 55 {
                expected += 1;
                set_integer(&mut heap, table, expected, Value::TRUE).unwrap();
            } else if expected > 0 {
                set_integer(&mut heap, table, expected, Value::NIL).unwrap();
                expected -= 1;
            }
            if random.below(3) == 0 {
                assert_eq!(length(table), expected as u64);
            }
        }
        for _ in 0..10_000 {
            let index = 1 + random.below(expected as u64) as i64;
            set_integer(&mut heap, table, index, Value::boolean(random.below(2) == 0)).unwrap();
            set_integer(&mut heap, table, index, Value::NIL).unwrap();
            let border = length(table) as i64;
            assert!(border == 0 || !super::get_integer(table, border).is_nil());
            assert!(super::get_integer(table, border + 1).is_nil());
        }
        // All in the hash part.
        let table = heap.new_table(0, 5);
        for index in (1..=10).rev() {
            set_integer(&mut heap, table, index, Value::TRUE).unwrap();
        }
        assert_eq!(length(table), 10);
        // Keys at every power of two mislead a doubling search.
        let table = heap.new_table(0, 8);
        for index in 0..60 {
            set_integer(&mut heap, table, 1 << index, Value::TRUE).unwrap();
        }
        let border = length(table) as i64;
        assert!(
            super::get_integer(table, border + 1).is_nil()
                && !super::get_integer(table, border).is_nil()
        );
    }
}

#[test]
fn insert_and_remove_shift() {
    unsafe {
        let mut heap = heap();
        let mut random = Random(21);
        for first in [0, 3, 40] {
            let table = heap.new_table(first, 3);
            let mut model: Vec<u64> = Vec::new();
            for turn in 0..3000 {
                let count = model.len() as u64;
                if count == 0 || random.below(100) < 60 {
                    let position = random.below(count + 1);
                    model.insert(position as usize, turn);
                    array::insert(&mut heap, table, position + 1, count, number(turn as f64))
                        .unwrap();
                } else {
                    let position = random.below(count);
                    let removed = array::remove(&mut heap, table, position + 1, count).unwrap();
                    assert!(removed == number(model.remove(position as usize) as f64));
                }
            }
            assert_eq!(length(table), model.len() as u64);
            for (index, &value) in model.iter().enumerate() {
                assert!(super::get_integer(table, index as i64 + 1) == number(value as f64));
            }
        }
    }
}

/// A queue that moves through the integers stays small, and so does a table whose keys come and go.
#[test]
fn moving_windows_stay_small_and_fast() {
    unsafe {
        let mut heap = heap();
        let queue = heap.new_table(0, 0);
        for index in 1..=300_000 {
            set_integer(&mut heap, queue, index, Value::TRUE).unwrap();
            if index > 100 {
                set_integer(&mut heap, queue, index - 100, Value::NIL).unwrap();
            }
        }
        assert!((*queue).array_size < 1000 && hash::node_count(queue) <= 512);
        // One key less than fill the nodes: a table that is rebuilt in the same size for each new
        // key would take minutes.
        let table = heap.new_table(0, 17);
        for index in 0..1_000_000_i64 {
            set_integer(&mut heap, table, -index, Value::TRUE).unwrap();
            if index >= 65_535 {
                set_integer(&mut heap, table, -(index - 65_535), Value::NIL).unwrap();
            }
        }
        assert!(hash::node_count(table) <= 1 << 17);
    }
}

#[test]
fn shrinks_when_it_is_rehashed() {
    unsafe {
        let mut heap = heap();
        let table = heap.new_table(0, 0);
        for index in 1..=100_000 {
            set_integer(&mut heap, table, index, Value::TRUE).unwrap();
        }
        assert!((*table).array_size >= 100_000);
        for index in 1..=100_000 {
            set_integer(&mut heap, table, index, Value::NIL).unwrap();
        }
        for index in 1..=10 {
            set_integer(&mut heap, table, 1_000_000 + index, Value::TRUE).unwrap();
        }
        assert_eq!((*table).array_size, 0);
        assert!(hash::node_count(table) <= 16);
        check(table);
    }
}

#[test]
fn copies_of_a_template_are_independent() {
    unsafe {
        let mut heap = heap();
        for (slots, fields) in [(0, 0), (2, 0), (0, 2), (3, 4), (16, 4), (17, 0), (40, 6)] {
            let template = heap.new_table(slots, fields);
            let names: Vec<_> = (0..if fields == 0 { 0 } else { 1 << (fields - 1) })
                .map(|n| Value::from_string(heap.string(format!("field {n}").as_bytes())))
                .collect();
            for (n, &name) in names.iter().enumerate() {
                set(&mut heap, template, name, number(n as f64)).unwrap();
            }
            for index in 1..=slots as i64 {
                set_integer(&mut heap, template, index, number(-index as f64)).unwrap();
            }
            let copy = heap.duplicate_table(template);
            check(copy);
            for (n, &name) in names.iter().enumerate() {
                assert!(get(copy, name) == number(n as f64));
                set(&mut heap, copy, name, Value::TRUE).unwrap();
                assert!(get(template, name) == number(n as f64));
            }
            assert_eq!(length(copy), slots as u64);
            set_integer(&mut heap, copy, slots as i64 + 1, Value::TRUE).unwrap();
            assert_eq!((length(copy), length(template)), (slots as u64 + 1, slots as u64));
        }
    }
}

#[test]
fn absence_of_metamethods_is_remembered_until_a_key_is_created() {
    unsafe {
        let mut heap = heap();
        let metatable = heap.new_table(0, 1);
        let name = heap.string(b"__index");
        assert!(super::metamethod(metatable, Metamethod::Index, name).is_nil());
        assert!((*metatable).absent & 1 != 0);
        super::set_string(&mut heap, metatable, name, Value::TRUE).unwrap();
        assert!(super::metamethod(metatable, Metamethod::Index, name) == Value::TRUE);
        assert!(super::metamethod(null_mut(), Metamethod::Index, name).is_nil());
    }
}

/// A string may get the address of a dead key, and then its node, which is not in a chain of keys
/// with its own home: when the key at its home, which is not at home there, moves away, the string
/// is not reachable any more. (The next insertion at the node's place then follows a null pointer.)
#[test]
fn a_string_at_the_address_of_a_dead_key_stays_reachable() {
    unsafe {
        let (mut heap, mut roots) = (heap(), TestRoots::new());
        let mut texts: [Vec<String>; 4] = Default::default();
        for n in 0..20_000 {
            let text = format!("{n:08}");
            let hash = (*heap.intern(text.as_bytes())).hash;
            texts[(hash >> 30) as usize].push(text);
        }
        heap.collect(&mut roots);
        // Four nodes; the home of a key is given by the upper two bits of its hash.
        let table = heap.new_table(0, 3);
        roots.values.push(Value::from_table(table));
        // The chain of home 0: node 0, then node 2 (the last key), then node 3 (the dead key).
        let [_, dead, _] = [0, 1, 2].map(|n| {
            let key = heap.intern(texts[0][n].as_bytes());
            set_string(&mut heap, table, key, number(n as f64)).unwrap();
            key
        });
        set_string(&mut heap, table, dead, Value::NIL).unwrap();
        heap.collect(&mut roots);
        // Its home is node 2.
        let mut others = texts[2].iter();
        let reborn = others.by_ref().map(|text| heap.intern(text.as_bytes())).find(|&s| s == dead);
        let reborn = reborn.expect("a string at the address of the dead one");
        set_string(&mut heap, table, reborn, number(7.0)).unwrap();
        assert!(get(table, Value::from_string(reborn)) == number(7.0));
        let another = heap.intern(others.next().unwrap().as_bytes());
        set_string(&mut heap, table, another, number(8.0)).unwrap();
        assert!(get(table, Value::from_string(another)) == number(8.0));
        assert!(get(table, Value::from_string(reborn)) == number(7.0), "it is lost");
    }
}
