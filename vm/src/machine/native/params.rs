//! Parameters of typed natives: conversion alone makes "bad argument #n to 'name'".

use super::call::Call;
use super::error::Error;
use super::handle::{Coroutine, Function, LuaString, Table, Userdata, Value};
use crate::heap::coerce;
use crate::messages;

/// A Rust type that one argument can become.
pub trait FromLua: Sized {
    /// The same type with the lifetime of a call.
    type Item<'c>;
    /// The expected type in messages.
    const EXPECTED: &'static str;

    /// The converted value; None if it is of the wrong type.
    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Self::Item<'c>>;

    /// The actual type in messages, for a value of the wrong type.
    fn got(value: Value<'_>) -> String {
        value.type_name().into()
    }

    /// The reason in "bad argument #n to 'name' (reason)" for a value that cannot be converted.
    fn refusal(value: Value<'_>) -> String {
        messages::expected(Self::EXPECTED, &Self::got(value))
    }

    /// The value of an absent argument; None if it is required.
    fn absent<'c>() -> Option<Self::Item<'c>> {
        None
    }

    /// What a list of these is in messages.
    #[doc(hidden)]
    const EXPECTED_LIST: &'static str = LIST;

    /// A list of these: a table, except that a list of bytes is a string.
    #[doc(hidden)]
    fn list_from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Vec<Self::Item<'c>>> {
        let table = Table::from_value(value)?;
        (1..=table.length()).map(|index| Self::from_lua(call, table.get(index))).collect()
    }
}

/// What a list of values is in messages.
pub(super) const LIST: &str = "table of values of one type";

/// A formal parameter: one argument, an optional one, or the rest of them.
pub trait Param {
    /// The same type with the lifetime of a call.
    type Item<'c>;

    /// Takes what it needs from the arguments; `index` counts those taken so far.
    fn take<'c>(call: &mut Call<'c>, index: &mut usize) -> Result<Self::Item<'c>, Error>;
}

#[cold]
#[inline(never)]
fn wrong_type<T: FromLua>(call: &Call<'_>, index: usize) -> Error {
    if T::EXPECTED == <Value as FromLua>::EXPECTED {
        return Error::argument(index, messages::VALUE_EXPECTED);
    }
    let absent = || messages::expected(T::EXPECTED, messages::NO_VALUE);
    Error::argument(index, call.argument(index - 1).map_or_else(absent, T::refusal))
}

impl<T: FromLua> Param for T {
    type Item<'c> = T::Item<'c>;

    #[inline(always)]
    fn take<'c>(call: &mut Call<'c>, index: &mut usize) -> Result<T::Item<'c>, Error> {
        *index += 1;
        let converted = match call.argument(*index - 1) {
            Some(value) => T::from_lua(call, value),
            None => T::absent(),
        };
        match converted {
            Some(item) => Ok(item),
            None => Err(wrong_type::<T>(call, *index)),
        }
    }
}

impl<T: FromLua> Param for Option<T> {
    type Item<'c> = Option<T::Item<'c>>;

    #[inline(always)]
    fn take<'c>(call: &mut Call<'c>, index: &mut usize) -> Result<Self::Item<'c>, Error> {
        match call.argument(*index) {
            Some(value) if !value.is_nil() => T::take(call, index).map(Some),
            _ => {
                *index += 1;
                Ok(None)
            }
        }
    }
}

/// All further arguments: they start with argument `first` (counted from 0).
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    /// How many arguments come before.
    pub first: usize,
}

impl Rest {
    /// The arguments.
    pub fn values<'a, 'c>(
        self,
        call: &'a Call<'c>,
    ) -> impl ExactSizeIterator<Item = Value<'c>> + use<'a, 'c> {
        call.arguments()[self.first.min(call.argument_count())..]
            .iter()
            .map(|&raw| Value::from_raw(raw))
    }
}

impl Param for Rest {
    type Item<'c> = Rest;

