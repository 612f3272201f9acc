//! The collector, seen from the mutator's side.

use super::{Heap, HeapConfig, Marker, Phase, Roots};
use crate::metamethod::Metamethod;
use crate::object::{Table, Thread, Upvalue, Userdata};
use crate::userdata::Data;
use crate::value::Value;
use crate::{string, table};
use std::cell::Cell;
use std::collections::HashMap;
use std::ptr::null_mut;
use std::rc::Rc;

/// Values that a test keeps alive.
pub(crate) struct TestRoots {
    pub(crate) values: Vec<Value>,
    pub(crate) running: *mut Thread,
}

impl TestRoots {
    pub(crate) fn new() -> TestRoots {
        TestRoots { values: Vec::new(), running: null_mut() }
    }
}

impl Roots for TestRoots {
    fn trace(&mut self, marker: &mut Marker<'_>) {
        self.values.iter().for_each(|&value| marker.value(value));
        if !self.running.is_null() {
            // SAFETY: tests keep it alive through this very root.
            unsafe { marker.running_thread(self.running) };
        }
    }
}

pub(crate) fn heap() -> Heap {
    Heap::new(HeapConfig { memory_limit: 1 << 30, hash_seed: Some(1) })
}

/// A reproducible source of numbers.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

fn number(x: usize) -> Value {
    Value::number(x as f64)
}

/// A key of the graph that the random test works on: small integers, sparse ones, fractions, short and long strings.
unsafe fn key(heap: &mut Heap, n: u64) -> Value {
    match n % 8 {
        0..3 => Value::number((n / 8 + 1) as f64),
        3 => Value::number((n * 1000) as f64),
        4 => Value::number(-(n as f64) - 0.5),
        5 => Value::from_string(heap.string(format!("a key that is too long to be interned, number {n}").as_bytes())),
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

/// Tables refer to each other at random and are reachable from a few roots only; a model knows what each must contain.
#[test]
fn random_graph_survives_collection() {
    for seed in 1..=6 {
        unsafe { random_graph(seed, 60_000) };
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
    // How many different keys there are decides how large tables become; some shall be scanned in pieces.
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
                let table = if random.below(2) == 0 { place } else { new_table(&mut heap, &mut model) };
                roots.values[1 + random.below(8) as usize] = Value::from_table(table);
            }
            _ => {
                // Every entry, by both kinds of traversal.
                let mut position = 0;
                let mut key = Value::NIL;
                let mut count = 0;
                while let Some((next, k, v)) = table::iterate::next_from(place, position) {
                    assert!(table::iterate::next(place, key) == Ok(Some((k, v))));
                    assert!(table::get(place, k) == v);
                    (position, key) = (next, k);
                    count += 1;
                }
                assert!(table::iterate::next(place, key) == Ok(None));
                assert_eq!(count, contents.len() + 1);
            }
        }
        match random.below(1000) {
            0 => heap.collect(&mut roots),
            1..300 => {
                heap.step_by(1 + random.below(4) as usize * super::account::STEP_SIZE, &mut roots);
            }
            _ if heap.collection_due() => heap.step(&mut roots),
            _ => {}
        }
    }
}

#[test]
fn memory_is_released() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        heap.collect(&mut roots);
        let before = heap.used();
        let list = heap.new_table(0, 0);
        roots.values.push(Value::from_table(list));
        for index in 1..=100_000 {
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
        assert!(heap.used() > before + 20_000_000);
        let held = heap.reserved();
        roots.values.clear();
        // The first cycle frees everything but the room that the intern table keeps for a while.
        (0..3).for_each(|_| heap.collect(&mut roots));
        assert!(heap.used() <= before + 10_000, "{} bytes before, {} after", before, heap.used());
        assert!(heap.reserved() <= 8 << 20, "{} bytes held, then {}", held, heap.reserved());
    }
}

#[test]
fn steps_alone_keep_garbage_bounded() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let mut most = 0;
        for index in 0..2_000_000 {
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
    unsafe {
        let mut heap = Heap::new(HeapConfig { memory_limit: 4 << 20, hash_seed: None });
        let mut roots = TestRoots::new();
        let list = heap.new_table(0, 0);
        roots.values.push(Value::from_table(list));
        let mut index = 0;
        // What is reachable does not fit: a collection does not help.
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
                if heap.used() > heap.limit() {
                    heap.collect(&mut roots);
                    break;
                }
            }
            assert!(index < 100_000);
        }
        assert!(heap.would_exceed(3 << 20));
        roots.values.clear();
        heap.collect(&mut roots);
        assert!(!heap.would_exceed(3 << 20));
        assert!(!heap.collection_due() || cfg!(feature = "gc-stress"));
    }
}

/// A userdata that counts its drops, and may hold a value.
struct Counted {
    drops: Rc<Cell<u32>>,
    value: Value,
}

impl Data for Counted {
    fn trace(&self, marker: &mut Marker<'_>) {
        marker.value(self.value);
    }
    fn external_size(&self) -> usize {
        10_000
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
    }
}

