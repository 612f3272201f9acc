//! Objects in memory: the collector, strings, tables, userdata, and the conversions that make
//! strings. Nothing here runs code.

pub(crate) mod coerce;
pub(crate) mod gc;
pub(crate) mod string;
pub(crate) mod table;
pub(crate) mod userdata;
