//! Finalizers, and the Rust values of userdata.

use super::{Random, TestRoots, heap};
use crate::heap::gc::{Heap, Marker, Phase};
use crate::heap::table;
use crate::heap::userdata::Data;
use crate::heap::userdata::Userdata;
use crate::layout::object::Table;
use crate::layout::value::Value;
use std::cell::Cell;
use std::ptr::null_mut;
use std::rc::Rc;

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

pub(super) unsafe fn counted(
    heap: &mut Heap,
    drops: &Rc<Cell<u32>>,
    metatable: *mut Table,
) -> *mut Userdata {
    heap.new_userdata(
        Box::new(Counted { drops: drops.clone(), value: Value::NIL }),
        metatable,
        null_mut(),
    )
}

pub(super) unsafe fn with_finalizer(heap: &mut Heap) -> *mut Table {
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

/// At the end of a VM, all userdata with a finalizer are queued, but not those that were found dead
/// when their metatable had no `__gc` yet: the purge in progress is about to free them.
#[test]
fn finalizers_of_the_dead_are_not_queued_during_a_purge() {
    unsafe {
        let mut heap = heap();
        let mut roots = TestRoots::new();
        let drops = Rc::new(Cell::new(0));
        let metatable = heap.new_table(0, 0);
        roots.values.push(Value::from_table(metatable));
        counted(&mut heap, &drops, metatable);
        while heap.phase != Phase::Purge {
            heap.advance(1 << 10, &mut roots);
        }
        let name = heap.string(b"__gc");
        table::set_string(&mut heap, metatable, name, Value::TRUE).unwrap();
        heap.finalize_all();
        while !heap.advance(1 << 10, &mut roots) {}
        if let Some(userdata) = heap.take_finalizer() {
            assert_eq!(drops.get(), 0, "{userdata:?} was freed in the queue");
        }
    }
}
