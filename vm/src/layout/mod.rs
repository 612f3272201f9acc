//! How Lua's values, objects and frames are stored: plain data, and how to get from one to another.
//! Nothing here allocates, collects or runs.

pub(crate) mod frame;
pub(crate) mod hook;
pub(crate) mod metamethod;
pub(crate) mod object;
pub(crate) mod stack;
pub(crate) mod types;
pub(crate) mod unit;
pub(crate) mod value;
