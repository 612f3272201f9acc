//! Random expressions: most are of the expected kind, some of another one.

use super::generator::{Frame, Generator, Kind};
use super::words::{FIELDS, FORMATS, NUMBERS, PATTERNS, TEXTS};

impl Generator {
    pub(super) fn expressions(&mut self, depth: usize) -> String {
        let count = 1 + self.random.below(3);
        let mut values = Vec::new();
        for _ in 0..count {
            let kind = self.any_kind();
            values.push(self.expression(kind, depth));
        }
        values.join(", ")
    }

    pub(super) fn expression(&mut self, kind: Kind, depth: usize) -> String {
        // Some are of another kind.
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
                let (mut a, b) =
                    (self.expression(Kind::Number, depth), self.expression(Kind::Number, depth));
                if is_constant(&a) && is_constant(&b) && matches!(operator, "-" | "*" | "%" | "/") {
                    a = format!("number({a})");
                }
                if self.chance(3) {
                    format!("({a} {operator} {b})")
                } else {
                    format!("{a} {operator} {b}")
                }
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
                // Which of two invalid arguments is reported depends on the C compiler, as do
                // numbers out of C's integer range.
                let (a, b) = (
                    self.expression(Kind::Number, depth),
                    self.pick(&["0.5", "-1", "2", "3", "-7", "10.5"]),
                );
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
                let (from, to) = (
                    self.pick(&["1", "2", "-3", "number(0)", "-1"]),
                    self.pick(&["-1", "3", "2", "-2", "100"]),
                );
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
                let replacement = self.pick(&[
                    "'<%0>'",
                    "'%1'",
                    "''",
                    "'%%'",
                    "function(s) return s .. s end",
                    "{a = 'A'}",
                    "'%2'",
                ]);
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
                let (a, b) =
                    (self.expression(Kind::Flag, depth), self.expression(Kind::Flag, depth));
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
            // A list must have no holes.
            values.push(format!("{value} or 4"));
        }
        format!("{{{}}}", values.join(", "))
    }

    fn record(&mut self, depth: usize) -> String {
        let count = self.random.below(4);
        let mut fields = Vec::new();
        for _ in 0..count {
            let kind = self.any_kind();
            let (field, value) =
                (self.pick(FIELDS), self.expression(kind, depth.saturating_sub(1).min(1)));
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
                let (list, index) =
                    (self.expression(Kind::List, 0), self.pick(&["1", "2", "#'ab'", "10", "1.5"]));
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
                // The variables of enclosing functions, if any.
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

    /// Generates a call, which is both an expression and a statement.
    pub(super) fn call(&mut self, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        match self.random.below(14) {
            0..=3 => {
                let function = self.variable(Kind::Function, false).unwrap_or("print".into());
                let values = self.expressions(depth);
                format!("{function}({values})")
            }
            4 => {
                let Some(record) = self.variable(Kind::Record, false) else {
                    return "type(nil)".into();
                };
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
                let (text, range) = (
                    self.expression(Kind::Text, depth),
                    self.pick(&["", ", 1, -1", ", 2", ", -2, 5"]),
                );
                format!("string.byte({text}{range})")
            }
            7 => {
                let (list, range) = (
                    self.expression(Kind::List, depth),
                    self.pick(&["", ", 2", ", 1, 3", ", -1, 1"]),
                );
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
                let function = self.pick(&[
                    "rawget",
                    "next",
                    "getmetatable",
                    "ipairs",
                    "tostring",
                    "string.len",
                ]);
                let value = self.expression(Kind::Any, depth);
                // The results may be addresses or functions, and the order of keys is any.
                match function {
                    "next" => format!("(next({value}) ~= nil)"),
                    _ => format!("type({function}({value}))"),
                }
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

/// Whether an expression can be folded: it contains no names.
fn is_constant(expression: &str) -> bool {
    !expression.contains(|c: char| c.is_ascii_alphabetic() && c != 'e' && c != 'x')
}
