//! Random programs whose outcome Lua 5.1's manual determines: any two implementations must print the same, errors included.
//!
//! A program is valid and ends: loops and functions count their steps, strings are kept short. Variables have a kind, and most
//! expressions are of the kind that is wanted; some are of another one, since messages of errors are to agree, too. What is left
//! to implementations is avoided: lengths of arrays with holes, the order of keys, addresses, inconsistent comparators; and what
//! COMPATIBILITY.md lists as different: levels of tail calls, yields across `pcall`, the constants 0 and -0 in one function (zeros
//! are made by the function `number`, which gives back its argument).

use crate::Random;

/// What a variable holds most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Flag,
    /// A table with values at 1 to n and nothing else.
    List,
    /// A table with fields.
    Record,
    Function,
    /// Whatever: often nil.
    Any,
}

const KINDS: &[Kind] = &[Kind::Number, Kind::Text, Kind::Flag, Kind::List, Kind::Record, Kind::Function, Kind::Any];

const NUMBERS: &[&str] = &[
    "number(0)",
    "1",
    "2",
    "3",
    "7",
    "10",
    "255",
    "256",
    "1000",
    "0.5",
    "1.5",
    "2.25",
    "1e3",
    "1e15",
    "1e16",
    "1e100",
    "0x10",
    "123456789",
    "3.14159265358979",
    "1/3",
    "-1",
    "-2",
    "-7.5",
    "2^31",
    "2^53",
    "1e-5",
    ".5",
    "5.",
    "1/number(0)",
    "-1/number(0)",
];
const TEXTS: &[&str] = &[
    "''",
    "'a'",
    "'abc'",
    "'hello world'",
    "\"it's\"",
    "'10'",
    "'0x1F'",
    "' 7 '",
    "'1e2'",
    "'5x'",
    "'key=value'",
    "'a,b,,c'",
    "[[long]]",
    "'tab\\there'",
    "'\\1z'",
    "'\\65\\066'",
    "'%d'",
    "'UPPER lower'",
];
const PATTERNS: &[&str] = &[
    "'%a+'",
    "'%d+'",
    "'(%w+)=(%w+)'",
    "'.'",
    "'.-'",
    "'^%s*(.-)%s*$'",
    "'[aeiou]'",
    "'[^,]*'",
    "'()b()'",
    "'%w+$'",
    "'l+'",
    "'(a)(b)'",
    "'%b()'",
    "'%f[%w]%w+'",
    "'[%w_]+'",
    "'a-'",
    "'x?'",
    "'[a-c]+'",
    "'[]]'",
    "'%'",
    "'(()'",
    "'[a'",
    "'%1'",
    "'(.)%1'",
    "'.*o'",
];
const FORMATS: &[&str] = &[
    "'%d'",
    "'%5.2f'",
    "'%s'",
    "'%-6s|'",
    "'%x'",
    "'%g'",
    "'%5d'",
    "'%05d'",
    "'%+d'",
    "'%e'",
    "'%q'",
    "'%10.3s|'",
    "'%i%%'",
    "'%X'",
    "'%o'",
    "'%.3g'",
    "'%#x'",
    "'% d'",
    "'%.14g'",
    "'%y'",
    "'%'",
    "'%s %s'",
    "'%u'",
];
const FIELDS: &[&str] = &["x", "y", "name", "count", "next", "value"];
const EVENTS: &[(&str, &str)] = &[
    ("__add", "a, b"),
    ("__sub", "a, b"),
    ("__mul", "a, b"),
    ("__div", "a, b"),
    ("__mod", "a, b"),
    ("__pow", "a, b"),
    ("__unm", "a"),
    ("__concat", "a, b"),
    ("__eq", "a, b"),
    ("__lt", "a, b"),
    ("__le", "a, b"),
    ("__index", "a, b"),
    ("__newindex", "a, b"),
    ("__call", "a, b"),
    ("__len", "a"),
    ("__tostring", "a"),
];

/// A name in scope.
#[derive(Clone)]
struct Variable {
    name: String,
    kind: Kind,
    /// Loop variables are not assigned to.
    is_fixed: bool,
}

