//! What a library is to those who open and describe it.

use solvm_vm::native::Library;

/// A library, and what is said about it.
pub struct Module {
    /// What it is called: by who chooses libraries, and in the documentation.
    pub name: &'static str,
    /// Its functions and constants.
    pub library: &'static Library,
    /// Its documentation, from which all other documentation is made: a definition file for
    /// lua-language-server.
    pub documentation: &'static str,
}
