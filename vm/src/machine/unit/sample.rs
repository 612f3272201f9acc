//! What a compiler sees of the program: frames, code, and the objects that they refer to, as they
//! are while the program does not run. Nothing can be changed through it.
//!
//! Safety of all of it: the types borrow the VM, which does not run meanwhile, so nothing is freed.
//! Every pointer comes from a register of a frame, from a constant, or from an object that is alive
//! because such a one refers to it.

use super::Root;
use crate::heap::{string, table};
use crate::layout::frame::{self, Context};
use crate::layout::metamethod::Metamethod;
use crate::layout::object::{self, Kind, LuaFunction, NativeFunction, Prototype, Str, Upvalue};
use crate::layout::types::Type;
use crate::layout::unit::{Entry, RootKind};
use crate::layout::value::Value;
use crate::machine::interpreter::{Handler, field_node, special};
use crate::machine::native::library::{BitsFunction, number_function};
use crate::machine::vm::Vm;
use crate::number;
use solvm_compiler::bytecode::{self, Instruction};
use std::cell::Cell;
use std::marker::PhantomData;

/// A program whose budget has run out.
pub struct Sample<'v> {
    vm: &'v Vm,
    context: Context,
}

/// A call of a Lua function that has not returned.
#[derive(Clone, Copy)]
pub struct Frame<'v> {
    base: *mut Value,
    function: Function<'v>,
    at: usize,
    /// How many of its registers have values; those above belong to calls.
    registers: usize,
}

/// A value of the program.
#[derive(Clone, Copy)]
pub struct Seen<'v>(Value, PhantomData<&'v Vm>);

/// A table of the program.
#[derive(Clone, Copy)]
pub struct Table<'v>(*const object::Table, PhantomData<&'v Vm>);

/// A Lua function of the program.
#[derive(Clone, Copy)]
pub struct Function<'v>(*const LuaFunction, PhantomData<&'v Vm>);

/// A variable that a function has captured.
#[derive(Clone, Copy)]
pub struct Variable<'v>(*const Upvalue, PhantomData<&'v Vm>);

/// The code of a function.
#[derive(Clone, Copy)]
pub struct Code<'v>(*mut Prototype, PhantomData<&'v Vm>);

/// An instruction of a function.
#[derive(Clone, Copy)]
pub struct Position<'v> {
    /// The function's code.
    pub code: Code<'v>,
    /// The index of the instruction.
    pub at: usize,
}

/// A native from a number to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFunction {
    /// The next whole number at or below.
    Floor,
    /// The square root.
    SquareRoot,
    /// Without the sign.
    Absolute,
    /// A function of the C calling convention at that address, from bits to bits.
    Other(u64),
}

/// Where a unit can be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    prototype: *mut Prototype,
    entry: Entry,
}

impl Place {
    pub(super) fn parts(self) -> (*mut Prototype, Entry) {
        (self.prototype, self.entry)
    }
}

impl<'v> Sample<'v> {
    /// # Safety
    /// CONTEXT holds of the running thread (see [`crate::layout::frame`]), and it runs Lua code.
    pub(super) unsafe fn new(vm: &'v Vm) -> Sample<'v> {
        Sample { vm, context: Context { base: vm.base, pc: vm.pc } }
    }

    /// The frames of the running goroutine's coroutine, the innermost first, up to one that does
    /// not return to Lua code.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'v>> {
        let mut next = Some(self.context);
        let mut is_innermost = true;
        std::iter::from_fn(move || {
            let context = next?;
            if context.continuation().is_some() {
                return None;
            }
            // SAFETY: it is a context of Lua code, so its frame's function is alive; the frames
            // have not changed since.
            let (function, caller) =
                unsafe { (frame::function_of(context.base), context.caller()) };
            next = caller;
            let function = Function(function, PhantomData);
            // SAFETY: the pc of a context is after an instruction of the function's code.
            let (at, registers) = unsafe {
                let at = context.pc.offset_from((*function.code().0).code) as usize - 1;
                let registers = match is_innermost {
                    true => function.code().frame_size(),
                    false => frame::call_slot(context.pc),
                };
                (at, registers)
            };
            is_innermost = false;
            Some(Frame { base: context.base, function, at, registers })
        })
    }

