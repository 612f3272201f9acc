//! Patterns as Lua values.
//!
//! A pattern is a userdata with a tree, and the program once it has matched. Lua values of the tree
//! are in the userdata's environment, a table that several patterns may share, since it is never
//! changed. The metatable is one for all patterns; its `__index` is the module's table.

use crate::generate::generate;
use crate::program::Program;
use crate::tree::{Node, TooLarge, Tree};
use solvm_vm::{Call, Data, Error, Table, Userdata, Value};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

/// The name of the metatable in the registry.
const METATABLE: &str = "lpeg-pattern";

/// The data of a pattern.
pub(crate) struct Pattern {
    /// What it matches.
    pub(crate) tree: Tree,
    /// How many Lua values it has.
    pub(crate) keys: u16,
    program: OnceCell<Rc<Program>>,
}

impl Data for Pattern {
    fn external_size(&self) -> usize {
        self.tree.size() + self.program.get().map_or(0, |program| program.size())
    }
}

impl From<TooLarge> for Error {
    fn from(_: TooLarge) -> Error {
        Error::text("pattern code too large")
    }
}

/// A tree with its Lua values, before it is a value itself.
pub(crate) struct Draft<'c> {
    /// What it matches.
    pub(crate) tree: Cow<'c, Tree>,
    /// The table of its Lua values, if it has any.
    pub(crate) table: Option<Table<'c>>,
    /// Other patterns have the same table.
    pub(crate) is_shared: bool,
    /// Their number.
    pub(crate) keys: u16,
}

impl<'c> Draft<'c> {
    /// A tree without Lua values.
    pub(crate) fn new(tree: Tree) -> Draft<'c> {
        Draft { tree: Cow::Owned(tree), table: None, is_shared: false, keys: 0 }
    }

    /// A node without operands and Lua values.
    pub(crate) fn leaf(node: Node) -> Draft<'c> {
        Draft::new(Tree::leaf(node))
    }

    /// Adds Lua values. Returns the key of the first one.
    pub(crate) fn add(&mut self, call: &mut Call<'c>, values: &[Value<'c>]) -> Result<u16, Error> {
        let first = self.keys;
        self.add_all(call, values.len(), values.iter().copied())?;
        Ok(first + 1)
    }

    /// Makes the Lua values of another draft accessible. Returns by how much its keys are moved.
    pub(crate) fn merge(&mut self, call: &mut Call<'c>, other: &Draft<'c>) -> Result<u16, Error> {
        if other.keys == 0 || (self.keys == other.keys && self.table == other.table) {
            return Ok(0);
        }
        if self.keys == 0 {
            (self.table, self.is_shared, self.keys) = (other.table, true, other.keys);
            return Ok(0);
        }
        let first = self.keys;
        let count = usize::from(other.keys);
        let value = |index| other.table.map_or(Value::NIL, |table| table.get(index));
        self.add_all(call, count, (1..=count).map(value))?;
        Ok(first)
    }

    /// Adds `count` Lua values, in a table of its own.
    fn add_all(
        &mut self,
        call: &mut Call<'c>,
        count: usize,
        values: impl Iterator<Item = Value<'c>>,
    ) -> Result<(), Error> {
        let keys = usize::from(self.keys);
        let all = u16::try_from(keys + count)
            .map_err(|_| Error::text("too many Lua values in pattern"))?;
        call.charge(count / 2);
        let table = match self.table.filter(|_| !self.is_shared) {
            Some(table) => table,
            None => {
                call.charge(keys / 2);
                let table = call.table(usize::from(all), 0)?;
                for index in 1..=keys {
                    let value = self.table.map_or(Value::NIL, |table| table.get(index));
                    table.set_index(call, index, value)?;
                }
                table
            }
        };
        (self.table, self.is_shared) = (Some(table), false);
        for (index, value) in values.enumerate() {
            table.set_index(call, keys + index + 1, value)?;
        }
        self.keys = all;
        Ok(())
    }

    /// Joins it with another one.
    pub(crate) fn join(mut self, call: &mut Call<'c>, node: Node, other: &Draft<'c>) -> Made<'c> {
        charge(call, self.tree.size() + other.tree.size())?;
        let moved = self.merge(call, other)?;
        let mut tree = self.tree.extended(1, Some(&other.tree));
        tree.join(node, &other.tree, moved)?;
        Ok(Draft { tree: Cow::Owned(tree), ..self })
    }

    /// Puts an operator on it.
    pub(crate) fn under(self, call: &mut Call<'c>, node: Node) -> Made<'c> {
        charge(call, self.tree.size())?;
        let mut tree = self.tree.extended(1, None);
        tree.push_unary(node)?;
        Ok(Draft { tree: Cow::Owned(tree), ..self })
    }

    /// Puts a capture on it that refers to a Lua value.
    pub(crate) fn under_value(
        mut self,
        call: &mut Call<'c>,
        value: Value<'c>,
        node: impl Fn(u16) -> Node,
    ) -> Made<'c> {
        let key = self.add(call, &[value])?;
        self.under(call, node(key))
    }

    /// The pattern as a value.
    pub(crate) fn finish(self, call: &mut Call<'c>) -> Result<Userdata<'c>, Error> {
        let metatable = metatable(call)?;
        charge(call, self.tree.size())?;
        let pattern =
            Pattern { tree: self.tree.into_owned(), keys: self.keys, program: OnceCell::new() };
        let userdata = call.userdata(pattern, metatable);
        if let Some(table) = self.table {
            call.set_environment_of(userdata.value(), table);
        }
        Ok(userdata)
    }
}

