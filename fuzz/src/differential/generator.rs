//! Random programs whose output is determined by Lua 5.1's manual: any two implementations must
//! print the same, including errors.
//!
//! Programs are valid and end: loops and functions count their steps, strings are kept short.
//! Variables have a kind, and most expressions are of the expected kind; some are of another one,
//! since error messages must be the same, too. Implementation-defined behaviour is avoided: lengths
//! of arrays with holes, the order of keys, addresses, inconsistent comparators. So are the
//! differences in COMPATIBILITY.md: levels of tail calls, yields across `pcall`, the constants 0
//! and -0 in one function (zeros are results of the function `number`, which returns its argument).

use super::words::{EVENTS, FIELDS};
use crate::Random;

/// The usual kind of a variable's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Flag,
    /// A table with only values at 1 to n.
    List,
    /// A table with fields.
    Record,
    Function,
    /// Any value: often nil.
    Any,
}

const KINDS: &[Kind] =
    &[Kind::Number, Kind::Text, Kind::Flag, Kind::List, Kind::Record, Kind::Function, Kind::Any];

/// A name in scope.
#[derive(Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    kind: Kind,
    /// Loop variables are not assigned to.
    is_fixed: bool,
}

/// Generates the program with that number.
pub fn program(number: u64) -> String {
    let mut random = Random::new(number);
    // Fewer statements allow more programs.
    let statements = 3 + random.below(14);
    let levels = random.below(2) == 0;
    let mut generator = Generator {
        random,
        text: String::new(),
        indent: 0,
        variables: Vec::new(),
        functions: vec![Frame { first: 0, has_varargs: true, yields: false }],
        names: 0,
        loops: 0,
        levels,
    };
    for _ in 0..statements {
        generator.statement(3);
    }
    let seen = generator.visible_names();
    generator.line(&format!("print({seen})"));
    generator.text
}

/// The function whose body is being generated.
pub(super) struct Frame {
    /// The index of its first variable.
    pub(super) first: usize,
    pub(super) has_varargs: bool,
    /// Whether it is the body of a coroutine, and not a nested function: it may yield.
    pub(super) yields: bool,
}

pub(super) struct Generator {
    pub(super) random: Random,
    text: String,
    indent: usize,
    pub(super) variables: Vec<Variable>,
    pub(super) functions: Vec<Frame>,
    names: usize,
    loops: usize,
    /// Whether errors name the caller's position; otherwise there are tail calls, which lose it.
    levels: bool,
}

impl Generator {
    pub(super) fn chance(&mut self, of: usize) -> bool {
        self.random.below(of) == 0
    }

    pub(super) fn pick<'t>(&mut self, items: &'t [&'t str]) -> &'t str {
        items[self.random.below(items.len())]
    }

    fn line(&mut self, text: &str) {
        self.text.extend(std::iter::repeat_n(' ', self.indent));
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        // Short names are reused, so that they shadow each other.
        format!("{prefix}{}", self.names % 9)
    }

    pub(super) fn declare(&mut self, name: &str, kind: Kind, is_fixed: bool) {
        self.variables.push(Variable { name: name.into(), kind, is_fixed });
    }

    /// Returns a variable of that kind that is not shadowed. None if there is none.
    pub(super) fn variable(&mut self, kind: Kind, assigned: bool) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        for (at, variable) in self.variables.iter().enumerate() {
            let is_shadowed =
                self.variables[at + 1..].iter().any(|later| later.name == variable.name);
            if variable.kind == kind && !is_shadowed && !(assigned && variable.is_fixed) {
                names.push(&variable.name);
            }
        }
        let at = self.random.below(names.len());
        names.get(at).map(|name| name.to_string())
    }

    fn visible_names(&mut self) -> String {
        let mut names: Vec<String> =
            self.variables.iter().rev().map(|variable| variable.name.clone()).collect();
        names.dedup();
        names.truncate(6);
        names.join(", ")
    }

    pub(super) fn any_kind(&mut self) -> Kind {
        KINDS[self.random.below(KINDS.len())]
    }

