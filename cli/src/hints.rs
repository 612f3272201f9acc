//! Hints for run-time errors: misspelt names, and mistakes that the message and the source show
//! together. A hint is given only if it is likely.

use solvm_compiler::highlight::{Class, parts};
use solvm_compiler::spelling;
use solvm_runtime::report::Names;
use std::collections::BTreeSet;
use std::ops::Range;

/// A failure: its message without a position, and the source with the bytes that it is about, if
/// they are known.
pub(crate) struct Failure<'f> {
    pub(crate) message: &'f str,
    pub(crate) source: Option<(&'f [u8], Range<usize>)>,
    pub(crate) names: &'f Names,
}

/// A hint for a failure of running code.
pub(crate) fn hint(failure: &Failure<'_>) -> Option<String> {
    failure
        .about_self()
        .or_else(|| failure.about_opened_file())
        .or_else(|| failure.about_name())
        .or_else(|| failure.about_call_of_method())
        .or_else(|| failure.about_types())
}

impl Failure<'_> {
    /// The name that the message has after `kind`, if it says that its value is nil.
    fn nil_value(&self, kind: &str) -> Option<&str> {
        let (operation, rest) = self.message.split_once(&format!(" {kind} '"))?;
        if !operation.starts_with("attempt to ") {
            return None;
        }
        let (name, rest) = rest.split_once('\'')?;
        rest.starts_with(" (a nil value)").then_some(name)
    }

    /// The text of the source before what has failed.
    fn before(&self) -> Option<&str> {
        let (text, span) = self.source.as_ref()?;
        std::str::from_utf8(text.get(..span.start)?).ok()
    }

    fn about_name(&self) -> Option<String> {
        if let Some(name) = self.nil_value("global") {
            return self.global(name);
        }
        if let Some(name) = self.nil_value("field") {
            return self.field(name);
        }
        let name = self.nil_value("method")?;
        let methods = self.names.fields.get("string").into_iter().flatten().cloned();
        let known: BTreeSet<String> = methods.chain(self.defined_fields()).collect();
        let meant = closest(name, &known)?;
        Some(format!("did you mean the method '{meant}'?"))
    }

    /// Only what the operation can be meant for: a function to call, a table to index.
    fn global(&self, name: &str) -> Option<String> {
        let is_call = self.message.starts_with("attempt to call ");
        let locals = self.declared_names();
        if let Some(meant) = closest(name, &locals) {
            return Some(format!("did you mean the local '{meant}'?"));
        }
        if !is_call && !self.message.starts_with("attempt to index ") {
            return None;
        }
        let is_table = |known: &str| self.names.fields.contains_key(known);
        let known = self.names.globals.iter().map(String::as_str);
        let known = known.filter(|known| *known != name && is_table(known) != is_call);
        if let Some(meant) = spelling::closest(name, known) {
            return Some(format!("did you mean the global '{meant}'?"));
        }
        // A function without its library.
        if !is_call {
            return None;
        }
        let mut owners = self
            .names
            .fields
            .iter()
            .filter(|(_, fields)| name.len() > 2 && fields.iter().any(|field| field == name));
        let (library, _) = owners.next()?;
        owners.next().is_none().then(|| format!("did you mean '{library}.{name}'?"))
    }

    fn field(&self, name: &str) -> Option<String> {
        let owner = self.before().map(|before| before.trim_end().trim_end_matches(['.', ':']));
        let owner = owner.map(|before| {
            let start = before.rfind(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let end =
                start.map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
            // A field of a field is not a library.
            (&before[end..], before[..end].ends_with(['.', ':']))
        });
        let is_local = |owner: &str| {
            let text = self.source.as_ref().map_or(&b""[..], |(text, _)| text);
            String::from_utf8_lossy(text).contains(&format!("local {owner}"))
        };
        if let Some((owner, false)) = owner
            && let Some(fields) = self.names.fields.get(owner)
            && !is_local(owner)
        {
            let meant = spelling::closest(name, fields.iter().map(String::as_str))?;
            return Some(format!("did you mean '{owner}.{meant}'?"));
        }
        let known: BTreeSet<String> = self.defined_fields().collect();
        // It exists, but not here; or it is one of a series.
        if known.contains(name) || name.ends_with(|letter: char| letter.is_ascii_digit()) {
            return None;
        }
        closest(name, &known).map(|meant| format!("did you mean the field '{meant}'?"))
    }

    /// The names of fields that the source gives values to.
    fn defined_fields(&self) -> impl Iterator<Item = String> {
        let text = self.source.as_ref().map_or(&b""[..], |(text, _)| text);
        let parts: Vec<_> =
            parts(text).into_iter().filter(|(_, class)| *class != Class::Comment).collect();
        let word = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        let mut found = Vec::new();
        for (index, (range, class)) in parts.iter().enumerate() {
            let neighbour =
                |offset: usize| parts.get(offset).map_or(&b""[..], |(range, _)| word(range));
            let previous = index.checked_sub(1).map_or(&b""[..], neighbour);
            let is_assigned = neighbour(index + 1) == b"=";
            let is_member = matches!(previous, b"." | b":");
            let is_item = matches!(previous, b"{" | b"," | b";");
            let is_function = is_member
                && neighbour(index + 1) == b"("
                && index.checked_sub(3).map_or(&b""[..], neighbour) == b"function";
            if *class == Class::Name && (is_assigned && (is_member || is_item) || is_function) {
                found.push(String::from_utf8_lossy(word(range)).into_owned());
            }
        }
        found.into_iter()
    }

    /// The names of locals and parameters before what has failed.
    fn declared_names(&self) -> BTreeSet<String> {
        let Some((text, span)) = self.source.as_ref() else { return BTreeSet::new() };
        let before = text.get(..span.start).unwrap_or_default();
        let mut names = BTreeSet::new();
        // Whether names are declared: those of `local` and `for`, and parameters.
        let mut declares = false;
        let mut is_function = false;
        for (range, class) in parts(before) {
            let word = before.get(range).unwrap_or_default();
            match class {
                Class::Name if declares => {
                    names.insert(String::from_utf8_lossy(word).into_owned());
                }
                Class::Name | Class::Comment => {}
                _ => {
                    declares = match word {
                        b"local" | b"for" => true,
                        b"(" => is_function,
                        b"," | b"function" => declares,
                        _ => false,
                    };
                    is_function = word == b"function" || is_function && matches!(word, b"." | b":");
                }
            }
        }
        names
    }

    /// A method that was called with a dot has no `self`.
    fn about_self(&self) -> Option<String> {
        let is_self =
            self.message.contains("local 'self' (a ") && !self.message.contains("(a table value)");
        is_self.then(|| "call methods with ':', as in object:method(x)".into())
    }

    /// `object.method(x)` for a method of a userdata.
    fn about_call_of_method(&self) -> Option<String> {
        let (_, rest) = self.message.split_once("bad argument #1 to '")?;
        let (name, rest) = rest.split_once("' (")?;
        let (expected, _) = rest.split_once(" expected, got ")?;
        let (text, span) = self.source.as_ref()?;
        // The span is that of the argument, or of the call if there is none.
        let line_start = text.get(..span.start)?.iter().rposition(|&byte| byte == b'\n');
        let line = text.get(line_start.map_or(0, |last| last + 1)..)?;
        let line = String::from_utf8_lossy(line.split(|&byte| byte == b'\n').next()?).into_owned();
        let (before, _) = line.split_once(&format!(".{name}("))?;
        let start =
            before.rfind(|letter: char| !letter.is_alphanumeric() && !"_.".contains(letter));
        let owner = before.get(start.map_or(0, |at| at + 1)..)?;
        let is_basic = ["string", "number", "table", "function", "boolean"].contains(&expected);
        let is_library = self.names.fields.contains_key(owner);
        (!is_basic && !is_library && !owner.is_empty())
            .then(|| format!("did you mean '{owner}:{name}(...)'?"))
    }

    /// A file that was opened without a look at the result.
    fn about_opened_file(&self) -> Option<String> {
        let name = self.nil_value("local").or_else(|| self.nil_value("global"))?;
        let before = self.before()?;
        let opened = before.lines().rev().find(|line| {
            let line = line.trim_start().trim_start_matches("local ").trim_start();
            line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['=', ',']))
        })?;
        opened.contains("= io.open(").then(|| {
            format!(
                "io.open returns nil and a message if it fails: check '{name}', \
                 or use assert(io.open(...))"
            )
        })
    }

    fn about_types(&self) -> Option<String> {
        let message = self.message;
        if message.starts_with("attempt to compare number with string")
            || message.starts_with("attempt to compare string with number")
        {
            return Some("use tonumber(s) to get the number in a string".into());
        }
        let is_simple = ["(a nil value)", "(a boolean value)", "a nil value", "a boolean value"];
        let is_arithmetic = message == "attempt to perform arithmetic on a string value";
        if is_arithmetic
            && let Some((text, span)) = &self.source
            // The span is that of the operand, or of the sum.
            && (text.get(span.clone()).is_some_and(|sum| sum.contains(&b'+'))
                || text.get(..span.start).is_some_and(|left| left.trim_ascii().ends_with(b"+"))
                || text.get(span.end..).is_some_and(|right| right.trim_ascii().starts_with(b"+")))
        {
            return Some("use '..' to join strings".into());
        }
        if message.starts_with("attempt to concatenate ")
            && is_simple.iter().any(|end| message.ends_with(end))
        {
            return Some("use tostring(value) where a value may be nil or a boolean".into());
        }
        None
    }
}

