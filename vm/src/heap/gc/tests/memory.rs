//! Memory: accounting, limits, release.

use super::{TestRoots, heap, number};
use crate::account::Account;
use crate::heap::gc::arena::{BLOCK_SIZE, block_of};
use crate::heap::gc::{Heap, HeapConfig, Phase};
use crate::heap::table;
use crate::layout::value::Value;
use std::ptr::null_mut;

#[test]
fn memory_is_released() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        heap.collect(&mut roots);
        let before = heap.used();
        let list = heap.new_table(0, 0);
        roots.values.push(Value::from_table(list));
        let items = if cfg!(feature = "gc-stress") { 2_000 } else { 100_000 };
        for index in 1..=items {
            let item = heap.new_table(2, 2);
            let name = heap.string(format!("item {index}").as_bytes());
            table::set_string(&mut heap, item, name, number(index)).unwrap();
            table::set_integer(&mut heap, list, index as i64, Value::from_table(item)).unwrap();
            let text = heap.string(&[b'x'; 100]);
            table::set_integer(&mut heap, item, 1, Value::from_string(text)).unwrap();
            if heap.collection_due() {
                heap.step(&mut roots);
            }
        }
        assert!(heap.used() > before + 200 * items);
        let held = heap.arenas.size() + heap.large.size();
        roots.values.clear();
        // The first cycle frees everything but the room that the intern table keeps for a while.
        (0..3).for_each(|_| heap.collect(&mut roots));
        assert!(heap.used() <= before + 10_000, "{} bytes before, {} after", before, heap.used());
        assert!(
            (heap.arenas.size() + heap.large.size()) <= 8 << 20,
            "{} bytes held, then {}",
            held,
            (heap.arenas.size() + heap.large.size())
        );
    }
}

#[test]
fn few_objects_share_blocks() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let blocks = heap.arenas.blocks_in_use().len();
        // From large to small, so that there is something to borrow from.
        let texts: Vec<_> = (0..=40).rev().map(|length| vec![b'x'; length]).collect();
        let strings: Vec<_> = texts.iter().map(|text| heap.string(text)).collect();
        assert_eq!(heap.arenas.blocks_in_use().len(), blocks + 1);
        roots.values.extend(strings.iter().map(|&string| Value::from_string(string)));
        heap.collect(&mut roots);
        for (text, string) in texts.iter().zip(&strings) {
            assert_eq!(heap.string(text), *string);
        }
        // Frequent kinds have a separate block.
        let many: Vec<_> =
            (0..200).map(|number| heap.string(format!("{number:030}").as_bytes())).collect();
        assert_ne!(block_of(many[199]), block_of(strings[0]));
    }
}

#[test]
fn steps_alone_keep_garbage_bounded() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let mut most = 0;
        let turns = if cfg!(feature = "gc-stress") { 20_000 } else { 2_000_000 };
        for index in 0..turns {
            let table = heap.new_table(0, 2);
            let name = heap.string(format!("{}", index % 50_000).as_bytes());
            table::set_string(&mut heap, table, name, Value::TRUE).unwrap();
            if heap.collection_due() {
                heap.step(&mut roots);
            }
            most = most.max(heap.used());
        }
        assert!(most < 8 << 20, "{most} bytes in use");
    }
}

/// A slice does not pay for all of a large allocation, but many of them must not be ahead of the
/// collector.
#[test]
fn large_garbage_is_bounded() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        for size in [200 << 10, 1 << 20, 4 << 20] {
            let mut most = 0;
            for _ in 0..200 {
                _ = heap.repeated_string(b"x", size);
                if heap.collection_due() {
                    heap.step(&mut roots);
                }
                most = most.max(heap.used());
            }
            assert!(most < 4 * size + (4 << 20), "{most} bytes in use by pieces of {size}");
        }
    }
}

#[test]
fn stopped_collector_frees_nothing() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        heap.stop();
        for _ in 0..100_000 {
            heap.new_table(4, 0);
            if heap.collection_due() && !cfg!(feature = "gc-stress") {
                heap.step(&mut roots);
            }
        }
        assert!(heap.used() > 6_000_000);
        heap.restart();
        let mut steps = 0;
        while !heap.step_by(1 << 16, &mut roots) {
            steps += 1;
        }
        assert!(steps < 200);
        assert!(heap.used() < 200_000);
    }
}

#[test]
fn memory_limit() {
    // With a collection at every safepoint, time grows with the square of it.
    const LIMIT: usize = if cfg!(feature = "gc-stress") { 1 << 19 } else { 4 << 20 };
    unsafe {
        let mut heap = Heap::new(HeapConfig { account: Account::new(LIMIT), hash_seed: None });
        let mut roots = TestRoots::new();
        let list = heap.new_table(0, 0);
        roots.values.push(Value::from_table(list));
        let mut index = 0;
        // The reachable objects do not fit: a collection does not help.
        loop {
            index += 1;
            let item = heap.new_table(4, 0);
            match table::set_integer(&mut heap, list, index, Value::from_table(item)) {
                Ok(()) => {}
                Err(error) => {
                    assert_eq!(error, table::KeyError::Memory);
                    break;
                }
            }
            if heap.collection_due() {
                heap.step(&mut roots);
                if heap.used() > LIMIT {
                    heap.collect(&mut roots);
                    break;
                }
            }
            assert!(index < 100_000);
        }
        assert!(heap.would_exceed(LIMIT / 4 * 3));
        roots.values.clear();
        heap.collect(&mut roots);
        assert!(!heap.would_exceed(LIMIT / 4 * 3));
        assert!(!heap.collection_due() || cfg!(feature = "gc-stress"));
    }
}

