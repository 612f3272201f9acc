//! Rust types whose values Lua sees as objects with methods.
//!
//! ```
//! use solvm_vm::native::{Call, Class, Library, Object, This};
//! use std::cell::Cell;
//!
//! struct Counter(Cell<f64>);
//!
//! impl solvm_vm::Data for Counter {
//!     fn external_size(&self) -> usize {
//!         0
//!     }
//! }
//!
//! impl Class for Counter {
//!     const NAME: &'static str = "Counter";
//!     const METHODS: &'static Library = &METHODS;
//! }
//!
//! static METHODS: Library = solvm_vm::library!("Counter" {
//!     "add" => add,
//!     "__tostring" => to_string,
//! });
//!
//! fn add(_: &mut Call, this: This<Counter>, amount: Option<f64>) -> f64 {
//!     this.0.set(this.0.get() + amount.unwrap_or(1.0));
//!     this.0.get()
//! }
//!
//! fn to_string(_: &mut Call, this: This<Counter>) -> String {
//!     format!("Counter({})", this.0.get())
//! }
//!
//! # solvm_vm::Vm::new(Default::default()).enter(|call| {
//! let globals = call.globals();
//! globals.set_field(call, "counter", Object(Counter(Cell::new(0.0))))
//! # })?;
//! # Ok::<(), solvm_vm::Error>(())
//! ```

use super::call::Call;
use super::error::Error;
use super::handle::{LuaString, Table, Userdata, Value};
use super::library::{Definition, Library, the_function};
use super::params::FromLua;
use super::results::IntoLua;
use super::values::FromLuaOwned;
use crate::heap::userdata::Data;
use std::marker::PhantomData;
use std::ops::Deref;

/// A type whose values have methods in Lua.
pub trait Class: Data + Sized {
    /// Its name in messages, and under which its metatable is in the registry.
    const NAME: &'static str;
    /// Its methods; those whose names start with `__` are metamethods. A method that waits returns
    /// [`wait_for_result`](super::wait_for_result).
    const METHODS: &'static Library;
    /// Its fields. A method of the same name hides one.
    const FIELDS: &'static [Field<Self>] = &[];
}

type Get<T> = for<'c> fn(&mut Call<'c>, &T) -> Result<Value<'c>, Error>;
/// The error is why the value is refused.
type Set<T> = for<'c> fn(&mut Call<'c>, &T, Value<'c>) -> Result<(), String>;

/// A field of the objects of a class, which Rust reads and writes.
///
/// ```
/// use solvm_vm::native::{Class, Field, Library, Object};
/// use std::cell::Cell;
///
/// struct Point {
///     x: Cell<f64>,
/// }
///
/// impl solvm_vm::Data for Point {
///     fn external_size(&self) -> usize {
///         0
///     }
/// }
///
/// impl Class for Point {
///     const NAME: &'static str = "Point";
///     const METHODS: &'static Library = &METHODS;
///     const FIELDS: &'static [Field<Point>] = &[
///         Field::new("x", |point: &Point| point.x.get())
///             .writable(|point: &Point, x: f64| point.x.set(x)),
///         Field::new("square", |point: &Point| point.x.get().powi(2)),
///     ];
/// }
///
/// static METHODS: Library = solvm_vm::library!("Point" {});
/// # solvm_vm::Vm::new(Default::default()).enter(|call| {
/// call.globals().set_field(call, "point", Object(Point { x: Cell::new(2.0) }))
/// # })?;
/// # Ok::<(), solvm_vm::Error>(())
/// ```
pub struct Field<T: 'static> {
    name: &'static str,
    get: Get<T>,
    set: Option<Set<T>>,
}

impl<T: Data> Field<T> {
    /// A field that Lua may read. The closure captures nothing.
    pub const fn new<G, V>(name: &'static str, _get: G) -> Field<T>
    where
        G: Fn(&T) -> V + Copy + Send + Sync + 'static,
        V: for<'c> IntoLua<'c>,
    {
        const { assert!(size_of::<G>() == 0, "the closure of a field captures nothing") };
        Field { name, get: get::<T, G, V>, set: None }
    }

    /// Lets Lua write it, too.
    pub const fn writable<S, V>(self, _set: S) -> Field<T>
    where
        S: Fn(&T, V) + Copy + Send + Sync + 'static,
        V: FromLuaOwned + 'static,
    {
        const { assert!(size_of::<S>() == 0, "the closure of a field captures nothing") };
        Field { name: self.name, get: self.get, set: Some(set::<T, S, V>) }
    }
}

fn get<'c, T, G, V>(call: &mut Call<'c>, object: &T) -> Result<Value<'c>, Error>
where
    G: Fn(&T) -> V + Copy,
    V: for<'a> IntoLua<'a>,
{
    // SAFETY: G has no size, a value of it was given to `Field::new`, and it may be copied.
    let get = unsafe { the_function::<G>() };
    get(object).into_lua(call)
}