fn closest<'n>(name: &str, known: &'n BTreeSet<String>) -> Option<&'n str> {
    spelling::closest(name, known.iter().map(String::as_str).filter(|known| *known != name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hinted(message: &str, source: &str, word: &str) -> Option<String> {
        let start = source.find(word).unwrap();
        let names = Names {
            globals: ["print", "config", "string"].map(String::from).into(),
            fields: [
                ("string".into(), ["format", "upper"].map(String::from).into()),
                ("config".into(), Vec::new()),
            ]
            .into(),
        };
        let source = Some((source.as_bytes(), start..start + word.len()));
        hint(&Failure { message, source, names: &names })
    }

    #[test]
    fn misspelt_names() {
        let told = |message, source, word| hinted(message, source, word).unwrap_or_default();
        assert_eq!(
            told("attempt to index global 'conifg' (a nil value)", "conifg.x = 1", "conifg"),
            "did you mean the global 'config'?"
        );
        assert_eq!(told("attempt to call global 'launch' (a nil value)", "launch()", "launch"), "");
        assert_eq!(
            told("attempt to call global 'format' (a nil value)", "format(1)", "format"),
            "did you mean 'string.format'?"
        );
        assert_eq!(
            told("attempt to call field 'fromat' (a nil value)", "string.fromat(1)", "fromat"),
            "did you mean 'string.format'?"
        );
        assert_eq!(
            told("attempt to call method 'uper' (a nil value)", "s:uper()", "uper"),
            "did you mean the method 'upper'?"
        );
        assert_eq!(
            told(
                "attempt to call method 'depsit' (a nil value)",
                "function A:deposit() end a:depsit()",
                "depsit"
            ),
            "did you mean the method 'deposit'?"
        );
    }

    #[test]
    fn no_hint_is_better_than_a_wrong_one() {
        for (message, source, word) in [
            // A function is not what is indexed, a table not what is called.
            ("attempt to index global 'pritn' (a nil value)", "pritn.x = 1", "pritn"),
            ("attempt to perform arithmetic on global 'upper' (a nil value)", "upper + 1", "upper"),
            ("attempt to index local 'self' (a table value)", "self * 2", "self"),
            // The field is there, in another table.
            (
                "attempt to index field 'next' (a nil value)",
                "t = {next = {text = 1}} t.next.next.x",
                "x",
            ),
            (
                "attempt to call field 'fromat' (a nil value)",
                "local string = {} string.fromat()",
                "fromat()",
            ),
            ("about global 'pritn' (a nil value)", "pritn()", "pritn"),
        ] {
            assert_eq!(hinted(message, source, word), None, "{message}");
        }
    }

    #[test]
    fn results_that_were_not_checked() {
        let source = "local f, e = io.open('x')\nprint(f:read())";
        let told = hinted("attempt to index local 'f' (a nil value)", source, "f:read");
        assert!(told.is_some_and(|told| told.contains("assert(io.open(...))")));
    }

    #[test]
    fn methods_called_with_a_dot() {
        let message = "bad argument #1 to 'read' (FILE* expected, got string)";
        let told = hinted(message, "print(f.read('*a'))", "'*a'");
        assert_eq!(told.as_deref(), Some("did you mean 'f:read(...)'?"));
        let message = "bad argument #1 to 'upper' (string expected, got nil)";
        assert_eq!(hinted(message, "print(string.upper(x))", "x)"), None);
    }
}