    /// Generates a block, with its variables out of scope afterwards.
    fn block(&mut self, depth: usize, count: usize) {
        let scope = self.variables.len();
        self.indent += 1;
        for _ in 0..count {
            self.statement(depth);
        }
        self.indent -= 1;
        self.variables.truncate(scope);
    }

    fn statement(&mut self, depth: usize) {
        let choice = self.random.below(if depth == 0 { 12 } else { 26 });
        match choice {
            0..=2 => self.local(),
            3 | 4 => self.assignment(),
            5 => {
                let value = self.expressions(2);
                self.line(&format!("print({value})"));
            }
            6 => self.field_assignment(),
            7 => self.list_change(),
            8 => {
                let call = self.call(2);
                self.line(&call);
            }
            9 => {
                let name = self.fresh("G");
                let kind = self.any_kind();
                let value = self.expression(kind, 2);
                self.line(&format!("{name} = {value}"));
            }
            10 if self.functions.last().is_some_and(|frame| frame.yields) => {
                let value = self.expressions(1);
                let name = self.fresh("v");
                self.line(&format!("local {name} = coroutine.yield({value})"));
                self.declare(&name, Kind::Any, false);
            }
            10 | 11 => self.several(),
            12 | 13 => self.condition(depth),
            14 => self.numeric_loop(depth),
            15 => self.generic_loop(depth),
            16 => self.conditional_loop(depth),
            17 | 18 => self.function(depth),
            19 => self.method(depth),
            20 | 21 => self.protected(depth),
            22 => self.object(depth),
            23 => self.coroutine(depth),
            24 => {
                self.line("do");
                let count = 1 + self.random.below(3);
                self.block(depth - 1, count);
                self.line("end");
            }
            _ => self.failure(),
        }
    }

    fn local(&mut self) {
        let name = self.fresh("v");
        let kind = self.any_kind();
        let value = self.expression(kind, 3);
        self.line(&format!("local {name} = {value}"));
        self.declare(&name, kind, false);
    }

    /// Generates a multiple assignment, from calls with too few and too many results.
    fn several(&mut self) {
        let (first, second) = (self.fresh("v"), self.fresh("v"));
        let kind = self.any_kind();
        let value = self.expression(kind, 2);
        let rest = self.call(2);
        if self.chance(2) {
            self.line(&format!("local {first}, {second} = {value}, {rest}"));
        } else {
            self.line(&format!("local {first}, {second} = {rest}"));
        }
        self.declare(&first, Kind::Any, false);
        self.declare(&second, Kind::Any, false);
        if self.chance(3) {
            self.line(&format!("{first}, {second} = {second}, {first}"));
        }
    }

    fn assignment(&mut self) {
        let kind = self.any_kind();
        let Some(name) = self.variable(kind, true) else { return self.local() };
        let value = self.expression(kind, 3);
        if kind == Kind::Text {
            self.line(&format!("{name} = cut({value})"));
        } else {
            self.line(&format!("{name} = {value}"));
        }
    }

    fn field_assignment(&mut self) {
        let Some(record) = self.variable(Kind::Record, false) else { return self.local() };
        let field = self.pick(FIELDS);
        let kind = self.any_kind();
        let value = self.expression(kind, 2);
        match self.random.below(4) {
            0 => {
                let key = self.expression(Kind::Text, 1);
                self.line(&format!("{record}[{key}] = {value}"));
            }
            1 => self.line(&format!("{record}.{field} = ({record}.{field} or 4) + 1")),
            _ => self.line(&format!("{record}.{field} = {value}")),
        }
    }

    fn list_change(&mut self) {
        let Some(list) = self.variable(Kind::List, false) else { return self.local() };
        let value = self.expression(Kind::Number, 2);
        match self.random.below(7) {
            0 => self.line(&format!("{list}[#{list} + 1] = {value} or 4")),
            1 => self.line(&format!("table.insert({list}, {value} or 4)")),
            2 => self.line(&format!("table.insert({list}, 1, {value} or 4)")),
            3 => self.line(&format!("print(table.remove({list}))")),
            4 => self.line(&format!("print(table.remove({list}, 1))")),
            _ => self.line(&format!("sort({list})")),
        }
    }