unsafe fn counted(heap: &mut Heap, drops: &Rc<Cell<u32>>, metatable: *mut Table) -> *mut Userdata {
    heap.new_userdata(Box::new(Counted { drops: drops.clone(), value: Value::NIL }), metatable, null_mut())
}

unsafe fn with_finalizer(heap: &mut Heap) -> *mut Table {
    let metatable = heap.new_table(0, 0);
    let name = heap.string(b"__gc");
    table::set_string(heap, metatable, name, Value::TRUE).unwrap();
    metatable
}

#[test]
fn userdata_are_dropped() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let drops = Rc::new(Cell::new(0));
        let before = heap.used();
        for index in 0..1000 {
            let userdata = counted(&mut heap, &drops, null_mut());
            if index % 10 == 0 {
                roots.values.push(Value::from_userdata(userdata));
            }
        }
        assert!(heap.used() > before + 10_000_000);
        heap.collect(&mut roots);
        assert_eq!(drops.get(), 900);
        assert!(heap.used() < before + 1_200_000);
        drop(heap);
        assert_eq!(drops.get(), 1000);
    }
}

#[test]
fn finalizers_run_newest_first_and_once() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let drops = Rc::new(Cell::new(0));
        let metatable = with_finalizer(&mut heap);
        roots.values.push(Value::from_table(metatable));
        let created: Vec<_> = (0..5).map(|_| counted(&mut heap, &drops, metatable)).collect();
        roots.values.push(Value::from_userdata(created[2]));
        heap.collect(&mut roots);
        assert_eq!(drops.get(), 0);
        let order = [4, 3, 1, 0].map(|index: usize| Some(created[index]));
        for expected in order {
            assert_eq!(heap.take_finalizer(), expected);
        }
        assert_eq!(heap.take_finalizer(), None);
        heap.collect(&mut roots);
        assert_eq!((heap.take_finalizer(), drops.get()), (None, 4));
        // At the end, those that are alive are finalized too.
        heap.finalize_all();
        assert_eq!(heap.take_finalizer(), Some(created[2]));
        assert_eq!(heap.take_finalizer(), None);
    }
}

#[test]
fn finalizer_may_be_set_late_and_resurrect() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let drops = Rc::new(Cell::new(0));
        let metatable = heap.new_table(0, 0);
        let userdata = counted(&mut heap, &drops, metatable);
        let name = heap.string(b"__gc");
        table::set_string(&mut heap, metatable, name, Value::TRUE).unwrap();
        heap.collect(&mut roots);
        assert_eq!(heap.take_finalizer(), Some(userdata));
        roots.values.push(Value::from_userdata(userdata));
        heap.collect(&mut roots);
        heap.collect(&mut roots);
        assert_eq!(drops.get(), 0);
        // Its finalizer has been called; the next time it just dies.
        roots.values.clear();
        heap.collect(&mut roots);
        assert_eq!((heap.take_finalizer(), drops.get()), (None, 1));
    }
}

/// In whatever phase a userdata dies, its finalizer is queued, and its box is not dropped before.
#[test]
fn finalizers_with_interleaved_steps() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let drops = Rc::new(Cell::new(0));
        let mut random = Random(77);
        let mut finalized = 0;
        let metatable = with_finalizer(&mut heap);
        roots.values.push(Value::from_table(metatable));
        for index in 0..30_000_u32 {
            let userdata = counted(&mut heap, &drops, metatable);
            if roots.values.len() < 50 {
                roots.values.push(Value::from_userdata(userdata));
            } else {
                roots.values[1 + random.below(49) as usize] = Value::from_userdata(userdata);
            }
            heap.step_by(1, &mut roots);
            while let Some(userdata) = heap.take_finalizer() {
                assert!((*userdata).data.is_some());
                finalized += 1;
            }
            assert!(drops.get() <= finalized && finalized <= index);
        }
        roots.values.clear();
        heap.collect(&mut roots);
        while heap.take_finalizer().is_some() {
            finalized += 1;
        }
        assert_eq!(finalized, 30_000);
    }
}

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

/// The mode may change while a cycle is under way.
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

unsafe fn open(heap: &mut Heap, thread: *mut Thread, slot: usize) -> *mut Upvalue {
    let upvalue = heap.new_open_upvalue((*thread).stack.add(slot));
    // Tests open upvalues from the lowest slot up, so the list stays sorted.
    (*upvalue).closed = Value((*thread).open_upvalues as u64);
    (*thread).open_upvalues = upvalue;
    upvalue
}

#[test]
fn upvalues_outlive_a_dead_thread() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        for slots in [12, 5000] {
            let thread = heap.new_thread(slots);
            let text = heap.string(b"a value that only a dead thread's stack refers to");
            (*thread).stack.add(3).write(Value::from_string(text));
            (*thread).top = (*thread).stack.add(5);
            let upvalue = open(&mut heap, thread, 3);
            let closure = heap.new_lua_function(null_mut(), null_mut(), 1);
            (&raw mut (*closure).upvalues as *mut *mut Upvalue).write(upvalue);
            roots.values.push(Value::from_lua_function(closure));
            heap.collect(&mut roots);
            assert_eq!((*upvalue).is_open, 0);
            heap.collect(&mut roots);
            let value = *(*upvalue).slot;
            assert_eq!(string::bytes(value.to_string().unwrap()), b"a value that only a dead thread's stack refers to");
        }
    }
}

