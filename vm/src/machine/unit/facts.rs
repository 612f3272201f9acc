//! What units rely on: where fields and upvalues are, and which fields are absent.
//!
//! A fact can change only together with `Heap::moves`, so all of a unit's facts hold as long as
//! that is what it was when they were checked. Tables and upvalues of facts are *watched*: moves of
//! others do not count.

use super::MachineLayout;
use super::sample::{Function, Seen, Table};
use crate::heap::gc::Heap;
use crate::heap::table::{Watched, hash};
use crate::layout::object::LuaFunction;
use crate::layout::unit::{FactKind, Facts, RootKind};
use crate::layout::value::Value;
use std::cell::Cell;
use std::collections::HashSet;

/// Something that a unit relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fact(FactKind);

/// All that a unit relies on.
pub struct Assumptions(pub(super) Box<Facts>);

impl Assumptions {
    /// Those facts.
    pub fn new(facts: &HashSet<Fact>) -> Assumptions {
        let all = facts.iter().map(|fact| fact.0).collect();
        // They are checked when the unit is entered first.
        Assumptions(Box::new(Facts { all, checked: Cell::new(u64::MAX) }))
    }

    /// The address of the word that [`MachineLayout::MOVES`] was when all facts held.
    pub fn checked(&self) -> u64 {
        self.0.checked.as_ptr() as u64
    }
}

impl<'v> Table<'v> {
    /// It has a short string as a key at that distance from its first node.
    pub fn has(&self, offset: i32, key: Seen<'v>) -> Option<Fact> {
        let key = key.short_string()?;
        let table = self.address() as *mut _;
        let nodes = self.nodes() as *mut _;
        let node = self.nodes().wrapping_add_signed(offset.into()) as *const _;
        Some(Fact(FactKind::Has { table, nodes, node, key }))
    }

    /// It has no node for a short string, and has the metatable that it has now.
    pub fn lacks(&self, key: Seen<'v>) -> Option<Fact> {
        let key = key.short_string()?;
        let metatable = self.metatable().map_or(0, |metatable| metatable.address()) as *mut _;
        Some(Fact(FactKind::Lacks { table: self.address() as *mut _, key, metatable }))
    }
}

impl Function<'_> {
    /// The variable that it has captured by that index is where it is now.
    pub fn has_upvalue(&self, index: usize) -> Option<Fact> {
        let variable = self.upvalue(index)?;
        let (upvalue, slot) = (variable.address() as *mut _, variable.slot() as *mut _);
        Some(Fact(FactKind::Upvalue { function: self.pointer(), upvalue, slot }))
    }

    /// It has the globals that it has now.
    pub fn has_environment(&self) -> Option<Fact> {
        let environment = self.environment()?.address() as *mut _;
        Some(Fact(FactKind::Environment { function: self.pointer(), environment }))
    }

    fn pointer(&self) -> *mut LuaFunction {
        (self.word() ^ MachineLayout::LUA_FUNCTION << 48) as *mut _
    }
}

/// The objects that facts are about.
pub(super) fn roots(facts: &Facts) -> impl Iterator<Item = RootKind> {
    let values = facts.all.iter().flat_map(|fact| match *fact {
        FactKind::Has { table, key, .. } => {
            [Some(Value::from_table(table)), Some(Value::from_string(key)), None]
        }
        FactKind::Lacks { table, key, metatable } => {
            let metatable = (!metatable.is_null()).then(|| Value::from_table(metatable));
            [Some(Value::from_table(table)), Some(Value::from_string(key)), metatable]
        }
        FactKind::Upvalue { function, .. } => {
            [Some(Value::from_lua_function(function)), None, None]
        }
        FactKind::Environment { function, environment } => {
            [Some(Value::from_lua_function(function)), Some(Value::from_table(environment)), None]
        }
    });
    values.flatten().map(RootKind::Value)
}

/// Counts the moves of the tables and upvalues of a new unit's facts from now on.
pub(super) fn watch(facts: &Facts, heap: &mut Heap) {
    add(facts, &mut heap.watched);
    if !heap.watched.is_crowded() {
        return;
    }
    let mut watched = Watched::new();
    for prototype in heap.prototypes() {
        // SAFETY: registered prototypes are not swept.
        unsafe { (*prototype).cold.units() }.for_each(|unit| add(&unit.facts, &mut watched));
    }
    add(facts, &mut watched);
    watched.settle();
    heap.watched = watched;
}

fn add(facts: &Facts, watched: &mut Watched) {
    for fact in &facts.all {
        match *fact {
            FactKind::Has { table, .. } | FactKind::Lacks { table, .. } => watched.add(table),
            FactKind::Upvalue { upvalue, .. } => watched.add(upvalue),
            FactKind::Environment { .. } => {}
        }
    }
}

/// Whether all facts of a unit hold.
///
/// # Safety
/// Their objects are alive.
#[inline(always)]
pub(super) unsafe fn hold(facts: &Facts, heap: &Heap) -> bool {
    // SAFETY: as the caller asserts.
    facts.checked.get() == heap.moves || unsafe { check(facts, heap) }
}

#[cold]
#[inline(never)]
unsafe fn check(facts: &Facts, heap: &Heap) -> bool {
    // SAFETY: the objects are alive, as the caller asserts. A node is read only if it is one of its
    // table's.
    let holds = |fact: &FactKind| unsafe {
        match *fact {
            FactKind::Has { table, nodes, node, key } => {
                let count = hash::node_count(table);
                (*table).nodes == nodes
                    && (nodes.cast_const()..nodes.add(count)).contains(&node)
                    && (*node).key == Value::from_string(key)
            }
            FactKind::Lacks { table, key, metatable } => {
                (*table).metatable == metatable && hash::find_short_string(table, key).is_null()
            }
            FactKind::Upvalue { upvalue, slot, .. } => (*upvalue).slot == slot,
            FactKind::Environment { function, environment } => {
                (*function).environment == environment
            }
        }
    };
    let all_hold = facts.all.iter().all(holds);
    if all_hold {
        facts.checked.set(heap.moves);
    }
    all_hold
}
