//! The description of a library for the code that opens and documents it.

use solvm_vm::native::Library;
use solvm_vm::{Call, Error, Table};

/// A library with its documentation.
pub struct Module {
    /// Its name for `require`, in the documentation and for code that selects libraries.
    pub name: &'static str,
    /// Its functions and constants.
    pub library: &'static Library,
    /// Its documentation: a definition file for lua-language-server, from which all other
    /// documentation is generated. Empty if another library has that of both.
    pub documentation: &'static str,
    /// Where programs find it.
    pub place: Place,
    /// Adds to its table what the table of functions cannot express.
    pub complete: Option<Complete>,
}

/// Completes the table of a library.
pub type Complete = for<'c> fn(&mut Call<'c>, Table<'c>) -> Result<(), Error>;

/// Where programs find a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is one of Lua 5.1: a global, and in `package.loaded` from the start.
    Standard,
    /// As one of Lua 5.1, if the program starts with all names.
    Preloaded,
    /// A global, if the program starts with all names.
    Global,
    /// No global.
    Required,
}

impl Module {
    /// A library, as its definition file describes it.
    pub const fn new(
        place: Place,
        name: &'static str,
        library: &'static Library,
        documentation: &'static str,
    ) -> Module {
        Module { name, library, documentation, place, complete: None }
    }

    /// The library, completed by a function.
    pub const fn completed_by(self, complete: Complete) -> Module {
        Module { complete: Some(complete), ..self }
    }
}