    fn take<'c>(_: &mut Call<'c>, index: &mut usize) -> Result<Rest, Error> {
        Ok(Rest { first: *index })
    }
}

impl FromLua for f64 {
    type Item<'c> = f64;
    const EXPECTED: &'static str = "number";

    #[inline(always)]
    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<f64> {
        coerce::to_number(value.0)
    }
}

impl FromLua for f32 {
    type Item<'c> = f32;
    const EXPECTED: &'static str = "number";

    #[inline(always)]
    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<f32> {
        f64::from_lua(call, value).map(|x| x as f32)
    }
}

/// Integers: numbers that the type represents. Others are refused, neither truncated nor saturated.
macro_rules! integers {
    ($($type:ty $(: { $($list:tt)* })?)*) => { $( impl FromLua for $type {
        type Item<'c> = $type;
        const EXPECTED: &'static str = "number";

        #[inline(always)]
        fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<$type> {
            let number = f64::from_lua(call, value)?;
            // Both limits are exact: powers of two, or zero.
            let is_in_range = number >= <$type>::MIN as f64
                && number < (<$type>::MAX / 2 + 1) as f64 * 2.0;
            (is_in_range && number.fract() == 0.0).then_some(number as $type)
        }

        fn refusal(value: Value<'_>) -> String {
            match value.to_number() {
                Some(number) if number.fract() == 0.0 => {
                    messages::does_not_fit(number, stringify!($type))
                }
                Some(_) => messages::NO_INTEGER.into(),
                None => messages::expected(Self::EXPECTED, &Self::got(value)),
            }
        }

        $($($list)*)?
    } )* };
}
integers! {
    i8 i16 i32 i64 i128 isize u16 u32 u64 u128 usize
    u8: {
        const EXPECTED_LIST: &'static str = "string";

        fn list_from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Vec<u8>> {
            LuaString::from_lua(call, value).map(|text| text.bytes().to_vec())
        }
    }
}

impl FromLua for bool {
    type Item<'c> = bool;
    const EXPECTED: &'static str = "boolean";

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<bool> {
        Some(value.is_truthy())
    }
}

impl FromLua for Value<'_> {
    type Item<'c> = Value<'c>;
    const EXPECTED: &'static str = "value";

    #[inline(always)]
    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<Value<'c>> {
        Some(value)
    }
}

impl FromLua for LuaString<'_> {
    type Item<'c> = LuaString<'c>;
    const EXPECTED: &'static str = "string";

    /// Numbers are converted (manual, section 2.2.1). Reading the string is charged here, so that
    /// a native that does nothing else has paid.
    #[inline(always)]
    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<LuaString<'c>> {
        let Unread(string) = Unread::from_lua(call, value)?;
        let length = string.bytes().len();
        if length >= LONG {
            call.charge_for_reading(length);
        }
        Some(string)
    }
}

/// Strings shorter than this are read for the price of a call.
const LONG: usize = 1024;

/// A string that the native reads in parts or not at all: unlike that of a [`LuaString`], its
/// conversion charges nothing. The native charges for the bytes that it reads.
#[derive(Clone, Copy)]
pub struct Unread<'c>(pub LuaString<'c>);

impl FromLua for Unread<'_> {
    type Item<'c> = Unread<'c>;
    const EXPECTED: &'static str = LuaString::EXPECTED;

    #[inline(always)]
    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Unread<'c>> {
        let string = LuaString::from_value(value);
        string.or_else(|| call.number_string(value.as_number()?)).map(Unread)
    }
}

macro_rules! objects {
    ($($name:ident $expected:literal;)*) => { $( impl FromLua for $name<'_> {
        type Item<'c> = $name<'c>;
        const EXPECTED: &'static str = $expected;

        #[inline(always)]
        fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<$name<'c>> {
            $name::from_value(value)
        }
    } )* };
}
objects! {
    Table "table";
    Function "function";
    Coroutine "coroutine";
    Userdata "userdata";
}
