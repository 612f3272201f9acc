//! Values of Rust types that `serde` knows, to and from Lua (feature `serde`).
//!
//! Structs and maps are tables with keys, lists and tuples are tables from 1 on, `None` and `()`
//! are nil, enums are tagged externally: a unit variant is its name, another one a table with the
//! name as its only key. Both directions limit how deep values are nested.

mod from_lua;
mod to_lua;

use crate::error::{Error, ErrorKind};
use crate::handles::Value;
use crate::runtime::Runtime;
use ::serde::Serialize;
use ::serde::de::DeserializeOwned;
use from_lua::from_lua;
use solvm_vm::native::{FromLua, FromLuaOwned, IntoLua};
use solvm_vm::{Call, Error as LuaError, Value as Handle};
use std::fmt;
use to_lua::to_lua;

/// The maximum depth of values.
const MAX_DEPTH: usize = 128;

/// Why a value cannot be converted.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    fn too_deep() -> Self {
        Failure(format!("value is nested deeper than {MAX_DEPTH} levels"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl ::serde::ser::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Failure(message.to_string())
    }
}

impl ::serde::de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Failure(message.to_string())
    }
}

/// A value that is converted by `serde`: an argument or a result, here and in functions.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use solvm::{Call, Runtime, Serde};
///
/// #[derive(Serialize, Deserialize)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// let mut lua = Runtime::new()?;
/// lua.register("mirror", |_: &mut Call, Serde(point): Serde<Point>| {
///     Serde(Point { x: -point.x, ..point })
/// })?;
/// let Serde(point): Serde<Point> = lua.eval("return mirror({ x = 1, y = 2 })")?;
/// assert_eq!((point.x, point.y), (-1.0, 2.0));
/// let error = lua.run("mirror({ x = 1 })").unwrap_err();
/// assert_eq!(error.message(), "chunk:1: bad argument #1 to 'mirror' (missing field `y`)");
/// # Ok::<(), solvm::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serde<T>(pub T);

impl<T: DeserializeOwned> FromLua for Serde<T> {
    type Item<'c> = Serde<T>;
    const EXPECTED: &'static str = "value of a type of Rust";

    fn from_lua<'c>(call: &mut Call<'c>, value: Handle<'c>) -> Option<Serde<T>> {
        let (converted, visited) = from_lua(value);
        call.charge(visited);
        converted.ok().map(Serde)
    }

    fn refusal(value: Handle<'_>) -> String {
        match from_lua::<T>(value).0 {
            Err(failure) => failure.0,
            Ok(_) => format!("{} expected", Self::EXPECTED),
        }
    }
}

impl<'c, T: Serialize> IntoLua<'c> for Serde<T> {
    fn into_lua(self, call: &mut Call<'c>) -> Result<Handle<'c>, LuaError> {
        to_lua(call, &self.0)
    }
}

impl Runtime {
    /// The Lua value of a value that `serde` can serialize.
    ///
    /// # Errors
    /// If an integer is not a number of Lua without loss, a value is nested too deep, or memory is
    /// short.
    ///
    /// ```
    /// let mut lua = solvm::Runtime::new()?;
    /// let config = serde_json::json!({ "title": "Example", "ports": [80, 443] });
    /// let value = lua.to_value(&config)?;
    /// lua.set("config", &value)?;
    /// assert_eq!(lua.eval::<u16>("return config.ports[2]")?, 443);
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn to_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Value, Error> {
        self.try_enter(|call| {
            let value = to_lua(call, value)?;
            Value::owned(call, value).ok_or_else(LuaError::out_of_memory)
        })
    }

    /// The Rust value of a Lua value.
    ///
    /// # Errors
    /// If the value is not of the type.
    ///
    /// ```
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Config {
    ///     title: String,
    ///     ports: Vec<u16>,
    /// }
    ///
    /// let mut lua = solvm::Runtime::new()?;
    /// let value = lua.eval("return { title = 'Example', ports = { 80, 443 } }")?;
    /// let config: Config = lua.from_value(&value)?;
    /// assert_eq!((&config.title[..], &config.ports[..]), ("Example", &[80, 443][..]));
    /// # Ok::<(), solvm::Error>(())
    /// ```
    pub fn from_value<T: DeserializeOwned>(&mut self, value: &Value) -> Result<T, Error> {
        let converted = self.try_enter(|call| {
            let value = value.into_lua(call)?;
            Ok(from_lua(value).0)
        })?;
        converted.map_err(|failure| Error::new(ErrorKind::Conversion, failure.0))
    }
}