fn set<'c, T, S, V>(call: &mut Call<'c>, object: &T, value: Value<'c>) -> Result<(), String>
where
    S: Fn(&T, V) + Copy,
    V: FromLuaOwned,
{
    let value = V::owned(call, value).ok_or_else(|| V::refusal(value))?;
    // SAFETY: as in `get`, of `Field::writable`.
    let set = unsafe { the_function::<S>() };
    set(object, value);
    Ok(())
}

/// Where the metamethods of a class with fields are.
struct Accessors<T>(PhantomData<T>);

impl<T: Class> Accessors<T> {
    const INDEX: Definition = Definition::new("__index", index::<T>);
    const NEW_INDEX: Definition = Definition::new("__newindex", new_index::<T>);
}

fn field<T: Class>(key: Value<'_>) -> Option<&'static Field<T>> {
    let name = LuaString::from_value(key)?;
    T::FIELDS.iter().find(|field| field.name.as_bytes() == name.bytes())
}

/// A method or a field; nil if there is none.
fn index<'c, T: Class>(
    call: &mut Call<'c>,
    object: This<'c, T>,
    key: Value<'c>,
) -> Result<Value<'c>, Error> {
    let method = object.userdata.metatable().map_or(Value::NIL, |methods| methods.get(key));
    if !method.is_nil() {
        return Ok(method);
    }
    field::<T>(key).map_or(Ok(Value::NIL), |field| (field.get)(call, object.data))
}

fn new_index<'c, T: Class>(
    call: &mut Call<'c>,
    object: This<'c, T>,
    key: Value<'c>,
    value: Value<'c>,
) -> Result<(), Error> {
    let name = || match LuaString::from_value(key) {
        Some(name) => format!("'{}'", String::from_utf8_lossy(name.bytes())),
        None => format!("(a {} value)", key.type_name()),
    };
    let Some(field) = field::<T>(key) else {
        return Err(Error::text(format!("unknown field {} of {}", name(), T::NAME)));
    };
    match field.set {
        Some(set) => set(call, object.data, value).map_err(|reason| {
            Error::text(format!("bad value for field {} of {} ({reason})", name(), T::NAME))
        }),
        None => Err(Error::text(format!("field {} of {} is read-only", name(), T::NAME))),
    }
}

/// A new object: becomes a userdata with the methods of its class.
pub struct Object<T>(pub T);

/// An argument that is an object of a class. It borrows the Rust value, which changes through its
/// own cells only.
pub struct This<'c, T> {
    userdata: Userdata<'c>,
    data: &'c T,
}

impl<'c, T> This<'c, T> {
    /// The userdata.
    pub fn userdata(&self) -> Userdata<'c> {
        self.userdata
    }
}

impl<T> Deref for This<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.data
    }
}

impl<T: Class> FromLua for This<'_, T> {
    type Item<'c> = This<'c, T>;
    const EXPECTED: &'static str = T::NAME;

    fn from_lua<'c>(_: &mut Call<'c>, value: Value<'c>) -> Option<This<'c, T>> {
        let userdata = Userdata::from_value(value)?;
        Some(This { userdata, data: userdata.get::<T>()? })
    }
}

impl<'c, T: Class> IntoLua<'c> for Object<T> {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Value<'c>, Error> {
        let metatable = call.class::<T>()?;
        Ok(call.userdata(self.0, Some(metatable)).value())
    }
}

impl<'c> Call<'c> {
    /// The metatable of a class.
    pub fn class<T: Class>(&mut self) -> Result<Table<'c>, Error> {
        let key = self.string(T::NAME.as_bytes())?.value();
        if let Some(metatable) = Table::from_value(self.registry().get(key)) {
            return Ok(metatable);
        }
        let metatable = self.table(0, T::METHODS.functions.len() + 1)?;
        if T::FIELDS.is_empty() {
            metatable.set_field(self, "__index", metatable)?;
        } else {
            let index = self.function(&Accessors::<T>::INDEX, &[]);
            metatable.set_field(self, "__index", index)?;
            let new_index = self.function(&Accessors::<T>::NEW_INDEX, &[]);
            metatable.set_field(self, "__newindex", new_index)?;
        }
        // A class may look up its fields in its own way.
        self.fill(metatable, T::METHODS)?;
        self.registry().set(self, key, metatable.value())?;
        Ok(metatable)
    }
}