    /// The metatable of strings.
    pub fn string_metatable(&self) -> Option<Table<'v>> {
        Table::of(self.vm.type_metatables[Type::String as usize])
    }

    /// The key of a metamethod, and its hash.
    pub fn metamethod_key(&self, event: Metamethod) -> (Seen<'v>, Seen<'v>) {
        let name = self.vm.metamethod_names[event as usize];
        // SAFETY: the names live as long as the VM.
        let hash = Value(u64::from(unsafe { string::hash(name) }));
        (Seen(Value::from_string(name), PhantomData), Seen(hash, PhantomData))
    }
}

impl<'v> Frame<'v> {
    /// The function.
    pub fn function(&self) -> Function<'v> {
        self.function
    }

    /// The index of the instruction that runs: in the innermost frame the one at which the budget
    /// ran out, in others a call.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What a register holds; None of those that have no value of this frame.
    pub fn register(&self, register: usize) -> Option<Seen<'v>> {
        // SAFETY: these registers are in the frame, which is scanned as a whole.
        let value = (register < self.registers).then(|| unsafe { *self.base.add(register) })?;
        Some(Seen(value, PhantomData))
    }

    /// The address of its first register.
    pub fn base(&self) -> u64 {
        self.base as u64
    }
}

impl<'v> Function<'v> {
    /// Its code.
    pub fn code(&self) -> Code<'v> {
        // SAFETY: it is alive.
        Code(unsafe { (*self.0).prototype }, PhantomData)
    }

    /// Its globals.
    pub fn environment(&self) -> Option<Table<'v>> {
        // SAFETY: it is alive.
        Table::of(unsafe { (*self.0).environment })
    }

    /// The variable that it has captured by that index.
    pub fn upvalue(&self, index: usize) -> Option<Variable<'v>> {
        // SAFETY: it is alive and has that many upvalues.
        let upvalue = unsafe {
            if index >= usize::from((*self.0).upvalue_count) {
                return None;
            }
            *(&raw const (*self.0).upvalues).cast::<*const Upvalue>().add(index)
        };
        Some(Variable(upvalue, PhantomData))
    }

    /// Its word.
    pub fn word(&self) -> u64 {
        Value::from_lua_function(self.0).0
    }

    /// Keeps it alive while a unit is.
    pub fn root(&self) -> Root {
        Root(RootKind::Value(Value::from_lua_function(self.0)))
    }
}

impl<'v> Variable<'v> {
    /// Its value.
    pub fn value(&self) -> Seen<'v> {
        // SAFETY: the upvalue is alive; its slot is in it or in a stack.
        Seen(unsafe { *(*self.0).slot }, PhantomData)
    }

    /// Its address.
    pub fn address(&self) -> u64 {
        self.0 as u64
    }

    /// Whether its value is in a stack.
    pub fn is_open(&self) -> bool {
        // SAFETY: the upvalue is alive.
        unsafe { (*self.0).is_open != 0 }
    }

    /// The address of its value.
    pub fn slot(&self) -> u64 {
        // SAFETY: the upvalue is alive.
        unsafe { (*self.0).slot as u64 }
    }
}

impl<'v> Code<'v> {
    /// # Safety
    /// The prototype is alive as long as the code is used.
    pub(super) unsafe fn new(prototype: *mut Prototype) -> Self {
        Code(prototype, PhantomData)
    }

