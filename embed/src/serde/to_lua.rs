//! Lua values as a target of `serde`.

use super::{Failure, MAX_DEPTH};
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use solvm_vm::{Call, Error, Table, Value};

/// The value of `value`.
pub(super) fn to_lua<'c, T: Serialize + ?Sized>(
    call: &mut Call<'c>,
    value: &T,
) -> Result<Value<'c>, Error> {
    value.serialize(Target { call, depth: 0 }).map_err(Failed::into_error)
}

/// Why a value was not made: an error of the VM stays one, so that a native is called again after a
/// collection.
#[derive(Debug)]
enum Failed {
    Lua(Error),
    Other(Failure),
}

impl Failed {
    fn into_error(self) -> Error {
        match self {
            Failed::Lua(error) => error,
            Failed::Other(failure) => Error::text(failure.0),
        }
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::Lua(error) => error.fmt(formatter),
            Failed::Other(failure) => failure.fmt(formatter),
        }
    }
}

impl std::error::Error for Failed {}

impl serde::ser::Error for Failed {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Failed::Other(Failure(message.to_string()))
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed::Lua(error)
    }
}

/// Where one value is made.
struct Target<'a, 'c> {
    call: &'a mut Call<'c>,
    depth: usize,
}

impl<'a, 'c> Target<'a, 'c> {
    fn string(self, bytes: &[u8]) -> Result<Value<'c>, Failed> {
        Ok(self.call.string(bytes)?.value())
    }

    /// A table that is filled; that of a variant's content if it has a name.
    fn table(
        self,
        list: usize,
        fields: usize,
        variant: Option<&'static str>,
    ) -> Result<Filled<'a, 'c>, Failed> {
        if self.depth == MAX_DEPTH {
            return Err(Failed::Other(Failure::too_deep()));
        }
        let table = self.call.table(list, fields)?;
        Ok(Filled { target: self, table, count: 0, key: Value::NIL, variant })
    }
}

/// Integers are exact: a number of Lua is a float.
macro_rules! integers {
    ($($name:ident $type:ty;)*) => { $(
        fn $name(self, integer: $type) -> Result<Value<'c>, Failed> {
            let number = integer as f64;
            // The largest integers are rounded up to a number beyond their type.
            if number as i128 != integer as i128 {
                let message = format!("integer {integer} is not a number of Lua without loss");
                return Err(Failed::Other(Failure(message)));
            }
            Ok(Value::number(number))
        }
    )* };
}

impl<'a, 'c> Serializer for Target<'a, 'c> {
    type Ok = Value<'c>;
    type Error = Failed;
    type SerializeSeq = Filled<'a, 'c>;
    type SerializeTuple = Filled<'a, 'c>;
    type SerializeTupleStruct = Filled<'a, 'c>;
    type SerializeTupleVariant = Filled<'a, 'c>;
    type SerializeMap = Filled<'a, 'c>;
    type SerializeStruct = Filled<'a, 'c>;
    type SerializeStructVariant = Filled<'a, 'c>;

    integers! {
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
    }

    fn serialize_bool(self, boolean: bool) -> Result<Value<'c>, Failed> {
        Ok(Value::boolean(boolean))
    }

    fn serialize_f32(self, number: f32) -> Result<Value<'c>, Failed> {
        Ok(Value::number(f64::from(number)))
    }

    fn serialize_f64(self, number: f64) -> Result<Value<'c>, Failed> {
        Ok(Value::number(number))
    }

    fn serialize_char(self, letter: char) -> Result<Value<'c>, Failed> {
        self.string(letter.encode_utf8(&mut [0; 4]).as_bytes())
    }

    fn serialize_str(self, text: &str) -> Result<Value<'c>, Failed> {
        self.string(text.as_bytes())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value<'c>, Failed> {
        self.string(bytes)
    }

    fn serialize_none(self) -> Result<Value<'c>, Failed> {
        Ok(Value::NIL)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value<'c>, Failed> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value<'c>, Failed> {
        Ok(Value::NIL)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value<'c>, Failed> {
        Ok(Value::NIL)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value<'c>, Failed> {
        self.string(variant.as_bytes())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value<'c>, Failed> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value<'c>, Failed> {
        let mut table = self.table(0, 1, None)?;
        table.field(variant, value)?;
        Ok(table.table.value())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Filled<'a, 'c>, Failed> {
        self.table(length.unwrap_or(0), 0, None)
    }

    fn serialize_tuple(self, length: usize) -> Result<Filled<'a, 'c>, Failed> {
        self.table(length, 0, None)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<Filled<'a, 'c>, Failed> {
        self.table(length, 0, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Filled<'a, 'c>, Failed> {
        self.table(length, 0, Some(variant))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Filled<'a, 'c>, Failed> {
        self.table(0, length.unwrap_or(0), None)
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Filled<'a, 'c>, Failed> {
        self.table(0, length, None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Filled<'a, 'c>, Failed> {
        self.table(0, length, Some(variant))
    }
}

/// A table that is filled.
struct Filled<'a, 'c> {
    target: Target<'a, 'c>,
    table: Table<'c>,
    /// Values of a list so far.
    count: usize,
    /// The key of a map whose value is next.
    key: Value<'c>,
    variant: Option<&'static str>,
}

impl<'c> Filled<'_, 'c> {
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Value<'c>, Failed> {
        let depth = self.target.depth + 1;
        value.serialize(Target { call: self.target.call, depth })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        let value = self.value(value)?;
        self.count += 1;
        Ok(self.table.set_index(self.target.call, self.count, value)?)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Failed> {
        let value = self.value(value)?;
        Ok(self.table.set_field(self.target.call, name, value)?)
    }

    fn finish(self) -> Result<Value<'c>, Failed> {
        let Some(variant) = self.variant else { return Ok(self.table.value()) };
        let outer = self.target.call.table(0, 1)?;
        outer.set_field(self.target.call, variant, self.table)?;
        Ok(outer.value())
    }
}

macro_rules! lists {
    ($($name:ident $method:ident;)*) => { $( impl<'c> $name for Filled<'_, 'c> {
        type Ok = Value<'c>;
        type Error = Failed;

        fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
            self.element(value)
        }

        fn end(self) -> Result<Value<'c>, Failed> {
            self.finish()
        }
    } )* };
}
lists! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! structs {
    ($($name:ident)*) => { $( impl<'c> $name for Filled<'_, 'c> {
        type Ok = Value<'c>;
        type Error = Failed;

        fn serialize_field<T: Serialize + ?Sized>(
            &mut self,
            name: &'static str,
            value: &T,
        ) -> Result<(), Failed> {
            self.field(name, value)
        }

        fn end(self) -> Result<Value<'c>, Failed> {
            self.finish()
        }
    } )* };
}
structs!(SerializeStruct SerializeStructVariant);

impl<'c> SerializeMap for Filled<'_, 'c> {
    type Ok = Value<'c>;
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        self.key = self.value(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        let value = self.value(value)?;
        Ok(self.table.set(self.target.call, self.key, value)?)
    }

    fn end(self) -> Result<Value<'c>, Failed> {
        self.finish()
    }
}
