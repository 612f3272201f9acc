//! Reads data in Lua's notation without running it: manifests of servers, which have megabytes.
//!
//! Only what manifests consist of is understood: assignments of constants and of tables.

use crate::tree::{Branch, Tree};

/// Maximum depth of tables.
const MAX_DEPTH: usize = 16;

/// Maximum number of tables; the manifest of luarocks.org has about a tenth.
const MAX_TABLES: usize = 2_000_000;

/// Reads the global `name` of a chunk of data. None if it has none.
///
/// # Errors
/// The message, if it is not data.
pub(crate) fn global_of(text: &[u8], name: &str) -> Result<Option<Branch>, String> {
    let mut reader = Reader { text, at: 0, is_kept: true, left: MAX_TABLES };
    let mut found = None;
    loop {
        reader.skip_space();
        if reader.rest().is_empty() {
            return Ok(found);
        }
        let global = reader.name().ok_or_else(|| reader.unexpected())?;
        reader.is_kept = global == name;
        reader.expect(b'=')?;
        let tree = reader.value(MAX_DEPTH)?;
        if reader.is_kept {
            let Tree::Table(branch) = tree else { return Err(format!("'{name}' is not a table")) };
            found = Some(branch);
        }
        reader.takes(b';');
    }
}

/// A place in a text.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether the values are kept.
    is_kept: bool,
    /// How many tables may follow.
    left: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn unexpected(&self) -> String {
        let before = self.text.get(..self.at).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count().saturating_add(1);
        format!("line {line}: it is not data that a manifest can have")
    }

    /// Skips blanks and comments.
    fn skip_space(&mut self) {
        loop {
            let blank = self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.skip(blank);
            if !self.rest().starts_with(b"--") {
                return;
            }
            self.skip(self.rest().iter().take_while(|&&byte| byte != b'\n').count());
        }
    }

    /// Takes a character after blanks, if it is the next.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.rest().first() == Some(&byte);
        self.skip(usize::from(is_next));
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.takes(byte) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes a name.
    fn name(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = rest.iter().take_while(|byte| is_part(byte)).count();
        let name = std::str::from_utf8(rest.get(..length)?).ok()?;
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.skip(length);
        Some(name)
    }

    fn value(&mut self, depth: usize) -> Result<Tree, String> {
        self.skip_space();
        match self.rest().first() {
            Some(b'{') => self.table(depth).map(Tree::Table),
            Some(b'"' | b'\'') => self.quoted().map(Tree::Text),
            Some(b'-' | b'0'..=b'9') => {
                let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                let length = self.rest().iter().take_while(|byte| is_part(byte)).count();
                let text = std::str::from_utf8(self.rest().get(..length).unwrap_or_default());
                let number = text.ok().and_then(|text| text.parse().ok());
                let number = number.ok_or_else(|| self.unexpected())?;
                self.skip(length);
                Ok(Tree::Number(number))
            }
            _ => {
                let start = self.at;
                match self.name() {
                    Some("true") => Ok(Tree::Boolean(true)),
                    Some("false") => Ok(Tree::Boolean(false)),
                    _ => {
                        self.at = start;
                        Err(self.unexpected())
                    }
                }
            }
        }
    }

    fn table(&mut self, depth: usize) -> Result<Branch, String> {
        let depth = depth.checked_sub(1).ok_or_else(|| self.unexpected())?;
        self.left = self.left.checked_sub(1).ok_or("it has too many tables")?;
        let mut branch = Branch::default();
        self.expect(b'{')?;
        while !self.takes(b'}') {
            let key = self.key()?;
            let tree = self.value(depth)?;
            if self.is_kept {
                match key {
                    Some(key) => branch.push(key, tree),
                    None => branch.list.push(tree),
                }
            }
            if !self.takes(b',') && !self.takes(b';') {
                self.expect(b'}')?;
                break;
            }
        }
        branch.shrink();
        Ok(branch)
    }

    /// Takes `name =` or `["name"] =`. None if there is no key, or one that is a number: then the
    /// values are in order.
    fn key(&mut self) -> Result<Option<String>, String> {
        self.skip_space();
        let start = self.at;
        if self.takes(b'[') {
            let key = match self.value(1)? {
                Tree::Text(key) => Some(key),
                Tree::Number(_) => None,
                _ => return Err(self.unexpected()),
            };
            self.expect(b']')?;
            self.expect(b'=')?;
            return Ok(key);
        }
        let name = self.name().map(String::from);
        if name.is_some() && self.takes(b'=') {
            return Ok(name);
        }
        self.at = start;
        Ok(None)
    }

    /// Takes a string in quotes.
    fn quoted(&mut self) -> Result<String, String> {
        let quote = self.rest().first().copied().unwrap_or_default();
        self.skip(1);
        let mut text = Vec::new();
        loop {
            let rest = self.rest();
            let plain = rest.iter().take_while(|&&byte| byte != quote && byte != b'\\').count();
            text.extend_from_slice(rest.get(..plain).unwrap_or_default());
            self.skip(plain);
            match (self.rest().first(), self.rest().get(1)) {
                (Some(b'\\'), Some(&escaped)) => {
                    self.skip(2);
                    text.push(match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'0'..=b'9' => {
                            self.at = self.at.saturating_sub(1);
                            self.decimal()?
                        }
                        other => other,
                    });
                }
                (Some(_), _) if self.rest().first() == Some(&quote) => {
                    self.skip(1);
                    return Ok(String::from_utf8_lossy(&text).into_owned());
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// Takes up to three digits: the code of a byte.
    fn decimal(&mut self) -> Result<u8, String> {
        let digits = self.rest().iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(self.rest().get(..digits).unwrap_or_default());
        let code = text.ok().and_then(|text| text.parse().ok());
        self.skip(digits);
        code.ok_or_else(|| self.unexpected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_read() {
        let text = br#"-- a manifest
            commands = { run = {"a/1.0-1"}; }
            modules = {}
            repository = {
               ["lua-x"] = { ["1.0-1"] = { { arch = "rockspec" }, { arch = 'src', n = -1.5e3 } } },
               y = { [1] = 'a\n\"\065', [2] = true },
            };"#;
        let branch = global_of(text, "repository").unwrap().unwrap();
        let versions = branch.branch("lua-x").unwrap().unwrap();
        assert_eq!(versions.branch("1.0-1").unwrap().unwrap().list.len(), 2);
        let other = branch.branch("y").unwrap().unwrap();
        assert_eq!(other.list, [Tree::Text("a\n\"A".into()), Tree::Boolean(true)]);
        assert_eq!(global_of(text, "nothing"), Ok(None));
    }

    #[test]
    fn code_is_refused() {
        for text in [
            "repository = f()",
            "repository = {} .. {}",
            "while true do end",
            "repository = { x = \"",
            "repository = {{{{{{{{{{{{{{{{{{{{{{}}}}}}}}}}}}}}}}}}}}}}",
            "repository = {[nil] = 1}",
            "repository = {1 2}",
            "repository = '\\999'",
            "repository = {",
            "repository = nil",
            "repository",
            "= 1",
        ] {
            let read = global_of(text.as_bytes(), "repository");
            assert!(read.is_err(), "{text}: {read:?}");
        }
        assert!(global_of(b"x = \n\n?", "x").unwrap_err().starts_with("line 3:"));
    }
}
