//! One call of a native function: its arguments, its results, and the VM for as long as it runs.

use super::error::Error;
use super::handle::{Brand, Coroutine, Function, LuaString, Table, Userdata, Value};
use super::results::Elements;
use super::steps::State;
use super::{Definition, FEW, MANY, Outcome, outcome};
use crate::heap::coerce;
use crate::heap::string;
use crate::heap::table;
use crate::heap::userdata::Data;
use crate::layout::metamethod::Metamethod;
use crate::layout::object::NativeFunction;
use crate::layout::stack;
use crate::layout::value::Value as Raw;
use crate::machine::binary_chunk;
use crate::machine::interpreter;
use crate::machine::load;
use crate::machine::thread::{self, GrowthError, Status};
use crate::machine::type_error::{self, Operation};
use crate::machine::vm::Vm;
use crate::messages::{self, Dialect, Wording};
use solvm_compiler::bytecode::SourceKind;
use std::marker::PhantomData;

/// New tables have room for at most this number of entries, regardless of a native's request.
const MAX_SIZE_HINT: usize = 1 << 26;
/// The arguments and results of one native call, and the VM.
///
/// Invariant: `vm` is alive and runs nothing else; `arguments` points to `count` live slots of the
/// running stack, after which at least [`stack::EXTRA`] slots are allocated.
pub struct Call<'c> {
    pub(crate) vm: *mut Vm,
    pub(crate) arguments: *mut Raw,
    pub(crate) count: usize,
    /// The possible requests of a native with a state.
    pub(crate) stage: Stage,
    brand: Brand<'c>,
}

/// The stage of a native with a state ([`Steps`](super::Steps)). It has its frame, and may make a
/// request, during a step only, and only one: the request is already in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has no state, or none yet.
    Plain,
    /// It takes a step; this is its state.
    Step(*mut State),
    /// It has made a request, or ended: this is its outcome.
    Answered(i64),
}

impl<'c> Call<'c> {
    /// # Safety
    /// The invariant of the type.
    #[inline(always)]
    pub(crate) unsafe fn new(vm: *mut Vm, arguments: *mut Raw, count: usize) -> Self {
        Call { vm, arguments, count, stage: Stage::Plain, brand: PhantomData }
    }

    /// The VM. Nothing that runs Lua or collects is called on it during a native.
    pub(crate) fn vm(&mut self) -> &mut Vm {
        // SAFETY: the invariant of the type; the borrow of `self` keeps it exclusive.
        unsafe { &mut *self.vm }
    }

    pub(crate) fn vm_ref(&self) -> &Vm {
        // SAFETY: as in `vm`.
        unsafe { &*self.vm }
    }

    // Arguments.

    /// The number of arguments.
    #[inline(always)]
    pub fn argument_count(&self) -> usize {
        self.count
    }

