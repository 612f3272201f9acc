//! SolVM's package manager: rocks in pure Lua, from servers that speak LuaRocks' protocol, into the
//! directory `lua_modules` of a project.
//!
//! [`change`] has the commands. What comes from a server is hostile until it is checked: rockspecs
//! run in a VM of their own with limits, manifests are read as data, archives are bounded, and
//! paths stay inside their directory.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod address;
mod archive;
mod builtin;
pub mod change;
mod constraint;
mod data;
mod digest;
mod evaluate;
pub mod imports;
mod inner_path;
mod installed;
mod lock;
mod manifest;
mod plan;
mod project;
mod resolver;
mod rockspec;
mod server;
mod source;
mod transaction;
mod tree;
mod version;