/// A draft, or why there is none.
pub(crate) type Made<'c> = Result<Draft<'c>, Error>;

/// Charges for a tree of this size that is copied, and checks that there is memory for it.
fn charge(call: &mut Call<'_>, size: usize) -> Result<(), Error> {
    call.charge(size / 32);
    call.check_memory(size)
}

/// The pattern that a value is.
pub(crate) fn pattern_of<'c>(value: Value<'c>) -> Option<&'c Pattern> {
    Userdata::from_value(value)?.get::<Pattern>()
}

/// The Lua values of a pattern.
pub(crate) fn keys_of<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Table<'c>> {
    call.environment_of(value)
}

/// A pattern as a draft.
pub(crate) fn draft_of<'c>(call: &mut Call<'c>, value: Value<'c>) -> Option<Draft<'c>> {
    let pattern = pattern_of(value)?;
    let table = if pattern.keys == 0 { None } else { keys_of(call, value) };
    Some(Draft { tree: Cow::Borrowed(&pattern.tree), table, is_shared: true, keys: pattern.keys })
}

/// The metatable of all patterns, which the module creates when it is loaded.
pub(crate) fn metatable<'c>(call: &mut Call<'c>) -> Result<Option<Table<'c>>, Error> {
    let key = call.string(METATABLE.as_bytes())?;
    let metatable = call.registry().get(key);
    Ok(Table::from_value(metatable))
}

/// Sets the metatable of all patterns.
pub(crate) fn set_metatable<'c>(call: &mut Call<'c>, metatable: Table<'c>) -> Result<(), Error> {
    call.registry().set_field(call, METATABLE, metatable)
}

/// The program of a pattern, which is generated when it is needed first.
pub(crate) fn program_of<'c>(call: &mut Call<'c>, value: Value<'c>) -> Result<Rc<Program>, Error> {
    let (Some(userdata), Some(pattern)) = (Userdata::from_value(value), pattern_of(value)) else {
        return Err(Error::argument(1, "lpeg-pattern expected"));
    };
    if let Some(program) = pattern.program.get() {
        return Ok(program.clone());
    }
    let tree = &pattern.tree;
    let open = tree.nodes.iter().find_map(|node| match node {
        Node::OpenCall(key) => Some(*key),
        _ => None,
    });
    if let Some(key) = open {
        let name = keys_of(call, value).map_or(Value::NIL, |keys| keys.get(usize::from(key)));
        let name = crate::context::shown(name);
        return Err(Error::text(
            [b"rule '", name.as_slice(), b"' used outside a grammar"].concat(),
        ));
    }
    call.charge(tree.nodes.len() * 8);
    let _held = call.hold(crate::generate::size(tree))?;
    let program = Rc::new(generate(tree)?);
    // Only this native fills the cell, and it does not call any code in between.
    let program = pattern.program.get_or_init(|| program).clone();
    call.recount(userdata);
    Ok(program)
}