/// Threads run, are switched, share variables with closures, grow and die, while the collector works in slices.
#[test]
fn threads_and_upvalues_with_interleaved_steps() {
    unsafe {
        let mut random = Random(4711);
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let spawn = |heap: &mut Heap| {
            let thread = heap.new_thread(12);
            (*thread).pc = crate::frame::thread_start();
            (*thread).top = (*thread).stack.add(4);
            thread
        };
        // Slot 0 of a thread refers to another thread, or to nothing; slot 1 to a closure that shares slot 2 with it.
        roots.running = spawn(&mut heap);
        roots.values.resize(20, Value::NIL);
        for turn in 0..100_000_u64 {
            let running = roots.running;
            let stack = (*running).stack;
            match random.below(8) {
                0 => {
                    let next = spawn(&mut heap);
                    (*next).stack.write(Value::from_thread(running));
                    heap.thread_resumed(next);
                    roots.running = next;
                }
                1 => {
                    if let Some(next) = (*stack).to_thread() {
                        heap.thread_resumed(next);
                        roots.running = next;
                        // Sometimes the thread that is left dies.
                        if random.below(2) == 0 {
                            roots.values[0] = Value::from_thread(running);
                        }
                    }
                }
                2 if (*running).open_upvalues.is_null() => {
                    let upvalue = open(&mut heap, running, 2);
                    let closure = heap.new_lua_function(null_mut(), null_mut(), 1);
                    (&raw mut (*closure).upvalues as *mut *mut Upvalue).write(upvalue);
                    stack.add(1).write(Value::from_lua_function(closure));
                    roots.values[random.below(20) as usize] = Value::from_lua_function(closure);
                }
                3 if !(*running).open_upvalues.is_null() => {
                    let upvalue = (*running).open_upvalues;
                    (*running).open_upvalues = null_mut();
                    heap.close_upvalue(upvalue);
                }
                4 => {
                    let slots = (*running).stack_end.offset_from(stack) as usize;
                    if slots < 3000 {
                        heap.grow_stack(running, slots * 2).unwrap();
                    }
                }
                5 => {
                    // A store through a closure.
                    let chosen = roots.values[random.below(20) as usize];
                    if let Some(closure) = chosen.to_lua_function() {
                        let upvalue = *(&raw mut (*closure).upvalues as *mut *mut Upvalue);
                        let value = Value::from_table(heap.new_table(1, 0));
                        table::set_integer(&mut heap, value.to_table().unwrap(), 1, number(42)).unwrap();
                        *(*upvalue).slot = value;
                        heap.barrier_forward(upvalue, value);
                    }
                }
                _ => {
                    // Registers are written without barriers.
                    let table = heap.new_table(1, 0);
                    table::set_integer(&mut heap, table, 1, number(42)).unwrap();
                    (*running).stack.add(2).write(Value::from_table(table));
                    // And above the live end nothing is initialised.
                    (*running).stack.add(7).write(Value::from_table(table));
                }
            }
            if turn % 1000 == 0 {
                roots.values[1 + random.below(19) as usize] = Value::NIL;
            }
            if random.below(3) == 0 {
                heap.step_by(1, &mut roots);
            }
            for &value in &roots.values {
                if let Some(closure) = value.to_lua_function() {
                    let upvalue = *(&raw mut (*closure).upvalues as *mut *mut Upvalue);
                    if let Some(table) = (*(*upvalue).slot).to_table() {
                        assert!(table::get_integer(table, 1) == number(42));
                    }
                }
            }
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
                    let key = random.below(30_000) as f64 + 0.5;
                    table::set(&mut heap, list, Value::number(key), item).unwrap();
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
        while let Some((next, _, value)) = table::iterate::next_from(list, position) {
            assert!(table::get_integer(value.to_table().unwrap(), 1) == number(7));
            position = next;
        }
    }
}

#[test]
fn absence_of_metamethods_is_remembered_until_a_key_is_created() {
    unsafe {
        let mut heap = heap();
        let metatable = heap.new_table(0, 1);
        let name = heap.string(b"__index");
        assert!(table::metamethod(metatable, Metamethod::Index, name).is_nil());
        assert!((*metatable).absent & 1 != 0);
        table::set_string(&mut heap, metatable, name, Value::TRUE).unwrap();
        assert!(table::metamethod(metatable, Metamethod::Index, name) == Value::TRUE);
        assert!(table::metamethod(null_mut(), Metamethod::Index, name).is_nil());
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
        assert_eq!(cost(&mut |heap, _| _ = heap.new_thread(12)), 80 + 8 * (12 + crate::thread::EXTRA));
    }
}
