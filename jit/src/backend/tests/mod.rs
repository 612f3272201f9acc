//! Tests of the back-end: machine code is compared with the interpreter of the linear form.

mod builder;
mod differential;
mod generate;
mod memory;
mod operations;
mod shapes;
mod values;
mod world;