    /// The function as it was compiled.
    pub fn prototype(&self) -> &'v bytecode::Prototype {
        // SAFETY: it is alive as long as the VM is borrowed.
        unsafe { &(*self.0).cold.compiled }
    }

    /// An instruction; None past the end.
    pub fn word(&self, at: usize) -> Option<Instruction> {
        self.prototype().code.get(at).copied()
    }

    /// One of its constants.
    pub fn constant(&self, index: usize) -> Option<Seen<'v>> {
        // SAFETY: it is alive.
        let constants: &[Value] = unsafe { &(*self.0).cold.constants };
        constants.get(index).map(|&value| Seen(value, PhantomData))
    }

    /// The address of the table that `DuplicateTable` copies.
    pub fn template(&self, index: usize) -> Option<Table<'v>> {
        // SAFETY: it is alive.
        let templates: &[*mut object::Table] = unsafe { &(*self.0).cold.templates };
        Table::of(*templates.get(index)?)
    }

    /// The number of its registers.
    pub fn frame_size(&self) -> usize {
        usize::from(self.prototype().frame_size)
    }

    /// The address of the prototype.
    pub fn address(&self) -> u64 {
        self.0 as u64
    }

    /// Keeps it alive while a unit is.
    pub fn root(&self) -> Root {
        Root(RootKind::Prototype(self.0))
    }

    /// The address of its first instruction, as frames refer to it.
    pub fn first_word(&self) -> u64 {
        // SAFETY: it is alive.
        unsafe { (*self.0).code as u64 }
    }

    /// The address of its constants.
    pub fn constants(&self) -> u64 {
        // SAFETY: it is alive.
        unsafe { (*self.0).constants as u64 }
    }

    /// A number that the compiler may use for a place of this code: 0 at first.
    pub fn count(&self, place: Place) -> Option<&'v Cell<u32>> {
        if place.prototype != self.0 {
            return None;
        }
        // SAFETY: it is alive.
        let data = unsafe { &(*self.0).cold };
        match place.entry {
            Entry::Start => Some(&data.start_count),
            Entry::BackEdge(at) => data.own_code.as_ref()?.count(at),
        }
    }

    /// Where a unit can be attached: at a back-edge, if the function has a copy of its code, or
    /// where the function starts.
    pub fn place(&self, entry: Entry) -> Option<Place> {
        if let Entry::BackEdge(at) = entry {
            self.word(at)?.as_entry()?;
            // SAFETY: it is alive.
            unsafe { (*self.0).cold.own_code.as_ref()? };
        }
        Some(Place { prototype: self.0, entry })
    }

    /// Whether a place has units.
    pub fn is_compiled(&self, entry: Entry) -> bool {
        // SAFETY: it is alive.
        let versions = unsafe { (*self.0).cold.versions(entry) };
        versions.is_some_and(|versions| !versions.units.is_empty())
    }
}

impl<'v> Table<'v> {
    fn of(table: *const object::Table) -> Option<Table<'v>> {
        (!table.is_null()).then_some(Table(table, PhantomData))
    }

    /// Its address.
    pub fn address(&self) -> u64 {
        self.0 as u64
    }

    /// Its word.
    pub fn word(&self) -> u64 {
        Value::from_table(self.0).0
    }

    /// Keeps it alive while a unit is.
    pub fn root(&self) -> Root {
        Root(RootKind::Value(Value::from_table(self.0)))
    }

    /// The value of a key, without metamethods.
    pub fn get(&self, key: Seen<'v>) -> Seen<'v> {
        // SAFETY: table and key are alive.
        Seen(unsafe { table::get(self.0, key.0) }, PhantomData)
    }

    /// The value of an integer key, without metamethods.
    pub fn element(&self, index: i64) -> Seen<'v> {
        // SAFETY: it is alive.
        Seen(unsafe { table::get_integer(self.0, index) }, PhantomData)
    }

    /// Its metatable.
    pub fn metatable(&self) -> Option<Table<'v>> {
        // SAFETY: it is alive.
        Table::of(unsafe { (*self.0).metatable })
    }

    /// The address of its first node.
    pub fn nodes(&self) -> u64 {
        // SAFETY: it is alive.
        unsafe { (*self.0).nodes as u64 }
    }

    /// The shift that turns a hash into the index of its home node.
    pub fn shift(&self) -> u8 {
        // SAFETY: it is alive.
        unsafe { (*self.0).shift }
    }

    /// The distance in bytes from the first node to that of a string constant with that hash.
    pub fn field(&self, key: Seen<'v>, hash: Seen<'v>) -> Option<i32> {
        if !key.is_short_string() {
            return None;
        }
        // SAFETY: table and key are alive, the key is a short string with that hash.
        let node = unsafe { field_node(self.0, key.0, hash.0) };
        (!node.is_null()).then(|| (node as u64).wrapping_sub(self.nodes()) as i32)
    }
}

