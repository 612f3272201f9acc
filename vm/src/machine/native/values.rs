//! Rust values that outlive a call, to and from Lua: what a host passes to functions and gets from
//! them.

use super::Leave;
use super::Outcome;
use super::call::Call;
use super::error::Error;
use super::handle::{LuaString, Table, Value};
use super::params::FromLua;
use super::results::IntoLua;
use crate::messages;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A list of arguments from Rust: one value, or a tuple.
pub trait IntoValues<'c> {
    /// The values. Fails if the memory limit forbids it.
    fn into_values(self, call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error>;
}

/// A list of values as a Rust value: one value, or a tuple; missing values are nil, extra ones are
/// omitted.
pub trait FromValues: Sized {
    /// The converted values.
    fn from_values<'c>(call: &mut Call<'c>, values: &[Value<'c>]) -> Result<Self, Mismatch>;
}

/// A value of the wrong type in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Its place in the list, counted from 1.
    pub index: usize,
    /// The expected and the actual type.
    pub text: String,
}

impl Mismatch {
    /// The error of a native whose argument it is.
    pub fn argument(self) -> Error {
        Error::argument(self.index, self.text)
    }
}

impl<'c, T: IntoLua<'c>> IntoValues<'c> for T {
    fn into_values(self, call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
        Ok(vec![self.into_lua(call)?])
    }
}

/// A Rust value converted from a Lua value that borrows nothing from the call: any such type of an
/// argument, or an option of one (None is nil).
pub trait FromLuaOwned: Sized {
    /// The expected type in messages.
    const WANTED: &'static str;

    /// The converted value; None if it is of the wrong type.
    fn owned<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Self>;

    /// Why a value cannot be converted.
    fn refusal(value: Value<'_>) -> String {
        messages::expected(Self::WANTED, value.type_name())
    }

    /// What a list of these is in messages.
    #[doc(hidden)]
    const WANTED_LIST: &'static str = super::params::LIST;

    /// A list of these: see [`FromLua::list_from_lua`].
    #[doc(hidden)]
    fn owned_list<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Vec<Self>> {
        let table = Table::from_value(value)?;
        (1..=table.length()).map(|index| Self::owned(call, table.get(index))).collect()
    }
}

impl<T: for<'c> FromLua<Item<'c> = T>> FromLuaOwned for T {
    const WANTED: &'static str = T::EXPECTED;

    fn owned<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<T> {
        T::from_lua(call, value)
    }

    fn refusal(value: Value<'_>) -> String {
        <T as FromLua>::refusal(value)
    }

    const WANTED_LIST: &'static str = T::EXPECTED_LIST;

    fn owned_list<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Vec<T>> {
        T::list_from_lua(call, value)
    }
}

impl<T: FromLuaOwned> FromLuaOwned for Option<T> {
    const WANTED: &'static str = T::WANTED;

    fn owned<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Option<T>> {
        if value.is_nil() { Some(None) } else { T::owned(call, value).map(Some) }
    }

    fn refusal(value: Value<'_>) -> String {
        T::refusal(value)
    }
}

/// The owned value of the value at a place of a list, counted from 0.
fn convert<'c, T: FromLuaOwned>(
    call: &mut Call<'c>,
    values: &[Value<'c>],
    place: usize,
) -> Result<T, Mismatch> {
    let given = values.get(place).copied();
    T::owned(call, given.unwrap_or(Value::NIL)).ok_or_else(|| {
        let absent = || messages::expected(T::WANTED, messages::NO_VALUE);
        Mismatch { index: place + 1, text: given.map_or_else(absent, T::refusal) }
    })
}

impl<T: FromLuaOwned> FromValues for T {
    fn from_values<'c>(call: &mut Call<'c>, values: &[Value<'c>]) -> Result<T, Mismatch> {
        convert(call, values, 0)
    }
}

impl<'c> IntoValues<'c> for () {
    fn into_values(self, _: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
        Ok(Vec::new())
    }
}

impl FromValues for () {
    fn from_values<'c>(_: &mut Call<'c>, _: &[Value<'c>]) -> Result<(), Mismatch> {
        Ok(())
    }
}