/// The program with that number.
pub fn program(number: u64) -> String {
    let mut random = Random::new(number);
    // Fewer statements, more programs.
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

/// The function whose body is written.
struct Frame {
    /// Where its own variables begin.
    first: usize,
    has_varargs: bool,
    /// It is the body of a coroutine, and no other function: it may yield.
    yields: bool,
}

struct Generator {
    random: Random,
    text: String,
    indent: usize,
    variables: Vec<Variable>,
    functions: Vec<Frame>,
    names: usize,
    loops: usize,
    /// Whether errors name the caller's position; if not, there are tail calls, which lose it.
    levels: bool,
}

impl Generator {
    fn chance(&mut self, of: usize) -> bool {
        self.random.below(of) == 0
    }

    fn pick<'t>(&mut self, items: &'t [&'t str]) -> &'t str {
        items[self.random.below(items.len())]
    }

    fn line(&mut self, text: &str) {
        self.text.extend(std::iter::repeat_n(' ', self.indent));
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        // Short names come again, so that they shadow each other.
        format!("{prefix}{}", self.names % 9)
    }

    fn declare(&mut self, name: &str, kind: Kind, is_fixed: bool) {
        self.variables.push(Variable { name: name.into(), kind, is_fixed });
    }

    /// A variable of that kind that its name still means. None if there is none.
    fn variable(&mut self, kind: Kind, assigned: bool) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        for (at, variable) in self.variables.iter().enumerate() {
            let is_shadowed = self.variables[at + 1..].iter().any(|later| later.name == variable.name);
            if variable.kind == kind && !is_shadowed && !(assigned && variable.is_fixed) {
                names.push(&variable.name);
            }
        }
        let at = self.random.below(names.len());
        names.get(at).map(|name| name.to_string())
    }

    fn visible_names(&mut self) -> String {
        let mut names: Vec<String> = self.variables.iter().rev().map(|variable| variable.name.clone()).collect();
        names.dedup();
        names.truncate(6);
        names.join(", ")
    }

    fn any_kind(&mut self) -> Kind {
        KINDS[self.random.below(KINDS.len())]
    }

    /// A block's statements, with its variables out of scope afterwards.
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

    /// Several variables at once, from calls with too few and too many results.
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
        let range =
            self.pick(&["1, 3", "3, 1, -1", "-1, 1, 0.5", "1, -1", "-2, 2, 2", "10, 1, -4", "1, 3.5", "'1', 2"]);
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
                // An iterator of our own, with state and control variable.
                ("function(s, c) if c < s then return c + 1, c * c end end, 3, 1".into(), (Kind::Number, Kind::Number))
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

    /// The body of a function, with its parameters in scope.
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
            3 if self.functions.last().is_some_and(|frame| frame.has_varargs) => self.line("return ..."),
            _ => {
                let values = self.expressions(2);
                // A call at the end would be a tail call only if it stood alone.
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
        self.line(&format!("print(pcall(function() return -{name}, {name}.y, {name}({other}) end))"));
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
        // Not everything after it is dead.
        let test = self.expression(Kind::Flag, 2);
        self.line(&format!("if {test} then {text} end"));
    }

    fn expressions(&mut self, depth: usize) -> String {
        let count = 1 + self.random.below(3);
        let mut values = Vec::new();
        for _ in 0..count {
            let kind = self.any_kind();
            values.push(self.expression(kind, depth));
        }
        values.join(", ")
    }

    fn expression(&mut self, kind: Kind, depth: usize) -> String {
        // Now and then it is of another kind.
        let kind = if self.chance(25) { self.any_kind() } else { kind };
        if self.chance(2)
            && let Some(name) = self.variable(kind, false)
        {
            return name;
        }
        match kind {
            Kind::Number => self.number(depth),
            Kind::Text => self.text(depth),
            Kind::Flag => self.flag(depth),
            Kind::List => self.list(depth),
            Kind::Record => self.record(depth),
            Kind::Function => self.function_value(depth),
            Kind::Any => self.anything(depth),
        }
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 || self.chance(3) {
            return self.pick(NUMBERS).into();
        }
        let depth = depth - 1;
        match self.random.below(10) {
            0..=4 => {
                let operator = self.pick(&["+", "-", "*", "/", "%", "^"]);
                let (mut a, b) = (self.expression(Kind::Number, depth), self.expression(Kind::Number, depth));
                if is_constant(&a) && is_constant(&b) && matches!(operator, "-" | "*" | "%") {
                    a = format!("number({a})");
                }
                if self.chance(3) { format!("({a} {operator} {b})") } else { format!("{a} {operator} {b}") }
            }
            5 => {
                let a = self.expression(Kind::Number, depth);
                if is_constant(&a) { format!("-number({a})") } else { format!("-({a})") }
            }
            6 => {
                let text = self.expression(Kind::Text, depth);
                format!("#({text})")
            }
            7 => {
                let function = self.pick(&["floor", "ceil", "abs", "sqrt", "exp", "deg", "rad"]);
                let a = self.expression(Kind::Number, depth);
                format!("math.{function}({a})")
            }
            8 => {
                let function = self.pick(&["max", "min", "fmod", "pow", "ldexp"]);
                // Which of two wrong arguments is told depends on the C compiler, as do numbers that are no C integers.
                let (a, b) = (self.expression(Kind::Number, depth), self.pick(&["0.5", "-1", "2", "3", "-7", "10.5"]));
                format!("math.{function}({a}, {b})")
            }
            _ => {
                if self.chance(2) {
                    let value = self.expression(Kind::Any, depth);
                    return format!("tonumber({value})");
                }
                let (text, base) = (self.pick(TEXTS), self.pick(&["10", "16", "2", "36"]));
                format!("tonumber({text}, {base})")
            }
        }
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 || self.chance(3) {
            return self.pick(TEXTS).into();
        }
        let depth = depth - 1;
        let text = self.expression(Kind::Text, depth);
        match self.random.below(11) {
            0 | 1 => {
                let kind = if self.chance(2) { Kind::Number } else { Kind::Text };
                let other = self.expression(kind, depth);
                format!("{text} .. {other}")
            }
            2 => {
                let function = self.pick(&["upper", "lower", "reverse"]);
                format!("string.{function}({text})")
            }
            3 => {
                let (from, to) =
                    (self.pick(&["1", "2", "-3", "number(0)", "-1"]), self.pick(&["-1", "3", "2", "-2", "100"]));
                format!("({text}):sub({from}, {to})")
            }
            4 => {
                let count = self.pick(&["number(0)", "1", "3", "-1", "2.7"]);
                format!("({text}):rep({count})")
            }
            5 | 6 => {
                let format = self.pick(FORMATS);
                let values = self.expressions(depth);
                format!("string.format({format}, {values})")
            }
            7 => {
                let pattern = self.pick(PATTERNS);
                let replacement =
                    self.pick(&["'<%0>'", "'%1'", "''", "'%%'", "function(s) return s .. s end", "{a = 'A'}", "'%2'"]);
                format!("(string.gsub({text}, {pattern}, {replacement}))")
            }
            8 => {
                let value = self.expression(Kind::Number, depth);
                format!("tostring({value})")
            }
            9 => {
                let list = self.expression(Kind::List, depth);
                let separator = self.pick(&["", ", ','", ", '-', 1", ", ' ', 2, 3"]);
                format!("table.concat({list}{separator})")
            }
            _ => {
                let value = self.expression(Kind::Any, depth);
                format!("type({value})")
            }
        }
    }

    fn flag(&mut self, depth: usize) -> String {
        if depth == 0 || self.chance(4) {
            return self.pick(&["true", "false", "nil"]).into();
        }
        let depth = depth - 1;
        match self.random.below(8) {
            0..=2 => {
                let operator = self.pick(&["<", "<=", ">", ">=", "==", "~="]);
                let kind = if self.chance(3) { Kind::Text } else { Kind::Number };
                let (a, b) = (self.expression(kind, depth), self.expression(kind, depth));
                // A comparison's operands may not be comparisons without parentheses.
                format!("({a}) {operator} ({b})")
            }
            3 => {
                let operator = self.pick(&["==", "~="]);
                let (a, b) = (self.expression(Kind::Any, depth), self.expression(Kind::Any, depth));
                format!("({a}) {operator} ({b})")
            }
            4 => {
                let value = self.expression(Kind::Any, depth);
                format!("not ({value})")
            }
            5 => {
                let (a, b) = (self.expression(Kind::Flag, depth), self.expression(Kind::Flag, depth));
                let operator = self.pick(&["and", "or"]);
                format!("({a} {operator} {b})")
            }
            6 => {
                let (a, b) = (self.expression(Kind::Any, depth), self.expression(Kind::Any, depth));
                format!("rawequal({a}, {b})")
            }
            _ => {
                let (text, pattern) = (self.expression(Kind::Text, depth), self.pick(PATTERNS));
                format!("string.find({text}, {pattern}) ~= nil")
            }
        }
    }

    fn list(&mut self, depth: usize) -> String {
        let count = self.random.below(5);
        let mut values = Vec::new();
        for _ in 0..count {
            let kind = if self.chance(5) { Kind::Text } else { Kind::Number };
            let value = self.expression(kind, depth.saturating_sub(1).min(1));
            // No holes.
            values.push(format!("{value} or 4"));
        }
        format!("{{{}}}", values.join(", "))
    }

    fn record(&mut self, depth: usize) -> String {
        let count = self.random.below(4);
        let mut fields = Vec::new();
        for _ in 0..count {
            let kind = self.any_kind();
            let (field, value) = (self.pick(FIELDS), self.expression(kind, depth.saturating_sub(1).min(1)));
            if self.chance(4) {
                let key = self.expression(Kind::Text, 0);
                fields.push(format!("[{key}] = {value}"));
            } else {
                fields.push(format!("{field} = {value}"));
            }
        }
        format!("{{{}}}", fields.join(", "))
    }

    /// A function on one line.
    fn function_value(&mut self, depth: usize) -> String {
        let scope = self.variables.len();
        self.functions.push(Frame { first: scope, has_varargs: true, yields: false });
        self.declare("a", Kind::Any, false);
        let values = self.expressions(depth.saturating_sub(1).min(1));
        self.functions.pop();
        self.variables.truncate(scope);
        format!("function(a, ...) tick() return 1, {values} end")
    }

    fn anything(&mut self, depth: usize) -> String {
        if depth == 0 {
            let values = ["nil", "true", "1", "'s'", "{}", "undefined", "..."];
            let value = self.pick(&values);
            let has_varargs = self.functions.last().is_some_and(|frame| frame.has_varargs);
            return if value == "..." && !has_varargs { "nil".into() } else { value.into() };
        }
        let depth = depth - 1;
        match self.random.below(9) {
            0 => {
                let record = self.expression(Kind::Record, 0);
                let field = self.pick(FIELDS);
                format!("({record}).{field}")
            }
            1 => {
                let (list, index) = (self.expression(Kind::List, 0), self.pick(&["1", "2", "#'ab'", "10", "1.5"]));
                format!("({list})[{index}]")
            }
            2 | 3 => self.call(depth),
            4 => {
                let (test, a, b) = (
                    self.expression(Kind::Flag, depth),
                    self.expression(Kind::Any, depth),
                    self.expression(Kind::Any, depth),
                );
                format!("({test} and {a} or {b})")
            }
            5 if self.functions.last().is_some_and(|frame| frame.has_varargs) => {
                let index = self.pick(&["'#'", "1", "2", "-1"]);
                format!("select({index}, ...)")
            }
            6 => {
                // The variable of an enclosing function, if there is one.
                let first = self.functions.last().map_or(0, |frame| frame.first);
                let at = self.random.below(first);
                self.variables.get(at).map_or("nil".into(), |variable| variable.name.clone())
            }
            _ => {
                let kind = self.any_kind();
                if kind == Kind::Any { "nil".into() } else { self.expression(kind, depth) }
            }
        }
    }

    /// A call, which is an expression and a statement.
    fn call(&mut self, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        match self.random.below(14) {
            0..=3 => {
                let function = self.variable(Kind::Function, false).unwrap_or("print".into());
                let values = self.expressions(depth);
                format!("{function}({values})")
            }
            4 => {
                let Some(record) = self.variable(Kind::Record, false) else { return "type(nil)".into() };
                let field = self.pick(FIELDS);
                let values = self.expressions(depth);
                format!("{record}:{field}({values})")
            }
            5 => {
                let (text, pattern) = (self.expression(Kind::Text, depth), self.pick(PATTERNS));
                let function = self.pick(&["find", "match"]);
                let start = self.pick(&["", "", ", 2", ", -2", ", 1, true"]);
                format!("string.{function}({text}, {pattern}{start})")
            }
            6 => {
                let (text, range) = (self.expression(Kind::Text, depth), self.pick(&["", ", 1, -1", ", 2", ", -2, 5"]));
                format!("string.byte({text}{range})")
            }
            7 => {
                let (list, range) = (self.expression(Kind::List, depth), self.pick(&["", ", 2", ", 1, 3", ", -1, 1"]));
                format!("unpack({list}{range})")
            }
            8 => {
                let function = self.pick(&["modf", "frexp"]);
                let value = self.expression(Kind::Number, depth);
                format!("math.{function}({value})")
            }
            9 => {
                let function = self.variable(Kind::Function, false).unwrap_or("type".into());
                let values = self.expressions(depth);
                format!("pcall({function}, {values})")
            }
            10 => {
                let index = self.pick(&["1", "2", "-1", "'#'", "number(0)", "-9"]);
                let values = self.expressions(depth);
                format!("select({index}, {values})")
            }
            11 => {
                let function = self.pick(&["rawget", "next", "getmetatable", "ipairs", "tostring", "string.len"]);
                let value = self.expression(Kind::Any, depth);
                // What these give may be an address or a function.
                format!("type({function}({value}))")
            }
            12 => {
                let code = self.pick(&[
                    "'return 1 + 1'",
                    "'return ...'",
                    "'x ='",
                    "'local a = 1 return a .. b'",
                    "'for'",
                    "'return }'",
                ]);
                format!("loadstring({code}, '=l')")
            }
            _ => {
                let values = self.expressions(depth);
                format!("(function(...) tick() return select('#', ...), ... end)({values})")
            }
        }
    }
}

/// Whether an expression is folded: there is no name in it.
fn is_constant(expression: &str) -> bool {
    !expression.contains(|c: char| c.is_ascii_alphabetic() && c != 'e' && c != 'x')
}
