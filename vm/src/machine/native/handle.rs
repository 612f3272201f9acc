//! Values as natives see them: valid during one call, by their lifetime.

use super::call::Call;
use super::error::Error;
use super::results::IntoLua;
use crate::heap::coerce;
use crate::heap::string;
use crate::heap::table;
use crate::heap::userdata::Data;
use crate::layout::object;
use crate::layout::types::Type;
use crate::layout::value::Value as Raw;
use crate::messages;
use std::any::Any;
use std::marker::PhantomData;

/// Ties a value to one call: invariant, so that no other lifetime fits, and to the VM's thread,
/// since access to a value from another thread would race with the native.
///
/// ```compile_fail
/// fn leak(call: &mut solvm_vm::Call) -> f64 {
///     let value = solvm_vm::Value::number(1.0);
///     std::thread::scope(|scope| scope.spawn(move || value.to_number()).join().unwrap().unwrap())
/// }
/// ```
pub(crate) type Brand<'c> = PhantomData<*mut &'c ()>;

macro_rules! handles {
    ($($(#[doc = $doc:literal])* $name:ident($pointer:ty) $from:ident $to:ident;)*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'c>(pub(crate) *mut $pointer, Brand<'c>);

        impl<'c> $name<'c> {
            /// The pointer is live.
            #[inline(always)]
            pub(crate) fn from_raw(pointer: *mut $pointer) -> Self {
                $name(pointer, PhantomData)
            }

            /// The value of this object.
            #[inline(always)]
            pub fn value(self) -> Value<'c> {
                Value(Raw::$from(self.0), PhantomData)
            }

            /// The object, if `value` is of this kind.
            #[inline(always)]
            pub fn from_value(value: Value<'c>) -> Option<Self> {
                value.0.$to().map(Self::from_raw)
            }
        }

        impl<'c> From<$name<'c>> for Value<'c> {
            fn from(object: $name<'c>) -> Value<'c> {
                object.value()
            }
        }

        impl PartialEq for $name<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }
    )* };
}

/// Any Lua value.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Value<'c>(pub(crate) Raw, Brand<'c>);

handles! {
    /// A table. Its methods are raw: no metamethods.
    Table(object::Table) from_table to_table;
    /// A string: any bytes.
    LuaString(object::Str) from_string to_string;
    /// A Rust value in a Lua userdata.
    Userdata(crate::heap::userdata::Userdata) from_userdata to_userdata;
    /// A Lua thread.
    Coroutine(object::Thread) from_thread to_thread;
}

/// A function, Lua or native.
#[derive(Clone, Copy)]
pub struct Function<'c>(pub(crate) Raw, Brand<'c>);

impl<'c> Value<'c> {
    /// `nil`.
    pub const NIL: Value<'c> = Value(Raw::NIL, PhantomData);

    /// The raw value is live.
    #[inline(always)]
    pub(crate) fn from_raw(raw: Raw) -> Self {
        Value(raw, PhantomData)
    }

    /// A number.
    pub fn number(x: f64) -> Self {
        Self::from_raw(Raw::number(x))
    }

    /// A boolean.
    pub fn boolean(b: bool) -> Self {
        Self::from_raw(Raw::boolean(b))
    }

    /// Its type.
    pub fn kind(self) -> Type {
        Type::of(self.0)
    }

    /// The name of its type, as `type` gives it.
    pub fn type_name(self) -> &'static str {
        self.kind().name()
    }

    /// Whether it is nil.
    pub fn is_nil(self) -> bool {
        self.0.is_nil()
    }

    /// Whether it is neither nil nor false.
    pub fn is_truthy(self) -> bool {
        self.0.is_truthy()
    }

    /// The number, if it is one. Strings are not converted: see [`Value::to_number`].
    pub fn as_number(self) -> Option<f64> {
        self.0.is_number().then(|| self.0.as_f64())
    }

    /// The boolean, if it is one.
    pub fn as_boolean(self) -> Option<bool> {
        match self.0 {
            Raw::TRUE => Some(true),
            Raw::FALSE => Some(false),
            _ => None,
        }
    }

    /// The number, or the number of a numeric string (manual, section 2.2.1).
    pub fn to_number(self) -> Option<f64> {
        coerce::to_number(self.0)
    }

    /// The same without metamethods (`rawequal`).
    pub fn raw_equal(self, other: Value<'c>) -> bool {
        // SAFETY: both values are live during 'c.
        unsafe { crate::machine::interpreter::raw_equal(self.0, other.0) }
    }

    /// A number that identifies an object, for `tostring` and the like; 0 for values that are not
    /// objects.
    pub fn address(self) -> usize {
        if self.0.is_object() { self.0.address() as usize } else { 0 }
    }
}

