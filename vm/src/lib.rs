//! SolVM's virtual machine.

mod gc;
mod interpreter;
mod metamethod;
mod native;
mod number;
mod object;
mod thread;
mod userdata;
mod value;

pub use number::NumberText;
pub use value::Value;
