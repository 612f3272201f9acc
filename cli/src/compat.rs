//! The option `-compat`: which Lua a program was written for.

use solvm_stdlib::Globals;
use solvm_vm::Dialect;

/// Which Lua a program was written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Compat {
    /// SolVM's: Lua 5.1's messages and behaviour, and all names.
    #[default]
    Lua,
    /// As [`Compat::Lua`], with the names of Lua 5.1 alone.
    Lua51,
    /// gopher-lua's messages and behaviour.
    GopherLua,
}

impl Compat {
    /// The names of the option's values.
    pub(crate) const NAMES: [&str; 3] = ["lua", "lua5.1", "gopher-lua"];

    /// The value of one of these names.
    pub(crate) fn of(name: &str) -> Compat {
        match name {
            "lua5.1" => Compat::Lua51,
            "gopher-lua" => Compat::GopherLua,
            _ => Compat::Lua,
        }
    }

    /// Whose messages and behaviour it gets.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Compat::Lua | Compat::Lua51 => Dialect::Lua,
            Compat::GopherLua => Dialect::GopherLua,
        }
    }

    /// The names that it starts with.
    pub(crate) fn globals(self) -> Globals {
        match self {
            Compat::Lua | Compat::GopherLua => Globals::All,
            Compat::Lua51 => Globals::Lua51,
        }
    }
}