impl<'c> Function<'c> {
    /// The raw value is a live function.
    pub(crate) fn from_raw(raw: Raw) -> Self {
        Function(raw, PhantomData)
    }

    /// The value of this function.
    pub fn value(self) -> Value<'c> {
        Value(self.0, PhantomData)
    }

    /// The function, if `value` is one.
    pub fn from_value(value: Value<'c>) -> Option<Self> {
        (value.0.is_lua_function() || value.0.is_native_function())
            .then_some(Self::from_raw(value.0))
    }

    /// Whether it is written in Lua.
    pub fn is_lua(self) -> bool {
        self.0.is_lua_function()
    }
}

impl<'c> From<Function<'c>> for Value<'c> {
    fn from(function: Function<'c>) -> Value<'c> {
        function.value()
    }
}

impl<'c> LuaString<'c> {
    /// Its bytes.
    #[inline(always)]
    pub fn bytes(self) -> &'c [u8] {
        // SAFETY: the string is live during 'c, and bytes of a string are never changed.
        unsafe { string::bytes(self.0) }
    }

    /// Whether it comes before another, byte by byte.
    #[inline(always)]
    pub fn is_less(self, other: LuaString<'c>) -> bool {
        string::order_of(self.bytes(), other.bytes()).is_lt()
    }

    /// A hash of the bytes, which is kept with the string.
    #[inline(always)]
    pub fn hash(self) -> u32 {
        // SAFETY: the string is live during 'c.
        unsafe { string::hash(self.0) }
    }
}

impl<'c> Table<'c> {
    /// The value of a key; nil if there is none.
    #[inline]
    pub fn get(self, key: impl IntoKey<'c>) -> Value<'c> {
        key.get_from(self)
    }

    /// Sets the value of a key. Fails if the key is nil or NaN, or the table would become too
    /// large.
    pub fn set(self, call: &mut Call<'c>, key: Value<'c>, value: Value<'c>) -> Result<(), Error> {
        // SAFETY: table, key and value are live during 'c.
        unsafe { table::set(&mut (*call.vm).heap, self.0, key.0, value.0) }.map_err(Error::from)
    }

    /// Sets a field by its name.
    pub fn set_field(
        self,
        call: &mut Call<'c>,
        name: &str,
        value: impl IntoLua<'c>,
    ) -> Result<(), Error> {
        let value = value.into_lua(call)?;
        self.set_named(call, name, value)
    }

    /// The code that does not depend on the type of the value, once for all types.
    #[inline(never)]
    fn set_named(self, call: &mut Call<'c>, name: &str, value: Value<'c>) -> Result<(), Error> {
        let key = call.string(name.as_bytes())?.value();
        self.set(call, key, value)
    }

    /// Sets the value of an integer key.
    pub fn set_index(
        self,
        call: &mut Call<'c>,
        index: usize,
        value: Value<'c>,
    ) -> Result<(), Error> {
        self.set(call, Value::number(index as f64), value)
    }

    /// Moves the values from `position` to `length` up by one and stores `value` at `position`
    /// (from 1 to `length` + 1).
    pub fn insert(
        self,
        call: &mut Call<'c>,
        position: usize,
        length: usize,
        value: Value<'c>,
    ) -> Result<(), Error> {
        if !(1..=length + 1).contains(&position) {
            return Err(Error::text(messages::POSITION_OUT_OF_BOUNDS));
        }
        // SAFETY: table and value are live during 'c; the position was checked.
        let inserted = unsafe {
            table::array::insert(
                &mut (*call.vm).heap,
                self.0,
                position as u64,
                length as u64,
                value.0,
            )
        };
        inserted.map_err(Error::from)
    }

    /// Takes out the value at `position` (from 1 to `length`) and moves those up to `length` down
    /// by one.
    pub fn remove(
        self,
        call: &mut Call<'c>,
        position: usize,
        length: usize,
    ) -> Result<Value<'c>, Error> {
        if !(1..=length).contains(&position) {
            return Err(Error::text(messages::POSITION_OUT_OF_BOUNDS));
        }
        // SAFETY: as above.
        let removed = unsafe {
            table::array::remove(&mut (*call.vm).heap, self.0, position as u64, length as u64)
        };
        removed.map(Value::from_raw).map_err(Error::from)
    }