    fn condition(&mut self, depth: usize) {
        let test = self.expression(Kind::Flag, 3);
        self.line(&format!("if {test} then"));
        let count = 1 + self.random.below(2);
        self.block(depth - 1, count);
        if self.chance(3) {
            let test = self.expression(Kind::Any, 2);
            self.line(&format!("elseif {test} then"));
            self.block(depth - 1, 1);
        }
        if self.chance(2) {
            self.line("else");
            self.block(depth - 1, 1);
        }
        self.line("end");
    }

    fn loop_body(&mut self, depth: usize) {
        self.loops += 1;
        self.indent += 1;
        self.line("tick()");
        self.indent -= 1;
        let count = 1 + self.random.below(3);
        self.block(depth - 1, count);
        if self.chance(4) {
            let test = self.expression(Kind::Flag, 2);
            self.indent += 1;
            self.line(&format!("if {test} then break end"));
            self.indent -= 1;
        }
        self.loops -= 1;
    }

    fn numeric_loop(&mut self, depth: usize) {
        let name = self.fresh("i");
        let range = self.pick(&[
            "1, 3",
            "3, 1, -1",
            "-1, 1, 0.5",
            "1, -1",
            "-2, 2, 2",
            "10, 1, -4",
            "1, 3.5",
            "'1', 2",
        ]);
        self.line(&format!("for {name} = {range} do"));
        let scope = self.variables.len();
        self.declare(&name, Kind::Number, true);
        self.loop_body(depth);
        self.variables.truncate(scope);
        self.line("end");
    }

    fn generic_loop(&mut self, depth: usize) {
        let (key, value) = (self.fresh("k"), self.fresh("w"));
        let (iterator, kinds) = match self.random.below(3) {
            0 => {
                let text = self.expression(Kind::Text, 1);
                let pattern = self.pick(&["'%a'", "'%w+'", "'(%a)(%a)'", "'%d'"]);
                (format!("string.gmatch({text}, {pattern})"), (Kind::Text, Kind::Any))
            }
            1 => {
                let list = self.expression(Kind::List, 1);
                (format!("ipairs({list})"), (Kind::Number, Kind::Any))
            }
            _ => {
                // A custom iterator, with state and control variable.
                (
                    "function(s, c) if c < s then return c + 1, c * c end end, 3, 1".into(),
                    (Kind::Number, Kind::Number),
                )
            }
        };
        self.line(&format!("for {key}, {value} in {iterator} do"));
        let scope = self.variables.len();
        self.declare(&key, kinds.0, true);
        self.declare(&value, kinds.1, true);
        self.loop_body(depth);
        self.variables.truncate(scope);
        self.line("end");
    }

    fn conditional_loop(&mut self, depth: usize) {
        let name = self.fresh("n");
        self.line(&format!("local {name} = number(0)"));
        self.declare(&name, Kind::Number, true);
        if self.chance(2) {
            self.line(&format!("while {name} < 3 do"));
            self.indent += 1;
            self.line(&format!("{name} = {name} + 1"));
            self.indent -= 1;
            self.loop_body(depth);
            self.line("end");
        } else {
            self.line("repeat");
            self.indent += 1;
            self.line(&format!("{name} = {name} + 1"));
            let last = self.fresh("u");
            self.line(&format!("local {last} = {name} >= 2"));
            self.indent -= 1;
            self.loop_body(depth);
            self.line(&format!("until {last}"));
        }
    }

    /// Generates the body of a function, with its parameters in scope.
    fn body(&mut self, parameters: &[&str], has_varargs: bool, yields: bool, depth: usize) {
        let scope = self.variables.len();
        self.functions.push(Frame { first: scope, has_varargs, yields });
        for parameter in parameters {
            let kind = self.any_kind();
            self.declare(parameter, kind, false);
        }
        self.indent += 1;
        self.line("tick()");
        self.indent -= 1;
        let count = 1 + self.random.below(3);
        self.block(depth.saturating_sub(1), count);
        self.indent += 1;
        self.result();
        self.indent -= 1;
        self.functions.pop();
        self.variables.truncate(scope);
    }

