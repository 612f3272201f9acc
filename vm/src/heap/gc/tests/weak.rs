//! Weak tables.

use super::finalize::{counted, with_finalizer};
use super::{Random, TestRoots, heap, number};
use crate::heap::gc::{Heap, Phase};
use crate::heap::table;
use crate::layout::object::Table;
use crate::layout::value::Value;
use std::cell::Cell;
use std::collections::HashSet;
use std::ptr::null_mut;
use std::rc::Rc;

unsafe fn weak_table(heap: &mut Heap, roots: &mut TestRoots, mode: &str) -> *mut Table {
    let table = heap.new_table(0, 0);
    let metatable = heap.new_table(0, 0);
    let name = heap.string(b"__mode");
    let mode = heap.string(mode.as_bytes());
    table::set_string(heap, metatable, name, Value::from_string(mode)).unwrap();
    table::set_metatable(heap, table, metatable);
    roots.values.push(Value::from_table(table));
    table
}

unsafe fn count(table: *mut Table) -> usize {
    let (mut count, mut position) = (0, 0);
    while let Some((next, _, _)) = table::iterate::next_from(table, position) {
        position = next;
        count += 1;
    }
    count
}

#[test]
fn weak_tables_lose_dead_objects_only() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let keys = weak_table(&mut heap, &mut roots, "k");
        let values = weak_table(&mut heap, &mut roots, "v");
        let both = weak_table(&mut heap, &mut roots, "kv");
        for index in 1..=3000 {
            let object = Value::from_table(heap.new_table(0, 0));
            if index % 3 == 0 {
                roots.values.push(object);
            }
            let text = Value::from_string(heap.string(format!("{index:050}").as_bytes()));
            let name = Value::from_string(heap.string(format!("{index}").as_bytes()));
            table::set(&mut heap, keys, object, text).unwrap();
            table::set(&mut heap, values, name, object).unwrap();
            table::set(&mut heap, values, number(index), object).unwrap();
            table::set(&mut heap, both, object, object).unwrap();
            table::set(&mut heap, both, text, name).unwrap();
        }
        heap.collect(&mut roots);
        assert_eq!(count(keys), 1000);
        assert_eq!(count(values), 2000);
        assert_eq!(count(both), 4000);
        heap.collect(&mut roots);
        // Strings in weak tables are values: they were kept, and are the same as ever.
        for index in 1..=3000 {
            let text = Value::from_string(heap.string(format!("{index:050}").as_bytes()));
            let name = Value::from_string(heap.string(format!("{index}").as_bytes()));
            assert!(table::get(both, text) == name);
        }
    }
}

#[test]
fn weak_keys_are_not_ephemerons() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let keys = weak_table(&mut heap, &mut roots, "k");
        let object = Value::from_table(heap.new_table(0, 0));
        table::set(&mut heap, keys, object, object).unwrap();
        heap.collect(&mut roots);
        assert_eq!(count(keys), 1);
    }
}

#[test]
fn finalized_userdata_leave_weak_values_before_weak_keys() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let drops = Rc::new(Cell::new(0));
        let keys = weak_table(&mut heap, &mut roots, "k");
        let values = weak_table(&mut heap, &mut roots, "v");
        let metatable = with_finalizer(&mut heap);
        let userdata = Value::from_userdata(counted(&mut heap, &drops, metatable));
        table::set(&mut heap, keys, userdata, Value::TRUE).unwrap();
        table::set(&mut heap, values, Value::TRUE, userdata).unwrap();
        heap.collect(&mut roots);
        assert_eq!((count(keys), count(values)), (1, 0));
        assert!(heap.take_finalizer().is_some());
        heap.collect(&mut roots);
        assert_eq!((count(keys), count(values), drops.get()), (0, 0, 1));
    }
}

/// The mode may change during a cycle.
#[test]
fn weak_mode_may_change_during_a_cycle() {
    unsafe {
        let mut random = Random(5);
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let table = weak_table(&mut heap, &mut roots, "v");
        let weak = (*table).metatable;
        roots.values.push(Value::from_table(weak));
        for _ in 0..20_000 {
            let object = heap.new_table(1, 0);
            table::set_integer(&mut heap, object, 1, Value::TRUE).unwrap();
            let key = 1 + random.below(100) as i64;
            table::set_integer(&mut heap, table, key, Value::from_table(object)).unwrap();
            let metatable = if random.below(2) == 0 { weak } else { null_mut() };
            table::set_metatable(&mut heap, table, metatable);
            heap.step_by(1, &mut roots);
            for key in 1..=100 {
                if let Some(object) = table::get_integer(table, key).to_table() {
                    assert!(table::get_integer(object, 1) == Value::TRUE);
                }
            }
        }
    }
}

