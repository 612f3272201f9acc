//! Making objects.
//!
//! Invariant (PUBLISH): an object is complete when its constructor returns, and its creator makes
//! it reachable before the next safepoint. Since allocation never collects, nothing needs to be
//! protected until then.

use super::arena::{Space, same_block, set_mark};
use super::external::Owned;
use super::{Heap, Phase};
use crate::heap::table;
use crate::heap::table::array::MAX_OWN_SLOTS;
use crate::heap::userdata::Data;
use crate::heap::userdata::Userdata;
use crate::layout::object::NativeCode;
use crate::layout::object::{
    Header, Kind, LongString, LuaFunction, NativeFunction, Node, Prototype, SHORT_BYTES, Str,
    Table, Upvalue,
};
use crate::layout::value::Value;
use std::ptr::{self, null_mut};

/// A table's parts are created in its own cell if the hash part has no more nodes than this, and
/// the array part no more slots than [`MAX_OWN_SLOTS`].
const MAX_OWN_NODES: usize = 8;

impl Heap {
    /// An empty table with room for the keys 1..=`slots` and, if `fields_log2_plus_1` is not 0, for
    /// `1 << (fields_log2_plus_1 - 1)` other keys.
    ///
    /// # Safety
    /// `slots` is at most `array::MAX_SLOTS`, `fields_log2_plus_1` at most `hash::MAX_LOG2 + 1`.
    /// The table is published before the next safepoint.
    #[inline]
    pub(crate) unsafe fn new_table(&mut self, slots: u32, fields_log2_plus_1: u32) -> *mut Table {
        debug_assert!(fields_log2_plus_1 <= table::hash::MAX_LOG2 + 1);
        let nodes = if fields_log2_plus_1 == 0 { 0 } else { 1 << (fields_log2_plus_1 - 1) };
        // SAFETY: the sizes are within the limits, as the caller asserts. The new table's parts
        // have room for `slots` slots and `nodes` nodes, and are initialised here.
        unsafe {
            let table = self.allocate_table(slots as usize, nodes);
            let first = (*table).array.wrapping_add(1);
            for index in 0..slots as usize {
                first.add(index).write(Value::NIL);
            }
            if nodes > 0 {
                table::hash::clear((*table).nodes, nodes);
            }
            table
        }
    }

    /// A table with the contents of `template`, which has no metatable.
    ///
    /// # Safety
    /// `template` is alive. The copy is published before the next safepoint.
    #[inline]
    pub(crate) unsafe fn duplicate_table(&mut self, template: *const Table) -> *mut Table {
        // SAFETY: `template` is alive, as the caller asserts, so its parts have these sizes, which
        // are within the limits of any table (PARTS). The new table's parts have the same ones, are
        // no part of the template, and are initialised here. What the copied values refer to is
        // alive, since the template is (REFERENCES).
        unsafe {
            debug_assert!((*template).metatable.is_null());
            let slots = (*template).array_size as usize;
            let nodes = table::hash::node_count(template);
            let table = self.allocate_table(slots, nodes);
            ptr::copy_nonoverlapping(
                (*template).array.wrapping_add(1),
                (*table).array.wrapping_add(1),
                slots,
            );
            if nodes > 0 {
                // Chains are relative, so nodes may be moved as they are.
                ptr::copy_nonoverlapping((*template).nodes, (*table).nodes, nodes);
            }
            table
        }
    }

    /// A table whose parts are not initialised.
    ///
    /// # Safety
    /// The sizes are within the limits of [`Heap::new_table`]. The caller initialises the parts
    /// before anything reads them.
    #[inline(always)]
    unsafe fn allocate_table(&mut self, slots: usize, nodes: usize) -> *mut Table {
        if slots > MAX_OWN_SLOTS || nodes > MAX_OWN_NODES {
            // SAFETY: as the caller asserts.
            return unsafe { self.allocate_large_table(slots, nodes) };
        }
        let size = size_of::<Table>() + slots * size_of::<Value>() + nodes * size_of::<Node>();
        // SAFETY: so few slots and nodes fit in a cell with the table. They follow it in this
        // order, and `array` is the last word of the table itself.
        unsafe {
            let table = self.allocate(Space::Objects, size) as *mut Table;
            let first_slot = table.add(1) as *mut Value;
            let first_node = first_slot.add(slots) as *mut Node;
            let array = first_slot.sub(1);
            initialize_table(
                table,
                slots,
                array,
                nodes,
                if nodes == 0 { table::hash::empty() } else { first_node },
            );
            table
        }
    }