    /// A border: `t[n]` is not nil and `t[n + 1]` is (0 if `t[1]` is nil).
    pub fn length(self) -> usize {
        // SAFETY: the table is live during 'c.
        unsafe { table::length(self.0) as usize }
    }

    /// How many entries there is room for.
    pub fn capacity(self) -> usize {
        // SAFETY: the table is live during 'c.
        unsafe { table::iterate::positions(self.0) as usize }
    }

    /// The key and value after `key` (nil: the first). None at the end. Fails if `key` is not in
    /// the table. Removed entries that are passed on the way are charged.
    pub fn next(
        self,
        call: &mut Call<'c>,
        key: Value<'c>,
    ) -> Result<Option<(Value<'c>, Value<'c>)>, Error> {
        // SAFETY: the table and the key are live during 'c.
        let Ok(next) = (unsafe { table::iterate::next(self.0, key.0) }) else {
            return Err(Error::bare(messages::INVALID_KEY_TO_NEXT));
        };
        call.charge(next.passed as usize / 16);
        Ok(next.entry.map(|(key, value)| (Value::from_raw(key), Value::from_raw(value))))
    }

    /// Every pair, in the order of [`Table::next`]. The table must not get new keys during the
    /// iteration; pairs may be missed if it does.
    pub fn pairs(self) -> impl Iterator<Item = (Value<'c>, Value<'c>)> {
        let mut position = 0;
        std::iter::from_fn(move || {
            // SAFETY: the table is live during 'c; positions are checked against its size.
            let (next, key, value) = unsafe { table::iterate::next_from(self.0, position) }?;
            position = next;
            Some((Value::from_raw(key), Value::from_raw(value)))
        })
    }

    /// Its metatable.
    pub fn metatable(self) -> Option<Table<'c>> {
        // SAFETY: the table is live during 'c.
        let metatable = unsafe { (*self.0).metatable };
        (!metatable.is_null()).then(|| Table::from_raw(metatable))
    }
}

/// Types that a table can be accessed with.
pub trait IntoKey<'c> {
    /// The value of this key in `table`.
    fn get_from(self, table: Table<'c>) -> Value<'c>;
}

impl<'c> IntoKey<'c> for Value<'c> {
    fn get_from(self, table: Table<'c>) -> Value<'c> {
        // SAFETY: table and key are live during 'c.
        Value::from_raw(unsafe { table::get(table.0, self.0) })
    }
}

impl<'c> IntoKey<'c> for LuaString<'c> {
    fn get_from(self, table: Table<'c>) -> Value<'c> {
        self.value().get_from(table)
    }
}

impl<'c> IntoKey<'c> for usize {
    #[inline(always)]
    fn get_from(self, table: Table<'c>) -> Value<'c> {
        // SAFETY: the table is live during 'c.
        Value::from_raw(unsafe { table::get_integer(table.0, self as i64) })
    }
}

impl<'c> Userdata<'c> {
    /// The Rust value, if it is a `T` and has not been dropped.
    pub fn get<T: Data>(self) -> Option<&'c T> {
        // SAFETY: the userdata is live during 'c; its box is dropped only by the collector or while
        // unwinding, not in a native.
        let data = unsafe { (*self.0).data.as_deref()? };
        (data as &dyn Any).downcast_ref()
    }

    /// Its metatable.
    pub fn metatable(self) -> Option<Table<'c>> {
        // SAFETY: the userdata is live during 'c.
        let metatable = unsafe { (*self.0).metatable };
        (!metatable.is_null()).then(|| Table::from_raw(metatable))
    }
}
