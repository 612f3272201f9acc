//! SolVM virtual machine.