    /// A table whose parts have separate cells, or are large payloads.
    ///
    /// # Safety
    /// As [`Heap::allocate_table`].
    #[cold]
    #[inline(never)]
    unsafe fn allocate_large_table(&mut self, slots: usize, nodes: usize) -> *mut Table {
        let mut array = ptr::dangling_mut();
        if slots > 0 {
            array = self.allocate_payload(table::array::payload_size(slots)) as *mut Value;
            // SAFETY: the payload has room for a word before its slots.
            unsafe { *array = Value(0) };
        }
        let first_node = match nodes {
            0 => table::hash::empty(),
            _ => self.allocate_payload(table::hash::payload_size(nodes)) as *mut Node,
        };
        // SAFETY: a table fits in a cell; the parts were allocated in these sizes.
        unsafe {
            let table = self.allocate(Space::Objects, size_of::<Table>()) as *mut Table;
            initialize_table(table, slots, array, nodes, first_node);
            table
        }
    }

    /// A closure. The caller stores its upvalues at once.
    ///
    /// # Safety
    /// Prototype and environment are alive. The upvalues are stored before anything reads them, and
    /// it is published before the next safepoint.
    #[inline]
    pub(crate) unsafe fn new_lua_function(
        &mut self,
        prototype: *mut Prototype,
        environment: *mut Table,
        upvalue_count: u8,
    ) -> *mut LuaFunction {
        let size = size_of::<LuaFunction>() + upvalue_count as usize * size_of::<*mut Upvalue>();
        // SAFETY: a closure of at most 255 upvalues fits in a cell, which is new and aligned for
        // it.
        unsafe {
            let function = self.allocate(Space::Objects, size) as *mut LuaFunction;
            function.write(LuaFunction {
                header: Header { barrier: 0, kind: Kind::LuaFunction },
                upvalue_count,
                prototype,
                environment,
                upvalues: [],
            });
            function
        }
    }

    /// A function written in Rust. At most 255 upvalues are taken.
    ///
    /// # Safety
    /// Environment and upvalues are alive. It is published before the next safepoint.
    pub(crate) unsafe fn new_native_function(
        &mut self,
        code: NativeCode,
        environment: *mut Table,
        upvalues: &[Value],
    ) -> *mut NativeFunction {
        let upvalue_count = u8::try_from(upvalues.len()).unwrap_or(u8::MAX);
        let size = size_of::<NativeFunction>() + upvalue_count as usize * size_of::<Value>();
        // SAFETY: a function of at most 255 upvalues fits in a cell, which is new and aligned for
        // it. `upvalue_count` is at most the length of `upvalues`, and room for as many follows the
        // function.
        unsafe {
            let function = self.allocate(Space::Objects, size) as *mut NativeFunction;
            function.write(NativeFunction {
                header: Header { barrier: 0, kind: Kind::NativeFunction },
                upvalue_count,
                code,
                environment,
                upvalues: [],
            });
            ptr::copy_nonoverlapping(
                upvalues.as_ptr(),
                &raw mut (*function).upvalues as *mut Value,
                upvalue_count as usize,
            );
            function
        }
    }

    /// A prototype of the heap. Its boxes are dropped when it dies.
    ///
    /// # Safety
    /// Everything that it refers to is alive. It is published before the next safepoint.
    pub(crate) unsafe fn new_prototype(&mut self, mut prototype: Prototype) -> *mut Prototype {
        prototype.header = Header { barrier: 0, kind: Kind::Prototype };
        let charge = prototype.cold.size();
        // SAFETY: a prototype fits in a cell.
        let object =
            unsafe { self.allocate(Space::Objects, size_of::<Prototype>()) } as *mut Prototype;
        // SAFETY: the cell is new, and aligned for it.
        unsafe { object.write(prototype) };
        self.prototypes.push(Owned { object, charge });
        self.account_allocation(charge);
        object
    }