impl<'v> Seen<'v> {
    /// Its word.
    pub fn word(&self) -> u64 {
        self.0.0
    }

    /// Keeps it alive while a unit is.
    pub fn root(&self) -> Root {
        Root(RootKind::Value(self.0))
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        self.0.is_number().then(|| self.0.as_f64())
    }

    /// The table, if it is one.
    pub fn as_table(&self) -> Option<Table<'v>> {
        Table::of(self.0.to_table()?)
    }

    /// The Lua function, if it is one.
    pub fn as_function(&self) -> Option<Function<'v>> {
        Some(Function(self.0.to_lua_function()?, PhantomData))
    }

    /// The function from a number to a number, if it is a native that is known to be one.
    pub fn as_number_function(&self) -> Option<NumberFunction> {
        let function: *mut NativeFunction = self.0.to_native_function()?;
        // SAFETY: it is alive.
        let handler = unsafe { (*function).handler() };
        let is = |known: (Handler, BitsFunction)| std::ptr::fn_addr_eq(known.0, handler);
        if is(number_function(number::floor)) {
            return Some(NumberFunction::Floor);
        }
        if is(number_function(f64::sqrt)) {
            return Some(NumberFunction::SquareRoot);
        }
        if is(number_function(f64::abs)) {
            return Some(NumberFunction::Absolute);
        }
        let others = [
            number_function(f64::acos),
            number_function(f64::asin),
            number_function(f64::atan),
            number_function(f64::ceil),
            number_function(f64::cos),
            number_function(f64::cosh),
            number_function(f64::exp),
            number_function(f64::sin),
            number_function(f64::sinh),
            number_function(f64::tan),
            number_function(f64::tanh),
        ];
        let (_, bits) = others.into_iter().find(|&known| is(known))?;
        Some(NumberFunction::Other(bits as *const () as u64))
    }

    /// Whether it is a native that does nothing but run its own code when it is called.
    pub fn is_ordinary_native(&self) -> bool {
        // SAFETY: it is alive.
        unsafe { is_ordinary_native(self.0) }
    }

    /// Whether it is a string that is equal to another one only if that is the same object.
    pub fn is_short_string(&self) -> bool {
        self.short_string().is_some()
    }

    pub(super) fn short_string(&self) -> Option<*mut Str> {
        // SAFETY: it is alive.
        let is_short = |string: &*mut Str| unsafe { (**string).header.kind == Kind::ShortString };
        self.0.to_string().filter(is_short)
    }

    /// Whether it is a string.
    pub fn is_string(&self) -> bool {
        self.0.is_string()
    }

    /// Whether it is nil.
    pub fn is_nil(&self) -> bool {
        self.0.is_nil()
    }
}

/// See [`Seen::is_ordinary_native`].
///
/// # Safety
/// The value is alive.
pub(super) unsafe fn is_ordinary_native(value: Value) -> bool {
    let Some(function) = value.to_native_function() else { return false };
    // SAFETY: it is alive, as the caller asserts.
    let handler = unsafe { (*function).handler() };
    std::ptr::fn_addr_eq(special::call_native as Handler, handler)
        || Seen(value, PhantomData).as_number_function().is_some()
}
