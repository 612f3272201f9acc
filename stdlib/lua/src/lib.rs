//! Lua's own libraries, and what belongs to them: `bit`, `bit32` and `utf8`, LuaFileSystem, and
//! libraries that are written in Lua.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod base;
pub mod bits;
pub mod coroutine;
pub mod debug;
mod fields;
pub mod io;
pub mod lfs;
pub mod load;
pub mod lua_source;
pub mod math;
pub mod modules;
pub mod os;
pub mod package;
pub mod string;
pub mod table;
pub mod utf8;