    /// A userdata. The box is dropped when it dies.
    ///
    /// # Safety
    /// Metatable and environment are null or alive, and so is what `data` refers to. It is
    /// published before the next safepoint.
    pub(crate) unsafe fn new_userdata(
        &mut self,
        data: Box<dyn Data>,
        metatable: *mut Table,
        environment: *mut Table,
    ) -> *mut Userdata {
        let charge = size_outside(&*data);
        // SAFETY: a userdata fits in a cell.
        let object =
            unsafe { self.allocate(Space::Objects, size_of::<Userdata>()) } as *mut Userdata;
        // SAFETY: the cell is new, and aligned for it.
        unsafe {
            object.write(Userdata {
                header: Header { barrier: 0, kind: Kind::Userdata },
                has_finalizer: 1,
                metatable,
                environment,
                charge,
                data: Some(data),
            });
        }
        self.userdata.push(object);
        self.account_allocation(charge);
        object
    }

    /// Must be called when the external size of a userdata's data has grown or shrunk by much.
    ///
    /// # Safety
    /// It belongs to this heap and is alive.
    pub(crate) unsafe fn recount_userdata(&mut self, userdata: *mut Userdata) {
        // SAFETY: the userdata is alive, as the caller asserts, and natives have only shared
        // references to its data.
        let size = unsafe { (*userdata).data.as_deref().map_or(0, size_outside) };
        // SAFETY: as above.
        let counted = unsafe { std::mem::replace(&mut (*userdata).charge, size) };
        if size >= counted {
            self.account_allocation(size - counted);
        } else {
            self.account_release(counted - size);
        }
    }

    /// A cell for a short string of `length` bytes.
    ///
    /// # Safety
    /// `length` is at most `MAX_SHORT`. The string is initialised and published before the next
    /// safepoint.
    #[inline(always)]
    pub(crate) unsafe fn allocate_short_string(&mut self, length: usize) -> *mut Str {
        // SAFETY: a string of at most MAX_SHORT bytes fits in a cell.
        unsafe { self.allocate(Space::Strings, SHORT_BYTES + length) as *mut Str }
    }

    /// A cell for a long string.
    #[inline(always)]
    pub(crate) fn allocate_long_string(&mut self) -> *mut LongString {
        // SAFETY: a long string fits in a cell.
        unsafe { self.allocate(Space::Objects, size_of::<LongString>()) as *mut LongString }
    }

    /// To be called when the intern table finds a string: it may be dead already, as long as it is
    /// not purged.
    ///
    /// # Safety
    /// The string is not swept.
    #[inline(always)]
    pub(crate) unsafe fn keep_interned(&mut self, string: *mut Str) {
        if self.phase == Phase::Purge {
            // SAFETY: the string is not swept, as the caller asserts, so its cell is in use.
            unsafe { set_mark(string) };
        }
    }

    /// Whether a table's part was created in the table's own cell.
    #[inline(always)]
    pub(crate) fn is_coallocated<T>(&self, table: *const Table, part: *const T) -> bool {
        // Payloads have separate blocks.
        same_block(table, part)
    }
}

/// The external size of a userdata's data in bytes.
fn size_outside(data: &dyn Data) -> usize {
    size_of_val(data) + data.external_size()
}

/// # Safety
/// The cell is new; the parts have room for `slots` slots and `nodes` nodes, within the limits of
/// [`Heap::new_table`].
#[inline(always)]
unsafe fn initialize_table(
    table: *mut Table,
    slots: usize,
    array: *mut Value,
    nodes: usize,
    first_node: *mut Node,
) {
    // SAFETY: the cell is new, as the caller asserts, and aligned for a table.
    unsafe {
        table.write(Table {
            header: Header { barrier: 0, kind: Kind::Table },
            absent: 0,
            shift: table::hash::ONE_NODE - nodes.max(1).trailing_zeros() as u8,
            array_size: slots as u32,
            array,
            nodes: first_node,
            metatable: null_mut(),
        });
    }
}
