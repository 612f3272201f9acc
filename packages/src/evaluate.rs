//! Runs a rockspec: Lua code whose globals are its data.
//!
//! **Invariant (ALONE)**: the code runs in a VM of its own, which has no outside world and limits
//! of time and memory, so that a hostile rockspec can only fail. It has no globals, but the methods
//! of strings, which rockspecs use to make addresses of versions.

use crate::tree::{Branch, Tree};
use solvm_lua::string;
use solvm_vm::{Call, Config, Error, LuaString, Table, Turn, Type, Value, Vm};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// The time limit.
const LIMIT: Duration = Duration::from_secs(1);
/// The memory limit.
const MEMORY: usize = 16 << 20;
/// Maximum size of the code.
pub(crate) const MAX_CODE: usize = 1 << 20;
/// Maximum number of values.
const MAX_VALUES: usize = 100_000;
/// Maximum depth of tables.
const MAX_DEPTH: usize = 16;

/// Runs the code and returns its globals.
///
/// # Errors
/// The message, if it fails or exceeds a limit.
pub(crate) fn globals_of(code: &[u8], name: &str) -> Result<Branch, String> {
    if code.len() > MAX_CODE {
        return Err(format!("larger than {} MiB", MAX_CODE >> 20));
    }
    let mut vm = Vm::new(Config { memory_limit: MEMORY, ..Config::default() });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    vm.enter(|call| {
        open_string_methods(call).map_err(|error| text(&error.message(call)))?;
        let function = call.load(code, format!("={name}").as_bytes());
        let function = function.map_err(|message| text(&message))?;
        call.spawn(function, &[]).map(drop).map_err(|error| text(&error.message(call)))
    })?;
    let start = Instant::now();
    vm.set_deadline(start.checked_add(LIMIT));
    let mut context = Context::from_waker(Waker::noop());
    let mut turn = Turn::Ready;
    while turn == Turn::Ready && start.elapsed() <= LIMIT {
        turn = vm.turn(&mut context);
    }
    let failed = vm.next_end(|_, _, ended| match ended {
        Ok(_) => None,
        Err((error, _)) => Some(match LuaString::from_value(error) {
            Some(message) => text(message.bytes()),
            None => "error value is not a string".into(),
        }),
    });
    if let Some(message) = failed.flatten() {
        return Err(message);
    }
    if turn != Turn::Done {
        return Err(format!("it runs longer than {LIMIT:?}"));
    }
    vm.enter(|call: &mut Call| {
        let mut left = MAX_VALUES;
        branch_of(call.globals(), MAX_DEPTH, &mut left)
            .ok_or_else(|| "it makes too many values, or nests them too deep".into())
    })
}

fn open_string_methods(call: &mut Call) -> Result<(), Error> {
    call.open(&string::LIBRARY)?;
    string::finish(call)?;
    let globals = call.globals();
    globals.set_field(call, string::LIBRARY.name, Value::NIL)
}

/// Copies a table. None if it is too large.
fn branch_of(table: Table, depth: usize, left: &mut usize) -> Option<Branch> {
    let depth = depth.checked_sub(1)?;
    let (mut list, mut branch) = (Vec::new(), Branch::default());
    for (key, value) in table.pairs() {
        *left = left.checked_sub(1)?;
        let tree = match value.kind() {
            Type::Table => Tree::Table(branch_of(Table::from_value(value)?, depth, left)?),
            _ => match scalar(value) {
                Some(tree) => tree,
                None => continue,
            },
        };
        if let Some(name) = LuaString::from_value(key) {
            branch.push(String::from_utf8_lossy(name.bytes()).into_owned(), tree);
        } else if let Some(index) = key.as_number() {
            list.push((index, tree));
        }
    }
    branch.sort();
    list.sort_by(|(one, _), (two, _)| one.total_cmp(two));
    branch.list = list.into_iter().map(|(_, tree)| tree).collect();
    Some(branch)
}

fn scalar(value: Value) -> Option<Tree> {
    if let Some(text) = LuaString::from_value(value) {
        return Some(Tree::Text(String::from_utf8_lossy(text.bytes()).into_owned()));
    }
    if let Some(number) = value.as_number() {
        return Some(Tree::Number(number));
    }
    (value.kind() == Type::Boolean).then(|| Tree::Boolean(value.is_truthy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(code: &str) -> String {
        globals_of(code.as_bytes(), "x.rockspec").unwrap_err()
    }

    #[test]
    fn data_comes_out() {
        let code = "local v = '1.0' package = 'a' version = v .. '-1' build = {'x', 'y', t = true}";
        let globals = globals_of(code.as_bytes(), "x.rockspec").unwrap();
        assert_eq!(globals.text("version"), Ok(Some("1.0-1")));
        let build = globals.branch("build").unwrap().unwrap();
        assert_eq!(build.texts("build").unwrap(), ["x", "y"]);
        assert_eq!(build.get("t"), Some(&Tree::Boolean(true)));
        assert!(globals.text("build").is_err() && globals.branch("package").is_err());
    }

    #[test]
    fn strings_have_methods() {
        let code = "version = ('%s-%d'):format('1.0', 1)";
        let globals = globals_of(code.as_bytes(), "x.rockspec").unwrap();
        assert_eq!(globals.text("version"), Ok(Some("1.0-1")));
        assert_eq!(globals.fields().count(), 1);
    }

    #[test]
    fn hostile_code_fails() {
        assert_eq!(message("while true do end"), "it runs longer than 1s");
        assert_eq!(
            message("repeat local f = function() end until false"),
            "it runs longer than 1s"
        );
        let code = "local s = 'x' while true do s = s .. s end";
        assert_eq!(message(code), "not enough memory");
        assert_eq!(message("local t = {} for i = 1, 2 do t = {t, t} end t[1] = t x = t"), TOO_MUCH);
        assert_eq!(message("x = {} for i = 1, 2e5 do x[i] = i end"), TOO_MUCH);
        assert_eq!(message("local s = ('x'):rep(1e9)"), "not enough memory");
        let code = "x = ('a'):rep(30000):find(('.-'):rep(50) .. 'b')";
        assert_eq!(message(code), "it runs longer than 1s");
        assert!(message("string.x()").contains("attempt to index global 'string'"));
        assert!(message("os.exit()").contains("attempt to index global 'os'"));
        assert!(message("package = ").starts_with("x.rockspec:1:"));
        assert!(message("local function f() return f() + 1 end f()").contains("stack overflow"));
    }

    const TOO_MUCH: &str = "it makes too many values, or nests them too deep";
}
