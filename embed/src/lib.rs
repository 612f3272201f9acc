//! SolVM for Rust programs: Lua with goroutines, limits and all of SolVM's modules.
//!
//! ```
//! use solvm::{Call, Runtime};
//!
//! let mut lua = Runtime::new()?;
//! lua.register("greet", |_: &mut Call, name: String| format!("Hello, {name}!"))?;
//! let text: String = lua.eval("return greet('world')")?;
//! assert_eq!(text, "Hello, world!");
//! # Ok::<(), solvm::Error>(())
//! ```
//!
//! - [`Runtime`] runs Lua; [`Builder`] sets limits, libraries and the programs' access to the
//!   outside world ([`World`]).
//! - [`Function`], [`Table`], [`Userdata`] and [`Value`] hold Lua values between calls,
//!   [`Coroutine`] holds a thread of Lua.
//! - [`Handle`] runs work on a runtime that has its own thread.
//! - Functions are typed Rust closures ([`Runtime::register`]), also asynchronous ones
//!   ([`Runtime::register_async`]) and those that borrow for the time of a block
//!   ([`Runtime::scope`]); natives that call Lua functions are in [`native`].
//! - Rust types become objects with methods through [`Class`]:
//!
//! ```
//! use solvm::{Call, Class, Library, Object, Runtime, This};
//! use std::cell::Cell;
//!
//! struct Account(Cell<f64>);
//!
//! impl solvm::Data for Account {
//!     fn external_size(&self) -> usize {
//!         0
//!     }
//! }
//!
//! impl Class for Account {
//!     const NAME: &'static str = "Account";
//!     const METHODS: &'static Library = &METHODS;
//! }
//!
//! static METHODS: Library = solvm::library!("Account" {
//!     "balance" => balance,
//!     "deposit" => deposit,
//! });
//!
//! fn balance(_: &mut Call, account: This<Account>) -> f64 {
//!     account.0.get()
//! }
//!
//! fn deposit(_: &mut Call, account: This<Account>, amount: f64) {
//!     account.0.set(account.0.get() + amount);
//! }
//!
//! let mut lua = Runtime::new()?;
//! lua.set("account", Object(Account(Cell::new(10.0))))?;
//! assert_eq!(lua.eval::<f64>("account:deposit(5) return account:balance()")?, 15.0);
//! let error = lua.run("account.deposit('x', 5)").unwrap_err();
//! assert_eq!(
//!     error.message(),
//!     "chunk:1: bad argument #1 to 'deposit' (Account expected, got string)"
//! );
//! # Ok::<(), solvm::Error>(())
//! ```
#![forbid(unsafe_code)]

mod access;
mod callable;
mod coroutine;
mod error;
mod handles;
mod runtime;
#[cfg(feature = "serde")]
mod serde;
mod thread;
mod tokio_runtime;

pub use callable::Callable;
pub use error::{Context, Error, ErrorKind};
pub use handles::{Coroutine, Function, Table, Userdata, Value};
pub use runtime::{Builder, Canceller, Runtime, Scope, Task};
#[cfg(feature = "serde")]
pub use serde::Serde;
pub use solvm_runtime::host::{
    Area, FileSystem, InvalidRule, Network, NetworkUse, Permissions, Process, Sandbox, World,
};
pub use solvm_runtime::report::{Names, Report, Reporter, Source};
pub use solvm_stdlib::Globals;
pub use solvm_vm::native::{
    self, Class, Field, Fields, FromLuaOwned, FromValues, IntoLua, IntoValues, Library, Object,
    Sequence, This, closure,
};
pub use solvm_vm::{
    Call, Config, Data, Error as LuaError, Frame, Origin, Running, Site, Traceback, library,
};
pub use thread::Handle;
pub use tokio_runtime::new_tokio;

/// The pages with examples in Rust, which are run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/embedding.md")]
    struct Embedding;
    #[doc = include_str!("../../docs/security.md")]
    struct Security;
}