macro_rules! tuples {
    ($($($name:ident $index:tt)*;)*) => { $(
        impl<'c, $($name: IntoLua<'c>),*> IntoValues<'c> for ($($name,)*) {
            fn into_values(self, call: &mut Call<'c>) -> Result<Vec<Value<'c>>, Error> {
                Ok(vec![$(self.$index.into_lua(call)?),*])
            }
        }

        impl<$($name: FromLuaOwned),*> FromValues for ($($name,)*) {
            fn from_values<'c>(
                call: &mut Call<'c>,
                values: &[Value<'c>],
            ) -> Result<Self, Mismatch> {
                Ok(($(convert::<$name>(call, values, $index)?,)*))
            }
        }
    )* };
}
tuples! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11;
}

impl FromLua for String {
    type Item<'c> = String;
    const EXPECTED: &'static str = "UTF-8 string";

    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<String> {
        let text = LuaString::from_lua(call, value)?;
        std::str::from_utf8(text.bytes()).ok().map(String::from)
    }
}

/// The values of a table from 1 on, all of one type; bytes (`Vec<u8>`) are a string.
impl<T: FromLuaOwned> FromLua for Vec<T> {
    type Item<'c> = Vec<T>;
    const EXPECTED: &'static str = T::WANTED_LIST;

    fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Vec<T>> {
        T::owned_list(call, value)
    }
}

/// Tables with keys of one type and values of one type.
macro_rules! maps {
    ($($map:ident: $($bound:ident)+;)*) => { $(
        impl<K: FromLuaOwned $(+ $bound)+, V: FromLuaOwned> FromLua for $map<K, V> {
            type Item<'c> = $map<K, V>;
            const EXPECTED: &'static str = "table of keys and values of one type each";

            fn from_lua<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<$map<K, V>> {
                let pairs = Table::from_value(value)?.pairs();
                pairs
                    .map(|(key, value)| Some((K::owned(call, key)?, V::owned(call, value)?)))
                    .collect()
            }
        }
    )* };
}
maps! {
    HashMap: Eq Hash;
    BTreeMap: Ord;
}

/// Makes a table of a sequence: its values at 1, 2, 3 and so on.
///
/// ```
/// # use solvm_vm::native::Sequence;
/// # solvm_vm::Vm::new(Default::default()).enter(|call| {
/// let globals = call.globals();
/// globals.set_field(call, "primes", Sequence([2.0, 3.0, 5.0]))
/// # })?;
/// # Ok::<(), solvm_vm::Error>(())
/// ```
pub struct Sequence<I>(pub I);

impl<'c, I: IntoIterator<Item: IntoLua<'c>>> IntoLua<'c> for Sequence<I> {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        let values = self.0.into_iter();
        let table = call.table(values.size_hint().0, 0)?;
        for (index, value) in values.enumerate() {
            let value = value.into_lua(call)?;
            table.set_index(call, index + 1, value)?;
        }
        Ok(table.value())
    }
}

/// Makes a table of keys and values.
///
/// ```
/// # use solvm_vm::native::Fields;
/// # solvm_vm::Vm::new(Default::default()).enter(|call| {
/// let globals = call.globals();
/// globals.set_field(call, "point", Fields([("x", 1.0), ("y", 2.0)]))
/// # })?;
/// # Ok::<(), solvm_vm::Error>(())
/// ```
pub struct Fields<I>(pub I);

impl<'c, K: IntoLua<'c>, V: IntoLua<'c>, I: IntoIterator<Item = (K, V)>> IntoLua<'c> for Fields<I> {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        let fields = self.0.into_iter();
        let table = call.table(0, fields.size_hint().0)?;
        for (key, value) in fields {
            let key = key.into_lua(call)?;
            let value = value.into_lua(call)?;
            table.set(call, key, value)?;
        }
        Ok(table.value())
    }
}

/// A list becomes a table: its values at 1, 2, 3 and so on. Bytes (`Vec<u8>`) become a string.
impl<'c, T: IntoLua<'c>> IntoLua<'c> for Vec<T> {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        T::list_into_lua(self, call)
    }

    #[inline]
    fn leave(self, call: &mut Call<'c>, leave: Leave) -> Outcome {
        T::leave_list(self, call, leave)
    }
}

impl<'c, T: IntoLua<'c>, const N: usize> IntoLua<'c> for [T; N] {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        T::list_into_lua(self.into(), call)
    }
}

impl<'c, K: IntoLua<'c>, V: IntoLua<'c>, S> IntoLua<'c> for HashMap<K, V, S> {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Fields(self).into_lua(call)
    }
}

impl<'c, K: IntoLua<'c>, V: IntoLua<'c>> IntoLua<'c> for BTreeMap<K, V> {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        Fields(self).into_lua(call)
    }
}