/// A table that becomes strong after it has been scanned as a weak one keeps its values, and the
/// other way round.
#[test]
fn weak_mode_is_that_of_the_atomic_phase() {
    unsafe {
        for steps in 0..8 {
            for becomes_weak in [false, true] {
                let mut heap = heap();
                let mut roots = TestRoots::new();
                let table = weak_table(&mut heap, &mut roots, "v");
                let weak = (*table).metatable;
                roots.values.push(Value::from_table(weak));
                for index in 1..=10 {
                    let object = heap.new_table(1, 0);
                    table::set_integer(&mut heap, object, 1, Value::TRUE).unwrap();
                    table::set_integer(&mut heap, table, index, Value::from_table(object)).unwrap();
                }
                let (first, second) =
                    if becomes_weak { (null_mut(), weak) } else { (weak, null_mut()) };
                table::set_metatable(&mut heap, table, first);
                let ended = (0..steps).any(|_| heap.step_by(1, &mut roots));
                assert!(!ended);
                let before_atomic = matches!(heap.phase, Phase::Idle | Phase::Mark | Phase::Survey);
                table::set_metatable(&mut heap, table, second);
                while !heap.step_by(1, &mut roots) {}
                if becomes_weak {
                    // Entries that were marked as strong may stay for this cycle.
                    heap.collect(&mut roots);
                    assert_eq!(count(table), 0);
                } else if before_atomic {
                    assert_eq!(count(table), 10);
                    assert!(
                        table::get_integer(table::get_integer(table, 10).to_table().unwrap(), 1)
                            == Value::TRUE
                    );
                }
            }
        }
    }
}

/// The survey lists possibly dead entries by their positions, and positions change during it.
#[test]
fn weak_tables_change_during_the_survey() {
    unsafe {
        let mut random = Random(7);
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let list = weak_table(&mut heap, &mut roots, "v");
        let map = weak_table(&mut heap, &mut roots, "k");
        let is_whole =
            |object: Value| table::get_integer(object.to_table().unwrap(), 1) == Value::TRUE;
        let mut surveys = 0;
        let operations = if cfg!(feature = "gc-stress") { 300 } else { 40_000 };
        for operation in 0..operations {
            // Most of what is in the tables is alive.
            let object = if roots.values.len() < 1000 || random.below(10) == 0 {
                let object = heap.new_table(1, 0);
                table::set_integer(&mut heap, object, 1, Value::TRUE).unwrap();
                Value::from_table(object)
            } else {
                roots.values[2 + random.below(roots.values.len() as u64 - 2) as usize]
            };
            if roots.values.len() < 1000 {
                roots.values.push(object);
            } else if random.below(10) == 0 {
                roots.values.swap_remove(2 + random.below(900) as usize);
            }
            let length = 1 + random.below(3000);
            match random.below(4) {
                0 => {
                    table::array::insert(&mut heap, list, 1 + random.below(length), length, object)
                        .unwrap()
                }
                1 => drop(
                    table::array::remove(&mut heap, list, 1 + random.below(length), length)
                        .unwrap(),
                ),
                2 => table::set(&mut heap, map, object, number(1)).unwrap(),
                _ => table::set_integer(&mut heap, list, length as i64, object).unwrap(),
            }
            heap.step_by(1, &mut roots);
            surveys += usize::from(heap.phase == Phase::Survey);
            if operation % 100 == 0 {
                let (mut place, mut other_place) = (0, 0);
                while let Some((next, _, value)) = table::iterate::next_from(list, place) {
                    place = next;
                    assert!(is_whole(value));
                }
                while let Some((next, key, _)) = table::iterate::next_from(map, other_place) {
                    other_place = next;
                    assert!(is_whole(key));
                }
            }
        }
        assert!(cfg!(feature = "gc-stress") || surveys > 1000, "{surveys}");
    }
}

/// A table that is not weak for a part of the survey, in which its elements move.
#[test]
fn elements_move_while_the_mode_is_off() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let lists: Vec<*mut Table> =
            (0..4).map(|_| weak_table(&mut heap, &mut roots, "v")).collect();
        let mut surveys = 0;
        for steps in 1.. {
            roots.values.truncate(lists.len());
            for (index, &list) in
                (1..=5000).flat_map(|index| lists.iter().map(move |list| (index, list)))
            {
                let object = Value::from_table(heap.new_table(0, 0));
                table::set_integer(&mut heap, list, index, object).unwrap();
                if index % 2 == 0 {
                    roots.values.push(object);
                }
            }
            let ended = (0..steps * 5).any(|_| heap.step_by(1, &mut roots));
            surveys += usize::from(heap.phase == Phase::Survey);
            for &list in &lists {
                let metatable = (*list).metatable;
                table::set_metatable(&mut heap, list, null_mut());
                table::array::remove(&mut heap, list, 1, 5000).unwrap();
                table::set_metatable(&mut heap, list, metatable);
            }
            if ended {
                break;
            }
            while !heap.step_by(1 << 20, &mut roots) {}
            let alive: HashSet<u64> = roots.values.iter().map(|value| value.0).collect();
            for &list in &lists {
                let mut place = 0;
                while let Some((next, _, value)) = table::iterate::next_from(list, place) {
                    place = next;
                    assert!(alive.contains(&value.0));
                }
            }
        }
        assert!(cfg!(feature = "gc-stress") || surveys > 10, "{surveys}");
    }
}