#[test]
fn objects_have_their_planned_sizes() {
    unsafe {
        let mut heap = heap();
        let mut cost = |make: &mut dyn Fn(&mut Heap, usize)| {
            let used = |heap: &Heap| heap.used() - heap.account.intern_table;
            let before = used(&heap);
            (0..1000).for_each(|index| make(&mut heap, index));
            (used(&heap) - before) / 1000
        };
        assert_eq!(cost(&mut |heap, _| _ = heap.new_table(0, 0)), 32);
        assert_eq!(cost(&mut |heap, _| _ = heap.new_table(0, 2)), 80);
        assert_eq!(cost(&mut |heap, _| _ = heap.new_table(2, 0)), 48);
        assert_eq!(cost(&mut |heap, _| _ = heap.new_lua_function(null_mut(), null_mut(), 1)), 32);
        assert_eq!(cost(&mut |heap, _| _ = heap.new_open_upvalue(null_mut())), 24);
        assert_eq!(cost(&mut |heap, index| _ = heap.string(format!("{index:020}").as_bytes())), 32);
        assert_eq!(
            cost(&mut |heap, _| _ = heap.new_thread(12)),
            80 + 8 * (12 + crate::layout::stack::EXTRA)
        );
    }
}

#[test]
fn a_collection_leaves_what_is_alive_to_the_byte() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let used = |heap: &Heap| heap.used() - heap.account.intern_table;
        heap.collect(&mut roots);
        let before = used(&heap);
        for index in 0..2000 {
            let table = heap.new_table(0, 0);
            heap.new_table(0, 0);
            heap.string(format!("{index}").as_bytes());
            if index % 2 == 0 {
                roots.values.push(Value::from_table(table));
            }
            if index % 100 == 0 {
                heap.step_by(1, &mut roots);
            }
        }
        heap.collect(&mut roots);
        assert_eq!(used(&heap) - before, 1000 * 32);
    }
}

/// The table in the last cell of a block, and its payload in the first one of the next block, are
/// neighbours like a table and the parts in its own cell.
#[test]
fn neighbouring_payload_is_not_taken_for_the_tables_own() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let mut table = null_mut();
        for _ in 0..BLOCK_SIZE / 32 {
            table = heap.new_table(0, 0);
        }
        roots.values.push(Value::from_table(table));
        table::set_integer(&mut heap, table, 1, Value::TRUE).unwrap();
        assert_eq!((*table).array as usize, table.add(1) as usize);
        heap.collect(&mut roots);
        let other = heap.new_table(0, 0);
        table::set_integer(&mut heap, other, 1, Value::FALSE).unwrap();
        assert!(table::get_integer(table, 1) == Value::TRUE);
    }
}

/// Creates this number of small tables that are alive, and ends the cycle.
unsafe fn live_tables(heap: &mut Heap, roots: &mut TestRoots, count: usize) {
    for _ in 0..count {
        let table = heap.new_table(2, 0);
        table::set_integer(heap, table, 1, Value::TRUE).unwrap();
        roots.values.push(Value::from_table(table));
    }
    heap.collect(roots);
}

/// Programs that only change what they have do not run away from the marker.
#[test]
fn changes_are_work_for_the_collector() {
    if cfg!(feature = "gc-stress") {
        return;
    }
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        live_tables(&mut heap, &mut roots, 2000);
        while heap.phase != Phase::Mark {
            heap.step_by(1, &mut roots);
        }
        while heap.phase == Phase::Mark && heap.round_work < 200_000 {
            heap.step_by(1, &mut roots);
        }
        assert!(!heap.collection_due());
        for index in 0..2000 {
            let table = roots.values[index].to_table().unwrap();
            table::set_integer(&mut heap, table, 1, roots.values[0]).unwrap();
        }
        assert!(heap.collection_due());
    }
}

/// A cycle is faster when the heap is nearly full, so that it ends in time.
#[test]
fn a_cycle_ends_before_the_limit() {
    if cfg!(feature = "gc-stress") {
        return;
    }
    unsafe {
        let mut heap =
            Heap::new(HeapConfig { account: Account::new(64 << 20), hash_seed: Some(1) });
        let mut roots = TestRoots::new();
        while heap.used() < 48 << 20 {
            roots.values.push(Value::from_table(heap.new_table(4, 0)));
        }
        heap.collect(&mut roots);
        let first = heap.cycles();
        while heap.cycles() < first + 3 {
            heap.new_table(4, 0);
            if heap.collection_due() {
                heap.step(&mut roots);
            }
            assert!(!heap.would_exceed(0), "{} bytes", heap.used());
        }
    }
}

/// Returning memory takes the OS a while, so it is done in parts.
#[test]
fn memory_is_released_in_pieces() {
    if cfg!(feature = "gc-stress") {
        return;
    }
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        live_tables(&mut heap, &mut roots, 500_000);
        let list = heap.new_table(5_000_000, 0);
        roots.values.push(Value::from_table(list));
        heap.collect(&mut roots);
        roots.values.clear();
        let held = |heap: &Heap| heap.arenas.size() + heap.large.size();
        let before = held(&heap);
        assert!(before > 60 << 20);
        let mut last = before;
        let mut ended = false;
        while !ended {
            ended = heap.step_by(32 << 10, &mut roots);
            let now = held(&heap);
            assert!(last.saturating_sub(now) <= 10 << 20, "{last} bytes, then {now}");
            last = now;
        }
        assert!(held(&heap) < 10 << 20, "{} bytes", held(&heap));
    }
}
