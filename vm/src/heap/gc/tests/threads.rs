//! Threads and upvalues.

use super::{Random, TestRoots, heap, number};
use crate::heap::gc::Heap;
use crate::heap::string;
use crate::heap::table;
use crate::layout::object::{Thread, Upvalue};
use crate::layout::value::Value;
use std::ptr::null_mut;

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
            assert_eq!(
                string::bytes(value.to_string().unwrap()),
                b"a value that only a dead thread's stack refers to"
            );
        }
    }
}

/// Threads run, are switched, share variables with closures, grow and die, while the collector
/// works in slices.
#[test]
fn threads_and_upvalues_with_interleaved_steps() {
    unsafe {
        let mut random = Random(4711);
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let spawn = |heap: &mut Heap| {
            let thread = heap.new_thread(12);
            (*thread).pc = crate::layout::frame::thread_start();
            (*thread).top = (*thread).stack.add(4);
            thread
        };
        // Slot 0 of a thread refers to another thread, or to nothing; slot 1 to a closure that
        // shares slot 2 with it.
        roots.running = spawn(&mut heap);
        roots.values.push(Value::NIL);
        // Closures are held by a table that is so large that what is stored into it is marked at
        // once.
        let closures = heap.new_table(2000, 0);
        roots.values.push(Value::from_table(closures));
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
                    let place = 1 + random.below(20) as i64;
                    table::set_integer(
                        &mut heap,
                        closures,
                        place,
                        Value::from_lua_function(closure),
                    )
                    .unwrap();
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
                    let chosen = table::get_integer(closures, 1 + random.below(20) as i64);
                    if let Some(closure) = chosen.to_lua_function() {
                        let upvalue = *(&raw mut (*closure).upvalues as *mut *mut Upvalue);
                        let value = Value::from_table(heap.new_table(1, 0));
                        table::set_integer(&mut heap, value.to_table().unwrap(), 1, number(42))
                            .unwrap();
                        *(*upvalue).slot = value;
                        heap.barrier_forward(upvalue, value);
                    }
                }
                6 => {
                    // A frame that covers slot 7 comes or goes; it does not initialise the slot.
                    (*running).top = stack.add(if random.below(2) == 0 { 4 } else { 8 });
                }
                _ => {
                    // Registers are written without barriers.
                    let table = heap.new_table(1, 0);
                    table::set_integer(&mut heap, table, 1, number(42)).unwrap();
                    (*running).stack.add(2).write(Value::from_table(table));
                    (*running).stack.add(7).write(Value::from_table(table));
                }
            }
            if turn % 1000 == 0 {
                table::set_integer(&mut heap, closures, 1 + random.below(20) as i64, Value::NIL)
                    .unwrap();
            }
            if random.below(3) == 0 {
                heap.step_by(1, &mut roots);
            }
            for place in 1..=20 {
                if let Some(closure) = table::get_integer(closures, place).to_lua_function() {
                    let upvalue = *(&raw mut (*closure).upvalues as *mut *mut Upvalue);
                    if let Some(table) = (*(*upvalue).slot).to_table() {
                        assert!(table::get_integer(table, 1) == number(42));
                    }
                }
            }
        }
    }
}
