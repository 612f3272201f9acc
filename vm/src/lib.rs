//! SolVM's virtual machine.

mod gc;
mod interpreter;
mod metamethod;
mod native;
mod object;
mod string;
mod table;
mod thread;
mod userdata;
mod value;

pub use value::Value;
