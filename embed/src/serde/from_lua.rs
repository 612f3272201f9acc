//! Lua values as a source of `serde`. It reads tables without metamethods.

use super::{Failure, MAX_DEPTH};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use solvm_vm::{LuaString, Table, Value};
use std::cell::Cell;

/// The converted value, and how many values were visited.
pub(super) fn from_lua<T: DeserializeOwned>(value: Value<'_>) -> (Result<T, Failure>, usize) {
    let visited = Cell::new(0);
    let converted = T::deserialize(Source { value, depth: 0, visited: &visited });
    (converted, visited.get())
}

/// A value that is being read.
#[derive(Clone, Copy)]
struct Source<'v, 'c> {
    value: Value<'c>,
    depth: usize,
    visited: &'v Cell<usize>,
}

impl<'c> Source<'_, 'c> {
    /// A value inside this one.
    fn inner(self, value: Value<'c>) -> Result<Self, Failure> {
        if self.depth == MAX_DEPTH {
            return Err(Failure::too_deep());
        }
        self.visited.set(self.visited.get() + 1);
        Ok(Source { value, depth: self.depth + 1, ..self })
    }

    fn table(self, expected: &str) -> Result<Table<'c>, Failure> {
        let got = self.value.type_name();
        Table::from_value(self.value)
            .ok_or_else(|| Failure(format!("{expected} expected, got {got}")))
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let table = self.table("table")?;
        visitor.visit_seq(List { source: self, table, next: 1, length: table.length() })
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let pairs = self.table("table")?.pairs();
        visitor.visit_map(Map { source: self, pairs, value: Value::NIL })
    }
}

/// Whether the keys of a table are 1 to its length.
fn is_list(table: Table<'_>) -> bool {
    let length = table.length();
    length > 0 && table.pairs().take(length + 1).count() == length
}

impl<'de> Deserializer<'de> for Source<'_, '_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if let Some(number) = self.value.as_number() {
            // The upper limit is rounded up to the first number beyond the type.
            let integers = i64::MIN as f64..i64::MAX as f64;
            return match number.fract() == 0.0 && integers.contains(&number) {
                true => visitor.visit_i64(number as i64),
                false => visitor.visit_f64(number),
            };
        }
        if let Some(boolean) = self.value.as_boolean() {
            return visitor.visit_bool(boolean);
        }
        if let Some(string) = LuaString::from_value(self.value) {
            return match std::str::from_utf8(string.bytes()) {
                Ok(text) => visitor.visit_str(text),
                Err(_) => visitor.visit_bytes(string.bytes()),
            };
        }
        match Table::from_value(self.value) {
            Some(table) if is_list(table) => self.list(visitor),
            Some(_) => self.map(visitor),
            None if self.value.is_nil() => visitor.visit_unit(),
            None => Err(Failure(format!("cannot convert a {}", self.value.type_name()))),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value.as_number() {
            Some(number) if number.fract() == 0.0 && (0.0..u64::MAX as f64).contains(&number) => {
                visitor.visit_u64(number as u64)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.value.is_nil() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.map(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match LuaString::from_value(self.value) {
            Some(string) => visitor.visit_bytes(string.bytes()),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if LuaString::from_value(self.value).is_some() {
            return visitor.visit_enum(Variant { name: self, content: None });
        }
        let mut pairs = self.table("string or table")?.pairs();
        match (pairs.next(), pairs.next()) {
            (Some((name, content)), None) => visitor.visit_enum(Variant {
                name: self.inner(name)?,
                content: Some(self.inner(content)?),
            }),
            _ => Err(Failure("table with the name of a variant as its only key expected".into())),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string unit unit_struct
        identifier
    }
}

/// The values of a table from 1 on.
struct List<'v, 'c> {
    source: Source<'v, 'c>,
    table: Table<'c>,
    next: usize,
    length: usize,
}

impl<'de> SeqAccess<'de> for List<'_, '_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failure> {
        if self.next > self.length {
            return Ok(None);
        }
        let value = self.table.get(self.next);
        self.next += 1;
        seed.deserialize(self.source.inner(value)?).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.length + 1 - self.next)
    }
}

/// The pairs of a table.
struct Map<'v, 'c, I> {
    source: Source<'v, 'c>,
    pairs: I,
    /// That of the key that was read.
    value: Value<'c>,
}

impl<'de, 'c, I: Iterator<Item = (Value<'c>, Value<'c>)>> MapAccess<'de> for Map<'_, 'c, I> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        let Some((key, value)) = self.pairs.next() else { return Ok(None) };
        self.value = value;
        seed.deserialize(self.source.inner(key)?).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        seed.deserialize(self.source.inner(self.value)?)
    }
}

/// A variant of an enum, and what it contains.
struct Variant<'v, 'c> {
    name: Source<'v, 'c>,
    content: Option<Source<'v, 'c>>,
}

impl<'v, 'c, 'de> EnumAccess<'de> for Variant<'v, 'c> {
    type Error = Failure;
    type Variant = Content<'v, 'c>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'v, 'c>), Failure> {
        Ok((seed.deserialize(self.name)?, Content(self.content)))
    }
}

struct Content<'v, 'c>(Option<Source<'v, 'c>>);

impl<'v, 'c> Content<'v, 'c> {
    fn required(self) -> Result<Source<'v, 'c>, Failure> {
        self.0.ok_or_else(|| Failure("variant without its content".into()))
    }
}

impl<'de> VariantAccess<'de> for Content<'_, '_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(de::Error::custom("variant with content it does not have")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self.required()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.required()?.list(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.required()?.map(visitor)
    }
}
