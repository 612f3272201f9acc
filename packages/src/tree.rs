//! Data in Lua's notation: what a rockspec or a manifest has told, without the VM that read it.
//!
//! Everything comes from outside, so that the accessors say what was expected instead of assuming.

/// A value. Others, such as functions, are left out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    /// A string; bytes that are not UTF-8 are replaced.
    Text(String),
    /// A number.
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// A table.
    Table(Branch),
}

/// A table: what it has at whole numbers, in their order, and its fields. A manifest has hundreds
/// of thousands, most with one field, so that they are lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Branch {
    /// The values at whole numbers.
    pub(crate) list: Vec<Tree>,
    /// The values at strings.
    fields: Vec<(String, Tree)>,
}

impl Branch {
    /// Its fields, in the order in which they were set.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &Tree)> {
        self.fields.iter().map(|(name, tree)| (&name[..], tree))
    }

    /// A field. Of several with one name it is the last.
    pub(crate) fn get(&self, name: &str) -> Option<&Tree> {
        self.fields.iter().rev().find(|(own, _)| own == name).map(|(_, tree)| tree)
    }

    /// Sets a field that is not there.
    pub(crate) fn push(&mut self, name: String, tree: Tree) {
        self.fields.push((name, tree));
    }

    /// Removes a field.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Tree> {
        let at = self.fields.iter().rposition(|(own, _)| own == name)?;
        Some(self.fields.remove(at).1)
    }

    /// Sorts the fields, whose order in Lua is arbitrary.
    pub(crate) fn sort(&mut self) {
        self.fields.sort_by(|(one, _), (two, _)| one.cmp(two));
    }

    /// Frees memory that is reserved for more.
    pub(crate) fn shrink(&mut self) {
        self.fields.shrink_to_fit();
        self.list.shrink_to_fit();
    }

    /// A field that is a string, if there is one.
    ///
    /// # Errors
    /// If it is something else.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Tree::Text(text)) => Ok(Some(text)),
            Some(_) => Err(format!("field '{name}' is not a string")),
        }
    }

    /// A field that is a table, if there is one.
    ///
    /// # Errors
    /// If it is something else.
    pub(crate) fn branch(&self, name: &str) -> Result<Option<&Branch>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Tree::Table(branch)) => Ok(Some(branch)),
            Some(_) => Err(format!("field '{name}' is not a table")),
        }
    }

    /// The strings in its list.
    ///
    /// # Errors
    /// If something else is in it; `name` is that of the table.
    pub(crate) fn texts<'a>(&'a self, name: &str) -> Result<Vec<&'a str>, String> {
        let text = |tree: &'a Tree| match tree {
            Tree::Text(text) => Ok(&text[..]),
            _ => Err(format!("field '{name}' has a value that is not a string")),
        };
        self.list.iter().map(text).collect()
    }

    /// Lays another table over it, as LuaRocks does with what a rockspec has for a platform: its
    /// fields replace those of the same name, but tables are merged.
    pub(crate) fn overlay(&mut self, other: &Branch) {
        for (at, tree) in other.list.iter().enumerate() {
            match self.list.get_mut(at) {
                Some(place) => *place = tree.clone(),
                None => self.list.push(tree.clone()),
            }
        }
        for (name, tree) in &other.fields {
            let place = self.fields.iter_mut().rev().find(|(own, _)| own == name);
            match (place.map(|(_, tree)| tree), tree) {
                (Some(Tree::Table(old)), Tree::Table(new)) => old.overlay(new),
                (Some(old), new) => *old = new.clone(),
                (None, new) => self.push(name.clone(), new.clone()),
            }
        }
    }
}