    fn result(&mut self) {
        match self.random.below(6) {
            0 => {}
            1 if !self.levels => {
                let call = self.call(1);
                self.line(&format!("return {call}"));
            }
            2 => {
                let call = self.call(1);
                self.line(&format!("return ({call})"));
            }
            3 if self.functions.last().is_some_and(|frame| frame.has_varargs) => {
                self.line("return ...")
            }
            _ => {
                let values = self.expressions(2);
                // A call at the end is only a tail call if it is the only value.
                self.line(&format!("return 1, {values}"));
            }
        }
    }

    fn function(&mut self, depth: usize) {
        let name = self.fresh("f");
        let has_varargs = self.chance(3);
        let parameters = if has_varargs { "a, ..." } else { "a, b" };
        match self.random.below(3) {
            0 => self.line(&format!("function {name}({parameters})")),
            1 => self.line(&format!("local {name} = function({parameters})")),
            _ => self.line(&format!("local function {name}({parameters})")),
        }
        let names: &[&str] = if has_varargs { &["a"] } else { &["a", "b"] };
        self.body(names, has_varargs, false, depth);
        self.line("end");
        self.declare(&name, Kind::Function, false);
    }

    fn method(&mut self, depth: usize) {
        let Some(record) = self.variable(Kind::Record, false) else { return self.local() };
        let field = self.pick(FIELDS);
        let sign = if self.chance(2) { ":" } else { "." };
        self.line(&format!("function {record}{sign}{field}(a)"));
        let names: &[&str] = if sign == ":" { &["self", "a"] } else { &["a"] };
        self.body(names, false, false, depth);
        self.line("end");
        let value = self.expression(Kind::Any, 1);
        self.line(&format!("print(pcall({record}.{field}, {value}))"));
    }

    fn protected(&mut self, depth: usize) {
        let handled = self.chance(4);
        self.line(if handled { "print(xpcall(function()" } else { "print(pcall(function(...)" });
        self.body(&[], !handled, false, depth);
        if handled {
            self.line("end, function(e) return 'handled', e end))");
        } else {
            let values = self.expressions(1);
            self.line(&format!("end, {values}))"));
        }
    }

    fn object(&mut self, depth: usize) {
        let name = self.fresh("o");
        self.line(&format!("local {name} = setmetatable({{x = 1}}, {{"));
        for _ in 0..1 + self.random.below(3) {
            let (event, parameters) = EVENTS[self.random.below(EVENTS.len())];
            self.line(&format!("{event} = function({parameters})"));
            let names: Vec<&str> = parameters.split(", ").collect();
            self.body(&names, false, false, depth.min(1));
            self.line("end,");
        }
        self.line("})");
        self.declare(&name, Kind::Record, false);
        let other = self.expression(Kind::Any, 1);
        let operator = self.pick(&["+", "-", "*", "/", "%", "^", "..", "==", "<", "<=", "~="]);
        self.line(&format!("print(pcall(function() return {name} {operator} {other} end))"));
        self.line(&format!(
            "print(pcall(function() return -{name}, {name}.y, {name}({other}) end))"
        ));
    }

    fn coroutine(&mut self, depth: usize) {
        let name = self.fresh("c");
        let wraps = self.chance(3);
        let make = if wraps { "wrap" } else { "create" };
        self.line(&format!("local {name} = coroutine.{make}(function(a, ...)"));
        self.body(&["a"], true, true, depth);
        self.line("end)");
        for _ in 0..1 + self.random.below(3) {
            let values = self.expressions(1);
            if wraps {
                self.line(&format!("print(pcall({name}, {values}))"));
            } else {
                self.line(&format!("print(coroutine.resume({name}, {values}))"));
                self.line(&format!("print(coroutine.status({name}))"));
            }
        }
    }

    fn failure(&mut self) {
        let value = self.expression(Kind::Any, 2);
        let text = match self.random.below(6) {
            0 => format!("assert({value}, 'asserted')"),
            1 => format!("error(({value}))"),
            2 if self.levels => format!("error(({value}), 2)"),
            3 => format!("error(({value}), number(0))"),
            4 => "assert(false)".into(),
            _ => "error({code = 1})".into(),
        };
        // The code after it is not always dead.
        let test = self.expression(Kind::Flag, 2);
        self.line(&format!("if {test} then {text} end"));
    }
}
