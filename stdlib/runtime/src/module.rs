//! The description of a library for the code that opens and documents it.

use solvm_vm::native::Library;

/// A library with its documentation.
pub struct Module {
    /// Its name in the documentation and for code that selects libraries.
    pub name: &'static str,
    /// Its functions and constants.
    pub library: &'static Library,
    /// Its documentation: a definition file for lua-language-server, from which all other
    /// documentation is generated.
    pub documentation: &'static str,
}