    /// The argument with that index, counted from 0; None if there are fewer.
    #[inline(always)]
    pub fn argument(&self, index: usize) -> Option<Value<'c>> {
        if index >= self.count {
            return None;
        }
        // SAFETY: the invariant of the type.
        Some(Value::from_raw(unsafe { *self.arguments.add(index) }))
    }

    /// The bytes of all arguments that are strings.
    pub(super) fn argument_bytes(&self) -> usize {
        let arguments = (0..self.count).filter_map(|index| self.argument(index));
        arguments.filter_map(LuaString::from_value).map(|text| text.bytes().len()).sum()
    }

    /// Replaces an argument in the native's own frame.
    pub fn set_argument(&mut self, index: usize, value: Value<'c>) {
        if index < self.count {
            // SAFETY: the invariant of the type.
            unsafe { *self.arguments.add(index) = value.0 }
        }
    }

    pub(crate) fn arguments(&self) -> &[Raw] {
        // SAFETY: the invariant of the type.
        unsafe { std::slice::from_raw_parts(self.arguments, self.count) }
    }

    /// The called function. None if the host accesses the VM, or once the native has left its
    /// results.
    fn callee_function(&self) -> Option<*mut NativeFunction> {
        // SAFETY: two slots are below the arguments, the callee's first.
        unsafe { (*self.arguments.sub(2)).to_native_function() }
    }

    /// The name of the running native in its library. None if the host accesses the VM, or once the
    /// native has left its results.
    pub fn native_name(&self) -> Option<&'static str> {
        // SAFETY: the function is live.
        self.callee_function().map(|function| unsafe { (*function).definition().name })
    }

    /// The value that was bound to this function at its creation (see [`Call::function`]).
    pub fn upvalue(&self, index: usize) -> Option<Value<'c>> {
        let function = self.callee_function()?;
        // SAFETY: the function is live, and has that many upvalues.
        unsafe {
            (index < (*function).upvalue_count as usize).then(|| {
                Value::from_raw(*(&raw const (*function).upvalues).cast::<Raw>().add(index))
            })
        }
    }

    /// Replaces a bound value.
    pub fn set_upvalue(&mut self, index: usize, value: Value<'c>) {
        let Some(function) = self.callee_function() else { return };
        // SAFETY: as above; the store is followed by the barrier.
        unsafe {
            if index < (*function).upvalue_count as usize {
                *(&raw mut (*function).upvalues).cast::<Raw>().add(index) = value.0;
                self.vm().heap.barrier_forward(function, value.0);
            }
        }
    }

    // Results.

    /// Leaves result `index`; the first few have room without a check.
    #[inline(always)]
    pub(crate) fn set_result(&mut self, index: usize, value: Raw) {
        debug_assert!(index < stack::EXTRA);
        // SAFETY: results start two slots below the arguments; EXTRA slots follow the stack's end.
        unsafe { *self.arguments.sub(2).add(index) = value }
    }

    /// Leaves any number of results and gives the outcome.
    pub(crate) fn set_results(
        &mut self,
        values: impl ExactSizeIterator<Item = Value<'c>>,
    ) -> Result<Outcome, Error> {
        let count = values.len();
        let results = self.place_results(count)?;
        for (i, value) in values.enumerate() {
            // SAFETY: there is room for `count` values.
            unsafe { *results.add(i) = value.0 }
        }
        Ok(outcome(self.vm(), count))
    }

    /// Leaves elements of a table as results.
    pub(crate) fn leave_elements(&mut self, elements: Elements<'c>) -> Result<Outcome, Error> {
        let Elements { table, first, count } = elements;
        let results = self.place_results(count)?;
        // SAFETY: the table is live; there is room for `count` values, in the stack.
        unsafe { table::get_list(table.0, first, results, count) };
        Ok(outcome(self.vm(), count))
    }

    /// Where results start, with room for `count` of them, which are charged.
    #[inline(always)]
    fn place_results(&mut self, count: usize) -> Result<*mut Raw, Error> {
        self.charge(count / 16);
        self.reserve(count, messages::TOO_MANY_RESULTS)?;
        // SAFETY: two slots are below the arguments.
        Ok(unsafe { self.arguments.sub(2) })
    }

    /// Room for `count` values from the first argument on; an error with this text if the stack may
    /// not become so large. May move the stack.
    #[inline]
    pub(crate) fn reserve(&mut self, count: usize, text: &'static str) -> Result<(), Error> {
        // SAFETY: `vm` is alive; the arguments are in the running stack.
        let room = unsafe { (*self.vm).stack_end.offset_from(self.arguments) };
        if usize::try_from(room).is_ok_and(|room| room >= count + 2) {
            Ok(())
        } else {
            self.grow(count, text)
        }
    }

    #[cold]
    fn grow(&mut self, count: usize, text: &'static str) -> Result<(), Error> {
        let vm = self.vm;
        // SAFETY: `vm` is alive; `base` is in the same stack as the arguments and is moved with it.
        unsafe {
            let offset = self.arguments.offset_from((*vm).base);
            match thread::grow(&mut *vm, self.arguments, count + 2) {
                Ok(()) => {}
                Err(GrowthError::Overflow) => return Err(Error::text(text)),
                Err(GrowthError::Memory) => return Err(Error::out_of_memory()),
            }
            self.arguments = (*vm).base.offset(offset);
        }
        Ok(())
    }

    // Making values.

    /// A string with these bytes. Fails if the memory limit forbids it.
    #[inline]
    pub fn string(&mut self, bytes: &[u8]) -> Result<LuaString<'c>, Error> {
        if bytes.len() > string::MAX_LENGTH {
            return Err(Error::text(messages::STRING_OVERFLOW));
        }
        self.check_memory(bytes.len())?;
        let string = self.vm().heap.try_string(bytes).map_err(|_| Error::out_of_memory())?;
        Ok(LuaString::from_raw(string))
    }

    /// A string of this number of bytes that repeats a pattern, the last time truncated. Fails if
    /// the memory limit forbids it.
    pub fn repeated_string(
        &mut self,
        pattern: &[u8],
        length: usize,
    ) -> Result<LuaString<'c>, Error> {
        if length > string::MAX_LENGTH {
            return Err(Error::text(messages::STRING_OVERFLOW));
        }
        if pattern.is_empty() {
            return self.string(b"");
        }
        self.check_memory(length)?;
        let string = self.vm().heap.repeated_string(pattern, length);
        string.map(LuaString::from_raw).map_err(|_| Error::out_of_memory())
    }

    /// The string that a number is written as.
    pub fn number_string(&mut self, x: f64) -> Option<LuaString<'c>> {
        coerce::number_to_string(&mut self.vm().heap, x).to_string().map(LuaString::from_raw)
    }

    /// A string, or the string that a number is written as (manual, section 2.2.1).
    pub fn coerced_string(&mut self, value: Value<'c>) -> Option<LuaString<'c>> {
        LuaString::from_value(value).or_else(|| self.number_string(value.as_number()?))
    }

    /// A new table with room for `array` values and `fields` other keys.
    pub fn table(&mut self, array: usize, fields: usize) -> Result<Table<'c>, Error> {
        self.check_memory(array.saturating_mul(8).saturating_add(fields.saturating_mul(24)))?;
        // The numbers are a hint: what does not fit grows.
        let array = array.min(MAX_SIZE_HINT) as u32;
        let fields = table::hash::size_hint(fields);
        // SAFETY: allocation needs nothing but the heap; the sizes are within a table's limits.
        Ok(Table::from_raw(unsafe { self.vm().heap.new_table(array, fields) }))
    }

    /// A new userdata with a metatable.
    pub fn userdata(&mut self, data: impl Data, metatable: Option<Table<'c>>) -> Userdata<'c> {
        let metatable = metatable.map_or(std::ptr::null_mut(), |table| table.0);
        let environment = self.vm().current_globals();
        // SAFETY: the metatable and the environment are live.
        Userdata::from_raw(unsafe {
            self.vm().heap.new_userdata(Box::new(data), metatable, environment)
        })
    }

    /// A new native function with values bound to it.
    pub fn function(
        &mut self,
        definition: &'static Definition,
        upvalues: &[Value<'c>],
    ) -> Function<'c> {
        let raw: Vec<Raw> = upvalues.iter().map(|value| value.0).collect();
        let environment = self.vm().current_globals();
        // SAFETY: the environment and the values are live.
        let function = unsafe { definition.instantiate(&mut self.vm().heap, environment, &raw) };
        Function::from_raw(Raw::from_native_function(function))
    }

    /// Compiles a chunk: source text, or what [`Call::dump`] gave. Its function gets the running
    /// thread's globals as environment. The error is the compiler's message.
    pub fn load(&mut self, text: &[u8], name: &[u8]) -> Result<Function<'c>, Vec<u8>> {
        self.load_as(text, name, SourceKind::Program)
    }

    /// The same for code that the program may run but not read: [`dump`](Self::dump) does not give
    /// it.
    pub fn load_hidden(&mut self, text: &[u8], name: &[u8]) -> Result<Function<'c>, Vec<u8>> {
        self.load_as(text, name, SourceKind::Hidden)
    }

    /// The same for the source of a library that is written in Lua: messages have the position of
    /// its caller.
    pub fn load_library(&mut self, text: &[u8], name: &[u8]) -> Result<Function<'c>, Vec<u8>> {
        self.load_as(text, name, SourceKind::Library)
    }

    fn load_as(
        &mut self,
        text: &[u8],
        name: &[u8],
        kind: SourceKind,
    ) -> Result<Function<'c>, Vec<u8>> {
        let environment = self.vm().current_globals();
        // SAFETY: the environment is live.
        let function = unsafe { load::load(self.vm(), text, name, environment, kind) }?;
        Function::from_value(Value::from_raw(Raw::from_lua_function(function))).ok_or_else(Vec::new)
    }

    /// What [`Call::load`] makes that function of again, with fresh upvalues. None if it is native,
    /// or its code is [hidden](Self::load_hidden).
    pub fn dump(&mut self, function: Function<'c>) -> Result<Option<Vec<u8>>, Error> {
        let Some(lua) = function.0.to_lua_function() else { return Ok(None) };
        // SAFETY: the function is live; its prototype is not changed.
        let compiled = unsafe { &(*(*lua).prototype).cold.compiled };
        if compiled.source.kind == SourceKind::Hidden {
            return Ok(None);
        }
        // Once here, once as a string.
        self.check_memory(2 * compiled.source.text.len())?;
        Ok(Some(binary_chunk::encode(compiled)))
    }

    /// Whose messages and behaviour the program gets.
    pub fn dialect(&self) -> Dialect {
        self.vm_ref().dialect
    }

    /// A message in the program's dialect.
    pub fn word(&self, wording: Wording) -> &'static str {
        wording.of(self.dialect())
    }

    // Metatables, globals, threads.

    /// The globals of the running thread.
    pub fn globals(&mut self) -> Table<'c> {
        Table::from_raw(self.vm().current_globals())
    }

    /// Replaces the globals of the running thread.
    pub fn set_globals(&mut self, table: Table<'c>) {
        let current = self.vm().current;
        // SAFETY: the running thread is live.
        unsafe {
            (*current).globals = table.0;
            // A thread's barrier byte means something else than that of other objects.
            self.vm().heap.thread_resumed(current);
        }
    }

    /// A table that lives as long as the VM and that scripts cannot access.
    pub fn registry(&mut self) -> Table<'c> {
        Table::from_raw(self.vm().registry)
    }

    /// The metatable of any value.
    pub fn metatable(&mut self, value: Value<'c>) -> Option<Table<'c>> {
        // SAFETY: the value is live.
        let metatable = unsafe { interpreter::metatable_of(self.vm(), value.0) };
        (!metatable.is_null()).then(|| Table::from_raw(metatable))
    }

    /// Sets the metatable of a table, a userdata, or of all values of another type.
    pub fn set_metatable(&mut self, value: Value<'c>, metatable: Option<Table<'c>>) {
        let raw = metatable.map_or(std::ptr::null_mut(), |table| table.0);
        let vm = self.vm();
        // SAFETY: value and metatable are live; stores are followed by the barrier.
        unsafe {
            if let Some(table) = value.0.to_table() {
                table::set_metatable(&mut vm.heap, table, raw);
            } else if let Some(userdata) = value.0.to_userdata() {
                (*userdata).metatable = raw;
                if !raw.is_null() {
                    vm.heap.barrier_forward(userdata, Raw::from_table(raw));
                }
            } else {
                vm.type_metatables[crate::layout::types::Type::of(value.0) as usize] = raw;
            }
        }
    }

    /// Gives strings the functions of a table as methods where their metatable leads to none.
    pub fn set_string_methods(&mut self, methods: Table<'c>) {
        self.vm().string_methods = methods.0;
    }

    /// The metamethod of a value; nil if it has none.
    pub fn metamethod(&mut self, value: Value<'c>, event: Metamethod) -> Value<'c> {
        // SAFETY: the value is live.
        Value::from_raw(unsafe { interpreter::find_metamethod(self.vm(), value.0, event) })
    }

    /// `object[key]` as far as it needs no call: the value, or the `__index` function to call with
    /// the object that has it.
    pub fn index(&mut self, object: Value<'c>, key: Value<'c>) -> Result<Indexed<'c>, Error> {
        let receiver = object;
        let mut object = object;
        for _ in 0..interpreter::MAX_CHAIN {
            if let Some(table) = Table::from_value(object) {
                let value = table.get(key);
                if !value.is_nil() {
                    return Ok(Indexed::Value(value));
                }
            }
            let method = self.metamethod(object, Metamethod::Index);
            if method.is_nil() {
                return match object.kind() {
                    crate::layout::types::Type::Table => {
                        // SAFETY: both are live.
                        let value = unsafe { interpreter::missing(self.vm(), receiver.0, key.0) };
                        Ok(Indexed::Value(Value::from_raw(value)))
                    }
                    _ => {
                        let operation = Operation::Index(key.0);
                        Err(Error::text(type_error::operand(
                            self.dialect(),
                            operation,
                            None,
                            object.0,
                        )))
                    }
                };
            }
            if Function::from_value(method).is_some() {
                return Ok(Indexed::Call(method, object));
            }
            object = method;
        }
        Err(Error::text(self.word(messages::GETTABLE_LOOP)))
    }

    /// The field `name` of a value's metatable; nil if there is none.
    pub fn metafield(&mut self, value: Value<'c>, name: &str) -> Value<'c> {
        let Some(metatable) = self.metatable(value) else { return Value::NIL };
        let key = self.vm().heap.string_value(name.as_bytes());
        // SAFETY: metatable and key are live.
        Value::from_raw(unsafe { table::get(metatable.0, key) })
    }

    /// A new suspended coroutine that will call `function`.
    pub fn coroutine(&mut self, function: Function<'c>) -> Result<Coroutine<'c>, Error> {
        self.check_memory(512)?;
        // SAFETY: the function is live.
        Ok(Coroutine::from_raw(unsafe { thread::new_thread(self.vm(), function.value().0, 0) }))
    }

    /// A function that resumes `coroutine`; errors in it go through to the caller
    /// (`coroutine.wrap`).
    pub fn wrap(&mut self, coroutine: Coroutine<'c>) -> Function<'c> {
        static WRAPPED: Definition = Definition::resume_wrapped("wrap");
        self.function(&WRAPPED, &[coroutine.value()])
    }

    /// The running thread, and whether it is a goroutine's first one (no coroutine).
    pub fn running(&mut self) -> (Coroutine<'c>, bool) {
        let current = self.vm().current;
        // SAFETY: the running thread is live.
        (Coroutine::from_raw(current), unsafe { (*current).resumer == stack::ROOT })
    }

    /// The state of a coroutine.
    pub fn status(&self, coroutine: Coroutine<'c>) -> Status {
        // SAFETY: the thread is live.
        unsafe { thread::status(self.vm_ref(), coroutine.0) }
    }

    /// Raises any value as an error.
    pub fn raise(&mut self, value: Value<'c>) -> Error {
        self.vm().error = value.0;
        Error::raised()
    }

    /// The embedding program's value (see [`Vm::set_host`]).
    pub fn host<T: std::any::Any>(&mut self) -> Option<&mut T> {
        self.vm().host.as_mut()?.downcast_mut()
    }

    /// The functions that a generic `for` recognises: `next`, and the iterator of `ipairs`.
    pub fn iterators(&mut self) -> (Value<'c>, Value<'c>) {
        let vm = self.vm();
        (Value::from_raw(vm.next_function), Value::from_raw(vm.index_iterator))
    }

    /// Sets the functions that a generic `for` recognises.
    pub fn set_iterators(&mut self, next: Function<'c>, index_iterator: Function<'c>) {
        self.vm().set_iterators(next.value().0, index_iterator.value().0);
    }

    /// Runs something on the VM that belongs to the scheduler or to debugging.
    pub(crate) fn with_vm<R>(&mut self, f: impl FnOnce(&mut Vm) -> R) -> R {
        f(self.vm())
    }
}

/// What [`Call::index`] found.
#[derive(Clone, Copy)]
pub enum Indexed<'c> {
    /// The value.
    Value(Value<'c>),
    /// The function that decides, and the object that it is to be called with.
    Call(Value<'c>, Value<'c>),
}

const _: () = assert!(MANY < 0 && FEW < 254);
